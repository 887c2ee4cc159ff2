"""Deliveries judged ahead in processes beside: the same ledger, whatever becomes of those processes."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import process
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.deliveries import Candidate, ValidationResult
from pipelines.errors import GorodError, OriginError
from pipelines.loading import gate, suites
from pipelines.loading.candidates import load_candidates
from pipelines.loading.load import LoadOutcome, load_delivery
from pipelines.loading.pending_markers import pending_deliveries
from pipelines.loading.prefetch import MANY, Validators, prefetched, validators
from pipelines.settings import Settings
from tests.pipeline.conftest import environment_of
from tests.support import crash, forked
from tests.support.portal import HEADER, Portal

pytestmark = pytest.mark.slow

MONTHS = [f"{year}-{month:02}" for year in (2022, 2023) for month in range(1, 8)]


def publish(portal: Portal) -> None:
    """Fourteen months; some with a bad row, of another month, empty, unreadable."""
    for number, month in enumerate(MONTHS):
        rows = portal.rows(month, 20 + number)
        match number % 6:
            case 1:
                portal.put(month, [*rows, portal.row(99, month, category="6,30")])
            case 3:
                portal.put(month, portal.rows("2021-12", 20))
            case 4:
                portal.put(month, [])
            case 5:
                portal.put(month, HEADER.encode("utf-16"))
            case _:
                portal.put(month, rows)


# everything but moments and where the portal lies
LEDGER = {
    "ops.load": "* exclude (received_at, decided_at, seconds, origin)",
    "ops.load_event": "* exclude (happened_at)",
    "ops.load_result": "*",
    "ops.quarantine": "*",
    "ops.flagged_row": "*",
    "raw.appeals_115__requests": "*",
}


def entered(portal: Portal) -> dict[str, list[dict[str, Any]]]:
    """What the ledger and the raw table hold."""
    return {
        table: portal.warehouse.query(f"select {columns} from {table} order by all")
        for table, columns in LEDGER.items()
    }


def portal_at(folder: Path) -> Portal:
    """An empty warehouse, and a portal of fourteen months."""
    portal = Portal(
        Settings(home=folder / "home", mirror=folder / "mirror", origin="mirror", warehouse=""),
        folder / "mirror" / "appeals_115",
    )
    portal.warehouse.prepare()
    publish(portal)
    return portal


def load(portal: Portal) -> list[LoadOutcome]:
    """Load all that is new; each of it has to be given by its origin."""
    outcomes = []
    for _, outcome in load_candidates(portal.candidates(), portal.settings, portal.warehouse):
        assert isinstance(outcome, LoadOutcome), outcome
        outcomes.append(outcome)
    return outcomes


def pid_of_validator(_folder: Path) -> Any:
    """A task that tells which process does it."""
    return os.getpid()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """What is entered where every delivery is judged in its turn, by the process that enters it."""
    portal = portal_at(tmp_path_factory.mktemp("alone"))
    with validators(0):
        states = [outcome.state for outcome in load(portal)]
    assert states == (["accepted", "accepted", "accepted", "rejected", "accepted", "rejected"] * 3)[:14]
    return entered(portal)


@pytest.fixture(name="beside", scope="module")
def two_processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Validators]:
    """Two processes that judge; they have begun."""
    with validators(2) as opened:
        opened.expect(MANY)
        assert pid(opened, tmp_path_factory.mktemp("beside")) != os.getpid()
        yield opened


def pid(validators: Validators, folder: Path) -> Any:
    pending = validators.give(pid_of_validator, folder / "nothing")
    found = pending.result()
    validators.drop(pending)
    return found


@pytest.mark.usefixtures("beside")
def test_the_ledger_is_that_of_one_process(
    alone: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal = portal_at(tmp_path)
    here: list[Any] = []
    evaluate = gate.evaluate

    def counted(*arguments: Any) -> ValidationResult:
        here.append(arguments)
        return evaluate(*arguments)

    monkeypatch.setattr(gate, "evaluate", counted)
    assert [outcome.load_id.split(".")[3] for outcome in load(portal)] == MONTHS
    assert entered(portal) == alone
    # 10 are readable and not empty
    assert len(here) < 10
    assert not list(portal.settings.work.iterdir())


@pytest.mark.usefixtures("beside")
def test_a_broken_suite_is_told_in_its_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    portal = portal_at(tmp_path)

    def broken(*_: Any) -> Any:
        raise GorodError("the suite is broken", "Mend it.")

    monkeypatch.setattr(suites, "load_suite", broken)
    with pytest.raises(GorodError, match="the suite is broken"):
        load(portal)
    assert portal.states() == {}


@pytest.mark.usefixtures("beside")
def test_one_that_its_origin_does_not_give_stops_no_other(tmp_path: Path) -> None:
    portal = portal_at(tmp_path)
    told: dict[str, str] = {}
    candidates = portal.candidates()
    (portal.folder / "opendata-115-2022-05-01.csv").unlink()
    for candidate, outcome in load_candidates(candidates, portal.settings, portal.warehouse):
        told[candidate.slice.key] = outcome.state if isinstance(outcome, LoadOutcome) else "not given"
    assert [month for month, state in told.items() if state == "not given"] == ["2022-05"]
    assert len(portal.states()) == 13


def test_what_was_offered_before_an_origin_failed_is_loaded(tmp_path: Path) -> None:
    portal = portal_at(tmp_path)

    def failing() -> Iterator[Candidate]:
        yield from portal.candidates()[:5]
        raise OriginError("the origin is away")

    given = load_candidates(failing(), portal.settings, portal.warehouse)
    assert [candidate.slice.key for candidate, _ in (next(given) for _ in range(5))] == MONTHS[:5]
    with pytest.raises(OriginError, match="the origin is away"):
        next(given)
    assert len(portal.states()) == 5


@pytest.mark.usefixtures("beside")
def test_the_same_month_twice_among_those_that_wait(tmp_path: Path) -> None:
    portal = portal_at(tmp_path)
    (first, *_) = portal.candidates()
    again = [replace(first, fingerprint=f"{number}") for number in range(4)]
    outcomes = [outcome for _, outcome in load_candidates(again, portal.settings, portal.warehouse)]
    assert [outcome.new for outcome in outcomes if isinstance(outcome, LoadOutcome)] == [
        True,
        False,
        False,
        False,
    ]
    assert len(portal.states()) == 1


def test_processes_that_die_change_nothing(alone: dict[str, Any], beside: Validators, tmp_path: Path) -> None:
    portal = portal_at(tmp_path)
    candidates = load_candidates(portal.candidates(), portal.settings, portal.warehouse)
    for _ in range(3):
        next(candidates)
    os.kill(pid(beside, tmp_path), signal.SIGKILL)
    assert len(list(candidates)) == 11
    assert entered(portal) == alone


def made_here_alone(here: int, folder: Path) -> Any:
    """A task that a process beside does not come to the end of."""
    if os.getpid() != here:
        folder.with_suffix(".pid").write_text(str(os.getpid()), encoding="ascii")
        time.sleep(600)
    return here


def test_nobody_waits_for_processes_that_died_over_what_was_made_here(tmp_path: Path) -> None:
    told = tmp_path / "0.pid"
    with closing(Validators(1)) as beside:
        beside.expect(MANY)
        task = partial(made_here_alone, os.getpid())
        given = [beside.give(task, tmp_path / str(number)) for number in range(6)]
        while not told.exists() or not told.read_text(encoding="ascii"):
            time.sleep(0.02)
        assert given[4].call_back()
        assert given[4].make() == os.getpid()
        os.kill(int(told.read_text(encoding="ascii")), signal.SIGKILL)
        dropping = threading.Thread(target=beside.drop_all, daemon=True)
        dropping.start()
        dropping.join(30)
        assert not dropping.is_alive()


def load_and_die(folder: Path, death: tuple[str, str, int]) -> None:
    """In a process of its own: load all months, and die on the way."""
    crash.act_at(*death, crash.die)
    portal = portal_at(folder)
    with validators(1) as opened:
        opened.expect(MANY)
        load(portal)


def is_alive(group: int) -> bool:
    """Whether a process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def gone(group: int) -> bool:
    """Whether all processes of a group go by themselves."""
    deadline = time.monotonic() + 30
    while is_alive(group) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_alive(group)


