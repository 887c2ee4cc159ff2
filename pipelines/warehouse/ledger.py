"""Entering loads and reading, in DuckDB's SQL, the same for every warehouse."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.declarations.feeds import Feed
from pipelines.deliveries import ExpectationResult
from pipelines.errors import GorodError, WarehouseError
from pipelines.sql import literal, quoted
from pipelines.warehouse import raw
from pipelines.warehouse.base import Entry, Event, Row, Seen, raw_table
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
            _insert_candidate(connection, record.load_id, entry.candidate)
            _insert_events(connection, record.load_id, entry.events)
            _insert_results(connection, record.load_id, entry.results)
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
                _insert_batch(connection, table, record.load_id, entry.feed, entry.batch, kept_back)
                # count what is stored, not what was sent
                arrived = rows_of_load(connection, table, record.load_id)
                if arrived != record.rows_accepted:
                    connection.rollback()
                    raise WarehouseError(
                        f"load {record.load_id}: {arrived} rows arrived, the gate accepted {record.rows_accepted}",
                        "Nothing was entered. Run again; if it stays, report it.",
                    )
            connection.commit()

    def commit_candidate(self, load_id: str, candidate: Seen) -> None:
        """Record that a known delivery was found again, perhaps in another place."""
        with self._connected() as connection:
            _insert_candidate(connection, load_id, candidate)

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
                until = _waived_until(connection, load_id)
                _insert_events(connection, load_id, [event])
                # a waiver that only shortens another accepts nothing new, and must be possible whatever went wrong before
                if until is None or event.until is None or event.until > until:
                    _require_place(connection, load_id)
                _let_in(connection, load_id, feed, batch, fingerprint)
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

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
            f"{what}: {stood} rows were accepted, and {stand} of them are in what was delivered as it is read now",
            "Nothing was changed. See: gorod warehouse check --landing. Or take the change of source.yml back.",
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
            f"{table}, load {load_id}, row {row_no}: {first['column']}{value} is not what is declared now: "
            f"{first['expected']}",
            "Nothing was changed. Texts that mean no value can be declared as `missing`; or take the change of "
            "source.yml back.",
        )


def _insert_batch(
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


def _waived_until(connection: duckdb.DuckDBPyConnection, load_id: str) -> date | None:
    """The last day of the waiver that is in force, if one is."""
    found = asked(
        connection, f"select waived_until from ops.accepted_load where load_id = {literal(load_id)}"
    )
    return found[0][0] if found else None


def _require_place(connection: duckdb.DuckDBPyConnection, load_id: str) -> None:
    """Check that a waived load counts now, only once, and does not replace part of another.

    Raises:
        GorodError: one of these is not so.
    """
    given = literal(load_id)
    what = f"load {load_id} cannot be waived"
    for other, slice_ in asked(
        connection,
        f"""
        select loads.load_id, loads.slice
        from ops.conflicting_load as pairs
        inner join ops.load as loads
            on loads.load_id = case when pairs.load_id = {given} then pairs.kept_load_id else pairs.load_id end
        where pairs.load_id = {given} or pairs.kept_load_id = {given}
        order by loads.load_no
        """,
    ):
        raise GorodError(
            f"{what}, by nobody: it has days in common with {other} ({slice_}), and neither the later of them covers "
            "the earlier; those days would count twice",
            "Nothing was changed. The supplier has to deliver a period that is the same, covers it whole, or does not "
            f"touch it: {slice_}.",
        )
    for other, instance, slice_ in asked(
        connection,
        f"""
        select twins.load_id, twins.instance, twins.slice
        from ops.accepted_load as twins
        inner join ops.load as loads
            on loads.source = twins.source and loads.feed = twins.feed and loads.sha256 = twins.sha256
        where
            loads.load_id = {given}
            and (loads.instance <> twins.instance or loads.part <> twins.part)
            and not twins.not_retained
        order by twins.load_no
        """,
    ):
        raise GorodError(
            f"{what}, by nobody: the same bytes count already as {other} ({instance}, {slice_}), and its rows would "
            "count twice",
            "Nothing was changed. The supplier has to deliver what belongs to this instance and part.",
        )
    if asked(connection, f"select 1 as one from ops.effective_load where load_id = {given}"):
        return
    if not asked(connection, f"select 1 as one from ops.accepted_load where load_id = {given}"):
        raise GorodError(
            f"{what} until a day that is past in Minsk, by the clock of the warehouse",
            "Nothing was changed. Give a day from today on.",
        )
    ((newer,),) = asked(
        connection,
        f"""
        select max(newer.load_id) as load_id
        from ops.effective_load as newer
        inner join ops.accepted_span as spans on newer.load_id = spans.load_id
        inner join ops.accepted_span as own
            on
                own.source = spans.source and own.feed = spans.feed and own.instance = spans.instance
                and own.part = spans.part and spans.from_day <= own.from_day and spans.to_day >= own.to_day
        where own.load_id = {given}
        """,
    )
    raise GorodError(
        f"{what}: a newer load has its place ({newer})",
        f"Nothing was changed. To put this delivery in its place: gorod replay {load_id} --anyway",
    )


def _let_in(
    connection: duckdb.DuckDBPyConnection,
    load_id: str,
    feed: Feed,
    batch: Path | None,
    fingerprint: str | None,
) -> None:
    """The rows of a refused load that are not in quarantine; exactly as many as the ledger says.

    Raises:
        GorodError: ``batch`` is not what was refused.
        WarehouseError: the number of rows or quarantined rows is not what the ledger says; or there is no row to accept.
    """
    ((source, name, delivered, quarantined, known, kept_back),) = asked(
        connection,
        f"""
        select
            loads.source, loads.feed, loads.rows_delivered, loads.rows_quarantined,
            (select max(fingerprint) from ops.refused_batch as read where read.load_id = loads.load_id) as fingerprint,
            (select count(distinct row_no) from ops.quarantine as kept where kept.load_id = loads.load_id) as kept_back
        from ops.load as loads where loads.load_id = {literal(load_id)}
        """,
    )
    if kept_back != quarantined:
        raise WarehouseError(
            f"load {load_id}: {kept_back} rows are in quarantine, the ledger says {quarantined}",
            "Nothing was changed. See: gorod warehouse check",
        )
    if delivered == quarantined:
        raise GorodError(
            f"load {load_id}: all its {delivered} rows are in quarantine, and stay there; a waiver would say that there "
            "were none",
            "Nothing was changed. The supplier has to deliver again. See: gorod explain " + load_id,
        )
    table = raw_table(source, name)
    if batch is not None and not rows_of_load(connection, table, load_id):
        if known != fingerprint:
            raise GorodError(
                f"the delivery of load {load_id} is not read as it was when it was refused: the declaration of "
                f"{source}.{name}, its reader or the key of pseudonyms has changed since",
                "Nothing was changed. Have it judged as it is read today, and waive that load if it is refused: "
                f"gorod replay {load_id}",
            )
        kept = f"select row_no from ops.quarantine where load_id = {literal(load_id)}"
        _insert_batch(connection, table, load_id, feed, batch, kept)
    arrived = rows_of_load(connection, table, load_id)
    if arrived != delivered - quarantined:
        raise WarehouseError(
            f"load {load_id}: {arrived} rows arrived, {delivered - quarantined} are not in quarantine",
            "Nothing was changed. See: gorod warehouse check",
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


def _insert_candidate(connection: duckdb.DuckDBPyConnection, load_id: str, candidate: Seen) -> None:
    connection.execute(
        "insert into ops.candidate values (?, ?, ?, ?)",
        [load_id, candidate.origin, candidate.fingerprint, candidate.at],
    )


def _insert_results(
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
