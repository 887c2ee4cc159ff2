"""Reading the published snapshot, and nothing else, by SQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import duckdb

from pipelines import console
from pipelines.embedded import connect
from pipelines.errors import GorodError
from pipelines.publishing.contracts import SCHEMA
from pipelines.publishing.history import HISTORY, VALUES, known_at
from pipelines.publishing.publication import Publication, current_publication
from pipelines.settings import Settings
from pipelines.sql import literal, quoted


def ask(
    settings: Settings, query: str, as_of: datetime | None = None
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of one query on the current publication.

    With ``as_of``, ``pub_indicator_value_v1`` shows what was known then; all other tables are today's.

    Raises:
        GorodError: nothing is published yet, or the query is wrong (with DuckDB's explanation).
    """
    if not query.strip().strip(";").strip():
        raise GorodError("the query is empty", "Write one, or call gorod sql without it for a prompt.")
    publication = current_publication(settings)
    if publication is None:
        raise GorodError("nothing is published yet", "Run: gorod run")
    with _opened(publication, as_of) as connection:
        # A reader may not reach files outside the snapshot.
        connection.execute(
            "set search_path = 'published'; set enable_external_access = false; set lock_configuration = true"
        )
        try:
            cursor = connection.execute(query)
            names = [column[0] for column in cursor.description or []]
            return names, cursor.fetchall()
        except duckdb.Error as error:
            raise GorodError(str(error).strip(), "Tables: gorod sql 'show tables'") from error


@contextmanager
def _opened(publication: Publication, as_of: datetime | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """The snapshot; for another moment, views over it with the same names."""
    if as_of is None:
        with connect(publication.database, read_only=True) as connection:
            yield connection
        return
    with connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"attach {literal(str(publication.database))} as today (read_only)")
        connection.execute(f"create schema {SCHEMA}")
        tables = connection.execute(
            "select table_name, list(column_name order by column_index) from duckdb_columns()"
            " where database_name = 'today' and schema_name = ? group by table_name",
            [SCHEMA],
        ).fetchall()
        for table, columns in tables:
            named = ", ".join(quoted(name) for name in columns)
            read_from, rows = f"today.{SCHEMA}.{quoted(table)}", ""
            if table == VALUES:
                read_from, rows = f"today.{SCHEMA}.{HISTORY}", f"where {known_at(as_of)}"
            connection.execute(
                f"create view {SCHEMA}.{quoted(table)} as select {named} from {read_from} {rows}"
            )
        yield connection


def prompt(settings: Settings, as_of: datetime | None = None) -> None:
    """Read queries, ended by a semicolon, until the end of input."""
    import contextlib

    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 - gives input() history and editing

    console.out.print(
        "Published snapshot, read-only. End a query with ';', leave with Ctrl-D. Tables: show tables;"
    )
    lines: list[str] = []
    while True:
        try:
            lines.append(input("gorod> " if not lines else "   ...> "))
        except EOFError:
            return
        except KeyboardInterrupt:
            lines = []
            continue
        if lines[-1].rstrip().endswith(";"):
            try:
                names, rows = ask(settings, "\n".join(lines), as_of)
                console.table("", names, rows)
            except GorodError as error:
                console.err.print(str(error).replace("[", "\\["))
            lines = []
