"""Where DuckDB's SQL is the same for a file and for an attached server, and where it differs."""

from __future__ import annotations

from typing import Any

import duckdb

from pipelines.sql import literal


def is_server(connection: duckdb.DuckDBPyConnection, database: str | None = None) -> bool:
    """Whether a connection's database (by default its default one) is a PostgreSQL server."""
    row = connection.execute(
        "select type from duckdb_databases() where database_name = coalesce(?, current_database())",
        [database],
    ).fetchone()
    return row is not None and row[0] == "postgres"


def contracts_schema(connection: duckdb.DuckDBPyConnection, database: str | None = None) -> str:
    """The schema in which the contracts are built: on a server, readers use another one."""
    return "published_next" if is_server(connection, database) else "published"


def replace_rows(connection: duckdb.DuckDBPyConnection, table: str, incoming: str) -> None:
    """Replace the rows of ``table`` by those of ``incoming``, in the caller's transaction.

    A table with the same columns stays, with its dependants and readers; one with other columns is recreated,
    and its views are gone until dbt builds them again.
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
    """The result of a query that both engines understand, as the caller's transaction sees it.

    A server computes it itself: DuckDB would fetch every row of the tables to compute it locally.
    """
    if is_server(connection):
        sql = f"from postgres_query(current_database(), {literal(sql)})"
    return connection.execute(sql).fetchall()


def rows_of_load(connection: duckdb.DuckDBPyConnection, table: str, load_id: str) -> int:
    """How many rows of a load are in ``schema.name``, as the caller's transaction sees it."""
    ((rows,),) = asked(connection, f"select count(*) as rows from {table} where load_id = {literal(load_id)}")
    return int(rows)


def comment(connection: duckdb.DuckDBPyConnection, what: str, text: str) -> None:
    """Comment on ``table schema.name`` or ``column schema.name.column``, in the caller's transaction."""
    statement = f"comment on {what} is {literal(text)}"
    if is_server(connection):
        connection.execute(f"call postgres_execute(current_database(), {literal(statement)})")
    else:
        connection.execute(statement)
