"""What changed between two releases, and why: only from their rows and manifests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import duckdb

from pipelines.moments import format_minsk
from pipelines.periods import span_of
from pipelines.publishing.embargo import require_open
from pipelines.publishing.names import Language, Names, names_of
from pipelines.releases.archive import Release
from pipelines.sql import literal

Why = Literal[
    "method",
    "correction",
    "new delivery",
    "delivery gone",
    "definitions",
    "longer span",
    "other indicators",
    "unknown",
]

KEY = ("indicator", "ref_area", "freq", "time_period", "breakdown")
# a value has changed if any of these differs
COMPARED = ("obs_value", "obs_status", "missing_reason", "numerator", "denominator", "method_version")


@dataclass(frozen=True)
class Change:
    """One value that differs. ``old_…`` is absent if it was added, ``new_…`` if it was removed.

    ``because`` names the cause: loads, corrections, method versions.
    """

    indicator: str
    ref_area: str
    freq: str
    time_period: str
    breakdown: str
    kind: Literal["added", "removed", "changed"]
    old_value: Decimal | None
    new_value: Decimal | None
    old_status: str | None
    new_status: str | None
    old_reason: str | None
    new_reason: str | None
    why: Why
    because: tuple[str, ...]

    def describe(self, names: Names) -> tuple[str, ...]:
        """Indicator, territory, period, part, old and new value, and the reason with its causes, as text."""
        part = names.part(self.breakdown).removeprefix(", ") or names.say("всего", "total")
        return (
            names.of("indicator", self.indicator),
            names.of("territory", self.ref_area),
            self.time_period,
            part,
            _text(self.old_value, self.old_status, self.old_reason, names),
            _text(self.new_value, self.new_status, self.new_reason, names),
            names.say(WHYS_RU[self.why], self.why) + (f": {', '.join(self.because)}" if self.because else ""),
        )


@dataclass(frozen=True)
class Difference:
    """All changes from ``older`` to ``newer``, ordered by key."""

    older: str
    newer: str
    head: tuple[str, ...]
    changes: tuple[Change, ...]
    names: Names


def compare(older: Release, newer: Release, language: Language = "ru") -> Difference:
    """Compare two releases; ``head`` and ``names`` are in ``language``.

    The reason for a change is the first of these that applies: the method has another version; the corrections of the
    observations behind it differ; the loads behind it differ; the definitions differ.
    """
    with duckdb.connect() as connection:
        for name, release in (("older", older), ("newer", newer)):
            connection.execute(f"attach {literal(str(release.database))} as {name} (read_only)")
        rows = _differing(connection)
        reasons = _Reasons(connection, older, newer)
        changes = tuple(_change(row, reasons) for row in rows)
        # names that only one of them has come from that one
        named = {
            **names_of(connection, language, "older").named,
            **names_of(connection, language, "newer").named,
        }
    names = Names(language, named)
    return Difference(older.id, newer.id, _head(older, newer, changes, names), changes, names)


def _differing(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The values that differ, with both sides; also written to a table ``differing``."""
    key = ", ".join(KEY)
    sides = ", ".join(f"{side}.{name} as {side}_{name}" for side in ("old", "new") for name in COMPARED)
    differs = " or ".join(f"old.{name} is distinct from new.{name}" for name in COMPARED)
    connection.execute(
        f"""
        create table differing as
        select
            {", ".join(f"coalesce(old.{name}, new.{name}) as {name}" for name in KEY)},
            case when old.indicator is null then 'added' when new.indicator is null then 'removed' else 'changed' end
            as kind,
            coalesce(old.last_day, new.last_day) as last_day, coalesce(old.first_day, new.first_day) as first_day,
            {sides}
        from older.published.pub_indicator_value_v1 as old
        full join newer.published.pub_indicator_value_v1 as new using ({key})
        where old.indicator is null or new.indicator is null or {differs}
        """
    )
    cursor = connection.execute(f"from differing order by {key}")
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


