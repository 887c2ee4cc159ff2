"""The warehouse on a PostgreSQL server.

Gorod's own Python uses only DuckDB's SQL: :meth:`PostgresWarehouse.connection` is an in-memory DuckDB with the server
attached as the default catalogue, so that Parquet and Arrow go straight into the server's tables by COPY, and one
DuckDB transaction is one transaction there. What PostgreSQL itself must do (tables, indexes, locks) goes through
psycopg.
"""

from __future__ import annotations

import hashlib
import importlib.util
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import duckdb
import psycopg
from psycopg import sql

from pipelines.declarations.feeds import Feed
from pipelines.declarations.sources import load_sources
from pipelines.errors import WarehouseBusyError, WarehouseError
from pipelines.interrupts import interrupts_raised
from pipelines.progress import report_progress
from pipelines.sql import literal, quoted
from pipelines.warehouse import migrations, raw
from pipelines.warehouse.base import Entry, Event, Row, Seen, raw_table
from pipelines.warehouse.ledger import Ledger
from pipelines.warehouse.server import Server, is_away
from pipelines.warehouse.tables import asked

CATALOGUE = "warehouse"
EXTENSION = "duckdb_extension_postgres_scanner"
# The extension's wheel is installed by hash; checking its signature again would take most of a connection's time.
UNSIGNED: dict[str, str | bool | int | float | list[str]] = {"allow_unsigned_extensions": "true"}
OWN = Path(__file__).with_name("postgres.sql")

RAW_COLUMNS = (
    "select c.relname, a.attname, format_type(a.atttypid, a.atttypmod) as held, col_description(c.oid, a.attnum) as says"
    " from pg_class as c join pg_attribute as a on a.attrelid = c.oid"
    " where c.relnamespace = to_regnamespace('raw') and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped"
)

# How often a load is attempted; each attempt waits for the server for ``busy_timeout_s``.
ATTEMPTS = 3

# The writer's lock: tables that only their owner and loaders can lock. Any reader could take an advisory lock.
TURNS = {
    "writer": "Locked by the session that loads, builds and publishes; holds no rows.",
    "preparer": "Locked by the session that changes tables or access; holds no rows.",
}
# Lock for creating these tables: Gorod's own number, "gorod" in ASCII.
TURNS_LOCK = 0x676F726F64_02
# An idle transaction keeps the lock: no timeout for forgotten transactions may end it.
KEPT_OPEN = ("idle_in_transaction_session_timeout", "transaction_timeout")


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
        with duckdb.connect(config=UNSIGNED) as connection:
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
                    _script(session, step.sql(tables))
                    _script(session, migrations.RECORD.format(step.version))
        self._make_form()
        with self.server.session("migrates", autocommit=True) as session:
            _lay_out_older(session)
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
            changed = make_form(session)
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
        held = _HELD.setdefault(self.server.dsn, _Held())
        with held.guard:
            if held.depth == 0 or held.is_lost():
                held.session = self._locked()
            held.depth += 1
        try:
            yield
        finally:
            with held.guard:
                held.depth -= 1
                if held.depth == 0 and held.session is not None:
                    held.session.close()
                    held.session = None

    def _locked(self) -> psycopg.Connection[Any]:
        """A session that holds the writer's lock."""
        session = self.server.connect("is the writer")
        deadline = time.monotonic() + self.server.busy_timeout_s
        said = False
        try:
            while True:
                if _is_my_turn(session):
                    return session
                busy = (
                    f"PostgreSQL {self.server.name} is being written by another process ({_writer(session)})"
                )
                if time.monotonic() >= deadline:
                    raise WarehouseBusyError(busy, "Wait until it ends, then try again; nothing was changed.")
                if not said:
                    report_progress(f"waiting: {busy}")
                    said = True
                time.sleep(0.2)
        except psycopg.Error as error:
            session.close()
            raise self.server.translate_error(error) from error
        except BaseException:
            session.close()
            raise


@dataclass
class _Held:
    """The writer's lock of this process on one database."""

    depth: int = 0
    session: psycopg.Connection[Any] | None = None

    def __post_init__(self) -> None:
        self.guard = threading.RLock()

    def is_lost(self) -> bool:
        """Whether the session, and with it the lock, is gone: the server was restarted."""
        if self.session is None:
            return True
        try:
            self.session.execute("select 1")
        except psycopg.Error:
            self.session.close()
            return True
        return False


