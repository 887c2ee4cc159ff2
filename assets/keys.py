"""Names that assets and the jobs made of them share: keys, the writer's pool, tags."""

from __future__ import annotations

import dagster as dg

from pipelines.reporting.digest import DIGEST

INDEX = dg.AssetKey(["published", "pub_index_value_v1"])
PUBLICATION = dg.AssetKey(["publication", "current"])
EXPORTS = dg.AssetKey(["exports", "current"])
REPORT = dg.AssetKey(["report", DIGEST])
PROFILES = dg.AssetKey(["report", "territory_profile"])

# The pool of everything that writes to the warehouse: DuckDB has one writer.
WRITER_POOL = "warehouse"

# The tag of a run that also fetches what was already taken.
AGAIN = "gorod/again"

# In the metadata of a failed step that loads: the loads that the gate refused, and what else went wrong.
REFUSED_LOADS, FAILURES = "refused_loads", "failures"

# How Dagster's own message begins when an interrupt reaches a run from outside.
INTERRUPTED = "Execution was interrupted"

# Dagster's tags of a run of one partition, and of a range.
PARTITION = "dagster/partition"
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def raw_key(source: str, feed: str) -> dg.AssetKey:
    """The asset key of a feed's raw table: its name."""
    return dg.AssetKey(["raw", f"{source}__{feed}"])
