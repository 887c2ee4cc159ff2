"""What every feed is held to because ``source.yml`` says so: bounds of its numbers, and that its rows count."""

from __future__ import annotations

import re
from typing import Any

from expectations.vocabulary import rule
from pipelines.declarations.sources import Bound, Column, Feed

COUNTS = "row.counts"


def expectations_of(feed: Feed) -> list[Any]:
    """The expectations that a feed's declaration makes by itself, in the order of its columns."""
    found = []
    for name, column in feed.kept_columns.items():
        found += [_within(name, key, bound) for key, bound in column.bounds.items()]
        if column.bounds and all(bound.where != "true" for bound in column.bounds.values()):
            found.append(_bounded(name, column))
    if "true" not in (feed.counted, *(rows.where for rows in feed.uncounted)):
        found.append(_counts(feed))
    return found


def number(value: float) -> str:
    """As a Russian text has it: ``1 250,5`` with no-break spaces."""
    return f"{value:,.10g}".replace(",", "\u00a0").replace(".", ",")


def _within(name: str, key: str, bound: Bound) -> Any:
    which = f", {bound.rows}" if bound.rows else ""
    return rule(
        f"case when {bound.where} then {name} between {bound.min!r} and {bound.max!r} end",
        columns=[name],
        name=f"{name}_{key}",
        dimension="validity",
        says=f"Столбец {name}{which}: от {number(bound.min)} до {number(bound.max)}.",
        remedy=bound.remedy,
        severity=bound.severity,
        mostly=bound.mostly,
    )


def _bounded(name: str, column: Column) -> Any:
    """A value that no declared bound is for cannot be judged, so it does not pass."""
    told = "; ".join(bound.rows for bound in column.bounds.values())
    return rule(
        f"case when {name} is not null then {_any(*(bound.where for bound in column.bounds.values()))} end",
        columns=[name],
        name=f"{name}_bounded",
        dimension="validity",
        says=f"Для значения столбца {name} объявлены границы. Они объявлены для строк: {told}.",
        remedy="Уберите эти строки; если они верны, сначала объявляют их границы в описании источника.",
        mostly=0.95,
    )


def _counts(feed: Feed) -> Any:
    conditions = [feed.counted, *(rows.where for rows in feed.uncounted)]
    return rule(
        _any(*conditions),
        columns=[name for name in feed.kept_columns if re.search(rf"\b{name}\b", " ".join(conditions))],
        name=COUNTS,
        dimension="consistency",
        says="Строка входит в показатели, или объявлено, почему она в них не входит.",
        remedy="Исправьте обозначения в этих столбцах; новое обозначение сначала вносят в описание источника.",
        mostly=0.95,
    )


def _any(*conditions: str) -> str:
    """SQL: one of the conditions is true."""
    return " or ".join(f"coalesce({condition}, false)" for condition in conditions)
