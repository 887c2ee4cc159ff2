"""A server as ``assets/access.yml`` declares it: groups, logins, privileges, and which rows a region sees.

What a server is and what it should be are compared, and only the difference is carried out: a second time there is none.
Everything that is not declared is closed. Row security (https://www.postgresql.org/docs/current/ddl-rowsecurity.html)
tells rows apart by two tables beside the published ones, ``region_territory`` and ``region_load``, of which each region
sees its own rows: the rule stands there once, and the policies of all tables ask them.
"""

from __future__ import annotations

import getpass
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from pipelines.declarations.access import Access, Group, Rows, groups, in_names, load_access
from pipelines.declarations.sources import load_sources
from pipelines.declarations.territories import TERRITORIES, territory_rows
from pipelines.errors import GorodError, WarehouseError
from pipelines.warehouse.grants import Change, Grant, grant_changes, held
from pipelines.warehouse.postgres import take_turn
from pipelines.warehouse.server import Server

OWN = Path(__file__).with_name("access.sql")

PUBLISHED = "published"
SUPPLIER = "supplier"
SUPPLIER_VIEWS = ("load", "load_result", "quarantine")
REGION_TERRITORY, REGION_LOAD = "region_territory", "region_load"
OF_LOADS = (
    "load",
    "load_event",
    "load_result",
    "offer",
    "quarantine",
    "flagged_row",
    "refused_batch",
    "load_profile",
)
# views of access.sql in ops
AUDIT_VIEWS = ("audit", "audit_load")
APPEND_ONLY = (
    *OF_LOADS,
    "build",
    "build_begun",
    "index_build",
    "release",
    "embargoed_read",
    "removed_delivery",
    "audit_event",
)

WRITE = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")
ADD = ("SELECT", "INSERT")

# What every region sees of territories and loads. Its own loads are those that it delivered and those that its own
# observations and outlines come from; of the country's, those that the country's own come from.
VISIBLE = {
    REGION_TERRITORY: """
        select regions.ref_area as region, places.ref_area
        from {published}.pub_territory_v1 as regions
        inner join {published}.pub_territory_v1 as places
            on regions.ref_area in (places.ref_area, places.region) or places.ref_area = {country}
        where regions.level = 'region'""",
    REGION_LOAD: """
        select own.region, loads.load_id
        from {published}.region_territory as own
        inner join (
            select load_id, ref_area from {published}.pub_load_v1
            union select load_id, ref_area from {published}.pub_data_quality_v1
        ) as loads on own.ref_area = loads.ref_area
        where own.ref_area <> {country}
        union
        select own.region, observed.load_id
        from {published}.region_territory as own
        inner join (
            select load_id, ref_area from {published}.pub_observation_v1
            union select load_id, ref_area from {published}.pub_boundary_v1
        ) as observed on own.ref_area = observed.ref_area
        left join {published}.pub_load_v1 as loads on observed.load_id = loads.load_id
        where observed.load_id is not null and (own.ref_area <> {country} or loads.ref_area = {country})""",
}
VISIBLE_FROM = (
    "pub_territory_v1",
    "pub_load_v1",
    "pub_data_quality_v1",
    "pub_observation_v1",
    "pub_boundary_v1",
)
VISIBLE_COLUMNS = {REGION_TERRITORY: ("region", "ref_area"), REGION_LOAD: ("region", "load_id")}
VISIBLE_SAYS = {
    REGION_TERRITORY: "Which territories a region sees: its own and the country. Each region sees its own rows. / "
    "Территории, видимые области.",
    REGION_LOAD: "Which loads a region sees: those that feed it. Each region sees its own rows. / "
    "Загрузки, видимые области.",
}

# Columns that tell whose a row is: a table with one of them is never whole.
TELLING = {"ref_area", "load_id", "observed_ref_area", "reported_by", "region"}


@dataclass(frozen=True)
class _Policy:
    """A row policy as it should be."""

    table: str
    name: str
    command: str
    roles: tuple[str, ...]
    condition: str


