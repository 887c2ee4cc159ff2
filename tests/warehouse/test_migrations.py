"""From an older schema version of the ledger to the newest: step by step, whole or not at all, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from pipelines.errors import WarehouseError
from pipelines.warehouse import migrations
from pipelines.warehouse.base import Warehouse
from pipelines.warehouse.copy import copy_warehouse
from pipelines.warehouse.duckdb import DuckDBWarehouse
from pipelines.warehouse.postgres import PostgresWarehouse

FORMS = Path(__file__).with_name("forms")


@pytest.fixture(params=["duckdb", "postgres"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    """A warehouse of the newest schema version that there really is."""
    found: Warehouse
    if request.param == "duckdb":
        found = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    else:
        found = PostgresWarehouse(request.getfixturevalue("databases").new())
    found.prepare()
    return found


@pytest.fixture
def ahead(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Gorod whose ledger has two forms more than the warehouse."""
    assert versions(warehouse) == [migrations.SCHEMA_VERSION]
    folder = tmp_path / "migrations"
    folder.mkdir()
    steps = {
        migrations.SCHEMA_VERSION + 1: "alter table ops.load_event add column seen_by varchar;",
        migrations.SCHEMA_VERSION
        + 2: "create table ops.told (load_id varchar not null); insert into ops.told values ('first');",
    }
    for version, text in steps.items():
        (folder / f"{version:04}_step.sql").write_text(text, encoding="utf-8")
    monkeypatch.setattr(migrations, "MIGRATIONS", folder)
    monkeypatch.setattr(migrations, "SCHEMA_VERSION", migrations.SCHEMA_VERSION + 2)
    return folder


HISTORY = """
    create schema vintages;
    create table vintages.known_indicator_value (indicator varchar, made varchar, vintage_id varchar, known_to timestamp);
    insert into vintages.known_indicator_value values ('a', 'own', 'x', null), ('b', 'rolled_up', 'y', now()::timestamp);
    create schema marts;
    create view marts.mart_revised as select indicator from vintages.known_indicator_value;
"""


@pytest.fixture(params=["duckdb", "postgres"])
def first_version(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Warehouse, Callable[[str], None]]:
    """A warehouse of version 1, and what runs a script in it."""
    text = (FORMS / "0001.sql").read_text(encoding="utf-8") + migrations.RECORD.format(1) + ";"
    if request.param == "duckdb":
        path = tmp_path / "older.duckdb"

        def run(script: str) -> None:
            with duckdb.connect(str(path)) as connection:
                connection.execute(script)

        run(text)
        return DuckDBWarehouse(path), run
    dsn = request.getfixturevalue("databases").new()

    def run_there(script: str) -> None:
        with psycopg.connect(dsn) as session:
            session.execute(script)  # type: ignore[call-overload]

    run_there(text + "create index offer_load on ops.offer (load_id);")
    return PostgresWarehouse(dsn), run_there


def test_what_was_known_and_where_it_was_found_come_over_to_the_second_version(
    first_version: tuple[Warehouse, Callable[[str], None]],
) -> None:
    warehouse, run = first_version
    run(
        HISTORY
        + "insert into ops.offer values ('load-1', 'inbox:a.csv', null, timestamp '2026-01-01 00:00:00')"
    )
    assert [step.version for step in warehouse.migrate()] == [2]
    known = "select indicator, derivation, history_id, known_to is null as is_open from history.known_indicator_value"
    assert warehouse.query(known + " order by 1") == [
        {"indicator": "a", "derivation": "own", "history_id": "x", "is_open": True},
        {"indicator": "b", "derivation": "rolled_up", "history_id": "y", "is_open": False},
    ]
    assert warehouse.query("select load_id, origin from ops.candidate") == [
        {"load_id": "load-1", "origin": "inbox:a.csv"}
    ]
    left = "select 1 as one from information_schema.tables where table_schema = 'vintages' or table_name = 'offer'"
    assert warehouse.query(left) == []
    warehouse.prepare()


def test_a_warehouse_that_dbt_never_built_in_comes_to_the_second_version_too(
    first_version: tuple[Warehouse, Callable[[str], None]],
) -> None:
    warehouse, _ = first_version
    assert [step.version for step in warehouse.migrate()] == [2]
    schemas = "select 1 as one from information_schema.schemata where schema_name in ('history', 'vintages')"
    assert warehouse.query(schemas) == []


def test_an_older_warehouse_is_not_copied_without_what_was_known(
    first_version: tuple[Warehouse, Callable[[str], None]], tmp_path: Path
) -> None:
    """Its history is in a schema that a copy does not look for."""
    warehouse, run = first_version
    run(HISTORY)
    with pytest.raises(WarehouseError, match="another version"):
        copy_warehouse(warehouse, DuckDBWarehouse(tmp_path / "copy.duckdb"))


def versions(warehouse: Warehouse) -> list[int]:
    return [row["version"] for row in warehouse.query("select version from ops.version order by 1")]


def columns(warehouse: Warehouse, table: str) -> list[Any]:
    return [
        row["column_name"]
        for row in warehouse.query(
            "select column_name from duckdb_columns() where schema_name = 'ops' and table_name = ?"
            " and database_name = current_database() order by column_index",
            [table],
        )
    ]


def test_a_new_warehouse_has_the_newest_form_and_nothing_to_migrate(warehouse: Warehouse) -> None:
    assert versions(warehouse) == [migrations.SCHEMA_VERSION]
    assert warehouse.migrate() == []
    assert versions(warehouse) == [migrations.SCHEMA_VERSION]


@pytest.mark.usefixtures("ahead")
def test_an_older_one_is_left_alone_until_it_is_migrated(warehouse: Warehouse) -> None:
    old = versions(warehouse)
    with pytest.raises(WarehouseError, match="another version") as caught:
        warehouse.prepare()
    assert "gorod warehouse migrate" in caught.value.remedy
    assert [step.version for step in warehouse.migrate()] == [
        migrations.SCHEMA_VERSION - 1,
        migrations.SCHEMA_VERSION,
    ]
    assert versions(warehouse) == [*old, migrations.SCHEMA_VERSION - 1, migrations.SCHEMA_VERSION]
    assert columns(warehouse, "load_event")[-1] == "seen_by"
    assert warehouse.query("select load_id from ops.told") == [{"load_id": "first"}]
    warehouse.prepare()
    assert warehouse.migrate() == []


def test_a_step_that_fails_leaves_nothing_of_itself(warehouse: Warehouse, ahead: Path) -> None:
    second = sorted(ahead.iterdir())[1]
    text = second.read_text(encoding="utf-8")
    second.write_text(text + " select no_such_column from ops.told;", encoding="utf-8")
    with pytest.raises(Exception, match="no_such_column"):
        warehouse.migrate()
    assert migrations.SCHEMA_VERSION not in versions(warehouse)
    assert columns(warehouse, "told") == []
    second.write_text(text, encoding="utf-8")
    assert warehouse.migrate()[-1].version == migrations.SCHEMA_VERSION
    assert warehouse.query("select load_id from ops.told") == [{"load_id": "first"}]
