"""Dagster's processes: the UI and its daemon together or as two services; nothing outlives a signal."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipelines.settings import PROJECT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
GOROD = f"{sys.executable} -m pipelines.cli"
# a busy machine takes a while to import Dagster; nothing here waits longer than it has to
PATIENCE_S = 600.0
TOKEN = "of-the-tests-alone"
BEARER = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that the first test begins, and the others find prepared."""
    return tmp_path_factory.mktemp("services") / "home"


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def script(home: Path, *commands: str) -> Iterator[list[int]]:
    """Commands put into the background by a shell script, which lets them ignore interrupts; their processes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GOROD_", "DAGSTER_"))}
    text = "\n".join(f"{command} & echo $!" for command in commands) + "\nwait"
    with subprocess.Popen(
        ["sh", "-c", text],
        cwd=PROJECT,
        env={**kept, "GOROD_HOME": str(home), "GOROD_ORIGIN": "sample", "GOROD_UI_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as shell:
        assert shell.stdout is not None
        started = [int(shell.stdout.readline()) for _ in commands]
        try:
            yield started
        finally:
            for pid in {found for one in started for found in (one, *below(one))}:
                if exists(pid):
                    os.kill(pid, signal.SIGKILL)


def below(pid: int) -> list[int]:
    """Everything that a process started, and what that started."""
    try:
        children = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [found for child in children for found in (child, *below(child))]


def exists(pid: int) -> bool:
    """Whether it runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait(until: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not until():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.5)


def answers(port: int) -> bool:
    try:
        given = httpx.get(f"http://127.0.0.1:{port}/server_info", headers=BEARER, timeout=5)
    except httpx.HTTPError:
        return False
    return given.status_code == 200


def forged(port: int) -> set[int]:
    """What the UI answers to requests that another page or another user of the machine sends."""
    address, query = f"http://127.0.0.1:{port}/graphql", "{ version }"
    evil = {**BEARER, "origin": "https://evil.example"}
    return {
        given.status_code
        for given in (
            httpx.get(address, params={"query": query}, headers=BEARER),
            httpx.post(address, data={"query": query}, headers=BEARER),
            httpx.post(address, json={"query": query}, headers=evil),
            httpx.post(address, json={"query": query}, headers={**BEARER, "host": "evil.example"}),
            httpx.post(address, json={"query": query}),
        )
    }


def healthy_daemons(port: int) -> set[str]:
    """Daemons that the UI sees alive."""
    query = "{ instance { daemonHealth { allDaemonStatuses { daemonType healthy } } } }"
    try:
        given = httpx.post(
            f"http://127.0.0.1:{port}/graphql", json={"query": query}, headers=BEARER, timeout=30
        ).json()
    except (httpx.HTTPError, ValueError):
        return set()
    statuses = given["data"]["instance"]["daemonHealth"]["allDaemonStatuses"]
    return {one["daemonType"] for one in statuses if one["healthy"]}


def test_webserver_and_daemon_are_two_services_that_may_start_at_once(home: Path, port: int) -> None:
    with script(home, f"{GOROD} ui --no-daemon --port {port}", f"{GOROD} daemon") as (webserver, daemon):
        wait(lambda: answers(port))
        wait(lambda: {"SENSOR", "SCHEDULER", "QUEUED_RUN_COORDINATOR"} <= healthy_daemons(port))
        assert forged(port) == {405, 415, 403, 421, 401}
        started = {*below(webserver), *below(daemon)}
        assert started
        os.kill(webserver, signal.SIGTERM)
        wait(lambda: not answers(port))
        assert exists(daemon)
        os.kill(daemon, signal.SIGTERM)
        wait(lambda: not any(map(exists, (webserver, daemon, *started))))


# a signal ends the two services above
@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_ui_ends_with_all_that_it_started(home: Path, port: int, number: signal.Signals) -> None:
    with script(home, f"{GOROD} ui --port {port}") as (ui,):
        wait(lambda: answers(port))
        started = below(ui)
        assert len(started) >= 3  # Dagster, its webserver, its daemon
        os.kill(ui, number)
        wait(lambda: not any(map(exists, (ui, *started))))
        assert not answers(port)
