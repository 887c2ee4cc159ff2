"""Compiles the declarations into the tables of schema ``catalogue``, which the models read."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from pipelines.catalogue.common import Rows
from pipelines.catalogue.corrections import correction_rows
from pipelines.catalogue.definition import definitions_hash
from pipelines.catalogue.frameworks import framework_rows
from pipelines.catalogue.index_methods import check_methods, index_rows
from pipelines.catalogue.indicators import indicator_rows
from pipelines.catalogue.measures import measure_rows
from pipelines.catalogue.plausibility import plausibility_rows
from pipelines.catalogue.release_calendar import release_rows
from pipelines.catalogue.sources import source_rows
from pipelines.catalogue.tables import TABLES
from pipelines.catalogue.targets import target_rows
from pipelines.declarations.corrections import load_corrections
from pipelines.declarations.frameworks import check_answers, load_frameworks
from pipelines.declarations.indicator_catalogue import check_sources, load_catalogue
from pipelines.declarations.methods import load_methods
from pipelines.declarations.plausibility import load_plausibility
from pipelines.declarations.releases import load_calendar
from pipelines.declarations.sources import Source, load_sources
from pipelines.declarations.targets import load_programmes
from pipelines.declarations.territories import TERRITORIES, territory_rows
from pipelines.warehouse.tables import replace_rows

ARROW = {
    "text": pa.string(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "boolean": pa.bool_(),
    "decimal": pa.decimal128(24, 6),
    "date": pa.date32(),
    "moment": pa.timestamp("us", tz="UTC"),
}


def write_catalogue(
    connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Source] | None = None
) -> bool:
    """Replace the tables of ``catalogue`` if the definitions changed; return True if they were replaced.

    Runs in the caller's transaction, if there is one.

    Raises:
        DeclarationError: a declaration or code list is invalid.
    """
    wanted = definitions_hash()
    connection.execute("create schema if not exists catalogue")
    if _stored_hash(connection) == wanted:
        return False
    rows = {"definition": [{"definitions_hash": wanted}], **catalogue_rows(sources)}
    for name, columns in TABLES.items():
        schema = pa.schema([(column, ARROW[kind]) for column, kind in columns.items()])
        incoming = pa.Table.from_pylist(rows[name], schema=schema)
        connection.register("incoming_catalogue", incoming)
        replace_rows(connection, f"catalogue.{name}", "incoming_catalogue")
        connection.unregister("incoming_catalogue")
    return True


def catalogue_rows(sources: Mapping[str, Source] | None = None) -> dict[str, Rows]:
    """The rows of each table of ``catalogue`` but the hash: all declarations, checked against each other.

    Raises:
        DeclarationError: a declaration or code list is wrong.
    """
    declared = load_sources() if sources is None else sources
    catalogue = load_catalogue()
    check_sources(catalogue, declared)
    frameworks = load_frameworks()
    check_answers(frameworks, catalogue.indicators)
    methods = load_methods()
    check_methods(methods, catalogue.indicators)
    return {
        **source_rows(declared),
        **measure_rows(catalogue, declared),
        **indicator_rows(catalogue),
        **framework_rows(frameworks),
        **index_rows(methods),
        **target_rows(load_programmes(catalogue)),
        **plausibility_rows(load_plausibility(catalogue), catalogue),
        **release_rows(load_calendar(catalogue), catalogue),
        **correction_rows(load_corrections(catalogue)),
        **territory_rows(TERRITORIES, declared),
    }


def _stored_hash(connection: duckdb.DuckDBPyConnection) -> str | None:
    known = connection.execute(
        "select count(*) from information_schema.tables "
        "where table_schema = 'catalogue' and table_name = 'definition'"
    ).fetchone()
    if known is None or known[0] == 0:
        return None
    row = connection.execute("select definitions_hash from catalogue.definition").fetchone()
    return None if row is None else str(row[0])
