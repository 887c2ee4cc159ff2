"""A killed run holds nothing: not the one writer's slot, and no other run for long. The same in both of Dagster's storages."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import DagsterInstance, DagsterRunStatus

from assets.keys import WRITER_POOL
from pipelines.errors import WarehouseBusyError
from pipelines.orchestration.dagster_home import prepare_dagster_home
from pipelines.orchestration.orphans import CLOCK_STEP_S, HOST, KILLED, _lives, fail_orphaned_runs
from pipelines.orchestration.waiting import wait_for_slot
from pipelines.settings import get_settings
from tests.support import writing_run
from tests.support.portal import use_home

pytestmark = pytest.mark.slow


@pytest.fixture(params=["file", "server"])
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Dagster's home, its storage beside it or on the server."""
    warehouse = {"warehouse": request.getfixturevalue("dsn")} if request.param == "server" else {}
    use_home(monkeypatch, tmp_path / "home", None, **warehouse)
    monkeypatch.setenv("DAGSTER_HOME", "")
    yield prepare_dagster_home(get_settings())


def test_a_killed_run_is_waited_for_by_nobody(home: Path) -> None:
    process = writing_run.begin(home)
    with DagsterInstance.from_config(str(home)) as instance:
        with pytest.raises(WarehouseBusyError, match="a_long_load is still writing"):
            wait_for_slot(instance, longest_s=0)
        process.kill()
        process.wait()
        wait_for_slot(instance, longest_s=0)
        (run,) = instance.get_runs()
        assert run.status is DagsterRunStatus.FAILURE
        assert KILLED in [entry.message for entry in instance.all_logs(run.run_id)]
        assert not instance.event_log_storage.get_concurrency_info(WRITER_POOL).active_run_ids
        # and the next one gets the slot
        with writing_run.begin(home) as another:
            another.communicate("", timeout=60)
            assert another.returncode == 0


def test_a_run_that_lives_or_runs_elsewhere_is_let_be(home: Path) -> None:
    process = writing_run.begin(home)
    with DagsterInstance.from_config(str(home)) as instance:
        assert fail_orphaned_runs(instance) == []
        (run,) = instance.get_runs()
        instance.add_run_tags(run.run_id, {HOST: "another.example"})
        process.kill()
        process.wait()
        assert fail_orphaned_runs(instance) == []
        instance.add_run_tags(run.run_id, {HOST: ""})
    process.communicate()


def test_a_run_that_was_deleted_holds_no_slot(home: Path) -> None:
    with DagsterInstance.from_config(str(home)) as instance:
        slots = instance.event_log_storage
        slots.set_concurrency_slots(WRITER_POOL, 1)
        slots.claim_concurrency_slot(WRITER_POOL, "a-run-that-nobody-knows", "step")
        assert slots.get_concurrency_info(WRITER_POOL).active_run_ids
        wait_for_slot(instance, longest_s=0)
        assert not slots.get_concurrency_info(WRITER_POOL).active_run_ids


def test_a_clock_that_was_set_forward_ends_no_run() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as living:
        started = time.time()
        assert _lives(living.pid, started)
        assert _lives(living.pid, started - 30)
        assert _lives(living.pid, started - CLOCK_STEP_S + 60)
        assert not _lives(living.pid, started - CLOCK_STEP_S - 60)
    assert not _lives(living.pid, started)


def test_a_number_that_another_program_got_is_no_run() -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        assert not _lives(other.pid, time.time())
        other.kill()
