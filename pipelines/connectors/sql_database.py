"""Databases that the SQL connector reads: PostgreSQL, and whatever SQLAlchemy has a driver for.

Each query runs in one read-only transaction, which sees one state of the table; where a driver has no such transaction, the
session is made read-only. Rows are streamed, so memory does not grow with the size of a slice.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from math import isfinite
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa

from pipelines.connectors.environment import secrets, without
from pipelines.connectors.http_retry import RetryPolicy, TransientError
from pipelines.connectors.sql_query import Query
from pipelines.declarations.databases import SqlOrigin
from pipelines.errors import OriginError
from pipelines.signs import printable

ROWS = 50_000
POSTGRESQL = ("postgresql", "postgres")
# PostgreSQL errors that may pass: lost connections, shutdown, conflict with recovery on a replica, locks
TRANSIENT_STATES = ("08", "57P", "40001", "40P01", "53", "55P03")
LONGEST_MESSAGE = 300


@dataclass(frozen=True)
class Database(ABC):
    """A database as it is declared; ``dsn`` never leaves this object."""

    dsn: str = field(repr=False)
    address: str
    variable: str
    origin: SqlOrigin
    hidden: tuple[str, ...] = field(repr=False)

    def with_retries(self, once: Callable[[], Any]) -> Any:
        """The result of a call, retried after failures that may pass.

        Raises:
            OriginError: it refuses.
        """
        try:
            return RetryPolicy(tries=self.origin.tries).retrying()(once)
        except TransientError as error:
            raise OriginError(
                f"{self.address}: {error}, {self.origin.tries} times in a row",
                "Check that the database can be reached from here; the next run tries again.",
            ) from None

    def state(self, query: Query, watermark: str) -> str | None:
        """The fingerprint of a slice: its number of rows and its greatest watermark; None without rows."""
        quoted = self.quoted
        sql = f"select count(*), cast(max({quoted(watermark)}) as varchar(100)) {query.from_where(quoted)}"
        count, greatest = self.with_retries(lambda: self.one(sql))
        return f"rows:{count}:{greatest}" if int(count) else None

    def translate_error(self, text: str, is_transient: bool) -> Exception:
        """An error of the driver in our words, without secrets."""
        message = printable(without(text.strip().split("\n\n")[0], self.hidden)).replace("\n", " ")[
            :LONGEST_MESSAGE
        ]
        if is_transient:
            return TransientError(f"the query failed ({message})")
        return OriginError(
            f"{self.address}: the database refuses: {message}",
            f"Correct table, where or columns of the feed, or ask the owner to grant {self.variable}'s login read access.",
        )

    @staticmethod
    def text(value: str) -> str:
        """A text escaped for a quoted SQL literal."""
        return value.replace("'", "''")

    @abstractmethod
    def quoted(self, name: str) -> str:
        """A quoted identifier."""

    @abstractmethod
    def one(self, sql: str) -> Sequence[Any]:
        """The only row of a query."""

    @abstractmethod
    def batches(self, query: Query) -> AbstractContextManager[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
        """The schema and the batches of a query; valid while the block runs."""


class _PostgreSql(Database):
    """PostgreSQL by its binary protocol (ADBC), as Arrow batches."""

    def quoted(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        from adbc_driver_manager import Error
        from adbc_driver_postgresql import StatementOptions, dbapi

        began = time.monotonic()
        try:
            with dbapi.connect(self._dsn_with_timeout()) as connection, connection.cursor() as cursor:
                # one consistent state of the table; works on a replica too
                cursor.execute("set transaction isolation level repeatable read read only")
                cursor.execute(f"set statement_timeout = {int(self.origin.statement_s * 1000)}")
                cursor.adbc_statement.set_options(
                    **{StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(4 << 20)}
                )
                yield cursor
        # Arrow raises what fails while rows arrive, without the SQLSTATE
        except (Error, pa.ArrowException, OSError) as error:
            text = str(error)
            state = getattr(error, "sqlstate", None) or ""
            if not isinstance(error, Error) and "[libpq]" not in text:
                raise
            if "password authentication failed" in text or "no pg_hba.conf" in text or state.startswith("28"):
                raise OriginError(
                    f"{self.address}: the login is refused", f"Set {self.variable} to a valid login."
                ) from None
            if state == "57014" or ("cancel" in text and time.monotonic() - began >= self.origin.statement_s):
                raise OriginError(
                    f"{self.address}: a statement took longer than {self.origin.statement_s:g} s",
                    "Ask the owner for an index on time_column, declare smaller slices (by: day), or raise statement_s.",
                ) from None
            is_transient = state.startswith(TRANSIENT_STATES) or (not state and "connect" in text.lower())
            raise self.translate_error(text, is_transient) from None

    def _dsn_with_timeout(self) -> str:
        mark = "&" if urlsplit(self.dsn).query else "?"
        return (
            f"{self.dsn}{mark}connect_timeout={max(2, round(self.origin.connect_s))}&application_name=gorod"
        )

    def one(self, sql: str) -> Sequence[Any]:
        with self._cursor() as cursor:
            cursor.execute(sql)
            row: Sequence[Any] = cursor.fetchone()
            return row

    @contextmanager
    def batches(self, query: Query) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
        with self._cursor() as cursor:
            cursor.execute(query.select(self.quoted))
            reader = cursor.fetch_record_batch()
            schema = pa.schema([pa.field(one.name, _storage(one.type)) for one in reader.schema])
            yield (
                schema,
                (pa.record_batch(list(map(_stored, batch.columns)), schema=schema) for batch in reader),
            )


def _storage(kind: pa.DataType) -> pa.DataType:
    """The storage type of a driver's extension type: for numbers of any precision it is text."""
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _stored(column: Any) -> Any:
    return column.storage if isinstance(column, pa.ExtensionArray) else column