_HELD: dict[str, _Held] = {}


def version(session: psycopg.Connection[Any]) -> tuple[int | None, bool]:
    """The schema version of the ledger in a database, if recorded, and whether there is a ledger at all."""
    tables = {
        name
        for (name,) in session.execute(
            "select c.relname from pg_class as c join pg_namespace as n on c.relnamespace = n.oid"
            " where n.nspname = 'ops' and c.relkind = 'r' and c.relname <> all(%s)",
            [list(TURNS)],
        )
    }
    if "version" not in tables:
        return None, bool(tables)
    row = session.execute("select max(version) from ops.version").fetchone()
    return row[0] if row else None, True


def make_form(session: psycopg.Connection[Any]) -> list[raw.Change]:
    """Create schemas, ledger, views and raw tables of the newest schema version; lock nothing if all exist.

    Returns:
        What in the raw tables differs from the declaration.
    """
    text = migrations.schema_sql() + OWN.read_text(encoding="utf-8")
    mark = f"Gorod's ledger, migrations {migrations.SCHEMA_VERSION}, {hashlib.sha256(text.encode()).hexdigest()[:16]}"
    row = session.execute("select obj_description(to_regnamespace('ops'), 'pg_namespace')").fetchone()
    if row is None or row[0] != mark:
        _script(session, text)
        _script(session, migrations.RECORD.format(migrations.SCHEMA_VERSION))
        session.execute(sql.SQL("comment on schema ops is {}").format(sql.Literal(mark)))
    present: dict[str, dict[str, raw.Held]] = {}
    for table, column, sql_type, comment in session.execute(RAW_COLUMNS):
        present.setdefault(table, {})[column] = raw.held_on_server(sql_type, comment)
    changed: list[raw.Change] = []
    for source in load_sources().values():
        for name, feed in source.feeds.items():
            table = raw_table(source.source, name)
            changed += _prepare_raw(session, table, feed, present.get(table.split(".")[1], {}))
    return changed


def require_order(session: psycopg.Connection[Any], where: str) -> None:
    """Check that text is ordered by code point, as in DuckDB: otherwise figures that depend on an order would differ.

    Raises:
        WarehouseError: the database sorts by a language's rules, or is not UTF-8.
    """
    row = session.execute(
        "select datcollate, pg_encoding_to_char(encoding), to_jsonb(d) ->> 'datlocprovider',"
        " coalesce(to_jsonb(d) ->> 'datlocale', '') from pg_database as d where datname = current_database()"
    ).fetchone()
    assert row is not None
    collate, encoding, provider, locale = row
    by_code = collate if provider == "c" else locale
    if by_code.upper() not in ("C", "POSIX", "C.UTF-8", "C.UTF8") or encoding != "UTF8":
        raise WarehouseError(
            f"PostgreSQL {where} has the order {by_code} and the encoding {encoding}; a warehouse needs C and UTF8",
            "Create another database: create database … encoding 'UTF8' lc_collate 'C' lc_ctype 'C.UTF-8' "
            "template template0",
        )


def _prepare_raw(
    session: psycopg.Connection[Any], table: str, feed: Feed, present: dict[str, raw.Held]
) -> list[raw.Change]:
    """Create a raw table, or add missing columns; return what differs from the declaration."""
    changed = raw.changes(table, feed, present)
    relation = sql.Identifier(*table.split("."))
    if changed and session.execute(sql.SQL("select 1 from {} limit 1").format(relation)).fetchone() is None:
        _script(session, f"drop table {table} cascade")
        present, changed = {}, []
    columns = raw.definition(feed)
    defined = [f"{quoted(name)} {sql_type}" for name, sql_type in columns.items()]
    if not present:
        own = ["load_id varchar not null", "row_no bigint not null"]
        statements = [f"create table {table} ({', '.join([*own, *defined])})", *layout(*table.split("."))]
    else:
        statements = [
            f"alter table {table} add column {column}"
            for name, column in zip(columns, defined, strict=True)
            if name not in present
        ]
    for statement in [*statements, *(() if changed else marks(table, feed, present))]:
        _script(session, statement)
    return changed


