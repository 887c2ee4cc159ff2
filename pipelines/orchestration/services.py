"""Dagster's processes on Gorod's state: the UI, the daemon, or both. They end when they are told to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from assets.ledger_events import align
from pipelines.dbt_project import ensure_manifest
from pipelines.orchestration.dagster_home import prepare_dagster_home
from pipelines.orchestration.orphans import fail_orphaned_runs
from pipelines.publishing.folders import only_writer
from pipelines.settings import PROJECT, Settings
from pipelines.warehouse import open_warehouse

WORKSPACE = ("-w", "workspace.yaml")
# The first start parses the dbt project and makes Dagster's tables; a second service waits for that.
PREPARATION_S = 300.0


def run_both(settings: Settings, port: int) -> int:
    """Webserver and daemon until an interrupt or a termination, which end both; Dagster's exit code."""
    prepare(settings)
    running: list[subprocess.Popen[bytes]] = []

    def end(*_: object) -> None:
        # what they started ends with them when they are interrupted, and is left alone when they are terminated
        for server in running:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGINT)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    running += [
        subprocess.Popen(command, cwd=PROJECT, start_new_session=True)
        for command in (_webserver(port), _command("dagster-daemon", "run"))
    ]
    while all(server.poll() is None for server in running):
        time.sleep(0.2)
    end()
    return max(server.wait() for server in running)


def become_webserver(settings: Settings, port: int) -> NoReturn:
    """Turn this process into the webserver alone: what a service manager starts it also ends."""
    _become(settings, _webserver(port))


def become_daemon(settings: Settings) -> NoReturn:
    """Turn this process into the daemon alone: schedules, sensors, the queue of runs."""
    _become(settings, _command("dagster-daemon", "run"))


def _become(settings: Settings, command: list[str]) -> NoReturn:
    prepare(settings)
    os.chdir(PROJECT)
    os.execv(command[0], command)


def prepare(settings: Settings) -> None:
    """State that the processes find when they start, made by one at a time: two that make Dagster's tables collide."""
    from dagster import DagsterInstance

    with only_writer(settings.dagster_home, PREPARATION_S, "preparing Dagster's home"):
        prepare_dagster_home(settings)
        warehouse = open_warehouse(settings)
        warehouse.prepare()
        ensure_manifest(settings)
        with DagsterInstance.get() as instance:
            fail_orphaned_runs(instance)
            align(instance, warehouse)
    os.environ["GOROD_HOME"] = str(settings.home)


def _command(*command: str) -> list[str]:
    """A command of this interpreter's environment, on PATH or not."""
    name, *rest = command
    return [str(Path(sys.executable).with_name(name)), *rest, *WORKSPACE]


def _webserver(port: int) -> list[str]:
    module = ("-m", "pipelines.orchestration.webserver")
    return [sys.executable, *module, "-h", "127.0.0.1", "-p", str(port), *WORKSPACE]
