"""What a release would contain: the build that made it known, its loads, methods and indices."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb

from pipelines.catalogue.definition import definitions_hash
from pipelines.declarations.releases import CalendarRelease
from pipelines.errors import GorodError
from pipelines.moments import format_minsk
from pipelines.publishing.contracts import Column, Contract
from pipelines.publishing.sound_build import require_sound_build
from pipelines.sql import quoted


def require_current_build(connection: duckdb.DuckDBPyConnection, warehouse: str) -> str:
    """The newest build, which must be successful and use today's definitions: their SQL makes the contracts."""
    try:
        built_by, build = require_sound_build(connection, warehouse)
    except GorodError as error:
        raise GorodError(f"no release: {error.message}", error.remedy) from error
    if built_by != definitions_hash():
        raise GorodError(
            "no release: the definitions have changed since the marts were built", "Run `gorod run`."
        )
    return build


def build_known_at(
    connection: duckdb.DuckDBPyConnection, warehouse: str, as_of: datetime
) -> tuple[datetime, str, str | None]:
    """End, invocation and definitions' hash of the last successful build before a moment: it determines what was known."""
    row = connection.execute(
        f"select epoch_us(built_at), invocation_id, definitions_hash from {quoted(warehouse)}.ops.build_state"
        " where ok and whole and built_at <= ?::timestamptz order by build_no desc limit 1",
        [as_of.isoformat()],
    ).fetchone()
    if row is None:
        raise GorodError(
            f"nothing was known at {format_minsk(as_of)}: the marts had not been built yet",
            "Give a later moment.",
        )
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=row[0]), str(row[1]), row[2]


def require_not_held_elsewhere(
    connection: duckdb.DuckDBPyConnection,
    warehouse: str,
    indicators: tuple[str, ...],
    last_day: date,
    declared: CalendarRelease | None,
) -> None:
    """Check that no other release holds its contents back for longer than its own embargo."""
    row = connection.execute(
        f"""
        select held.indicator, held.time_period, epoch_us(held.held_until)
        from {quoted(warehouse)}.intermediate.int_embargo_indicator as held
        inner join {quoted(warehouse)}.marts.dim_period as periods on held.time_period = periods.time_period
        where
            list_contains($indicators, held.indicator) and periods.last_day <= $last_day
            and held.held_until > now() and held.held_until > $own::timestamptz
        order by all limit 1
        """,
        {
            "indicators": list(indicators),
            "last_day": last_day,
            "own": (declared.embargo_until if declared else datetime.now(UTC)).isoformat(),
        },
    ).fetchone()
    if row is not None:
        until = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=row[2])
        raise GorodError(
            f"it would contain {row[0]} of {row[1]}, which another release holds back until {format_minsk(until)}",
            "Cut that release, wait, or list the indicators of this one in the calendar.",
        )


def index_contract(connection: duckdb.DuckDBPyConnection, build: str) -> Contract:
    """The indices, computed from the frozen values."""
    from pipelines.publishing.index_contract import DESCRIPTION, DESCRIPTIONS, TABLE, publish_index

    connection.execute(
        "create table memory.ops.index_build (invocation_id varchar, built_at timestamptz, rows bigint)"
    )
    publish_index(connection, build)
    columns = connection.execute(
        "select column_name, data_type from duckdb_columns() where database_name = 'memory'"
        " and schema_name = ? and table_name = ? order by column_index",
        TABLE.split("."),
    ).fetchall()
    return Contract(
        TABLE.split(".")[1],
        f"memory.{TABLE}",
        DESCRIPTION,
        tuple(Column(name, kind, DESCRIPTIONS[name]) for name, kind in columns),
    )


def method_versions(connection: duckdb.DuckDBPyConnection, contracts: list[Contract]) -> dict[str, list[str]]:
    """Method versions by indicator, from the frozen values."""
    values = next(one for one in contracts if one.name == "pub_indicator_value_v1")
    rows = connection.execute(
        "select indicator, list(distinct method_version order by method_version)"
        f" from {values.read_from} group by indicator order by indicator"
    ).fetchall()
    return dict(rows)


def loads_in_force(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The loads then in force, of the indicators' feeds, that begin by the end of the period."""
    names = (
        "load_id",
        "source",
        "feed",
        "instance",
        "slice",
        "state",
        "received_at",
        "sha256",
        "files",
        "synthetic",
    )
    rows = connection.execute(
        f"select {', '.join(names)} from memory.ops.effective_load"
        " where load_id in (select load_id from memory.main.wanted_load)"
        " order by source, feed, instance, slice, load_id"
    ).fetchall()
    loads = [dict(zip(names, row, strict=True)) for row in rows]
    return [{**load, "received_at": load["received_at"].isoformat()} for load in loads]
