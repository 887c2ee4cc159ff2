"""Whatever happens to one delivery, it ends in the ledger with an answer, and the others go on."""

from __future__ import annotations

import errno
import logging
import os
import signal
from collections.abc import Callable
from datetime import date
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from pipelines import formats
from pipelines.deliveries import Delivery, Slice, parse_slice
from pipelines.errors import GorodError, WarehouseError
from pipelines.loading import gate, landing, load, pending_markers, receipts
from pipelines.loading.answer import answer
from pipelines.loading.candidates import load_candidate, load_candidates
from pipelines.loading.load import LoadOutcome, load_pending
from pipelines.moments import today
from pipelines.warehouse import ledger_rows
from tests.loading.seeded import resources, snapshot
from tests.support.examples import shortened
from tests.support.portal import PERSON, Portal

SECRET = f"could not read {PERSON}"


def raising(error: BaseException, original: Callable[..., Any], slice_: str) -> Callable[..., Any]:
    """A function that fails for the delivery of one slice."""

    def failing(first: Any, *arguments: Any) -> Any:
        if not isinstance(first, Delivery) or first.slice.key == slice_:
            raise error
        return original(first, *arguments)

    return failing


def load_all(portal: Portal) -> dict[str, LoadOutcome]:
    """Load three months, what landed before first, as a run does."""
    outcomes = {}
    for delivery in pending_markers.pending_deliveries(portal.settings, "appeals_115", "requests"):
        outcomes[delivery.slice.key] = load_pending(delivery, portal.settings, portal.warehouse)
    for candidate, outcome in load_candidates(portal.candidates(), portal.settings, portal.warehouse):
        assert isinstance(outcome, LoadOutcome), outcome
        outcomes[candidate.slice.key] = outcome
    return outcomes


@pytest.fixture
def months(portal: Portal) -> Portal:
    for month in ("2024-01", "2024-02", "2024-03"):
        portal.put(month, portal.rows(month, 5))
    return portal


FAILURES = [
    RecursionError(SECRET),
    MemoryError(),
    UnicodeEncodeError("utf-8", SECRET, 0, 1, SECRET),
    pa.ArrowInvalid(SECRET),
    duckdb.InvalidInputException(SECRET),
    duckdb.OutOfMemoryException(SECRET),
    OverflowError(SECRET),
    AssertionError(SECRET),
    OSError(errno.EIO, SECRET),
    duckdb.ConversionException(f"No space left on device {SECRET}"),  # as a value may say it
]


