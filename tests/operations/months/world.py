"""Two months of one installation, in a process whose clock is set: ``python -m tests.operations.months.world FOLDER calm|SEED``.

It is started in a checkout of its own, with the clock of ``set_clock``; all that it calls is ``gorod``.
What happened is told in ``FOLDER/story.jsonl``, and is judged by ``test_two_months.py``.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import duckdb

from pipelines.declarations.sources import load_sources
from pipelines.moments import MINSK, today
from pipelines.settings import PROJECT, Settings
from sandbox.inventory import API
from sandbox.tmf639 import serve
from tests.loading.seeded import resources
from tests.operations.months.deliveries import ARRIVALS, EMBARGO_DAY, FIRST, bad, days, lay_beginning
from tests.operations.months.disturbances import Disturbance, killed_run, plan
from tests.operations.months.set_clock import Clock
from tests.operations.receivers import PASSWORD, USER, Hook, Mails, mail_server, webhook
from tests.support import forked

PATIENCE_S = 600.0


class World:
    """An installation: a home, a mirror, a clock, and what is set to be told by mail and webhook."""

    def __init__(self, folder: Path, home: Path, inventory: str, channels: dict[str, str]) -> None:
        self.folder, self.home = folder, home
        self.clock = Clock()
        self.mirror = folder / "mirror"
        self.day = FIRST
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("GOROD_", "DAGSTER_"))
        }
        self.environment = {
            **kept,
            "GOROD_HOME": str(home),
            "GOROD_MIRROR": str(self.mirror),
            "GOROD_ORIGIN": "mirror",
            "GOROD_BELTELECOM_INVENTORY_URL": f"{inventory}/{{instance}}/{API}",
            "GOROD_PSEUDONYM_KEY": "key of the tests",
            "GOROD_BUSY_TIMEOUT_S": "60",
            "GOROD_INBOX_QUIET_S": "0",
            "GOROD_GATE_PROCESSES": "0",
            **channels,
        }

    # --- the clock, the story

    def at(self, hour: int, minute: int = 0, day: date | None = None) -> None:
        """Let it be that time of the day, in Minsk."""
        on = day or self.day
        self.clock.move_to(datetime(on.year, on.month, on.day, hour, minute, tzinfo=MINSK))

    def tell(self, what: str, **about: Any) -> None:
        """A line of the story."""
        entry = {
            "at": datetime.now(MINSK).isoformat(timespec="seconds"),
            "day": f"{self.day}",
            "what": what,
            **about,
        }
        with (self.folder / "story.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(entry, ensure_ascii=False, default=str) + "\n")

    # --- the command

    def gorod(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        """The command, run to its end, which leaves with one of ``codes``."""
        begun = time.monotonic()
        done = forked.gorod(self.environment, *arguments)
        self.tell(
            "gorod " + " ".join(arguments), code=done.returncode, seconds=round(time.monotonic() - begun, 1)
        )
        said = done.stdout[-4000:] + done.stderr[-4000:]
        assert done.returncode in codes, (
            f"{self.day}: gorod {' '.join(arguments)} left with {done.returncode}\n{said}"
        )
        assert "Traceback" not in done.stderr, said
        return done

    def json(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> Any:
        """What the command says to machines."""
        return parsed(self.gorod(*arguments, "--json", codes=codes).stdout)

    def run(self) -> None:
        """The run of a morning that nothing disturbs."""
        done = self.json("run", codes=(6,) if bad(self.day) else (0,))
        loads = [(load["load_id"], load["state"]) for load in done["loads"]]
        self.tell("run", loads=loads, built=done["built"], publication=done["publication"])
        assert sum(state == "rejected" for _, state in loads) == bad(self.day), loads

    def watch(self, *times: tuple[int, int], codes: tuple[int, ...] = (0,)) -> None:
        """Passes of the watcher, at these times of the day."""
        for hour, minute in times:
            self.at(hour, minute)
            told = self.gorod("watch", codes=codes)
            if told.stdout.strip():
                self.tell("watch", says=told.stdout.strip().splitlines())

    # --- the machine room

    def start(self, target: Callable[..., None], *arguments: Any) -> BaseProcess:
        """Begin something that will be killed."""
        return forked.start(self.folder / "said.txt", self.environment, target, *arguments)

    def age_files(self, since: float) -> None:
        """Give what runs printed and logged since the machine's ``since`` the time of the set clock, which no kernel knows."""
        now = time.time()
        for folder in (self.home / "logs", self.home / "dagster" / "storage"):
            for path in folder.rglob("*"):
                if path.is_file() and path.stat().st_mtime >= since:
                    os.utime(path, (now, now))

    def is_up_to_date(self) -> bool:
        """Whether readers see all that the ledger knows; not while a run writes."""
        done = self.gorod("status", "--json", codes=(0, 1, 4, 6, 9))
        if done.returncode == 4:
            return False
        told = parsed(done.stdout)
        return not (told["stale"] or told["unpublished"])