@pytest.mark.slow
@pytest.mark.parametrize(
    "death",
    [
        ("pipelines.warehouse.ledger_rows:insert_batch", "after", 4),
        *(
            pytest.param(place, marks=pytest.mark.long)
            for place in (
                ("pipelines.loading.landing:land", "after", MANY),
                ("pipelines.loading.prefetch:Validators.take", "after", 3),
                ("pipelines.loading.prefetch:Validators.drop", "before", 7),
            )
        ),
    ],
    ids=lambda death: " ".join(map(str, death)),
)
def test_a_killed_run_leaves_no_process_and_is_taken_up(
    death: tuple[str, str, int], alone: dict[str, Any], tmp_path: Path
) -> None:
    process = forked.start(
        tmp_path / "said.txt", environment_of(tmp_path / "home"), load_and_die, tmp_path, death
    )
    process.join()
    assert process.exitcode == -signal.SIGKILL, (tmp_path / "said.txt").read_text(encoding="utf-8")
    assert process.pid is not None
    assert gone(process.pid)
    portal = portal_at(tmp_path)
    waiting = pending_deliveries(portal.settings, "appeals_115", "requests")
    assert waiting
    for delivery in waiting:
        load_delivery(delivery, portal.settings, portal.warehouse)
    load(portal)
    found = entered(portal)
    assert found == alone


