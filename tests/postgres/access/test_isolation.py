"""What a login of Brest region can learn of other regions: nothing, by whatever way.

Each attack is tried twice: as it is, where it must fail, and after the protection that stands against it was taken away,
where it must succeed: else the attack would be a wrong one and its failure would say nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from pipelines.declarations.access import load_access
from tests.postgres.access.conftest import Served

pytestmark = pytest.mark.slow

VALUES = "published.pub_indicator_value_v1"
NO_ROW_SECURITY = f"alter table {VALUES} disable row level security"
OWN = "(select ref_area from published.pub_territory_v1 where 'BY-BR' in (ref_area, region))"

# Table, and what is true of rows that are another region's business.
OTHERS = {
    "pub_boundary_v1": f"ref_area <> 'BY' and ref_area not in {OWN}",
    "pub_correction_v1": f"ref_area <> 'BY' and ref_area not in {OWN}",
    "pub_data_quality_v1": "instance = 'minsk'",
    "pub_framework_coverage_v1": f"ref_area <> 'BY' and ref_area not in {OWN}",
    "pub_held_back_v1": f"ref_area <> 'BY' and ref_area not in {OWN}",
    "pub_index_value_v1": f"ref_area <> 'BY' and ref_area not in {OWN}",
    "pub_indicator_value_history_v1": f"ref_area <> 'BY' and ref_area not in {OWN}",
    "pub_indicator_value_today_v1": f"ref_area <> 'BY' and ref_area not in {OWN}",
    "pub_indicator_value_v1": f"ref_area <> 'BY' and ref_area not in {OWN}",
    "pub_indicator_wide_v1": f"ref_area <> 'BY' and ref_area not in {OWN}",
    "pub_load_v1": "instance = 'minsk'",
    "pub_observation_v1": f"ref_area <> 'BY' and ref_area not in {OWN}",
    "pub_peer_v1": f"ref_area <> 'BY' and ref_area not in {OWN}",
    "pub_plausibility_v1": f"ref_area <> 'BY' and ref_area not in {OWN}",
    "pub_profile_v1": f"ref_area <> 'BY' and ref_area not in {OWN}",
    "pub_progress_v1": f"ref_area <> 'BY' and ref_area not in {OWN}",
    "pub_reporting_v1": f"ref_area <> 'BY' and ref_area not in {OWN}",
    "pub_supplier_scorecard_v1": f"ref_area <> 'BY' and ref_area not in {OWN}",
    "pub_target_v1": f"ref_area <> 'BY' and ref_area not in {OWN}",
    "pub_territory_v1": "ref_area <> 'BY' and coalesce(region, '') <> 'BY-BR'",
    "pub_trace_v1": "'c-minsk' in (reported_by, observed_ref_area)",
    "region_load": "region <> 'BY-BR'",
    "region_territory": "region <> 'BY-BR'",
}

# Table, and what is true of rows that are a region's own business; `whole` tables are everybody's.
MINE = f"ref_area in {OWN}"
OWNS = {
    **dict.fromkeys(OTHERS, MINE),
    **{table: "true" for table, rows in load_access().published.items() if rows.whole},
    "pub_trace_v1": f"{MINE} and reported_by in {OWN} and observed_ref_area in {OWN}",
    "region_load": "region = 'BY-BR'",
    "region_territory": "region = 'BY-BR'",
}
PUT_IN = {
    "pub_correction_v1": "update published.pub_correction_v1 set ref_area = '{area}'",
    "pub_plausibility_v1": "update published.pub_plausibility_v1 set ref_area = '{area}'",
    "pub_progress_v1": "update published.pub_progress_v1 set ref_area = '{area}'",
    "pub_target_v1": "update published.pub_target_v1 set ref_area = '{area}'",
    "pub_index_value_v1": "update published.pub_index_value_v1 set ref_area = '{area}'",
    "pub_held_back_v1": "insert into published.pub_held_back_v1 (measure, indicator, ref_area, freq, time_period,"
    " breakdown, rule, says_ru, says_be, says_en, loads, synthetic)"
    " values ('', '', '{area}', 'A', '2019', '_T', 'hierarchy', '', '', '', '', true)",
    "pub_indicator_value_today_v1": "insert into published.pub_indicator_value_today_v1 (indicator, ref_area, freq,"
    " time_period, breakdown, obs_status, unit_measure, decimals, method_version, made_of, synthetic)"
    " values ('population', '{area}', 'A', '2019', '_T', 'A', 'PS', 0, '1.0', '', true)",
}

CLOSED = (
    "raw.appeals_115__requests",
    "ops.load",
    "ops.load_event",
    "ops.load_state",
    "ops.effective_load",
    "ops.audit",
    "ops.audit_load",
    "ops.audit_event",
    "ops.build",
    "ops.release",
    "ops.embargoed_read",
    "catalogue.instance",
    "staging.stg_appeals_115__requests",
    "intermediate.int_observations",
    "marts.mart_indicator_value",
    "marts.mart_region_indicator_value",
    "marts.mart_data_quality",
    "published_next.pub_indicator_value_v1",
    "mart_by.indicator_value",
    "mart_by_hm.indicator_value",
    "mart_by_mi.indicator_value",
)


@dataclass(frozen=True)
class Attack:
    """A way to another region's figures. ``learns`` says whether an answer holds one."""

    query: str
    opened_by: tuple[str, ...]
    learns: Callable[[list[tuple[Any, ...]]], bool] = bool