@dataclass(frozen=True)
class _Found:
    """What a server is, as far as access asks."""

    roles: dict[str, dict[str, Any]]
    schemas: set[str]
    relations: dict[tuple[str, str], str]
    columns: dict[str, set[str]]
    database: str
    user: str
    owner: str
    owns_database: bool


def sync(server: Server, *, plan: bool = False) -> list[Change]:
    """Make a server as declared, in one transaction; what was changed, or with ``plan`` what would be.

    Raises:
        DeclarationError: ``assets/access.yml`` is wrong.
        WarehouseError: there is no warehouse yet, or the login lacks the right; nothing was changed.
        WarehouseBusyError: a published table is being read or written for longer than the server's ``busy_timeout_s``.
    """
    access = load_access()
    known = groups(access, _regions(), load_sources())
    with server.session("sets access") as session:
        take_turn(session)
        if session.execute("select to_regclass('ops.load')").fetchone() == (None,):
            raise WarehouseError(
                f"PostgreSQL {server.name} holds no warehouse yet", "Make it first: gorod warehouse init"
            )
        changes = [*_role_changes(session, access, known), *_changes(session, access, known, set(known))]
        if not plan:
            _carry_out(session, changes, server.name)
            if changes:
                record(session, "access changed", f"{len(changes)} changes", why=_summary(changes))
        else:
            session.rollback()
    return changes


def apply(session: psycopg.Connection[Any]) -> list[Change]:
    """After a publication, in its transaction: new tables get their privileges and policies, regions their rows.

    Does nothing on a server whose access was never set (``gorod access sync``). Groups and logins stay as they are.

    Raises:
        WarehouseError: the login lacks the right.
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
    """Enter who did what in ``ops.audit_event``, in the caller's transaction; nothing where access was never set."""
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
    """ISO codes of the regions, as the territories are declared."""
    rows = territory_rows(TERRITORIES)["territory_code"]
    return sorted(str(row["ref_area"]) for row in rows if row["level"] == "region")


def _carry_out(session: psycopg.Connection[Any], changes: Iterable[Change], where: str) -> None:
    for change in changes:
        try:
            session.execute(change.statement)
        except psycopg.errors.InsufficientPrivilege as error:
            raise WarehouseError(
                f"{where}: {change.action} {change.what}: {str(error).splitlines()[0]}",
                "Connect as the owner of Gorod's schemas; to make roles he needs CREATEROLE. Nothing was changed.",
            ) from error


# --- what there is -----------------------------------------------------------------------------------------------


def _find(session: psycopg.Connection[Any], schemas_of: Access) -> _Found:
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
    return _Found(roles, schemas, relations, columns, database, user, owner, owns)


# --- roles -------------------------------------------------------------------------------------------------------


def _role_changes(session: psycopg.Connection[Any], access: Access, known: dict[str, Group]) -> list[Change]:
    """Groups, logins, and who belongs to what."""
    found = _find(session, access)
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
        _change("take from group", group, login, "", "REVOKE {} FROM {}", group, login)
        for group, login in sorted(members - wanted)
    ]
    changes += [
        _change("put in group", group, login, "", "GRANT {} TO {}", group, login)
        for group, login in sorted(wanted - members)
    ]
    return changes


def _group_changes(name: str, role: dict[str, Any] | None) -> list[Change]:
    if role is None:
        return [_change("create group", name, name, "cannot log in", "CREATE ROLE {} NOLOGIN", name)]
    return _without_powers(name, role, {"rolcanlogin": "NOLOGIN"})


