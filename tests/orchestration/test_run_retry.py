"""A sensor asks again for what failed or was killed, not for what is under way, and later each time."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path

import dagster as dg
import pytest
from dagster import reconstructable
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from pipelines import moments
from pipelines.catalogue.definition import definitions_hash
from pipelines.loading import context as loading
from pipelines.orchestration import automation, run_retry
from pipelines.orchestration.dagster_home import prepare_dagster_home
from pipelines.publishing import publication
from pipelines.settings import get_settings
from tests.support import forked
from tests.support.portal import Portal

KILLED_RUN = """
import os, sys, json, signal
import dagster as dg

@dg.op
def write():
    os.kill(os.getpid(), signal.SIGKILL)

@dg.job(name=sys.argv[2])
def killed():
    write()

with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    killed.execute_in_process(instance=instance, run_config=quiet, tags=json.loads(sys.argv[3]))
"""
HERE = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("here"), "here")
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dg.op
def breaks() -> None:
    raise dg.Failure("the same each time")


@dg.job(name=automation.BUILD_JOB)
def build() -> None:
    """The build, by its name alone."""


@dg.job(name=automation.BUILD_JOB)
def breaking_build() -> None:
    breaks()


@dg.job(name="load_appeals_115")
def load() -> None:
    """Loads, by its name alone."""


@pytest.fixture
def instance(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", "")
    with dg.DagsterInstance.from_config(str(prepare_dagster_home(portal.settings))) as found:
        yield found


@pytest.fixture
def stale(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> Portal:
    """A ledger that no build knows, and a register to build by."""
    monkeypatch.setattr(automation, "has_register", lambda _: True)
    portal.take("2024-01", portal.rows("2024-01", 3))
    return portal


@cache
def definitions() -> dg.Definitions:
    """What the sensors need: the loads as they are, a build of two assets that do nothing."""
    from pipelines.definitions import loading

    assets = [idle(automation.INDEX), idle(automation.PUBLICATION)]
    job = dg.define_asset_job(automation.BUILD_JOB, selection=dg.AssetSelection.assets(*assets))
    own = dg.Definitions(assets=assets, jobs=[job], sensors=[automation.ledger_sensor(job)])
    return dg.Definitions.merge(loading(), own)


def idle(key: dg.AssetKey) -> dg.AssetsDefinition:
    @dg.asset(key=key)
    def nothing() -> None:
        """Does nothing."""

    return nothing


def tick(name: str, instance: dg.DagsterInstance) -> tuple[list[dg.RunRequest], str]:
    """What a tick asks for, and what it says where it asks for nothing."""
    repository = definitions().get_repository_def()
    with dg.build_sensor_context(instance, repository_def=repository) as context:
        found = definitions().resolve_sensor_def(name).evaluate_tick(context)
    return list(found.run_requests or []), found.skip_message or ""


def ledger(instance: dg.DagsterInstance) -> tuple[list[dg.RunRequest], str]:
    return tick("ledger", instance)


def inbox(instance: dg.DagsterInstance) -> tuple[list[dg.RunRequest], str]:
    return tick("inbox", instance)


def tags_of(request: dg.RunRequest) -> dict[str, str]:
    """The tags that Dagster's daemon gives to the run of a request."""
    return {**request.tags, "dagster/run_key": str(request.run_key)}


def fail(instance: dg.DagsterInstance, request: dg.RunRequest) -> None:
    breaking_build.execute_in_process(
        instance=instance, tags=tags_of(request), raise_on_error=False, run_config=QUIET
    )


def kill(instance: dg.DagsterInstance, request: dg.RunRequest) -> None:
    arguments = [
        instance.root_directory,
        request.job_name or automation.BUILD_JOB,
        json.dumps(tags_of(request)),
    ]
    environment = {**os.environ, "DAGSTER_HOME": ""}
    done = forked.python(environment, KILLED_RUN, *arguments)
    assert done.returncode == -9


