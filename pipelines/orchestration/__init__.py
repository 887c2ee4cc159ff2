"""Gorod as Dagster runs it."""

# How Dagster's own message begins when an interrupt reaches a run from outside.
INTERRUPTED = "Execution was interrupted"