def _without_powers(name: str, role: dict[str, Any], more: dict[str, str]) -> list[Change]:
    """What a role of ours never has: a superuser passes every policy."""
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
            # only its verifier goes to the server and into its log
            verifier = session.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
            statement += sql.SQL(" PASSWORD {}").format(sql.Literal(verifier.decode()))
        changes.append(Change("create login", name, name, word, statement))
        role = {}
    else:
        changes += _without_powers(name, role, {})
        if not role["rolcanlogin"]:
            changes.append(_change("alter role", name, name, "LOGIN", "ALTER ROLE {} LOGIN", name))
    if role.get("rolconnlimit") != declared.connection_limit:
        form = f"ALTER ROLE {{}} CONNECTION LIMIT {declared.connection_limit}"
        changes.append(
            _change("alter role", name, name, f"connections: {declared.connection_limit}", form, name)
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


# --- privileges and rows -----------------------------------------------------------------------------------------


def _changes(
    session: psycopg.Connection[Any], access: Access, known: dict[str, Group], present: set[str]
) -> list[Change]:
    """What the database lacks: own tables, rows of the regions, policies, privileges; in an order that works.

    Policies come before privileges: a table is never open without its policy.
    """
    found = _find(session, access)
    readers = {name: group for name, group in known.items() if name in present}
    changes = _own_changes(session, access)
    found.schemas.add(SUPPLIER)
    found.relations.update({(SUPPLIER, name): "v" for name in SUPPLIER_VIEWS})
    found.relations.update({("ops", name): "v" for name in AUDIT_VIEWS})
    found.relations[("ops", "audit_event")] = "r"
    if all((PUBLISHED, table) in found.relations for table in VISIBLE_FROM):
        changes += _visible_changes(session, access, found)
        found.relations.update({(PUBLISHED, table): "r" for table in VISIBLE})
    changes += _policy_changes(session, access, readers, found)
    given = {
        grant for grant in held(session, found.schemas) if grant.kind != "database" or found.owns_database
    }
    return changes + grant_changes(given, _wanted(access, readers, found))


def _own_changes(session: psycopg.Connection[Any], access: Access) -> list[Change]:
    """The statements of access.sql, where another text was carried out before."""
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
        _change("comment", SUPPLIER, "", "", f"COMMENT ON SCHEMA {{}} IS {sql.quote(mark)}", SUPPLIER),
    ]


def _visible_changes(session: psycopg.Connection[Any], access: Access, found: _Found) -> list[Change]:
    """The tables that say what a region sees, and their rows."""
    changes = []
    for table, query in VISIBLE.items():
        columns = VISIBLE_COLUMNS[table]
        relation = sql.Identifier(PUBLISHED, table)
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        rows = sql.SQL(query).format(published=sql.Identifier(PUBLISHED), country=sql.Literal(access.country))
        exists = (PUBLISHED, table) in found.relations
        if not exists:
            defined = sql.SQL(", ").join(
                sql.SQL("{} varchar not null").format(sql.Identifier(c)) for c in columns
            )
            changes.append(
                Change(
                    "create",
                    f"{PUBLISHED}.{table}",
                    "",
                    "which rows a region sees",
                    sql.SQL("CREATE TABLE {} ({}, PRIMARY KEY ({})); COMMENT ON TABLE {} IS {}").format(
                        relation, defined, names, relation, sql.Literal(VISIBLE_SAYS[table])
                    ),
                )
            )
        fill = sql.SQL(
            "WITH wanted AS ({rows}), gone AS (DELETE FROM {table} AS shown WHERE ({shown}) NOT IN"
            " (SELECT {names} FROM wanted)) INSERT INTO {table} SELECT {names} FROM wanted ON CONFLICT DO NOTHING"
        ).format(
            rows=rows,
            table=relation,
            names=names,
            shown=sql.SQL(", ").join(sql.Identifier("shown", column) for column in columns),
        )
        if exists:
            differ = session.execute(
                sql.SQL(
                    "SELECT count(*) FROM (({rows}) EXCEPT (SELECT {names} FROM {table})"
                    " UNION ALL ((SELECT {names} FROM {table}) EXCEPT ({rows}))) AS differing"
                ).format(rows=rows, names=names, table=relation)
            ).fetchone()
            if differ is not None and not differ[0]:
                continue
        changes.append(Change("fill", f"{PUBLISHED}.{table}", "", "rows of each region", fill))
    return changes