def drop(portal: Portal) -> Path:
    folder = portal.settings.inbox / "appeals_115" / "requests" / "minsk"
    folder.mkdir(parents=True)
    path = folder / "opendata-115-2024-02-01.csv"
    path.write_text("id\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("ends", [fail, kill])
def test_a_build_that_failed_or_was_killed_is_asked_for_again(
    ends: Callable[..., None],
    stale: Portal,  # noqa: ARG001 - it is what the sensor looks at
    instance: dg.DagsterInstance,
    clock: Callable[[timedelta], None],
) -> None:
    (first,), _ = ledger(instance)
    ends(instance, first)
    none, why = ledger(instance)
    assert none == []
    assert "attempts so far: 1" in why
    assert "(FAILURE)" in why
    clock(run_retry.FIRST_WAIT)
    (second,), _ = ledger(instance)
    assert second.run_key != first.run_key
    assert ledger(instance)[0][0].run_key == second.run_key  # the same tick twice is one run


@pytest.mark.parametrize("ends", [fail, kill])
def test_a_dropped_file_whose_run_failed_is_asked_for_again(
    ends: Callable[..., None],
    portal: Portal,
    instance: dg.DagsterInstance,
    clock: Callable[[timedelta], None],
) -> None:
    path = drop(portal)
    (first,), _ = inbox(instance)
    ends(instance, first)
    assert inbox(instance)[0] == []
    # another file is no business of the first
    path.with_name("opendata-115-2024-03-01.csv").write_text("id\n", encoding="utf-8")
    assert [asked.partition_key for asked in inbox(instance)[0]] == ["minsk|2024-03-01"]
    clock(run_retry.FIRST_WAIT)
    again = {asked.partition_key: asked for asked in inbox(instance)[0]}
    assert again[first.partition_key].run_key != first.run_key


@pytest.mark.parametrize(
    "status", [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
)
def test_what_is_under_way_is_not_asked_for_twice(
    status: dg.DagsterRunStatus,
    stale: Portal,
    instance: dg.DagsterInstance,
    clock: Callable[[timedelta], None],
) -> None:
    drop(stale)
    for sensor, job in ((ledger, build), (inbox, load)):
        (asked,), _ = sensor(instance)
        instance.create_run_for_job(
            job,
            tags=tags_of(asked),
            status=status,
            remote_job_origin=RemoteJobOrigin(HERE, job.name),
            job_code_origin=reconstructable(job).get_python_origin(),
        )
        clock(timedelta(days=1))
        none, why = sensor(instance)
        assert none == []
        assert "is under way" in why


@pytest.mark.usefixtures("stale")
def test_a_build_that_somebody_else_began_is_waited_for(instance: dg.DagsterInstance) -> None:
    """By hand in the UI, or by the command: it has another purpose, and does the same."""
    run = instance.create_run_for_job(build, status=dg.DagsterRunStatus.STARTED)
    assert "is under way" in ledger(instance)[1]
    instance.report_run_failed(run)
    assert len(ledger(instance)[0]) == 1


def test_what_fails_each_time_is_asked_for_less_and_less(
    instance: dg.DagsterInstance, clock: Callable[[timedelta], None]
) -> None:
    """In three days of ticks each half hour: a handful on the first, then four a day; a tick says what it waits for.

    Asked of the rule itself: what a sensor looks at beside it costs half a second of a processor at each tick.
    """
    asked: list[int] = []
    for day in range(3):
        asked.append(0)
        for _ in range(24 * 2):
            clock(timedelta(minutes=30))
            answer = run_retry.request_run(instance, "a build that breaks")
            if isinstance(answer, dg.SkipReason):
                assert "attempts so far" in (answer.skip_message or "")
            else:
                asked[day] += 1
                run = instance.create_run_for_job(build, tags=tags_of(answer))
                instance.report_run_failed(run)
                at = moments.now().timestamp()
                with instance.run_storage.connect() as connection:  # type: ignore[attr-defined]
                    from sqlalchemy import text

                    connection.execute(
                        text("update runs set end_time = :at where run_id = :id"),
                        {"at": at, "id": run.run_id},
                    )
    assert asked[0] <= 12
    assert asked[2] == 4


def test_a_new_load_is_something_new_to_build(stale: Portal, instance: dg.DagsterInstance) -> None:
    fail(instance, ledger(instance)[0][0])
    assert ledger(instance)[0] == []
    stale.take("2024-02", stale.rows("2024-02", 3))
    assert len(ledger(instance)[0]) == 1


def test_what_is_built_and_was_not_published_is_published(
    stale: Portal, instance: dg.DagsterInstance, clock: Callable[[timedelta], None]
) -> None:
    """A run that is killed between build and publication leaves marts that know everything, and readers who do not."""
    with stale.warehouse.connection() as connection:
        connection.execute(
            "insert into ops.build select 'sound', now(), true, true, ?, count(load_id) from ops.deciding_event",
            [definitions_hash()],
        )
    (asked,), _ = ledger(instance)
    assert {key.path[0] for key in asked.asset_selection or []} == {"published", "publication"}
    fail(instance, asked)
    assert ledger(instance)[0] == []
    clock(run_retry.FIRST_WAIT)
    assert len(ledger(instance)[0]) == 1
    folder = get_settings().published
    folder.mkdir()
    (folder / publication.CURRENT).mkdir()
    (folder / publication.BUILT_FROM).write_text("sound")
    assert "published" in ledger(instance)[1]


def test_without_a_register_no_build_is_asked_for(portal: Portal, instance: dg.DagsterInstance) -> None:
    portal.take("2024-01", portal.rows("2024-01", 3))
    assert ledger(instance) == ([], loading.no_register())
