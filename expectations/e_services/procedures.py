"""What must hold of a month's administrative procedures: parts within wholes, and sections that add up to the total."""

from typing import Any

import great_expectations.expectations as gxe

from expectations.vocabulary import History, between, load, of_named_month, required, unique

TOTALS = "('Итого', 'Всего')"
COLUMNS = ("listed", "listed_online", "carried_out", "carried_out_online")
# Figures in thousands are rounded.
ROUNDING = "0.001 * max({column}) filter (where section in " + TOTALS + ") + 0.5"


def _differs(column: str) -> str:
    total = f"max({column}) filter (where section in {TOTALS})"
    parts = f"sum({column}) filter (where section not in {TOTALS})"
    return (
        f"select '{column}: ' || {total} || ' и ' || {parts} as description from {{batch}} "
        f"having abs({total} - {parts}) > {ROUNDING.format(column=column)}"
    )


SUITE: list[Any] = [
    required("section", named="раздел перечня"),
    required("listed", named="процедур в перечне"),
    required("listed_online", named="из них в электронной форме"),
    required("carried_out", named="осуществлено за месяц"),
    required("carried_out_online", named="осуществлено в электронной форме"),
    between("listed_online", 0, "listed", named="из них в электронной форме", limits="от 0 до числа процедур в перечне"),
    between(
        "carried_out_online", 0, "carried_out",
        named="осуществлено в электронной форме", limits="от 0 до числа осуществлённых процедур",
    ),
    unique(["section"], says="Раздел перечня встречается в таблице один раз."),
    *of_named_month("month_ru", "year", like="e-services-2026-10.xlsx"),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            f"select count(*) || ' строк «Итого»' as description from {{batch}} where section in {TOTALS} having count(*) <> 1"
        ),
        name="total_present",
        dimension="completeness",
        says="В таблице одна строка «Итого».",
        remedy="Передайте таблицу целиком, с итогом.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=" union all ".join(map(_differs, COLUMNS)),
        name="sections_add_up",
        dimension="consistency",
        says="Разделы в сумме дают «Итого».",
        remedy="Проверьте разделы, итог и единицы измерения (единицы или тысячи).",
    ),
]  # fmt: skip

HISTORY = History(
    key=("section",),
    row=("section", "carried_out"),
    by=("section",),
    quantities={"осуществлено процедур": "carried_out"},
    figures_where=f"section not in {TOTALS}",
    steady=True,
    may_move=1.1,
)
