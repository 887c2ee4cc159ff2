"""What is kept of runs, and for how long: Dagster's runs with their events, what they printed, and the command's logs.

Dagster deletes what is asked for and nothing by itself but ticks (``dagster.yaml``). A load and a build leave 5.5 MB.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines import moments
from pipelines.orchestration.dagster_home import dagster_instance
from pipelines.orchestration.failures import subject_of
from pipelines.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance

# so many runs are looked at in one go
PAGE = 200
# by which runs an asset, or a partition of one, is up to date: without them the UI would show it as never made
NEWEST_OF_EACH = """
select distinct run_id from event_logs where id in (
    select max(id) from event_logs where dagster_event_type = 'ASSET_MATERIALIZATION' group by asset_key, partition
)
"""


def prune_runs(settings: Settings) -> int:
    """Remove runs that ended more than ``keep_runs_days`` ago, and what was printed before then; how many runs.

    What an asset or a partition was last made by stays, and so does the newest run of each job and partition.
    """
    before = moments.now() - timedelta(days=settings.keep_runs_days)
    removed = 0
    with dagster_instance(settings) as instance:
        if instance is not None:
            for run_id in list(_over(instance, before)):
                _remove(instance, run_id)
                removed += 1
    for path in _printed(settings):
        if path.is_file() and path.stat().st_mtime < before.timestamp():
            path.unlink(missing_ok=True)
    return removed


def _over(instance: DagsterInstance, before: datetime) -> Iterator[str]:
    from dagster import DagsterRunStatus, RunsFilter
    from sqlalchemy import text

    with instance.event_log_storage.index_connection() as connection:  # type: ignore[attr-defined]
        kept = {row[0] for row in connection.execute(text(NEWEST_OF_EACH))}
    ended = RunsFilter(
        statuses=[DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
    )
    subjects: set[str] = set()
    cursor = None
    while found := instance.get_run_records(ended, limit=PAGE, cursor=cursor):
        for record in found:
            run = record.dagster_run
            is_newest = subject_of(run) not in subjects
            subjects.add(subject_of(run))
            if not is_newest and run.run_id not in kept and moments.utc(record.create_timestamp) < before:
                yield run.run_id
        cursor = found[-1].dagster_run.run_id


def _remove(instance: DagsterInstance, run_id: str) -> None:
    """A run with all that Dagster leaves behind when it deletes one: results of checks, its file of events, its output."""
    from sqlalchemy import text

    events = instance.event_log_storage
    with events.index_connection() as connection:  # type: ignore[attr-defined]
        connection.execute(text("delete from asset_check_executions where run_id = :run"), {"run": run_id})
    instance.delete_run(run_id)
    if hasattr(events, "path_for_shard"):
        for path in Path(events.path_for_shard(run_id)).parent.glob(f"{run_id}.db*"):
            path.unlink(missing_ok=True)
    if instance.root_directory:
        shutil.rmtree(Path(instance.root_directory) / "storage" / run_id, ignore_errors=True)


def _printed(settings: Settings) -> Iterator[Path]:
    """What runs and ticks printed."""
    yield from (settings.home / "logs").glob("run-*.log")
    yield from (settings.dagster_home / "storage").rglob("*")
