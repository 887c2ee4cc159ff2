"""Make a server match assets/access.yml: what differs, and how it is changed."""

from __future__ import annotations

import getpass
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from pipelines.declarations.access import Access, Group, groups, load_access
from pipelines.declarations.sources import load_sources
from pipelines.declarations.territories import TERRITORIES, territory_rows
from pipelines.errors import GorodError, WarehouseError
from pipelines.warehouse.access.found import (
    ADD,
    APPEND_ONLY,
    AUDIT_VIEWS,
    PUBLISHED,
    SUPPLIER,
    SUPPLIER_VIEWS,
    WRITE,
    ServerState,
    change_of,
    find_state,
)
from pipelines.warehouse.access.policies import (
    REGION_LOAD,
    VISIBLE,
    VISIBLE_FROM,
    open_tables,
    policy_changes,
    visible_changes,
)
from pipelines.warehouse.access.roles import role_changes
from pipelines.warehouse.grants import Change, Grant, grant_changes, held
from pipelines.warehouse.postgres_locks import take_turn
from pipelines.warehouse.server import Server

OWN = Path(__file__).with_name("access.sql")


def sync(server: Server, *, plan: bool = False) -> list[Change]:
    """Make a server match the declaration, in one transaction; return what was changed, or with ``plan`` what would be.

    Raises:
        DeclarationError: ``assets/access.yml`` is invalid.
        WarehouseError: there is no warehouse yet, or the login lacks a privilege; nothing was changed.
        WarehouseBusyError: a published table is being read or written for longer than the server's ``busy_timeout_s``.
    """
    access = load_access()
    known = groups(access, _regions(), load_sources())
    with server.session("sets access") as session:
        take_turn(session)
        if session.execute("select to_regclass('ops.load')").fetchone() == (None,):
            raise WarehouseError(
                f"PostgreSQL {server.name} contains no warehouse yet", "Create it first: gorod warehouse init"
            )
        changes = [*role_changes(session, access, known), *_changes(session, access, known, set(known))]
        if not plan:
            _carry_out(session, changes, server.name)
            if changes:
                record(session, "access changed", f"{len(changes)} changes", why=_summary(changes))
        else:
            session.rollback()
    return changes


def apply(session: psycopg.Connection[Any]) -> list[Change]:
    """After a publication, in its transaction: new tables get their privileges and policies, regions their rows.

    Does nothing on a server whose access was never set up (``gorod access sync``). Groups and logins stay as they are.

    Raises:
        WarehouseError: the login lacks a privilege.
    """
    access = load_access()
    known = groups(access, _regions(), load_sources())
    present = {
        name
        for (name,) in session.execute("select rolname from pg_roles where rolname = any(%s)", [list(known)])
    }
    if not present or session.execute("select to_regnamespace(%s)", [SUPPLIER]).fetchone() == (None,):
        return []
    changes = _changes(session, access, known, present)
    _carry_out(session, changes, "the server")
    return changes


def record(session: psycopg.Connection[Any], event: str, subject: str, why: str | None = None) -> None:
    """Record who did what in ``ops.audit_event``, in the caller's transaction; do nothing if access was never set up."""
    if session.execute("select to_regclass('ops.audit_event')").fetchone() == (None,):
        return
    session.execute(
        "insert into ops.audit_event (event, subject, by_whom, why) values (%s, %s, %s, %s)",
        [event, subject, _whoever(), why],
    )


def _whoever() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def _summary(changes: list[Change]) -> str:
    counted: dict[str, int] = {}
    for change in changes:
        counted[change.action] = counted.get(change.action, 0) + 1
    return ", ".join(f"{action}: {number}" for action, number in sorted(counted.items()))


def _regions() -> list[str]:
    """ISO codes of the regions, from the declared territories."""
    rows = territory_rows(TERRITORIES)["territory_code"]
    return sorted(str(row["ref_area"]) for row in rows if row["level"] == "region")


def _carry_out(session: psycopg.Connection[Any], changes: Iterable[Change], where: str) -> None:
    for change in changes:
        try:
            session.execute(change.statement)
        except psycopg.errors.InsufficientPrivilege as error:
            raise WarehouseError(
                f"{where}: {change.action} {change.what}: {str(error).splitlines()[0]}",
                "Connect as the owner of Gorod's schemas; creating roles needs CREATEROLE. Nothing was changed.",
            ) from error


