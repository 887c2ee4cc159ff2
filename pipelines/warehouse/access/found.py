"""The state of a server, and the changes to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from pipelines.declarations.access import Access
from pipelines.warehouse.grants import Change

PUBLISHED = "published"


SUPPLIER = "supplier"


SUPPLIER_VIEWS = ("load", "load_result", "quarantine")


OF_LOADS = (
    "load",
    "load_event",
    "load_result",
    "candidate",
    "quarantine",
    "flagged_row",
    "refused_batch",
    "load_profile",
    "approval_step",
    "approval",
)


# views of access.sql in ops
AUDIT_VIEWS = ("audit", "audit_load")


APPEND_ONLY = (
    *OF_LOADS,
    "build",
    "build_begun",
    "build_input",
    "index_build",
    "release",
    "embargoed_read",
    "removed_delivery",
    "extension",
    "audit_event",
)


WRITE = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")


ADD = ("SELECT", "INSERT")


@dataclass(frozen=True)
class ServerState:
    """The state of a server, as far as access is concerned."""

    roles: dict[str, dict[str, Any]]
    schemas: set[str]
    relations: dict[tuple[str, str], str]
    columns: dict[str, set[str]]
    database: str
    user: str
    owner: str
    owns_database: bool


def find_state(session: psycopg.Connection[Any], schemas_of: Access) -> ServerState:
    names = (
        *("rolcanlogin", "rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolreplication"),
        *("rolconnlimit", "rolconfig"),
    )
    roles = {
        row[0]: dict(zip(names, row[1:], strict=True))
        for row in session.execute(
            "select r.rolname, r.rolcanlogin, r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb,"
            " r.rolreplication, r.rolconnlimit, r.rolconfig from pg_roles as r"
        )
    }
    own = {*schemas_of.closed, PUBLISHED, SUPPLIER}
    schemas = {
        name
        for (name,) in session.execute("select nspname from pg_namespace")
        if name in own or name.startswith("mart_")
    }
    relations = {
        (schema, name): kind
        for schema, name, kind in session.execute(
            "select n.nspname, c.relname, c.relkind::text from pg_class as c join pg_namespace as n"
            " on c.relnamespace = n.oid where n.nspname = any(%s) and c.relkind in ('r', 'p', 'v', 'm', 'f')",
            [list(schemas)],
        )
    }
    columns: dict[str, set[str]] = {}
    for table, column in session.execute(
        "select c.relname, a.attname from pg_attribute as a join pg_class as c on a.attrelid = c.oid"
        " join pg_namespace as n on c.relnamespace = n.oid"
        " where n.nspname = %s and a.attnum > 0 and not a.attisdropped",
        [PUBLISHED],
    ):
        columns.setdefault(table, set()).add(column)
    database, user, owner, owns = session.execute(
        "select current_database()::text, current_user::text, pg_get_userbyid(datdba)::text,"
        " pg_has_role(current_user, datdba, 'usage') from pg_database where datname = current_database()"
    ).fetchone() or ("", "", "", False)
    return ServerState(roles, schemas, relations, columns, database, user, owner, owns)


def change_of(
    action: str, what: str, role: str, detail: str, form: str, *names: str | tuple[str, ...]
) -> Change:
    """A change whose statement names roles or relations."""
    identifiers = [sql.Identifier(*([name] if isinstance(name, str) else name)) for name in names]
    return Change(action, what, role, detail, sql.SQL(form).format(*identifiers))
