"""When things run by themselves: jobs, schedules, the sensor of the drop folder and of the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from pipelines.connectors.drop_folder import survey
from pipelines.declarations.sources import load_sources
from pipelines.errors import WarehouseBusyError
from pipelines.loading.delivery import Offer
from pipelines.loading.plan import Wanted, make_plan
from pipelines.orchestration.building_assets import INDEX, PUBLICATION, REPORT, catalogue, marts
from pipelines.orchestration.loading_assets import partition_dimensions, partition_key_of, raw_key
from pipelines.orchestration.stale import stale_since
from pipelines.settings import get_settings
from pipelines.warehouse import open_warehouse

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

ZONE = "Europe/Minsk"
BUILD_JOB = "build_and_publish"
REPORT_JOB = "country_digest"


def load_job_name(source: str, feed: str) -> str:
    """Name of the job that loads a feed: one for all feeds of the source that are partitioned alike."""
    declared = load_sources()[source]
    own = partition_dimensions(declared, declared.feeds[feed])
    alike = all(partition_dimensions(declared, other) == own for other in declared.feeds.values())
    return f"load_{source}" if alike else "_".join((f"load_{source}_by", *(own or ("nothing",))))


def loading_jobs() -> dict[str, UnresolvedAssetJobDefinition]:
    """The loading jobs by name."""
    feeds: dict[str, list[dg.AssetKey]] = {}
    for source in load_sources().values():
        for feed in source.feeds:
            feeds.setdefault(load_job_name(source.source, feed), []).append(raw_key(source.source, feed))
    return {
        name: dg.define_asset_job(
            name,
            selection=dg.AssetSelection.assets(*keys),
            description="Fetch, land, gate and enter what is new.",
        )
        for name, keys in feeds.items()
    }


def build_job() -> UnresolvedAssetJobDefinition:
    """From the declarations to the publication."""
    return dg.define_asset_job(
        BUILD_JOB,
        selection=dg.AssetSelection.assets(*catalogue.keys, *marts().keys, INDEX, PUBLICATION),
        description="Catalogue, all dbt models with their tests, indices, publication.",
    )


def report_job() -> UnresolvedAssetJobDefinition:
    """The digest of one month."""
    return dg.define_asset_job(
        REPORT_JOB, selection=dg.AssetSelection.assets(REPORT), description="Country digest of a month."
    )


def _requests(offers: list[Offer], moment: str) -> Iterator[dg.RunRequest]:
    """A run for each offer. Dagster makes one of a key but once: ``moment`` lets what still lies there be asked for again."""
    sources = load_sources()
    for offer in offers:
        source = sources[offer.source]
        yield dg.RunRequest(
            run_key=f"{offer.origin} {offer.fingerprint or offer.slice.key} {moment}",
            job_name=load_job_name(offer.source, offer.feed),
            asset_selection=[raw_key(offer.source, offer.feed)],
            partition_key=partition_key_of(offer, source, source.feeds[offer.feed]),
            tags={"gorod/slice": offer.slice.key, "gorod/instance": offer.instance},
        )


def loading_schedules(loading: dict[str, UnresolvedAssetJobDefinition]) -> list[dg.ScheduleDefinition]:
    """Each morning each source is looked at; a run is requested for each slice that is new."""

    def schedule_of(name: str, job: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
        @dg.schedule(job=job, cron_schedule="0 5 * * *", execution_timezone=ZONE, name=f"{name}_daily")
        def daily(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
            settings = get_settings()
            for source in load_sources().values():
                wanted = [feed for feed in source.feeds if load_job_name(source.source, feed) == name]
                for feed in wanted:
                    plan = make_plan(
                        Wanted(source=source.source, feed=feed),
                        settings,
                        open_warehouse(settings),
                        patient=False,
                    )
                    for failure in plan.failures.values():
                        context.log.error(str(failure))
                    day = f"{context.scheduled_execution_time:%Y-%m-%d}"
                    yield from _requests(plan.offers.get((source.source, feed), []), day)

        return daily

    return [schedule_of(*item) for item in loading.items()]


def inbox_sensor(loading: dict[str, UnresolvedAssetJobDefinition]) -> dg.SensorDefinition:
    """Files in ``inbox/<source>/<feed>/<instance>/`` are loaded when they are quiet."""

    @dg.sensor(
        jobs=list(loading.values()),
        minimum_interval_seconds=30,
        description="Files that arrive in the drop folder.",
    )
    def inbox(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        settings = get_settings()
        found = survey(settings)
        for fault in found.faults:
            context.log.error(fault)
        for waiting in found.waiting:
            context.log.info(f"waits: {waiting}")
        if not found.offers:
            waits = f"; {len(found.waiting)} that wait" if found.waiting else ""
            yield dg.SkipReason(f"nothing to take in {settings.inbox}{waits}; {len(found.faults)} faults")
        # within the hour once: a run takes a moment, and what it could not take is not forgotten
        yield from _requests(found.offers, f"{datetime.now(UTC):%Y-%m-%dT%H}")

    return inbox


def ledger_sensor(build: UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    """When the ledger has moved on since the last build, build and publish."""

    @dg.sensor(job=build, minimum_interval_seconds=60, description="The marts are older than the ledger.")
    def ledger(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        # what it has begun looks like what a killed one left
        goes_on = dg.RunsFilter(
            job_name=BUILD_JOB,
            statuses=[
                dg.DagsterRunStatus.QUEUED,
                dg.DagsterRunStatus.NOT_STARTED,
                dg.DagsterRunStatus.STARTING,
                dg.DagsterRunStatus.STARTED,
                dg.DagsterRunStatus.CANCELING,
            ],
        )
        if context.instance.get_runs(goes_on, limit=1):
            yield dg.SkipReason("a build is waiting or going on")
            return
        try:
            stale = stale_since(open_warehouse(get_settings()))
        except WarehouseBusyError as error:
            yield dg.SkipReason(error.message)
            return
        if stale is None:
            yield dg.SkipReason("the marts know the whole ledger")
        else:
            yield dg.RunRequest(run_key=f"ledger-{stale}")

    return ledger


def report_schedule(report: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """On the 10th of each month the digest of the month before."""

    @dg.schedule(
        job=report, cron_schedule="0 7 10 * *", execution_timezone=ZONE, name="country_digest_monthly"
    )
    def monthly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        day: date = context.scheduled_execution_time.date()
        month = day.replace(day=1) - timedelta(days=1)
        return dg.RunRequest(run_key=f"{month:%Y-%m}", partition_key=f"{month:%Y-%m}-01")

    return monthly
