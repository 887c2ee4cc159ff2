"""Copy a warehouse: ledger, raw rows, catalogue and value history are copied whole; dbt rebuilds the rest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.declarations.sources import load_sources
from pipelines.embedded import connect
from pipelines.errors import GorodError, WarehouseError
from pipelines.sql import quoted
from pipelines.warehouse import migrations
from pipelines.warehouse.base import COPIED, Warehouse
from pipelines.warehouse.raw import require_unchanged

# history: what was known when, which no build can recreate
SCHEMAS = ("ops", "raw", "catalogue", "history")
SOURCE = "copied_from"


@dataclass(frozen=True)
class Copied:
    """A copied table that is the same on both sides: row count, and a checksum over all rows."""

    table: str
    rows: int
    checksum: str


def copy_warehouse(source: Warehouse, target: Warehouse) -> list[Copied]:
    """Copy ledger, raw rows and catalogue into a prepared and empty warehouse, in one transaction.

    Returns:
        The tables with their counts and checksums, which were computed on both sides and are equal.

    Raises:
        GorodError: the target already holds loads, or the source is not a warehouse.
        WarehouseError: the source has another schema version, a table differs between the two sides or holds columns
            whose declaration has changed; nothing was copied.
    """
    for name, declared in load_sources().items():
        for feed, about in declared.feeds.items():
            require_unchanged(source.raw_changes(name, feed, about))
    target.prepare()
    with target.writing(), target.connection() as connection:
        _require_empty(connection)
        source.attach(connection, SOURCE)
        found = connection.execute(f"select max(version) from {SOURCE}.ops.version").fetchone()
        migrations.require(None if found is None else found[0], exists=True, where=source.name)
        copied = []
        connection.begin()
        for schema, table in _tables(connection, SOURCE):
            copied.append(_copy(connection, schema, table))
        _note_unbuilt(connection)
        connection.commit()
    return copied


def _note_unbuilt(connection: duckdb.DuckDBPyConnection) -> None:
    """Record that the copied builds (releases need them) made no marts here: the next run builds."""
    connection.execute(
        "insert into ops.build_begun (build_no, invocation_id, begun_at, whole, ledger_version)"
        " select coalesce((select max(build_no) from ops.build_begun), 0) + 1, ?, current_timestamp, false, 0"
        " from ops.build_state having count(*) > 0 and max_by(invocation_id, build_no) <> ?",
        [COPIED, COPIED],
    )


def require_new_or_own(path: Path) -> None:
    """Refuse a target file that is neither new nor a warehouse: a publication, another database, a table.

    Raises:
        GorodError: the message says what it is.
    """
    if not path.is_file() or not path.stat().st_size:
        return
    with path.open("rb") as stream:
        is_database = stream.read(12)[8:] == b"DUCK"
    is_own = False
    if is_database:
        try:
            with connect(path, read_only=True) as connection:
                names = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
                is_own = not names or ("ops", "version") in names
        except duckdb.Error:
            return  # held by another process, damaged, of another version: opening it to write reports which
    if not is_own:
        raise GorodError(
            f"{path}: already exists, and is not a Gorod warehouse",
            "Copy into a new file; nothing was written.",
        )


def _tables(connection: duckdb.DuckDBPyConnection, database: str) -> list[tuple[str, str]]:
    """Schema and name of the tables that Gorod keeps, except the record of its own version."""
    found = connection.execute(
        "select schema_name, table_name from duckdb_tables()"
        " where database_name = ? and list_contains(?, schema_name) and not starts_with(table_name, 'pg_')"
        " and (schema_name, table_name) not in"
        " (select schema_name, view_name from duckdb_views() where database_name = ?) order by all",
        [database, list(SCHEMAS), database],
    ).fetchall()
    views = {("ops", name) for name in (*migrations.views(), "audit", "audit_load")}
    # the version belongs to the target; publications and access changes are the server's own history
    own = {("ops", name) for name in ("version", "audit_event", "writer", "preparer")}
    tables = [(str(schema), str(table)) for schema, table in found]
    return [table for table in tables if table not in views | own]


def _require_empty(connection: duckdb.DuckDBPyConnection) -> None:
    row = connection.execute("select count(*) from ops.load").fetchone()
    if row is not None and row[0]:
        raise GorodError(
            f"the target of the copy already holds {row[0]} loads", "Copy into a new file or database."
        )


def _copy(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> Copied:
    """Copy one table by column name; columns that the target lacks are added."""
    here = f"{quoted(schema)}.{quoted(table)}"
    there = f"{SOURCE}.{here}"
    given = _columns(connection, there)
    known = {(str(held_in), str(name)) for held_in, name in _own_tables(connection)}
    if (schema, table) not in known:
        definition = ", ".join(f"{quoted(name)} {kind}" for name, kind in given.items())
        connection.execute(f"create schema if not exists {quoted(schema)}")
        connection.execute(f"create table {here} ({definition})")
    else:
        present = _columns(connection, here)
        for name in given.keys() - present.keys():
            connection.execute(f"alter table {here} add column {quoted(name)} {given[name]}")
        # a catalogue written from another version of the declarations is replaced
        connection.execute(f"delete from {here}")
    names = ", ".join(map(quoted, given))
    connection.execute(f"insert into {here} ({names}) select {names} from {there}")
    sent, arrived = (_checksum(connection, where, names) for where in (there, here))
    if sent != arrived:
        raise WarehouseError(
            f"{schema}.{table}: {sent[0]} rows (checksum {sent[1]}) were sent, {arrived[0]} ({arrived[1]}) arrived",
            "Nothing was copied. Try again; if it happens again, report it.",
        )
    return Copied(f"{schema}.{table}", *arrived)


def _own_tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    return connection.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = current_database()"
    ).fetchall()


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    return {str(row[0]): str(row[1]) for row in connection.execute(f"describe {table}").fetchall()}


def _checksum(connection: duckdb.DuckDBPyConnection, table: str, names: str) -> tuple[int, str]:
    """Row count, and an order-independent sum over the hashes of all rows."""
    row = connection.execute(
        f"select count(*), coalesce(sum(hash({names})::hugeint), 0)::varchar from {table}"
    ).fetchone()
    assert row is not None
    return int(row[0]), str(row[1])
