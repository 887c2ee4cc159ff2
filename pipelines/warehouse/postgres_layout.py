"""Schemas, ledger and raw tables on a server: created, extended, and laid out for append-only loads."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from pipelines.declarations.feeds import Feed
from pipelines.declarations.sources import load_sources
from pipelines.errors import WarehouseError
from pipelines.sql import literal, quoted
from pipelines.warehouse import migrations, raw
from pipelines.warehouse.base import raw_table
from pipelines.warehouse.postgres_locks import TURNS

OWN = Path(__file__).with_name("postgres.sql")
RAW_COLUMNS = (
    "select c.relname, a.attname, format_type(a.atttypid, a.atttypmod) as held, col_description(c.oid, a.attnum) as says"
    " from pg_class as c join pg_attribute as a on a.attrelid = c.oid"
    " where c.relnamespace = to_regnamespace('raw') and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped"
)


def version(session: psycopg.Connection[Any]) -> tuple[int | None, bool]:
    """The schema version of the ledger in a database, if recorded, and whether there is a ledger at all."""
    tables = {
        name
        for (name,) in session.execute(
            "select c.relname from pg_class as c join pg_namespace as n on c.relnamespace = n.oid"
            " where n.nspname = 'ops' and c.relkind = 'r' and c.relname <> all(%s)",
            [list(TURNS)],
        )
    }
    if "version" not in tables:
        return None, bool(tables)
    row = session.execute("select max(version) from ops.version").fetchone()
    return row[0] if row else None, True


def create_schema(session: psycopg.Connection[Any]) -> list[raw.Change]:
    """Create schemas, ledger, views and raw tables of the newest schema version; lock nothing if all exist.

    Returns:
        What in the raw tables differs from the declaration.
    """
    text = migrations.schema_sql() + OWN.read_text(encoding="utf-8")
    mark = f"Gorod's ledger, migrations {migrations.SCHEMA_VERSION}, {hashlib.sha256(text.encode()).hexdigest()[:16]}"
    row = session.execute("select obj_description(to_regnamespace('ops'), 'pg_namespace')").fetchone()
    if row is None or row[0] != mark:
        run_script(session, text)
        run_script(session, migrations.RECORD.format(migrations.SCHEMA_VERSION))
        session.execute(sql.SQL("comment on schema ops is {}").format(sql.Literal(mark)))
    present: dict[str, dict[str, raw.Held]] = {}
    for table, column, sql_type, comment in session.execute(RAW_COLUMNS):
        present.setdefault(table, {})[column] = raw.held_on_server(sql_type, comment)
    changed: list[raw.Change] = []
    for source in load_sources().values():
        for name, feed in source.feeds.items():
            table = raw_table(source.source, name)
            changed += _prepare_raw(session, table, feed, present.get(table.split(".")[1], {}))
    return changed


def require_order(session: psycopg.Connection[Any], where: str) -> None:
    """Check that text is ordered by code point, as in DuckDB: otherwise figures that depend on an order would differ.

    Raises:
        WarehouseError: the database sorts by a language's rules, or is not UTF-8.
    """
    row = session.execute(
        "select datcollate, pg_encoding_to_char(encoding), to_jsonb(d) ->> 'datlocprovider',"
        " coalesce(to_jsonb(d) ->> 'datlocale', '') from pg_database as d where datname = current_database()"
    ).fetchone()
    assert row is not None
    collate, encoding, provider, locale = row
    by_code = collate if provider == "c" else locale
    if by_code.upper() not in ("C", "POSIX", "C.UTF-8", "C.UTF8") or encoding != "UTF8":
        raise WarehouseError(
            f"PostgreSQL {where} has the order {by_code} and the encoding {encoding}; a warehouse needs C and UTF8",
            "Create another database: create database … encoding 'UTF8' lc_collate 'C' lc_ctype 'C.UTF-8' "
            "template template0",
        )


def _prepare_raw(
    session: psycopg.Connection[Any], table: str, feed: Feed, present: dict[str, raw.Held]
) -> list[raw.Change]:
    """Create a raw table, or add missing columns; return what differs from the declaration."""
    changed = raw.changes(table, feed, present)
    relation = sql.Identifier(*table.split("."))
    if changed and session.execute(sql.SQL("select 1 from {} limit 1").format(relation)).fetchone() is None:
        run_script(session, f"drop table {table} cascade")
        present, changed = {}, []
    columns = raw.definition(feed)
    defined = [f"{quoted(name)} {sql_type}" for name, sql_type in columns.items()]
    if not present:
        own = ["load_id varchar not null", "row_no bigint not null"]
        statements = [f"create table {table} ({', '.join([*own, *defined])})", *layout(*table.split("."))]
    else:
        statements = [
            f"alter table {table} add column {column}"
            for name, column in zip(columns, defined, strict=True)
            if name not in present
        ]
    for statement in [*statements, *(() if changed else marks(table, feed, present))]:
        run_script(session, statement)
    return changed


def marks(table: str, feed: Feed, present: dict[str, raw.Held]) -> list[str]:
    """Statements that record for each column what it was read as, if not yet recorded."""
    return [
        f"comment on column {table}.{quoted(name)} is {literal(raw.mark(column))}"
        for name, column in feed.kept_columns.items()
        if name not in present or not present[name].is_marked
    ]


def layout(schema: str, name: str) -> list[str]:
    """Settings of a raw table, which is append-only, load by load: a BRIN index finds a load, and rows are frozen once.

    Measured in docs/decisions/0013-raw-tables-on-a-server.md.
    """
    return [
        f"create index if not exists {quoted(f'{name[:53]}_range')} on {schema}.{quoted(name)} using brin"
        " (load_id, row_no) with (pages_per_range = 32, autosummarize = on)",
        f"alter table {schema}.{quoted(name)} set (autovacuum_freeze_min_age = 0,"
        " autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05)",
    ]


def lay_out_older_tables(session: psycopg.Connection[Any]) -> None:
    """Raw tables of an older Gorod, with a B-tree as large as the table; converting each briefly delays its readers."""
    found = session.execute(
        "select t.relname, i.relname from pg_index as x join pg_class as i on x.indexrelid = i.oid"
        " join pg_class as t on x.indrelid = t.oid join pg_am as a on i.relam = a.oid"
        " where t.relnamespace = 'raw'::regnamespace and a.amname = 'btree' and i.relname = left(t.relname, 54) || '_load'"
    ).fetchall()
    for table, index in found:
        with session.transaction():
            for statement in layout("raw", table):
                run_script(session, statement)
        session.execute(sql.SQL("drop index {}").format(sql.Identifier("raw", index)))


def run_script(session: psycopg.Connection[Any], text: str) -> None:
    """Execute several statements from our own files at once."""
    session.execute(text)
