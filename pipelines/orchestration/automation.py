"""When things run by themselves: jobs, schedules, the sensor of the drop folder and of the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.catalogue import catalogue
from assets.keys import EXPORTS, INDEX, PROFILES, PUBLICATION, REPORT, WRITER_POOL, raw_key
from assets.ledger_events import align
from assets.marts import keys_to_rebuild, marts
from assets.partitions import load_job_name, partition_key_of
from assets.raw import on_time_key
from pipelines.connectors.drop_folder import survey
from pipelines.declarations.sources import load_sources
from pipelines.deliveries import Candidate
from pipelines.errors import WarehouseBusyError
from pipelines.loading.context import has_register, no_register
from pipelines.loading.plan import Wanted, make_plan
from pipelines.loading.retention import prune_landing
from pipelines.moments import ZONE, today
from pipelines.orchestration.dagster_home import BUILD_JOB
from pipelines.orchestration.retention import prune_runs
from pipelines.orchestration.run_retry import request_run, requests_or_reason, under_way
from pipelines.publishing.publication import current_publication
from pipelines.publishing.staleness import is_unpublished, newest_sound_build, stale_since
from pipelines.settings import get_settings
from pipelines.warehouse import open_warehouse
from pipelines.warehouse.base import Warehouse

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

REPORT_JOB = "country_digest"
PROFILES_JOB = "territory_profile"
EXPORTS_JOB = "exports"
LATENESS_JOB = "lateness"


def loading_jobs() -> dict[str, UnresolvedAssetJobDefinition]:
    """The loading jobs by name."""
    feeds: dict[str, list[dg.AssetKey]] = {}
    for source in load_sources().values():
        for feed in source.feeds:
            feeds.setdefault(load_job_name(source.source, feed), []).append(raw_key(source.source, feed))
    lateness = dg.AssetSelection.checks(*lateness_checks())
    return {
        name: dg.define_asset_job(
            name,
            selection=dg.AssetSelection.assets(*keys) - lateness,
            description="Fetch, land, gate and enter what is new.",
        )
        for name, keys in feeds.items()
    }


def lateness_checks() -> list[dg.AssetCheckKey]:
    """A check for each feed that can be late."""
    return [
        on_time_key(source.source, name)
        for source in load_sources().values()
        for name, feed in source.feeds.items()
        if feed.lateness is not None
    ]


def lateness_job() -> UnresolvedAssetJobDefinition:
    """Which instances are late."""
    return dg.define_asset_job(
        LATENESS_JOB,
        selection=dg.AssetSelection.checks(*lateness_checks()),
        description="Which instances of each feed are late.",
    )


def lateness_schedule(lateness: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """Each morning, when the sources have been looked at."""
    return dg.ScheduleDefinition(
        name=f"{LATENESS_JOB}_daily", job=lateness, cron_schedule="0 8 * * *", execution_timezone=ZONE
    )


@dg.op(description="What is kept no longer goes.", pool=WRITER_POOL)
def remove_expired() -> None:
    """What ``gorod prune`` does."""
    settings, log = get_settings(), dg.get_dagster_logger()
    warehouse = open_warehouse(settings)
    with warehouse.writing():
        for delivery_id in prune_landing(settings, warehouse):
            log.info(f"left landing: {delivery_id}")
    log.info(f"{prune_runs(settings)} runs removed")


@dg.job(name="prune", description="Remove runs, logs and deliveries that are kept no longer.")
def prune_job() -> None:
    """For those who work by the daemon alone; ``gorod run`` does it by itself."""
    remove_expired()


def prune_schedule() -> dg.ScheduleDefinition:
    """Each night."""
    return dg.ScheduleDefinition(
        name="prune_daily", job=prune_job, cron_schedule="30 3 * * *", execution_timezone=ZONE
    )


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


def profiles_job() -> UnresolvedAssetJobDefinition:
    """The profiles of regions and cities."""
    return dg.define_asset_job(
        PROFILES_JOB,
        selection=dg.AssetSelection.assets(PROFILES),
        description="Profiles of regions and cities, from the current publication.",
    )


def _request_of(candidate: Candidate) -> dict[str, Any]:
    """The run that loads a candidate, as :class:`dagster.RunRequest` takes it."""
    source = load_sources()[candidate.source]
    return {
        "job_name": load_job_name(candidate.source, candidate.feed),
        "asset_selection": [raw_key(candidate.source, candidate.feed)],
        "partition_key": partition_key_of(candidate, source, source.feeds[candidate.feed]),
        "tags": {"gorod/slice": candidate.slice.key, "gorod/instance": candidate.instance},
    }


def _offered(candidate: Candidate) -> str:
    """What a candidate is known by."""
    return f"{candidate.origin} {candidate.fingerprint or candidate.slice.key}"


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
                    for candidate in plan.candidates.get((source.source, feed), []):
                        yield dg.RunRequest(run_key=f"{_offered(candidate)} {day}", **_request_of(candidate))

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
        # what could not be taken is not forgotten, and is not asked for twice at once
        asked, reasons = requests_or_reason(
            request_run(context.instance, _offered(candidate), **_request_of(candidate))
            for candidate in found.candidates
        )
        yield from asked
        # a tick keeps its reason; what it logs is a file of its own
        for reason in reasons if asked else ():
            context.log.warning(reason)
        if not asked:
            waits = f"; {len(found.waiting)} that wait" if found.waiting else ""
            nothing = f"nothing to take in {settings.inbox}{waits}; {len(found.faults)} faults"
            yield dg.SkipReason("; ".join([nothing, *reasons]))

    return inbox


def ledger_position(warehouse: Warehouse) -> str:
    """What differs when other loads count: decisions, and the day, on which a waiver may end."""
    rows = warehouse.query(
        "select (select count(*) from ops.load_event) + (select count(*) from ops.approval) as decided, "
        "(select max(load_id) from ops.load where load_no = "
        "(select max(load_no) from ops.load)) as newest"
    )
    found = rows[0] if rows else {"decided": 0, "newest": None}
    return f"{today()} {found['decided']} {found['newest']}"


def ledger_sensor(build: UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    """When the ledger has moved on since the last build, build and publish; publish what is built and not published."""

    @dg.sensor(job=build, minimum_interval_seconds=60, description="The marts are older than the ledger.")
    def ledger(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        settings = get_settings()
        if going := under_way(context.instance, job=build.name):
            return dg.SkipReason(going)
        warehouse = open_warehouse(settings)
        try:
            position = ledger_position(warehouse)
            if context.cursor != position:
                align(context.instance, warehouse)
                context.update_cursor(position)
            stale = stale_since(warehouse)
            if stale is not None and not has_register(warehouse):
                return dg.SkipReason(no_register())
            if stale is not None:
                marts = keys_to_rebuild(settings)
                assets = None if marts is None else [*marts, INDEX, PUBLICATION]
                found = request_run(context.instance, f"ledger-{stale}", asset_selection=assets)
            elif is_unpublished(settings, warehouse):
                # a run was killed between the two
                found = request_run(
                    context.instance,
                    f"publish-{newest_sound_build(warehouse)}",
                    asset_selection=[INDEX, PUBLICATION],
                )
            else:
                return dg.SkipReason("the marts know the whole ledger, and are published")
        except WarehouseBusyError as error:
            return dg.SkipReason(error.message)
        return found

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


def profiles_schedule(profiles: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """On the 10th of each month, after the digest."""
    return dg.ScheduleDefinition(
        name=f"{PROFILES_JOB}_monthly", job=profiles, cron_schedule="30 7 10 * *", execution_timezone=ZONE
    )


def exports_job() -> UnresolvedAssetJobDefinition:
    """All data products."""
    return dg.define_asset_job(
        EXPORTS_JOB,
        selection=dg.AssetSelection.assets(EXPORTS),
        description="Data products for other systems.",
    )


def exports_sensor(exports: UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    """After each new publication. It is a run of its own: a full disk there must not fail what is already published."""

    @dg.sensor(
        job=exports,
        minimum_interval_seconds=60,
        description="The data products are older than the publication.",
    )
    def published(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        current = current_publication(get_settings())
        if current is None:
            return dg.SkipReason("nothing is published yet")
        made = context.instance.get_latest_materialization_event(EXPORTS)
        of = (
            made.asset_materialization.metadata["publication"].value
            if made and made.asset_materialization
            else None
        )
        if of == current.id:
            return dg.SkipReason("the data products are of the current publication")
        return request_run(context.instance, f"exports-{current.id}")

    return published