def marks(table: str, feed: Feed, present: dict[str, raw.Held]) -> list[str]:
    """Statements that record for each column what it was read as, if not yet recorded."""
    return [
        f"comment on column {table}.{quoted(name)} is {literal(raw.mark(column))}"
        for name, column in feed.kept_columns.items()
        if name not in present or not present[name].is_marked
    ]


def layout(schema: str, name: str) -> list[str]:
    """Settings of a raw table, which is append-only, load by load: a BRIN index finds a load, and rows are frozen once.

    Measured in docs/decisions/0013-raw-tables-on-a-server.md.
    """
    return [
        f"create index if not exists {quoted(f'{name[:53]}_range')} on {schema}.{quoted(name)} using brin"
        " (load_id, row_no) with (pages_per_range = 32, autosummarize = on)",
        f"alter table {schema}.{quoted(name)} set (autovacuum_freeze_min_age = 0,"
        " autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05)",
    ]


def _lay_out_older(session: psycopg.Connection[Any]) -> None:
    """Raw tables of an older Gorod, with a B-tree as large as the table; converting each briefly delays its readers."""
    found = session.execute(
        "select t.relname, i.relname from pg_index as x join pg_class as i on x.indexrelid = i.oid"
        " join pg_class as t on x.indrelid = t.oid join pg_am as a on i.relam = a.oid"
        " where t.relnamespace = 'raw'::regnamespace and a.amname = 'btree' and i.relname = left(t.relname, 54) || '_load'"
    ).fetchall()
    for table, index in found:
        with session.transaction():
            for statement in layout("raw", table):
                _script(session, statement)
        session.execute(sql.SQL("drop index {}").format(sql.Identifier("raw", index)))


def _script(session: psycopg.Connection[Any], text: str) -> None:
    """Execute several statements from our own files at once."""
    session.execute(text)


def take_turn(session: psycopg.Connection[Any]) -> None:
    """Take the lock for changing tables or access, until the session's transaction ends."""
    if session.execute("select to_regclass('ops.preparer')").fetchone() == (None,):
        _make_turns(session)
    session.execute("lock table ops.preparer in exclusive mode")


def _make_turns(session: psycopg.Connection[Any]) -> None:
    """The tables that are locked; created in a separate transaction, or in the caller's."""
    session.execute("select pg_advisory_xact_lock(%s)", [TURNS_LOCK])
    session.execute("create schema if not exists ops")
    for name, text in TURNS.items():
        if session.execute("select to_regclass(%s)", [f"ops.{name}"]).fetchone() == (None,):
            table = sql.Identifier("ops", name)
            session.execute(sql.SQL("create table {} (nothing boolean)").format(table))
            session.execute(sql.SQL("comment on table {} is {}").format(table, sql.Literal(text)))


def _is_my_turn(session: psycopg.Connection[Any]) -> bool:
    """Take the writer's lock if it is free; the session's transaction then stays open and holds it."""
    try:
        for name in KEPT_OPEN:
            session.execute(
                "select set_config(%s, '0', false) from pg_settings where name = %s", [name, name]
            )
        session.execute("lock table ops.writer in exclusive mode nowait")
    except psycopg.errors.LockNotAvailable:
        session.rollback()
        return False
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        session.rollback()
        # an empty database, or an older one
        _make_turns(session)
        session.commit()
        return False
    return True


def _writer(session: psycopg.Connection[Any]) -> str:
    """Who holds the writer's lock."""
    row = session.execute(
        "select a.pid, a.application_name, coalesce(host(a.client_addr), 'local'), a.usename"
        " from pg_locks as l join pg_stat_activity as a on l.pid = a.pid"
        " where l.locktype = 'relation' and l.granted and l.mode = 'ExclusiveLock'"
        " and a.datname = current_database() and l.database = a.datid and l.relation = to_regclass('ops.writer')"
    ).fetchone()
    session.rollback()
    if row is None:
        return "it has just ended"
    pid, name, client, user = row
    return f"session {pid}, {name or 'unnamed'}, user {user}, from {client}"


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