ATTACKS = {
    "a subquery": Attack(
        f"select (select count(*) from {VALUES} where ref_area = 'BY-HM') as n",
        (NO_ROW_SECURITY,),
        lambda rows: rows[0][0] > 0,
    ),
    "a join with a table that names all": Attack(
        f"select * from published.pub_indicator_v1 join {VALUES} using (indicator) where ref_area = 'c-minsk'",
        (NO_ROW_SECURITY,),
    ),
    "an aggregate": Attack(
        f"select max(obs_value) from {VALUES} where ref_area = 'BY-HM'",
        (NO_ROW_SECURITY,),
        lambda rows: rows[0][0] is not None,
    ),
    "a window": Attack(
        f"select r from (select lead(ref_area) over (order by ref_area) as r from {VALUES}) as t where r = 'BY-HM'",
        (NO_ROW_SECURITY,),
    ),
    "a sample": Attack(
        f"select 1 from {VALUES} tablesample system (100) where ref_area = 'BY-HM'", (NO_ROW_SECURITY,)
    ),
    "a function that runs a query": Attack(
        f"select 1 from ts_stat('select to_tsvector(''simple'', ref_area) from {VALUES}') where word = 'by-hm'",
        (NO_ROW_SECURITY,),
    ),
    "the rows of a physical page": Attack(
        f"select 1 from {VALUES} where ctid >= '(0,0)'::tid and ref_area = 'BY-HM'", (NO_ROW_SECURITY,)
    ),
    "statistics": Attack(
        "select 1 from pg_stats where schemaname = 'published' and tablename = 'pub_indicator_value_v1'"
        " and attname = 'ref_area' and most_common_vals::text like '%BY-HM%'",
        (NO_ROW_SECURITY,),
    ),
    "statistics of another region's schema": Attack(
        "select 1 from pg_stats where schemaname in ('mart_by_hm', 'mart_by', 'raw', 'intermediate')",
        (
            "grant usage on schema mart_by to test_brest",
            "grant select on mart_by.indicator_value to test_brest",
        ),
    ),
    "statistics of the closed ledger": Attack(
        "select 1 from pg_stats where schemaname = 'ops'",
        ("grant usage on schema ops to test_brest", "grant select on ops.load to test_brest"),
    ),
    "values of sequences": Attack(
        "select last_value from pg_sequences where schemaname = 'ops' and last_value is not null",
        (
            "grant usage on schema ops to test_brest",
            "grant select on sequence ops.audit_event_event_no_seq to test_brest",
        ),
    ),
    "how the country's total was made": Attack(
        "select 1 from published.pub_trace_v1 where ref_area = 'BY' and reported_by = 'c-minsk'",
        ("alter table published.pub_trace_v1 disable row level security",),
    ),
    "an answer to a supplier": Attack(
        "select 1 from supplier.load",
        (
            "grant usage on schema supplier to test_brest",
            "grant select on supplier.load to test_brest",
            "grant gorod_supplier_belstat to test_brest",
        ),
    ),
}


