"""Each alert goes out once by each channel, is acknowledged, and ends; what a channel did not take is sent later."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
    TickData,
    TickStatus,
)
from dagster._utils.error import SerializableErrorInfo
from typer.testing import CliRunner

from pipelines.catalogue.definition import definitions_hash
from pipelines.cli import app
from pipelines.exit_codes import ExitCode
from pipelines.moments import now, today
from pipelines.operations.alerts import conditions
from pipelines.operations.alerts.journal import FILE, journal
from pipelines.operations.alerts.watch import watch
from pipelines.orchestration.dagster_home import dagster_instance, prepare_dagster_home
from pipelines.settings import PROJECT, get_settings
from tests.operations.receivers import PASSWORD, Hook, Mails
from tests.support.portal import Portal

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
DAEMON_S = 300.0
RANGE_START, RANGE_END = "asset_partition_range_start", "asset_partition_range_end"
Move = Callable[[timedelta], None]


@dg.op
def breaks() -> None:
    raise dg.Failure("broken")


@dg.op
def works() -> None:
    """Goes well."""


@dg.job(name="load_anything")
def broken() -> None:
    breaks()


@dg.job(name="load_anything")
def sound() -> None:
    works()


@pytest.fixture
def quiet(told: Portal, monkeypatch: pytest.MonkeyPatch) -> Portal:
    """Nothing is amiss: no feed is ever late, and no build is wanted."""
    monkeypatch.setattr("pipelines.operations.status.late_instances", lambda *_: [])
    monkeypatch.setattr("pipelines.operations.status.stale_since", lambda _: None)
    # nor does anybody owe answers to a survey (tests/sources/test_giprosvyaz_survey.py)
    monkeypatch.setattr("pipelines.operations.alerts.conditions.reminders", lambda _: [])
    assert watch(told.settings).raised == []
    return told


def refuse(portal: Portal, month: str = "2024-02") -> str:
    rows = [portal.row(number, month, status="9" if number % 2 else "5") for number in range(1, 21)]
    return portal.take(month, rows).load_id


def execute(job: dg.JobDefinition, portal: Portal, partition: str = "minsk", **tags: str) -> None:
    with dg.DagsterInstance.from_config(str(prepare_dagster_home(portal.settings))) as instance:
        job.execute_in_process(
            instance=instance,
            run_config=QUIET,
            raise_on_error=False,
            tags={f"dagster/{name}": key for name, key in (tags or {RANGE_START: partition}).items()},
        )


def test_a_refused_load_is_told_once_by_each_channel(quiet: Portal, mails: Mails, hook: Hook) -> None:
    load_id = refuse(quiet)
    key = f"load_refused/{load_id}"
    assert watch(quiet.settings).raised == [key]
    for _ in range(3):
        assert watch(quiet.settings).raised == []
    (mail,), (posted,) = mails.taken, hook.taken
    assert mails.over_tls == [True]
    assert mail["To"] == "night@example.by, day@example.by"
    assert f"gorod explain {load_id}" in mail.get_content()
    assert [alert["alert"] for alert in posted["alerts"]] == [key]
    lines = [json.loads(line) for line in (quiet.settings.home / FILE).read_text().splitlines()]
    assert [line["event"] for line in lines] == ["seen", "raised", "sent", "sent"]
    # another load is another alert, and says nothing of the first
    other = refuse(quiet, "2024-03")
    watch(quiet.settings)
    assert [alert["alert"] for alert in hook.taken[1]["alerts"]] == [f"load_refused/{other}"]
    assert len(mails.taken) == 2


def test_what_is_over_ends_and_what_comes_again_is_new(quiet: Portal, hook: Hook) -> None:
    load_id = refuse(quiet)
    watch(quiet.settings)
    quiet.take("2024-02", quiet.rows("2024-02", 20))
    assert watch(quiet.settings).cleared == [f"load_refused/{load_id}"]
    assert len(hook.taken) == 1
    refuse(quiet, "2024-04")
    watch(quiet.settings)
    assert len(hook.taken) == 2


def test_a_failed_run_is_told_once_however_often_it_is_tried(quiet: Portal, hook: Hook) -> None:
    for _ in range(3):
        execute(broken, quiet)
        watch(quiet.settings)
    (posted,) = hook.taken
    assert [alert["alert"] for alert in posted["alerts"]] == ["run_failed/load_anything minsk"]
    # another partition that goes well hides nothing
    execute(sound, quiet, "brest")
    assert watch(quiet.settings).cleared == []
    execute(sound, quiet)
    assert watch(quiet.settings).cleared == ["run_failed/load_anything minsk"]
    execute(broken, quiet)
    assert watch(quiet.settings).raised == ["run_failed/load_anything minsk"]


BRANCHES = {RANGE_START: "brest", RANGE_END: "mogilev"}  # all seven, as they are declared
MONTHS = {RANGE_START: "brest|2026-07-01", RANGE_END: "brest|2026-09-01"}


@pytest.mark.parametrize(
    ("job", "failed", "part", "other"),
    [
        # what a killed run had loaded is not loaded again: the next takes what was left of the branches
        ("load_beltelecom_inventory", BRANCHES, {"partition": "vitebsk"}, None),
        ("load_appeals_115", MONTHS, {RANGE_START: "brest|2026-08-01", RANGE_END: "brest|2026-09-01"},
         {"partition": "brest|2026-06-01"}),
        # the command names a range of one where the daemon names a partition
        ("load_appeals_115", dict.fromkeys(MONTHS, "brest|2026-09-01"), {"partition": "brest|2026-09-01"},
         {"partition": "minsk|2026-09-01"}),
    ],
)  # fmt: skip
def test_a_failed_range_is_over_when_a_part_of_it_goes_well(
    job: str, failed: dict[str, str], part: dict[str, str], other: dict[str, str] | None, quiet: Portal
) -> None:
    bad, good = (dg.GraphDefinition(job, node_defs=[step]).to_job() for step in (breaks, works))
    execute(bad, quiet, **failed)
    (key,) = watch(quiet.settings).raised
    if other is not None:
        execute(good, quiet, **other)
        assert watch(quiet.settings).cleared == []
    execute(good, quiet, **part)
    assert watch(quiet.settings).cleared == [key]


def test_a_run_that_was_killed_after_its_load_entered_is_over(quiet: Portal) -> None:
    """Nothing is left to be run again, so no run of it will ever go well."""
    quiet.take("2024-01", quiet.rows("2024-01", 3))
    bad = dg.GraphDefinition("load_appeals_115", node_defs=[breaks]).to_job()
    execute(bad, quiet, partition="minsk|2024-02-01")
    (key,) = watch(quiet.settings).raised
    quiet.take("2024-01", quiet.rows("2024-01", 4))  # another partition
    assert watch(quiet.settings).cleared == []
    quiet.take("2024-02", quiet.rows("2024-02", 3))
    assert watch(quiet.settings).cleared == [key]


def test_each_silent_city_is_an_alert(told: Portal, hook: Hook) -> None:
    last = today().replace(day=1) - timedelta(days=1)
    told.take(f"{last:%Y-%m}", told.rows(f"{last:%Y-%m}", 3))
    watch(told.settings)
    watch(told.settings)
    (posted,) = hook.taken  # one message for all
    late = [alert["alert"] for alert in posted["alerts"] if alert["kind"] == "feed_late"]
    assert "feed_late/appeals_115.requests/brest" in late
    assert "feed_late/appeals_115.requests/minsk" not in late
    assert len(late) == len(set(late))


def test_marts_that_stay_behind_are_an_alert_and_those_of_a_moment_are_none(
    told: Portal, hook: Hook, clock: Move, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.operations.status.late_instances", lambda *_: [])
    monkeypatch.setattr("pipelines.operations.alerts.conditions.reminders", lambda _: [])
    told.take("2024-01", told.rows("2024-01", 3))
    assert watch(told.settings).raised == []
    clock(timedelta(hours=5))
    assert watch(told.settings).raised == []
    clock(timedelta(hours=2))
    assert watch(told.settings).raised == ["build_stale"]
    clock(timedelta(days=2))
    assert watch(told.settings).raised == []
    with told.warehouse.connection() as connection:
        connection.execute(
            "insert into ops.build select 'sound', ?::timestamptz, true, true, ?, count(load_id) from ops.deciding_event",
            [now().isoformat(), definitions_hash()],
        )
    monkeypatch.setattr("pipelines.operations.status.is_unpublished", lambda *_: False)
    assert watch(told.settings).cleared == ["build_stale"]
    assert len(hook.taken) == 1


def test_an_acknowledged_alert_is_listed_and_not_sent(quiet: Portal, mails: Mails, hook: Hook) -> None:
    mails.refuses, hook.answers = True, 500
    load_id = refuse(quiet)
    watch(quiet.settings)
    run = CliRunner().invoke
    assert "open" in run(app, ["alerts"]).stdout
    done = run(app, ["alerts", "acknowledge", load_id, "--by", "Н. Н.", "--why", "звоню поставщику"])
    assert done.exit_code == 0, done.output
    mails.refuses, hook.answers = False, 200
    assert watch(quiet.settings).failures == []
    assert (mails.taken, hook.taken) == ([], [])
    assert "seen by Н. Н. (звоню поставщику)" in run(app, ["alerts"]).stdout
    assert run(app, ["alerts", "acknowledge", "nothing"]).exit_code == ExitCode.REFUSED
    (listed,) = json.loads(run(app, ["alerts", "--json"]).stdout)
    assert listed["acknowledged_by"] == "Н. Н."


def test_what_a_channel_does_not_take_is_sent_later_and_by_the_other_once(
    quiet: Portal, mails: Mails, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook.answers = 503
    refuse(quiet)
    done = CliRunner().invoke(app, ["watch"])
    assert done.exit_code == ExitCode.ORIGIN
    assert "the webhook answers 503" in done.output
    assert "nobody-may-see" not in done.output
    assert (len(mails.taken), len(hook.taken)) == (1, 0)
    hook.answers = 200
    assert CliRunner().invoke(app, ["watch"]).exit_code == 0
    assert (len(mails.taken), len(hook.taken)) == (1, 1)
    # a password that is not the right one, an authority that nobody knows
    refuse(quiet, "2024-05")
    monkeypatch.setenv("GOROD_SMTP_PASSWORD", "another")
    get_settings.cache_clear()
    assert watch(get_settings()).failures == ["the mail server answers 535 (SMTPAuthenticationError)"]
    monkeypatch.setenv("GOROD_SMTP_PASSWORD", PASSWORD)
    monkeypatch.delenv("SSL_CERT_FILE")
    get_settings.cache_clear()
    (failure,) = watch(get_settings()).failures
    assert "no trusted TLS" in failure
    assert len(mails.taken) == 1
    assert PASSWORD not in (quiet.settings.home / FILE).read_text()


def test_a_line_cut_short_by_a_full_disk_loses_no_other(quiet: Portal) -> None:
    first = refuse(quiet)
    watch(quiet.settings)
    with (quiet.settings.home / FILE).open("a") as stream:
        stream.write('{"at": "2026-')
    second = refuse(quiet, "2024-03")
    assert watch(quiet.settings).raised == [f"load_refused/{second}"]
    with journal(quiet.settings.home) as kept:
        assert set(kept.open) == {f"load_refused/{first}", f"load_refused/{second}"}


def test_a_warehouse_that_is_written_ends_no_alert(quiet: Portal) -> None:
    refuse(quiet)
    watch(quiet.settings)
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, quiet.settings.warehouse],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        done = watch(quiet.settings)
        assert (done.raised, done.cleared) == ([], [])
        assert conditions.LOAD_REFUSED in done.unread
        holder.communicate()
    assert watch(quiet.settings).unread == []


def ticked(portal: Portal, kind: InstigatorType, *ends: TickStatus) -> None:
    """A schedule or sensor of that name is switched on, and has made these ticks."""
    name = f"some_{kind.value.lower()}"
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("gorod"), "__repository__")
    origin = RemoteInstigatorOrigin(repository, name)
    with dg.DagsterInstance.from_config(str(prepare_dagster_home(portal.settings))) as instance:
        if not instance.all_instigator_state():
            data = ScheduleInstigatorData("0 5 * * *") if kind is InstigatorType.SCHEDULE else None
            instance.add_instigator_state(InstigatorState(origin, kind, InstigatorStatus.RUNNING, data))
        for end in ends:
            failure = SerializableErrorInfo("a stack\nKeyError: 'x'\n", [], None)
            instance.create_tick(
                TickData(
                    origin.get_id(), name, kind, end, now().timestamp(), selector_id=origin.get_selector().get_id(),
                    error=failure if end is TickStatus.FAILURE else None,
                )
            )  # fmt: skip


@pytest.mark.parametrize(("kind", "failures"), [(InstigatorType.SENSOR, 3), (InstigatorType.SCHEDULE, 1)])
def test_a_sensor_or_schedule_that_itself_fails_is_told_once(
    quiet: Portal, hook: Hook, clock: Move, kind: InstigatorType, failures: int
) -> None:
    """It starts no run that could fail. A sensor is asked again within seconds, a schedule tomorrow."""
    fail, well = TickStatus.FAILURE, TickStatus.SKIPPED
    key = f"ticks_failed/some_{kind.value.lower()}"
    ticked(quiet, kind, well, *[fail] * (failures - 1))
    assert key not in watch(quiet.settings).raised
    clock(timedelta(seconds=30))
    ticked(quiet, kind, fail)
    assert key in watch(quiet.settings).raised
    clock(timedelta(seconds=30))
    ticked(quiet, kind, fail)
    done = watch(quiet.settings)
    assert key not in [*done.raised, *done.cleared]
    (told,) = [alert for sent in hook.taken for alert in sent["alerts"] if alert["alert"] == key]
    assert "KeyError: 'x'" in told["says"]
    clock(timedelta(seconds=30))
    ticked(quiet, kind, well)
    assert key in watch(quiet.settings).cleared


def test_the_journal_forgets_what_has_been_over_for_long_and_nothing_else(
    quiet: Portal, hook: Hook, clock: Move
) -> None:
    days = quiet.settings.keep_alerts_days
    path = quiet.settings.home / FILE
    lasting = refuse(quiet)
    watch(quiet.settings)
    execute(broken, quiet)
    assert watch(quiet.settings).raised == ["run_failed/load_anything minsk"]
    execute(sound, quiet)
    assert watch(quiet.settings).cleared == ["run_failed/load_anything minsk"]
    clock(timedelta(days=days - 1))
    watch(quiet.settings)
    assert "run_failed" in path.read_text(encoding="utf-8")
    clock(timedelta(days=2))
    watch(quiet.settings)
    assert "run_failed" not in path.read_text(encoding="utf-8")
    with journal(quiet.settings.home) as kept:
        assert list(kept.open) == [f"load_refused/{lasting}"]
        assert kept.past == []
    told = [alert["alert"] for sent in hook.taken for alert in sent["alerts"]]
    assert told.count(f"load_refused/{lasting}") == 1


def test_who_waits_for_the_journal_writes_into_the_new_file(quiet: Portal) -> None:
    home = quiet.settings.home

    def wait() -> None:
        with journal(home) as kept:
            kept.see(conditions.Condition("later", "x", "y"))

    waiting = threading.Thread(target=wait)
    with journal(home) as kept:
        kept.clear(kept.see(conditions.Condition("before", "x", "y")))
        waiting.start()
        time.sleep(0.3)
        kept.forget(now() + timedelta(days=1))
    waiting.join()
    lines = [json.loads(line) for line in (home / FILE).read_text(encoding="utf-8").splitlines()]
    assert [line["alert"] for line in lines] == ["later"]


@pytest.mark.slow
def test_a_daemon_that_is_killed_is_told_once(quiet: Portal, mails: Mails, hook: Hook, clock: Move) -> None:
    kept = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    with subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", "daemon"],
        cwd=PROJECT,
        env=kept,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as daemon:
        try:
            deadline = time.monotonic() + DAEMON_S
            while not _beats(quiet):
                assert time.monotonic() < deadline
                assert daemon.poll() is None
                time.sleep(1)
            assert watch(quiet.settings).raised == []
        finally:
            os.killpg(daemon.pid, signal.SIGKILL)
    clock(timedelta(minutes=9))
    assert watch(quiet.settings).raised == []
    clock(timedelta(minutes=2))
    assert watch(quiet.settings).raised == ["scheduler_silent"]
    clock(timedelta(hours=8))
    assert watch(quiet.settings).raised == []
    assert len(mails.taken) == len(hook.taken) == 1
    assert "gorod daemon" in mails.taken[0].get_content()


def _beats(portal: Portal) -> bool:
    with dagster_instance(portal.settings) as instance:
        return instance is not None and set(conditions.DAEMONS) <= set(instance.get_daemon_heartbeats())


def test_a_server_that_is_down_is_an_alert_and_keeps_its_password(
    told: Portal, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOROD_WAREHOUSE", "postgresql://nobody:secret-word@127.0.0.1:9/none")
    get_settings.cache_clear()
    done = watch(get_settings())
    assert done.raised == ["warehouse_unreadable"]
    assert done.unread
    watch(get_settings())
    (posted,) = hook.taken
    assert "secret-word" not in json.dumps(posted)
    assert "secret-word" not in (told.settings.home / FILE).read_text()