@pytest.mark.slow
def test_an_interrupted_command_leaves_no_process(tmp_path: Path) -> None:
    portal = portal_at(tmp_path)
    process = forked.start(
        tmp_path / "said.txt",
        environment_of(tmp_path / "home", GOROD_GATE_PROCESSES="1"),
        forked.command,
        *("run", "--source", "appeals_115"),
    )
    while process.is_alive() and len(list(portal.settings.landing.glob("appeals_115/*/*/*"))) < MANY + 2:
        time.sleep(0.02)
    assert process.pid is not None
    os.killpg(process.pid, signal.SIGINT)
    process.join()
    told = (tmp_path / "said.txt").read_text(encoding="utf-8")
    assert process.exitcode == 130, told
    assert "interrupted" in told
    assert "Traceback" not in told
    assert gone(process.pid)
    assert set(portal.states().values()) <= {"accepted", "rejected"}
    rejected = portal.warehouse.query(
        "select expectation from ops.load_result where says like 'Проверка не выполнена%'"
    )
    assert rejected == []
    assert len(portal.states()) < 14


def test_an_interrupt_while_the_processes_start_comes_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half started they never answer, and can be neither waited for nor ended."""
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        if isinstance(thread, process._ExecutorManagerThread):
            signal.raise_signal(signal.SIGINT)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with closing(Validators(1)) as beside, pytest.raises(KeyboardInterrupt):
        beside.expect(MANY)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@given(st.lists(st.integers()), st.integers(0, 10), st.booleans())
def test_order_is_kept_and_nothing_is_taken_earlier_than_it_must(
    items: list[int], number: int, fails: bool
) -> None:
    taken = 0

    def source() -> Iterator[int]:
        nonlocal taken
        for item in items:
            taken += 1
            yield item
        if fails:
            raise OriginError("away")

    given_back: list[int] = []
    try:
        for item in prefetched(source(), number):
            given_back.append(item)
            assert taken <= len(given_back) + number
    except OriginError:
        assert fails
    else:
        assert not fails
    assert given_back == items
