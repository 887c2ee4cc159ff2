"""A partition is materialized if an effective load is in it, and only then; a refused load is no green run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from assets.keys import raw_key
from assets.ledger_events import GATE, align
from assets.partitions import load_job_name, months_since
from pipelines.cli import app
from pipelines.declarations.sources import load_sources
from pipelines.loading.plan import Wanted
from pipelines.moments import today
from pipelines.operations.alerts.conditions import LOAD_REFUSED, RUN_FAILED, look
from pipelines.orchestration.automation import ledger_position, ledger_sensor
from pipelines.orchestration.code_location import loading
from pipelines.orchestration.dagster_home import prepare_dagster_home
from pipelines.orchestration.run import run
from pipelines.warehouse import open_warehouse
from tests.support.portal import Portal, use_home

REQUESTS = raw_key("appeals_115", "requests")
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
MANY = 45


@pytest.fixture
def instance(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """Dagster as the UI has it."""
    monkeypatch.setenv("DAGSTER_HOME", "")
    with dg.DagsterInstance.from_config(str(prepare_dagster_home(portal.settings))) as found:
        yield found


def test_a_month_begins_at_midnight_in_minsk() -> None:
    months = months_since(date(2026, 10, 1))
    # three hours ahead of Greenwich
    before, after = datetime(2026, 11, 30, 20, 59, tzinfo=UTC), datetime(2026, 11, 30, 21, 1, tzinfo=UTC)
    assert months.get_partition_keys(before) == ["2026-10-01", "2026-11-01"]
    assert months.get_partition_keys(after) == ["2026-10-01", "2026-11-01", "2026-12-01"]


def materialize(instance: dg.DagsterInstance, first: str, last: str) -> dg.ExecuteInProcessResult:
    """A run of the months of Minsk, as the UI and the sensors start it."""
    return loading().resolve_job_def(load_job_name("appeals_115", "requests")).execute_in_process(
        instance=instance,
        tags={
            "dagster/asset_partition_range_start": f"minsk|{first}-01",
            "dagster/asset_partition_range_end": f"minsk|{last}-01",
        },
        run_config=QUIET,
        raise_on_error=False,
    )  # fmt: skip


def bad(portal: Portal, month: str) -> list[str]:
    """Rows that can be read; too few of them are sound for the month to be let in."""
    return [*portal.rows(month, MANY), *(portal.row(900 + n, month, status="9") for n in range(MANY))]


def shown(instance: dg.DagsterInstance) -> set[str]:
    return set(instance.get_materialized_partitions(REQUESTS))


def test_only_what_the_gate_let_in_is_shown_as_loaded(portal: Portal, instance: dg.DagsterInstance) -> None:
    portal.put("2024-02", portal.rows("2024-02", MANY))
    portal.put("2024-03", bad(portal, "2024-03"))
    done = materialize(instance, "2024-01", "2024-04")
    assert sorted(portal.states().values()) == ["accepted", "rejected"]
    assert not done.success
    assert shown(instance) == {"minsk|2024-02-01"}
    (event,) = done.get_asset_materialization_events()
    assert event.materialization.metadata["dagster/partition_row_count"].value == MANY


def test_a_refused_load_fails_its_run_and_says_why_in_russian(
    portal: Portal, instance: dg.DagsterInstance
) -> None:
    portal.put("2024-03", bad(portal, "2024-03"))
    done = materialize(instance, "2024-03", "2024-03")
    (load_id,) = portal.states()
    (failure,) = [event for event in done.all_events if event.is_step_failure]
    assert not [event for event in done.all_events if event.is_step_up_for_retry]
    data = failure.step_failure_data.user_failure_data
    assert data is not None
    assert data.description is not None
    assert data.description.startswith("Загрузка отклонена: ")
    (reason,) = portal.warehouse.query(
        "select says, remedy from ops.load_result where load_id = ? and not success and severity = 'critical'",
        [load_id],
    )
    assert f"Почему: {reason['says']}" in data.description
    assert f"Что сделать: {reason['remedy']}" in data.description
    assert f"gorod explain {load_id}" in data.description
    # what was refused is not refused again by looking at it once more
    assert materialize(instance, "2024-03", "2024-03").success
    assert shown(instance) == set()


def test_the_gate_is_a_check_by_partition(portal: Portal, instance: dg.DagsterInstance) -> None:
    portal.put("2024-02", portal.rows("2024-02", MANY))
    portal.put("2024-03", bad(portal, "2024-03"))
    done = materialize(instance, "2024-02", "2024-04")
    gate = {one.partition: one for one in done.get_asset_check_evaluations() if one.check_name == GATE}
    assert {partition: one.passed for partition, one in gate.items()} == {
        "minsk|2024-02-01": True,
        "minsk|2024-03-01": False,
    }
    assert gate["minsk|2024-03-01"].metadata["refused_loads"].value == 1
    failing = {one.check_name: one for one in done.get_asset_check_evaluations() if not one.passed}
    assert failing["status_known"].partition is None
    assert failing["status_known"].metadata["partitions"].value == "minsk|2024-03-01"


def test_a_refusal_is_one_alert_and_no_failure_of_the_command(
    portal: Portal, instance: dg.DagsterInstance
) -> None:
    portal.put("2024-02", portal.rows("2024-02", MANY))
    portal.put("2024-03", bad(portal, "2024-03"))
    summary = run(Wanted(source="appeals_115", feed="requests", instance="minsk"), portal.settings)
    assert [load["state"] for load in summary.loads] == ["accepted", "rejected"]
    assert summary.failures == []
    (last,) = instance.get_runs(filters=dg.RunsFilter(job_name=load_job_name("appeals_115", "requests")))
    assert last.status is dg.DagsterRunStatus.FAILURE
    # or the timeline of the UI would leave it out
    assert last.remote_job_origin is not None
    assert last.remote_job_origin.location_name == "gorod"
    assert last.remote_job_origin.job_name == last.job_name
    kinds = [condition.kind for condition in look(portal.settings).conditions]
    assert LOAD_REFUSED in kinds
    assert RUN_FAILED not in kinds


def test_a_month_whose_waiver_ends_is_not_loaded_any_more(
    portal: Portal, instance: dg.DagsterInstance
) -> None:
    portal.put("2024-02", portal.rows("2024-02", MANY))
    portal.put("2024-03", bad(portal, "2024-03"))
    materialize(instance, "2024-02", "2024-03")
    (refused,) = [load for load, state in portal.states().items() if state == "rejected"]
    waive = ["waive", refused, "--by", "А. А. Иванова", "--why", "test", "--until"]
    assert CliRunner().invoke(app, [*waive, f"{today() + timedelta(days=3)}"]).exit_code == 0
    assert shown(instance) == {"minsk|2024-02-01", "minsk|2024-03-01"}
    # its last day passes
    with portal.warehouse.connection() as connection:
        connection.execute(
            "update ops.load_event set until = ? where event = 'waived'", [today() - timedelta(days=1)]
        )
    sensor = ledger_sensor(dg.define_asset_job("build", selection=[REQUESTS]))
    with dg.build_sensor_context(instance=instance, cursor=f"{today() - timedelta(days=1)}") as context:
        said = sensor(context)
        assert isinstance(said, dg.SkipReason)  # nothing can be built without a register
        assert context.cursor == ledger_position(portal.warehouse)
    assert shown(instance) == {"minsk|2024-02-01"}
    # what else is shown stays, and the check says again what the gate had said
    checks = instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(REQUESTS, GATE), limit=10
    )
    assert {one.evaluation.partition: one.evaluation.passed for one in checks if one.evaluation} == {
        "minsk|2024-02-01": True,
        "minsk|2024-03-01": False,
    }


def test_a_warehouse_from_a_backup_shows_what_it_holds(
    portal: Portal, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    database = Path(portal.settings.warehouse)
    portal.put("2024-02", portal.rows("2024-02", MANY))
    materialize(instance, "2024-02", "2024-02")
    shutil.copy(database, tmp_path / "backup.duckdb")
    newest = database.with_name("newest.duckdb")
    portal.put("2024-03", portal.rows("2024-03", MANY))
    assert materialize(instance, "2024-03", "2024-03").success
    assert shown(instance) == {"minsk|2024-02-01", "minsk|2024-03-01"}
    shutil.copy(database, newest)
    shutil.copy(tmp_path / "backup.duckdb", database)
    assert align(instance, open_warehouse(portal.settings)) == [("appeals_115", "requests")]
    assert shown(instance) == {"minsk|2024-02-01"}
    assert align(instance, open_warehouse(portal.settings)) == []
    # and the other way round: what the UI never saw
    shutil.copy(newest, database)
    align(instance, open_warehouse(portal.settings))
    assert shown(instance) == {"minsk|2024-02-01", "minsk|2024-03-01"}


@pytest.mark.slow
def test_what_is_refused_keeps_nothing_else_from_being_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All feeds of the register are validated against its changes, or against what is validated against these."""
    settings = use_home(monkeypatch, tmp_path / "home", None)
    folder = settings.inbox / "territory_register" / "changes" / "by"
    folder.mkdir(parents=True)
    (folder / "changes.csv").write_text("nothing;of;this\n1;2;3\n", encoding="utf-8")
    monkeypatch.setenv("DAGSTER_HOME", "")
    with dg.DagsterInstance.from_config(str(prepare_dagster_home(settings))) as instance:
        done = loading().resolve_job_def("load_territory_register").execute_in_process(
            instance=instance, run_config=QUIET, raise_on_error=False
        )  # fmt: skip
    assert not done.success
    failed = {event.step_key for event in done.all_events if event.is_step_failure}
    assert "raw__territory_register__changes" in failed
    # each feed was tried, whatever became of those that it is validated against; what could be loaded is, of the changes too
    begun = {event.step_key for event in done.all_events if event.is_step_start}
    assert begun == {
        f"raw__territory_register__{feed}" for feed in load_sources()["territory_register"].feeds
    }
    held = {
        row["feed"]
        for row in open_warehouse(settings).query(
            "select distinct feed from ops.effective_load where source = 'territory_register'"
        )
    }
    assert {"changes", "territories", "population"} <= held
