"""What must hold of the list of towns and the districts that they lie in."""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe

from expectations.territory_register.codes import DISTRICT, TOWN, code, listed
from expectations.vocabulary import History, load, row, unique

# How many towns may change their district, in per cent of those listed, although no change (changes.csv) announces it.
MAY_MOVE_UNANNOUNCED_PCT = 10

CONTEXT = {
    "in_force": (
        "select city_id, raion_id from raw.territory_register__town_districts join ops.effective_load using (load_id)"
    ),
    "announced": (
        "select territory_id, from_id, to_id from raw.territory_register__changes "
        "join ops.effective_load using (load_id) where kind = 'move'"
    ),
    "ended": (
        "select territory_id as raion_id from raw.territory_register__changes "
        "join ops.effective_load using (load_id) where kind in ('merge', 'split')"
    ),
    "names": (
        "select territory_id, name_ru from raw.territory_register__territories join ops.effective_load using (load_id)"
    ),
}

MOVED = """
    select
        units.city_id,
        coalesce(names.name_ru || ' (' || units.city_id || ')', units.city_id) || ': теперь в ' || units.raion_id
        || ', прежде в ' || in_force.raion_id as description,
        in_force.raion_id in (select raion_id from ended) or exists (
            select 1 from announced
            where
                announced.territory_id = units.city_id
                and announced.from_id = in_force.raion_id
                and announced.to_id = units.raion_id
        ) as is_announced
    from {batch} as units
    join in_force using (city_id)
    left join names on units.city_id = names.territory_id
    where units.raion_id <> in_force.raion_id
"""

SUITE: list[Any] = [
    *code("city_id", TOWN, "c-…"),
    listed("city_id"),
    *code("raion_id", DISTRICT, "r-…"),
    listed("raion_id"),
    unique(["city_id"], says="Город находится только в одном районе.", mostly=0.99),
    row(
        gxe.ExpectColumnValuesToBeInSet,
        column="method",
        value_set=["native", "pip", "manual"],
        severity="warning",
        name="method_known",
        dimension="validity",
        says="Способ – native, pip или manual.",
        remedy="Сообщите, что означает новый способ.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            f"select description from ({MOVED}) where not is_announced "
            f"and 100 * (select count(*) from ({MOVED}) where not is_announced) "
            f"> {MAY_MOVE_UNANNOUNCED_PCT} * greatest((select count(*) from in_force), {200 // MAY_MOVE_UNANNOUNCED_PCT}) "
            "order by city_id"
        ),
        name="few_towns_move",
        dimension="consistency",
        says=(
            f"Не больше {MAY_MOVE_UNANNOUNCED_PCT} % городов оказываются в другом районе, если об этом ничего не сказано. "
            "Перешли:"
        ),
        remedy="Проверьте столбец raion_id. Если города перешли, сначала передайте changes.csv с этими изменениями.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=f"select description from ({MOVED}) order by city_id",
        severity="warning",
        name="towns_moved",
        dimension="consistency",
        says="Города остались в прежних районах. Перешли:",
        remedy=(
            "Если так и есть, передайте и новую численность населения: до неё значения районов, в которых не сходится "
            "численность, не публикуются. До дня получения списка город считается в прежнем районе; другой день можно "
            "сообщить в changes.csv."
        ),
    ),
]

HISTORY = History(key=("city_id",), by=("raion_id",), least=0)
