"""Check a warehouse: its schema version, the rows of each load against the ledger, and orphaned records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from pipelines.deliveries import Slice
from pipelines.sql import quoted
from pipelines.warehouse import migrations
from pipelines.warehouse.base import Warehouse
from pipelines.warehouse.tables import asked

OF_A_LOAD = (
    "load_event",
    "candidate",
    "load_result",
    "quarantine",
    "flagged_row",
    "refused_batch",
    "load_profile",
    "approval_step",
    "approval",
)
OF_DBT = ("staging", "intermediate", "marts", "history", "published_next", "published")
OWN = ("ops", "raw", "catalogue", *OF_DBT)
HISTORY, VALUES = ("history", "known_indicator_value"), ("marts", "mart_indicator_value")


@dataclass(frozen=True)
class Finding:
    """One problem found in a warehouse."""

    what: str
    where: str
    says: str


@dataclass(frozen=True)
class Checked:
    """What was checked, and what was found. A consistent warehouse has no findings."""

    version: int | None
    loads: int
    raw_tables: int
    raw_rows: int
    views: int
    findings: list[Finding]


def check_warehouse(warehouse: Warehouse) -> Checked:
    """Check a warehouse against its own ledger; nothing is changed.

    Raises:
        GorodError: the warehouse cannot be opened.
    """
    with warehouse.connection(read_only=True) as connection:
        tables = _tables(connection)
        if ("ops", "load") not in tables:
            nothing = Finding("form", "ops.load", "there is no ledger: gorod warehouse init")
            return Checked(None, 0, 0, 0, 0, [nothing])
        found = _one(connection, "select max(version) from ops.version")
        version = None if found is None else int(found)
        findings = [] if version == migrations.SCHEMA_VERSION else [_other_form(version)]
        raw = sorted(name for schema, name in tables if schema == "raw")
        counts = _raw_counts(connection, raw)
        findings += _against_ledger(connection, counts)
        findings += _kept_back(connection, raw)
        findings += _arithmetic(connection, tables)
        findings += _orphans(connection, tables)
        findings += _history(connection, tables)
        views = sorted(
            (schema, name) for schema, name in tables if schema in OWN or schema.startswith("mart_")
        )
        findings += [broken for view in views if (broken := _unreadable(connection, *view)) is not None]
        return Checked(
            version,
            int(_one(connection, "select count(*) from ops.load") or 0),
            len(raw),
            sum(counts.values()),
            len(views),
            findings,
        )


def _other_form(version: int | None) -> Finding:
    return Finding(
        "form",
        "ops.version",
        f"schema version {version or 'unknown'}, this Gorod has {migrations.SCHEMA_VERSION}: gorod warehouse migrate",
    )


def _tables(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    rows = connection.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = current_database()"
        " union select schema_name, view_name from duckdb_views() where database_name = current_database()"
    ).fetchall()
    return {(str(schema), str(name)) for schema, name in rows}


def _raw_counts(connection: duckdb.DuckDBPyConnection, raw: list[str]) -> dict[tuple[str, str], int]:
    """Rows by raw table and load."""
    counts: dict[tuple[str, str], int] = {}
    for name in raw:
        for load_id, rows in connection.execute(
            f"select load_id, count(*) from raw.{quoted(name)} group by load_id"
        ).fetchall():
            counts[name, load_id] = int(rows)
    return counts


def _against_ledger(
    connection: duckdb.DuckDBPyConnection, counts: dict[tuple[str, str], int]
) -> list[Finding]:
    """Each load has as many raw and quarantined rows as the ledger says; raw has no others."""
    findings = []
    known = set()
    rows = connection.execute(
        "select load_id, source || '__' || feed, rows_quarantined,"
        " case when outcome = 'accepted' then rows_accepted"
        " when exists (select 1 from ops.load_event as e where e.load_id = l.load_id and e.event = 'waived')"
        " then rows_delivered - rows_quarantined else 0 end,"
        " (select count(*) from ops.quarantine as q where q.load_id = l.load_id) from ops.load as l order by load_no"
    ).fetchall()
    for load_id, table, quarantined, expected, kept_back in rows:
        known.add((table, load_id))
        present = counts.get((table, load_id), 0)
        if present != expected:
            findings.append(
                Finding("rows", load_id, f"raw.{table} holds {present} rows, the ledger says {expected}")
            )
        if kept_back != quarantined:
            findings.append(
                Finding(
                    "quarantine",
                    load_id,
                    f"{kept_back} rows are in quarantine, the ledger says {quarantined}",
                )
            )
    return findings + [
        Finding("orphan", load_id, f"raw.{table} holds {present} rows of a load that is not in the ledger")
        for (table, load_id), present in sorted(counts.items())
        if (table, load_id) not in known
    ]


def _kept_back(connection: duckdb.DuckDBPyConnection, raw: list[str]) -> list[Finding]:
    """Rows that are both in quarantine and in force."""
    findings = []
    known = dict(
        connection.execute(
            "select load_id, source || '__' || feed from ops.load"
            " where rows_quarantined > 0 and load_id in (select load_id from ops.quarantine)"
        ).fetchall()
    )
    for name in raw:
        if name not in known.values():
            continue
        for load_id, rows in asked(
            connection,
            f"select held.load_id, count(*) as rows from raw.{quoted(name)} as held"
            " where (held.load_id, held.row_no) in (select load_id, row_no from ops.quarantine)"
            " group by held.load_id order by held.load_id",
        ):
            findings.append(
                Finding("quarantine", load_id, f"raw.{name} holds {rows} rows that are in quarantine")
            )
    return findings


def _arithmetic(connection: duckdb.DuckDBPyConnection, tables: set[tuple[str, str]]) -> list[Finding]:
    """No day of a slice counts twice: computed independently from the loads in force, whatever the views say."""
    findings = [
        Finding(
            "twice",
            str(later),
            f"has days in common with {earlier}, and both count: recreate the views by gorod warehouse init",
        )
        for earlier, later in _overlapping(
            connection.execute(
                "select load_id, load_no, source, feed, instance, part, first_day, last_day from ops.effective_load"
                " where not not_retained order by load_no, load_id"
            ).fetchall()
        )
    ]
    # an older warehouse has no such loads: there both count, and are reported above
    found = (
        connection.execute(
            "select pairs.load_id, pairs.kept_load_id, loads.outcome, loads.waived_until"
            " from ops.conflicting_load as pairs inner join ops.accepted_load as loads on pairs.load_id = loads.load_id"
            " order by loads.load_no, pairs.kept_load_id"
        ).fetchall()
        if ("ops", "conflicting_load") in tables
        else []
    )
    for load_id, kept, outcome, until in found:
        ends = (
            f"it is waived until {until}; a waiver until today ends it"
            if outcome == "rejected"
            else "the gate never accepts this: find out who has edited the ledger"
        )
        findings.append(
            Finding("conflicting", load_id, f"has days in common with {kept}, and does not count; {ends}")
        )
    findings += [
        Finding("days", load_id, f"the days {first} to {last} are not those of its slice {given}")
        for load_id, part, given, first, last in connection.execute(
            "select load_id, part, slice, first_day, last_day from ops.load order by load_no"
        ).fetchall()
        if Slice(part, first, last).key != given
        or (first is None) != (last is None)
        or (first and first > last)
    ]
    return findings + [
        Finding(
            "twice",
            str(load_id),
            f"the same bytes also count as {other}, another instance or part of the feed",
        )
        for other, load_id in connection.execute(
            "select earlier.load_id, later.load_id from ops.effective_load as earlier"
            " inner join ops.effective_load as later on earlier.source = later.source and earlier.feed = later.feed"
            " and earlier.sha256 = later.sha256 and earlier.load_no < later.load_no"
            " and (earlier.instance <> later.instance or earlier.part <> later.part)"
            " where not earlier.not_retained and not later.not_retained order by later.load_no"
        ).fetchall()
    ]


def _overlapping(loads: list[tuple[Any, ...]]) -> Iterator[tuple[str, str]]:
    """Pairs of loads of one slice that share days."""
    by_slice: dict[tuple[str, ...], list[tuple[date, date, int, str]]] = {}
    for load_id, number, *key, first, last in loads:
        days = (first or date.min, last or date.max)
        by_slice.setdefault(tuple(key), []).append((min(days), max(days), number, load_id))
    for spans in by_slice.values():
        open_until, holder = date.min, None
        for first_day, last_day, _, load_id in sorted(spans):
            if holder is not None and first_day <= open_until:
                yield holder, load_id
            if holder is None or last_day > open_until:
                open_until, holder = last_day, load_id


def _orphans(connection: duckdb.DuckDBPyConnection, tables: set[tuple[str, str]]) -> list[Finding]:
    """Records of loads that do not exist, and loads without a decision."""
    findings = [
        Finding("orphan", str(load_id), f"ops.{name} refers to a load that is not in the ledger")
        for name in OF_A_LOAD
        if ("ops", name) in tables
        for (load_id,) in connection.execute(
            f"select distinct load_id from ops.{name} where load_id not in (select load_id from ops.load) order by 1"
        ).fetchall()
    ]
    undecided = connection.execute(
        "select load_id from ops.load where load_id not in (select load_id from ops.load_event) order by 1"
    ).fetchall()
    return findings + [Finding("orphan", str(load_id), "no decision is recorded") for (load_id,) in undecided]


def _history(connection: duckdb.DuckDBPyConnection, tables: set[tuple[str, str]]) -> list[Finding]:
    """The history of values cannot be rebuilt: it exists once values were built, and ends in today's values."""
    try:
        newest = connection.execute(
            "select ok and whole from ops.build_state order by build_no desc limit 1"
        ).fetchone()
    except duckdb.CatalogException:
        # an older Gorod's ledger has no order of builds
        newest = None
    where = ".".join(HISTORY)
    if HISTORY not in tables:
        return (
            []
            if newest is None
            else [Finding("history", where, "values were built, but their history is missing")]
        )
    key = "indicator, ref_area, freq, time_period, breakdown"
    twice = _one(
        connection,
        f"select count(*) from (select {key} from {where} where known_to is null group by {key} having count(*) > 1) as t",
    )
    findings = [Finding("history", where, f"{twice} values are in it twice")] if twice else []
    if VALUES in tables and newest == (True,):
        known = _one(connection, f"select count(*) from {where} where known_to is null")
        built = _one(connection, f"select count(*) from {'.'.join(VALUES)}")
        if known != built:
            findings.append(Finding("history", where, f"it has {known} values, {built} were built"))
    return findings


def _unreadable(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> Finding | None:
    try:
        connection.execute(f"select * from {quoted(schema)}.{quoted(name)} limit 0").fetchall()
    except duckdb.Error as error:
        return Finding("unreadable", f"{schema}.{name}", str(error).splitlines()[0])
    return None


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> int | None:
    row = connection.execute(sql).fetchone()
    return None if row is None else row[0]
