"""The ledger's raw tables as Dagster events: which partitions have data, and what the gate found.

A partition is materialized if, and only if, it has an effective load. Dagster keeps its own record of that, which becomes
wrong after a refusal, the end of a waiver or a restored backup: :func:`align` corrects it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache
from typing import Any

import dagster as dg

from assets.keys import raw_key
from assets.partitions import partition_of_load, partitions_of
from pipelines.declarations.sources import load_sources
from pipelines.loading.history.compare import asked_of
from pipelines.loading.profile import load_history
from pipelines.loading.quarantine import READABLE
from pipelines.loading.suites import load_suite
from pipelines.warehouse.base import Row, Warehouse

# the check of what the gate decided, by partition
GATE = "gate"
# how many loads and reasons a table in the UI shows
MOST_LINES = 200

COLUMNS = (
    "load_id, load_no, source, feed, instance, slice, first_day, state, rows_delivered, rows_accepted, rows_quarantined, "
    "warnings, seconds"
)
# partition -> the loads in it; a feed without partitions has one, None
Loads = dict[str | None, list[Row]]


def effective_loads(warehouse: Warehouse) -> dict[tuple[str, str], Loads]:
    """The effective loads of each feed that has any."""
    return _by_partition(
        # the states of effective loads, and of no others
        warehouse.query(
            f"select {COLUMNS} from ops.load_state where state in ('accepted', 'waived') order by load_no"
        )
    )


def newest_loads(warehouse: Warehouse) -> dict[tuple[str, str], Loads]:
    """The newest load of each slice, in whatever state."""
    return _by_partition(
        warehouse.query(
            f"select {COLUMNS} from ops.load_state natural join "
            "(select max(load_no) as load_no from ops.load group by source, feed, instance, slice) as newest "
            "order by load_no"
        )
    )


def _by_partition(loads: list[Row]) -> dict[tuple[str, str], Loads]:
    """Loads of declared instances, by feed and partition."""
    declared = load_sources()
    found: dict[tuple[str, str], Loads] = {}
    for load in loads:
        source = declared.get(load["source"])
        if source and load["feed"] in source.feeds and load["instance"] in source.instances:
            of_feed = found.setdefault((load["source"], load["feed"]), {})
            of_feed.setdefault(partition_of_load(load), []).append(load)
    return found


def materializations(
    source: str, feed: str, loads: Loads, partitions: Collection[str] | None = None
) -> Iterator[dg.AssetMaterialization]:
    """What each of these partitions (or of all) contains; ``loads`` are the effective ones."""
    total = sum(_sum(of_partition, "rows_accepted") for of_partition in loads.values())
    for partition, of_partition in loads.items():
        if partition is not None and partitions is not None and partition not in partitions:
            continue
        own = (
            {} if partition is None else {"dagster/partition_row_count": _sum(of_partition, "rows_accepted")}
        )
        yield dg.AssetMaterialization(
            raw_key(source, feed),
            partition=partition,
            metadata={"dagster/row_count": total, **own, **_counts(of_partition)},
        )


@cache
def expectations_of(source: str, feed: str) -> tuple[tuple[str, str], ...]:
    """Name and sentence of each expectation of a feed: that it can be read, its suite, its history."""
    return (
        (READABLE, "Каждая строка читается как объявленные типы."),
        *((one.meta["name"], one.meta["says"]) for one in load_suite(source, feed)),
        *asked_of(load_history(source, feed)).items(),
    )


def check_name(expectation: str) -> str:
    """The check of an expectation."""
    return expectation.replace(".", "_")


def evaluations(
    source: str,
    feed: str,
    newest: Loads,
    warehouse: Warehouse,
    partitions: Collection[str] | None = None,
) -> Iterator[dg.AssetCheckEvaluation]:
    """Checks from the newest load of each slice: the gate by partition, each expectation for the whole feed.

    Each expectation of each partition would be several thousand events in a first run (decision 27).
    """
    key = raw_key(source, feed)
    loads = [load for of_partition in newest.values() for load in of_partition]
    found = warehouse.query(
        "select expectation, load_id, severity, success, unexpected_count, evaluated_count, says, remedy, sample_rows "
        "from ops.load_result where load_id in (select unnest(?)) and (not success or unexpected_count > 0)",
        [[load["load_id"] for load in loads]],
    )
    where = {load["load_id"]: partition for partition, held in newest.items() for load in held}
    for name, _ in expectations_of(source, feed):
        failing = [row for row in found if row["expectation"] == name]
        is_refused = any(not row["success"] and row["severity"] == "critical" for row in failing)
        at = sorted({str(where[row["load_id"]]) for row in failing if where[row["load_id"]] is not None})
        yield dg.AssetCheckEvaluation(
            asset_key=key,
            check_name=check_name(name),
            passed=not failing,
            severity=dg.AssetCheckSeverity.ERROR if is_refused else dg.AssetCheckSeverity.WARN,
            metadata={
                "loads_checked": len(loads),
                **_reasons(failing),
                **({"partitions": ", ".join(at[:MOST_LINES])} if at else {}),
            },
        )
    for partition, of_partition in newest.items():
        if partition is not None and partitions is not None and partition not in partitions:
            continue
        refused = [load["load_id"] for load in of_partition if load["state"] == "rejected"]
        yield dg.AssetCheckEvaluation(
            asset_key=key,
            check_name=GATE,
            partition=partition,
            passed=not refused,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={
                "refused_loads": len(refused),
                **_counts(of_partition),
                **_reasons([row for row in found if where[row["load_id"]] == partition]),
            },
        )


def align(
    instance: dg.DagsterInstance,
    warehouse: Warehouse,
    only: tuple[str, str] | None = None,
    effective: dict[tuple[str, str], Loads] | None = None,
) -> list[tuple[str, str]]:
    """Make Dagster show as materialized exactly what is in the ledger; return the corrected feeds.

    Dagster cannot revoke a single materialization, so the asset is wiped and everything is reported again.
    """
    effective = effective_loads(warehouse) if effective is None else effective
    newest: dict[tuple[str, str], Loads] | None = None
    aligned = []
    for source in load_sources().values():
        for name, feed in source.feeds.items():
            if only not in (None, (source.source, name)):
                continue
            key = raw_key(source.source, name)
            held = effective.get((source.source, name), {})
            shown = _shown(instance, key, is_partitioned=partitions_of(source, feed) is not None)
            if shown == held.keys():
                continue
            aligned.append((source.source, name))
            events: list[dg.AssetMaterialization | dg.AssetCheckEvaluation] = []
            if shown - held.keys():
                instance.wipe_assets([key])
                shown = set()
                newest = newest_loads(warehouse) if newest is None else newest
                events += evaluations(source.source, name, newest.get((source.source, name), {}), warehouse)
            events += (
                one for one in materializations(source.source, name, held) if one.partition not in shown
            )
            for event in events:
                instance.report_runless_asset_event(event)
    return aligned


def _shown(instance: dg.DagsterInstance, key: dg.AssetKey, *, is_partitioned: bool) -> set[str | None]:
    """The partitions that Dagster shows as materialized."""
    if is_partitioned:
        return set(instance.get_materialized_partitions(key))
    return {None} if instance.get_latest_materialization_event(key) else set()


def _sum(loads: list[Row], column: str) -> int:
    # what could not be read has no rows
    return sum(int(load[column] or 0) for load in loads)


def _counts(loads: list[Row]) -> dict[str, Any]:
    columns = ("load_id", "state", "rows_delivered", "rows_accepted", "rows_quarantined", "seconds")
    lines = [" | ".join(str(load[column]) for column in columns) for load in loads[-MOST_LINES:]]
    return {
        "loads": len(loads),
        "rows_delivered": _sum(loads, "rows_delivered"),
        "rows_accepted": _sum(loads, "rows_accepted"),
        "rows_quarantined": _sum(loads, "rows_quarantined"),
        "seconds_in_gate": round(sum(float(load["seconds"] or 0) for load in loads), 3),
        "by_load": _table(["load", "state", "delivered", "accepted", "quarantine", "seconds"], lines),
    }


def _reasons(failing: list[Row]) -> dict[str, Any]:
    columns = ("load_id", "unexpected_count", "evaluated_count", "says", "remedy", "sample_rows")
    lines = [" | ".join(str(row[column] or "") for column in columns) for row in failing[:50]]
    reasons = (
        {
            "reasons": _table(["load", "failing", "of", "why", "remedy", "rows"], lines),
            "explain": f"gorod explain {failing[0]['load_id']} --xlsx answer.xlsx",
        }
        if failing
        else {}
    )
    return {
        "failing_loads": len({row["load_id"] for row in failing}),
        "failing_rows": sum(int(row["unexpected_count"] or 0) for row in failing),
        **reasons,
    }


def _table(heads: list[str], lines: list[str]) -> dg.MetadataValue[Any]:
    rows = [" | ".join(heads), "|".join("---" for _ in heads), *lines]
    return dg.MetadataValue.md("\n".join(f"| {row} |" for row in rows))
