"""Why a run failed, in the words of what failed: out of Dagster's events and what dbt said."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from assets.keys import FAILURES, PARTITION, RANGE_END, RANGE_START, REFUSED_LOADS
from pipelines.errors import (
    DeclarationError,
    GorodError,
    LoadsRefusedError,
    OriginError,
    WarehouseBusyError,
    WarehouseError,
)
from pipelines.orchestration.dagster_home import BUILD_JOB, dagster_instance
from pipelines.orchestration.orphans import fail_orphaned_runs
from pipelines.settings import Settings
from pipelines.warehouse.base import Warehouse

if TYPE_CHECKING:
    from dagster import DagsterEvent, DagsterInstance, DagsterRun

KINDS = {
    kind.__name__: kind
    for kind in (GorodError, DeclarationError, OriginError, WarehouseBusyError, WarehouseError)
}


@dataclass(frozen=True)
class FailedBuild:
    """The last build, which failed: what of it, and where more is written. ``run_id`` is Dagster's; None of dbt by hand."""

    run_id: str | None
    failed_at: datetime
    says: list[str]
    log: str | None

    @property
    def where(self) -> str:
        """Where to look."""
        seen = [] if self.run_id is None else [f"run {self.run_id[:8]} in the UI"]
        return " and ".join([*seen, *([self.log] if self.log else [])]) or "dbt's log"


def failed_build(settings: Settings, warehouse: Warehouse) -> FailedBuild | None:
    """The last build, if it failed; one that goes on, or went well, or was never begun, is none.

    Dagster knows the builds of the command, the UI and the daemon, and what failed in them; ``ops.build_state`` those of dbt.
    """
    from dagster import DagsterEventType, DagsterRunStatus, RunsFilter

    with dagster_instance(settings) as instance:
        if instance is not None:
            fail_orphaned_runs(instance)
        found = [] if instance is None else instance.get_run_records(RunsFilter(job_name=BUILD_JOB), limit=1)
        if instance is not None and found:
            run = found[0].dagster_run
            if run.status is not DagsterRunStatus.FAILURE:
                return None
            kinds = {DagsterEventType.STEP_FAILURE, DagsterEventType.PIPELINE_FAILURE}
            events = [entry.dagster_event for entry in instance.all_logs(run.run_id, of_type=kinds)]
            _, said = why_failed(event for event in events if event is not None)
            return FailedBuild(
                run.run_id,
                datetime.fromtimestamp(found[0].end_time or found[0].update_timestamp.timestamp(), UTC),
                failed_models(said) or said.splitlines()[:1],
                dbt_log(said),
            )
    last = warehouse.query(
        "select ended and not ok as failed, built_at at time zone 'UTC' as built_at from ops.build_state"
        " order by build_no desc limit 1"
    )
    if last and last[0]["failed"]:
        return FailedBuild(None, last[0]["built_at"].replace(tzinfo=UTC), ["a build by dbt itself"], None)
    return None


def dbt_log(said: str) -> str | None:
    """The log that dbt names in what it said."""
    found = re.search(r"\S+/dbt\.log", said)
    return found.group() if found else None


def failed_models(said: str) -> list[str]:
    """Which models and tests failed, out of what dbt said, with the number of rows that a test found."""
    found: dict[str, str] = {}
    for part in re.split(r"(?=(?:Failure|Error) in )", said):
        named = re.match(r"(?:Failure|Error) in (\w+) (\w+)", part)
        if named:
            kind, name = named.groups()
            rows = re.search(r"Got (\d+) results?", part)
            found[name] = f"{kind} {name}: {rows[1] + ' rows' if rows else 'cannot be computed'}"
    return list(found.values())


def why_failed(events: Iterable[DagsterEvent]) -> tuple[type[GorodError] | None, str]:
    """Why a run failed, without a stack trace, and what kind of error that is, if it is one of ours.

    That the gate refused loads is told only where nothing else went wrong.
    """
    events = list(events)
    refused: list[str] = []
    for event in events:
        if event.is_step_failure:
            data = event.step_failure_data
            given = data.user_failure_data
            if given and REFUSED_LOADS in given.metadata and given.metadata[REFUSED_LOADS].value:
                else_failed = str(given.metadata[FAILURES].value)
                if else_failed:
                    return None, else_failed
                refused.append(str(given.description))
                continue
            chain = [data.error] if data.error else []
            while chain and chain[-1].cause is not None:
                chain.append(chain[-1].cause)
            # what caused an error of ours is for its author; what it says is for the reader
            for error in chain:
                if error.cls_name in KINDS:
                    return KINDS[error.cls_name], error.message.split(": ", 1)[-1].strip()
            described = data.user_failure_data.description if data.user_failure_data else None
            return None, str(described or (chain[-1].message if chain else "")).strip()
    if refused:
        return LoadsRefusedError, "\n\n".join(refused)
    for event in events:
        if event.is_failure:
            return None, str(event.message)
    return None, "unknown"


def is_refusal(instance: DagsterInstance, run: DagsterRun) -> bool:
    """Whether a failed run failed because the gate refused loads, and for nothing else."""
    from dagster import DagsterEventType

    entries = instance.all_logs(run.run_id, of_type=DagsterEventType.STEP_FAILURE)
    kind, _ = why_failed(entry.dagster_event for entry in entries if entry.dagster_event is not None)
    return kind is LoadsRefusedError


def subject_of(run: DagsterRun) -> str:
    """What a run runs: two runs of the same are two attempts."""
    parts = [run.tags[name] for name in (PARTITION, RANGE_START, RANGE_END) if name in run.tags]
    return " ".join([name_of(run), *parts])


def name_of(run: DagsterRun) -> str:
    """The job of a run; assets chosen by hand are a job without a name of its own."""
    chosen = sorted(key.to_user_string() for key in run.asset_selection or ())
    by_hand = chosen if run.job_name.startswith("__") else []
    return " ".join([run.job_name, *by_hand[:3]])
