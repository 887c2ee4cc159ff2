"""Roles, logins and their attributes, as assets/access.yml declares them."""

from __future__ import annotations

import os
from typing import Any

import psycopg
from psycopg import sql

from pipelines.declarations.access import Access, Group
from pipelines.warehouse.access.found import change_of, find_state
from pipelines.warehouse.grants import Change


def role_changes(session: psycopg.Connection[Any], access: Access, known: dict[str, Group]) -> list[Change]:
    """Groups, logins, and who belongs to what."""
    found = find_state(session, access)
    changes = [change for name in known for change in _group_changes(name, found.roles.get(name))]
    for name in access.logins:
        changes += _login_changes(session, name, access, known, found.roles.get(name))
    wanted = {(group, login) for login, declared in access.logins.items() for group in declared.groups}
    members = {
        (group, member)
        for group, member in session.execute(
            "select g.rolname, m.rolname from pg_auth_members as a join pg_roles as g on a.roleid = g.oid"
            " join pg_roles as m on a.member = m.oid where g.rolname = any(%s) and m.rolname <> current_user",
            [list(known)],
        )
    }
    changes += [
        change_of("take from group", group, login, "", "REVOKE {} FROM {}", group, login)
        for group, login in sorted(members - wanted)
    ]
    changes += [
        change_of("put in group", group, login, "", "GRANT {} TO {}", group, login)
        for group, login in sorted(wanted - members)
    ]
    return changes


def _group_changes(name: str, role: dict[str, Any] | None) -> list[Change]:
    if role is None:
        return [change_of("create group", name, name, "cannot log in", "CREATE ROLE {} NOLOGIN", name)]
    return _without_powers(name, role, {"rolcanlogin": "NOLOGIN"})


def _without_powers(name: str, role: dict[str, Any], more: dict[str, str]) -> list[Change]:
    """Attributes that Gorod's roles never have: a superuser bypasses every policy."""
    powers = {
        **more,
        "rolsuper": "NOSUPERUSER",
        "rolbypassrls": "NOBYPASSRLS",
        "rolcreaterole": "NOCREATEROLE",
        "rolcreatedb": "NOCREATEDB",
        "rolreplication": "NOREPLICATION",
    }
    return [
        Change("alter role", name, name, word, sql.SQL("ALTER ROLE {} " + word).format(sql.Identifier(name)))
        for power, word in powers.items()
        if role[power]
    ]


def _login_changes(
    session: psycopg.Connection[Any],
    name: str,
    access: Access,
    known: dict[str, Group],
    role: dict[str, Any] | None,
) -> list[Change]:
    declared = access.logins[name]
    changes = []
    if role is None:
        password = os.environ.get(f"GOROD_PASSWORD_{name.upper()}")
        word = "with the password of the environment" if password else "without a password"
        statement = sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name))
        if password:
            # only the verifier is sent to the server and written to its log
            verifier = session.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
            statement += sql.SQL(" PASSWORD {}").format(sql.Literal(verifier.decode()))
        changes.append(Change("create login", name, name, word, statement))
        role = {}
    else:
        changes += _without_powers(name, role, {})
        if not role["rolcanlogin"]:
            changes.append(change_of("alter role", name, name, "LOGIN", "ALTER ROLE {} LOGIN", name))
    if role.get("rolconnlimit") != declared.connection_limit:
        form = f"ALTER ROLE {{}} CONNECTION LIMIT {declared.connection_limit}"
        changes.append(
            change_of("alter role", name, name, f"connections: {declared.connection_limit}", form, name)
        )
    settings = {
        "statement_timeout": declared.statement_timeout,
        "idle_in_transaction_session_timeout": "10min",
        "default_transaction_read_only": "on",
    }
    if any(known[group].writes for group in declared.groups):
        settings.pop("default_transaction_read_only")
    present = set(role.get("rolconfig") or ())
    changes += [
        Change(
            "alter role",
            name,
            name,
            f"{setting} = {value}",
            sql.SQL("ALTER ROLE {} SET {} = {}").format(
                sql.Identifier(name), sql.Identifier(setting), sql.Literal(value)
            ),
        )
        for setting, value in settings.items()
        if f"{setting}={value}" not in present
    ]
    return changes
