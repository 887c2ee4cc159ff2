"""No row of a refused load comes past the gate: not by a later run, dbt by hand, a replay, Dagster, or an insert."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.publishing.publication import current_publication
from pipelines.settings import PROJECT, Settings
from tests.pipeline.conftest import environment_of, gorod
from tests.support import forked
from tests.support.portal import Portal

pytestmark = pytest.mark.slow

# tables that tell of loads, not of what they hold
LEDGER = {
    "pub_load_v1",
    "mart_data_quality",
    "pub_data_quality_v1",
    "int_delivered_month",
    "int_load_reliability",
}
FOREIGN = "no.load.was.ever.here"


def dbt(home: Path, *arguments: str) -> None:
    """dbt as anybody runs it by hand."""
    by_hand = str(home / "by-hand")
    environment = {
        **environment_of(home),
        "GOROD_WAREHOUSE_PATH": str(home / "warehouse.duckdb"),
        "DBT_TARGET_PATH": by_hand,
        "DBT_LOG_PATH": by_hand,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    done = forked.dbt(environment, PROJECT, *arguments)
    assert done.returncode == 0, done.stdout[-3000:]


def figures(database: Path, schemas: str = "published") -> dict[str, list[tuple[Any, ...]]]:
    """Every figure of a database, by table; period and value come first."""
    with duckdb.connect(str(database), read_only=True) as connection:
        return {
            name: connection.execute(
                f'select time_period, obs_value, * from published."{name}" order by all'
            ).fetchall()
            for (name,) in connection.execute(
                "select table_name from duckdb_tables() where schema_name = ? and table_name in "
                "('pub_observation_v1', 'pub_indicator_value_v1')",
                [schemas],
            ).fetchall()
        }


def past_the_gate(home: Path, refused: set[str]) -> list[tuple[str, str]]:
    """Tables and views from staging on, and published files, that hold something of a refused load."""
    found = []
    databases = [home / "warehouse.duckdb", *(home / "published" / "current").rglob("*.duckdb")]
    for database in databases:
        with duckdb.connect(str(database), read_only=True) as connection:
            # as dbt does (macro plan_quickly): views over all feeds are planned in a fifth of the time
            connection.execute("set disabled_optimizers = 'statistics_propagation'")
            for schema, table in connection.execute(
                "select distinct schema_name, table_name from duckdb_columns() where column_name = 'load_id' "
                "and schema_name not in ('ops', 'raw', 'catalogue') and not internal and database_name = current_database()"
            ).fetchall():
                if table in LEDGER:
                    continue
                ids = connection.execute(f'select distinct load_id from "{schema}"."{table}"').fetchall()
                found += [
                    (f"{database.name} {schema}.{table}", load_id) for (load_id,) in ids if load_id in refused
                ]
    return found


def enter_by_hand(home: Path, load_ids: set[str]) -> None:
    """Copy accepted rows into raw under other ids, as somebody with a connection could."""
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        for load_id in load_ids:
            connection.execute(
                "insert into raw.appeals_115__requests by name "
                "select * replace (? as load_id) from raw.appeals_115__requests where load_id like '%2024-04%'",
                [load_id],
            )


def materialise_again(home: Path, jobs: tuple[str, ...]) -> None:
    """The refused month's partition, or all dbt models, as the UI materialises them."""
    program = """
import sys
import dagster as dg
from pipelines.definitions import defs
from assets.marts import marts
from pipelines.orchestration.dagster_home import prepare_dagster_home
from assets.raw import raw_key
from pipelines.settings import get_settings
home = prepare_dagster_home(get_settings())
instance = dg.DagsterInstance.from_config(str(home))
definitions = defs()
for name in sys.argv[1:]:
    partition = name.startswith("load_")
    jobs = [j.name for j in definitions.resolve_all_job_defs()]
    (job,) = [j for j in jobs if j.startswith(name)]
    done = definitions.resolve_job_def(job).execute_in_process(
        instance=instance,
        partition_key=str(dg.MultiPartitionKey({"instance": "minsk", "month": "2024-05-01"})) if partition else None,
    )
    assert done.success
"""
    done = forked.python(environment_of(home), program, *jobs)
    assert done.returncode == 0, done.stderr[-3000:]


