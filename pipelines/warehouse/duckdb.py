"""The embedded warehouse: one DuckDB file, one writer at a time, connections as short as possible."""

from __future__ import annotations

import errno
import os
import random
import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb

from pipelines.declarations.feeds import Feed
from pipelines.declarations.sources import load_sources
from pipelines.disk import full_disk
from pipelines.embedded import connect
from pipelines.errors import GorodError, WarehouseBusyError, WarehouseError
from pipelines.interrupts import interrupts_raised
from pipelines.sql import literal, quoted
from pipelines.warehouse import migrations, raw
from pipelines.warehouse.base import Row, raw_table
from pipelines.warehouse.ledger import Ledger
from pipelines.warehouse.tables import comment

# DuckDB's message for a file that another process has open; "block" and folder names also contain "lock".
HELD = re.compile(r"lock on file|file handle conflict", re.IGNORECASE)

# of all tables at once: each question goes through all columns of the warehouse
RAW_COLUMNS = (
    "select schema_name || '.' || table_name, column_name, data_type, comment from duckdb_columns()"
    " where database_name = current_database() and schema_name = 'raw'"
)


# So long a file is kept open for the next use, and so long it is then left to others, who ask for it every 0.15 s.
KEPT_OPEN_S, LEFT_ALONE_S = 1.0, 0.05


@dataclass
class _Kept:
    """A file that this process keeps open between its uses: opening and closing it costs as much as entering a load."""

    connection: duckdb.DuckDBPyConnection | None = None
    since: float = 0.0
    is_prepared: bool = False

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


