"""Privileges on a PostgreSQL server as sets: actual, declared, and the statements that lead from one to the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

import psycopg
from psycopg import sql

Kind = Literal["database", "schema", "table", "sequence", "column", "function", "default"]

PUBLIC = "public"

# An object owner's privileges are left out: they cannot be revoked permanently.
HELD = """
select 'database', '', d.datname::text, '', a.grantee, a.privilege_type
from pg_database as d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) as a
where d.datname = current_database() and a.grantee <> d.datdba
union all
select 'schema', n.nspname, '', '', a.grantee, a.privilege_type
from pg_namespace as n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) as a
where n.nspname = any(%(schemas)s) and a.grantee <> n.nspowner
union all
select case c.relkind when 'S' then 'sequence' else 'table' end, n.nspname, c.relname, '', a.grantee, a.privilege_type
from pg_class as c join pg_namespace as n on c.relnamespace = n.oid,
    aclexplode(coalesce(c.relacl, acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner))) as a
where n.nspname = any(%(schemas)s) and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and a.grantee <> c.relowner
union all
select 'column', n.nspname, c.relname, t.attname, a.grantee, a.privilege_type
from pg_attribute as t join pg_class as c on t.attrelid = c.oid join pg_namespace as n on c.relnamespace = n.oid,
    aclexplode(t.attacl) as a
where n.nspname = any(%(schemas)s) and t.attacl is not null and not t.attisdropped and a.grantee <> c.relowner
union all
select 'function', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid), a.grantee, a.privilege_type
from pg_proc as p join pg_namespace as n on p.pronamespace = n.oid,
    aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
where n.nspname = any(%(schemas)s) and a.grantee <> p.proowner
union all
select 'default', n.nspname, '', pg_get_userbyid(d.defaclrole)::text, a.grantee, a.privilege_type
from pg_default_acl as d join pg_namespace as n on d.defaclnamespace = n.oid, aclexplode(d.defaclacl) as a
where n.nspname = any(%(schemas)s) and d.defaclobjtype = 'r' and a.grantee <> d.defaclrole
"""


@dataclass(frozen=True, order=True)
class Grant:
    """One privilege of one role on one object.

    ``detail`` is the column, the function's arguments, or for a default privilege the role whose new tables it covers.
    """

    kind: Kind
    schema: str
    name: str
    detail: str
    grantee: str
    privilege: str


@dataclass(frozen=True)
class Change:
    """One step from the server's state to the declared one: a description for people, and its statement."""

    action: str
    what: str
    role: str
    detail: str
    statement: sql.SQL | sql.Composed


def held(session: psycopg.Connection[Any], schemas: Iterable[str]) -> set[Grant]:
    """Privileges granted on the database and in these schemas, to everybody except the owners."""
    names: dict[int, str] = dict(session.execute("select oid, rolname from pg_roles").fetchall())
    return {
        Grant(kind, schema, name, detail, names.get(grantee, PUBLIC), privilege)
        for kind, schema, name, detail, grantee, privilege in session.execute(
            HELD, {"schemas": list(schemas)}
        )
    }


def grant_changes(held: set[Grant], wanted: set[Grant]) -> list[Change]:
    """First revokes, then grants: one statement for each role and object."""
    return [
        *_changes("revoke", held - wanted, "REVOKE {} ON {} FROM {}"),
        *_changes("grant", wanted - held, "GRANT {} ON {} TO {}"),
    ]


def _changes(action: str, grants: set[Grant], form: str) -> list[Change]:
    def thing(one: Grant) -> tuple[Kind, str, str, str, str]:
        return one.kind, one.schema, one.name, one.detail, one.grantee

    changes = []
    for (kind, schema, name, detail, grantee), several in groupby(sorted(grants), thing):
        privileges = [one.privilege for one in several]
        given = sql.SQL(", ").join(map(sql.SQL, privileges))
        to = sql.SQL("PUBLIC") if grantee == PUBLIC else sql.Identifier(grantee)
        if kind == "default":
            what = f"new tables of {schema}"
            statement = sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA {} ").format(
                sql.Identifier(detail), sql.Identifier(schema)
            ) + sql.SQL(form).format(given, sql.SQL("TABLES"), to)
        else:
            what, on = _thing(kind, schema, name, detail)
            if kind == "column":
                given = sql.SQL(", ").join(
                    sql.SQL("{} ({})").format(sql.SQL(one), sql.Identifier(detail)) for one in privileges
                )
            statement = sql.SQL(form).format(given, on, to)
        changes.append(Change(action, what, grantee, ", ".join(privileges), statement))
    return changes


def _thing(kind: Kind, schema: str, name: str, detail: str) -> tuple[str, sql.Composable]:
    """The object of a grant, for people and in SQL."""
    if kind == "database":
        return f"database {name}", sql.SQL("DATABASE {}").format(sql.Identifier(name))
    if kind == "schema":
        return f"schema {schema}", sql.SQL("SCHEMA {}").format(sql.Identifier(schema))
    relation = sql.Identifier(schema, name)
    if kind == "function":
        return f"function {schema}.{name}({detail})", sql.SQL("ROUTINE {}({})").format(
            relation, sql.SQL(detail)
        )
    if kind == "sequence":
        return f"sequence {schema}.{name}", sql.SQL("SEQUENCE {}").format(relation)
    what = f"{schema}.{name}" + (f", column {detail}" if kind == "column" else "")
    return what, sql.SQL("TABLE {}").format(relation)
