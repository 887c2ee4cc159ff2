"""Dagster's event log for one long command: the files and rows that Dagster's own classes write, in less time.

The command writes some thousand events. Dagster opens a connection for each, closes it, and asks each time which tables
there are; it does so for the sake of many processes that rarely write. Dagster's UI and daemon keep Dagster's classes.

Nor is each event flushed to the disk (2 ms each): SQLite does that whenever it folds its log into the file. A killed
command loses nothing. After a power failure the UI may not show the last events; what was loaded is in the ledger.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from dagster import EventLogEntry
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._core.storage.sqlite import create_db_conn_string
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.engine.interfaces import DBAPIConnection

BUSY_TIMEOUT_S = 30  # as Dagster waits for a file that another process writes


class EmbeddedEventLog(SqliteEventLogStorage):
    """Keeps the files that it writes open: the index of all runs, and the run that goes on.

    An engine of SQLAlchemy that is made for each event compiles its statements for each, and SQLite folds its log into
    a file whenever the last connection to it is closed.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Engine] = {}
        self._batch: ExitStack | None = None
        self._in_batch: dict[str, Connection] = {}
        self._empty: bytes | None = None
        super().__init__(base_dir, inst_data)
        # a batch opens what each of its events asks for
        self._db_lock = RLock()  # type: ignore[assignment]

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> EmbeddedEventLog:
        """As the configuration of an instance makes it."""
        return cls(inst_data=inst_data, **config_value)

    def _engine(self, shard: str) -> Engine:
        if shard not in self._engines:
            for other in self._engines.keys() - {INDEX_SHARD_NAME}:
                self._engines.pop(other).dispose()
            address = create_db_conn_string(self._base_dir, shard)
            engine = create_engine(address, connect_args={"timeout": BUSY_TIMEOUT_S})
            event.listen(engine, "connect", _unhurried)
            self._engines[shard] = engine
        return self._engines[shard]

    def _create(self, shard: str) -> None:
        """Create the file of a run, if it is not there: as a copy of the first that this command made.

        A run has its own, and Dagster creates its tables one by one, and asks what it has created.
        """
        path, engine = Path(self.path_for_shard(shard)), self._engine(shard)
        if path.exists() or shard == INDEX_SHARD_NAME or self._empty is None:
            is_new = not path.exists() and shard != INDEX_SHARD_NAME
            self._initdb(engine)
            if is_new:
                with engine.connect() as connection:
                    self._empty = connection.connection.dbapi_connection.serialize()  # type: ignore[union-attr]
            return
        part = path.with_name(f".{path.name}.{os.getpid()}")
        part.write_bytes(self._empty)
        part.replace(path)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._create(shard)
                self._initialized_dbs.add(shard)
            if self._batch is None:
                with engine.begin() as connection:
                    yield connection
                return
            if shard not in self._in_batch:
                self._in_batch[shard] = self._batch.enter_context(engine.begin())
            yield self._in_batch[shard]

    @contextmanager
    def _together(self) -> Iterator[None]:
        """One transaction for each file, instead of three or four for each event."""
        with self._db_lock:
            if self._batch is not None:
                yield
                return
            with ExitStack() as self._batch:
                try:
                    yield
                finally:
                    self._batch = None
                    self._in_batch.clear()

    def store_event(self, event: EventLogEntry) -> None:
        """Store an event with its copy in the index."""
        with self._together():
            super().store_event(event)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store events that Dagster gives together: what a run plans."""
        with self._together():
            super().store_event_batch(events)

    def has_table(self, table_name: str) -> bool:
        """Whether the index of all runs has a table."""
        return inspect(self._engine(INDEX_SHARD_NAME)).has_table(table_name)

    def dispose(self) -> None:
        """Close the files."""
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()
        super().dispose()


def _unhurried(connection: DBAPIConnection, _record: object) -> None:
    """Let SQLite flush when it folds its log into the file, not at each commit."""
    cursor = connection.cursor()
    cursor.execute("pragma synchronous=normal")
    cursor.close()
