"""How an expectation is written: a Great Expectations expectation, and its meaning for a supplier.

``row`` holds for each row: rows that fail go to quarantine (critical) or are flagged (warning).
``rule`` is a ``row`` written as an SQL condition.
``load`` holds for the delivery as a whole: if it fails, the load is refused (critical) or flagged (warning).
``required``, ``code``, ``in_set``, ``between`` and ``unique`` are what most feeds need, with their texts.
``History`` says how a delivery is compared with earlier ones of its feed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import great_expectations.expectations as gxe

Dimension = Literal["completeness", "validity", "uniqueness", "consistency", "timeliness", "accuracy"]
Severity = Literal["critical", "warning"]


def _declare(
    expectation: Callable[..., Any],
    level: Literal["row", "load"],
    name: str,
    dimension: Dimension,
    severity: Severity,
    says: str,
    remedy: str,
    arguments: dict[str, Any],
) -> Any:
    meta = {"name": name, "level": level, "dimension": dimension, "says": says, "remedy": remedy}
    return expectation(severity=severity, meta=meta, **arguments)


def row(
    expectation: Callable[..., Any],
    /,
    *,
    name: str,
    dimension: Dimension,
    says: str,
    remedy: str,
    severity: Severity = "critical",
    **arguments: Any,
) -> Any:
    """Declare what must hold for each row.

    ``name`` is unique in the suite, ``says`` and ``remedy`` are Russian sentences that the supplier reads.
    ``arguments`` are passed to the GX expectation; if a smaller share of rows than ``mostly`` passes, the load is refused.
    """
    return _declare(expectation, "row", name, dimension, severity, says, remedy, arguments)


def load(
    expectation: Callable[..., Any],
    /,
    *,
    name: str,
    dimension: Dimension,
    says: str,
    remedy: str,
    severity: Severity = "critical",
    **arguments: Any,
) -> Any:
    """Declare what must hold for the delivery as a whole (arguments as in :func:`row`)."""
    return _declare(expectation, "load", name, dimension, severity, says, remedy, arguments)


def rule(
    holds: str,
    /,
    *,
    columns: list[str],
    name: str,
    dimension: Dimension,
    says: str,
    remedy: str,
    severity: Severity = "critical",
    mostly: float = 1.0,
) -> Any:
    """Declare what must hold for each row as an SQL condition on its columns and the tables beside the batch.

    If the condition is null, the rule does not apply to the row. The supplier sees the values of ``columns``.
    """
    column = holds_column(name)
    given = _declare(
        gxe.ExpectColumnValuesToBeInSet, "row", name, dimension, severity, says, remedy,
        {"column": column, "value_set": [1], "mostly": mostly},
    )  # fmt: skip
    given.meta.update(holds=holds, columns=columns)
    return given


# --- What most feeds need. ``named`` is the supplier's name of the column, if it differs from its name here.


def required(column: str, *, named: str | None = None, mostly: float = 0.95) -> Any:
    """Each row has a value in the column."""
    return row(
        gxe.ExpectColumnValuesToNotBeNull,
        column=column,
        mostly=mostly,
        name=f"{column}_given",
        dimension="completeness",
        says=f"Столбец «{named or column}» заполнен.",
        remedy="Впишите значение и передайте выгрузку снова.",
    )


def code(column: str, pattern: str, *, like: str, named: str | None = None, mostly: float = 0.95) -> Any:
    """The value is a code that matches ``pattern`` completely; ``like`` is an example."""
    return row(
        gxe.ExpectColumnValuesToMatchRegex,
        column=column,
        regex=f"^(?:{pattern})$",
        mostly=mostly,
        name=f"{column}_is_code",
        dimension="validity",
        says=f"Код в столбце «{named or column}» записан по образцу {like}.",
        remedy="Проверьте код: нет ли в нём пробелов, кириллицы вместо латиницы, потерянных нулей.",
    )


def in_set(column: str, values: Iterable[str], *, named: str | None = None, mostly: float = 0.95) -> Any:
    """The value is one of a list."""
    listed = list(values)
    return row(
        gxe.ExpectColumnValuesToBeInSet,
        column=column,
        value_set=listed,
        mostly=mostly,
        name=f"{column}_known",
        dimension="validity",
        says=f"В столбце «{named or column}» стоит одно из значений: {', '.join(listed)}.",
        remedy="Исправьте значение; новое сначала вносят в описание источника.",
    )


def between(
    column: str,
    least: str | float,
    most: str | float,
    *,
    named: str | None = None,
    limits: str | None = None,
    mostly: float = 0.95,
) -> Any:
    """The number is between two numbers or columns, both included; it does not apply if one of them is empty.

    ``limits`` describes them to the supplier, where they are columns: «от 0 до числа в столбце «мест_всего»».
    """
    return rule(
        f"{column} between {least} and {most}",
        columns=[column, *(bound for bound in (least, most) if isinstance(bound, str))],
        name=f"{column}_between",
        dimension="consistency",
        says=f"Число в столбце «{named or column}» – {limits or f'от {least} до {most}'}.",
        remedy="Проверьте число и его единицу измерения.",
        mostly=mostly,
    )


def unique(columns: list[str], *, says: str, mostly: float = 0.95) -> Any:
    """There is one row for each combination of the columns."""
    expectation = (
        gxe.ExpectCompoundColumnsToBeUnique if len(columns) > 1 else gxe.ExpectColumnValuesToBeUnique
    )
    arguments: dict[str, Any] = {"column_list": columns} if len(columns) > 1 else {"column": columns[0]}
    return row(
        expectation,
        mostly=mostly,
        name="row_unique",
        dimension="uniqueness",
        says=says,
        remedy="Уберите повторную строку.",
        **arguments,
    )


MONTHS = (
    "январь", "февраль", "март", "апрель", "май", "июнь", "июль", "август", "сентябрь", "октябрь", "ноябрь", "декабрь",
)  # fmt: skip


def of_named_month(month: str, year: str, *, like: str) -> list[Any]:
    """Month and year that a table says it is of are those of the file's name; ``like`` is an example of that name."""
    listed = ", ".join(f"'{name}'" for name in MONTHS)
    remedy = f"Переименуйте файл по образцу {like}, если месяц в таблице верный."
    return [
        rule(
            f"lower({month}) = (select ([{listed}])[month(first_day)] from delivery)",
            columns=[month],
            name="month_is_named",
            dimension="consistency",
            says="Месяц в заголовке таблицы – тот, что в имени файла.",
            remedy=remedy,
        ),
        rule(
            f"{year} = (select year(first_day)::varchar from delivery)",
            columns=[year],
            name="year_is_named",
            dimension="consistency",
            says="Год в заголовке таблицы – тот, что в имени файла.",
            remedy=remedy,
        ),
    ]


