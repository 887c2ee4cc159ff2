"""Moving a warehouse to a server and back: nothing is lost, nothing changes, a damaged one is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from pipelines.catalogue.definition import definitions_hash
from pipelines.errors import GorodError, WarehouseError
from pipelines.publishing.publication import current_publication
from pipelines.publishing.sound_build import require_sound_build
from pipelines.publishing.staleness import stale_since
from pipelines.warehouse import copy as moving
from pipelines.warehouse.base import Warehouse
from pipelines.warehouse.check import check_warehouse
from pipelines.warehouse.copy import copy_warehouse
from pipelines.warehouse.duckdb import DuckDBWarehouse
from pipelines.warehouse.postgres import PostgresWarehouse
from tests.pipeline.conftest import built, copy_country, gorod  # noqa: F401
from tests.support import small_warehouse as small
from tests.support.databases import Databases


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> DuckDBWarehouse:
    made = small.SmallWarehouse(tmp_path_factory.mktemp("filled"))
    small.fill(made)
    return DuckDBWarehouse(made.path)


def rows(warehouse: Warehouse) -> dict[str, list[Any]]:
    """Every row that Gorod keeps, by table."""
    with warehouse.connection(read_only=True) as connection:
        (database,) = connection.execute("select current_database()").fetchall()[0]
        return {
            f"{schema}.{table}": sorted(
                connection.execute(f'select * from {schema}."{table}"').fetchall(), key=repr
            )
            for schema, table in moving._tables(connection, database)
        }


def test_there_and_back_is_the_same(filled: DuckDBWarehouse, dsn: str, tmp_path: Path) -> None:
    server, back = PostgresWarehouse(dsn), DuckDBWarehouse(tmp_path / "back.duckdb")
    there = copy_warehouse(filled, server)
    again = copy_warehouse(server, back)
    assert there == again
    assert sum(one.rows for one in there) > 500
    assert rows(filled) == rows(server) == rows(back)
    for warehouse in (filled, server, back):
        checked = check_warehouse(warehouse)
        # the small warehouse enters the rows of a refused load too, to see that no model reads them
        assert {finding.what for finding in checked.findings} <= {"rows"}
        assert len(checked.findings) == 1


def test_what_was_loaded_through_the_gate_is_whole_and_goes_on(portal: Any, databases: Databases) -> None:
    portal.take("2024-01", [*portal.rows("2024-01", 44), portal.row(45, "2024-01", category="6,30")])
    portal.take("2024-02", portal.rows("2023-12", 40))
    assert check_warehouse(portal.warehouse).findings == []
    other = PostgresWarehouse(databases.new())
    copy_warehouse(portal.warehouse, other)
    assert check_warehouse(other).findings == []
    portal.warehouse = other
    assert portal.candidates() == []
    assert portal.take("2024-03", portal.rows("2024-03", 5)).new
    assert [row["load_no"] for row in other.query("select load_no from ops.load order by 1")] == [1, 2, 3]


def test_a_warehouse_that_holds_loads_is_not_copied_over(filled: DuckDBWarehouse, dsn: str) -> None:
    server = PostgresWarehouse(dsn)
    copy_warehouse(filled, server)
    before = rows(server)
    with pytest.raises(GorodError, match="already holds"):
        copy_warehouse(filled, server)
    assert rows(server) == before


def test_a_table_that_arrives_otherwise_undoes_the_whole_copy(
    filled: DuckDBWarehouse, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = PostgresWarehouse(dsn)
    checksum = moving._checksum

    def damaged(connection: Any, table: str, names: str) -> tuple[int, str]:
        count, found = checksum(connection, table, names)
        return (
            (count - 1, found)
            if table.endswith('"raw"."belstat__wages"') and "copied" not in table
            else (count, found)
        )

    monkeypatch.setattr(moving, "_checksum", damaged)
    with pytest.raises(WarehouseError, match="belstat__wages"):
        copy_warehouse(filled, server)
    assert server.query("select count(*) as n from ops.load") == [{"n": 0}]


@pytest.mark.parametrize("engine", ["postgres", "duckdb"])
def test_a_copy_of_what_is_built_is_not_built(
    engine: str, portal: Any, databases: Databases, tmp_path: Path
) -> None:
    """Builds come over, for releases of the past ask for them; the marts that they made do not."""
    source = portal.warehouse
    portal.take("2024-01", portal.rows("2024-01", 5))
    with source.connection() as connection:
        # by a clock that goes before that of the target
        connection.execute(
            "insert into ops.build select 'there', now() + interval 1 hour, true, true, ?, count(load_id)"
            " from ops.deciding_event",
            [definitions_hash()],
        )
    assert stale_since(source) is None
    target: Warehouse = (
        DuckDBWarehouse(tmp_path / "target.duckdb")
        if engine == "duckdb"
        else PostgresWarehouse(databases.new())
    )
    copy_warehouse(source, target)
    assert stale_since(target) is not None
    with duckdb.connect() as connection, pytest.raises(GorodError, match="was copied") as told:
        require_sound_build(connection, target.attach(connection))
    assert "gorod run" in str(told.value.remedy)
    # a copy of the copy says it once
    again = DuckDBWarehouse(tmp_path / "again.duckdb")
    copy_warehouse(target, again)
    assert [
        build["invocation_id"] for build in again.query("select * from ops.build_state order by build_no")
    ] == [
        "there",
        "copied",
    ]


@pytest.mark.slow
def test_a_run_on_the_copy_builds_and_publishes_the_same(
    built: Path,  # noqa: F811
    databases: Databases,
    tmp_path: Path,
) -> None:
    """By one hash over data, types and comments of all that is published; of all samples in test_parity.py."""
    here = copy_country(built, tmp_path)
    first = current_publication(here)
    assert first is not None
    before = DuckDBWarehouse(Path(here.warehouse))
    there = databases.new()
    copy_warehouse(before, PostgresWarehouse(there))
    done = gorod(tmp_path / "home", "run", "--source", "appeals_115", "--json", GOROD_WAREHOUSE=there)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert json.loads(done.stdout)["built"]
    shown = "select * from published.pub_indicator_value_v1 order by all"
    assert PostgresWarehouse(there).query(shown) == before.query(shown) != []
    second = current_publication(here)
    assert second is not None
    assert (second.content_hash, second.row_counts) == (first.content_hash, first.row_counts)
    with psycopg.connect(there) as session:
        assert session.execute("select content_hash from published.publication").fetchall() == [
            (first.content_hash,)
        ]
    again = gorod(tmp_path / "home", "run", "--source", "appeals_115", "--json", GOROD_WAREHOUSE=there)
    assert not json.loads(again.stdout)["built"]


def test_the_check_finds_what_is_not_whole(portal: Any, session: psycopg.Connection[Any]) -> None:
    load = portal.take("2024-01", portal.rows("2024-01", 5))
    session.execute("delete from raw.appeals_115__requests where row_no = 2")
    session.execute("insert into raw.appeals_115__requests (load_id, row_no) values ('nobody', 1)")
    session.execute("insert into ops.quarantine values ('nobody either', 1, '[]', '{}')")
    found = {(one.what, one.where) for one in check_warehouse(portal.warehouse).findings}
    assert found == {("rows", load.load_id), ("orphan", "nobody"), ("orphan", "nobody either")}


def test_the_check_finds_a_history_that_is_gone_or_not_of_what_was_built(
    portal: Any, session: psycopg.Connection[Any]
) -> None:
    def told() -> list[str]:
        return [one.says for one in check_warehouse(portal.warehouse).findings if one.what == "history"]

    assert told() == []
    session.execute("insert into ops.build values ('i', now(), true, true, 'd', 0)")
    assert told() == ["values were built, but their history is missing"]
    key = "indicator varchar, ref_area varchar, freq varchar, time_period varchar, breakdown varchar"
    session.execute("create schema history; create schema marts")
    session.execute(f"create table history.known_indicator_value ({key}, known_to timestamp)")
    session.execute(f"create table marts.mart_indicator_value ({key})")
    assert told() == []
    for number in (1, 2):
        session.execute(
            "insert into history.known_indicator_value values ('i', 'BY', 'A', '2025', '_T', null)"
        )
        assert told() == (
            ["it has 1 values, 0 were built"]
            if number == 1
            else ["1 values are in it twice", "it has 2 values, 0 were built"]
        )
