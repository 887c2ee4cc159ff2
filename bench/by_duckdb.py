"""The floor: DuckDB alone copies the file into a table, untyped, unchecked, unkept.

``python -m bench.by_duckdb FILE DATABASE``
"""

from __future__ import annotations

import json
import sys

import duckdb


def main(file: str, database: str) -> None:
    """Create a table of the file, as anybody would in one line."""
    with duckdb.connect(database) as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute(f"CREATE TABLE requests AS SELECT * FROM read_csv('{file}')")
        counted = connection.execute("select count(*) from requests").fetchone()
    print(json.dumps({"rows": counted[0] if counted else None}))


if __name__ == "__main__":
    main(*sys.argv[1:])