def leaks(session: psycopg.Connection[Any], attack: Attack) -> bool:
    """Whether an attack learns something; a refusal is none."""
    try:
        return attack.learns(session.execute(attack.query).fetchall())
    except psycopg.errors.InsufficientPrivilege:
        return False


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_fails(served: Served, name: str) -> None:
    with served.session("test_brest") as session:
        assert not leaks(session, ATTACKS[name])


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_would_succeed_without_the_protection(served: Served, name: str) -> None:
    with served.opened("test_brest", *ATTACKS[name].opened_by) as session:
        assert leaks(session, ATTACKS[name])


@pytest.mark.parametrize("table", OTHERS)
def test_rows_of_others_are_not_there(served: Served, table: str) -> None:
    assert served.rows("test_brest", f"select 1 from published.{table} where {OTHERS[table]}") == []


@pytest.mark.parametrize("table", OTHERS)
def test_rows_of_others_would_be_there(served: Served, table: str) -> None:
    """The small warehouse has a row of others in each table; where it has none, one is put in."""
    query = f"select 1 from published.{table} where {OTHERS[table]}"
    change = "select 1" if served.all_rows(query) else PUT_IN[table].format(area="BY-HM")
    with served.opened("test_brest", change) as session:
        assert session.execute(query).fetchall() == []
    with served.opened(
        "test_brest", f"alter table published.{table} disable row level security", change
    ) as session:
        assert session.execute(query).fetchall()


def test_every_divided_table_is_attacked(served: Served) -> None:
    secured = served.all_rows(
        "select relname from pg_class where relnamespace = 'published'::regnamespace and relrowsecurity"
    )
    assert {name for (name,) in secured} == OTHERS.keys()


@pytest.mark.parametrize("relation", CLOSED)
def test_closed_is_refused(served: Served, relation: str) -> None:
    schema = relation.split(".")[0]
    query = f"select 1 from {relation} limit 1"
    with served.session("test_brest") as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute(query)
    opening = (f"grant usage on schema {schema} to test_brest", f"grant select on {relation} to test_brest")
    with served.opened("test_brest", *opening) as session:
        session.execute(query)


def test_copy_gives_own_rows_and_no_others(served: Served) -> None:
    for what in (VALUES, f"(select * from {VALUES})"):
        with served.session("test_brest") as session, session.cursor().copy(f"copy {what} to stdout") as copy:
            text = b"".join(copy).decode()
        assert "BY-BR" in text
        assert "BY-HM" not in text
        with (
            served.opened("test_brest", NO_ROW_SECURITY) as session,
            session.cursor().copy(f"copy {what} to stdout") as copy,
        ):
            assert "BY-HM" in b"".join(copy).decode()


def test_explain_analyze_finds_no_row_of_others(served: Served) -> None:
    query = f"explain (analyze, timing off, summary off, format json) select obs_value from {VALUES} where ref_area = 'BY-HM'"
    plan = served.rows("test_brest", query)[0][0][0]["Plan"]
    assert plan["Actual Rows"] == 0
    with served.opened("test_brest", NO_ROW_SECURITY) as session:
        assert session.execute(query).fetchall()[0][0][0]["Plan"]["Actual Rows"] > 0


@pytest.mark.parametrize(
    "trick",
    [
        f"select 1 from {VALUES} where case when ref_area like 'BY-HM' then ref_area::integer = 1 else false end",
        f"select 1 from {VALUES} where 1 / (case ref_area when 'BY-HM' then 0 else 1 end) = 2",
        f"select sum(case ref_area when 'BY-HM' then (ref_area || obs_status)::numeric else 0 end) from {VALUES}",
        f"select 1 from {VALUES} where ref_area = 'BY-HM' and (indicator || obs_value)::date is null",
    ],
)
def test_no_error_tells_of_rows_that_are_not_seen(served: Served, trick: str) -> None:
    served.rows("test_brest", trick)
    with served.opened("test_brest", NO_ROW_SECURITY) as session, pytest.raises(psycopg.DataError):
        session.execute(trick)


