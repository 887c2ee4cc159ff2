"""Dagster's own commands work in a clean clone, and leave it as it was."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipelines.settings import PROJECT

BIN = Path(sys.executable).parent
LOCATIONS = """
{ repositoriesOrError { ... on RepositoryConnection { nodes { location { name } jobs { name } } } } }
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of what is committed."""
    folder = tmp_path_factory.mktemp("clone") / "gorod"
    subprocess.run(["git", "clone", "--quiet", str(PROJECT), str(folder)], check=True)
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """That of somebody who has activated the virtual environment, and set nothing."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GOROD_", "DAGSTER_", "DBT_", "PYTEST"))
    }
    return {
        **kept,
        "HOME": str(tmp_path_factory.mktemp("user")),
        "VIRTUAL_ENV": str(BIN.parent),
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def untouched(clone: Path) -> bool:
    """Whether nothing lies in the clone that was not cloned, ignored or not."""
    told = subprocess.run(
        ["git", "status", "--porcelain", "--ignored"], cwd=clone, capture_output=True, text=True, check=True
    )
    return told.stdout == ""


@pytest.mark.long
@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["dagster", "definitions", "validate"], "All code locations passed validation"),
        (["dg", "check", "defs"], "All definitions loaded successfully"),
        (["dg", "list", "defs", "--json"], "build_and_publish"),
    ],
)
def test_the_definitions_are_looked_at_by_hand(
    clone: Path, environment: dict[str, str], command: list[str], says: str
) -> None:
    done = subprocess.run(
        command, cwd=clone, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert says in done.stdout + done.stderr
    assert untouched(clone)


@pytest.mark.long
def test_dagster_dev_serves_the_code_location(clone: Path, environment: dict[str, str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(
        ["dagster", "dev", "-h", "127.0.0.1", "-p", str(port)],
        cwd=clone,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as server:
        try:
            found = _asked(f"http://127.0.0.1:{port}/graphql", deadline=time.monotonic() + 400)
        finally:
            os.killpg(server.pid, signal.SIGINT)
            try:
                server.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
    (location,) = found["data"]["repositoriesOrError"]["nodes"]
    assert location["location"]["name"] == "gorod"
    assert {"build_and_publish", "load_appeals_115"} <= {job["name"] for job in location["jobs"]}


def _asked(address: str, deadline: float) -> dict[str, Any]:
    while True:
        try:
            found: dict[str, Any] = httpx.post(address, json={"query": LOCATIONS}, timeout=60).json()
            if found.get("data", {}).get("repositoriesOrError", {}).get("nodes"):
                return found
        except (httpx.HTTPError, json.JSONDecodeError):
            pass
        assert time.monotonic() < deadline, "dagster dev does not answer"
        time.sleep(1)
