"""A raw asset for each declared feed: its partitions, its checks, its freshness."""

import warnings
from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg

from assets.described import COLUMN_SCHEMA, code_of_feed, columns_of, owner_of, tags_of
from assets.keys import AGAIN, FAILURES, INTERRUPTED, REFUSED_LOADS, WRITER_POOL, raw_key
from assets.ledger_events import (
    GATE,
    align,
    check_name,
    effective_loads,
    evaluations,
    expectations_of,
    materializations,
    newest_loads,
)
from assets.partitions import INSTANCE, MONTH, partition_month, partitions_of
from assets.resources import SettingsResource, WarehouseResource
from pipelines.connectors.files import ChangingError
from pipelines.declarations.feeds import Feed
from pipelines.declarations.origins import FileOrigin
from pipelines.declarations.sources import Source
from pipelines.errors import GorodError, LandingError, OriginError, WarehouseBusyError, WarehouseError
from pipelines.loading.candidates import is_known, last_seen, load_candidates
from pipelines.loading.context import read_beside, validated_against
from pipelines.loading.lateness import late_today
from pipelines.loading.load import LoadOutcome, load_pending
from pipelines.loading.pending_markers import marker_faults, pending_deliveries
from pipelines.loading.plan import all_candidates
from pipelines.loading.refusal import refusals
from pipelines.progress import report_progress
from pipelines.settings import Settings, get_settings
from pipelines.warehouse.base import Warehouse

ON_TIME = "on_time"


def origin_spec(source: Source, name: str, feed: Feed) -> dg.AssetSpec:
    """The external system, where lineage begins."""
    public = feed.public_origin or source.public_origin
    return dg.AssetSpec(
        key=dg.AssetKey(["origin", f"{source.source}__{name}"]),
        group_name=f"origin_{source.source}",
        description=f"{source.title.ru}: {feed.title.ru}",
        metadata={
            "address": public.address,
            "licence": public.licence,
            "attribution": public.attribution,
            **code_of_feed(source, name),
        },
        owners=[owner_of(source)],
        tags=tags_of("origin", source=source.source),
        kinds={"api" if not _is_files(feed) else "file"},
    )


def raw_asset(source: Source, name: str, feed: Feed) -> dg.AssetsDefinition:
    """The asset that fetches, lands, gates and enters what is new of one feed."""
    key = raw_key(source.source, name)
    checks = _check_specs(source, name, feed)
    lateness = feed.lateness
    freshness = (
        dg.FreshnessPolicy.time_window(warn_window=lateness[0], fail_window=lateness[1])
        if lateness and lateness[0] < lateness[1]
        else None
    )

    @dg.asset(
        key=key,
        deps=[
            dg.AssetKey(["origin", f"{source.source}__{name}"]),
            *(
                dg.AssetDep(raw_key(*other), partition_mapping=dg.AllPartitionMapping())
                for other in read_beside(source.source, name)
            ),
        ],
        group_name=f"raw_{source.source}",
        description=f"{feed.title.ru}. {feed.description}",
        partitions_def=partitions_of(source, feed),
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=dg.RetryPolicy(
            max_retries=2, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
        ),
        freshness_policy=freshness,
        metadata={
            "cadence": feed.cadence,
            "validated_against": [f"{one}.{other}" for one, other in validated_against(source.source, name)],
            COLUMN_SCHEMA: columns_of(feed),
            **code_of_feed(source, name),
        },
        owners=[owner_of(source)],
        tags=tags_of("raw", source=source.source, cadence=feed.cadence),
        check_specs=checks,
        kinds={"duckdb", "gx"},
        pool=WRITER_POOL,
        # the ledger, not the end of a step, says which partitions have data
        output_required=False,
        # a feed is loaded after those that its suite reads; not a dependency, because their contents are used even
        # if their newest delivery is refused
        op_tags={"dagster/priority": str(-_rank(source.source, name))},
    )
    def asset(
        context: dg.AssetExecutionContext, settings: SettingsResource, warehouse: WarehouseResource
    ) -> Iterator[Any]:
        opened = warehouse.open()
        try:
            with opened.writing():
                opened.prepare()
                outcomes, failures = _load_new(context, source, name, feed, settings.get(), opened)
        except dg.DagsterExecutionInterruptedError as error:
            # Dagster would treat it as temporary, and retry
            raise dg.Failure(description=INTERRUPTED, allow_retries=False) from error
        with opened.session_held():
            shown = list(_shown(context, source.source, name, opened))
        yield from shown
        refused = [one.load_id for one in outcomes if one.new and one.state == "rejected"]
        if refused or failures:
            failed = "\n".join(str(failure) for failure in failures)
            raise dg.Failure(
                description="\n\n".join(filter(None, [refusals(refused, opened), failed])),
                metadata={REFUSED_LOADS: refused, FAILURES: failed},
                allow_retries=not refused and not _is_files(feed),
            )
        # Dagster needs to know that each check was done, besides its result
        for spec in checks:
            yield dg.Output(None, output_name=spec.get_python_identifier())

    return asset


def _check_specs(source: Source, name: str, feed: Feed) -> list[dg.AssetCheckSpec]:
    key = raw_key(source.source, name)
    with warnings.catch_warnings():
        # checks by partition; only shown to people, so they can be removed if Dagster changes its API
        warnings.simplefilter("ignore", dg.PreviewWarning)
        gate = dg.AssetCheckSpec(
            GATE,
            asset=key,
            description="Нет отклонённых загрузок.",
            partitions_def=partitions_of(source, feed),
        )
    return [
        gate,
        *(
            dg.AssetCheckSpec(check_name(expectation), asset=key, description=says)
            for expectation, says in expectations_of(source.source, name)
        ),
    ]


