"""A raw asset for each declared feed: its partitions, its checks, its freshness."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg

from assets.keys import AGAIN, INTERRUPTED, WRITER_POOL, raw_key
from assets.partitions import INSTANCE, MONTH, partitions_of
from expectations.vocabulary import History
from pipelines.connectors.files import ChangingError
from pipelines.declarations.feeds import Feed
from pipelines.declarations.origins import FileOrigin
from pipelines.declarations.sources import Source
from pipelines.deliveries import Candidate, Delivery, month_span, parse_slice
from pipelines.errors import LandingError, OriginError, WarehouseBusyError, WarehouseError
from pipelines.loading.context import validated_against
from pipelines.loading.gate import READABLE, load_suite
from pipelines.loading.history.compare import asked_of
from pipelines.loading.landing import pending, unknowable
from pipelines.loading.lateness import late_today
from pipelines.loading.load import LoadOutcome, is_known, last_seen, load_candidates, load_pending
from pipelines.loading.plan import all_candidates
from pipelines.loading.profile import load_history
from pipelines.progress import report_progress
from pipelines.settings import Settings, get_settings
from pipelines.warehouse import open_warehouse
from pipelines.warehouse.base import Warehouse

REFUSED, ON_TIME = "gate", "on_time"


def partition_month(candidate: Candidate | Delivery, feed: Feed) -> date:
    """The month in whose partition something is loaded: its first one, or the nearest that has a partition.

    A file name may say any month; that the gate refuses it is no matter of partitions.
    """
    assert feed.first_month is not None
    # as partitions_of() counts
    newest = datetime.now(UTC).date().replace(day=1)
    month = (candidate.slice.first_day or newest).replace(day=1)
    return max(min(month, newest), feed.first_month.replace(day=1))


def partition_key_of(candidate: Candidate, source: Source, feed: Feed) -> str | None:
    """The partition that an offer is loaded in."""
    if feed.first_month is not None:
        month = partition_month(candidate, feed)
        return str(dg.MultiPartitionKey({INSTANCE: candidate.instance, MONTH: month.isoformat()}))
    return candidate.instance if len(source.instances) > 1 else None


def origin_spec(source: Source, name: str, feed: Feed) -> dg.AssetSpec:
    """The system outside, so that lineage begins where the data do."""
    public = feed.public_origin or source.public_origin
    return dg.AssetSpec(
        key=dg.AssetKey(["origin", f"{source.source}__{name}"]),
        group_name=f"origin_{source.source}",
        description=f"{source.title.ru}: {feed.title.ru}",
        metadata={"address": public.address, "licence": public.licence, "attribution": public.attribution},
        kinds={"api" if not _is_files(feed) else "file"},
    )


def raw_asset(source: Source, name: str, feed: Feed) -> dg.AssetsDefinition:
    """The asset that fetches, lands, gates and enters what is new of one feed."""
    key = raw_key(source.source, name)
    suite = load_suite(source.source, name)
    expectations = _expectations(suite, load_history(source.source, name))
    before = [raw_key(*feed) for feed in validated_against(source.source, name)]
    lateness = feed.lateness
    freshness = (
        dg.FreshnessPolicy.time_window(warn_window=lateness[0], fail_window=lateness[1])
        if lateness and lateness[0] < lateness[1]
        else None
    )

    @dg.asset(
        key=key,
        deps=[dg.AssetKey(["origin", f"{source.source}__{name}"]), *before],
        group_name=f"raw_{source.source}",
        description=f"{feed.title.ru}. {feed.description}",
        partitions_def=partitions_of(source, feed),
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=dg.RetryPolicy(
            max_retries=2, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
        ),
        freshness_policy=freshness,
        metadata={
            "owner": source.owner,
            "cadence": feed.cadence,
            "suite": f"expectations/{source.source}/{name}.py",
        },
        check_specs=[
            dg.AssetCheckSpec(_check_name(meta["name"]), asset=key, description=meta["says"])
            for meta in expectations
        ]
        + [dg.AssetCheckSpec(REFUSED, asset=key, description="Нет отклонённых загрузок.")],
        kinds={"duckdb", "gx"},
        pool=WRITER_POOL,
    )
    def asset(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        settings = get_settings()
        warehouse = open_warehouse(settings)
        try:
            with warehouse.writing():
                warehouse.prepare()
                outcomes, failures = _load_new(context, source, name, feed, settings, warehouse)
        except dg.DagsterExecutionInterruptedError as error:
            # Dagster would take it for a passing fault, and retry
            raise dg.Failure(description=INTERRUPTED, allow_retries=False) from error
        yield dg.MaterializeResult(
            metadata=_metadata(outcomes, warehouse, source.source, name),
            check_results=list(_check_results(key, expectations, warehouse, source.source, name)),
        )
        if failures:
            raise dg.Failure(
                description="\n".join(str(failure) for failure in failures), allow_retries=not _is_files(feed)
            )

    return asset


def on_time_key(source: str, feed: str) -> dg.AssetCheckKey:
    """The check that tells which instances of a feed are late."""
    return dg.AssetCheckKey(raw_key(source, feed), ON_TIME)


def on_time_check(source: Source, name: str) -> dg.AssetChecksDefinition:
    """Which instances are late. The freshness of the asset is that of all together: one city would hide the others.

    It is evaluated by a job of its own, each morning: what does not come starts no run.
    """

    @dg.asset_check(
        asset=raw_key(source.source, name),
        name=ON_TIME,
        description="Ни одна установка не опаздывает с поставкой.",
        pool=WRITER_POOL,
    )
    def on_time() -> dg.AssetCheckResult:
        late = late_today(open_warehouse(get_settings()), source.source, name)
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
) -> tuple[list[LoadOutcome], list[Exception]]:
    """Load what is new within the run's partitions; a failing origin stops only its own offers.

    First what landed before and was not entered, then what the origin has, then what was dropped: of two that are new
    at once, the drop folder has the last word.
    """
    instances, months = _selected(context, feed)
    outcomes: list[LoadOutcome] = []
    failures: list[Exception] = []

    def done(outcome: LoadOutcome) -> None:
        outcomes.append(outcome)
        report_progress(f"{source.source}.{name} {outcome.state}")
        context.log.info(
            f"{outcome.load_id}: {outcome.state}, {outcome.rows_delivered} rows, "
            f"{outcome.rows_accepted} accepted, {outcome.rows_quarantined} in quarantine"
        )

    try:
        failures += [LandingError(fault) for fault in unknowable(settings, source.source, name)]
        for delivery in pending(settings, source.source, name):
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
    """Dimensions of a multi-partition key as text: alphabetical by dimension, parted by a bar."""
    instance, month = key.split("|")
    return {INSTANCE: instance, MONTH: month}


def _expectations(suite: Sequence[Any], history: History) -> list[dict[str, Any]]:
    readable = {"name": READABLE, "says": "Каждая строка читается как объявленные типы."}
    by_history = ({"name": name, "says": says} for name, says in asked_of(history).items())
    return [readable, *(dict(expectation.meta) for expectation in suite), *by_history]


def _check_name(expectation: str) -> str:
    return expectation.replace(".", "_")


def _metadata(
    outcomes: Sequence[LoadOutcome], warehouse: Warehouse, source: str, feed: str
) -> dict[str, Any]:
    new = [outcome for outcome in outcomes if outcome.new]
    rows = warehouse.query(
        "select count(*) as loads, coalesce(sum(rows_accepted), 0)::BIGINT as rows from ops.effective_load "
        "where source = ? and feed = ?",
        [source, feed],
    )[0]
    listing = "\n".join(
        f"| {o.load_id} | {o.state} | {o.rows_delivered} | {o.rows_accepted} | {o.rows_quarantined} | {o.seconds:.2f} |"
        for o in new[:200]
    )
    return {
        "dagster/row_count": rows["rows"],
        "loads_effective": rows["loads"],
        "loads_new": len(new),
        "rows_delivered": sum(o.rows_delivered for o in new),
        "rows_accepted": sum(o.rows_accepted for o in new),
        "rows_quarantined": sum(o.rows_quarantined for o in new),
        "seconds_in_gate": round(sum(o.seconds for o in new), 3),
        "loads": dg.MetadataValue.md(
            "| load | state | delivered | accepted | quarantine | seconds |\n|---|---|---|---|---|---|\n"
            + listing
        ),
    }


def _check_results(
    key: dg.AssetKey, expectations: list[dict[str, Any]], warehouse: Warehouse, source: str, feed: str
) -> Iterator[dg.AssetCheckResult]:
    """What the newest load of each slice says, by expectation: the state of the whole feed, not of this run alone."""
    newest = warehouse.query(
        "select max_by(load_id, load_no) as load_id, max_by(state, load_no) as state "
        "from ops.load_state where source = ? and feed = ? group by instance, slice",
        [source, feed],
    )
    ids = [row["load_id"] for row in newest]
    found = warehouse.query(
        "select expectation, load_id, severity, success, unexpected_count, evaluated_count, says, remedy, sample_rows "
        "from ops.load_result where load_id in (select unnest(?)) and (not success or unexpected_count > 0)",
        [ids],
    )
    for meta in expectations:
        failing = [row for row in found if row["expectation"] == meta["name"]]
        refused = any(not row["success"] and row["severity"] == "critical" for row in failing)
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=_check_name(meta["name"]),
            passed=not failing,
            severity=dg.AssetCheckSeverity.ERROR if refused else dg.AssetCheckSeverity.WARN,
            metadata=_reasons(failing, len(ids)),
        )
    rejected = [row["load_id"] for row in newest if row["state"] == "rejected"]
    others = [row for row in found if row["load_id"] in rejected]
    yield dg.AssetCheckResult(
        asset_key=key,
        check_name=REFUSED,
        passed=not rejected,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"refused_loads": len(rejected), **_reasons(others, len(ids))},
    )


def _reasons(failing: list[dict[str, Any]], loads: int) -> dict[str, Any]:
    lines = "\n".join(
        f"| {row['load_id']} | {row['unexpected_count']} | {row['evaluated_count']} | {row['says']} | {row['remedy']} "
        f"| {row['sample_rows'] or ''} |"
        for row in failing[:50]
    )
    table = "| load | failing | of | why | remedy | rows |\n|---|---|---|---|---|---|\n" + lines
    return {
        "loads_checked": loads,
        "failing_loads": len({row["load_id"] for row in failing}),
        "failing_rows": sum(row["unexpected_count"] for row in failing),
        **(
            {
                "reasons": dg.MetadataValue.md(table),
                "explain": f"gorod explain {failing[0]['load_id']} --xlsx answer.xlsx",
            }
            if failing
            else {}
        ),
    }


def _is_files(feed: Feed) -> bool:
    """Whether the chosen origin is a folder, which trying again does not change."""
    chosen = get_settings().origin
    assert chosen
    return isinstance(feed.origins.get(chosen), FileOrigin)


def contiguous(keys: Sequence[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    """Group (instance, YYYY-MM) pairs into unbroken runs of months of one instance."""
    groups: list[tuple[str, list[str]]] = []
    for instance, month in sorted(set(keys)):
        first, _ = month_span(parse_slice(month, None).first_day)  # type: ignore[arg-type]
        previous = f"{first - timedelta(days=1):%Y-%m}"
        if groups and groups[-1][0] == instance and groups[-1][1][-1] == previous:
            groups[-1][1].append(month)
        else:
            groups.append((instance, [month]))
    return groups
