"""When things run by themselves: jobs, schedules, the sensor of the drop folder and of the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from pipelines.connectors.files import inbox_offers
from pipelines.declarations.sources import load_sources
from pipelines.errors import WarehouseBusyError
from pipelines.loading.delivery import Offer
from pipelines.loading.plan import Wanted, make_plan
from pipelines.orchestration.building_assets import PUBLICATION, REPORT, catalogue, marts
from pipelines.orchestration.loading_assets import partition_key_of, raw_key
from pipelines.orchestration.stale import stale_since
from pipelines.settings import get_settings
from pipelines.warehouse import open_warehouse

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

ZONE = "Europe/Minsk"
BUILD_JOB = "build_and_publish"
REPORT_JOB = "country_digest"


def load_job_name(source: str, feed: str) -> str:
    """Name of the job that loads one feed."""
    return f"load_{source}__{feed}"


def loading_jobs() -> list[UnresolvedAssetJobDefinition]:
    """A job for each feed, in the order of sources and feeds."""
    return [
        dg.define_asset_job(
            load_job_name(source.source, feed),
            selection=dg.AssetSelection.assets(raw_key(source.source, feed)),
            description=f"{source.title.ru}: {source.feeds[feed].title.ru}",
        )
        for source in load_sources().values()
        for feed in source.feeds
    ]


def build_job() -> UnresolvedAssetJobDefinition:
    """From the declarations to the publication."""
    return dg.define_asset_job(
        BUILD_JOB,
        selection=dg.AssetSelection.assets(*catalogue.keys, *marts().keys, PUBLICATION),
        description="Catalogue, all dbt models with their tests, publication.",
    )


def report_job() -> UnresolvedAssetJobDefinition:
    """The digest of one month."""
    return dg.define_asset_job(
        REPORT_JOB, selection=dg.AssetSelection.assets(REPORT), description="Country digest of a month."
    )


def _requests(offers: list[Offer]) -> Iterator[dg.RunRequest]:
    sources = load_sources()
    for offer in offers:
        source = sources[offer.source]
        yield dg.RunRequest(
            run_key=f"{offer.origin} {offer.fingerprint or offer.slice.key}",
            job_name=load_job_name(offer.source, offer.feed),
            partition_key=partition_key_of(offer, source, source.feeds[offer.feed]),
            tags={"gorod/slice": offer.slice.key, "gorod/instance": offer.instance},
        )


def feed_schedules(loading: list[UnresolvedAssetJobDefinition]) -> list[dg.ScheduleDefinition]:
    """Each morning each feed's origin is looked at; a run is requested for each slice that is new."""

    def schedule_of(job: UnresolvedAssetJobDefinition, source: str, feed: str) -> dg.ScheduleDefinition:
        @dg.schedule(job=job, cron_schedule="0 5 * * *", execution_timezone=ZONE, name=f"{job.name}_daily")
        def daily() -> Iterator[dg.RunRequest | dg.SkipReason]:
            settings = get_settings()
            plan = make_plan(Wanted(source=source, feed=feed), settings, open_warehouse(settings))
            for failure in plan.failures.values():
                yield dg.SkipReason(str(failure))
            yield from _requests(plan.offers.get((source, feed), []))

        return daily

    names = [(source.source, feed) for source in load_sources().values() for feed in source.feeds]
    return [schedule_of(job, *name) for job, name in zip(loading, names, strict=True)]


def inbox_sensor(loading: list[UnresolvedAssetJobDefinition]) -> dg.SensorDefinition:
    """Files in ``inbox/<source>/<feed>/<instance>/`` are loaded as they arrive."""

    @dg.sensor(jobs=loading, minimum_interval_seconds=30, description="Files that arrive in the drop folder.")
    def inbox() -> Iterator[dg.RunRequest | dg.SkipReason]:
        settings = get_settings()
        offers = [
            offer
            for source in load_sources().values()
            for feed in source.feeds
            for offer in inbox_offers(source, feed, settings)
        ]
        if not offers:
            yield dg.SkipReason(f"nothing in {settings.inbox}")
        yield from _requests(offers)

    return inbox


def ledger_sensor(build: UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    """When the ledger has moved on since the last build, build and publish."""

    @dg.sensor(job=build, minimum_interval_seconds=60, description="The marts are older than the ledger.")
    def ledger() -> Iterator[dg.RunRequest | dg.SkipReason]:
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
