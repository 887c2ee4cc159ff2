"""Expectations that follow from ``source.yml``: bounds, names of territories, periods, and that rows count."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from expectations.vocabulary import rule
from pipelines.declarations.columns import Bound, Column
from pipelines.declarations.feeds import Feed
from pipelines.sql import literal, quoted

COUNTS = "row.counts"


def expectations_of(feed: Feed, territories: Iterable[str] = ()) -> list[Any]:
    """The expectations that follow from a feed's declaration, in the order of its columns.

    ``territories`` are the source's names of territories.
    """
    found = []
    for name, column in feed.kept_columns.items():
        found += [_within(name, key, bound) for key, bound in column.bounds.items()]
        if column.bounds and all(bound.where != "true" for bound in column.bounds.values()):
            found.append(_bounded(name, column))
    if feed.territory is not None and (names := list(territories)):
        found.append(_named(feed.territory, feed.columns[feed.territory].named(feed.territory)[0], names))
    if feed.time_period is not None and feed.names_its_period:
        found.append(
            _within_the_period(feed.time_period, feed.columns[feed.time_period].named(feed.time_period)[0])
        )
    if "true" not in (feed.counted, *(rows.where for rows in feed.uncounted)):
        found.append(_counts(feed))
    return found


def number(value: float) -> str:
    """As written in Russian: ``1 250,5`` with no-break spaces."""
    whole, _, fraction = f"{Decimal(str(value)):,f}".partition(".")
    fraction = fraction.rstrip("0")
    return whole.replace(",", "\u00a0") + (f",{fraction}" if fraction else "")


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
    """A value for which no bound is declared cannot be checked, so it does not pass."""
    covered = "; ".join(bound.rows for bound in column.bounds.values())
    return rule(
        f"case when {name} is not null then {_any(*(bound.where for bound in column.bounds.values()))} end",
        columns=[name],
        name=f"{name}_bounded",
        dimension="validity",
        says=f"Для значения столбца {name} объявлены границы. Они объявлены для строк: {covered}.",
        remedy="Уберите эти строки; если они верны, сначала объявляют их границы в описании источника.",
        mostly=0.95,
    )


def _named(column: str, shown: str, names: list[str]) -> Any:
    """The territory has a declared name: under any other name the row would count nowhere."""
    listed = ", ".join(literal(name) for name in names)
    return rule(
        f"coalesce(trim({quoted(column)}) in ({listed}), false)",
        columns=[column],
        name=f"{column}_is_territory",
        dimension="validity",
        says=f"В столбце «{shown}» стоит одно из названий: {', '.join(names)}.",
        remedy="Исправьте название; новую территорию сначала вносят в описание источника.",
        mostly=0.95,
    )


def _within_the_period(column: str, shown: str) -> Any:
    """A row outside the period that the delivery replaces would count twice, or remain when the period is replaced."""
    return rule(
        # a moment of the last day is within it
        f"{quoted(column)}::date between (select first_day from delivery) and (select last_day from delivery)",
        columns=[column],
        name=f"{column}_in_period",
        dimension="consistency",
        says=f"Дата в столбце «{shown}» относится к периоду, указанному в имени файла.",
        remedy="Выгрузите каждый период отдельным файлом: файл заменяет свой период целиком.",
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
