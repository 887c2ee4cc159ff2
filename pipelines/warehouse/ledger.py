"""Entering loads and reading, as every warehouse does it in DuckDB's SQL, whatever holds the tables."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.declarations.sources import Feed
from pipelines.errors import WarehouseError
from pipelines.formats.typed import literal, quoted
from pipelines.loading.gate import Result
from pipelines.warehouse.base import Event, LoadRecord, Row, Seen, raw_table
from pipelines.warehouse.tables import rows_of_load

# loads are only added to, by one writer at a time
NEXT_LOAD_NO = "(select coalesce(max(load_no), 0) + 1 from ops.load)"


class Ledger(ABC):
    """Entering loads and reading: everything goes through connections that speak DuckDB's SQL."""

    _shared: duckdb.DuckDBPyConnection | None = None

    @abstractmethod
    def connection(self, *, read_only: bool = False) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection, closed at the end; what was begun and not committed is undone."""

    @abstractmethod
    def told(self, error: duckdb.Error) -> Exception:
        """An error of DuckDB as one that tells what to do."""

    @contextmanager
    def sitting(self) -> Iterator[None]:
        """Within it queries and entries share one connection: to open one costs as much as to enter a small load."""
        with self.connection() as connection:
            self._shared = connection
            try:
                yield
            finally:
                self._shared = None

    @contextmanager
    def _connected(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        if self._shared is None:
            with self.connection(read_only=read_only) as connection:
                yield connection
            return
        try:
            yield self._shared
        except duckdb.Error as error:
            raise self.told(error) from error

    def commit_load(
        self,
        record: LoadRecord,
        offer: Seen,
        events: list[Event],
        results: tuple[Result, ...],
        feed: Feed,
        batch: Path | None,
        quarantine: Path | None,
        flagged: Path | None,
    ) -> None:
        """Enter a load in one transaction: after it everything of the load is there, before it nothing.

        Raises:
            WarehouseError: the number of rows that arrived is not the number that the gate counted.
        """
        with self._connected() as connection:
            connection.begin()
            values = {"load_no": None, **asdict(record)}
            names = ", ".join(values)
            marks = ", ".join(NEXT_LOAD_NO if name == "load_no" else f"${name}" for name in values)
            values.pop("load_no")
            connection.execute(f"insert into ops.load ({names}) values ({marks})", values)
            _insert_offer(connection, record.load_id, offer)
            _insert_events(connection, record.load_id, events)
            _insert_results(connection, record.load_id, results)
            if quarantine is not None:
                connection.execute(
                    f"insert into ops.quarantine select {literal(record.load_id)}, row_no, reasons, record "
                    f"from read_parquet({literal(str(quarantine))})"
                )
            if flagged is not None:
                connection.execute(
                    f"insert into ops.flagged_row select {literal(record.load_id)}, row_no, expectation "
                    f"from read_parquet({literal(str(flagged))})"
                )
            if batch is not None:
                table = raw_table(record.source, record.feed)
                _insert_batch(connection, table, record.load_id, feed, batch, quarantine)
                # what stands there, not what was sent
                arrived = rows_of_load(connection, table, record.load_id)
                if arrived != record.rows_accepted:
                    connection.rollback()
                    raise WarehouseError(
                        f"load {record.load_id}: {arrived} rows arrived, the gate accepted {record.rows_accepted}",
                        "Nothing was entered. Run again; if it stays, report it.",
                    )
            connection.commit()

    def commit_offer(self, load_id: str, offer: Seen) -> None:
        """Note that a known delivery was offered again, perhaps from elsewhere."""
        with self._connected() as connection:
            _insert_offer(connection, load_id, offer)

    def commit_waiver(
        self, load_id: str, event: Event, feed: Feed, batch: Path | None, quarantine: Path | None
    ) -> None:
        """Enter a waiver, and the rows that it lets in if they are not there yet."""
        with self._connected() as connection:
            connection.begin()
            row = connection.execute(
                "select source, feed from ops.load where load_id = ?", [load_id]
            ).fetchone()
            assert row is not None
            table = raw_table(row[0], row[1])
            if batch is not None and not rows_of_load(connection, table, load_id):
                _insert_batch(connection, table, load_id, feed, batch, quarantine)
            _insert_events(connection, load_id, [event])
            connection.commit()

    def note_embargoed_read(self, what: str, until: datetime, by: str, why: str) -> None:
        """Enter who reads figures under embargo, which, and why."""
        now, held_until = (
            moment.astimezone(UTC).replace(tzinfo=None) for moment in (datetime.now(UTC), until)
        )
        with self.connection() as connection:
            connection.execute(
                "insert into ops.embargoed_read values (?, ?, ?, ?, ?)", [now, what, held_until, by, why]
            )

    def query(self, sql: str, parameters: list[Any] | None = None) -> list[Row]:
        """Rows of a query, as dictionaries."""
        with self._connected(read_only=True) as connection:
            cursor = connection.execute(sql, parameters or [])
            names = [column[0] for column in cursor.description or []]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def tables(self, queries: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, pa.Table]:
        """The answers of read-only queries by their names, on one connection; each takes the ``$values`` that it names."""
        if not queries:
            return {}
        with self._connected(read_only=True) as connection:
            return {
                name: connection.execute(
                    sql, {key: values[key] for key in set(re.findall(r"\$(\w+)", sql))}
                ).to_arrow_table()
                for name, sql in queries.items()
            }


def _insert_batch(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    load_id: str,
    feed: Feed,
    batch: Path,
    quarantine: Path | None,
) -> None:
    names = ", ".join(quoted(name) for name in feed.kept_columns)
    kept_back = (
        f"where row_no not in (select row_no from read_parquet({literal(str(quarantine))}))"
        if quarantine is not None
        else ""
    )
    connection.execute(
        f"insert into {table} (load_id, row_no, {names}) select {literal(load_id)}, row_no, {names} "
        f"from read_parquet({literal(str(batch))}) {kept_back}"
    )


def _insert_events(connection: duckdb.DuckDBPyConnection, load_id: str, events: list[Event]) -> None:
    row = connection.execute("select count(*) from ops.load_event where load_id = ?", [load_id]).fetchone()
    assert row is not None
    values: list[Any] = []
    for number, event in enumerate(events, start=int(row[0]) + 1):
        values += [load_id, number, event.event, event.at, event.by_whom, event.why, event.until]
    connection.execute(
        f"insert into ops.load_event values {', '.join(['(?, ?, ?, ?, ?, ?, ?)'] * len(events))}", values
    )


def _insert_offer(connection: duckdb.DuckDBPyConnection, load_id: str, offer: Seen) -> None:
    connection.execute(
        "insert into ops.offer values (?, ?, ?, ?)", [load_id, offer.origin, offer.fingerprint, offer.at]
    )


def _insert_results(connection: duckdb.DuckDBPyConnection, load_id: str, results: tuple[Result, ...]) -> None:
    """All at once: on a server each statement is a COPY of its own."""
    if not results:
        return
    values: list[Any] = []
    for result in results:
        given = asdict(result)
        given["sample_rows"] = ", ".join(map(str, result.sample_rows)) or None
        values += [load_id, *(given[field.name] for field in fields(Result))]
    row = f"({', '.join('?' * (1 + len(fields(Result))))})"
    connection.execute(f"insert into ops.load_result values {', '.join([row] * len(results))}", values)
