"""On PostgreSQL, too, a build of what depends on the changed feeds ends where one from scratch does."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from pipelines.catalogue.definition import definitions_hash
from pipelines.publishing.rebuild import plan_rebuild
from pipelines.publishing.staleness import staleness
from pipelines.warehouse.copy import copy_warehouse
from pipelines.warehouse.duckdb import DuckDBWarehouse
from pipelines.warehouse.postgres import PostgresWarehouse
from pipelines.warehouse.server import Server
from tests.support import forked
from tests.support import small_warehouse as helper
from tests.support.small_warehouse import SmallWarehouse

# what is kept of loads that are not in force any more, and in which build it was computed
OF_FORMER_LOADS = ("int_observations_by_load", "int_load_scope")


def enter(dsn: str, records: dict[str, list[dict[str, Any]]]) -> None:
    """Add rows to the tables of the server, as a load does."""
    with psycopg.connect(dsn) as session:
        for table, rows in records.items():
            for row in rows:
                session.execute(
                    sql.SQL("insert into {} ({}) values ({})").format(
                        sql.Identifier(*table.split(".")),
                        sql.SQL(", ").join(map(sql.Identifier, row)),
                        sql.SQL(", ").join([sql.Placeholder()] * len(row)),
                    ),
                    list(row.values()),
                )


def contents(dsn: str) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of all that is built, by table; views too."""
    with psycopg.connect(dsn) as session:
        names = [
            name
            for (name,) in session.execute(
                "select table_schema || '.' || table_name from information_schema.tables where table_schema in"
                " ('intermediate', 'marts', 'published_next', 'history') and table_name <> all(%s) order by 1",
                [list(OF_FORMER_LOADS)],
            ).fetchall()
        ]
        return {
            name: sorted(
                session.execute(sql.SQL("select * from {}").format(sql.Identifier(*name.split(".")))),
                key=repr,
            )
            for name in names
        }


# the short form: dbt/test_rebuild.py on a file, and test_vintages.py, which builds upon a build here
@pytest.mark.long
def test_what_was_left_out_is_as_from_scratch(built_small: SmallWarehouse, dsn: str, tmp_path: Path) -> None:
    small = built_small.copy(tmp_path / "small")
    warehouse = PostgresWarehouse(dsn)
    copy_warehouse(DuckDBWarehouse(small.path), warehouse)
    environment = {
        **os.environ,
        **Server(dsn).environment,
        "GOROD_DBT_TARGET": "postgres",
        "GOROD_DEFINITIONS_HASH": definitions_hash(),
        "DBT_TARGET_PATH": str(tmp_path / "target"),
        "DBT_LOG_PATH": str(tmp_path / "logs"),
    }
    command = ("build", "--exclude-resource-type", "unit_test")
    done = forked.dbt(environment, tmp_path, *command)
    assert done.returncode == 0, done.stdout[-3000:]
    assert staleness(warehouse) is None

    requests = "appeals_115.requests"
    enter(dsn, small._enter(requests, "2019-04", helper.requests(["6", "20"], "2019-04"), instance="brest"))
    enter(dsn, small._enter(requests, "2019-07", helper.requests(["6"] * 4, "2019-07"), instance="minsk"))
    wages = helper.cells([("Брестская область", "2016", 999)])
    enter(dsn, small._enter("belstat.wages", "2010-2019", wages, instance="by"))

    manifest = json.loads((tmp_path / "target" / "manifest.json").read_bytes())
    plan = plan_rebuild(warehouse, lambda: manifest)
    assert plan is not None
    assert plan.feeds == ("appeals_115__requests", "belstat__wages")
    assert len(plan.left_out) > 60
    done = forked.dbt(environment | plan.environment, tmp_path, *command, *plan.selection)
    assert done.returncode == 0, done.stdout[-3000:]
    assert staleness(warehouse) is None
    followed = contents(dsn)
    assert len(followed) > 80

    done = forked.dbt(environment, tmp_path, "run", "--full-refresh")
    assert done.returncode == 0, done.stdout[-3000:]
    anew = contents(dsn)
    assert followed.keys() == anew.keys()
    for table in anew:
        assert followed[table] == anew[table], table
