"""How each feed is partitioned, and the partitions of a run. Imports Dagster, but no suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

import dagster as dg

from assets.keys import PARTITION, RANGE_END, RANGE_START
from pipelines.declarations.feeds import Feed
from pipelines.declarations.sources import Source, load_sources
from pipelines.deliveries import Candidate, Delivery, month_span, parse_slice
from pipelines.moments import MINSK, ZONE

INSTANCE, MONTH = "instance", "month"


def partition_dimensions(source: Source, feed: Feed) -> tuple[str, ...]:
    """By instance and month for a monthly feed, by instance if there are several, otherwise not at all."""
    if feed.first_month is not None:
        return (INSTANCE, MONTH)
    return (INSTANCE,) if len(source.instances) > 1 else ()


def partitions_of(source: Source, feed: Feed) -> dg.PartitionsDefinition[Any] | None:
    """The partitions of a feed's raw asset."""
    instances = dg.StaticPartitionsDefinition(list(source.instances))
    match partition_dimensions(source, feed):
        case (_, _) if feed.first_month is not None:
            return dg.MultiPartitionsDefinition({INSTANCE: instances, MONTH: months_since(feed.first_month)})
        case (_,):
            return instances
        case _:
            return None


def months_since(first: date) -> dg.MonthlyPartitionsDefinition:
    """Months up to the running one. They begin at midnight in Minsk, as everywhere in Gorod, not in Greenwich."""
    return dg.MonthlyPartitionsDefinition(start_date=first.isoformat(), end_offset=1, timezone=ZONE)


def load_job_name(source: str, feed: str) -> str:
    """Name of the job that loads a feed: one for all feeds of the source that are partitioned alike."""
    declared = load_sources()[source]
    own = partition_dimensions(declared, declared.feeds[feed])
    alike = all(partition_dimensions(declared, other) == own for other in declared.feeds.values())
    return f"load_{source}" if alike else "_".join((f"load_{source}_by", *(own or ("nothing",))))


def month_of(first_day: date | None, feed: Feed) -> date:
    """The month in whose partition something is loaded: its first one, or the nearest that has a partition.

    A file name may contain any month; it is the gate that refuses it.
    """
    assert feed.first_month is not None
    # as months_since() counts
    newest = datetime.now(MINSK).date().replace(day=1)
    month = (first_day or newest).replace(day=1)
    return max(min(month, newest), feed.first_month.replace(day=1))


def partition_month(candidate: Candidate | Delivery, feed: Feed) -> date:
    """The month in whose partition a candidate or a delivery is loaded."""
    return month_of(candidate.slice.first_day, feed)


def partition_key_of(candidate: Candidate | Delivery, source: Source, feed: Feed) -> str | None:
    """The partition in which a candidate or a delivery is loaded."""
    return _partition_key(source, feed, candidate.instance, candidate.slice.first_day)


def partition_of_load(load: Mapping[str, Any]) -> str | None:
    """The partition that a row of ``ops.load_state`` belongs to; None if its feed has none."""
    source = load_sources()[load["source"]]
    return _partition_key(source, source.feeds[load["feed"]], load["instance"], load["first_day"])


def _partition_key(source: Source, feed: Feed, instance: str, first_day: date | None) -> str | None:
    match partition_dimensions(source, feed):
        case (_, _):
            month = month_of(first_day, feed).isoformat()
            return str(dg.MultiPartitionKey({INSTANCE: instance, MONTH: month}))
        case (_,):
            return instance
        case _:
            return None


def partitions_of_run(run: dg.DagsterRun) -> frozenset[str]:
    """The partitions of a run; for a range, all within it, if its job loads feeds."""
    if RANGE_START not in run.tags:
        return frozenset({run.tags[PARTITION]} if PARTITION in run.tags else ())
    first, last = run.tags[RANGE_START], run.tags.get(RANGE_END, run.tags[RANGE_START])
    for source in load_sources().values():
        for name, feed in source.feeds.items():
            partitions = partitions_of(source, feed)
            if partitions is not None and load_job_name(source.source, name) == run.job_name:
                with suppress(dg.DagsterError):  # partitions that are no longer declared
                    between = partitions.get_partition_keys_in_range(dg.PartitionKeyRange(first, last))
                    return frozenset(map(str, between))
    return frozenset({first, last})


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