def parsed(text: str) -> Any:
    """JSON. In a forked process DuckDB takes itself for one at a terminal, and shows the progress of slow queries before it."""
    return json.loads(text[text.index("{") :])


def kill(process: BaseProcess) -> None:
    """With all that it started."""
    assert process.pid is not None
    os.killpg(process.pid, signal.SIGKILL)
    process.join()


def kill_at(world: World, planned: Disturbance) -> None:
    """A run that dies where, or when, it is planned."""
    if planned.place is not None:
        process = world.start(killed_run, planned.place)
        process.join(PATIENCE_S)
        assert process.exitcode == -signal.SIGKILL, (world.folder / "said.txt").read_text(encoding="utf-8")[
            -4000:
        ]
    elif planned.model is not None:
        begun, target = world.clock.real(), world.home / "dbt" / "target-duckdb"
        process = world.start(forked.command, "run")
        while not any(path.stat().st_mtime > begun for path in target.rglob(f"run/**/{planned.model}.sql")):
            assert process.is_alive(), f"the run ended before dbt came to {planned.model}"
            time.sleep(0.02)
        kill(process)
    else:
        process = world.start(forked.command, "run")
        process.join(planned.seconds)
        world.tell("was alive", alive=process.is_alive())
        if process.is_alive():
            kill(process)


def fill_disk(world: World, planned: Disturbance) -> None:
    """The disk is full from five to six."""
    disk = world.home.parent
    filler, room = disk / "filler", os.statvfs(disk)
    filler.write_bytes(b"\0" * max(room.f_bavail * room.f_frsize - planned.leave_kb * 1024, 0))
    world.gorod("run", codes=(5,))
    for minute in range(5, 60, 10):
        world.watch((5, minute), codes=(0, 5))
    filler.unlink()
    world.at(6, 0)
    world.run()
    world.watch((6, 5))


@contextmanager
def daemon(world: World) -> Iterator[subprocess.Popen[bytes]]:
    """Dagster's daemon as a service of its own; nothing of it outlives the body."""
    with (world.folder / "daemon.txt").open("ab") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli", "daemon"],
            cwd=PROJECT, env=world.environment, stdout=said, stderr=said, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        kill_all(process.pid)
        process.wait()