PEEK = """
create function pg_temp.peek(varchar, numeric) returns boolean language plpgsql cost 0.0000001 as
$$ begin raise notice 'seen: % %', $1, $2; return true; end $$
"""


def test_no_function_of_ones_own_can_be_made(served: Served) -> None:
    with served.session("test_brest") as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute(PEEK)
    with served.opened(
        "test_brest", f"grant temporary on database {served.server.parameters['dbname']} to test_brest"
    ) as session:
        session.execute(PEEK)


def test_a_cheap_function_of_ones_own_would_see_own_rows_only(served: Served) -> None:
    """Even where somebody lets a login make temporary objects."""
    temporary = f"grant temporary on database {served.server.parameters['dbname']} to test_brest"
    look = f"select 1 from {VALUES} where pg_temp.peek(ref_area, obs_value)"
    served.notices.clear()
    with served.opened("test_brest", temporary) as session:
        session.execute(PEEK)
        session.execute(look)
    assert any("BY-BR" in notice for notice in served.notices)
    assert not [notice for notice in served.notices if "BY-HM" in notice or "c-minsk" in notice]
    with served.opened("test_brest", temporary, NO_ROW_SECURITY) as session:
        session.execute(PEEK)
        session.execute(look)
    assert [notice for notice in served.notices if "BY-HM" in notice]


@pytest.mark.parametrize(
    "statement",
    [
        "set role gorod_analyst_by_hm",
        "set role gorod_analyst",
        "set role gorod_loader",
        "set session authorization test_minsk",
        "select pg_read_file('postgresql.conf')",
        "select pg_ls_dir('.')",
        "select pg_read_binary_file('PG_VERSION')",
        "select lo_import('/etc/hostname')",
        "select * from pg_largeobject",
        "select * from pg_statistic",
        "select * from pg_authid",
        "select * from pg_statistic_ext_data",
        "select pg_terminate_backend(pid) from pg_stat_activity where usename <> current_user and usename is not null",
        "select * from pg_ls_logdir()",
        f"copy {VALUES} to '/dev/null'",
        f"copy {VALUES} to program 'cat'",
        "copy (select 1) to program 'cat'",
        "create schema theirs",
        "create table published.theirs (a integer)",
        "create table public.theirs (a integer)",
        "create function public.peek() returns integer language sql as 'select 1'",
        f"create view public.theirs as select * from {VALUES}",
        f"update {VALUES} set obs_value = 0",
        f"delete from {VALUES}",
        f"insert into {VALUES} select * from {VALUES}",
        f"truncate {VALUES}",
        f"begin; lock table {VALUES} in access exclusive mode",
        "insert into published.region_territory values ('BY-BR', 'BY-HM')",
        "insert into published.region_load select 'BY-BR', load_id from published.pub_load_v1",
        "update published.region_territory set region = 'BY-HM'",
        f"alter table {VALUES} disable row level security",
        f"drop policy rows_of_region on {VALUES}",
        f"create policy mine on {VALUES} using (true)",
        f"create index on {VALUES} (ref_area)",
        f"create statistics published.s on ref_area, indicator from {VALUES}",
        "alter role test_brest bypassrls",
        "alter role test_brest superuser",
        "grant gorod_analyst to test_brest",
        "create role theirs",
        "alter default privileges for role gorod_loader grant select on tables to test_brest",
        "create extension vector",
        "do $$ begin perform pg_read_file('PG_VERSION'); end $$",
        "create event trigger t on ddl_command_end execute function ops.refuse_change()",
        "create publication p for all tables",
        "select * from pg_create_logical_replication_slot('s', 'test_decoding')",
    ],
)  # fmt: skip
def test_refused(served: Served, statement: str) -> None:
    with served.session("test_brest") as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute(statement)


