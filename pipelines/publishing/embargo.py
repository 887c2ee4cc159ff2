"""Embargo: what the marts hold back, and until when. The models decide; this module queries and checks it again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeGuard

import duckdb

from pipelines.declarations.indicator_catalogue import load_catalogue
from pipelines.declarations.releases import load_calendar
from pipelines.errors import GorodError
from pipelines.moments import format_minsk
from pipelines.publishing.contracts import MANIFEST, SCHEMA
from pipelines.settings import Settings
from pipelines.warehouse import open_warehouse
from pipelines.warehouse.base import Warehouse

# the tables of what is held back, by identifying column; each also has the period and held_until
HELD: dict[Literal["indicator", "measure"], str] = {
    "indicator": "int_embargo_indicator",
    "measure": "int_embargo_measure",
}
HELD_LOADS = "int_embargo_load"
# columns that contain a figure; a row without one in any of them reveals nothing
FIGURES = ("obs_value", "given_value", "value", "reported_value")


def ended_embargo(warehouse: Warehouse) -> datetime | None:
    """The latest embargo end that has passed since the marts were built; None if they hold back what they should."""
    tables = [*HELD.values(), HELD_LOADS]
    there = warehouse.query(
        "select table_name from information_schema.tables where table_schema = 'intermediate' and table_name in (?, ?, ?)",
        tables,
    )
    if len(there) < len(tables):
        return None
    held = " union all ".join(f"select held_until from intermediate.{table}" for table in tables)
    rows = warehouse.query(f"select max(held_until) as ended from ({held}) as held where held_until <= now()")
    ended: datetime | None = rows[0]["ended"]
    return ended


def held_back(warehouse: Warehouse, what: Literal["indicator", "measure"]) -> set[tuple[str, str]]:
    """Indicators or measures with their periods under embargo; none before the first build."""
    there = warehouse.query(
        "select 1 from information_schema.tables where table_schema = 'intermediate' and table_name = ?",
        [HELD[what]],
    )
    if not there:
        return set()
    rows = warehouse.query(
        f"select {what} as what, time_period from intermediate.{HELD[what]} where held_until > now()"
    )
    return {(row["what"], row["time_period"]) for row in rows}


def held_loads(warehouse: Warehouse) -> dict[str, datetime]:
    """Loads whose row counts are under embargo, with its end; none before the first build."""
    there = warehouse.query(
        "select 1 from information_schema.tables where table_schema = 'intermediate' and table_name = ?",
        [HELD_LOADS],
    )
    if not there:
        return {}
    rows = warehouse.query(
        f"select load_id, held_until from intermediate.{HELD_LOADS} where held_until > now()"
    )
    return {row["load_id"]: row["held_until"] for row in rows}


def held_until(connection: duckdb.DuckDBPyConnection, indicator: str, time_period: str) -> datetime | None:
    """Until when a period of an indicator is under embargo; None if it is not. ``connection`` is to the warehouse."""
    try:
        row: tuple[datetime] | None = connection.execute(
            f"select held_until from intermediate.{HELD['indicator']}"
            " where indicator = ? and time_period = ? and held_until > now()",
            [indicator, time_period],
        ).fetchone()
    except duckdb.CatalogException:
        return None
    return row[0] if row else None


def admit(warehouse: Warehouse, what: str, until: datetime | None, by: str | None, why: str | None) -> None:
    """Allow a named person to see what is under embargo, and record it; allow everybody to see the rest.

    Args:
        what: a description of what is to be shown.
        until: the end of the embargo; None if there is none.

    Raises:
        GorodError: it is under embargo, and who sees it and why is not given.
    """
    if not is_ahead(until):
        return
    if not by or not why:
        raise GorodError(
            f"{what} is under embargo until {format_minsk(until)}",
            "Who may see it before says so with --by NAME --why REASON; the reading is noted.",
        )
    # an older warehouse has no such table yet
    warehouse.prepare()
    warehouse.note_embargoed_read(what, until, by, why)


def require_no_embargoed(
    connection: duckdb.DuckDBPyConnection, intermediate: str, contract: str, read_from: str, columns: set[str]
) -> None:
    """Refuse a contract that contains figures under embargo.

    Args:
        intermediate: the qualified schema with the tables of ``HELD``.
        columns: the contract's columns.

    Raises:
        GorodError: it contains some; the message names the first.
    """
    figures = [name for name in FIGURES if name in columns]
    has_figure = (
        "(" + " or ".join(f"shown.{name} is not null" for name in figures) + ")" if figures else "true"
    )
    for what, table in HELD.items():
        if not {what, "time_period"} <= columns:
            continue
        try:
            row: tuple[Any, ...] | None = connection.execute(
                f"select held.{what}, held.time_period, held.held_until from {read_from} as shown"
                f" inner join {intermediate}.{table} as held"
                f" on shown.{what} = held.{what} and shown.time_period = held.time_period"
                f" where held.held_until > now() and {has_figure} order by 1, 2 limit 1"
            ).fetchone()
        except duckdb.CatalogException:
            continue
        if row is not None:
            raise GorodError(
                f"not published: {contract} shows {row[0]} of {row[1]}, which is under embargo until {format_minsk(row[2])};"
                " what was published before stays",
                "The model of the contract must leave it out: macro not_under_embargo.",
            )


def require_open(folder: Path) -> None:
    """Refuse to read from a release under embargo; any other folder is allowed. Links are resolved.

    Today's calendar decides; if the release is no longer in it, the calendar with which it was cut.

    Raises:
        GorodError: the message says until when.
    """
    folder = folder.resolve()
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    until = embargo_of(manifest)
    if is_ahead(until):
        raise _under_embargo(manifest["publication_id"], until)


def is_ahead(until: datetime | None) -> TypeGuard[datetime]:
    """Whether an embargo is still in effect."""
    return until is not None and until > datetime.now(UTC)


def _under_embargo(release: str, until: datetime) -> GorodError:
    return GorodError(
        f"release {release} is under embargo until {format_minsk(until)}",
        "Nothing is made from it before; assets/releases/calendar.yml sets the moment.",
    )


def require_open_file(
    settings: Settings, path: Path, publication_id: str, connection: duckdb.DuckDBPyConnection
) -> None:
    """Refuse a published file with figures under embargo, whatever its name and wherever it was copied.

    The file identifies itself by the id of a release, which the calendar or the release's folder knows. And if there is
    a warehouse, no figure in the file may be one that the warehouse holds back.

    Args:
        publication_id: from the file.
        connection: to the file.

    Raises:
        GorodError: the message says until when.
    """
    require_open(path.resolve().parent)
    require_open(settings.releases / publication_id)
    for code, declared in load_calendar(load_catalogue()).items():
        until = declared.embargo_until
        if re.fullmatch(rf"{re.escape(code)}-\d{{8}}-[0-9a-f]{{8}}(-\d+)?", publication_id) and is_ahead(
            until
        ):
            raise _under_embargo(publication_id, until)
    warehouse = open_warehouse(settings)
    held = {what: held_back(warehouse, what) for what in HELD}
    for table, columns in _columns(connection).items():
        figures = [name for name in FIGURES if name in columns]
        for what in held:
            if not held[what] or not figures or not {what, "time_period"} <= columns:
                continue
            shown = connection.execute(
                f"select distinct {what}, time_period from {SCHEMA}.{table}"
                f" where {' or '.join(f'{name} is not null' for name in figures)}"
            ).fetchall()
            if found := sorted(held[what].intersection(shown)):
                raise GorodError(
                    f"{path}: {table} shows {found[0][0]} of {found[0][1]}, which is under embargo",
                    "Nothing is made from it before the moment that assets/releases/calendar.yml sets.",
                )


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for table, column in connection.execute(
        "select table_name, column_name from duckdb_columns() where schema_name = ? and not internal",
        [SCHEMA],
    ).fetchall():
        found.setdefault(table, set()).add(column)
    return found


def embargo_of(manifest: Mapping[str, Any]) -> datetime | None:
    """Until when a release is under embargo, by its manifest; None if it is not a release or never had an embargo."""
    if "release" not in manifest:
        return None
    declared = load_calendar(load_catalogue()).get(manifest["release"])
    if declared is not None:
        return declared.embargo_until
    return datetime.fromisoformat(manifest["embargo_until"]) if manifest["embargo_until"] else None
