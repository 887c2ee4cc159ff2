"""How an expectation is written: a Great Expectations expectation, plus what it means to a supplier.

``row`` holds for each row: rows that fail are kept back in quarantine (critical) or marked (warning).
``rule`` is a ``row`` that is written as an SQL condition.
``load`` holds for the delivery as a whole: if it fails the load is refused (critical) or marked (warning).
``required``, ``code``, ``in_set``, ``between`` and ``unique`` are the rows that most feeds need, in words that are theirs.
``History`` says how the delivery is held against earlier ones of its feed.
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
    """Declare what must hold of each row.

    ``name`` is unique in the suite, ``says`` and ``remedy`` are Russian sentences that the supplier reads.
    ``arguments`` go to the GX expectation; ``mostly`` is the share of rows below which the whole load is refused.
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
    """Declare what must hold of the delivery as a whole (arguments as in :func:`row`)."""
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
    """Declare what must hold of each row as an SQL condition on its columns and the tables beside the batch.

    Where the condition is null the row is not judged. ``columns`` are those whose values the supplier is told.
    """
    column = holds_column(name)
    given = _declare(
        gxe.ExpectColumnValuesToBeInSet, "row", name, dimension, severity, says, remedy,
        {"column": column, "value_set": [1], "mostly": mostly},
    )  # fmt: skip
    given.meta.update(holds=holds, columns=columns)
    return given


# --- rows that most feeds need. ``named`` is what the supplier calls the column, where it is not its name here.


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
    """The value is written as codes of its kind are: ``pattern`` is matched whole, ``like`` shows one."""
    return row(
        gxe.ExpectColumnValuesToMatchRegex,
        column=column,
        regex=f"^(?:{pattern})$",
        mostly=mostly,
        name=f"{column}_is_code",
        dimension="validity",
        says=f"Код в столбце «{named or column}» записан по образцу {like}.",
        remedy="Проверьте код: пробелы, кириллица вместо латиницы и потерянные нули его портят.",
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
    column: str, least: str | float, most: str | float, *, named: str | None = None, mostly: float = 0.95
) -> Any:
    """The number lies between two numbers or columns, both included; a row where one of them is empty is not judged."""
    return rule(
        f"{column} between {least} and {most}",
        columns=[column, *(bound for bound in (least, most) if isinstance(bound, str))],
        name=f"{column}_between",
        dimension="consistency",
        says=f"Число в столбце «{named or column}» – от {least} до {most}.",
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


def holds_column(name: str) -> str:
    """The column of the batch that tells of each row whether a rule holds: 1, 0, or null where it is not judged."""
    return "holds_" + name.replace(".", "_")


@dataclass(frozen=True)
class History:
    """How a feed's deliveries are held against earlier ones: what of them is remembered, and how much may change.

    Each feed's suite stands beside its ``HISTORY``. What is remembered of a load is its profile
    (:mod:`pipelines.loading.profile`); what is judged by it, and in which words, is
    :mod:`pipelines.loading.history`. SQL expressions are DuckDB's, on the columns that the gate reads. Labels and
    figures go into the ledger as they are: name only columns that are not personal. Of ``key`` and ``row`` the
    ledger sees hashes alone.
    """

    # --- what is remembered
    key: tuple[str, ...] = ()
    """Columns that name a row within its instance: which rows of the slice in force are found again."""
    row: tuple[str, ...] = ()
    """Columns or expressions that tell a row from others whatever its period and number: what comes again under
    another name. Rows where one of them is empty are left out."""
    shares: Mapping[str, str] = field(default_factory=dict)
    """Russian title → expression whose labels share the rows out: categories, districts, parts of the month."""
    quantities: Mapping[str, str] = field(default_factory=dict)
    """Russian title → numeric expression: its distribution, and its figures where there is ``by``."""
    by: tuple[str, ...] = ()
    """Columns that say what a figure is of (a territory, a sex); a figure is the sum of a quantity, or the count of
    rows where there is none."""
    period: str | None = None
    """Column that says which period within the slice a figure is of; None: the slice itself."""
    balances: tuple[str, ...] = ()
    """Titles of quantities that pass through zero: their figures may vanish or be exchanged like others, but a single one may
    become many times another."""
    figures_where: str = "true"
    """Rows that figures are made of."""

    # --- what it is like
    steady: bool = False
    """Whether the rows of a slice are found again in the next: things that stay, not events that pass."""
    volume: bool = False
    """Whether the number of rows follows that of the slices around it."""

    # --- how much may change
    may_lose: float = 0.1
    """Share of rows, keys, figures or of a total, given by the slice in force, that a replacement may lose."""
    may_repeat: float = 0.5
    """Share of rows that may be those of another instance or slice."""
    may_shift: float = 0.15
    """Share of rows that may move between labels, beyond what chance and the months before explain."""
    may_drop: float = 0.4
    """By how much the logarithm of the number of rows may fall below that of the slices around (0.4: by a third)."""
    may_rise: float = 1.1
    """By how much it may rise (1.1: threefold)."""
    may_move: float = 0.25
    """By how much the logarithm of a figure may part from the way that the others of its period have gone."""
    may_jump: float = 1.1
    """By how much the logarithm of all figures, or of the middle of a quantity, may change at once."""
    counted: bool = True
    """Whether figures are counts, so that small ones may vary by chance."""
    least: float = 20
    """Figures and rows below this are too few to be judged."""
    fewest: int = 3
    """With fewer slices before it nothing is said about volume, shares and distribution."""
