"""From an older schema version of the ledger to the newest: step by step, whole or not at all, on both engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import WarehouseError
from pipelines.warehouse import migrations
from pipelines.warehouse.base import Warehouse
from pipelines.warehouse.duckdb import DuckDBWarehouse
from pipelines.warehouse.postgres import PostgresWarehouse
from tests.postgres.conftest import databases, server  # noqa: F401 - fixtures


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
