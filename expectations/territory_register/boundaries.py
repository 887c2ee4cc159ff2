"""What must hold of the outlines of regions and districts."""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe

from expectations.territory_register.codes import ANY, code, listed
from expectations.vocabulary import History, load, row, unique

CONTEXT = {
    "register": "select territory_id, level, parent_id "
    "from raw.territory_register__territories join ops.effective_load using (load_id)"
}
# A region without districts (Minsk) is itself in the layer of districts.
OF_THE_LAYER = """
    select territory_id from register, delivery
    where case part
        when 'adm1' then level = 'oblast'
        else level = 'raion' or level = 'oblast' and territory_id not in (
            select parent_id from register where level = 'raion' and parent_id is not null
        )
    end
"""

SUITE: list[Any] = [
    *code("feature_id", ANY, "BY-XX или r-…"),
    listed("feature_id"),
    unique(["feature_id"], says="У территории один контур.", mostly=0.99),
    row(
        gxe.ExpectColumnValuesToNotBeNull,
        column="geometry",
        # the reader reports a broken outline, and only it goes to quarantine; a layer of broken ones is refused
        mostly=0.95,
        name="geometry_given",
        dimension="completeness",
        says="У территории есть контур, и он без ошибок.",
        remedy="Добавьте геометрию или исправьте её: причина и место названы у строки.",
    ),
    row(
        gxe.ExpectColumnValuesToBeInSet,
        column="geometry_type",
        value_set=["Polygon", "MultiPolygon"],
        name="geometry_is_area",
        dimension="validity",
        says="Контур – Polygon или MultiPolygon.",
        remedy="Сохраните слой площадей, а не линий или точек.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            f"select 'нет ' || territory_id as description from ({OF_THE_LAYER}) as missing "
            "where territory_id not in (select feature_id from {batch} where feature_id is not null) union all "
            "select 'лишний ' || feature_id from {batch} "
            f"where feature_id not in ({OF_THE_LAYER}) and exists (select 1 from register) order by description"
        ),
        name="layer_whole",
        dimension="completeness",
        says="В слое adm1 есть контур каждого региона действующего реестра и только они, в слое adm2 – каждого района и "
        "г. Минска и только они.",
        remedy="Передайте целиком слой того уровня, который указан в имени файла.",
    ),
]

# The figures of an outline are its position, so two swapped outlines are detected.
HISTORY = History(
    key=("feature_id",),
    by=("feature_id",),
    quantities={"середина, долгота": "(east + west) / 2", "середина, широта": "(north + south) / 2"},
    counted=False,
    least=0,
)
