"""Primary and foreign keys of a server's published tables: BI tools use them to join, queries to find rows.

A foreign key is declared only while every value is listed. One that a new publication would break is dropped before
its rows change: a broken key must not stop correct figures.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from pipelines.publishing.keys import primary_key, references

FORM = """
select c.relname, array_agg(a.attname::text), bool_or(exists (
    select 1 from pg_constraint as k where k.conrelid = c.oid and k.contype = 'p'))
from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = %s::regnamespace and c.relkind = 'r' and starts_with(c.relname, 'pub_')
group by c.relname
order by c.relname
"""
DECLARED = """
select c.conname, t.relname, f.relname from pg_constraint as c
join pg_class as t on c.conrelid = t.oid join pg_class as f on c.confrelid = f.oid
where c.contype = 'f' and t.relnamespace = %s::regnamespace
"""


def release_keys(session: psycopg.Connection[Any], built: str, shown: str, remade: set[str]) -> None:
    """Before rows change: drop keys that the built rows would break, and keys on tables to be recreated.

    Dropping a foreign key briefly locks both tables, so it is done only if necessary.
    """
    form = _form(session, built)
    for name, table, target in session.execute(DECLARED, [shown]).fetchall():
        columns = form[table][0] if table in form else ()
        found = [
            given
            for given, listed in references(table, columns).items()
            if listed == target and _name(table, given) == name
        ]
        if (
            not found
            or target in remade
            or table not in form
            or not _lists(session, built, table, found[0], target)
        ):
            session.execute(
                sql.SQL("alter table {} drop constraint {}").format(
                    sql.Identifier(shown, table), sql.Identifier(name)
                )
            )


def declare_keys(session: psycopg.Connection[Any], shown: str) -> None:
    """After rows changed: declare the keys that hold, in the same transaction."""
    # a table cannot be altered while changes to its rows await constraint checks
    session.execute("set constraints all immediate")
    for table, (columns, has_key) in _form(session, shown).items():
        key = primary_key(table)
        if key and not has_key and columns.issuperset(key) and _tells_apart(session, shown, table, key):
            session.execute(
                sql.SQL("alter table {} add primary key ({})").format(
                    sql.Identifier(shown, table), _names(key)
                )
            )
    form = _form(session, shown)
    declared = {name for name, *_ in session.execute(DECLARED, [shown])}
    for table, (columns, _) in form.items():
        for given, target in references(table, columns).items():
            is_listed = target in form and form[target][1]
            if not is_listed or _name(table, given) in declared:
                continue
            if _lists(session, shown, table, given, target):
                session.execute(
                    sql.SQL(
                        "alter table {} add constraint {} foreign key ({}) references {} ({})"
                        " deferrable initially deferred"
                    ).format(
                        sql.Identifier(shown, table),
                        sql.Identifier(_name(table, given)),
                        _names(given),
                        sql.Identifier(shown, target),
                        _names(primary_key(target)),
                    )
                )


def _form(session: psycopg.Connection[Any], schema: str) -> dict[str, tuple[set[str], bool]]:
    """Columns of each table, and whether it has a primary key."""
    return {name: (set(columns), has_key) for name, columns, has_key in session.execute(FORM, [schema])}


def _name(table: str, given: tuple[str, ...]) -> str:
    return f"{table}_{'_'.join(given)}"[:63]


def _tells_apart(session: psycopg.Connection[Any], schema: str, table: str, key: tuple[str, ...]) -> bool:
    """Whether the key is complete and unique."""
    row = session.execute(
        sql.SQL(
            "select not exists (select 1 from {table} group by {key} having count(*) > 1 or ({absent}))"
        ).format(
            table=sql.Identifier(schema, table),
            key=_names(key),
            absent=sql.SQL(" or ").join(sql.SQL("{} is null").format(sql.Identifier(name)) for name in key),
        )
    ).fetchone()
    return bool(row and row[0])


def _lists(
    session: psycopg.Connection[Any], schema: str, table: str, given: tuple[str, ...], target: str
) -> bool:
    """Whether each present value is listed; a partly empty one refers to nothing and is not checked."""
    row = session.execute(
        sql.SQL(
            "select not exists (select 1 from {table} as given where {whole} and not exists"
            " (select 1 from {target} as listed where {same}))"
        ).format(
            table=sql.Identifier(schema, table),
            target=sql.Identifier(schema, target),
            whole=sql.SQL(" and ").join(
                sql.SQL("{} is not null").format(sql.Identifier("given", name)) for name in given
            ),
            same=sql.SQL(" and ").join(
                sql.SQL("{} = {}").format(sql.Identifier("listed", there), sql.Identifier("given", here))
                for here, there in zip(given, primary_key(target), strict=True)
            ),
        )
    ).fetchone()
    return bool(row and row[0])


def _names(columns: tuple[str, ...]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