class _Reasons:
    """Loads and corrections behind the differing values, on both sides."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, older: Release, newer: Release) -> None:
        self.older, self.newer = older.manifest, newer.manifest
        self.spans = {side: span_of(about["period"])[1] for side, about in self._sides()}
        self.loads = {side: {load["load_id"] for load in about["loads"]} for side, about in self._sides()}
        self.traced = {side: _traced(connection, side) for side, _ in self._sides()}
        self.corrected = {side: _corrected(connection, side) for side, _ in self._sides()}
        self.of_feeds = _loads_of_feeds(connection, self.loads["older"] ^ self.loads["newer"])

    def _sides(self) -> tuple[tuple[str, dict[str, Any]], tuple[str, dict[str, Any]]]:
        return ("older", self.older), ("newer", self.newer)

    def of(self, row: dict[str, Any]) -> tuple[Why, tuple[str, ...]]:
        """The reason for one change, and its causes."""
        key = tuple(row[name] for name in KEY)
        if row["kind"] != "changed":
            lacks = "older" if row["kind"] == "added" else "newer"
            if row["last_day"] > self.spans[lacks]:
                return "longer span", ()
            if row["indicator"] not in dict(self._sides())[lacks]["method_versions"]:
                return "other indicators", ()
        elif row["old_method_version"] != row["new_method_version"]:
            return "method", (row["old_method_version"], row["new_method_version"])
        old, new = (self.corrected[side].get(key, frozenset()) for side in ("older", "newer"))
        if old != new:
            return "correction", tuple(sorted({code for code, _ in old ^ new}))
        behind = self.traced["older"].get(key, set()) | self.traced["newer"].get(key, set())
        differing = self.loads["older"] ^ self.loads["newer"]
        for candidates in (behind & differing, self.of_feeds.get(key, set())):
            if arrived := candidates & self.loads["newer"]:
                return "new delivery", tuple(sorted(arrived))
            if candidates:
                return "delivery gone", tuple(sorted(candidates))
        if self.older["definitions_then"] != self.newer["definitions_then"]:
            return "definitions", ()
        return "unknown", ()


def _traced(connection: duckdb.DuckDBPyConnection, side: str) -> dict[tuple[Any, ...], set[str]]:
    """Loads behind each value that differs, by its key."""
    rows = connection.execute(
        f"select {', '.join('behind.' + name for name in KEY)}, list(distinct behind.load_id)"
        f" from {side}.published.pub_trace_v1 as behind inner join differing using ({', '.join(KEY)})"
        " where behind.load_id is not null group by all"
    ).fetchall()
    return {tuple(row[:-1]): set(row[-1]) for row in rows}


def _corrected(
    connection: duckdb.DuckDBPyConnection, side: str
) -> dict[tuple[Any, ...], frozenset[tuple[str, str]]]:
    """Corrections behind each value that differs, with the corrected observation, by the value's key."""
    rows = connection.execute(
        f"""
        select {", ".join("behind." + name for name in KEY)}, observed.correction,
            concat_ws(' ', observed.measure, observed.ref_area, observed.time_period, observed.breakdown, observed.obs_value)
        from {side}.published.pub_trace_v1 as behind
        inner join differing using ({", ".join(KEY)})
        inner join {side}.published.pub_observation_v1 as observed
            on
                behind.measure = observed.measure
                and behind.observed_ref_area = observed.ref_area
                and behind.observed_period = observed.time_period
                and behind.observed_breakdown = observed.breakdown
        where observed.correction is not null
        """
    ).fetchall()
    found: dict[tuple[Any, ...], set[tuple[str, str]]] = {}
    for row in rows:
        found.setdefault(tuple(row[: len(KEY)]), set()).add((row[-2], row[-1]))
    return {key: frozenset(corrections) for key, corrections in found.items()}


def _loads_of_feeds(
    connection: duckdb.DuckDBPyConnection, differing: set[str]
) -> dict[tuple[Any, ...], set[str]]:
    """If the trace is from another time than the value: differing loads of its feeds that overlap its period."""
    rows = connection.execute(
        f"""
        with loads as (
            select load_id, source, feed, first_day, last_day from older.published.pub_load_v1
            union
            select load_id, source, feed, first_day, last_day from newer.published.pub_load_v1
        ),

        feeds as (
            select terms.indicator, measures.source, measures.feed
            from newer.published.pub_indicator_term_v1 as terms
            inner join newer.published.pub_measure_v1 as measures
                on measures.measure in (terms.measure, terms.times_measure)
            group by all
        )

        select {", ".join("differing." + name for name in KEY)}, list(distinct loads.load_id)
        from differing
        inner join feeds using (indicator)
        inner join loads using (source, feed)
        where
            list_contains($differing, loads.load_id)
            and coalesce(
                loads.first_day <= differing.last_day and loads.last_day >= differing.first_day - interval 1 year, true
            )
        group by all
        """,
        {"differing": sorted(differing)},
    ).fetchall()
    return {tuple(row[:-1]): set(row[-1]) for row in rows}


