"""Gorod as Dagster runs it."""

# How Dagster's own message begins when an interrupt reaches a run from outside.
INTERRUPTED = "Execution was interrupted"

# The tag of a run that fetches what was taken already, too.
AGAIN = "gorod/again"
