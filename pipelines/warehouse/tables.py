"""What DuckDB's SQL says alike of a file and of an attached server, and what it does not."""

from __future__ import annotations

from typing import Any

import duckdb

from pipelines.sql import literal


def is_server(connection: duckdb.DuckDBPyConnection, database: str | None = None) -> bool:
    """Whether a database of a connection, its default one if none is named, is a PostgreSQL server."""
    row = connection.execute(
        "select type from duckdb_databases() where database_name = coalesce(?, current_database())",
        [database],
    ).fetchone()
    return row is not None and row[0] == "postgres"


def contracts_schema(connection: duckdb.DuckDBPyConnection, database: str | None = None) -> str:
    """The schema in which the contracts are built: on a server readers look at another one."""
    return "published_next" if is_server(connection, database) else "published"


def replace_rows(connection: duckdb.DuckDBPyConnection, table: str, incoming: str) -> None:
    """Let ``table`` hold the rows of ``incoming``, in the transaction of the caller.

    A table of the same form stays, with what depends on it and for those who read it; one of another form is made anew,
    and the views on it are gone until dbt builds them again.
    """
    schema, name = table.split(".")
    wanted = connection.execute(f"select column_name, column_type from (describe {incoming})").fetchall()
    present = connection.execute(
        "select column_name, data_type from duckdb_columns() where database_name = current_database()"
        " and schema_name = ? and table_name = ? order by column_index",
        [schema, name],
    ).fetchall()
    if present == wanted:
        connection.execute(f"delete from {table}")
    else:
        connection.execute(f"drop table if exists {table} cascade")
        columns = ", ".join(f"{column} {kind}" for column, kind in wanted)
        connection.execute(f"create table {table} ({columns})")
    connection.execute(f"insert into {table} select * from {incoming}")


def asked(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    """The answer to a query of both engines, as the transaction of the caller sees it.

    A server answers by itself: DuckDB would fetch every row of the tables to compute here.
    """
    if is_server(connection):
        sql = f"from postgres_query(current_database(), {literal(sql)})"
    return connection.execute(sql).fetchall()


def rows_of_load(connection: duckdb.DuckDBPyConnection, table: str, load_id: str) -> int:
    """How many rows of a load stand in ``schema.name``, as the transaction of the caller sees it."""
    ((rows,),) = asked(connection, f"select count(*) as rows from {table} where load_id = {literal(load_id)}")
    return int(rows)


def comment(connection: duckdb.DuckDBPyConnection, what: str, text: str) -> None:
    """Comment on ``table schema.name`` or ``column schema.name.column``, in the transaction of the caller."""
    statement = f"comment on {what} is {literal(text)}"
    if is_server(connection):
        connection.execute(f"call postgres_execute(current_database(), {literal(statement)})")
    else:
        connection.execute(statement)
