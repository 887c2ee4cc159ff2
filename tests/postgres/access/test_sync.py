"""``gorod access sync``: what is not as declared is told, mended, and told no more."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.declarations.access import Access, Login, Rows, groups, load_access
from pipelines.declarations.read_yaml import read_yaml
from pipelines.errors import DeclarationError, WarehouseError
from pipelines.publishing.server import publish_on_server
from pipelines.settings import PROJECT, get_settings
from pipelines.warehouse.access import policies
from pipelines.warehouse.access import sync as access
from pipelines.warehouse.postgres import PostgresWarehouse
from pipelines.warehouse.server import Server
from sandbox.postgres import create_database
from tests.postgres.access.conftest import PASSWORD, Served, about

VALUES = "published.pub_indicator_value_v1"
slow = pytest.mark.slow


@slow
def test_the_second_time_there_is_nothing_to_change(served: Served) -> None:
    assert access.sync(served.server) == []


DRIFT = {
    "a right given to everybody": "grant select on raw.belstat__wages to public",
    "a right given to a login": f"grant update on {VALUES} to test_brest",
    "a right on one column": f"grant select (obs_value) on {VALUES} to test_appeals",
    "a schema opened": "grant usage on schema marts to gorod_ministry",
    "a right for tables to come": "alter default privileges in schema raw grant select on tables to gorod_analyst",
    "a right taken away": f"revoke select on {VALUES} from gorod_ministry",
    "a policy dropped": f"drop policy rows_of_region on {VALUES}",
    "a policy widened": f"alter policy rows_of_region on {VALUES} using (true)",
    "a policy for more groups": f"alter policy all_rows on {VALUES} to public",
    "a policy added": f"create policy more on {VALUES} using (true)",
    "row security switched off": f"alter table {VALUES} disable row level security",
    "a group that passes policies": "alter role gorod_analyst_by_br bypassrls",
    "a login that makes roles": "alter role test_brest createrole",
    "a login in another group": "grant gorod_analyst to test_brest",
    "a login taken out of its group": "revoke gorod_analyst_by_br from test_brest",
    "a region given another's territory": "insert into published.region_territory values ('BY-BR', 'BY-HM')",
    "temporary objects for everybody": "grant temporary on database {database} to public",
    "a function for everybody": "grant execute on function ops.refuse_change() to public",
}  # fmt: skip


@slow
@pytest.mark.parametrize("name", DRIFT)
def test_what_is_not_as_declared_is_told_and_mended(served: Served, name: str) -> None:
    statement = DRIFT[name].replace("{database}", served.server.parameters["dbname"])
    served.owner.execute(statement)
    planned = access.sync(served.server, plan=True)
    assert planned
    assert access.sync(served.server, plan=True) == planned, "a plan changes nothing"
    assert access.sync(served.server) == planned
    assert access.sync(served.server, plan=True) == []


@slow
def test_a_table_that_is_not_declared_is_closed(served: Served) -> None:
    served.owner.execute(
        "create table published.pub_new_v1 (ref_area varchar); insert into published.pub_new_v1 values ('BY-HM')"
    )
    served.owner.execute("create view published.everything as select * from published.pub_indicator_value_v1")
    try:
        access.sync(served.server)
        for login in ("test_brest", "test_country", "test_ministry"):
            for relation in ("pub_new_v1", "everything"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    served.rows(login, f"select 1 from published.{relation}")
    finally:
        served.owner.execute("drop view published.everything; drop table published.pub_new_v1")
        access.sync(served.server)


@slow
def test_a_new_mart_is_open_to_its_region_and_closed_to_others(served: Served) -> None:
    """From the publication that shows it: nobody has to keep the server as declared in between."""
    for schema in ("mart_by_br", "mart_by_hm"):
        served.owner.execute(f"create table published_next.{schema}__more as select 7 as a")
    try:
        publish_on_server(served.server, about(2))
        assert served.rows("test_brest", "select a from mart_by_br.more") == [(7,)]
        assert served.rows("test_country", "select a from mart_by_hm.more") == [(7,)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            served.rows("test_brest", "select 1 from mart_by_hm.more")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            served.rows("test_brest", "select 1 from published_next.mart_by_br__more")
    finally:
        for schema in ("mart_by_br", "mart_by_hm"):
            served.owner.execute(f"drop table published_next.{schema}__more; drop table {schema}.more")


@slow
def test_a_publication_keeps_the_rules_of_tables_made_anew(served: Served) -> None:
    """A table whose columns change is dropped and made again, with neither policy nor privilege of its own."""
    built = "published_next.pub_indicator_value_v1"
    served.owner.execute(f"alter table {built} add column more integer")
    try:
        publish_on_server(served.server, about(2))
        others = f"select count(*) from {VALUES} where ref_area = 'BY-HM'"
        assert served.rows("test_brest", others) == [(0,)] != served.rows("test_country", others)
        assert served.rows("test_brest", f"select count(*) from {VALUES} where ref_area = 'BY-BR'") != [(0,)]
        assert served.rows("test_audit", "select subject from ops.audit where event = 'published'")[-1] == (
            "publication-2",
        )
    finally:
        served.owner.execute(f"alter table {built} drop column more")
        publish_on_server(served.server, about(3))
    assert access.sync(served.server, plan=True) == []


@slow
def test_a_new_load_is_seen_by_the_region_that_it_feeds(served: Served) -> None:
    """Which loads a region sees follows the rows of the same publication."""
    query = "select 1 from published.pub_load_v1 where load_id = 'load-015'"
    served.owner.execute(
        "create table kept as select * from published_next.pub_observation_v1;"
        " update published_next.pub_observation_v1 set ref_area = 'BY-HM' where load_id = 'load-009';"
        " update published_next.pub_load_v1 set ref_area = 'c-minsk' where load_id = 'load-015';"
        " update published_next.pub_data_quality_v1 set ref_area = 'c-minsk' where load_id = 'load-015';"
        " update published_next.pub_observation_v1 set ref_area = 'BY-HM' where load_id = 'load-015'"
    )
    try:
        assert served.rows("test_brest", query)
        publish_on_server(served.server, about(4))
        assert not served.rows("test_brest", query)
        assert served.rows("test_minsk", query)
    finally:
        served.owner.execute(
            "truncate published_next.pub_observation_v1; insert into published_next.pub_observation_v1 select * from kept;"
            " drop table kept;"
            " update published_next.pub_load_v1 set ref_area = 'c-brest' where load_id = 'load-015';"
            " update published_next.pub_data_quality_v1 set ref_area = 'c-brest' where load_id = 'load-015'"
        )
        publish_on_server(served.server, about(5))
    assert served.rows("test_brest", query)


@slow
def test_the_command_plans_changes_and_says_when_there_is_nothing(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOROD_WAREHOUSE", served.server.dsn)
    get_settings.cache_clear()
    served.owner.execute("grant usage on schema marts to gorod_ministry")
    change = {"action": "revoke", "what": "schema marts", "role": "gorod_ministry", "detail": "USAGE"}
    try:
        planned = CliRunner().invoke(app, ["access", "sync", "--plan", "--json"])
        assert json.loads(planned.stdout) == {"changed": False, "changes": [change]}
        done = CliRunner().invoke(app, ["access", "sync", "--json"])
        assert json.loads(done.stdout) == {"changed": True, "changes": [change]}
        again = CliRunner().invoke(app, ["access", "sync"])
        assert again.stdout == "The server is as declared: nothing to change.\n"
    finally:
        get_settings.cache_clear()


def test_a_file_has_no_roles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOROD_WAREHOUSE", f"{tmp_path}/warehouse.duckdb")
    get_settings.cache_clear()
    try:
        done = CliRunner().invoke(app, ["access", "sync"])
    finally:
        get_settings.cache_clear()
    assert done.exit_code == 1
    assert "DuckDB" in done.output


def test_an_owner_without_superuser_sets_access_of_his_own_database(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The login of Gorod owns its database and may make roles; more it does not need."""
    mine = load_access()
    roles = {name.replace("gorod_", "mine_"): role for name, role in mine.roles.items()}
    logins = {"mine_brest": Login(groups=("mine_analyst_by_br",))}
    monkeypatch.setattr(
        access, "load_access", lambda: mine.model_copy(update={"roles": roles, "logins": logins})
    )
    with psycopg.connect(server, autocommit=True) as superuser:
        superuser.execute("create role mine login createrole password 'only-for-tests'")
        create_database(server, "mine", "mine")
        own = Server(make_conninfo(server, user="mine", password=PASSWORD, dbname="mine"), busy_timeout_s=2)
        try:
            PostgresWarehouse(own.dsn).prepare()
            assert access.sync(own)
            assert access.sync(own) == []
            brest = make_conninfo(own.dsn, user="mine_brest")
            superuser.execute(f"alter role mine_brest password '{PASSWORD}'")
            with psycopg.connect(brest) as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute("select 1 from ops.load")
            PostgresWarehouse(own.dsn).prepare()
        finally:
            superuser.execute("drop database mine with (force)")
            for (role,) in superuser.execute(
                "select rolname from pg_roles where rolname = 'mine' or starts_with(rolname, 'mine_')"
                " order by rolname desc"
            ).fetchall():
                superuser.execute(f"drop role {role}")


