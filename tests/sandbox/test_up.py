"""``gorod sandbox up``: real servers, their addresses to be sourced, faults on demand."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from pipelines.settings import PROJECT
from sandbox.protocols import PROTOCOLS
from sandbox.server import Answer, Fault, Refusal, Request, Sandbox, page_of, running
from sandbox.systems import SYSTEMS
from sandbox.up import FAULTS, parsed_fault

RECORDS = [{"id": number} for number in range(5)]


class Numbers:
    """A system that gives two records a page."""

    def answer(self, request: Request, fault: Fault | None) -> Answer:
        page = page_of(RECORDS, request.whole_number("offset", 0, 0), 2, fault, lambda one: {"ID": one["id"]},
                       lambda one: {**one, "name": "somebody"})  # fmt: skip
        return Answer(page.records, headers={} if page.total is None else {"Total": str(page.total)})

    def error(self, refusal: Refusal) -> str:
        return refusal.message


@pytest.fixture(scope="module")
def numbers() -> Iterator[Sandbox]:
    with running(Numbers()) as sandbox:
        yield sandbox


def asked(sandbox: Sandbox, offset: int = 0, timeout: float = 5) -> httpx.Response:
    return httpx.get(f"{sandbox.url}/?offset={offset}", trust_env=False, timeout=timeout)


@pytest.mark.parametrize(
    ("fault", "offset", "records", "total"),
    [
        (None, 2, [2, 3], "5"),
        (Fault("duplicate"), 2, [1, 3], "5"),
        (Fault("duplicate"), 0, [0, 1], "5"),
        (Fault("drift"), 2, [1, 2], "6"),
        (Fault("missing"), 2, [2], "5"),
        (Fault("empty"), 2, [], "5"),
        (Fault("total", by=-1), 2, [2, 3], "4"),
        (Fault("no_total"), 2, [2, 3], None),
    ],
)
def test_a_fault_of_a_page(
    fault: Fault | None, offset: int, records: list[int], total: str | None, numbers: Sandbox
) -> None:
    numbers.plan(lambda _number: fault)
    answer = asked(numbers, offset)
    assert ([one["id"] for one in answer.json()], answer.headers.get("Total")) == (records, total)
    assert answer.headers["X-Synthetic-Data"] == "true"


def test_a_fault_of_the_records(numbers: Sandbox) -> None:
    numbers.plan(lambda number: Fault("schema" if number == 1 else "person"))
    assert [asked(numbers).json()[0] for _ in range(2)] == [{"ID": 0}, {"id": 0, "name": "somebody"}]


def test_a_fault_of_the_connection(numbers: Sandbox) -> None:
    numbers.plan({1: FAULTS["429"], 2: FAULTS["drop"], 3: Fault("cut"), 4: Fault("slow", seconds=0.2)}.get)
    refused = asked(numbers)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    for _ in range(2):
        with pytest.raises(httpx.RemoteProtocolError):
            asked(numbers)
    begun = time.monotonic()
    assert asked(numbers).status_code == 200 and time.monotonic() - begun >= 0.2
    assert len(numbers.requests) == 4


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("all=500", [1, 2, 3, 4, 5, 6]),
        ("tmf639=429@2", [2]),
        ("tmf639=drop@2-4", [2, 3, 4]),
        ("tmf639=503@1/3", [3, 6]),
    ],
)
def test_a_fault_is_written_with_when_it_comes(text: str, met: list[int]) -> None:
    name, faults = parsed_fault(text)
    assert name == text.partition("=")[0]
    assert [number for number in range(1, 7) if faults(number)] == met


@pytest.mark.parametrize("text", ["tmf639", "moon=429", "tmf639=418", "tmf639=429@", "tmf639=429@0"])
def test_what_cannot_be_read_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="tmf639"):
        parsed_fault(text)


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, *arguments]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    with subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        guard = threading.Timer(120, process.kill)
        guard.start()
        try:
            yield process
        finally:
            guard.cancel()
            process.kill()


def test_all_systems_answer_where_the_variables_say(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.env"
    with started("-m", "sandbox", "up", "--env", str(file), "--fault", "tmf639=500@1") as process:
        assert process.stdout is not None
        printed = []
        while not (printed and printed[-1].startswith("source ")):
            printed.append(process.stdout.readline())
            assert printed[-1], "it has ended"
        assert "Synthetic" in printed[0] and len(printed) == len(SYSTEMS) + len(PROTOCOLS) + 2
        given = dict(
            line.removeprefix("export ").split("=", 1) for line in file.read_text("utf-8").splitlines()
        )
        for simulated in SYSTEMS.values():
            prefix = f"GOROD_{simulated.source.upper()}"
            assert given[f"{prefix}_SYNTHETIC"] == "1"
            host = given[f"{prefix}_URL"].strip("'").removesuffix(simulated.address)
            answer = httpx.get(
                f"{host}/nothing-is-here", headers={"Authorization": "Token of-nobody"}, trust_env=False
            )
            assert answer.status_code == (500 if simulated.source == "beltelecom_inventory" else 404)
            assert answer.headers["X-Synthetic-Data"] == "true"
        with psycopg.connect(given["GOROD_METERING_BREST_DSN"].strip("'")) as replica:
            assert (replica.execute("select count(*) from metering.hourly_readings").fetchone() or (0,))[
                0
            ] > 0
        for name in ("METERING_SFTP", "SANDBOX_MQTT", "SANDBOX_IMAP"):
            if address := given.get(f"GOROD_{name}"):
                with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), 10):
                    pass
        assert list(Path(given["GOROD_SANDBOX_DROP"]).glob("meters-*.parquet"))
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0


def test_it_ends_by_itself_and_gorod_knows_it() -> None:
    with started("-m", "pipelines.cli", "sandbox", "up", "tmf639", "--for", "0.1") as process:
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "export GOROD_BELTELECOM_INVENTORY_URL=" in said
