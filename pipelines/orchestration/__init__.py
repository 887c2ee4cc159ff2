"""Gorod as Dagster runs it: jobs, schedules, sensors, and ``gorod run``."""
