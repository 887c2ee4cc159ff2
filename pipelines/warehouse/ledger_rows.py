"""Rows of the ledger's tables and of the raw tables, inserted within the caller's transaction."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import duckdb

from pipelines.declarations.feeds import Feed
from pipelines.deliveries import ExpectationResult
from pipelines.sql import literal, quoted
from pipelines.warehouse import raw
from pipelines.warehouse.base import Event, Seen


def insert_batch(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    load_id: str,
    feed: Feed,
    batch: Path,
    kept_back: str | None,
) -> None:
    """The rows of a batch except those whose ``row_no`` the query ``kept_back`` returns.

    Raises:
        WarehouseError: the table's types differ from the batch's, so values would change in transit.
    """
    held = {str(row[0]): str(row[1]) for row in connection.execute(f"describe {table}").fetchall()}
    raw.require_unchanged(
        raw.changes(table, feed, {name: raw.Held(sql_type, None) for name, sql_type in held.items()})
    )
    names = ", ".join(quoted(name) for name in feed.kept_columns)
    connection.execute(
        f"insert into {table} (load_id, row_no, {names}) select {literal(load_id)}, row_no, {names} "
        f"from read_parquet({literal(str(batch))})"
        + (f" where row_no not in ({kept_back})" if kept_back is not None else "")
    )


def insert_events(connection: duckdb.DuckDBPyConnection, load_id: str, events: list[Event]) -> None:
    row = connection.execute("select count(*) from ops.load_event where load_id = ?", [load_id]).fetchone()
    assert row is not None
    values: list[Any] = []
    for number, event in enumerate(events, start=int(row[0]) + 1):
        values += [load_id, number, event.event, event.at, event.by_whom, event.why, event.until]
    connection.execute(
        f"insert into ops.load_event values {', '.join(['(?, ?, ?, ?, ?, ?, ?)'] * len(events))}", values
    )


def insert_approval_steps(
    connection: duckdb.DuckDBPyConnection, load_id: str, steps: tuple[str, ...]
) -> None:
    """What a load needs before it counts: its feed's steps of today, whatever they are later."""
    if steps:
        connection.execute(
            f"insert into ops.approval_step values {', '.join(['(?, ?, ?)'] * len(steps))}",
            [value for number, step in enumerate(steps, start=1) for value in (load_id, number, step)],
        )


def insert_candidate(connection: duckdb.DuckDBPyConnection, load_id: str, candidate: Seen) -> None:
    connection.execute(
        "insert into ops.candidate values (?, ?, ?, ?)",
        [load_id, candidate.origin, candidate.fingerprint, candidate.at],
    )


def insert_results(
    connection: duckdb.DuckDBPyConnection, load_id: str, results: tuple[ExpectationResult, ...]
) -> None:
    """Insert all rows at once: on a server each statement is a separate COPY."""
    if not results:
        return
    values: list[Any] = []
    for result in results:
        given = asdict(result)
        given["sample_rows"] = ", ".join(map(str, result.sample_rows)) or None
        values += [load_id, *(given[field.name] for field in fields(ExpectationResult))]
    row = f"({', '.join('?' * (1 + len(fields(ExpectationResult))))})"
    connection.execute(f"insert into ops.load_result values {', '.join([row] * len(results))}", values)
