"""What must hold of a workbook with the wages of a month: the month of its name, and a total within its activities."""

from typing import Any

import great_expectations.expectations as gxe

from expectations.vocabulary import History, load, required, rule, unique

MONTHS = (
    "январь", "февраль", "март", "апрель", "май", "июнь", "июль", "август", "сентябрь", "октябрь", "ноябрь", "декабрь",
)  # fmt: skip
LISTED = ", ".join(f"'{month}'" for month in MONTHS)
TOTALS = "('Всего', 'Всего / Total')"

SUITE: list[Any] = [
    required("activity", named="вид деятельности"),
    required("wage", named="заработная плата за месяц"),
    unique(["activity"], says="Вид деятельности встречается в таблице один раз."),
    rule(
        f"lower(month_ru) = (select ([{LISTED}])[month(first_day)] from delivery)",
        columns=["month_ru"],
        name="month_is_named",
        dimension="consistency",
        says="Месяц в заголовке таблицы – тот, что в имени файла.",
        remedy="Переименуйте файл: nach_sr_zarplata-ГГММ.xlsx.",
    ),
    rule(
        "year = (select year(first_day)::varchar from delivery)",
        columns=["year"],
        name="year_is_named",
        dimension="consistency",
        says="Год в заголовке таблицы – тот, что в имени файла.",
        remedy="Переименуйте файл: nach_sr_zarplata-ГГММ.xlsx.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            f"select count(*) || ' строк «Всего»' as told from {{batch}} where activity in {TOTALS} having count(*) <> 1"
        ),
        name="total_present",
        dimension="completeness",
        says="В таблице одна строка «Всего».",
        remedy="Передайте таблицу целиком; если итог назван по-новому, название сначала вносят в описание источника.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            f"select max(wage) filter (where activity in {TOTALS})::varchar as told from {{batch}} "
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