def below(pid: int) -> list[int]:
    """A process and everything that it and those below it started, whichever of their threads did."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(one) for path in lists for one in path.read_text(encoding="ascii").split()]
    return [pid, *(found for child in children for found in below(child))]


def kill_all(pid: int) -> None:
    """By SIGKILL, at one moment: first all are stopped, so that none is left to see the others die."""
    found = below(pid)
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for one in found:
            try:
                os.kill(one, number)
            except ProcessLookupError:
                continue


def wait(until: Callable[[], Any], why: str, each_s: float = 0.5) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not until():
        assert time.monotonic() < deadline, why
        time.sleep(each_s)


def runs(world: World, job: str) -> list[Any]:
    """Runs of jobs whose name begins so that have begun, and not ended."""
    from dagster import DagsterRunStatus, RunsFilter

    from pipelines.orchestration.dagster_home import dagster_instance

    with dagster_instance(Settings(home=world.home)) as instance:
        assert instance is not None
        begun = RunsFilter(statuses=[DagsterRunStatus.STARTED])
        return [run for run in instance.get_runs(begun) if run.job_name.startswith(job)]


def beats(world: World) -> bool:
    from pipelines.orchestration.dagster_home import dagster_instance

    now = time.time()
    with dagster_instance(Settings(home=world.home)) as instance:
        found = instance.get_daemon_heartbeats() if instance is not None else {}
        return all(name in found and now - found[name].timestamp < 60 for name in ("SENSOR", "SCHEDULER"))


def switch_on(world: World) -> None:
    """The sensors, as in the UI."""
    dagster = str(Path(sys.executable).with_name("dagster"))
    environment = {**world.environment, "DAGSTER_HOME": str(world.home / "dagster")}
    for name in ("inbox", "ledger"):
        done = subprocess.run(
            [dagster, "sensor", "start", name, "-w", "workspace.yaml"],
            cwd=PROJECT, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_S,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


def kill_daemon(world: World, planned: Disturbance, deliver: Callable[[], None]) -> None:
    """The daemon and the run that its sensor began are killed; in the morning it is started again, and ends what it began."""
    with daemon(world) as process:
        wait(lambda: beats(world), "the daemon does not show itself")
        switch_on(world)
        world.gorod("watch")
        deliver()
        job = "load_" if planned.phase == "load" else "build_"
        wait(lambda: runs(world, job), f"no sensor began a run of {job}")
        time.sleep(planned.seconds)
        world.tell("killed", runs=[run.job_name for run in runs(world, "")])
        kill_all(process.pid)
    world.tell("silent")
    world.watch((5, 40), (6, 30), (8, 0), (12, 0), (18, 0), (23, 30))
    # the next morning
    world.day += timedelta(1)
    world.at(4, 0)
    with daemon(world) as process:

        def is_done() -> bool:
            return not any((world.home / "inbox").rglob("*.csv")) and world.is_up_to_date()

        wait(is_done, "the daemon does not go on", 5)
        wait(lambda: not runs(world, ""), "a run does not end")
        wait(lambda: beats(world), "the daemon does not show itself")
        world.gorod("watch")
        os.kill(process.pid, signal.SIGTERM)
        process.wait(PATIENCE_S)
    world.watch((4, 40))
    world.day -= timedelta(1)


def leaks(world: World) -> list[str]:
    """What readers see of the third quarter."""
    with duckdb.connect(
        str(world.home / "published" / "current" / "gorod.duckdb"), read_only=True
    ) as connection:
        return [
            str(row)
            for (row,) in connection.execute(
                "select distinct indicator || ' ' || time_period from published.pub_indicator_value_v1"
                " where indicator = 'appeals_per_1000' and obs_value is not null"
                " and time_period in ('2026-Q3', '2026-07', '2026-08', '2026-09') order by 1"
            ).fetchall()
        ]


def live(world: World, planned: dict[date, Disturbance], is_watched: bool) -> None:
    """Day by day."""
    lay_beginning(world.mirror, world.home / "inbox")
    (world.home / "inbox").mkdir(parents=True, exist_ok=True)
    for day in days():
        world.day, real = day, world.clock.real()
        world.at(4, 50)

        def deliver(day: date = day) -> None:
            for arrival in ARRIVALS.get(day, ()):
                arrival.put(world.mirror, world.home / "inbox")

        happens = planned.get(day)
        if happens is not None:
            world.tell("disturbed", by=str(happens))
        if happens is not None and happens.phase:
            world.at(5, 0)
            kill_daemon(world, happens, deliver)
        else:
            deliver()
            world.at(5, 0)
            if happens is None:
                world.run()
            elif happens.kind.startswith("full disk"):
                fill_disk(world, happens)
            else:
                kill_at(world, happens)
            if is_watched:
                is_eventful = happens is not None
                world.watch(*(((5, 30), (12, 0), (18, 0), (23, 30)) if is_eventful else ((18, 0),)))
        if day.weekday() == 6:
            world.gorod("prune")
        if EMBARGO_DAY - timedelta(1) <= day <= EMBARGO_DAY + timedelta(1):
            world.tell("readers see", figures=leaks(world))
        world.age_files(real)
    world.day = days()[-1]
    for name in ("check", "reconcile"):
        world.gorod("warehouse", name)
    assert world.is_up_to_date()
    world.tell("end")


def channels(mails: Mails, hook: Hook) -> dict[str, str]:
    """Both ways that an alert leaves by."""
    return {
        "GOROD_ALERT_MAIL_TO": "night@example.by", "GOROD_SMTP_HOST": "localhost", "GOROD_SMTP_PORT": str(mails.port),
        "GOROD_SMTP_USER": USER, "GOROD_SMTP_PASSWORD": PASSWORD, "GOROD_ALERT_WEBHOOK": hook.address,
        "SSL_CERT_FILE": str(mails.authority),
    }  # fmt: skip


def main(folder: Path, how: str) -> None:
    """One world, from its first day to its last."""
    planned = {} if how == "calm" else plan(int(how))

    def inventories(instance: str) -> Any:
        known = load_sources()["beltelecom_inventory"].instances
        return resources(instance, f"{today():%Y-%m}", 0) if instance in known else None

    with ExitStack() as opened:
        inventory = opened.enter_context(serve(inventories))
        mails, hook = opened.enter_context(mail_server(folder)), opened.enter_context(webhook())
        world = World(folder, folder / "disk" / "home", inventory.url, channels(mails, hook))
        live(world, planned, is_watched=how != "calm")
        told = [re.findall(r"gorod alerts acknowledge '([^']+)'", mail.get_content()) for mail in mails.taken]
        posted = [[alert["alert"] for alert in one["alerts"]] for one in hook.taken]
        world.tell("told", mails=told, hook=posted)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
