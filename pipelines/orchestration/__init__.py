"""Gorod as Dagster runs it."""

# How Dagster's own message begins when an interrupt reaches a run from outside.
INTERRUPTED = "Execution was interrupted"

# The tag of a run that fetches what was taken already, too.
AGAIN = "gorod/again"

# Dagster's tags of a run of one partition, and of a range.
PARTITION = "dagster/partition"
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