def test_a_server_without_a_warehouse(dsn: str) -> None:
    with pytest.raises(WarehouseError, match="gorod warehouse init"):
        access.sync(Server(dsn, busy_timeout_s=2))


# --- the declaration -----------------------------------------------------------------------------------------------


def test_every_contract_is_declared() -> None:
    """A contract that is not is closed on a server: say in assets/access.yml how its rows are told apart."""
    models = {path.stem for path in (PROJECT / "dbt" / "models" / "published").glob("*.sql")}
    assert models - load_access().published.keys() == set()


@pytest.mark.parametrize("column", sorted(policies.TELLING))
def test_a_table_that_tells_whose_its_rows_are_is_never_whole(column: str) -> None:
    declared = load_access().model_copy(update={"published": {"pub_x_v1": Rows(whole=True)}})
    assert policies.open_tables(declared, {"pub_x_v1": {"name_ru"}}).keys() == {"pub_x_v1"}
    assert policies.open_tables(declared, {"pub_x_v1": {"name_ru", column}}) == {}


def test_a_table_without_the_declared_column_is_closed() -> None:
    declared = load_access().model_copy(
        update={"published": {"pub_x_v1": Rows(territory=("ref_area",), load="load_id")}}
    )
    assert policies.open_tables(declared, {"pub_x_v1": {"ref_area", "load_id"}}).keys() == {"pub_x_v1"}
    assert policies.open_tables(declared, {"pub_x_v1": {"ref_area"}}) == {}


