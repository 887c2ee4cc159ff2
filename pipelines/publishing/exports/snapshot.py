"""Reading one published file, the only source of products."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from pipelines.embedded import connect
from pipelines.errors import GorodError
from pipelines.publishing.contracts import SCHEMA
from pipelines.sql import literal

Row = dict[str, Any]
LANGUAGES = ("ru", "be", "en")


@dataclass(frozen=True)
class Column:
    """A published column: its DuckDB type and its comment (English / Russian)."""

    name: str
    type: str
    comment: str | None


@dataclass(frozen=True)
class Table:
    """A published table with its columns in order."""

    name: str
    comment: str | None
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Snapshot:
    """An open published file, and the publication it belongs to.

    ``region`` is the ref_area of the region whose rows it holds, None for the whole country. ``synthetic`` is True
    if any of its rows comes from invented data.
    """

    path: Path
    connection: duckdb.DuckDBPyConnection
    publication_id: str
    created_at: datetime
    content_hash: str
    region: str | None
    synthetic: bool

    @cached_property
    def tables(self) -> dict[str, Table]:
        """The contracts by name, without the table ``publication``."""
        columns: dict[str, list[Column]] = {}
        for table, *column in self.connection.execute(
            "select table_name, column_name, data_type, comment from duckdb_columns()"
            f" where schema_name = '{SCHEMA}' and table_name like 'pub\\_%' escape '\\'"
            " order by table_name, column_index"
        ).fetchall():
            columns.setdefault(table, []).append(Column(*column))
        comments = dict(
            self.connection.execute(
                f"select table_name, comment from duckdb_tables() where schema_name = '{SCHEMA}'"
            ).fetchall()
        )
        return {name: Table(name, comments[name], tuple(found)) for name, found in columns.items()}

    def rows(self, table: str) -> list[Row]:
        """All rows of a contract, in a stable order.

        Raises:
            GorodError: the file has no such table.
        """
        if table not in self.tables:
            raise self.lacks(table)
        return self.ask(f"select * from {SCHEMA}.{table} order by all")

    def rows_if_any(self, table: str) -> list[Row]:
        """All rows of an optional contract; none if the publication lacks it."""
        return self.rows(table) if table in self.tables else []

    def ask(self, query: str) -> list[Row]:
        """The rows of a query.

        Raises:
            GorodError: a table or column in the query is not in the file.
        """
        try:
            cursor = self.connection.execute(query)
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise self.lacks(str(error).splitlines()[0]) from error
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def copy(self, query: str, file: Path) -> None:
        """Write the rows of a query as CSV with a header: UTF-8, commas, empty fields for null."""
        try:
            self.connection.execute(f"copy ({query}) to {literal(str(file))} (format csv, header true)")
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise self.lacks(str(error).splitlines()[0]) from error

    def lacks(self, what: str) -> GorodError:
        """The error if the file is not what this version of Gorod publishes."""
        return GorodError(
            f"{self.path}: not what this version publishes: {what}",
            "Publish again: gorod run. A file of an older version is exported by that version.",
        )


@contextmanager
def open_snapshot(path: Path) -> Iterator[Snapshot]:
    """Open a published DuckDB file, read only.

    Raises:
        GorodError: there is no such file, or it is not a publication.
    """
    if not path.is_file():
        raise GorodError(f"{path}: there is no such file", "Name a published gorod.duckdb, or run: gorod run")
    try:
        connection = connect(path, read_only=True)
    except duckdb.Error as error:
        raise GorodError(
            f"{path}: cannot be opened: {str(error).splitlines()[0]}",
            "Name the file gorod.duckdb of a publication.",
        ) from error
    with connection:
        # timestamps must not depend on the machine's time zone
        connection.execute("set timezone = 'UTC'")
        try:
            head = connection.execute(
                "select publication_id, created_at, content_hash, region, synthetic"
                f" from {SCHEMA}.publication"
            ).fetchone()
        except (duckdb.CatalogException, duckdb.BinderException):
            head = None
        if head is None:
            raise GorodError(
                f"{path}: not a publication: it has no table {SCHEMA}.publication",
                "Name the file gorod.duckdb of a publication, not the warehouse.",
            )
        identity, created_at, content_hash, region, synthetic = head
        yield Snapshot(path, connection, identity, created_at, content_hash, region, synthetic)