def holds_column(name: str) -> str:
    """The column of the batch that says whether a rule holds for the row: 1, 0, or null if it does not apply."""
    return "holds_" + name.replace(".", "_")


@dataclass(frozen=True)
class History:
    """How a feed's deliveries are compared with earlier ones: what is remembered of each, and how much may change.

    A feed declares its ``HISTORY`` beside its suite. What is remembered of a load is its profile
    (:mod:`pipelines.loading.profile`); the comparisons and their texts are in :mod:`pipelines.loading.history`. SQL
    expressions are DuckDB's, on the columns that the gate reads. Labels and figures are stored in the ledger unchanged:
    use only columns without personal data. Of ``key`` and ``row`` the ledger stores hashes only.
    """

    # --- what is remembered
    key: tuple[str, ...] = ()
    """Columns that identify a row within its instance: they show which rows of the slice in force are still there."""
    row: tuple[str, ...] = ()
    """Columns or expressions that identify a row regardless of its period and number: they show rows that were delivered
    before under another name. Rows where one of them is empty are left out."""
    shares: Mapping[str, str] = field(default_factory=dict)
    """Russian title → expression by which the rows are divided: categories, districts, parts of the month."""
    quantities: Mapping[str, str] = field(default_factory=dict)
    """Russian title → numeric expression: its distribution, and its figures if there is ``by``."""
    by: tuple[str, ...] = ()
    """Columns that say what a figure describes (a territory, a sex); a figure is the sum of a quantity, or the number of
    rows if there is none."""
    period: str | None = None
    """Column with the period of a figure within the slice; None: the slice itself."""
    balances: tuple[str, ...] = ()
    """Titles of quantities that may cross zero (balances): a single figure may change by many times; missing and exchanged
    figures are checked as usual."""
    figures_where: str = "true"
    """The rows from which figures are made."""

    # --- what kind of data it is
    steady: bool = False
    """Whether the rows of a slice occur again in the next: lasting objects, not events."""
    volume: bool = False
    """Whether the number of rows is similar to that of neighbouring slices."""

    # --- how much may change
    may_lose: float = 0.1
    """Share of the rows, keys, figures or of a total of the slice in force that a replacement may lose."""
    may_repeat: float = 0.5
    """Share of rows that may equal those of another instance or slice."""
    may_shift: float = 0.15
    """Share of rows that may move between labels, beyond chance and the variation of earlier months."""
    may_drop: float = 0.4
    """By how much the logarithm of the number of rows may fall below that of neighbouring slices (0.4: by a third)."""
    may_rise: float = 1.1
    """By how much it may rise (1.1: threefold)."""
    may_move: float = 0.25
    """By how much the logarithm of a figure may deviate from the change of the other figures of its period."""
    may_jump: float = 1.1
    """By how much the logarithm of all figures, or of the median of a quantity, may change at once."""
    counted: bool = True
    """Whether figures are counts, so that small ones vary by chance."""
    least: float = 20
    """Figures and numbers of rows below this are too small to be compared."""
    fewest: int = 3
    """With fewer earlier slices, volume, shares and distribution are not compared."""