def _change(row: dict[str, Any], reasons: _Reasons) -> Change:
    why, because = reasons.of(row)
    return Change(
        **{name: row[name] for name in KEY},
        kind=row["kind"],
        old_value=row["old_obs_value"],
        new_value=row["new_obs_value"],
        old_status=row["old_obs_status"],
        new_status=row["new_obs_status"],
        old_reason=row["old_missing_reason"],
        new_reason=row["new_missing_reason"],
        why=why,
        because=because,
    )


def _head(older: Release, newer: Release, changes: tuple[Change, ...], names: Names) -> tuple[str, ...]:
    say = names.say
    lines = [
        f"{release.id}: {release.manifest['period']}, {say('на', 'as of')} "
        + format_minsk(datetime.fromisoformat(release.manifest["as_of"]))
        for release in (older, newer)
    ]
    held = [release.id for release in (older, newer) if release.is_held]
    if held:
        lines.append(
            f"{say('ПОД ЭМБАРГО, не передавать', 'UNDER EMBARGO, not to be passed on')}: {', '.join(held)}"
        )
    if not changes:
        return (*lines, say("значения те же", "the same values"))
    kinds = Counter(one.kind for one in changes)
    whys = Counter(one.why for one in changes)
    lines.append(
        ", ".join(
            say(f"{KINDS_RU[kind]}: {count}", f"{count} {kind}") for kind, count in sorted(kinds.items())
        )
    )
    lines.append(
        f"{say('причины', 'because of')}: "
        + ", ".join(f"{say(WHYS_RU[why], why)} ({count})" for why, count in whys.most_common())
    )
    return tuple(lines)


def _text(value: Decimal | None, status: str | None, reason: str | None, names: Names) -> str:
    if status is None:
        return ""
    if value is None:
        return f"({names.missing(reason)})"
    return names.number(value) if status == "A" else f"{names.number(value)} {status}"


def write_workbook(found: Difference, releases: tuple[Release, Release], path: Path) -> None:
    """Write all changes to a workbook, one row each.

    Raises:
        GorodError: one of the releases is under embargo.
    """
    import xlsxwriter

    for release in releases:
        require_open(release.folder)
    columns: tuple[tuple[str, int, Callable[[Change], str | float | None]], ...] = (
        ("Показатель", 40, lambda one: found.names.of("indicator", one.indicator)),
        ("Территория", 24, lambda one: found.names.of("territory", one.ref_area)),
        ("Период", 10, lambda one: one.time_period), ("Разрез", 16, lambda one: one.describe(found.names)[3]),
        ("Было", 16, lambda one: _number(one.old_value)), ("Стало", 16, lambda one: _number(one.new_value)),
        ("Статус был", 14, lambda one: one.old_reason or one.old_status),
        ("Статус стал", 14, lambda one: one.new_reason or one.new_status),
        ("Что произошло", 12, lambda one: KINDS_RU[one.kind]), ("Причина", 22, lambda one: WHYS_RU[one.why]),
        ("Чем вызвано", 60, lambda one: ", ".join(one.because)),
    )  # fmt: skip
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("Изменения")
        bold = book.add_format({"bold": True})
        sheet.freeze_panes(1, 0)
        for number, (title, width, value) in enumerate(columns):
            sheet.set_column(number, number, width)
            sheet.write_string(0, number, title, bold)
            for row, one in enumerate(found.changes, start=1):
                cell = value(one)
                if isinstance(cell, float):
                    sheet.write_number(row, number, cell)
                elif cell:
                    sheet.write_string(row, number, cell)


KINDS_RU = {"added": "появилось", "removed": "исчезло", "changed": "изменилось"}
WHYS_RU = {
    "method": "другая версия методики",
    "correction": "корректировка",
    "new delivery": "новая поставка",
    "delivery gone": "поставка больше не действует",
    "definitions": "изменены описания",
    "longer span": "период шире",
    "other indicators": "другой набор показателей",
    "unknown": "не установлено",
}


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
