"""Runs come and go, and what they leave behind does not grow; what is up to date stays up to date in the UI."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import text

from pipelines import moments
from pipelines.orchestration.dagster_home import COMMAND_CONFIG, prepare_dagster_home
from pipelines.orchestration.retention import prune_runs
from pipelines.settings import Settings, get_settings
from pipelines.warehouse import engine_of
from tests.support.portal import use_home

RUNS_A_DAY, KEPT_DAYS = 5, 3
# sixty runs; a server's storage is the same code, and takes its time
DAYS = {"duckdb": 12, "postgres": 6}
MONTHS = dg.StaticPartitionsDefinition(["2024-01", "2024-02"])
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def made(number: int) -> dg.AssetsDefinition:
    @dg.asset(name=f"mart_{number}", check_specs=[dg.AssetCheckSpec("sound", asset=f"mart_{number}")])
    def mart():  # type: ignore[no-untyped-def]
        listing = "| a | b |\n" * 50
        result = dg.AssetCheckResult(passed=True, metadata={"listing": dg.MetadataValue.md(listing)})
        return dg.MaterializeResult(metadata={"listing": listing}, check_results=[result])

    return mart


@dg.asset(partitions_def=MONTHS)
def raw() -> None:
    """A load of a month."""


@dg.op
def breaks() -> None:
    raise dg.Failure("broken")


@dg.job
def broken() -> None:
    breaks()


MARTS = [made(0)]


@pytest.fixture(params=["file", "server"])
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Dagster's storage beside the warehouse, or on the server."""
    warehouse = {"warehouse": request.getfixturevalue("dsn")} if request.param == "server" else {}
    given = use_home(monkeypatch, tmp_path / "home", None, keep_runs_days=str(KEPT_DAYS), **warehouse)
    monkeypatch.setenv("DAGSTER_HOME", "")
    prepare_dagster_home(given)
    return get_settings()


@pytest.fixture
def instance(home: Settings) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(home.dagster_home), COMMAND_CONFIG) as found:
        yield found


def size(home: Settings) -> int:
    """Bytes of the files; those of a log that is folded into its file are for a moment."""
    return sum(
        path.stat().st_size
        for path in home.home.rglob("*")
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    )


def rows(instance: dg.DagsterInstance) -> dict[str, int]:
    """Rows that grow with runs."""
    with instance.event_log_storage.index_connection() as connection:  # type: ignore[attr-defined]
        return {
            table: connection.execute(text(f"select count(*) from {table}")).scalar_one()
            for table in ("event_logs", "asset_check_executions", "asset_event_tags")
        }


def set_day(instance: dg.DagsterInstance, run_id: str, day: datetime) -> None:
    with instance.run_storage.connect() as connection:  # type: ignore[attr-defined]
        connection.execute(
            text("update runs set create_timestamp = :day where run_id = :run"),
            {"day": day.replace(tzinfo=None), "run": run_id},
        )


@pytest.mark.slow
def test_sixty_runs_leave_no_more_than_those_of_the_days_that_are_kept(
    home: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = moments.now()
    loaded = dg.materialize([raw], instance=instance, partition_key="2024-01", run_config=QUIET)
    failed = broken.execute_in_process(instance=instance, raise_on_error=False, run_config=QUIET)
    for done in (loaded, failed):
        set_day(instance, done.run_id, start)
    sizes, counts = [], []
    for day in range(DAYS[engine_of(home)]):
        at = start + timedelta(days=day)
        for _ in range(RUNS_A_DAY):
            done = dg.materialize(MARTS, instance=instance, run_config=QUIET)
            set_day(instance, done.run_id, at)
            log = home.home / "logs" / f"run-{done.run_id}.log"
            log.parent.mkdir(exist_ok=True)
            log.write_text("said\n" * 1000)
            os.utime(log, (at.timestamp(), at.timestamp()))
        monkeypatch.setattr(moments, "now", lambda now=at: now + timedelta(minutes=1))
        prune_runs(home)
        sizes.append(size(home))
        counts.append(rows(instance))
    whole = counts[KEPT_DAYS]
    assert all(count == whole for count in counts[KEPT_DAYS:])
    assert max(sizes[KEPT_DAYS:]) <= sizes[KEPT_DAYS] * 1.05
    assert len(list((home.home / "logs").iterdir())) == RUNS_A_DAY * KEPT_DAYS
    # what was last made by an old run is made, and what failed and was not tried again is not forgotten
    assert instance.get_materialized_partitions(dg.AssetKey("raw")) == {"2024-01"}
    assert instance.get_run_by_id(failed.run_id) is not None
    assert prune_runs(home) == 0


def test_a_run_that_goes_on_is_never_removed(home: Settings, instance: dg.DagsterInstance) -> None:
    runs = [
        instance.create_run_for_job(broken, status=status)
        for status in (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.NOT_STARTED)
    ]
    newest = broken.execute_in_process(instance=instance, raise_on_error=False, run_config=QUIET)
    for run_id in (*(run.run_id for run in runs), newest.run_id):
        set_day(instance, run_id, moments.now() - timedelta(days=400))
    assert prune_runs(home) == 0


def test_ticks_that_find_nothing_are_kept_for_two_days(home: Settings) -> None:
    with dg.DagsterInstance.from_config(str(home.dagster_home)) as instance:
        kept = instance.get_tick_retention_settings(dg._core.definitions.run_request.InstigatorType.SENSOR)
    assert {status.value: days for status, days in kept.items()}["SKIPPED"] == 2
    assert all(days > 0 for days in kept.values())