def open_tables(access: Access, columns: dict[str, set[str]]) -> dict[str, Rows]:
    """The published tables that may be read, by the columns that they have; every other is closed.

    Closed are tables that are not declared, that lack a column which tells their rows apart, and such as are declared
    whole although a column tells whose a row is.
    """
    return {
        table: declared
        for table, declared in access.published.items()
        if table in columns
        and not (declared.whole and columns[table] & TELLING)
        and columns[table].issuperset((*declared.territory, *([declared.load] if declared.load else ())))
    }


def condition(rows: Rows) -> str:
    """What must hold of a row for a region to see it."""
    parts = [
        f"{column} in (select seen.ref_area from {PUBLISHED}.{REGION_TERRITORY} as seen)"
        for column in rows.territory
    ]
    if rows.load:
        known = f"{rows.load} in (select seen.load_id from {PUBLISHED}.{REGION_LOAD} as seen)"
        parts.append(f"({rows.load} is null or {known})" if rows.territory else known)
    return " and ".join(parts)


def _policies(access: Access, readers: dict[str, Group], found: _Found) -> list[_Policy]:
    entering = {name: one for name, one in sorted(readers.items()) if one.may_enter(PUBLISHED)}
    everything = tuple(name for name, one in entering.items() if one.rows == "all" and not one.writes)
    writers = tuple(sorted(name for name, one in readers.items() if one.writes))
    regional = {name: one.region for name, one in entering.items() if one.rows == "region"}
    policies = []
    divided = {
        table: condition(rows)
        for table, rows in open_tables(access, found.columns).items()
        if not rows.whole and (PUBLISHED, REGION_LOAD) in found.relations
    }
    for table in (*divided, *(t for t in VISIBLE if (PUBLISHED, t) in found.relations)):
        if everything:
            policies.append(_Policy(table, "all_rows", "SELECT", everything, "true"))
        if writers:
            policies.append(_Policy(table, "written_rows", "ALL", writers, "true"))
        if table in divided and regional:
            policies.append(_Policy(table, "rows_of_region", "SELECT", tuple(regional), divided[table]))
        elif table in VISIBLE:
            policies += [
                _Policy(table, f"rows_of_{in_names(region)}", "SELECT", (name,), f"region = '{region}'")
                for name, region in regional.items()
                if region is not None
            ]
    return policies


def _policy_changes(
    session: psycopg.Connection[Any], access: Access, readers: dict[str, Group], found: _Found
) -> list[Change]:
    """Row security on every published table whose rows are told apart, and nothing but the declared policies.

    PostgreSQL keeps a condition in a form of its own: a policy's comment holds a mark of what was declared and of what
    was kept, so that neither can change unseen.
    """
    wanted = {(policy.table, policy.name): policy for policy in _policies(access, readers, found)}
    present = {
        (table, name): rest
        for table, name, *rest in session.execute(
            "select c.relname, p.polname, p.polcmd::text, p.polpermissive,"
            " array(select pg_get_userbyid(r)::text from unnest(p.polroles) as r order by 1),"
            f" obj_description(p.oid, 'pg_policy'), {_kept('p')}"
            " from pg_policy as p join pg_class as c on p.polrelid = c.oid"
            " join pg_namespace as n on c.relnamespace = n.oid where n.nspname = %s",
            [PUBLISHED],
        )
    }
    secured = {
        table
        for (table,) in session.execute(
            "select c.relname from pg_class as c join pg_namespace as n on c.relnamespace = n.oid"
            " where n.nspname = %s and c.relrowsecurity",
            [PUBLISHED],
        )
    }
    changes = [
        _change(
            "secure rows",
            f"{PUBLISHED}.{table}",
            "",
            "",
            "ALTER TABLE {} ENABLE ROW LEVEL SECURITY",
            (PUBLISHED, table),
        )
        for table in sorted({table for table, _ in wanted} - secured)
    ]
    for (table, name), policy in wanted.items():
        declared = _mark(policy)
        given = present.get((table, name))
        command = "r" if policy.command == "SELECT" else "*"
        if given is not None and given == [
            command,
            True,
            list(policy.roles),
            f"{declared} {given[4]}",
            given[4],
        ]:
            continue
        changes.append(
            Change(
                "create policy" if given is None else "replace policy",
                f"{PUBLISHED}.{table}",
                policy.roles[0] if len(policy.roles) == 1 else f"{len(policy.roles)} groups",
                name,
                _create_policy(policy, declared),
            )
        )
    changes += [
        _change(
            "drop policy", f"{PUBLISHED}.{table}", "", name, "DROP POLICY {} ON {}", name, (PUBLISHED, table)
        )
        for table, name in sorted(present.keys() - wanted.keys())
    ]
    return changes


