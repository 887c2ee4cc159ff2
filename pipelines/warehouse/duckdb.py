"""The embedded warehouse: one DuckDB file, one writer at a time, each connection as short as it can be.

``Ledger`` is what every warehouse does in DuckDB's SQL, whatever holds the tables.
"""

from __future__ import annotations

import errno
import os
import random
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import duckdb

from pipelines.declarations.sources import Feed, load_sources
from pipelines.errors import GorodError, WarehouseBusyError, WarehouseError
from pipelines.formats.typed import SQL_TYPES, literal, quoted
from pipelines.loading.gate import Result
from pipelines.warehouse import form
from pipelines.warehouse.base import Event, LoadRecord, Row, Seen, raw_table
from pipelines.warehouse.tables import rows_of_load

# loads are only added to, by one writer at a time
NEXT_LOAD_NO = "(select coalesce(max(load_no), 0) + 1 from ops.load)"

# What DuckDB says of a file that another process has open; "block" and names of folders hold "lock" too.
HELD = re.compile(r"lock on file|file handle conflict", re.IGNORECASE)
# What is said where the disk is full: by DuckDB, by Linux, by SQLite (Dagster's event log).
FULL = re.compile(
    r"no space left|disk full|disk is full|could not write|failed to write|ENOSPC", re.IGNORECASE
)


class Ledger(ABC):
    """Entering loads and reading: everything goes through connections that speak DuckDB's SQL."""

    @abstractmethod
    def connection(self, *, read_only: bool = False) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection, closed at the end; what was begun and not committed is undone."""

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
        with self.connection() as connection:
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
        with self.connection() as connection:
            _insert_offer(connection, load_id, offer)

    def commit_waiver(
        self, load_id: str, event: Event, feed: Feed, batch: Path | None, quarantine: Path | None
    ) -> None:
        """Enter a waiver, and the rows that it lets in if they are not there yet."""
        with self.connection() as connection:
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
        with self.connection(read_only=True) as connection:
            cursor = connection.execute(sql, parameters or [])
            names = [column[0] for column in cursor.description or []]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


class DuckDBWarehouse(Ledger):
    """A warehouse in a DuckDB file (the protocol is :class:`pipelines.warehouse.base.Warehouse`)."""

    engine: Literal["duckdb"] = "duckdb"

    def __init__(self, path: Path, busy_timeout_s: float = 20.0) -> None:
        self.path = path
        self.busy_timeout_s = busy_timeout_s

    @contextmanager
    def connection(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection, closed at the end.

        Raises:
            WarehouseBusyError: another process held the file for longer than ``busy_timeout_s``.
            WarehouseError: the file cannot be opened or written (permissions, disk, version).
        """
        connection = self._open(read_only)
        try:
            yield connection
        except duckdb.Error as error:
            raise told(error, self.path) from error
        finally:
            connection.close()

    def _open(self, read_only: bool) -> duckdb.DuckDBPyConnection:
        deadline = time.monotonic() + self.busy_timeout_s
        while True:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                if not self.path.exists():
                    _create(self.path)
                connection = duckdb.connect(str(self.path), read_only=read_only)
                connection.execute("set preserve_insertion_order = true")
                return connection
            except OSError as error:
                raise WarehouseError(
                    f"folder {self.path.parent} cannot be made: {error.strerror}",
                    "Set GOROD_HOME to a writable folder.",
                ) from error
            except duckdb.Error as error:
                if not HELD.search(str(error)) or time.monotonic() > deadline:
                    raise told(error, self.path) from error
                time.sleep(random.uniform(0.05, 0.25))

    @property
    def name(self) -> str:
        """Path of the file."""
        return str(self.path)

    def migrate(self) -> list[form.Step]:
        """Bring an older form to the newest; the steps that were taken."""
        with self.connection() as connection:
            found, exists = _version(connection)
            taken = form.steps(found) if exists and found is not None else []
            for step in taken:
                connection.begin()
                connection.execute(step.sql)
                connection.execute(form.RECORD.format(step.version))
                connection.commit()
        self.prepare()
        return taken

    def prepare(self) -> None:
        """Create what is missing: schemas, ledger, views, an empty raw table for each declared feed."""
        with self.connection() as connection:
            connection.begin()
            found, exists = _version(connection)
            form.require(found, exists, str(self.path))
            connection.execute(form.schema_sql())
            connection.execute(form.RECORD.format(form.VERSION))
            for source in load_sources().values():
                for name, feed in source.feeds.items():
                    _prepare_raw(connection, raw_table(source.source, name), feed)
            connection.commit()

    def query(self, sql: str, parameters: list[Any] | None = None) -> list[Row]:
        """Rows of a query, as dictionaries. An empty list where the warehouse does not exist yet."""
        return super().query(sql, parameters) if self.path.exists() else []

    def attach(self, connection: duckdb.DuckDBPyConnection, name: str | None = None) -> str:
        """Attach the file, to read, and its name in that connection.

        The name is the file's own unless another is given: the file's views say it.

        Raises:
            GorodError: there is no such file.
            WarehouseBusyError: another process held it for longer than ``busy_timeout_s``.
            WarehouseError: it cannot be opened.
        """
        if not self.path.exists():
            raise GorodError(
                f"{self.path}: there is no warehouse",
                "Run `gorod run` first: it loads, builds and publishes.",
            )
        known = name or self.path.stem
        deadline = time.monotonic() + self.busy_timeout_s
        while True:
            try:
                connection.execute(f"attach {literal(str(self.path))} as {quoted(known)} (read_only)")
                return known
            except duckdb.Error as error:
                if not HELD.search(str(error)):
                    raise WarehouseError(
                        f"{self.path}: cannot be opened: {error}",
                        "Check that the file is whole and was written by this version of DuckDB.",
                    ) from error
                if time.monotonic() >= deadline:
                    raise WarehouseBusyError(
                        f"{self.path}: another process is writing the warehouse",
                        "Wait until it ends, then try again.",
                    ) from error
                time.sleep(0.1)

    def writing(self) -> AbstractContextManager[None]:
        """Nothing to hold: whoever has the file open to write is alone."""
        return nullcontext()