# by path, for every object that stands for the same file
_kept: dict[Path, _Kept] = {}


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
            with interrupts_raised():
                yield connection
        except duckdb.Error as error:
            raise self.translate_error(error) from error
        finally:
            connection.close()
            kept = _kept.get(self.path)
            if kept and kept.connection and time.monotonic() - kept.since > KEPT_OPEN_S:
                kept.close()
                time.sleep(LEFT_ALONE_S)

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Keep the file open between the connections within, but for a moment in each second, when others may have it."""
        if self.path in _kept:
            yield
            return
        _kept[self.path] = _Kept()
        try:
            yield
        finally:
            _kept.pop(self.path).close()

    def translate_error(self, error: duckdb.Error) -> Exception:
        """Translate an error of DuckDB into one with a remedy."""
        text = str(error)
        if HELD.search(text):
            holder = re.search(r"PID (\d+)", text)
            return WarehouseBusyError(
                f"warehouse {self.path} is in use by another process"
                + (f" (process {holder.group(1)})" if holder else ""),
                "Wait until it ends, or stop it; nothing was changed. Readers use the published snapshot, never this file.",
            )
        if full := full_disk(text):
            return full
        if isinstance(error, duckdb.OutOfMemoryException):
            return WarehouseError(
                f"not enough memory: {text.splitlines()[0]}",
                "Stop other programs or add memory, and run again; nothing was half written.",
            )
        if isinstance(error, duckdb.IOException):
            return WarehouseError(
                f"warehouse {self.path} cannot be used: {text.splitlines()[0]}",
                "Check permissions and space.",
            )
        return error

    def _open(self, read_only: bool) -> duckdb.DuckDBPyConnection:
        kept = _kept.get(self.path)
        if kept is None:
            return self._open_file(read_only)
        if kept.connection is not None:
            # a fatal error, such as a full disk, ends it for all its connections
            with suppress(duckdb.Error):
                return _set_up(kept.connection.cursor())
            kept.close()
        kept.connection, kept.since = self._open_file(read_only=False), time.monotonic()
        return _set_up(kept.connection.cursor())

    def _open_file(self, read_only: bool) -> duckdb.DuckDBPyConnection:
        deadline = time.monotonic() + self.busy_timeout_s
        while True:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                if not self.path.exists():
                    _create(self.path)
                return _set_up(connect(self.path, read_only=read_only))
            except OSError as error:
                raise WarehouseError(
                    f"folder {self.path.parent} cannot be created: {error.strerror}",
                    "Set GOROD_HOME to a writable folder.",
                ) from error
            except duckdb.Error as error:
                if not HELD.search(str(error)) or time.monotonic() > deadline:
                    raise self.translate_error(error) from error
                time.sleep(random.uniform(0.05, 0.25))

    @property
    def name(self) -> str:
        """Path of the file."""
        return str(self.path)

    def migrate(self) -> list[migrations.Step]:
        """Bring an older schema version to the newest; return the steps taken."""
        with self.connection() as connection:
            found, exists = _version(connection)
            taken = migrations.steps(found) if exists and found is not None else []
            for step in taken:
                connection.begin()
                tables = [name for (name,) in connection.execute(migrations.TABLES).fetchall()]
                connection.execute(step.sql(tables))
                connection.execute(migrations.RECORD.format(step.version))
                connection.commit()
        self._make_form()
        return taken

    def prepare(self) -> None:
        """Create what is missing: schemas, ledger, views, an empty raw table for each declared feed.

        Raises:
            WarehouseError: the ledger has another schema version, or the declaration of raw columns has changed.
        """
        kept = _kept.get(self.path)
        if kept is None or not kept.is_prepared:
            self._make_form(require_unchanged=True)
        if kept is not None:
            kept.is_prepared = True

    def _make_form(self, *, require_unchanged: bool = False) -> None:
        """Create what is missing. Raw columns that differ from their declaration stay, unless they must match."""
        with self.connection() as connection:
            connection.begin()
            found, exists = _version(connection)
            migrations.require(found, exists, str(self.path))
            connection.execute(migrations.schema_sql())
            connection.execute(migrations.RECORD.format(migrations.SCHEMA_VERSION))
            present: dict[str, dict[str, raw.Held]] = {}
            for table, column, sql_type, mark in connection.execute(RAW_COLUMNS).fetchall():
                present.setdefault(table, {})[column] = raw.Held(sql_type, mark)
            changed: list[raw.Change] = []
            for source in load_sources().values():
                for name, feed in source.feeds.items():
                    table = raw_table(source.source, name)
                    changed += _prepare_raw(connection, table, feed, present.get(table, {}))
            if require_unchanged:
                raw.require_unchanged(changed)
            connection.commit()

    def raw_columns(self, connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, raw.Held]:
        """The columns of a raw table; empty if there is no such table."""
        return {
            column: raw.Held(sql_type, mark)
            for held, column, sql_type, mark in connection.execute(RAW_COLUMNS).fetchall()
            if held == table
        }

    def put_in_place(self, connection: duckdb.DuckDBPyConnection, table: str, made: str, feed: Feed) -> None:
        """Make ``made`` the raw table of a feed, in the caller's transaction."""
        connection.execute(f"drop table {table}")
        connection.execute(f"alter table {made} rename to {quoted(table.split('.')[1])}")
        _mark(connection, table, feed, {})

    def query(self, sql: str, parameters: list[Any] | None = None) -> list[Row]:
        """Rows of a query, as dictionaries. An empty list if the warehouse does not exist yet."""
        return super().query(sql, parameters) if self.path.exists() else []

    def attach(self, connection: duckdb.DuckDBPyConnection, name: str | None = None) -> str:
        """Attach the file for reading; return its name in that connection.

        The name is the file's own unless another is given: the file's views use it.

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
                        "Check that the file is complete and was written by this version of DuckDB.",
                    ) from error
                if time.monotonic() >= deadline:
                    raise WarehouseBusyError(
                        f"{self.path}: another process is writing the warehouse",
                        "Wait until it ends, then try again.",
                    ) from error
                time.sleep(0.1)

    def writing(self) -> AbstractContextManager[None]:
        """Hold nothing: DuckDB allows only one process to open the file for writing."""
        return nullcontext()


def _set_up(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    connection.execute("set preserve_insertion_order = true")
    return connection


def _version(connection: duckdb.DuckDBPyConnection) -> tuple[int | None, bool]:
    """The schema version of the ledger in a file, if recorded, and whether there is a ledger at all."""
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


def _prepare_raw(
    connection: duckdb.DuckDBPyConnection, table: str, feed: Feed, present: dict[str, raw.Held]
) -> list[raw.Change]:
    """Create a raw table, or add missing columns; return what differs from the declaration."""
    changed = raw.changes(table, feed, present)
    if changed and not connection.execute(f"from {table} limit 1").fetchall():
        connection.execute(f"drop table {table}")
        present, changed = {}, []
    columns = raw.definition(feed)
    defined = ", ".join(f"{quoted(name)} {sql_type}" for name, sql_type in columns.items())
    if not present:
        connection.execute(
            f"create table {table} (load_id VARCHAR not null, row_no BIGINT not null, {defined})"
        )
    for column, sql_type in columns.items():
        if present and column not in present:
            connection.execute(f"alter table {table} add column {quoted(column)} {sql_type}")
    if not changed:
        _mark(connection, table, feed, present)
    return changed


def _mark(
    connection: duckdb.DuckDBPyConnection, table: str, feed: Feed, present: dict[str, raw.Held]
) -> None:
    for name, column in feed.kept_columns.items():
        if name not in present or not present[name].is_marked:
            comment(connection, f"column {table}.{quoted(name)}", raw.mark(column))


def _create(path: Path) -> None:
    """Create an empty file in the newest storage format: a third faster to write, readable only by the pinned DuckDB.

    Written beside the target and renamed: a half-made file left by a killed process could never be opened.
    """
    made = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with connect() as connection:
            connection.execute(f"attach {literal(str(made))} as made (storage_version 'latest')")
        path.hardlink_to(made)
    except FileExistsError:
        pass  # another process was faster
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP):
            raise
        raise WarehouseError(
            f"{path}: the file system of this folder is not suitable for a warehouse: {error.strerror}",
            "It must support hard links (ext4, xfs, btrfs and NTFS do, FAT does not): set GOROD_HOME to a suitable folder.",
        ) from error
    finally:
        made.unlink(missing_ok=True)