class _OtherDatabase(Database):
    """Another database by SQLAlchemy, with a server-side cursor if the driver has one; values become text."""

    def quoted(self, name: str) -> str:
        return str(self._engine().dialect.identifier_preparer.quote_identifier(name))

    def _engine(self) -> Any:
        import sqlalchemy

        try:
            return sqlalchemy.create_engine(self.dsn, poolclass=sqlalchemy.pool.NullPool)
        except (sqlalchemy.exc.ArgumentError, sqlalchemy.exc.NoSuchModuleError, ImportError) as error:
            raise OriginError(
                f"{self.address}: no driver for this kind of database is installed ({type(error).__name__})",
                f"Install the driver, and set {self.variable} to dialect+driver://user:password@host/database.",
            ) from None

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        import sqlalchemy

        engine = self._engine()
        try:
            with engine.connect() as connection:
                for statement in READ_ONLY.get(engine.dialect.name, ()):
                    connection.exec_driver_sql(statement.format(ms=int(self.origin.statement_s * 1000)))
                yield connection
                connection.rollback()
        except sqlalchemy.exc.DBAPIError as error:
            is_transient = error.connection_invalidated or isinstance(error, sqlalchemy.exc.InterfaceError)
            raise self.translate_error(str(error.orig), is_transient) from None
        finally:
            engine.dispose()

    def one(self, sql: str) -> Sequence[Any]:
        with self._connection() as connection:
            row: Sequence[Any] = connection.exec_driver_sql(sql).one()
            return row

    @contextmanager
    def batches(self, query: Query) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
        schema = pa.schema([pa.field(name, pa.string()) for name in query.columns])
        with self._connection() as connection:
            found = connection.execution_options(stream_results=True, max_row_buffer=ROWS).exec_driver_sql(
                query.select(self.quoted)
            )

            def pieces() -> Iterator[pa.RecordBatch]:
                for rows in found.partitions(ROWS):
                    columns = zip(*rows, strict=True)
                    yield pa.record_batch(
                        [pa.array(map(_text, column), pa.string()) for column in columns], schema=schema
                    )

            yield schema, pieces()


# statements that make a session read-only, by dialect; an address of SQLite can also have ?mode=ro&uri=true
READ_ONLY = {
    "sqlite": ("pragma query_only = on",),
    "mysql": ("set session transaction read only", "set session max_execution_time = {ms}"),
    "mariadb": ("set session transaction read only",),
    "oracle": ("set transaction read only",),
}


def _text(value: Any) -> str | None:
    """A value as the readers expect it: numbers without an exponent, times in ISO 8601."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case float():
            return format(Decimal(repr(value)), "f") if isfinite(value) else repr(value)
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case date():  # also a datetime
            return value.isoformat()
        case _:
            return format(value, "f") if isinstance(value, Decimal) else str(value)


def database_of(origin: SqlOrigin, instance: str) -> Database:
    """The database of one instance, by its address from the environment.

    Raises:
        OriginError: the address is missing or invalid.
    """
    (dsn,) = secrets([origin.address], instance, "address")
    try:
        parts = urlsplit(dsn)
        port = parts.port
    except ValueError:
        parts = None
    if parts is None or not parts.scheme or "://" not in dsn:
        raise OriginError(
            f"{origin.address} is not the address of a database",
            "Write postgresql://user:password@host:port/database; in user and password, write / ? # @ as %2F %3F %23 %40.",
        )
    kind = parts.scheme.partition("+")[0]
    host = parts.hostname or "localhost"
    name = parts.path.rpartition("/")[2]
    hidden = [dsn, *(text for text in (parts.password, unquote(parts.password or ""), parts.query) if text)]
    form = _PostgreSql if kind in POSTGRESQL else _OtherDatabase
    return form(
        dsn=f"postgresql{dsn[len(parts.scheme) :]}" if form is _PostgreSql else dsn,
        address=f"{kind}://{host}{f':{port}' if port else ''}/{name}",
        variable=origin.address,
        origin=origin,
        hidden=tuple(hidden),
    )
