"""``gorod run``: the same jobs that the UI and the daemon run, executed here, visible there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any

from assets.keys import AGAIN
from pipelines.connectors.drop_folder import survey
from pipelines.declarations.sources import load_sources
from pipelines.deliveries import DROPPED, Candidate, Delivery
from pipelines.errors import GorodError, LoadsRefusedError, OriginError, WarehouseBusyError, WarehouseError
from pipelines.exit_codes import ExitCode, gravest
from pipelines.loading import pending_markers
from pipelines.loading.context import has_register, no_register, validated_against
from pipelines.loading.plan import Plan, Wanted, make_plan, run_lock
from pipelines.loading.prefetch import validators
from pipelines.loading.retention import prune_landing
from pipelines.orchestration.failures import dbt_log, failed_models
from pipelines.orchestration.runner import Runner
from pipelines.progress import on_progress, report_progress
from pipelines.settings import Settings
from pipelines.warehouse import open_warehouse, translated_errors
from pipelines.warehouse.base import Warehouse

if TYPE_CHECKING:
    from dagster import AssetKey


@dataclass
class RunSummary:
    """What a run did. ``failures`` are told by feed; the run goes on past them.

    ``without_origin`` are the feeds that declare no origin of the chosen kind. ``again`` are loads whose
    very bytes were dropped again, or fetched again where that was asked for; ``waiting`` is what lies in the drop folder
    still, and why. ``unbuilt`` says why nothing can be built yet, ``failed_build`` why the build failed, ``held_back`` what
    was left out of what is published, ``differences`` what only rounding explains.
    """

    loads: list[dict[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    without_origin: list[str] = field(default_factory=list)
    again: list[dict[str, Any]] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    built: bool = False
    publication: str | None = None
    unbuilt: str | None = None
    failed_build: str | None = None
    held_back: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    @property
    def nothing_new(self) -> bool:
        """No new delivery, nothing to build, nothing that waits."""
        return not (
            self.loads
            or self.built
            or self.failures
            or self.again
            or self.waiting
            or self.unbuilt
            or self.failed_build
        )

    @property
    def refused(self) -> list[dict[str, Any]]:
        """The new loads that the gate refused."""
        return [load for load in self.loads if load["state"] == "rejected"]

    @property
    def exit_code(self) -> ExitCode:
        """What ``gorod run`` leaves with."""
        return gravest(
            code
            for code, is_so in (
                (ExitCode.REFUSED, self.failed_build is not None),
                (ExitCode.NO_REGISTER, self.unbuilt is not None),
                (ExitCode.LOADS_REFUSED, bool(self.refused)),
                (ExitCode.ORIGIN, bool(self.failures)),
                (ExitCode.HELD_BACK, bool(self.held_back)),
            )
            if is_so
        )


def run(
    wanted: Wanted,
    settings: Settings,
    report: bool = False,
    listener: Callable[[str], None] | None = None,
    accept_loss: str | None = None,
) -> RunSummary:
    """Load what is new, build the marts if the ledger or the definitions moved on, publish.

    Args:
        accept_loss: why the publication may lose more figures than is declared.

    Raises:
        WarehouseBusyError: another run is going on, or a run of the UI writes for longer than ``busy_timeout_s``.
        GorodError: nothing can be run at all.
    """
    # Dagster is imported only when there is something to run: a run with nothing new takes a moment.
    from pipelines.dbt_project import prefetched_manifest
    from pipelines.loading.answer import without_counts
    from pipelines.orchestration.retention import prune_runs
    from pipelines.publishing.embargo import held_loads
    from pipelines.publishing.held_back import differences, held_back_by_rule
    from pipelines.publishing.soundness import ACCEPT_LOSS

    on_progress(listener)
    try:
        with (
            translated_errors(settings),
            run_lock(settings),
            prefetched_manifest(settings) as manifest,
            ExitStack() as opened,
        ):

            @cache
            def runner() -> Runner:
                return opened.enter_context(closing(Runner(settings, manifest)))

            warehouse = open_warehouse(settings)
            warehouse.prepare()
            before, begun = _last_load(warehouse), datetime.now(UTC).replace(tzinfo=None)
            plan = make_plan(wanted, settings, warehouse)
            summary = RunSummary(
                failures=[
                    *(_failure_of_feed(feed, error) for feed, error in plan.failures.items()),
                    *(f"drop folder: {fault}" for fault in plan.faults),
                ],
                without_origin=[".".join(feed) for feed in plan.without_origin],
            )
            if plan.candidates or pending_markers.has_pending(settings):
                with validators(settings.gate_processes) as beside, warehouse.kept_open():
                    beside.expect(sum(map(len, plan.candidates.values())))
                    _load(plan, runner(), settings, summary, {AGAIN: "true"} if wanted.again else {})
            tags = {} if accept_loss is None else {ACCEPT_LOSS: accept_loss}
            if any(_is_to_do(settings, warehouse)):
                # what a run of the UI writes now may be just that: it is waited for, and looked at again
                runner().wait_for_a_build()
                is_stale, unpublished = _is_to_do(settings, warehouse)
                if is_stale and not has_register(warehouse):
                    summary.unbuilt = no_register()
                elif is_stale or unpublished:
                    # built by a run that was killed, or whose publication was refused
                    last = [runner().index, runner().publication]
                    assets = runner().stale_assets() if is_stale else last
                    summary.failed_build = _build(runner(), warehouse, tags, assets)
                    summary.built = summary.failed_build is None
            if runner.cache_info().currsize:
                runner().align(warehouse)
            with warehouse.session_held():
                summary.loads = warehouse.query(
                    "select load_id, source, feed, instance, slice, state, rows_delivered, rows_accepted, rows_quarantined, "
                    "warnings, not_retained from ops.load_state where load_no > ? order by load_no",
                    [before],
                )
                held = held_loads(warehouse)
                summary.loads = [
                    without_counts(load) if load["load_id"] in held else load for load in summary.loads
                ]
                summary.again = warehouse.query(
                    "select distinct load_id, state from ops.load_state as load join ops.candidate as candidate using (load_id) "
                    "where load_no <= ? and seen_at >= ? and (? or candidate.origin like ?) order by load_id",
                    [before, begun, wanted.again, f"{DROPPED}:%"],
                )
                summary.held_back = held_back_by_rule(warehouse)
                summary.differences = differences(warehouse)
            summary.waiting = survey(settings, wanted.source, wanted.feed, wanted.instance).not_taken
            if report:
                _report(settings, runner)
            if not summary.nothing_new:
                prune_landing(settings, warehouse)
                prune_runs(settings)
    finally:
        on_progress(None)
    return summary


def _is_to_do(settings: Settings, warehouse: Warehouse) -> tuple[bool, bool]:
    """Whether something is to be built, and whether what is built is to be published."""
    from pipelines.publishing.staleness import is_unpublished, stale_since

    with warehouse.session_held():
        return stale_since(warehouse) is not None, is_unpublished(settings, warehouse)


def _load(plan: Plan, runner: Runner, settings: Settings, summary: RunSummary, how: dict[str, str]) -> None:
    """One run, tagged with ``how``, for each loading job and unbroken range of its partitions."""
    declared = load_sources()
    candidates: dict[tuple[str, str], list[Candidate]] = {
        (source, feed): []
        for source, feed in pending_markers.pending_feeds(settings)
        if source in declared and feed in declared[source].feeds
    }
    candidates.update(plan.candidates)
    jobs: dict[str, list[tuple[str, str]]] = {}
    for source, feed in candidates:
        jobs.setdefault(runner.load_job(source, feed), []).append((source, feed))
    for job in _in_order(jobs):
        feeds = jobs[job]
        wanted: list[Candidate | Delivery] = []
        for source, feed in feeds:
            # their origin may not offer them any more
            waiting = pending_markers.pending_deliveries(settings, source, feed)
            report_progress(f"begin {source}.{feed} {len(waiting) + len(candidates[source, feed])}")
            wanted += [*waiting, *candidates[source, feed]]
        for tags in runner.partition_tags(*feeds[0], wanted):
            try:
                runner.execute(job, {**tags, **how}, [runner.raw_key(*feed) for feed in feeds])
            except (WarehouseBusyError, WarehouseError):
                raise
            except LoadsRefusedError:
                continue  # told with the loads
            except GorodError as error:
                summary.failures.append(f"{', '.join('.'.join(feed) for feed in feeds)}: {error}")


def _in_order(jobs: dict[str, list[tuple[str, str]]]) -> Iterable[str]:
    """The jobs, each after those that load what its own feeds are judged by."""
    loaded_by = {feed: job for job, feeds in jobs.items() for feed in feeds}
    after = {
        job: {
            loaded_by[before] for feed in feeds for before in validated_against(*feed) if before in loaded_by
        } - {job}
        for job, feeds in jobs.items()
    }  # fmt: skip
    return TopologicalSorter(after).static_order()


def _build(
    runner: Runner, warehouse: Warehouse, tags: dict[str, str], assets: Sequence[AssetKey] = ()
) -> str | None:
    """Build, index, publish, or some of it. Why that failed, if it did: what the run loaded is told all the same.

    Raises:
        WarehouseBusyError, WarehouseError: nothing can be written.
    """
    try:
        runner.execute(runner.build_job, tags, assets)
    except (WarehouseBusyError, WarehouseError):
        raise
    except GorodError as error:
        failed = failed_models(error.message)
        if not failed:
            return str(error)
        log = dbt_log(error.message)
        loads = ", ".join(_since_last_build(warehouse)) or "none"
        return "\n".join(
            [
                "not built: what was published before stays",
                *failed,
                f"loads since then: {loads}",
                "The gate let in what cannot be built, or a model is wrong: that is a fault of Gorod. Tell whoever keeps it, "
                f"with the log{' ' + log if log else ''}.",
            ]
        )
    return None


def _since_last_build(warehouse: Warehouse) -> list[str]:
    """Loads that were decided on since the last sound build: what fails now came with one of them."""
    rows = warehouse.query(
        "select load_id from ops.load_state where state in ('accepted', 'waived') and decided_at >= coalesce("
        "(select max_by(built_at, build_no) at time zone 'UTC' from ops.build_state where ok), "
        "'0001-01-01'::timestamp) order by load_no"
    )
    return [row["load_id"] for row in rows]


def _report(settings: Settings, runner: Callable[[], Runner]) -> None:
    from pipelines.declarations.reports import load_report
    from pipelines.publishing.publication import current_publication
    from pipelines.reporting.digest import DIGEST, is_current
    from pipelines.reporting.digest_period import newest_month

    publication = current_publication(settings)
    if publication is None:
        return
    report = load_report(DIGEST)
    month = newest_month(publication, report)
    if not is_current(settings.reports / DIGEST / month, publication, report):
        runner().execute(runner().report_job, {"dagster/partition": f"{month}-01"})


def _last_load(warehouse: Warehouse) -> int:
    rows = warehouse.query("select coalesce(max(load_no), 0) as load_no from ops.load")
    return int(rows[0]["load_no"])


def _failure_of_feed(feed: tuple[str, str], error: OriginError) -> str:
    return f"{'.'.join(feed)}: {error}"
