"""What readers see on a PostgreSQL server: ``published`` and the regional marts, changed in one transaction.

dbt builds in ``published_next``: the contracts under their names, and a mart ``mart_by_br.indicator_value`` as
``mart_by_br__indicator_value``. Here only the rows that differ are deleted and inserted: readers never
wait and never see two versions, their open transactions keep their state, and views, grants and policies on the
tables stay. Only a table whose columns changed is recreated, and that has to wait for its current readers.
"""

from __future__ import annotations

import time
from typing import Any

import psycopg
from psycopg import sql

from pipelines.errors import GorodError, WarehouseBusyError, WarehouseError
from pipelines.progress import report_progress
from pipelines.publishing.server_keys import declare_keys, release_keys
from pipelines.warehouse.access import sync as access
from pipelines.warehouse.server import Server

BUILT = "published_next"
SHOWN = "published"
# separates a mart's schema from its table in the schema where it is built
WITHIN = "__"
ABOUT = "publication"
# Recreating a table waits this long for its readers; others queue behind it meanwhile.
LOCK_TIMEOUT = "1s"

FORM = """
    select n.nspname, c.relname, coalesce(obj_description(c.oid, 'pg_class'), ''),
        array_agg(array[a.attname, format_type(a.atttypid, a.atttypmod), coalesce(col_description(c.oid, a.attnum), '')]
            order by a.attnum)
    from pg_class as c
    join pg_namespace as n on c.relnamespace = n.oid
    join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind in ('r', 'p') and {}
    group by n.nspname, c.oid, c.relname
    order by n.nspname, c.relname
"""
OF_BUILT = f"n.nspname = '{BUILT}' and (c.relname like 'pub\\_%' or c.relname like 'mart\\_%')"
OF_SHOWN = f"(n.nspname = '{SHOWN}' and c.relname like 'pub\\_%' or n.nspname like 'mart\\_%')"

# Rows are compared as text, with equal rows numbered: a table may hold the same row twice.
NUMBERED = "select md5(t::text) as mark, row_number() over (partition by md5(t::text)) as copy_no, {what} from {table} as t"
TAKE_OUT = (
    "delete from {shown} where ctid = any(array(select shown.ctid from ("
    + NUMBERED.replace("{what}", "t.ctid").replace("{table}", "{shown}")
    + ") as shown left join ("
    + NUMBERED.replace("{what}", "true as is_built").replace("{table}", "{built}")
    + ") as built using (mark, copy_no) where built.is_built is null))"
)
PUT_IN = (
    "insert into {shown} select (built.built_row).* from ("
    + NUMBERED.replace("{what}", "t as built_row").replace("{table}", "{built}")
    + ") as built left join ("
    + NUMBERED.replace("{what}", "true as is_shown").replace("{table}", "{shown}")
    + ") as shown using (mark, copy_no) where shown.is_shown is null"
)

# Comment and columns (name, type, comment) of each table, by the schema and name that readers use.
Columns = tuple[str, list[list[str]]]
Form = dict[tuple[str, str], Columns]


def publish_on_server(server: Server, about: dict[str, Any]) -> dict[str, int]:
    """Show readers the contents of ``published_next``; return changed rows by table (``published.pub_…``, ``mart_….…``).

    Args:
        about: the single row of ``published.publication``: texts, a moment and booleans by name.

    Raises:
        WarehouseBusyError: a table whose columns changed was read for longer than the server's ``busy_timeout_s``; the
            message names the reader. What was published stays.
        GorodError: somebody's view depends on a table that must be recreated.
        WarehouseError: the server cannot be reached or written; what was published stays.
    """
    deadline = time.monotonic() + server.busy_timeout_s
    announced = ""
    while True:
        try:
            with server.session("publishes", autocommit=True) as session:
                session.execute(sql.SQL("set lock_timeout = {}").format(LOCK_TIMEOUT))
                # a separate transaction: readers of these tables must not wait for the following rows
                with session.transaction():
                    _release_keys(session)
                with session.transaction():
                    changed = _publish(session, about)
                # The planner needs current statistics, and autovacuum comes a minute later. Everything is published
                # by now: a table that autovacuum is processing is left to it.
                for name in (name for name, rows in changed.items() if rows):
                    table = sql.Identifier(*name.split("."))
                    session.execute(sql.SQL("analyze (skip_locked) {}").format(table))
                return changed
        except (GorodError, psycopg.Error) as error:
            if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
                raise
            holders = _holders(server)
            if time.monotonic() >= deadline:
                raise WarehouseBusyError(
                    f"not published on PostgreSQL {server.name}: a table that changes its columns is being read by "
                    + (holders or "a session that has just ended"),
                    "Ask them to end their transaction, then run again; what was published before stays.",
                ) from error
            if holders and holders != announced:
                report_progress(f"waiting: a table that changes its columns is being read by {holders}")
                announced = holders
            # let those queued behind the lock read now
            time.sleep(0.5)


def _release_keys(session: psycopg.Connection[Any]) -> None:
    """Drop keys that the built rows would break; they stay dropped if the publication fails."""
    session.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(SHOWN)))
    built, shown = _built(session), _shown(session)
    remade = {
        name
        for (schema, name), form in shown.items()
        if schema == SHOWN and not _same_columns(built.get((schema, name)), form)
    }
    release_keys(session, BUILT, SHOWN, remade)


