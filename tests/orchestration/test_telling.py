"""A run that has to wait says for whom; one that fails says why, and leaves with the code of that."""

from __future__ import annotations

import os
import signal

import pytest
import yaml
from dagster import DagsterInstance, DagsterRunStatus, RunsFilter, job
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.storage.tags import REPOSITORY_LABEL_TAG
from dagster._utils.interrupts import capture_interrupts

from assets import catalogue
from assets.keys import WRITER_POOL
from pipelines.dbt_project import ensure_manifest
from pipelines.errors import WarehouseBusyError
from pipelines.interrupts import interrupts_noted
from pipelines.loading.plan import Wanted
from pipelines.orchestration import run
from pipelines.orchestration.dagster_home import COMMAND_CONFIG, prepare_dagster_home
from pipelines.orchestration.runner import Runner
from pipelines.publishing import staleness
from pipelines.settings import PROJECT, Settings
from tests.support.portal import Portal


@job
def writes_long() -> None:
    """A run of the UI, by its name alone."""


@job
def build_and_publish() -> None:
    """A build of the UI, by its name alone."""


def patient(portal: Portal) -> Settings:
    """Settings of a run that waits, on however slow a machine."""
    return portal.settings.model_copy(update={"busy_timeout_s": 60.0})


@pytest.mark.slow
def test_a_run_of_the_ui_that_writes_is_named(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staleness, "stale_since", lambda _: None)
    monkeypatch.setattr(staleness, "is_unpublished", lambda *_: False)
    portal.put("2024-01", portal.rows("2024-01", 3))
    home = prepare_dagster_home(portal.settings)
    with DagsterInstance.from_config(str(home), COMMAND_CONFIG) as instance:
        slots = instance.event_log_storage
        slots.set_concurrency_slots(WRITER_POOL, 1)
        other = instance.create_run_for_job(writes_long, status=DagsterRunStatus.STARTED)
        slots.claim_concurrency_slot(WRITER_POOL, other.run_id, "step")
        said: list[str] = []

        def hear(step: str) -> None:
            said.append(step)
            if step.startswith("waiting:"):
                slots.free_concurrency_slots_for_run(other.run_id)

        summary = run.run(Wanted(source="appeals_115"), patient(portal), listener=hear)
    assert [step for step in said if step == f"waiting: run {other.run_id[:8]} of writes_long is writing"]
    assert [load["state"] for load in summary.loads] == ["accepted"]


def test_the_ui_counts_a_run_of_the_command_among_those_of_its_job(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks for them by the label of the code location, as workspace.yaml names it."""
    monkeypatch.setattr(staleness, "stale_since", lambda _: None)
    monkeypatch.setattr(staleness, "is_unpublished", lambda *_: False)
    portal.put("2024-01", portal.rows("2024-01", 3))
    run.run(Wanted(source="appeals_115"), patient(portal))
    (location,) = yaml.safe_load((PROJECT / "workspace.yaml").read_text(encoding="utf-8"))["load_from"]
    module = location["python_module"]
    label = RemoteRepositoryOrigin(
        RegisteredCodeLocationOrigin(module["location_name"]), "__repository__"
    ).get_label()
    with DagsterInstance.from_config(str(prepare_dagster_home(portal.settings))) as instance:
        (found,) = instance.get_runs(
            RunsFilter(job_name="load_appeals_115", tags={REPOSITORY_LABEL_TAG: label})
        )
        assert found.status is DagsterRunStatus.SUCCESS


@pytest.mark.slow
@pytest.mark.parametrize("holds_the_slot", [True, False], ids=["in a step", "between steps"])
def test_what_a_run_of_the_ui_has_built_is_not_built_again(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, holds_the_slot: bool
) -> None:
    behind, built = ["some"], []
    monkeypatch.setattr(staleness, "stale_since", lambda _: behind[0] if behind else None)
    monkeypatch.setattr(staleness, "is_unpublished", lambda *_: False)
    monkeypatch.setattr(run, "has_register", lambda _: True)
    monkeypatch.setattr(run, "_build", lambda *_: built.append("again"))
    home = prepare_dagster_home(portal.settings)
    with DagsterInstance.from_config(str(home), COMMAND_CONFIG) as instance:
        slots = instance.event_log_storage
        slots.set_concurrency_slots(WRITER_POOL, 1)
        other = instance.create_run_for_job(build_and_publish, status=DagsterRunStatus.STARTED)
        if holds_the_slot:
            slots.claim_concurrency_slot(WRITER_POOL, other.run_id, "step")
        said: list[str] = []

        def hear(step: str) -> None:
            if step.startswith("waiting:"):
                said.append(step)
                behind.clear()
                slots.free_concurrency_slots_for_run(other.run_id)
                instance.report_run_canceled(other)

        summary = run.run(Wanted(source="appeals_115"), patient(portal), listener=hear)
    assert said == [f"waiting: run {other.run_id[:8]} of build_and_publish is writing"]
    assert built == []
    assert not summary.built


@pytest.mark.slow
def test_what_a_step_says_and_its_exit_code_reach_the_command(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not what caused it: that says nothing to who reads it."""

    def locked(*_: object) -> None:
        try:
            raise RuntimeError("canceling statement due to lock timeout")
        except RuntimeError as error:
            raise WarehouseBusyError("a table is being read by session 7", "Ask them.") from error

    monkeypatch.setattr(catalogue, "write_catalogue", locked)
    runner = Runner(portal.settings, lambda: ensure_manifest(portal.settings))
    with pytest.raises(WarehouseBusyError, match="is being read by session 7") as caught:
        runner.execute(runner.build_job, assets=list(catalogue.catalogue.keys))
    assert caught.value.exit_code == 4
    assert "Ask them." in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_an_interrupt_that_dagster_forgets_is_noted() -> None:
    with interrupts_noted() as interrupted:
        assert not interrupted()
        with capture_interrupts():
            os.kill(os.getpid(), signal.SIGINT)
        assert interrupted()
        assert not interrupted()
