"""The warehouse on a PostgreSQL server.

Gorod's own Python uses only DuckDB's SQL: :meth:`PostgresWarehouse.connection` is an in-memory DuckDB with the server
attached as the default catalogue, so that Parquet and Arrow go straight into the server's tables by COPY, and one
DuckDB transaction is one transaction there. What PostgreSQL itself must do (tables, indexes, locks) goes through
psycopg.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import duckdb

from pipelines.declarations.feeds import Feed
from pipelines.embedded import connect
from pipelines.errors import WarehouseError
from pipelines.interrupts import interrupts_raised
from pipelines.sql import literal, quoted
from pipelines.warehouse import migrations, raw
from pipelines.warehouse.base import Entry, Event, Row, Seen
from pipelines.warehouse.ledger import Ledger
from pipelines.warehouse.postgres_layout import (
    RAW_COLUMNS,
    create_schema,
    lay_out_older_tables,
    layout,
    marks,
    require_order,
    run_script,
    version,
)
from pipelines.warehouse.postgres_locks import take_turn, writer_lock
from pipelines.warehouse.server import Server, is_away
from pipelines.warehouse.tables import asked

CATALOGUE = "warehouse"
EXTENSION = "duckdb_extension_postgres_scanner"
# The extension's wheel is installed by hash; checking its signature again would take most of a connection's time.
UNSIGNED: dict[str, str | bool | int | float | list[str]] = {"allow_unsigned_extensions": "true"}
# How often a load is attempted; each attempt waits for the server for ``busy_timeout_s``.
ATTEMPTS = 3


class PostgresWarehouse(Ledger):
    """A warehouse in a server's database (the protocol is :class:`pipelines.warehouse.base.Warehouse`)."""

    engine: Literal["postgres"] = "postgres"

    def __init__(self, dsn: str, busy_timeout_s: float = 20.0) -> None:
        self.server = Server(dsn, busy_timeout_s)

    @contextmanager
    def connection(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """An in-memory DuckDB whose default catalogue is the server's database.

        Raises:
            WarehouseError: the server cannot be reached or written.
            WarehouseBusyError: something to be written is locked.
        """
        with connect(config=UNSIGNED) as connection:
            try:
                self._attach(connection, CATALOGUE, read_only)
                connection.execute(f"use {CATALOGUE}")
                with interrupts_raised():
                    yield connection
            except duckdb.Error as error:
                raise self.translate_error(error) from error
            finally:
                # if closed in a transaction whose server is gone, the extension crashes the process
                with suppress(duckdb.Error):
                    connection.rollback()

    def translate_error(self, error: duckdb.Error) -> Exception:
        """Translate an error of DuckDB into one with a remedy."""
        return self.server.translate_error(error)

    def attach(self, connection: duckdb.DuckDBPyConnection, name: str | None = None) -> str:
        """Attach the database for reading; return its name in that connection.

        Raises:
            WarehouseError: the server cannot be reached.
        """
        known = name or CATALOGUE
        try:
            self._attach(connection, known, read_only=True)
        except duckdb.Error as error:
            raise self.server.translate_error(error) from error
        return known

    def _attach(self, connection: duckdb.DuckDBPyConnection, name: str, read_only: bool) -> None:
        """Attach, retrying while the server is away. The password is a DuckDB secret, so messages do not show it."""
        connection.execute(f"load {literal(str(_extension()))}")
        purpose = "reads" if read_only else "writes"
        secret = self.server.parameters.get("password")
        if secret is not None:
            connection.execute(f"create or replace secret {name} (type postgres, password {literal(secret)})")
        address = self.server.conninfo(purpose, password=False)
        how = "type postgres" + (f", secret {name}" if secret is not None else "")
        for attempt in self.server.retrying():
            with attempt:
                connection.execute(
                    f"attach {literal(address)} as {name} ({how}{', read_only' if read_only else ''})"
                )

    @property
    def name(self) -> str:
        """Host, port and database."""
        return f"PostgreSQL {self.server.name}"

    def migrate(self) -> list[migrations.Step]:
        """Bring an older schema version to the newest; return the steps taken."""
        with self.server.session("migrates") as session:
            take_turn(session)
            found, exists = version(session)
            taken = migrations.steps(found) if exists and found is not None else []
            for step in taken:
                with session.transaction():
                    tables = [name for (name,) in session.execute(migrations.TABLES).fetchall()]
                    run_script(session, step.sql(tables))
                    run_script(session, migrations.RECORD.format(step.version))
        self._make_form()
        with self.server.session("migrates", autocommit=True) as session:
            lay_out_older_tables(session)
        return taken

    def prepare(self) -> None:
        """Create what is missing: schemas, ledger, views, an empty raw table for each declared feed.

        Raises:
            WarehouseError: the ledger has another schema version, the declaration of raw columns has changed, or the
                database does not sort text by code point.
        """
        self._make_form(require_unchanged=True)

    def _make_form(self, *, require_unchanged: bool = False) -> None:
        """Create what is missing. Raw columns that differ from their declaration stay, unless they must match."""
        with self.server.session("prepares") as session:
            take_turn(session)
            found, exists = version(session)
            migrations.require(found, exists, self.server.name)
            if not exists:
                require_order(session, self.server.name)
            changed = create_schema(session)
            if require_unchanged:
                raw.require_unchanged(changed)

    def raw_columns(self, connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, raw.Held]:
        """The columns of a raw table; empty if there is no such table."""
        return {
            name: raw.held_on_server(sql_type, comment)
            for relation, name, sql_type, comment in asked(connection, RAW_COLUMNS)
            if f"raw.{relation}" == table
        }

    def put_in_place(self, connection: duckdb.DuckDBPyConnection, table: str, made: str, feed: Feed) -> None:
        """Make ``made`` the raw table of a feed, in the caller's transaction; views on the old one are dropped."""
        schema, name = table.split(".")
        for statement in (
            f"drop table {table} cascade",
            f"alter table {made} rename to {quoted(name)}",
            *layout(schema, name),
            *marks(table, feed, {}),
        ):
            connection.execute(f"call postgres_execute(current_database(), {literal(statement)})")

    def commit_load(self, entry: Entry) -> None:
        """Enter a load in one transaction; start again if the server went away before it was entered."""
        for attempt in range(1, ATTEMPTS + 1):
            # every time: the lock disappeared with the server, and another process may have taken it
            with self.writing():
                # check, not guess, whether the commit arrived before the connection broke
                if attempt > 1 and self.query(
                    "select 1 from ops.load where load_id = ?", [entry.record.load_id]
                ):
                    return
                try:
                    super().commit_load(entry)
                    return
                except WarehouseError as error:
                    lost = error.__cause__ is not None and is_away(error.__cause__)
                    if not lost or attempt == ATTEMPTS:
                        raise
                    # the session's connection disappeared with the server
                    self._shared = None

    def commit_candidate(self, load_id: str, candidate: Seen) -> None:
        """Record that a known delivery was found again, perhaps in another place."""
        with self.writing():
            super().commit_candidate(load_id, candidate)

    def commit_waiver(
        self, load_id: str, event: Event, feed: Feed, batch: Path | None, fingerprint: str | None
    ) -> None:
        """Enter a waiver, and the rows that it accepts if they are not there yet."""
        with self.writing():
            super().commit_waiver(load_id, event, feed, batch, fingerprint)

    def query(self, sql: str, parameters: list[Any] | None = None) -> list[Row]:
        """Rows of a query, as dictionaries. An empty list if the database holds no warehouse yet."""
        try:
            return super().query(sql, parameters)
        except duckdb.CatalogException:
            with self.server.session("reads") as session:
                if version(session)[1]:
                    raise
            return []

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock of the only writer of this database, on any host; may be nested within a process.

        The lock belongs to the session's transaction: it ends with the process, however that ends.

        Raises:
            WarehouseBusyError: another process writes for longer than ``busy_timeout_s``; the message names it.
        """
        with writer_lock(self.server):
            yield


@lru_cache(maxsize=1)
def _extension() -> Path:
    """DuckDB's extension for PostgreSQL, from its wheel: nothing is downloaded.

    Raises:
        WarehouseError: it is not installed, or is for another version of DuckDB.
    """
    found = importlib.util.find_spec(EXTENSION)
    where = list(found.submodule_search_locations or []) if found else []
    for folder in where:
        for path in Path(folder).glob(f"extensions/v{duckdb.__version__}/*.duckdb_extension"):
            return path
    raise WarehouseError(
        f"DuckDB {duckdb.__version__} has no extension for PostgreSQL here",
        "Install Gorod with its locked dependencies: make setup.",
    )
