"""DuckDB in memory, with as many threads as the data are worth."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.embedded import connect

# below this, threads cost more than they save: 20 ms for each database, of which a delivery needs four
SMALL = 4 << 20


def in_memory(*data: Path) -> duckdb.DuckDBPyConnection:
    """An empty database for looking at ``data``: one thread where the files are small, else one for each core."""
    is_small = sum(path.stat().st_size for path in data) < SMALL
    return connect(config={"threads": 1} if is_small else {})
