"""Opening DuckDB. Every connection of the product is opened here, so that all have the same manners."""

from __future__ import annotations

from pathlib import Path

import duckdb

Config = dict[str, str | bool | int | float | list[str]]


def connect(
    database: Path | str = ":memory:", *, read_only: bool = False, config: Config | None = None
) -> duckdb.DuckDBPyConnection:
    """A connection that writes nothing to standard output, and reads a file as it is now.

    DuckDB draws a progress bar there when a query takes more than two seconds, whether or not anybody looks: in the
    answer of ``--json`` it would stand before the document. And it remembers pieces of the files that it has read, as long
    as their time of change seems to be the same: of a file that is written anew within that, it would read the old.

    Raises:
        duckdb.Error: the database cannot be opened.
    """
    connection = duckdb.connect(str(database), read_only=read_only, config=config or {})
    connection.execute("set enable_progress_bar = false; set enable_external_file_cache = false")
    return connection
