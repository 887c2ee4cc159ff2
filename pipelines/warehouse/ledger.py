"""Entering loads and reading, in DuckDB's SQL, the same for every warehouse."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.declarations.feeds import Feed
from pipelines.errors import WarehouseError
from pipelines.sql import literal, quoted
from pipelines.warehouse import approvals, ledger_rows, raw, waivers
from pipelines.warehouse.base import Approval, Entry, Event, Extension, Row, Seen, raw_table
from pipelines.warehouse.tables import asked, rows_of_load

# loads are append-only, with one writer at a time
NEXT_LOAD_NO = "(select coalesce(max(load_no), 0) + 1 from ops.load)"


class Ledger(ABC):
    """Entering loads and reading: everything goes through connections that use DuckDB's SQL."""

    _shared: duckdb.DuckDBPyConnection | None = None

    @abstractmethod
    def connection(self, *, read_only: bool = False) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection, closed at the end; uncommitted work is rolled back."""

    @abstractmethod
    def translate_error(self, error: duckdb.Error) -> Exception:
        """Translate an error of DuckDB into one with a remedy."""

    @abstractmethod
    def raw_columns(self, connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, raw.Held]:
        """The columns of a raw table; empty if there is no such table."""

    @abstractmethod
    def put_in_place(self, connection: duckdb.DuckDBPyConnection, table: str, made: str, feed: Feed) -> None:
        """Make ``made`` the raw table of a feed, in the caller's transaction."""

    @contextmanager
    def session_held(self) -> Iterator[None]:
        """Share one connection for the queries and writes within: opening one costs as much as entering a small load."""
        if self._shared is not None:
            yield
            return
        with self.connection() as connection:
            self._shared = connection
            try:
                yield
            finally:
                self._shared = None

    def kept_open(self) -> AbstractContextManager[None]:
        """Keep nothing: a server's sessions are opened at little cost."""
        return nullcontext()

    @contextmanager
    def _connected(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        if self._shared is None:
            with self.connection(read_only=read_only) as connection:
                yield connection
            return
        try:
            yield self._shared
        except duckdb.Error as error:
            raise self.translate_error(error) from error

    def commit_load(self, entry: Entry) -> None:
        """Enter a load in one transaction: either the whole load is there, or nothing of it.

        Raises:
            WarehouseError: the number of rows that arrived differs from the gate's count.
        """
        record, quarantine = entry.record, entry.quarantine
        with self._connected() as connection:
            connection.begin()
            values = {"load_no": None, **asdict(record)}
            names = ", ".join(values)
            marks = ", ".join(NEXT_LOAD_NO if name == "load_no" else f"${name}" for name in values)
            values.pop("load_no")
            connection.execute(f"insert into ops.load ({names}) values ({marks})", values)
            ledger_rows.insert_candidate(connection, record.load_id, entry.candidate)
            ledger_rows.insert_events(connection, record.load_id, entry.events)
            ledger_rows.insert_results(connection, record.load_id, entry.results)
            ledger_rows.insert_approval_steps(connection, record.load_id, entry.feed.approval)
            if entry.fingerprint is not None:
                connection.execute(
                    "insert into ops.refused_batch values (?, ?)", [record.load_id, entry.fingerprint]
                )
            if quarantine is not None:
                connection.execute(
                    f"insert into ops.quarantine select {literal(record.load_id)}, row_no, reasons, record "
                    f"from read_parquet({literal(str(quarantine))})"
                )
            if entry.flagged is not None:
                connection.execute(
                    f"insert into ops.flagged_row select {literal(record.load_id)}, row_no, expectation "
                    f"from read_parquet({literal(str(entry.flagged))})"
                )
            if entry.profile is not None:
                connection.execute(
                    f"insert into ops.load_profile select {literal(record.load_id)}, metric, key, value "
                    f"from read_parquet({literal(str(entry.profile))})"
                )
            if entry.batch is not None:
                table = raw_table(record.source, record.feed)
                kept_back = (
                    f"select row_no from {literal(str(quarantine))}" if quarantine is not None else None
                )
                ledger_rows.insert_batch(
                    connection, table, record.load_id, entry.feed, entry.batch, kept_back
                )
                # count what is stored, not what was sent
                arrived = rows_of_load(connection, table, record.load_id)
                if arrived != record.rows_accepted:
                    connection.rollback()
                    raise WarehouseError(
                        f"load {record.load_id}: {arrived} rows arrived, the gate accepted {record.rows_accepted}",
                        "Nothing was entered. Run again; if it happens again, report it.",
                    )
            connection.commit()

    def commit_candidate(self, load_id: str, candidate: Seen) -> None:
        """Record that a known delivery was found again, perhaps in another place."""
        with self._connected() as connection:
            ledger_rows.insert_candidate(connection, load_id, candidate)

    def commit_waiver(
        self, load_id: str, event: Event, feed: Feed, batch: Path | None, fingerprint: str | None
    ) -> None:
        """Enter a waiver, and the rows that it accepts if they are not there yet.

        Within the transaction, the ledger's own views show the effect: if they refuse it, the transaction is rolled back.

        Raises:
            GorodError: the load would count days or rows twice, or count nothing, or ``batch`` is not what was refused.
            WarehouseError: the number of rows or quarantined rows is not what the ledger says.
        """
        with self._connected() as connection:
            connection.begin()
            try:
                until = waivers.waived_until(connection, load_id)
                ledger_rows.insert_events(connection, load_id, [event])
                # a waiver that only shortens another accepts nothing new, and must be possible whatever went wrong before
                if until is None or event.until is None or event.until > until:
                    waivers.require_place(connection, load_id)
                waivers.insert_waived_rows(connection, load_id, feed, batch, fingerprint)
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def commit_approval(self, load_id: str, approval: Approval) -> None:
        """Enter an approval, or its revocation, if it is the load's turn for it.

        Raises:
            GorodError: the load needs no such step, it is not its turn, or the load could not count.
        """
        with self._connected() as connection:
            connection.begin()
            try:
                approvals.require_turn(connection, load_id, approval)
                approvals.insert(connection, load_id, approval)
                if approval.decision == "approved":
                    approvals.require_place(connection, load_id)
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def note_extension(self, extension: Extension) -> None:
        """Record that a delivery may come later."""
        with self.connection() as connection:
            connection.execute(
                "insert into ops.extension values (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    extension.source, extension.feed, extension.instance, extension.time_period, extension.until,
                    extension.at, extension.by_whom, extension.why,
                ],
            )  # fmt: skip

    def raw_changes(self, source: str, feed: str, declared: Feed) -> list[raw.Change]:
        """The columns of a feed's raw table whose declaration has changed since they were read."""
        table = raw_table(source, feed)
        with self._connected(read_only=True) as connection:
            return raw.changes(table, declared, self.raw_columns(connection, table))

    def read_again(self, source: str, feed: str, declared: Feed, batches: Iterable[tuple[str, Path]]) -> None:
        """Replace the values of changed columns in a feed's raw table by those in the loads' batches.

        The set of rows stays the same: the gate's decisions are not repeated. All in one transaction.

        Raises:
            WarehouseError: an existing row is not in its batch, or one of its values can no longer be read.
        """
        table, made = raw_table(source, feed), f"{raw_table(source, feed)}__read_again"
        with self._connected() as connection:
            connection.begin()
            try:
                held = self.raw_columns(connection, table)
                again = {change.column for change in raw.changes(table, declared, held)}
                types = {name: column.sql_type for name, column in held.items()}
                for name in again:
                    del types[name]
                kept = dict.fromkeys(types, "held")
                read = {name: kind for name, kind in raw.definition(declared).items() if name in again}
                types, origin = {**types, **read}, {**kept, **dict.fromkeys(read, "batch")}
                defined = ", ".join(f"{quoted(name)} {kind}" for name, kind in types.items())
                values = ", ".join(f"{where}.{quoted(name)}" for name, where in origin.items())
                connection.execute(f"create table {made} ({defined})")
                for load_id, batch in batches:
                    rows = (
                        f"from {table} as held join read_parquet({literal(str(batch))}) as batch"
                        f" on held.row_no = batch.row_no where held.load_id = {literal(load_id)}"
                    )
                    _require_read(connection, table, load_id, rows)
                    connection.execute(f"insert into {made} select {values} {rows} order by held.row_no")
                    _require_as_many(
                        load_id, *(rows_of_load(connection, one, load_id) for one in (table, made))
                    )
                counts = (
                    asked(connection, f"select count(*) as rows from {one}")[0][0] for one in (table, made)
                )
                _require_as_many("all loads", *counts)
                self.put_in_place(connection, table, made, declared)
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def note_embargoed_read(self, what: str, until: datetime, by: str, why: str) -> None:
        """Record who reads figures under embargo, which, and why."""
        now, held_until = (
            moment.astimezone(UTC).replace(tzinfo=None) for moment in (datetime.now(UTC), until)
        )
        with self.connection() as connection:
            connection.execute(
                "insert into ops.embargoed_read values (?, ?, ?, ?, ?)", [now, what, held_until, by, why]
            )

    def note_removed(self, delivery_ids: Sequence[str], kept_days: int) -> None:
        """Record that these deliveries are removed from landing: their feed's ``landing_days`` are over."""
        now = datetime.now(UTC).replace(tzinfo=None)
        with self.connection() as connection:
            connection.begin()
            for delivery_id in delivery_ids:
                connection.execute(
                    "insert into ops.removed_delivery values (?, ?, ?)", [delivery_id, now, kept_days]
                )
            connection.commit()

    def query(self, sql: str, parameters: list[Any] | None = None) -> list[Row]:
        """Rows of a query, as dictionaries."""
        with self._connected(read_only=True) as connection:
            cursor = connection.execute(sql, parameters or [])
            names = [column[0] for column in cursor.description or []]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def tables(self, queries: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, pa.Table]:
        """Results of read-only queries by name, on one connection; each query gets the ``$values`` that it uses."""
        if not queries:
            return {}
        with self._connected(read_only=True) as connection:
            return {
                name: connection.execute(
                    sql, {key: values[key] for key in set(re.findall(r"\$(\w+)", sql))}
                ).to_arrow_table()
                for name, sql in queries.items()
            }


def _require_as_many(what: str, stood: int, stand: int) -> None:
    """Check that every accepted row was read again.

    Raises:
        WarehouseError: some were not.
    """
    if stood != stand:
        raise WarehouseError(
            f"{what}: {stood} rows were accepted, but only {stand} of them are found when the deliveries are read today",
            "Nothing was changed. See: gorod warehouse check --landing. Or revert the change of source.yml.",
        )


def _require_read(connection: duckdb.DuckDBPyConnection, table: str, load_id: str, rows: str) -> None:
    """Check that what was accepted can still be read.

    Raises:
        WarehouseError: a value cannot; the message names it and its place.
    """
    found = connection.execute(
        f"select held.row_no, parse_errors {rows} and parse_errors is not null order by held.row_no limit 1"
    ).fetchone()
    if found is not None:
        row_no, errors = found
        first = json.loads(errors)[0]
        value = "" if first["value"] is None else f" {first['value']!r}"
        raise WarehouseError(
            f"{table}, load {load_id}, row {row_no}: {first['column']}{value} does not match the current declaration: "
            f"{first['expected']}",
            "Nothing was changed. Texts that mean no value can be declared as `missing`; or revert the change of "
            "source.yml.",
        )
