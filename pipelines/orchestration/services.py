"""Dagster's processes on Gorod's state: the UI, the daemon, or both. They end when they are told to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from pipelines.orchestration.environment import ensure_manifest, prepare_dagster_home
from pipelines.publishing.folders import only_writer
from pipelines.settings import PROJECT, Settings
from pipelines.warehouse import open_warehouse

WORKSPACE = ("-w", "workspace.yaml")
# The first start parses the dbt project and makes Dagster's tables; a second service waits for that.
PREPARATION_S = 300.0


def run_both(settings: Settings, port: int) -> int:
    """Webserver and daemon until an interrupt or a termination, which end both; Dagster's exit code."""
    _prepare(settings)
    running: list[subprocess.Popen[bytes]] = []

    def end(*_: object) -> None:
        # Dagster ends its webserver and daemon when it is interrupted, and leaves them alone when it is terminated
        for server in running:
            os.killpg(server.pid, signal.SIGINT)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    running.append(
        subprocess.Popen(_command("dagster", "dev", *_address(port)), cwd=PROJECT, start_new_session=True)
    )
    return running[0].wait()


def become_webserver(settings: Settings, port: int) -> NoReturn:
    """Turn this process into the webserver alone: what a service manager starts it also ends."""
    _become(settings, "dagster-webserver", *_address(port))


def become_daemon(settings: Settings) -> NoReturn:
    """Turn this process into the daemon alone: schedules, sensors, the queue of runs."""
    _become(settings, "dagster-daemon", "run")


def _become(settings: Settings, *command: str) -> NoReturn:
    _prepare(settings)
    os.chdir(PROJECT)
    arguments = _command(*command)
    os.execv(arguments[0], arguments)


def _prepare(settings: Settings) -> None:
    """State that the processes find when they start, made by one at a time: two that make Dagster's tables collide."""
    from dagster import DagsterInstance

    with only_writer(settings.dagster_home, PREPARATION_S, "preparing Dagster's home"):
        prepare_dagster_home(settings)
        open_warehouse(settings).prepare()
        ensure_manifest(settings)
        with DagsterInstance.get():
            pass
    os.environ["GOROD_HOME"] = str(settings.home)


def _command(*command: str) -> list[str]:
    """A command of this interpreter's environment, on PATH or not."""
    name, *rest = command
    return [str(Path(sys.executable).with_name(name)), *rest, *WORKSPACE]


def _address(port: int) -> tuple[str, ...]:
    return ("-h", "127.0.0.1", "-p", str(port))
