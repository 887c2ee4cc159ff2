"""Runs whose process is gone: a killed run holds the one writer's slot, and would be waited for without end.

Dagster fails a run when the code server that started it sees its process end, and frees the slots of runs that have ended
(``free_slots_after_run_end_seconds``). Where code server or daemon were killed as well, nobody is left to see it.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun

# On which machine a run runs. Where Dagster's storage is a file there is only one.
HOST = "gorod/host"
# What the clock may have been set forward by while a run went on: a resumed virtual machine, a time server found late.
CLOCK_STEP_S = 3600
KILLED = "Its process has ended without a word: it was killed."


def this_host() -> dict[str, str]:
    """The tag of runs that are started here."""
    return {HOST: socket.gethostname()}


def fail_orphaned_runs(instance: DagsterInstance) -> list[str]:
    """Fail the runs of this machine whose process is gone, and free the slots of all that have ended; the failed runs."""
    from dagster import DagsterRunStatus, RunsFilter

    begun = RunsFilter(
        statuses=[DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
    )
    failed = []
    for run in instance.get_runs(begun):
        if _is_gone(instance, run):
            instance.report_run_failed(run, KILLED)
            failed.append(run.run_id)
    slots = instance.event_log_storage
    for run_id in slots.get_concurrency_run_ids():
        holder = instance.get_run_by_id(run_id)
        if holder is None or holder.is_finished:
            slots.free_concurrency_slots_for_run(run_id)
    return failed


def _is_gone(instance: DagsterInstance, run: DagsterRun) -> bool:
    """Whether the process that the run said it runs in is gone. A run that has not said so yet may be about to."""
    from dagster import DagsterEventType

    if run.tags.get(HOST, socket.gethostname()) != socket.gethostname():
        return False
    reported = [
        (int(str(entry.value)), record.timestamp)
        for record in instance.all_logs(run.run_id, of_type=DagsterEventType.ENGINE_EVENT)
        if record.dagster_event is not None
        for name, entry in record.dagster_event.engine_event_data.metadata.items()
        if name == "pid"
    ]
    return bool(reported) and not any(_lives(pid, at) for pid, at in reported)


def _lives(pid: int, reported_at: float) -> bool:
    """Whether the process with that number is the one that reported it then; numbers are used again.

    Two signs tell another process from it: another program, and a start after the report. The clock may have been
    set forward since, which makes every start look later: so much later that only a used number explains it.
    """
    process = Path("/proc") / str(pid)
    try:
        fields = (process / "stat").read_text(encoding="latin-1").rsplit(")", 1)[1].split()
    except OSError:
        with suppress(OSError):
            os.kill(pid, 0)
            return not Path("/proc/self/stat").exists()  # no /proc on this system
        return False
    if fields[0] in "ZX":
        return False
    with suppress(OSError):  # of another user's process the program is not shown
        if _program(process) != _program(Path("/proc/self")):
            return False
    up_s = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
    age_s = up_s - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.time() - age_s <= reported_at + CLOCK_STEP_S


def _program(process: Path) -> str:
    """Its path, also where an upgrade has replaced the file meanwhile."""
    return str((process / "exe").readlink()).removesuffix(" (deleted)")