@pytest.mark.parametrize("error", shortened(3, FAILURES), ids=[type(error).__name__ for error in FAILURES])
def test_a_failure_of_the_reader_refuses_that_delivery_alone(
    error: Exception, months: Portal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(formats, "read", raising(error, formats.read, "2024-02"))
    with caplog.at_level(logging.ERROR):
        outcomes = load_all(months)
    states = {key: outcome.state for key, outcome in outcomes.items()}
    assert states == {"2024-01": "accepted", "2024-02": "rejected", "2024-03": "accepted"}
    given = answer(outcomes["2024-02"].load_id, months.warehouse)
    (found,) = given.findings
    assert found["expectation"] == "delivery.read"
    assert type(error).__name__ in found["says"]
    assert "opendata-115-2024-02-01.csv" in found["says"]
    assert not given.load["readable"]
    everything = str(given) + caplog.text
    assert PERSON not in everything
    assert "in failing" in caplog.text  # where it was, for engineers
    assert not pending_markers.has_pending(months.settings)
    assert months.candidates() == []


def test_a_failure_of_the_gate_refuses_that_delivery_alone(
    months: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []
    evaluate = gate.evaluate

    def second(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyError(SECRET)
        return evaluate(*arguments)

    monkeypatch.setattr(gate, "evaluate", second)
    assert [outcome.state for outcome in load_all(months).values()] == ["accepted", "rejected", "accepted"]


@pytest.mark.parametrize(
    "error",
    shortened(1, [duckdb.ConversionException(SECRET), UnicodeEncodeError("utf-8", SECRET, 0, 1, SECRET)]),
)
@pytest.mark.parametrize("part", ["insert_batch", "insert_results"])
def test_rows_that_the_warehouse_refuses_refuse_their_delivery(
    part: str, error: Exception, months: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, failed = getattr(ledger_rows, part), []

    def failing(connection: Any, *arguments: Any) -> None:
        if "2024-02" in str(arguments) and not failed:
            failed.append(arguments)
            raise error
        original(connection, *arguments)

    monkeypatch.setattr(ledger_rows, part, failing)
    outcomes = load_all(months)
    assert [outcome.state for outcome in outcomes.values()] == ["accepted", "rejected", "accepted"]
    assert PERSON not in str(answer(outcomes["2024-02"].load_id, months.warehouse))
    assert months.scalar("select count(*) from raw.appeals_115__requests") == 10
    assert months.scalar("select count(*) from ops.load") == 3


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), WarehouseError),
        (duckdb.IOException("Could not write file: No space left on device"), WarehouseError),
        (GorodError("the suite is broken"), GorodError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_what_is_no_fault_of_the_delivery_stops_the_run_and_leaves_it_pending(
    error: BaseException, told: type[BaseException], months: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as failing:
        failing.setattr(formats, "read", raising(error, formats.read, "2024-02"))
        with pytest.raises(told):
            load_all(months)
    assert list(months.states().values()) == ["accepted"]
    assert pending_markers.has_pending(months.settings)
    load_all(months)
    assert list(months.states().values()) == ["accepted"] * 3
    assert not pending_markers.has_pending(months.settings)


# where a disk that is full is met while a delivery is read, judged (by Great Expectations, which may keep it to itself) and
# held against its past: at any call, or at one that says so
WITHIN = [
    ("pipelines.formats.json_records.write_batch", ""),
    ("pipelines.loading.gx_duckdb._BufferedCursor.execute", ""),
    ("pipelines.loading.gx_duckdb._BufferedCursor.execute", "count"),
    ("pipelines.loading.load.compared_with_history", ""),
]


@pytest.mark.parametrize(("place", "word"), shortened(2, WITHIN))
def test_a_full_disk_refuses_nobody_wherever_it_is_met(
    place: str, word: str, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    branch = snapshot("brest", "2026-09", resources("brest", "2026-09", 0)).candidate()
    full = duckdb.IOException("Could not write file: No space left on device")
    original = resolve_name(place)

    def failing(*arguments: Any, **options: Any) -> Any:
        if word in str(arguments).lower():
            raise full
        return original(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(place, failing)
        with pytest.raises(WarehouseError, match="disk is full"):
            load_candidate(branch, portal.settings, portal.warehouse)
    assert portal.states() == {}
    (delivery,) = pending_markers.pending_deliveries(portal.settings, branch.source, branch.feed)
    assert load_pending(delivery, portal.settings, portal.warehouse).state == "accepted"


def test_a_warehouse_that_takes_nothing_is_told_and_refuses_nobody(
    months: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: Any) -> None:
        raise duckdb.ConversionException("all of it")

    with monkeypatch.context() as broken:
        broken.setattr(ledger_rows, "insert_events", failing)
        with pytest.raises(WarehouseError, match="takes no load"):
            load_all(months)
    assert months.states() == {}
    assert [outcome.state for outcome in load_all(months).values()] == ["accepted"] * 3


def die_of_it(_folder: Path) -> Any:
    """A task that kills the process that does it."""
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_delivery_that_kills_the_process_is_refused_when_it_is_taken_up_again(
    months: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *_ = months.candidates()
    delivery = landing.land(first, months.settings)
    assert pending_markers.take_up(delivery, months.settings) == 0  # and that run dies too
    with monkeypatch.context() as poisoned:
        poisoned.setattr(load, "validation_task", lambda *_: die_of_it)
        outcome = load_pending(delivery, months.settings, months.warehouse)
    assert outcome.state == "rejected"
    (found,) = answer(outcome.load_id, months.warehouse).findings
    assert (found["expectation"], "оборвался" in found["says"]) == ("delivery.read", True)
    load_all(months)
    assert list(months.states().values()) == ["rejected", "accepted", "accepted"]


def test_a_sound_delivery_that_was_killed_twice_is_taken_by_a_process_of_its_own(months: Portal) -> None:
    first, *_ = months.candidates()
    delivery = landing.land(first, months.settings)
    pending_markers.take_up(delivery, months.settings)
    outcome = load_pending(delivery, months.settings, months.warehouse)
    assert (outcome.state, outcome.rows_accepted) == ("accepted", 5)
    assert not pending_markers.has_pending(months.settings)
    assert list(months.settings.work.iterdir()) == []


def test_what_cannot_land_stops_no_other(months: Portal) -> None:
    broken = months.settings.landing / "appeals_115" / "requests" / "minsk" / "2024-02"
    broken.parent.mkdir(parents=True)
    broken.write_text("where the folder of the slice should be", encoding="utf-8")
    given = list(load_candidates(months.candidates(), months.settings, months.warehouse))
    assert [isinstance(outcome, LoadOutcome) for _, outcome in given] == [True, False, True]
    assert "could not land" in str(given[1][1])
    broken.unlink()
    # a marker that names nothing holds up nobody
    (months.settings.landing / ".pending" / "appeals_115.requests.x").write_text("{", encoding="utf-8")
    assert [outcome.state for outcome in load_all(months).values()] == ["accepted"]


def test_bytes_whose_hash_begins_alike_are_another_delivery(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = landing.digest_of

    def alike(*arguments: Any) -> tuple[str, int]:
        sha256, size = digest(*arguments)
        return "0" * 12 + sha256[12:], size

    for module in (landing, receipts):
        monkeypatch.setattr(module, "digest_of", alike)
    for rows in (5, 6):
        outcome = portal.take("2024-01", portal.rows("2024-01", rows))
        assert (outcome.new, outcome.rows_accepted) == (True, rows)
    assert list(portal.states().values()) == ["superseded", "accepted"]


# ---- periods ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("month", "said"), [("2062-10", "ещё не начался"), ("9999-12", "ещё не начался"), ("2015-10", "раньше")]
)
@pytest.mark.parametrize("rows", shortened(1, [5, 0]))
def test_a_month_that_cannot_be_is_refused_and_the_others_are_loaded(
    month: str, said: str, rows: int, months: Portal
) -> None:
    months.put(month, months.rows(month, rows))
    outcomes = load_all(months)
    assert outcomes.pop(month).state == "rejected"
    assert [outcome.state for outcome in outcomes.values()] == ["accepted"] * 3
    (load_id,) = [load_id for load_id, state in months.states().items() if state == "rejected"]
    given = answer(load_id, months.warehouse)
    (found,) = given.findings
    assert (found["expectation"], said in found["says"]) == ("delivery.period", True)
    assert "имени файла" in found["remedy"]
    assert not given.load["readable"]
    assert months.candidates() == []


def test_the_month_that_it_is_now_may_be_delivered_and_the_next_may_not(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.loading import validate

    monkeypatch.setattr(validate, "today", lambda: date(2024, 2, 1))
    for month in ("2024-02", "2024-03"):
        portal.put(month, portal.rows(month, 5))
    assert {key: outcome.state for key, outcome in load_all(portal).items()} == {
        "2024-02": "accepted",
        "2024-03": "rejected",
    }
    untimely = validate._untimely
    feed = load.load_sources()["belstat"].feeds["wages"]
    assert untimely(parse_slice("2018-2024", None), feed) is None  # a year that has begun
    assert untimely(parse_slice("2018-2025", None), feed) is not None
    assert untimely(parse_slice("2024-02-01", None), feed) is None
    assert untimely(parse_slice("2024-02-02", None), feed) is not None
    assert untimely(Slice("snapshot"), feed) is None


def test_every_period_that_can_be_written_has_a_name(portal: Portal) -> None:
    assert parse_slice("9999-12", None).key == "9999-12"
    assert parse_slice("9999", None).last_day == date(9999, 12, 31)
    for wrong in (
        "0000-01",
        "0001-01",
        "1899",
        "2024-13",
        "2024-02-30",
        "2024-2023",
        "٢٠٢٤",
        "٢٠٢٤-٠١",
        "2024-1",
    ):
        with pytest.raises(GorodError, match="is not a period"):
            parse_slice(wrong, None)
    assert today() > date(2024, 1, 1)
    assert portal.candidates() == []