# the short form builds in Dagster all the same: with the sound delivery at its end
@pytest.mark.parametrize(
    "jobs",
    [
        ("load_appeals_115",),
        pytest.param(("load_appeals_115", "build_and_publish"), marks=pytest.mark.long),
    ],
    ids=lambda jobs: " ".join(jobs),
)
def test_no_row_of_a_refused_load_comes_past_the_gate(jobs: tuple[str, ...], country: Portal) -> None:
    home = country.settings.home
    before = figures(home / "warehouse.duckdb")
    assert before["pub_observation_v1"]
    # the rows of another month: all in quarantine
    country.put("2024-05", country.rows("2024-04", 45, first=1000))
    # nearly all rows sound, too few to be accepted
    country.put(
        "2024-02",
        [*country.rows("2024-02", 80, first=2000), *[country.row(3000, "2024-02", status="9")] * 40],
    )

    def check(path: str) -> None:
        assert figures(home / "warehouse.duckdb") == before, path
        publication = current_publication(Settings(home=home))
        assert publication is not None
        assert figures(publication.database) == before, path

    done = gorod(home, "run", "--source", "appeals_115")
    assert done.returncode == 6, done.stdout + done.stderr
    refused = [load_id for load_id, state in country.states().items() if state == "rejected"]
    assert len(refused) == 2
    assert all(load_id in done.stdout for load_id in refused)
    for load_id in refused:
        assert (
            country.scalar("select count(*) from raw.appeals_115__requests where load_id = ?", load_id) == 0
        )
    check("gorod run")

    enter_by_hand(home, {FOREIGN, *refused})
    dbt(home, "build", "--full-refresh", "--exclude", "resource_type:test", "resource_type:unit_test")
    check("rows by hand, dbt build --full-refresh")
    assert past_the_gate(home, {FOREIGN, *refused}) == []

    assert gorod(home, "replay", refused[0]).returncode == 6
    assert country.states()[f"{refused[0]}~2"] == "rejected"
    materialise_again(home, jobs)
    check("replay, Dagster")
    # a load alone builds nothing; what it entered is looked for at the end
    if "build_and_publish" in jobs:
        assert past_the_gate(home, {FOREIGN, *refused, f"{refused[0]}~2"}) == []
    shutil.rmtree(home / "by-hand")

    # a sound delivery is built upon all that, and nothing comes in with it
    country.put("2024-06", country.rows("2024-06", 7, first=4000))
    done = gorod(home, "run", "--source", "appeals_115")
    assert done.returncode == 0, done.stdout + done.stderr
    assert country.scalar("select state from ops.load_state where slice = '2024-06'") == "accepted"
    assert past_the_gate(home, {FOREIGN, *refused, f"{refused[0]}~2"}) == []
    after = figures(home / "warehouse.duckdb")
    for table, rows in after.items():
        gone, come = set(before[table]) - set(rows), set(rows) - set(before[table])
        # May is refused still: quarter, half-year and year have no value, as before
        assert {row[0] for row in gone | come} <= {"2024-05", "2024-06", "2024-Q2", "2024-S1", "2024"}, table
        assert [row for row in gone if row[1] is not None] == [], table
        assert {row[0] for row in come if row[1] is not None} == {"2024-06"}, table
    registered = (
        "select time_period, obs_value from published.pub_observation_v1 where measure = 'appeals_registered' "
        "and ref_area = 'c-minsk' and breakdown = '_T' and time_period > '2024-02' and length(time_period) = 7 order by 1"
    )
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        assert connection.execute(registered).fetchall() == [
            ("2024-03", None), ("2024-04", 50), ("2024-05", None), ("2024-06", 7),
        ]  # fmt: skip
    publication = current_publication(Settings(home=home))
    assert publication is not None
    assert figures(publication.database) == after