def _publish(session: psycopg.Connection[Any], about: dict[str, Any]) -> dict[str, int]:
    built, shown = _built(session), _shown(session)
    for gone in shown.keys() - built.keys():
        # a mart's schema may contain other people's tables
        if gone[0] == SHOWN:
            _drop(session, gone)
    changed = {".".join(table): _show(session, table, built[table], shown.get(table)) for table in built}
    declare_keys(session, SHOWN)
    _tell(session, about)
    # in the same transaction, so that a new table is neither open to all nor closed to those who may read it
    access.apply(session)
    if any(changed.values()):
        access.record(session, "published", str(about["publication_id"]))
    return changed


def _built(session: psycopg.Connection[Any]) -> Form:
    """What dbt has built."""
    form: Form = {}
    for _, name, comment, columns in session.execute(FORM.format(OF_BUILT)):
        schema, within, table = name.partition(WITHIN)
        form[(schema, table) if within else (SHOWN, name)] = (comment, columns)
    return form


def _shown(session: psycopg.Connection[Any]) -> Form:
    """What readers see."""
    return {
        (schema, name): (comment, columns)
        for schema, name, comment, columns in session.execute(FORM.format(OF_SHOWN))
    }


def _same_columns(built: Columns | None, shown: Columns) -> bool:
    """Whether names and types of the columns are the same."""
    return built is not None and [column[:2] for column in built[1]] == [column[:2] for column in shown[1]]


def _show(
    session: psycopg.Connection[Any], table: tuple[str, str], built: Columns, shown: Columns | None
) -> int:
    """Bring one table up to date with what was built; return the number of rows deleted and inserted."""
    schema, name = table
    here = sql.Identifier(schema, name)
    there = sql.Identifier(BUILT, name if schema == SHOWN else f"{schema}{WITHIN}{name}")
    if shown is None or not _same_columns(built, shown):
        if shown is not None:
            _drop(session, table)
        session.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
        session.execute(sql.SQL("create table {} (like {})").format(here, there))
        shown = None
    changes = 0
    for statement in (TAKE_OUT, PUT_IN):
        done = session.execute(sql.SQL(statement).format(shown=here, built=there))
        changes += done.rowcount
    _comment(session, here, built, shown)
    counts = session.execute(
        sql.SQL("select (select count(*) from {}), (select count(*) from {})").format(here, there)
    ).fetchone()
    assert counts is not None
    if counts[0] != counts[1]:
        raise WarehouseError(
            f"{schema}.{name}: {counts[1]} rows were built, {counts[0]} would be shown",
            "Nothing was published. Run again; if it stays, report it.",
        )
    return changes


def _comment(
    session: psycopg.Connection[Any], here: sql.Identifier, built: Columns, shown: Columns | None
) -> None:
    if shown is None or shown[0] != built[0]:
        session.execute(sql.SQL("comment on table {} is {}").format(here, sql.Literal(built[0])))
    known = {column: text for column, _, text in shown[1]} if shown else {}
    for column, _, text in built[1]:
        if known.get(column) != text:
            session.execute(
                sql.SQL("comment on column {}.{} is {}").format(
                    here, sql.Identifier(column), sql.Literal(text)
                )
            )


def _drop(session: psycopg.Connection[Any], table: tuple[str, str]) -> None:
    try:
        session.execute(sql.SQL("drop table {}").format(sql.Identifier(*table)))
    except psycopg.errors.DependentObjectsStillExist as error:
        raise GorodError(
            f"not published: {'.'.join(table)} changes its columns, and others stand on it: "
            + (error.diag.message_detail or "").replace("\n", "; "),
            "Drop those views, publish (gorod run), and make them again; what was published before stays.",
        ) from error


def _tell(session: psycopg.Connection[Any], about: dict[str, Any]) -> None:
    """The single row that identifies the publication in the schema."""
    table = sql.Identifier(SHOWN, ABOUT)
    session.execute(
        sql.SQL(
            "create table if not exists {} (publication_id varchar not null, created_at timestamptz not null,"
            " content_hash varchar not null, definitions_hash varchar not null, synthetic boolean not null)"
        ).format(table)
    )
    session.execute(
        sql.SQL("comment on table {} is {}").format(
            table, sql.Literal("Which publication this schema shows. One row.")
        )
    )
    session.execute(sql.SQL("delete from {}").format(table))
    session.execute(
        sql.SQL("insert into {} ({}) values ({})").format(
            table,
            sql.SQL(", ").join(map(sql.Identifier, about)),
            sql.SQL(", ").join(map(sql.Literal, about.values())),
        )
    )


def _holders(server: Server) -> str:
    """The sessions that hold locks on published tables."""
    with server.session("asks who reads", autocommit=True) as session:
        rows = session.execute(
            "select distinct a.pid, a.usename, coalesce(nullif(a.application_name, ''), 'unnamed'),"
            " coalesce(host(a.client_addr), 'local'), a.state, date_trunc('second', now() - a.xact_start)::text"
            " from pg_locks as l join pg_stat_activity as a on l.pid = a.pid"
            " join pg_class as c on l.relation = c.oid join pg_namespace as n on c.relnamespace = n.oid"
            " where (n.nspname = %s or n.nspname like 'mart\\_%%') and l.granted and a.pid <> pg_backend_pid() order by a.pid",
            [SHOWN],
        ).fetchall()
    return "; ".join(
        f"session {pid} of {user} ({name}, from {client}, {state} for {since})"
        for pid, user, name, client, state, since in rows
    )
