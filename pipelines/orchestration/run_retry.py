"""When a sensor asks for a run again: after one that failed or was killed, and later each time.

Dagster makes one run of a run key and no other, whatever became of the first. So each attempt has a key of its own, which
names the run before it: a tick that is evaluated twice asks once, and what failed is asked for again.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from pipelines import moments
from pipelines.orchestration.orphans import fail_orphaned_runs

if TYPE_CHECKING:
    from collections.abc import Iterable

# What a run was asked for, as a tag of the run: all attempts at the same thing have the same.
PURPOSE = "gorod/purpose"
# What was killed is done again at once; what fails each time costs four runs a day.
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
# after so many attempts the wait is the longest
MOST_COUNTED = 12
UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def request_run(
    instance: dg.DagsterInstance, purpose: str, tags: dict[str, str] | None = None, **request: Any
) -> dg.RunRequest | dg.SkipReason:
    """A request for a run, or why none is made now: one is under way, or has failed a short while ago.

    Args:
        instance: where the attempts before are.
        purpose: what the run is for; something else has to be done as soon as it differs.
        tags: of the run.
        request: what else :class:`dagster.RunRequest` takes.
    """
    if going := under_way(instance, purpose=purpose):
        return dg.SkipReason(going)
    ended = instance.get_run_records(
        dg.RunsFilter(
            tags={PURPOSE: purpose},
            statuses=[
                dg.DagsterRunStatus.SUCCESS,
                dg.DagsterRunStatus.FAILURE,
                dg.DagsterRunStatus.CANCELED,
            ],
        ),
        limit=MOST_COUNTED,
    )
    before = "first"
    if ended:
        before = ended[0].dagster_run.run_id
        again = _ended_at(ended[0]) + min(FIRST_WAIT * 2 ** (len(ended) - 1), LONGEST_WAIT)
        if moments.now() < again:
            return dg.SkipReason(
                f"{_named(ended[0])} has ended ({ended[0].dagster_run.status.value}), and its work is still to be done; "
                f"attempts so far: {len(ended)}{' or more' if len(ended) == MOST_COUNTED else ''}; "
                f"the next not before {moments.format_minsk(again)}"
            )
    return dg.RunRequest(run_key=f"{purpose} {before}", tags={**(tags or {}), PURPOSE: purpose}, **request)


def under_way(
    instance: dg.DagsterInstance, *, purpose: str | None = None, job: str | None = None
) -> str | None:
    """Which run of that purpose or job waits or goes on, in words. A run whose process is gone does not."""
    tags = {} if purpose is None else {PURPOSE: purpose}
    wanted = dg.RunsFilter(job_name=job, tags=tags, statuses=UNDER_WAY)
    if instance.get_run_records(wanted, limit=1):
        fail_orphaned_runs(instance)
    found = instance.get_run_records(wanted, limit=1)
    return f"{_named(found[0])} is under way ({found[0].dagster_run.status.value})" if found else None


def requests_or_reason(
    found: Iterable[dg.RunRequest | dg.SkipReason],
) -> tuple[list[dg.RunRequest], list[str]]:
    """What is asked for, and why the rest is not."""
    asked, reasons = [], []
    for one in found:
        if isinstance(one, dg.RunRequest):
            asked.append(one)
        else:
            reasons.append(one.skip_message or "")
    return asked, reasons


def _named(record: dg.RunRecord) -> str:
    return f"run {record.dagster_run.run_id[:8]} of {record.dagster_run.job_name}"


def _ended_at(record: dg.RunRecord) -> datetime:
    return datetime.fromtimestamp(record.end_time or record.update_timestamp.timestamp(), UTC)
