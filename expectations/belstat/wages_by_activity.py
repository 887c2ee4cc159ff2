"""What must hold of a workbook with the wages of a month: the month of its name, and a total within its activities."""

from typing import Any

import great_expectations.expectations as gxe

from expectations.vocabulary import History, load, of_named_month, required, unique

TOTALS = "('Всего', 'Всего / Total')"

SUITE: list[Any] = [
    required("activity", named="вид деятельности"),
    required("wage", named="заработная плата за месяц"),
    unique(["activity"], says="Вид деятельности встречается в таблице один раз."),
    *of_named_month("month_ru", "year", like="nach_sr_zarplata-2608.xlsx"),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            f"select count(*) || ' строк «Всего»' as description from {{batch}} where activity in {TOTALS} having count(*) <> 1"
        ),
        name="total_present",
        dimension="completeness",
        says="В таблице одна строка «Всего».",
        remedy="Передайте таблицу целиком; если итог назван по-новому, название сначала вносят в описание источника.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            f"select max(wage) filter (where activity in {TOTALS})::varchar as description from {{batch}} "
            f"having max(wage) filter (where activity in {TOTALS}) not between "
            f"min(wage) filter (where activity not in {TOTALS}) and max(wage) filter (where activity not in {TOTALS})"
        ),
        name="total_within_activities",
        dimension="consistency",
        says="Зарплата по стране не меньше наименьшей и не больше наибольшей по видам деятельности.",
        remedy="Скачайте таблицу заново; если расхождение остаётся, сообщите Белстату.",
    ),
]

HISTORY = History(
    key=("activity",),
    row=("activity", "wage"),
    by=("activity",),
    quantities={"заработная плата": "wage"},
    figures_where=f"activity in {TOTALS}",
    counted=False,
)
