"""Where a run comes from, as the UI has it: its timeline and its list of jobs show the runs of a code location alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from dagster import DagsterInstance
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

# as workspace.yaml names it, and as Dagster names definitions that have no other name
LOCATION, REPOSITORY = "gorod", "__repository__"


@contextmanager
def runs_of_the_location(instance: DagsterInstance, job: str) -> Iterator[None]:
    """Runs of a job that are created meanwhile belong to the code location. ``execute_in_process`` cannot be told so."""
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(LOCATION), REPOSITORY), job)
    create = partial(instance.create_run_for_job, remote_job_origin=origin)
    instance.create_run_for_job = create  # type: ignore[method-assign]
    try:
        yield
    finally:
        del instance.create_run_for_job
