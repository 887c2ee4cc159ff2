"""DuckDB in memory, with as many threads as the data are worth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import duckdb

from pipelines.embedded import connect

# below this, threads cost more than they save: 20 ms for each database, of which a delivery needs four
SMALL = 4 << 20

# Starting DuckDB takes 6 ms, a database within it a tenth of that. Where DuckDB ended by a fatal error, it is started again.
_small: list[duckdb.DuckDBPyConnection] = []
_numbers = count(1)


def is_small(*data: Path) -> bool:
    """Whether files are so small that starting threads, or opening them again and again, costs more than it saves."""
    return sum(path.stat().st_size for path in data) < SMALL


@contextmanager
def in_memory(*data: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database for looking at ``data``: one thread where the files are small, else one for each core."""
    if not is_small(*data):
        with connect() as connection:
            yield connection
        return
    name = f"small_{next(_numbers)}"
    with _added(name) as connection:
        try:
            yield connection
        finally:
            try:
                connection.execute(f"use memory; detach {name}")
            except (duckdb.Error, RuntimeError):
                # an open transaction, a fatal error, or an interrupt: nothing of it is to reach the next one
                _small.clear()


def _added(name: str) -> duckdb.DuckDBPyConnection:
    """A connection whose database is a new, empty one."""
    for _ in tuple(_small):
        try:
            connection = _small[0].cursor()
            connection.execute(f"attach ':memory:' as {name}; use {name}")
        except duckdb.Error:
            _small.clear()
        else:
            return connection
    _small.append(connect(config={"threads": 1}))
    connection = _small[0].cursor()
    connection.execute(f"attach ':memory:' as {name}; use {name}")
    return connection
