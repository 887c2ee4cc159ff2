"""What must hold of an answer with employed persons: districts and towns only, in persons."""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe

from expectations.belstat.answer import rows_of_an_answer
from expectations.vocabulary import History, load

SUITE: list[Any] = [
    *rows_of_an_answer(dimensions=[]),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select territory, period, value from {batch} where value is null and period in "
            "(select period from {batch} where value is not null) and territory not like 'Не распределено%'"
        ),
        severity="warning",
        name="year_whole",
        dimension="completeness",
        says="Если год опубликован, он опубликован по всем районам.",
        remedy="Запросите таблицу заново позже: часть районов ещё не опубликована.",
    ),
]

HISTORY = History(
    key=("territory", "period"),
    by=("territory",),
    period="period",
    quantities={"значение": "value"},
)
