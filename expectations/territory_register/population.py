"""What must hold of the population series.

Districts are not added up here: their region is not in the batch, and in 2026 the districts of one oblast
hold fewer people than the oblast, because some are assigned to no district. dbt compares them.
"""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe

from expectations.territory_register.codes import ANY, code, listed, unique
from expectations.vocabulary import History, load, row

SUITE: list[Any] = [
    *code("territory_id", ANY, "BY, BY-XX, r-… или c-…"),
    listed("territory_id"),
    unique(["territory_id", "year"], "Для территории и года есть только одно значение."),
    row(
        gxe.ExpectColumnValuesToBeBetween,
        column="year",
        min_value=1800,
        max_value=2100,
        name="year_possible",
        dimension="validity",
        says="Год – от 1800 до 2100.",
        remedy="Исправьте год.",
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
        gxe.ExpectColumnValuesToBeBetween,
        column="population",
        min_value=0,
        max_value=12_000_000,
        mostly=0.99,
        name="population_possible",
        dimension="validity",
        says="Численность – целое число человек от 0 до 12 000 000.",
        remedy="Исправьте численность; проверьте единицу (человек, а не тысяч).",
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
