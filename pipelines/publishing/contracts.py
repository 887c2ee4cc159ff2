"""The published contracts: their columns, keys and rows, as the warehouse has them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import duckdb

from pipelines.errors import GorodError
from pipelines.publishing.keys import primary_key
from pipelines.sql import literal, quoted
from pipelines.warehouse.tables import contracts_schema

SCHEMA = "published"
DATABASE = "gorod.duckdb"
MANIFEST = "manifest.json"

TERRITORIES = "pub_territory_v1"
OBSERVATIONS = "pub_observation_v1"
BOUNDARIES = "pub_boundary_v1"
LOADS = "pub_load_v1"
SLICE_KEY = ("source", "feed", "instance", "slice")


@dataclass(frozen=True)
class Column:
    """A column of a published table."""

    name: str
    type: str
    comment: str | None

    @property
    def is_moment(self) -> bool:
        """Whether it says when something was processed, not what is known."""
        return self.name.endswith("_at") or self.type.startswith("TIMESTAMP")


@dataclass(frozen=True)
class Contract:
    """A published table: its source, comment and columns."""

    name: str
    read_from: str
    comment: str | None
    columns: tuple[Column, ...]

    def has(self, *columns: str) -> bool:
        """Whether it has all these columns."""
        return set(columns) <= {column.name for column in self.columns}


def read_contracts(connection: duckdb.DuckDBPyConnection, warehouse: str) -> list[Contract]:
    """Every table or view ``published.pub_*``, with comments, ordered by name."""
    schema = contracts_schema(connection, warehouse)
    tables = connection.execute(
        "select table_name, comment from duckdb_tables()"
        " where database_name = $db and schema_name = $schema and starts_with(table_name, 'pub_')"
        " union all select view_name, comment from duckdb_views()"
        " where database_name = $db and schema_name = $schema and starts_with(view_name, 'pub_') order by 1",
        {"db": warehouse, "schema": schema},
    ).fetchall()
    columns = connection.execute(
        "select table_name, column_name, data_type, comment from duckdb_columns()"
        " where database_name = $db and schema_name = $schema order by table_name, column_index",
        {"db": warehouse, "schema": schema},
    ).fetchall()
    contracts = [
        Contract(
            name,
            f"{quoted(warehouse)}.{schema}.{quoted(name)}",
            comment,
            tuple(Column(*column) for table, *column in columns if table == name),
        )
        for name, comment in tables
    ]
    missing = {TERRITORIES, OBSERVATIONS, BOUNDARIES, LOADS} - {contract.name for contract in contracts}
    if missing:
        names = ", ".join(f"{SCHEMA}.{name}" for name in sorted(missing))
        raise GorodError(
            f"not published: the warehouse has no {names}",
            "Build the marts: run `gorod run`.",
        )
    return contracts


def content_hash_of(connection: duckdb.DuckDBPyConnection, contracts: list[Contract]) -> str:
    """SHA-256 over names, types, comments and the multiset of rows of all tables."""
    total = hashlib.sha256()
    for contract in contracts:
        known = ", ".join(quoted(column.name) for column in contract.columns if not column.is_moment)
        (rows,) = connection.execute(
            "select sha256(coalesce(string_agg(row_hash, '' order by row_hash), '')) from"
            " (select sha256(to_json(t)::varchar) as row_hash"
            f" from (select {known} from {contract.read_from}) as t)"
        ).fetchone() or ("",)
        columns = [[column.name, column.type, column.comment] for column in contract.columns]
        total.update(json.dumps([contract.name, contract.comment, columns, rows]).encode())
    return total.hexdigest()


def key_of(contract: Contract) -> tuple[str, ...]:
    """Its primary key; empty if it has none, or lacks a column of it."""
    key = primary_key(contract.name)
    return key if contract.has(*key) else ()


def rows_of_region(contract: Contract, contracts: dict[str, Contract], region: str) -> str:
    """The WHERE clause that selects the rows of ``region``; empty for catalogues.

    Loads carry a territory too, but a country-wide delivery feeds every region: a region sees the loads that its own
    observations and outlines come from, and those that its own territories delivered.
    """
    own = f"(select ref_area from {contracts[TERRITORIES].read_from} where {literal(region)} in (ref_area, region))"
    if contract.has("load_id", *SLICE_KEY):
        fed = " union all ".join(
            f"select load_id from {contracts[name].read_from} where ref_area in {own}"
            for name in (OBSERVATIONS, BOUNDARIES)
        )
        return f"where ref_area in {own} or load_id in ({fed})"
    if contract.has("ref_area"):
        # a value may have been imputed from those of other regions
        others = f" and reported_by in {own}" if contract.has("reported_by") else ""
        return f"where ref_area in {own}{others}"
    return ""