def _kept(policy: str) -> str:
    """A mark of a policy's conditions as PostgreSQL keeps them."""
    return (
        f"md5(coalesce(pg_get_expr({policy}.polqual, {policy}.polrelid), '')"
        f" || ' / ' || coalesce(pg_get_expr({policy}.polwithcheck, {policy}.polrelid), ''))"
    )


def _mark(policy: _Policy) -> str:
    return hashlib.md5(f"{policy.command} {policy.condition}".encode(), usedforsecurity=False).hexdigest()


def _create_policy(policy: _Policy, declared: str) -> sql.Composed:
    """Make a policy and note its mark, in one statement of PL/pgSQL: the mark is known only after it was made."""
    name, table = sql.Identifier(policy.name), sql.Identifier(PUBLISHED, policy.table)
    made = sql.SQL("CREATE POLICY {} ON {} FOR {} TO {} USING ({})").format(
        name,
        table,
        sql.SQL(policy.command),
        sql.SQL(", ").join(map(sql.Identifier, policy.roles)),
        sql.SQL(policy.condition),
    )
    where = f"{PUBLISHED}.{policy.table}"
    noted = sql.SQL(
        "DO $do$ BEGIN EXECUTE format({form}, (SELECT {declared} || ' ' || "
        + _kept("p")
        + " FROM pg_policy AS p"
        " WHERE p.polname = {name} AND p.polrelid = {where}::regclass)); END $do$"
    ).format(
        form=sql.Literal(f"COMMENT ON POLICY {policy.name} ON {where} IS %L"),
        declared=sql.Literal(declared),
        name=sql.Literal(policy.name),
        where=sql.Literal(where),
    )
    dropped = sql.SQL("DROP POLICY IF EXISTS {} ON {}").format(name, table)
    return sql.SQL("; ").join([dropped, made, noted])


def _wanted(access: Access, readers: dict[str, Group], found: _Found) -> set[Grant]:
    """All that should be granted in Gorod's schemas."""
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
        # whoever keeps the server as declared must not be shut out when everybody's right to connect is taken away
        give("database", "", found.database, "", found.user, "CONNECT", "CREATE", "TEMPORARY")
    # an owner's own privileges are not counted
    return {
        grant
        for grant in wanted
        if not (grant.kind == "default" and grant.detail == grant.grantee)
        and not (grant.kind == "database" and (grant.grantee == found.owner or not found.owns_database))
    }


def _change(
    action: str, what: str, role: str, detail: str, form: str, *names: str | tuple[str, ...]
) -> Change:
    """A change whose statement names roles or relations."""
    identifiers = [sql.Identifier(*([name] if isinstance(name, str) else name)) for name in names]
    return Change(action, what, role, detail, sql.SQL(form).format(*identifiers))


def require_server(server: Server | None) -> Server:
    """The server of the warehouse.

    Raises:
        GorodError: the warehouse is a DuckDB file, which has no roles.
    """
    if server is None:
        raise GorodError(
            "access is a matter of a PostgreSQL server; this warehouse is a DuckDB file",
            "Each region has a file of its own in published/current/regions. On a server: GOROD_WAREHOUSE=postgresql://…",
        )
    return server
