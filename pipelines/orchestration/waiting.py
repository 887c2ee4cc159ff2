"""Waiting for the one writer's slot, which a run of the UI may hold: said aloud, and not without end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from assets.keys import WRITER_POOL
from pipelines.errors import WarehouseBusyError
from pipelines.orchestration.orphans import fail_orphaned_runs
from pipelines.progress import report_progress

if TYPE_CHECKING:
    from dagster import DagsterInstance

LOOK_EACH_S = 0.5


def wait_for_slot(instance: DagsterInstance, longest_s: float, job: str | None = None) -> None:
    """Wait until no other run holds the slot, and none of ``job`` is between its steps. Call it before a run starts.

    A step that has to wait for its slot does so in silence and for ever, deaf to Ctrl-C: so nothing is started while
    the slot is held. (Another run may still get in between the steps of this one; then they take turns.)

    Raises:
        WarehouseBusyError: it was held for ``longest_s`` seconds; the message names the run.
    """
    deadline = time.monotonic() + longest_s
    reported = ""
    while holder := _holder(instance, job):
        if time.monotonic() >= deadline:
            raise WarehouseBusyError(
                f"{holder} is still writing after {longest_s:g} s; what is in the ledger stays",
                "Run again when it has ended (gorod ui shows it, and can end it), or set GOROD_BUSY_TIMEOUT_S higher.",
            )
        if holder != reported:
            report_progress(f"waiting: {holder} is writing")
            reported = holder
        time.sleep(LOOK_EACH_S)


def _holder(instance: DagsterInstance, job: str | None) -> str | None:
    """The run that is waited for, in words. One that has ended, or whose process has, holds nothing."""
    if not _writing(instance, job):
        return None
    fail_orphaned_runs(instance)
    runs = sorted(_writing(instance, job))
    if not runs:
        return None
    run = instance.get_run_by_id(runs[0])
    return f"run {runs[0][:8]}" + (f" of {run.job_name}" if run else "")


def _writing(instance: DagsterInstance, job: str | None) -> set[str]:
    """The runs that hold the slot, else those of ``job``, which hold it again with their next step."""
    from dagster import DagsterRunStatus, RunsFilter

    holding = set(instance.event_log_storage.get_concurrency_info(WRITER_POOL).active_run_ids)
    if holding or job is None:
        return holding
    going_on = RunsFilter(job_name=job, statuses=[DagsterRunStatus.STARTED])
    return {run.run_id for run in instance.get_runs(going_on)}
