"""What must hold of the areas of towns."""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe

from expectations.territory_register.codes import TOWN, code, listed
from expectations.vocabulary import History, row, unique

SUITE: list[Any] = [
    *code("city_id", TOWN, "c-…"),
    listed("city_id"),
    unique(["city_id"], says="У города одна площадь.", mostly=0.99),
    row(
        gxe.ExpectColumnValuesToNotBeNull,
        column="admin_area_km2",
        mostly=0.95,
        name="area_given",
        dimension="completeness",
        says="Площадь указана.",
        remedy="Впишите площадь или уберите строку.",
    ),
    row(
        gxe.ExpectColumnValuesToMatchRegex,
        column="osm_relation_id",
        regex=r"^[0-9]{1,12}$",
        mostly=0.95,
        name="osm_relation_is_code",
        dimension="validity",
        says="Номер границы в OpenStreetMap – от 1 до 12 цифр и ничего кроме них; это текст, а не число.",
        remedy="Выгрузите столбец osm_relation_id как текст: Excel превращает номер в 6,72E+06.",
    ),
    row(
        gxe.ExpectColumnValuesToBeInSet,
        column="admin_level",
        value_set=["4", "6", "8"],
        severity="warning",
        name="admin_level_known",
        dimension="validity",
        says="Уровень границы – 4 (Минск), 6 (город областного подчинения) или 8.",
        remedy="Проверьте, та ли граница взята.",
    ),
]

HISTORY = History(
    key=("city_id",),
    by=("city_id",),
    quantities={"площадь, км²": "admin_area_km2"},
    counted=False,
    least=0,
)
