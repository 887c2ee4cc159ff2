"""What the guide of a server says to PostgreSQL, said to one."""

from __future__ import annotations

import re
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.publishing.server import publish_on_server
from pipelines.settings import PROJECT
from pipelines.warehouse.check import check_warehouse
from pipelines.warehouse.postgres import PostgresWarehouse
from sandbox import postgres
from tests.postgres.test_parity import dbt
from tests.postgres.test_publication import ABOUT

GUIDE = (PROJECT / "docs" / "deployment.md").read_text(encoding="utf-8")
WATCHING = re.findall(r"```sql\n(.*?)```", GUIDE, flags=re.DOTALL)
CONF = (PROJECT / "deploy" / "postgresql" / "gorod.conf").read_text(encoding="utf-8")


def test_the_settings_are_those_of_a_server(session: psycopg.Connection[Any]) -> None:
    kinds = dict(session.execute("select lower(name), vartype from pg_settings").fetchall())
    given = dict(re.findall(r"^(\w+) = (.+)$", CONF, flags=re.MULTILINE))
    assert len(given) > 20
    assert [name for name in given if name not in kinds] == []
    assert [
        name for name, value in given.items() if kinds[name] == "bool" and value not in ("on", "off")
    ] == []


def test_there_is_something_to_watch() -> None:
    assert len(WATCHING) >= 6


@pytest.mark.parametrize("query", WATCHING, ids=lambda query: query.split("from ")[1].split()[0])
def test_a_query_of_the_guide_answers(
    query: str, warehouse: PostgresWarehouse, session: psycopg.Connection[Any]
) -> None:
    session.execute("create schema published_next")
    publish_on_server(warehouse.server, ABOUT)
    with psycopg.connect(warehouse.server.dsn) as other:
        # somebody's transaction of an hour, as far as an own clock can make one
        other.execute("select 1")
        rows = session.execute(query.replace("'1 hour'", "'0 seconds'")).fetchall()
    assert rows


def test_the_password_of_the_environment_opens_the_server_to_gorod_and_to_dbt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="gorod-password-"))
    try:
        with postgres.running(folder, port=port, loopback=True, durable=False) as instance:
            with psycopg.connect(instance.dsn("postgres"), autocommit=True) as session:
                session.execute("create role gorod login password 'only for tests'")
            postgres.create_database(instance.dsn("postgres"), "gorod", "gorod")
            address = f"postgresql://gorod@127.0.0.1:{port}/gorod"
            for password, opens in (("only for tests", True), ("another", False)):
                monkeypatch.setenv("PGPASSWORD", password)
                found = dbt(address, tmp_path, "debug", "--connection")
                assert (found.returncode == 0) is opens, found.stdout
                assert password not in found.stdout
            monkeypatch.setenv("PGPASSWORD", "only for tests")
            PostgresWarehouse(address).prepare()
            assert check_warehouse(PostgresWarehouse(address)).findings == []
    finally:
        shutil.rmtree(folder, ignore_errors=True)