def _changes(
    session: psycopg.Connection[Any], access: Access, known: dict[str, Group], present: set[str]
) -> list[Change]:
    """What the database lacks, in the order of creation: Gorod's tables, rows of the regions, policies, privileges.

    Policies come before privileges: a table is never open without its policy.
    """
    found = find_state(session, access)
    readers = {name: group for name, group in known.items() if name in present}
    changes = _own_changes(session, access)
    found.schemas.add(SUPPLIER)
    found.relations.update({(SUPPLIER, name): "v" for name in SUPPLIER_VIEWS})
    found.relations.update({("ops", name): "v" for name in AUDIT_VIEWS})
    found.relations[("ops", "audit_event")] = "r"
    if all((PUBLISHED, table) in found.relations for table in VISIBLE_FROM):
        changes += visible_changes(session, access, found)
        found.relations.update({(PUBLISHED, table): "r" for table in VISIBLE})
    changes += policy_changes(session, access, readers, found)
    given = {
        grant for grant in held(session, found.schemas) if grant.kind != "database" or found.owns_database
    }
    return changes + grant_changes(given, _wanted(access, readers, found))


def _own_changes(session: psycopg.Connection[Any], access: Access) -> list[Change]:
    """The statements of access.sql, if a different text was executed before."""
    template = next((name for name, role in access.roles.items() if role.rows == "source"), "")
    text = OWN.read_text(encoding="utf-8")
    text = text.replace("{append_only}", ", ".join(f"'{name}'" for name in APPEND_ONLY))
    text = text.replace("{supplier}", sql.Literal(template).as_string(session))
    mark = (
        f"Ответы поставщикам. / Answers to suppliers. Form {hashlib.sha256(text.encode()).hexdigest()[:16]}."
    )
    row = session.execute(
        "select obj_description(to_regnamespace(%s), 'pg_namespace')", [SUPPLIER]
    ).fetchone()
    if row is not None and row[0] == mark:
        return []
    return [
        Change("create", "supplier.*, ops.audit", "", "views, the record, triggers", sql.SQL(text)),
        change_of("comment", SUPPLIER, "", "", f"COMMENT ON SCHEMA {{}} IS {sql.quote(mark)}", SUPPLIER),
    ]


def _wanted(access: Access, readers: dict[str, Group], found: ServerState) -> set[Grant]:
    """Everything that should be granted in Gorod's schemas."""
    shown = {*open_tables(access, found.columns), *VISIBLE}
    whole = {table for table in shown if table in access.published and access.published[table].whole}
    secured = (PUBLISHED, REGION_LOAD) in found.relations
    wanted: set[Grant] = set()

    def give(kind: Any, schema: str, name: str, detail: str, grantee: str, *privileges: str) -> None:
        wanted.update(Grant(kind, schema, name, detail, grantee, privilege) for privilege in privileges)

    for name, group in readers.items():
        give("database", "", found.database, "", name, "CONNECT")
        if group.writes:
            give("database", "", found.database, "", name, "CREATE", "TEMPORARY")
        for schema in found.schemas:
            if group.writes:
                give("schema", schema, "", "", name, "USAGE", "CREATE")
                give("default", schema, "", found.user, name, *WRITE)
            elif group.may_enter(schema):
                give("schema", schema, "", "", name, "USAGE")
        for (schema, relation), kind in found.relations.items():
            if group.writes:
                only_added = schema == "ops" and relation in APPEND_ONLY
                rights = ("SELECT",) if kind in "vm" else ADD if only_added else WRITE
                give("table", schema, relation, "", name, *rights)
            elif group.may_read(schema, relation) and (
                schema != PUBLISHED or (relation in shown and (secured or relation in whole))
            ):
                give("table", schema, relation, "", name, "SELECT")
    if found.user not in readers:
        # the login that syncs access must not lock itself out when the privilege of PUBLIC to connect is revoked
        give("database", "", found.database, "", found.user, "CONNECT", "CREATE", "TEMPORARY")
    # an owner's own privileges are not counted
    return {
        grant
        for grant in wanted
        if not (grant.kind == "default" and grant.detail == grant.grantee)
        and not (grant.kind == "database" and (grant.grantee == found.owner or not found.owns_database))
    }


def require_server(server: Server | None) -> Server:
    """The server of the warehouse.

    Raises:
        GorodError: the warehouse is a DuckDB file, which has no roles.
    """
    if server is None:
        raise GorodError(
            "only a PostgreSQL server has access rights; this warehouse is a DuckDB file",
            "Each region has its own file in published/current/regions. On a server: GOROD_WAREHOUSE=postgresql://…",
        )
    return server
