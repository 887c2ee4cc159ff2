"""What must hold of an answer with migration: arrivals or net, of regions by flow or of districts in all."""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe

from expectations.belstat.answer import WHOLE_PERSONS, regions_differ_query, rows_of_an_answer, totals_present
from expectations.vocabulary import History, load, row
from pipelines.declarations.sources import load_sources

DIMENSIONS = ["country", "education", "flow", "age", "sex", "locality"]
TOTAL, INTERNATIONAL, INTERNAL = (
    "Всего по всем потокам миграции",
    "Международная миграция",
    "Внутриреспубликанская миграция",
)
WITHIN_OBLAST, BETWEEN_OBLASTS = "Внутриобластная миграция", "Межобластная миграция"
FLOWS = [
    TOTAL,
    INTERNATIONAL,
    "Миграция со странами СНГ",
    "Миграция со странами вне СНГ",
    INTERNAL,
    BETWEEN_OBLASTS,
    WITHIN_OBLAST,
    "межрайонная миграция",
    "внутрирайонная миграция",
]

SUITE: list[Any] = [
    *rows_of_an_answer(dimensions=DIMENSIONS),
    WHOLE_PERSONS,
    totals_present(load_sources()["belstat"].feeds["migration"].counted),
    row(
        gxe.ExpectColumnValuesToBeInSet,
        column="flow",
        value_set=FLOWS,
        name="flow_known",
        dimension="validity",
        says="Поток миграции – один из девяти потоков портала, назван как там.",
        remedy="Исправьте название потока; новый поток сначала внесите в список.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=regions_differ_query(DIMENSIONS, "country = 'Всего по странам'"),
        name="regions_add_up",
        dimension="consistency",
        says="Сумма по областям и г. Минску равна значению по стране (всего по странам).",
        remedy="Запросите таблицу заново; если расхождение остаётся, сообщите Белстату.",
    ),
    # Belstat itself published two countries of 2017 that do not add up, so this one only warns
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=regions_differ_query(DIMENSIONS, "country <> 'Всего по странам'"),
        severity="warning",
        name="regions_add_up_by_country",
        dimension="consistency",
        says="Сумма по областям и г. Минску равна значению по стране для каждой страны миграции.",
        remedy="Сообщите Белстату о расхождении; итоги по всем странам оно не меняет.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            f"select territory, period, max(value) filter (where flow = '{TOTAL}') as total, "
            f"sum(value) filter (where flow in ('{INTERNATIONAL}', '{INTERNAL}')) as parts from {{batch}} "
            "where country = 'Всего по странам' group by territory, period "
            f"having count(value) filter (where flow in ('{INTERNATIONAL}', '{INTERNAL}')) = 2 "
            f"and max(value) filter (where flow = '{TOTAL}') <> "
            f"sum(value) filter (where flow in ('{INTERNATIONAL}', '{INTERNAL}'))"
        ),
        name="flows_add_up",
        dimension="consistency",
        says="Международная и внутренняя миграция вместе дают общий поток.",
        remedy="Запросите таблицу заново; если расхождение остаётся, сообщите Белстату.",
    ),
]

# The listed countries change from year to year: only figures of all countries together form a series.
HISTORY = History(
    key=("territory", "country", "flow", "period"),
    by=("territory", "flow"),
    period="period",
    figures_where="country = 'Всего по странам'",
    quantities={
        "прибыло": "case when table_name like 'Число%' then value end",
        "прирост": "case when table_name not like 'Число%' then value end",
    },
    balances=("прирост",),
    may_move=0.7,
    least=300,
)
