"""What must hold of an answer with average wages. Wages up to 2015 are in old roubles: dbt converts them."""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe

from expectations.belstat.answer import (
    COUNTRY,
    REGIONS,
    growth,
    neighbours,
    regions_present,
    rows_of_an_answer,
)
from expectations.vocabulary import History, load

CONTEXT = neighbours("wages")

SUITE: list[Any] = [
    *rows_of_an_answer(dimensions=[]),
    # published: 1.06 to 1.48, but 1.50 to 1.58 in 2011 and 1.84 to 1.97 in 2012, when the rouble was devalued
    growth(
        0.7,
        1.7,
        value="case when period <= '2015' then value / 10000 else value end",
        odd={"2011": 2.2, "2012": 2.5},
    ),
    regions_present([COUNTRY, *REGIONS]),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select period, min(value) as least, max(value) as greatest from {batch} "
            "group by period having max(value) > 50 * min(value)"
        ),
        name="one_rouble_a_year",
        dimension="consistency",
        says="В одном году все зарплаты в одних рублях: наибольшая не больше наименьшей в 50 раз.",
        remedy="Проверьте единицу измерения: старые и новые рубли (деноминация 1 июля 2016 года) смешаны.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select period, max(value) filter (where territory_level = 0) as country, "
            "min(value) filter (where territory_level = 1) as least, "
            "max(value) filter (where territory_level = 1) as greatest from {batch} group by period "
            "having max(value) filter (where territory_level = 0) "
            "not between min(value) filter (where territory_level = 1) "
            "and max(value) filter (where territory_level = 1)"
        ),
        name="country_within_regions",
        dimension="consistency",
        says="Зарплата по стране не меньше наименьшей и не больше наибольшей по областям.",
        remedy="Запросите таблицу заново; если расхождение остаётся, сообщите Белстату.",
    ),
]

# Wages up to 2015 are in old roubles.
HISTORY = History(
    key=("territory", "period"),
    by=("territory",),
    period="period",
    quantities={"значение": "case when period <= '2015' then value / 10000 else value end"},
    counted=False,
)
