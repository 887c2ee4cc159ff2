"""Jobs of Dagster, run to their end in this process, on the state that the UI shows."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from assets.keys import INTERRUPTED
from pipelines.declarations.sources import load_sources
from pipelines.deliveries import Candidate, Delivery
from pipelines.errors import GorodError
from pipelines.interrupts import interrupts_noted
from pipelines.loading import landing
from pipelines.orchestration.failures import why_failed
from pipelines.orchestration.orphans import KILLED, this_host
from pipelines.orchestration.waiting import wait_for_slot
from pipelines.settings import Settings
from pipelines.warehouse import error_from_log
from pipelines.warehouse.base import Warehouse

if TYPE_CHECKING:
    from dagster import AssetKey, DagsterInstance, Definitions

BY_COMMAND = {"gorod/by": "gorod run"}
# What Dagster tags the runs of its own code servers with; by it the UI counts a run among those of a job (workspace.yaml).
OF_THE_LOCATION = {".dagster/repository": "__repository__@gorod"}


class Runner:
    """Dagster in this process, on the state that the UI shows."""

    def __init__(self, settings: Settings, manifest: Callable[[], Path]) -> None:
        """``manifest`` waits for dbt's, which the definitions of what is built need."""
        from pipelines.orchestration.dagster_home import BUILD_JOB, COMMAND_CONFIG, prepare_dagster_home

        home = prepare_dagster_home(settings)
        # what a run plans is stored together
        os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "1000")
        logging.getLogger("dagster").setLevel(logging.CRITICAL)
        from dagster import DagsterInstance

        from assets.keys import INDEX, PUBLICATION, raw_key
        from assets.partitions import load_job_name
        from pipelines.orchestration import automation, code_location

        self.manifest = manifest
        self.instance: DagsterInstance = DagsterInstance.from_config(str(home), COMMAND_CONFIG)
        self.loading: Definitions = code_location.loading()
        self.build_job = BUILD_JOB
        self.report_job = automation.REPORT_JOB
        self.load_job = load_job_name
        self.raw_key = raw_key
        self.index = INDEX
        self.publication = PUBLICATION
        self.settings = settings
        self._fail_orphaned_runs()

    @cached_property
    def building(self) -> Definitions:
        """What is built, once dbt has parsed its project."""
        from pipelines.orchestration import code_location

        self.manifest()
        return code_location.building()

    def stale_assets(self) -> list[AssetKey]:
        """What hangs on what has changed, up to the publication; empty for everything."""
        from assets.marts import keys_to_rebuild

        self.manifest()
        marts = keys_to_rebuild(self.settings)
        return [] if marts is None else [*marts, self.index, self.publication]

    def close(self) -> None:
        """Close Dagster's storage."""
        self.instance.dispose()

    def _fail_orphaned_runs(self) -> None:
        """End what killed runs left open: they hold the one writer's slot, and would be waited for without end.

        Only for the holder of the run lock: no other run of this command is alive.
        """
        from dagster import DagsterRunStatus, RunsFilter

        open_runs = RunsFilter(
            statuses=[DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.STARTED],
            tags=BY_COMMAND,
        )
        for dead in self.instance.get_runs(open_runs):
            self.instance.report_run_failed(dead, KILLED)
            self.instance.event_log_storage.free_concurrency_slots_for_run(dead.run_id)

    def wait_for_a_build(self) -> None:
        """Wait until no run of the UI writes or builds.

        Raises:
            WarehouseBusyError: one did for too long.
        """
        wait_for_slot(self.instance, self.settings.busy_timeout_s, self.build_job)

    def align(self, warehouse: Warehouse) -> None:
        """Let the UI show as loaded what the ledger holds, and nothing else."""
        from assets.ledger_events import align

        align(self.instance, warehouse)

    def execute(self, job: str, tags: dict[str, str] | None = None, assets: Sequence[AssetKey] = ()) -> None:
        """Run a job to its end, for some of its assets alone where they are named.

        Raises:
            GorodError: a step failed; the message is the step's own.
            LoadsRefusedError: the gate refused loads, and nothing else went wrong.
            WarehouseBusyError: a run of the UI kept it waiting for too long.
            KeyboardInterrupt: Dagster was interrupted; it does not pass that on.
        """
        from pipelines.orchestration.origin import runs_of_the_location

        wait_for_slot(self.instance, self.settings.busy_timeout_s)
        landing.remove_leftovers(self.settings)
        builds = job in (self.build_job, self.report_job)
        definition = (self.building if builds else self.loading).resolve_job_def(job)
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        given = dict(tags or {})
        partition = given.pop("dagster/partition", None)
        with interrupts_noted() as interrupted, runs_of_the_location(self.instance, job):
            result = definition.execute_in_process(
                run_config=quiet,
                instance=self.instance,
                partition_key=partition,
                asset_selection=list(assets) or None,
                tags={**given, **BY_COMMAND, **OF_THE_LOCATION, **this_host()},
                raise_on_error=False,
            )
            if interrupted():
                raise KeyboardInterrupt
        if not result.success:
            kind, why = why_failed(result.all_events)
            if why.startswith(INTERRUPTED):
                raise KeyboardInterrupt
            found = error_from_log(self.settings, why) if kind is None else None
            if found is not None:
                raise found
            raise (kind or GorodError)(
                f"run {result.run_id} of {job} failed: {why}", "See the run in the UI: gorod ui"
            )

    def partition_tags(
        self, source: str, feed: str, candidates: Sequence[Candidate | Delivery]
    ) -> list[dict[str, str]]:
        """Tags of the runs that cover the partitions of what is to be loaded: as few as there are unbroken ranges."""
        from dagster import MultiPartitionKey

        from assets.partitions import INSTANCE, MONTH, contiguous, partition_month

        declared = load_sources()[source].feeds[feed]
        instances = list(load_sources()[source].instances)
        if declared.first_month is not None:
            dated = [
                (candidate.instance, f"{partition_month(candidate, declared):%Y-%m}")
                for candidate in candidates
                if candidate.instance in instances
            ]
            return [
                _range(
                    *(
                        str(MultiPartitionKey({INSTANCE: instance, MONTH: f"{month}-01"}))
                        for month in (months[0], months[-1])
                    )
                )
                for instance, months in _whole(contiguous(dated), instances)
            ]
        if len(instances) > 1:
            wanted = {candidate.instance for candidate in candidates}
            if wanted == set(instances):
                return [_range(instances[0], instances[-1])]
            return [{"dagster/partition": instance} for instance in instances if instance in wanted]
        return [{}]


def _whole(groups: list[tuple[str, list[str]]], instances: list[str]) -> list[tuple[str, list[str]]]:
    order = {instance: position for position, instance in enumerate(instances)}
    return sorted(groups, key=lambda group: (order[group[0]], group[1]))


def _range(first: str, last: str) -> dict[str, str]:
    return {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
