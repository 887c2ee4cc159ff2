"""Reading the published snapshot by SQL, and nothing else."""

from __future__ import annotations

from typing import Any

import duckdb

from pipelines import console
from pipelines.errors import GorodError
from pipelines.publishing.publication import current_publication
from pipelines.settings import Settings


def ask(settings: Settings, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Names and rows of one query on the current publication.

    Raises:
        GorodError: nothing is published yet, or the query is wrong (with DuckDB's explanation).
    """
    publication = current_publication(settings)
    if publication is None:
        raise GorodError("nothing is published yet", "Run: gorod run")
    # A reader may not reach files outside the snapshot.
    with duckdb.connect(str(publication.database), read_only=True) as connection:
        connection.execute(
            "set search_path = 'published'; set enable_external_access = false; set lock_configuration = true"
        )
        try:
            cursor = connection.execute(query)
            names = [column[0] for column in cursor.description or []]
            return names, cursor.fetchall()
        except duckdb.Error as error:
            raise GorodError(str(error).strip(), "Tables: gorod sql 'show tables'") from error


def prompt(settings: Settings) -> None:
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
                names, rows = ask(settings, "\n".join(lines))
                console.table("", names, rows)
            except GorodError as error:
                console.err.print(str(error).replace("[", "\\["))
            lines = []
