"""Opening DuckDB. Every connection of the product is opened here, so that all have the same manners."""

from __future__ import annotations

from pathlib import Path

import duckdb

Config = dict[str, str | bool | int | float | list[str]]


def connect(
    database: Path | str = ":memory:", *, read_only: bool = False, config: Config | None = None
) -> duckdb.DuckDBPyConnection:
    """A connection that writes nothing to standard output.

    DuckDB draws a progress bar there when a query takes more than two seconds, whether or not anybody looks: in the
    answer of ``--json`` it would stand before the document.

    Raises:
        duckdb.Error: the database cannot be opened.
    """
    connection = duckdb.connect(str(database), read_only=read_only, config=config or {})
    connection.execute("set enable_progress_bar = false")
    return connection