def test_row_security_cannot_be_switched_off(served: Served) -> None:
    with served.session("test_brest") as session:
        session.execute("set row_security = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            session.execute(f"select 1 from {VALUES}")


def test_no_large_object_is_readable(served: Served) -> None:
    with (
        served.opened("test_brest", "select lo_from_bytea(4711, 'secret')") as session,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        session.execute("select lo_get(4711)")


def test_no_function_runs_with_the_rights_of_another(served: Served) -> None:
    """Nor is there an extension that could reach out, such as dblink."""
    assert (
        served.all_rows(
            "select p.oid::regprocedure::text from pg_proc as p join pg_namespace as n on p.pronamespace = n.oid"
            " where p.prosecdef and n.nspname not in ('pg_catalog', 'information_schema')"
        )
        == []
    )
    assert served.all_rows("select extname from pg_extension") == [("plpgsql",)]


NAMES = """
select description from pg_description
union all select description from pg_shdescription
union all select nspname from pg_namespace
union all select relname from pg_class
union all select attname from pg_attribute
union all select polname || coalesce(pg_get_expr(polqual, polrelid), '') from pg_policy
union all select conname || pg_get_constraintdef(oid) from pg_constraint
union all select pg_get_viewdef(oid) from pg_class where relkind = 'v'
union all select prosrc from pg_proc
union all select rolname from pg_roles
union all select setting from pg_settings
union all select application_name from pg_stat_activity
union all select query from pg_stat_activity where usename <> current_user
"""


def told_by_the_catalogue(session: psycopg.Connection[Any], names: set[str]) -> set[str]:
    texts = [text for (text,) in session.execute(NAMES).fetchall() if text]
    return {name for name in names if any(name in text for text in texts)}


def test_the_catalogue_names_no_load_of_others(served: Served) -> None:
    """PostgreSQL shows everybody the names of schemas, tables and columns, and all comments: none may name a load."""
    hidden = served.all_rows(
        "select load_id from ops.load where load_id not in"
        " (select load_id from published.region_load where region = 'BY-BR')"
    )
    files = served.all_rows("select distinct sha256 from ops.load")
    names = {name for (name,) in [*hidden, *files]}
    assert "load-009" in names
    with served.session("test_brest") as session:
        assert told_by_the_catalogue(session, names) == set()
    with served.opened(
        "test_brest", "comment on table raw.appeals_115__requests is 'from load-009'"
    ) as session:
        assert told_by_the_catalogue(session, names) == {"load-009"}


# --- and what is theirs they do see --------------------------------------------------------------------------------


@pytest.mark.parametrize("table", sorted({*OTHERS} - {"pub_load_v1", "pub_data_quality_v1", "pub_trace_v1"}))
def test_own_rows_and_the_country_are_all_there(served: Served, table: str) -> None:
    own = "region = 'BY-BR'" if table.startswith("region_") else f"(ref_area = 'BY' or ref_area in {OWN})"
    if table == "pub_observation_v1":
        own += " and (load_id is null or load_id in (select load_id from published.region_load where region = 'BY-BR'))"
    query = f"select t::text from published.{table} as t where {own} order by 1"
    wanted = served.all_rows(query)
    assert served.rows("test_brest", f"select t::text from published.{table} as t order by 1") == wanted


@pytest.mark.parametrize("table", OWNS)
def test_own_rows_are_there_all_of_them(served: Served, table: str) -> None:
    """Where the small warehouse has no row of Brest, one is put in."""
    query = f"select count(*) from published.{table} where {OWNS[table]}"
    (there,) = served.all_rows(query)
    change = "select 1" if there[0] else PUT_IN[table].format(area="BY-BR")
    with served.opened(
        "test_country", f"alter table published.{table} disable row level security", change
    ) as session:
        (there,) = session.execute(query).fetchall()
    with served.opened("test_brest", change) as session:
        assert session.execute(query).fetchall() == [there]
    assert there[0] > 0


def test_every_published_table_is_asked_for_own_rows(served: Served) -> None:
    published = served.all_rows(
        "select relname from pg_class where relnamespace = 'published'::regnamespace"
        " and relkind in ('r', 'p', 'v', 'm')"
    )
    assert {name for (name,) in published} == OWNS.keys()


def test_own_loads_and_those_that_feed_the_region(served: Served) -> None:
    loads = served.rows("test_brest", "select load_id, instance from published.pub_load_v1 order by 1")
    own = served.all_rows(
        "select load_id, instance from published.pub_load_v1 where instance = 'brest' or load_id in"
        f" (select load_id from published.pub_observation_v1 where ref_area = 'BY' or ref_area in {OWN}"
        f" union select load_id from published.pub_boundary_v1 where ref_area in {OWN}) order by 1"
    )
    assert {instance for _, instance in loads} >= {"brest", "by"}
    assert set(loads) <= set(own)
    assert {("load-015", "brest"), ("load-016", "brest"), ("load-008", "brest")} <= set(loads)


def test_no_total_of_the_country_is_lost(served: Served) -> None:
    query = f"select t::text from {VALUES} as t where ref_area = 'BY' order by 1"
    assert served.rows("test_brest", query) == served.all_rows(query) != []


def test_the_regions_own_schema(served: Served) -> None:
    query = "select count(*) from mart_by_br.indicator_value"
    assert served.rows("test_brest", query) == served.all_rows(query)


def test_two_regions_see_both(served: Served) -> None:
    regions = served.rows(
        "test_two",
        "select distinct ref_area from published.pub_territory_v1 where level = 'region' order by 1",
    )
    assert regions == [("BY-BR",), ("BY-MI",)]


@pytest.mark.parametrize("login", ["test_country", "test_ministry", "test_loader"])
def test_the_country_sees_all_rows(served: Served, login: str) -> None:
    for table in OTHERS:
        query = f"select count(*) from published.{table}"
        assert served.rows(login, query) == served.all_rows(query)


def test_who_reads_which_schema(served: Served) -> None:
    schemas = ("mart_by", "mart_by_br", "ops", "raw", "marts", "supplier", "published_next", "published")
    entered = {
        login: {
            schema
            for schema in schemas
            if served.rows(login, f"select has_schema_privilege('{schema}', 'usage')") == [(True,)]
        }
        for login in (
            "test_country",
            "test_brest",
            "test_minsk",
            "test_ministry",
            "test_appeals",
            "test_audit",
        )
    }
    assert entered == {
        "test_country": {"mart_by", "mart_by_br", "published"},
        "test_brest": {"mart_by_br", "published"},
        "test_minsk": {"published"},
        "test_ministry": {"published"},
        "test_appeals": {"supplier"},
        "test_audit": {"ops"},
    }


# --- suppliers, audit ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", ["load", "load_result", "quarantine"])
def test_a_supplier_reads_answers_to_his_own_source(served: Served, view: str) -> None:
    for login, source in (("test_appeals", "appeals_115"), ("test_belstat", "belstat")):
        loads = {load for (load,) in served.rows(login, f"select load_id from supplier.{view}")}
        own = {load for (load,) in served.all_rows(f"select load_id from ops.load where source = '{source}'")}
        all_of = {load for (load,) in served.all_rows(f"select load_id from ops.{view}")}
        assert loads == own & all_of != set()


def test_a_supplier_is_told_nothing_by_errors(served: Served) -> None:
    trick = "select 1 from supplier.quarantine where case when record like '%belstat%' then record::integer = 1 else false end"
    assert served.rows("test_appeals", trick) == []
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        served.rows("test_belstat", trick)


@pytest.mark.parametrize("relation", ["ops.load", "ops.quarantine", "raw.belstat__wages", VALUES])
def test_a_supplier_reads_nothing_else(served: Served, relation: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        served.rows("test_appeals", f"select 1 from {relation}")


def test_audit_reads_who_did_what(served: Served) -> None:
    events = {event for (event,) in served.rows("test_audit", "select distinct event from ops.audit")}
    assert events >= {"accepted", "built", "access changed"}
    assert served.rows("test_audit", "select 1 from ops.audit_load where state = 'accepted' limit 1")
    # of a load under embargo its number of rows is a figure
    for relation in (
        "ops.load_state",
        "ops.load",
        "ops.quarantine",
        "ops.audit_event",
        VALUES,
        "raw.belstat__wages",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            served.rows("test_audit", f"select 1 from {relation}")


@pytest.mark.parametrize(
    ("event", "entered"),
    [
        ("waived", "ops.load_event values ('load-001', 9, 'waived', now(), 'Анна', 'p', '2030-01-01')"),
        ("replayed", "ops.load_event values ('load-001', 9, 'replayed', now(), 'Анна', 'p', null)"),
        (
            "released",
            "ops.release values ('r', 'r', '2025', now(), now(), now(), 'Анна', 'p', null, 'c', 'm', 'i')",
        ),
        ("embargoed figures read", "ops.embargoed_read values (now(), 'wages', now(), 'Анна', 'p')"),
    ],
)
def test_what_the_loader_enters_the_audit_reads(served: Served, event: str, entered: str) -> None:
    with served.opened("test_loader", "select 1") as session:
        session.execute(f"insert into {entered}")
        session.execute("reset session authorization")
        session.execute("set local session authorization test_audit")
        assert session.execute(
            "select by_whom, why from ops.audit where event = %s and by_whom = 'Анна'", [event]
        ).fetchall() == [("Анна", "p")]
        session.rollback()


def test_a_delivery_that_left_landing_is_in_the_audit(served: Served) -> None:
    with served.opened("test_loader", "select 1") as session:
        session.execute("insert into ops.removed_delivery values ('appeals_115.requests.minsk.x', now(), 90)")
        session.execute("reset session authorization")
        session.execute("set local session authorization test_audit")
        told = session.execute(
            "select event, why from ops.audit where subject = 'appeals_115.requests.minsk.x'"
        ).fetchall()
        assert told == [("delivery removed", "its 90 days in landing were over")]
        session.rollback()


def test_what_was_begun_and_did_not_end_is_in_the_audit(served: Served) -> None:
    with served.opened("test_loader", "select 1") as session:
        for number, build in ((901, "killed"), (902, "copied")):
            session.execute("insert into ops.build_begun values (%s, %s, now(), true, 0)", [number, build])
        session.execute("reset session authorization")
        session.execute("set local session authorization test_audit")
        told = session.execute(
            "select event, subject from ops.audit where subject in ('killed', 'copied') order by 1"
        ).fetchall()
        assert told == [("build begun", "killed"), ("copied", "copied")]
        session.rollback()


@pytest.mark.parametrize(
    ("table", "column"),
    [
        *(
            (table, "load_id")
            for table in ("load", "load_event", "load_result", "quarantine", "candidate", "flagged_row")
        ),
        *((table, "invocation_id") for table in ("build", "build_begun", "index_build")),
        ("release", "release_id"),
        *(("embargoed_read", "what"), ("removed_delivery", "delivery_id"), ("audit_event", "event")),
    ],
)
@pytest.mark.parametrize("login", ["postgres", "test_loader"])
def test_the_ledger_is_only_added_to(served: Served, table: str, column: str, login: str) -> None:
    row = {
        "candidate": "insert into ops.candidate values ('load-001', 'x', null, now())",
        "flagged_row": "insert into ops.flagged_row values ('load-001', 1, 'x')",
        "build_begun": "insert into ops.build_begun values (900, 'i', now(), true, 0)",
        "index_build": "insert into ops.index_build values ('i', now(), 1)",
        "release": "insert into ops.release values ('r', 'r', '2025', now(), now(), now(), 'x', 'p', null, 'c', 'm', 'i')",
        "embargoed_read": "insert into ops.embargoed_read values (now(), 'wages', now(), 'x', 'p')",
        "removed_delivery": "insert into ops.removed_delivery values ('d', now(), 1)",
    }.get(table, "select 1")
    for statement in (
        f"update ops.{table} set {column} = 'x'",
        f"delete from ops.{table}",
        f"truncate ops.{table}",
    ):
        with served.opened(login, row) as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(statement)