def _version(connection: duckdb.DuckDBPyConnection) -> tuple[int | None, bool]:
    """The form of the ledger in a file, if it says, and whether there is a ledger at all."""
    tables = {
        name
        for (name,) in connection.execute(
            "select table_name from information_schema.tables where table_schema = 'ops'"
        ).fetchall()
    }
    if "version" not in tables:
        return None, bool(tables)
    row = connection.execute("select max(version) from ops.version").fetchone()
    return row[0] if row else None, True


def _prepare_raw(connection: duckdb.DuckDBPyConnection, table: str, feed: Feed) -> None:
    columns = {name: SQL_TYPES[column.type] for name, column in feed.kept_columns.items()}
    definition = ", ".join(f"{quoted(name)} {sql_type}" for name, sql_type in columns.items())
    connection.execute(
        f"create table if not exists {table} (load_id VARCHAR not null, row_no BIGINT not null, {definition})"
    )
    schema, name = table.split(".")
    present = {
        row[0]
        for row in connection.execute(
            "select column_name from information_schema.columns where table_schema = ? and table_name = ?",
            [schema, name],
        ).fetchall()
    }
    for column, sql_type in columns.items():
        if column not in present:
            connection.execute(f"alter table {table} add column {quoted(column)} {sql_type}")


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


def told(error: duckdb.Error, path: Path) -> Exception:
    """A DuckDB error as one that tells what to do."""
    text = str(error)
    if HELD.search(text):
        holder = re.search(r"PID (\d+)", text)
        return WarehouseBusyError(
            f"warehouse {path} is in use by another process"
            + (f" (process {holder.group(1)})" if holder else ""),
            "Wait until it ends, or stop it; nothing was changed. Readers use the published snapshot, never this file.",
        )
    if full := heard(text):
        return full
    if isinstance(error, duckdb.OutOfMemoryException):
        return WarehouseError(
            f"not enough memory: {text.splitlines()[0]}",
            "Stop other programmes or give the machine more memory, and run again; nothing was half written.",
        )
    if isinstance(error, duckdb.IOException):
        return WarehouseError(
            f"warehouse {path} cannot be used: {text.splitlines()[0]}", "Check permissions and space."
        )
    return error


def heard(text: str) -> WarehouseError | None:
    """What others (Dagster, dbt) say of a full disk, as an error that tells what to do; None if it is of something else."""
    for line in text.splitlines():
        if FULL.search(line):
            return WarehouseError(
                f"the disk is full: {line.strip()}", "Free space and run again; nothing was half written."
            )
    return None


def _create(path: Path) -> None:
    """An empty file in the newest form of storage: it is written a third faster, and only the pinned DuckDB reads it.

    Made beside and shown whole: a file that a killed process has left half made could never be opened.
    """
    made = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with duckdb.connect() as connection:
            connection.execute(f"attach {literal(str(made))} as made (storage_version 'latest')")
        path.hardlink_to(made)
    except FileExistsError:
        pass  # somebody else was faster
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP):
            raise
        raise WarehouseError(
            f"{path}: the file system of this folder cannot hold a warehouse: {error.strerror}",
            "It has to know hard links (ext4, xfs, btrfs, NTFS do, FAT does not): set GOROD_HOME to a folder on one that does.",
        ) from error
    finally:
        made.unlink(missing_ok=True)
