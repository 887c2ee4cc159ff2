"""Who sees which rows: row security of the open tables."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from pipelines.declarations.access import Access, Group, Rows, in_names
from pipelines.warehouse.access.found import PUBLISHED, ServerState, change_of
from pipelines.warehouse.grants import Change

REGION_TERRITORY, REGION_LOAD = "region_territory", "region_load"


# The territories and loads that each region sees. Its own loads are those that it delivered and those that its own
# observations and outlines come from; of the country's loads, those behind the country's own figures.
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


# Columns that identify the region of a row: a table with one of them is never whole.
TELLING = {"ref_area", "load_id", "observed_ref_area", "reported_by", "region"}


@dataclass(frozen=True)
class Policy:
    """A row policy as declared."""

    table: str
    name: str
    command: str
    roles: tuple[str, ...]
    condition: str


def visible_changes(session: psycopg.Connection[Any], access: Access, found: ServerState) -> list[Change]:
    """The tables that define what a region sees, and their rows."""
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
    """Return the published tables that may be read, by their columns; every other table is closed.

    A table is closed if it is not declared, if it lacks the column that identifies the region, or if it is declared
    whole although a column identifies the region.
    """
    return {
        table: declared
        for table, declared in access.published.items()
        if table in columns
        and not (declared.whole and columns[table] & TELLING)
        and columns[table].issuperset((*declared.territory, *([declared.load] if declared.load else ())))
    }


def condition(rows: Rows) -> str:
    """The condition on a row for a region to see it."""
    parts = [
        f"{column} in (select seen.ref_area from {PUBLISHED}.{REGION_TERRITORY} as seen)"
        for column in rows.territory
    ]
    if rows.load:
        known = f"{rows.load} in (select seen.load_id from {PUBLISHED}.{REGION_LOAD} as seen)"
        parts.append(f"({rows.load} is null or {known})" if rows.territory else known)
    return " and ".join(parts)


def _policies(access: Access, readers: dict[str, Group], found: ServerState) -> list[Policy]:
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
            policies.append(Policy(table, "all_rows", "SELECT", everything, "true"))
        if writers:
            policies.append(Policy(table, "written_rows", "ALL", writers, "true"))
        if table in divided and regional:
            policies.append(Policy(table, "rows_of_region", "SELECT", tuple(regional), divided[table]))
        elif table in VISIBLE:
            policies += [
                Policy(table, f"rows_of_{in_names(region)}", "SELECT", (name,), f"region = '{region}'")
                for name, region in regional.items()
                if region is not None
            ]
    return policies


def policy_changes(
    session: psycopg.Connection[Any], access: Access, readers: dict[str, Group], found: ServerState
) -> list[Change]:
    """Row security on every published table whose rows belong to regions, with only the declared policies.

    PostgreSQL stores a condition in its own form: a policy's comment holds a hash of what was declared and of what
    was stored, so that a change of either is detected.
    """
    wanted = {(policy.table, policy.name): policy for policy in _policies(access, readers, found)}
    present = {
        (table, name): rest
        for table, name, *rest in session.execute(
            "select c.relname, p.polname, p.polcmd::text, p.polpermissive,"
            " array(select pg_get_userbyid(r)::text from unnest(p.polroles) as r order by 1),"
            f" obj_description(p.oid, 'pg_policy'), {is_kept('p')}"
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
        change_of(
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
        declared = policy_mark(policy)
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
        change_of(
            "drop policy", f"{PUBLISHED}.{table}", "", name, "DROP POLICY {} ON {}", name, (PUBLISHED, table)
        )
        for table, name in sorted(present.keys() - wanted.keys())
    ]
    return changes


def is_kept(policy: str) -> str:
    """A mark of a policy's conditions as PostgreSQL stores them."""
    return (
        f"md5(coalesce(pg_get_expr({policy}.polqual, {policy}.polrelid), '')"
        f" || ' / ' || coalesce(pg_get_expr({policy}.polwithcheck, {policy}.polrelid), ''))"
    )


def policy_mark(policy: Policy) -> str:
    return hashlib.md5(f"{policy.command} {policy.condition}".encode(), usedforsecurity=False).hexdigest()


def _create_policy(policy: Policy, declared: str) -> sql.Composed:
    """Create a policy and record its mark in one PL/pgSQL statement: the mark is known only after it is created."""
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
        + is_kept("p")
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