def _rank(source: str, feed: str) -> int:
    """The longest chain of feeds that are loaded before this one."""
    return max((1 + _rank(*before) for before in validated_against(source, feed)), default=0)


def _shown(
    context: dg.AssetExecutionContext, source: str, name: str, warehouse: Warehouse
) -> Iterator[dg.AssetMaterialization | dg.AssetCheckEvaluation]:
    """What the ledger has of the feed, in the partitions of the run."""
    is_of_some = context.has_partition_key or context.has_partition_key_range
    partitions = frozenset(map(str, context.partition_keys)) if is_of_some else None
    effective = effective_loads(warehouse)
    align(context.instance, warehouse, (source, name), effective)
    held = effective.get((source, name), {})
    newest = newest_loads(warehouse).get((source, name), {})
    yield from materializations(source, name, held, partitions)
    yield from evaluations(source, name, newest, warehouse, partitions)


def on_time_key(source: str, feed: str) -> dg.AssetCheckKey:
    """The check that reports which instances of a feed are late."""
    return dg.AssetCheckKey(raw_key(source, feed), ON_TIME)


def on_time_check(source: Source, name: str) -> dg.AssetChecksDefinition:
    """Which instances are late. The freshness of the asset covers them all together: one city would hide the others.

    It is evaluated by a separate job, each morning: a missing delivery starts no run.
    """

    @dg.asset_check(
        asset=raw_key(source.source, name),
        name=ON_TIME,
        description="Ни одна установка не опаздывает с поставкой.",
        pool=WRITER_POOL,
    )
    def on_time(warehouse: WarehouseResource) -> dg.AssetCheckResult:
        late = late_today(warehouse.open(), source.source, name)
        listing = "\n".join(f"| {one.who} | {one.by} |" for one in late)
        return dg.AssetCheckResult(
            passed=not late,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "instances": len(source.instances),
                "late": len(late),
                **(
                    {"who": dg.MetadataValue.md(f"| instance | late |\n|---|---|\n{listing}")} if late else {}
                ),
            },
        )

    return on_time


def _load_new(
    context: dg.AssetExecutionContext,
    source: Source,
    name: str,
    feed: Feed,
    settings: Settings,
    warehouse: Warehouse,
) -> tuple[list[LoadOutcome], list[GorodError]]:
    """Load what is new within the run's partitions; a failing origin stops only its own candidates.

    First what landed earlier without a load, then the origin's candidates, then dropped files: if both are new, the drop
    folder takes precedence.
    """
    instances, months = _selected(context, feed)
    outcomes: list[LoadOutcome] = []
    failures: list[GorodError] = []

    def done(outcome: LoadOutcome) -> None:
        outcomes.append(outcome)
        report_progress(f"{source.source}.{name} {outcome.state}")
        context.log.info(
            f"{outcome.load_id}: {outcome.state}, {outcome.rows_delivered} rows, "
            f"{outcome.rows_accepted} accepted, {outcome.rows_quarantined} in quarantine"
        )

    try:
        failures += [LandingError(fault) for fault in marker_faults(settings, source.source, name)]
        for delivery in pending_deliveries(settings, source.source, name):
            if delivery.instance in source.instances:
                done(load_pending(delivery, settings, warehouse))
        known = frozenset() if context.run.tags.get(AGAIN) else last_seen(warehouse)
        new = (
            candidate
            for candidate in all_candidates(source, name, settings, instances, known, context.log.warning)
            if (months is None or (candidate.instance, partition_month(candidate, feed)) in months)
            and not is_known(candidate, known)
        )
        for candidate, outcome in load_candidates(new, settings, warehouse):
            if isinstance(outcome, ChangingError) and candidate.remove is not None:
                context.log.info(f"{outcome.message}; it waits in the drop folder")
            elif isinstance(outcome, OriginError):
                failures.append(outcome)
            else:
                done(outcome)
    except OriginError as error:
        failures.append(error)
    except WarehouseBusyError as error:
        if any(one.new and one.state == "rejected" for one in outcomes):
            # a retry would not know about it, and would succeed
            return outcomes, [*failures, error]
        raise dg.RetryRequested(max_retries=5, seconds_to_wait=10) from error
    except WarehouseError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
    return outcomes, failures


def _selected(
    context: dg.AssetExecutionContext, feed: Feed
) -> tuple[list[str] | None, set[tuple[str, date]] | None]:
    """Instances, and pairs of instance and month, of the run's partitions; None means all."""
    if not context.has_partition_key and not context.has_partition_key_range:
        return None, None
    keys = context.partition_keys
    if feed.first_month is None:
        return list(keys), None
    pairs: set[tuple[str, date]] = set()
    for key in keys:
        dimensions = key.keys_by_dimension if isinstance(key, dg.MultiPartitionKey) else _dimensions(key)
        pairs.add((dimensions[INSTANCE], date.fromisoformat(dimensions[MONTH])))
    return sorted({instance for instance, _ in pairs}), pairs


def _dimensions(key: str) -> dict[str, str]:
    """Dimensions of a multi-partition key as text: alphabetical by dimension, separated by a bar."""
    instance, month = key.split("|")
    return {INSTANCE: instance, MONTH: month}


def _is_files(feed: Feed) -> bool:
    """Whether the chosen origin is a folder, for which a retry is useless."""
    chosen = get_settings().origin
    assert chosen
    return isinstance(feed.origins.get(chosen), FileOrigin)
