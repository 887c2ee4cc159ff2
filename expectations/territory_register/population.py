"""What must hold of the population series.

Districts are not added up here: their region is not in the batch, and in 2026 the districts of one oblast
have fewer people than the oblast, because some are not assigned to a district. dbt compares them.
"""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe

from expectations.territory_register.codes import ANY, code, listed
from expectations.vocabulary import History, load, row, rule, unique

CONTEXT = {
    "in_force": "select territory_id, year, max(population) as population "
    "from raw.territory_register__population join ops.effective_load using (load_id) group by territory_id, year"
}
# Since 1991 no territory had less than 0.57 or more than 1.86 of its median population in these years.
FACTOR = 5

SUITE: list[Any] = [
    *code("territory_id", ANY, "BY, BY-XX, r-… или c-…"),
    listed("territory_id"),
    unique(["territory_id", "year"], says="Для территории и года есть только одно значение.", mostly=0.99),
    rule(
        "year between 1800 and (select year(today) from delivery)",
        columns=["year"],
        name="year_possible",
        dimension="validity",
        says="Год – от 1800 до года передачи: численность будущего года неизвестна.",
        remedy="Исправьте год; прогноз сюда не входит.",
        mostly=0.99,
    ),
    rule(
        f"case when year >= 1991 then population between {1 / FACTOR} * median(population) filter (where year >= 1991) "
        f"over (partition by territory_id) and {FACTOR} * median(population) filter (where year >= 1991) "
        "over (partition by territory_id) end",
        columns=["territory_id", "year", "population"],
        name="population_like_other_years",
        dimension="consistency",
        says=f"С 1991 года численность территории отличается от обычной для неё не больше чем в {FACTOR} раз.",
        remedy="Исправьте численность; проверьте единицу (человек, а не тысяч).",
        mostly=0.99,
    ),
    rule(
        "population between "
        f"{1 / FACTOR} * (select known.population from in_force as known where known.territory_id = delivered.territory_id "
        "and known.year = delivered.year) and "
        f"{FACTOR} * (select known.population from in_force as known where known.territory_id = delivered.territory_id "
        "and known.year = delivered.year)",
        columns=["territory_id", "year", "population"],
        name="population_like_in_force",
        dimension="consistency",
        says=f"Численность за тот же год отличается от принятой раньше не больше чем в {FACTOR} раз.",
        remedy="Исправьте численность; проверьте единицу (человек, а не тысяч) и код территории.",
        mostly=0.99,
    ),
    row(
        gxe.ExpectColumnValuesToNotBeNull,
        column="year",
        name="year_given",
        dimension="completeness",
        says="Год указан.",
        remedy="Впишите год.",
    ),
    row(
        gxe.ExpectColumnValuesToNotBeNull,
        column="population",
        name="population_given",
        dimension="completeness",
        says="Численность указана; если её нет, строки быть не должно.",
        remedy="Впишите численность или уберите строку.",
    ),
    row(
        gxe.ExpectColumnValuesToBeInSet,
        column="status",
        value_set=["c", "e", "r"],
        name="status_known",
        dimension="validity",
        says="Происхождение числа – c (перепись), e (оценка) или r (восстановлено).",
        remedy="Исправьте обозначение; новое сначала внесите в список.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select year, max(population) filter (where territory_id = 'BY') as country, "
            "sum(population) filter (where territory_id like 'BY-%') as regions from {batch} group by year "
            "having count(*) filter (where territory_id like 'BY-%') = 7 and year >= 2009 "
            "and max(population) filter (where territory_id = 'BY') <> "
            "sum(population) filter (where territory_id like 'BY-%')"
        ),
        name="regions_add_up",
        dimension="consistency",
        says="С 2009 года сумма по областям и г. Минску равна численности страны.",
        remedy="Передайте ряды одного пересчёта: часть чисел взята из другой версии.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select max(year) as last_year, count(*) filter (where year = (select max(year) from {batch}) "
            "and (territory_id = 'BY' or territory_id like 'BY-%')) as given from {batch} "
            "having count(*) filter (where year = (select max(year) from {batch}) "
            "and (territory_id = 'BY' or territory_id like 'BY-%')) <> 8"
        ),
        name="last_year_whole",
        dimension="completeness",
        says="Последний год есть по стране, всем областям и г. Минску.",
        remedy="Дополните последний год.",
    ),
]

HISTORY = History(
    key=("territory_id", "year"),
    by=("territory_id",),
    period="year",
    quantities={"человек": "population"},
)
