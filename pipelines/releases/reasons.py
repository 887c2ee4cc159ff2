"""Why a value differs between two releases: methods, corrections, loads, definitions."""

from __future__ import annotations

from typing import Any, Literal

import duckdb

from pipelines.periods import span_of
from pipelines.releases.archive import Release

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


class Reasons:
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