def _declared(tmp_path: Path, text: str) -> Access:
    path = tmp_path / "access.yml"
    path.write_text(f"country: BY\nclosed: [raw]\npublished: {{}}\n{text}", encoding="utf-8")
    return read_yaml(path, Access)


TITLE = "title: {ru: а, be: а, en: a}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"roles: {{Gorod: {{{TITLE}}}}}", "lower-case Latin letters"),
        (f"roles: {{pg_x: {{{TITLE}}}}}", "not begin with pg_"),
        (f"roles: {{a: {{{TITLE}, rows: region}}}}", "region"),
        (f"roles: {{'a_{{region}}': {{{TITLE}}}}}", "region"),
        (f"roles: {{a: {{{TITLE}, reads: ['mart_{{region}}.*']}}}}", "not in the name"),
        (f"roles: {{a: {{{TITLE}, reads: [published]}}}}", "schema.table"),
        (f"roles: {{a: {{{TITLE}}}}}\nlogins: {{a: {{groups: [a]}}}}", "the name of a group"),
        (f"roles: {{a: {{{TITLE}}}}}\nlogins: {{b: {{groups: [a], statement_timeout: soon}}}}", "statement_timeout"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_declaration_is_told(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        _declared(tmp_path, text)


def test_a_login_in_a_group_that_there_is_not(tmp_path: Path) -> None:
    declared = _declared(tmp_path, f"roles: {{a: {{{TITLE}}}}}\nlogins: {{b: {{groups: [c]}}}}")
    with pytest.raises(
        DeclarationError, match=r"logins\.b\.groups\.0: group 'c' is not declared; there are: a"
    ):
        groups(declared, [], [])


def test_a_name_that_postgresql_would_cut(tmp_path: Path) -> None:
    declared = _declared(tmp_path, f"roles: {{'a_{{source}}': {{{TITLE}, rows: source}}}}")
    assert groups(declared, [], ["x" * 61]).keys() == {"a_" + "x" * 61}
    with pytest.raises(DeclarationError, match="64 letters"):
        groups(declared, [], ["x" * 62])
