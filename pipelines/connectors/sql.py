"""Rows of another system's database, one slice after the other: conditions are pushed down, nothing is written there.

A slice is read in one transaction that is read-only and sees one state of the table. PostgreSQL sends it in its binary protocol
(ADBC), as Arrow batches; other databases by a cursor on the server where the driver has one (SQLAlchemy). Either way memory
stays flat, whatever the slice is. What lands is Parquet, with the types that the database has; numbers without a declared
precision as text, digit by digit.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.connectors.environment import secrets, without
from pipelines.connectors.http_retry import RetryPolicy, TransientError
from pipelines.declarations.databases import SqlOrigin
from pipelines.declarations.feeds import Feed
from pipelines.declarations.sources import Source
from pipelines.deliveries import Candidate, LastSeen, Slice, month_span
from pipelines.errors import OriginError
from pipelines.moments import today
from pipelines.periods import months_from, running_period
from pipelines.settings import Settings
from pipelines.signs import printable

ROWS = 50_000
FILE = "rows.parquet"
POSTGRESQL = ("postgresql", "postgres")
# what of PostgreSQL's refusals may pass: lost connections, shutdown, conflict with recovery on a replica, locks
PASSING_STATES = ("08", "57P", "40001", "40P01", "53", "55P03")
MOST_TOLD = 300


def candidates(
    source: Source,
    feed_name: str,
    feed: Feed,
    origin: SqlOrigin,
    settings: Settings,  # noqa: ARG001 - all connectors are called alike
    instances: Collection[str] | None,
    known: LastSeen,
) -> Iterator[Candidate]:
    """A candidate for each instance and slice. With a watermark, the database is asked once how each slice stands.

    Raises:
        OriginError: the address is missing or of no database, or the database refuses.
    """
    seen = {row[2:5]: row[5] for row in known if row[:2] == (source.source, feed_name)}
    for instance in source.instances:
        if instances is not None and instance not in instances:
            continue
        database = _database(origin, instance)
        table = _filled(origin.table, instance)
        condition = _filled(origin.where, instance, database.text)
        # what holds personal data that is dropped never leaves the database
        columns = tuple(dict.fromkeys(column.from_path or name for name, column in feed.kept_columns.items()))
        for slice_ in _slices(feed, origin):
            query = _Query(table, columns, condition, origin.time_column, slice_)
            address = f"{database.address}/{table}"
            was_seen = (instance, slice_.key, address) in seen
            # an old slice that was taken is left alone, as with files at an address
            if was_seen and feed.refresh is not None and not feed.is_refreshed(slice_.last_day, today()):
                continue
            fingerprint = None
            if origin.watermark is not None:
                fingerprint = database.state(query, origin.watermark)
                if fingerprint is None:  # a slice without rows is no delivery
                    continue
            yield Candidate(
                source=source.source,
                feed=feed_name,
                instance=instance,
                slice=slice_,
                origin=address,
                fingerprint=fingerprint,
                synthetic=origin.synthetic,
                fetch=_Fetch(database, query, feed.max_delivery_bytes),
            )


def _slices(feed: Feed, origin: SqlOrigin) -> Iterator[Slice]:
    part = feed.part or ""
    if origin.time_column is None:
        yield Slice(part, *running_period(feed.cadence, today()))
        return
    assert feed.first_month is not None  # the declaration holds to it
    for month in months_from(feed.first_month, today()):
        first, last = month_span(month)
        if origin.by == "month":
            yield Slice(part, first, last)
            continue
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            yield Slice(part, day, day)
    if origin.by == "day":  # the days of the running month that have ended
        day = today().replace(day=1)
        while day < today():
            yield Slice(part, day, day)
            day += timedelta(days=1)


def _filled(text: str, instance: str, spell: Callable[[str], str] = str) -> str:
    return text.replace("{instance}", spell(instance))


@dataclass(frozen=True)
class _Query:
    """What is asked for: columns of a table, and which rows."""

    table: str
    columns: tuple[str, ...]
    where: str
    time_column: str | None
    slice: Slice

    def from_where(self, quoted: Callable[[str], str]) -> str:
        """The table and the conditions. Days are half-open, so that an index on the column serves."""
        conditions = [f"({self.where})"] if self.where else []
        if self.time_column is not None and self.slice.first_day and self.slice.last_day:
            until = self.slice.last_day + timedelta(days=1)
            column = quoted(self.time_column)
            conditions.append(f"{column} >= '{self.slice.first_day}' and {column} < '{until}'")
        table = ".".join(map(quoted, self.table.split(".")))
        return f"from {table}" + (f" where {' and '.join(conditions)}" if conditions else "")

    def select(self, quoted: Callable[[str], str]) -> str:
        """The columns of these rows."""
        return f"select {', '.join(map(quoted, self.columns))} {self.from_where(quoted)}"


@dataclass(frozen=True)
class _Fetch:
    """Stream a slice into one Parquet file; nothing is left there if it does not come whole."""

    database: _Database
    query: _Query
    largest_bytes: int

    def __call__(self, folder: Path) -> None:
        path = folder / FILE
        try:
            self.database.asked(lambda: self._once(path))
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def _once(self, path: Path) -> None:
        with (
            self.database.batches(self.query) as (schema, batches),
            pq.ParquetWriter(path, schema, compression="zstd") as writer,
        ):
            for batch in batches:
                writer.write_batch(batch)
                if path.stat().st_size > self.largest_bytes:
                    raise OriginError(
                        f"{self.database.address}: the slice is larger than {self.largest_bytes} bytes",
                        "Declare smaller slices (by: day), or raise max_delivery_bytes of the feed.",
                    )


@dataclass(frozen=True)
class _Database(ABC):
    """A database as it is declared; ``dsn`` never leaves this object."""

    dsn: str = field(repr=False)
    address: str
    variable: str
    origin: SqlOrigin
    hidden: tuple[str, ...] = field(repr=False)

    def asked(self, once: Callable[[], Any]) -> Any:
        """What the database answers, asked again while what fails may pass.

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

    def state(self, query: _Query, watermark: str) -> str | None:
        """How a slice stands: its number of rows and its greatest watermark; None without rows."""
        quoted = self.quoted
        sql = f"select count(*), cast(max({quoted(watermark)}) as varchar(100)) {query.from_where(quoted)}"
        count, greatest = self.asked(lambda: self.one(sql))
        return f"rows:{count}:{greatest}" if int(count) else None

    def refused(self, text: str, passing: bool) -> Exception:
        """An error of the driver, without what must not be told."""
        told = printable(without(text.strip().split("\n\n")[0], self.hidden)).replace("\n", " ")[:MOST_TOLD]
        if passing:
            return TransientError(f"the database cannot be asked ({told})")
        return OriginError(
            f"{self.address}: the database refuses: {told}",
            f"Correct table, where or columns of the feed, or ask the owner to let the login of {self.variable} read.",
        )

    @staticmethod
    def text(value: str) -> str:
        """A text as SQL writes it inside quotes."""
        return value.replace("'", "''")

    @abstractmethod
    def quoted(self, name: str) -> str:
        """A name as SQL writes it."""

    @abstractmethod
    def one(self, sql: str) -> Sequence[Any]:
        """The one row of a query."""

    @abstractmethod
    def batches(self, query: _Query) -> AbstractContextManager[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
        """Schema and batches of a query, while a block runs."""


class _PostgreSql(_Database):
    """PostgreSQL, by its binary protocol."""

    def quoted(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        from adbc_driver_manager import Error
        from adbc_driver_postgresql import StatementOptions, dbapi

        began = time.monotonic()
        try:
            with dbapi.connect(self._dsn_with_timeout()) as connection, connection.cursor() as cursor:
                # one state of the table, as a replica can give it too
                cursor.execute("set transaction isolation level repeatable read read only")
                cursor.execute(f"set statement_timeout = {int(self.origin.statement_s * 1000)}")
                cursor.adbc_statement.set_options(
                    **{StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(4 << 20)}
                )
                yield cursor
        # what fails while rows come is raised by Arrow, without the state
        except (Error, pa.ArrowException, OSError) as error:
            text = str(error)
            state = getattr(error, "sqlstate", None) or ""
            if not isinstance(error, Error) and "[libpq]" not in text:
                raise
            if "password authentication failed" in text or "no pg_hba.conf" in text or state.startswith("28"):
                raise OriginError(
                    f"{self.address}: the login is refused", f"Set {self.variable} to what is valid now."
                ) from None
            if state == "57014" or ("cancel" in text and time.monotonic() - began >= self.origin.statement_s):
                raise OriginError(
                    f"{self.address}: a statement took longer than {self.origin.statement_s:g} s",
                    "Ask the owner for an index on time_column, declare smaller slices (by: day), or raise statement_s.",
                ) from None
            passing = state.startswith(PASSING_STATES) or (not state and "connect" in text.lower())
            raise self.refused(text, passing) from None

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
    def batches(self, query: _Query) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
        with self._cursor() as cursor:
            cursor.execute(query.select(self.quoted))
            reader = cursor.fetch_record_batch()
            schema = pa.schema([pa.field(one.name, _storage(one.type)) for one in reader.schema])
            yield (
                schema,
                (pa.record_batch(list(map(_stored, batch.columns)), schema=schema) for batch in reader),
            )


def _storage(kind: pa.DataType) -> pa.DataType:
    """The type that a driver's own one is made of: numbers of any precision are text to it."""
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _stored(column: Any) -> Any:
    return column.storage if isinstance(column, pa.ExtensionArray) else column


class _OtherDatabase(_Database):
    """Another database, by SQLAlchemy: its values become text."""

    def quoted(self, name: str) -> str:
        return str(self._engine().dialect.identifier_preparer.quote_identifier(name))

    def _engine(self) -> Any:
        import sqlalchemy

        try:
            return sqlalchemy.create_engine(self.dsn, poolclass=sqlalchemy.pool.NullPool)
        except (sqlalchemy.exc.ArgumentError, sqlalchemy.exc.NoSuchModuleError, ImportError) as error:
            raise OriginError(
                f"{self.address}: no driver for such a database is installed ({type(error).__name__})",
                f"Install the driver, and write {self.variable} as dialect+driver://user:password@host/database.",
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
            passing = error.connection_invalidated or isinstance(error, sqlalchemy.exc.InterfaceError)
            raise self.refused(str(error.orig), passing) from None
        finally:
            engine.dispose()

    def one(self, sql: str) -> Sequence[Any]:
        with self._connection() as connection:
            row: Sequence[Any] = connection.exec_driver_sql(sql).one()
            return row

    @contextmanager
    def batches(self, query: _Query) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
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


# what makes a session unable to write, by dialect; SQLite's own address can say ?mode=ro&uri=true
READ_ONLY = {
    "sqlite": ("pragma query_only = on",),
    "mysql": ("set session transaction read only", "set session max_execution_time = {ms}"),
    "mariadb": ("set session transaction read only",),
    "oracle": ("set transaction read only",),
}


def _text(value: Any) -> str | None:
    """A value as the readers take it: numbers without an exponent, times in ISO 8601."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case float():
            return format(Decimal(repr(value)), "f") if isfinite(value) else repr(value)
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case date():  # a datetime is one
            return value.isoformat()
        case _:
            return format(value, "f") if isinstance(value, Decimal) else str(value)


def _database(origin: SqlOrigin, instance: str) -> _Database:
    (dsn,) = secrets([origin.address], instance, "address")
    try:
        parts = urlsplit(dsn)
        port = parts.port
    except ValueError:
        parts = None
    if parts is None or not parts.scheme or "://" not in dsn:
        raise OriginError(
            f"{origin.address} holds no address of a database",
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
