"""What must hold of an answer with gross regional product per head: the six oblasts and Minsk."""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe

from expectations.belstat.answer import REGIONS, growth, neighbours, regions_present, rows_of_an_answer
from expectations.vocabulary import History, load

CONTEXT = neighbours("grp_per_capita")

SUITE: list[Any] = [
    *rows_of_an_answer(dimensions=[]),
    # published: 1.06 to 1.51
    growth(0.7, 1.7),
    regions_present(REGIONS),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select period, count(value) as published from {batch} "
            "group by period having count(value) not in (0, 7)"
        ),
        severity="warning",
        name="year_whole",
        dimension="completeness",
        says="Год опубликован либо по всем областям и г. Минску, либо ни по одной.",
        remedy="Запросите таблицу заново позже: часть областей ещё не опубликована.",
    ),
]

HISTORY = History(
    key=("territory", "period"),
    by=("territory",),
    period="period",
    quantities={"значение": "value"},
    counted=False,
)
