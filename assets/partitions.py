"""What each feed's loads are partitioned by, and which partitions a run is of. Imports Dagster, and no suite."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import dagster as dg

from assets.keys import PARTITION, RANGE_END, RANGE_START
from pipelines.declarations.feeds import Feed
from pipelines.declarations.sources import Source, load_sources

INSTANCE, MONTH = "instance", "month"


def partition_dimensions(source: Source, feed: Feed) -> tuple[str, ...]:
    """By instance and month for a feed of months, by instance where there are several, else by nothing."""
    if feed.first_month is not None:
        return (INSTANCE, MONTH)
    return (INSTANCE,) if len(source.instances) > 1 else ()


def partitions_of(source: Source, feed: Feed) -> dg.PartitionsDefinition[Any] | None:
    """The partitions of a feed's raw asset."""
    instances = dg.StaticPartitionsDefinition(list(source.instances))
    match partition_dimensions(source, feed):
        case (_, _) if feed.first_month is not None:
            months = dg.MonthlyPartitionsDefinition(start_date=feed.first_month.isoformat(), end_offset=1)
            return dg.MultiPartitionsDefinition({INSTANCE: instances, MONTH: months})
        case (_,):
            return instances
        case _:
            return None


def load_job_name(source: str, feed: str) -> str:
    """Name of the job that loads a feed: one for all feeds of the source that are partitioned alike."""
    declared = load_sources()[source]
    own = partition_dimensions(declared, declared.feeds[feed])
    alike = all(partition_dimensions(declared, other) == own for other in declared.feeds.values())
    return f"load_{source}" if alike else "_".join((f"load_{source}_by", *(own or ("nothing",))))


def partition_of_load(load: Mapping[str, Any]) -> str | None:
    """The partition that a row of ``ops.load_state`` belongs to; None where its feed has none."""
    source = load_sources()[load["source"]]
    match partition_dimensions(source, source.feeds[load["feed"]]):
        case (_, _) if load["first_day"] is not None:
            return f"{load['instance']}|{load['first_day']:%Y-%m}-01"
        case (_,):
            return str(load["instance"])
        case _:
            return None


def partitions_of_run(run: dg.DagsterRun) -> frozenset[str]:
    """The partitions that a run is of; of a range all that lies in it, where its job is one that loads."""
    if RANGE_START not in run.tags:
        return frozenset({run.tags[PARTITION]} if PARTITION in run.tags else ())
    first, last = run.tags[RANGE_START], run.tags.get(RANGE_END, run.tags[RANGE_START])
    for source in load_sources().values():
        for name, feed in source.feeds.items():
            partitions = partitions_of(source, feed)
            if partitions is not None and load_job_name(source.source, name) == run.job_name:
                with suppress(dg.DagsterError):  # of partitions that are declared no more
                    between = partitions.get_partition_keys_in_range(dg.PartitionKeyRange(first, last))
                    return frozenset(map(str, between))
    return frozenset({first, last})
