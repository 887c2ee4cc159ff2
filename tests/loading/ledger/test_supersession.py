"""One load for each delivery: what is new supersedes, and no day counts twice."""

from __future__ import annotations

import os
from datetime import date
from typing import Any

import pytest

from pipelines.deliveries import Candidate, Slice, ValidationResult
from pipelines.errors import GorodError, WarehouseError
from pipelines.loading import gate
from pipelines.loading.candidates import load_candidate
from pipelines.loading.landing import land
from pipelines.loading.load import LoadOutcome, load_delivery
from pipelines.loading.pending_markers import pending_deliveries
from tests.loading.ledger.helpers import counted_rows, effective, raw_rows, refused, wave
from tests.support.portal import HEADER, Portal

# the ledger is what is tried here, not the gate (test_suites.py)
pytestmark = pytest.mark.usefixtures("quick_gate")


def test_the_same_delivery_twice_is_one_load(portal: Portal) -> None:
    first = portal.take("2024-01", portal.rows("2024-01", 5))
    path = portal.put("2024-01", portal.rows("2024-01", 5))
    os.utime(path, (1, 1))  # offered as something new
    again = portal.load()["2024-01"]
    assert isinstance(again, LoadOutcome)
    assert (again.load_id, again.new) == (first.load_id, False)
    assert list(portal.states().values()) == ["accepted"]
    assert raw_rows(portal, first.load_id) == 5
    assert portal.candidates() == []


def test_a_correction_supersedes_its_slice_and_the_old_one_stays_readable(portal: Portal) -> None:
    other = portal.take("2024-02", portal.rows("2024-02", 4))
    old = portal.take("2024-01", portal.rows("2024-01", 5))
    new = portal.take("2024-01", portal.rows("2024-01", 6))
    assert portal.states() == {other.load_id: "accepted", old.load_id: "superseded", new.load_id: "accepted"}
    assert effective(portal) == [other.load_id, new.load_id]
    assert (raw_rows(portal, old.load_id), raw_rows(portal, new.load_id)) == (5, 6)


def test_a_refused_correction_leaves_what_was_accepted(portal: Portal) -> None:
    good = portal.take("2024-01", portal.rows("2024-01", 5))
    bad = refused(portal)
    assert portal.states() == {good.load_id: "accepted", bad.load_id: "rejected"}
    assert effective(portal) == [good.load_id]
    assert raw_rows(portal, bad.load_id) == 0


@pytest.mark.parametrize("keeps_its_time", [False, True])
def test_a_return_to_an_earlier_delivery_is_a_load_of_its_own(portal: Portal, keeps_its_time: bool) -> None:
    path = portal.put("2024-01", portal.rows("2024-01", 5))
    os.utime(path, (1000, 1000))
    a = portal.load()["2024-01"]
    b = portal.take("2024-01", portal.rows("2024-01", 6))
    path = portal.put("2024-01", portal.rows("2024-01", 5))
    if keeps_its_time:
        os.utime(path, (1000, 1000))
    back = portal.load()["2024-01"]
    assert isinstance(a, LoadOutcome)
    assert isinstance(back, LoadOutcome)
    assert back.load_id == f"{a.load_id}~2"
    assert portal.states() == {
        a.load_id: "superseded",
        b.load_id: "superseded",
        back.load_id: "accepted",
    }
    assert portal.load() == {}


def test_a_deleted_month_supersedes_nothing(portal: Portal) -> None:
    kept = portal.take("2024-01", portal.rows("2024-01", 5))
    gone = portal.take("2024-01", HEADER + "\n")
    assert gone.not_retained
    assert effective(portal) == [kept.load_id]
    assert portal.states()[kept.load_id] == "accepted"


def test_a_deleted_month_gives_way_to_rows(portal: Portal) -> None:
    gone = portal.take("2024-01", HEADER + "\n")
    assert effective(portal) == [gone.load_id]
    found = portal.take("2024-01", portal.rows("2024-01", 5))
    assert effective(portal) == [found.load_id]


class Yearly:
    """Offers of spans that the portal's file names cannot say."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal

    def candidate(self, first: date, last: date, rows: int) -> Candidate:
        month = f"{first:%Y-%m}"
        content = "\n".join([HEADER, *self.portal.rows(month, rows)]) + "\n"
        return Candidate(
            source="appeals_115", feed="requests", instance="minsk", slice=Slice("", first, last),
            origin="test", fingerprint=None, synthetic=True,
            fetch=lambda folder: (folder / "span.csv").write_text(content, encoding="utf-8") and None,
        )  # fmt: skip

    def load(self, first: date, last: date, rows: int) -> LoadOutcome:
        return load_candidate(self.candidate(first, last, rows), self.portal.settings, self.portal.warehouse)


def test_a_span_that_cuts_an_accepted_one_is_refused(portal: Portal) -> None:
    yearly = Yearly(portal)
    whole = yearly.load(date(2024, 1, 1), date(2024, 12, 31), 5)
    cutting = yearly.load(date(2024, 3, 1), date(2024, 3, 31), 4)
    assert (whole.state, cutting.state) == ("accepted", "rejected")
    (reason,) = [result for result in cutting.results if result.refuses]
    assert reason.expectation == "delivery.slice"
    assert whole.load_id in reason.says
    assert effective(portal) == [whole.load_id]


def test_a_span_that_covers_accepted_ones_supersedes_them(portal: Portal) -> None:
    yearly = Yearly(portal)
    january = yearly.load(date(2024, 1, 1), date(2024, 1, 31), 4)
    february = yearly.load(date(2024, 2, 1), date(2024, 2, 29), 4)
    beside = yearly.load(date(2023, 12, 1), date(2023, 12, 31), 4)
    # fewer rows than the eight that it replaces would be refused
    quarter = yearly.load(date(2024, 1, 1), date(2024, 3, 31), 9)
    assert portal.states() == {
        january.load_id: "superseded",
        february.load_id: "superseded",
        beside.load_id: "accepted",
        quarter.load_id: "accepted",
    }


def test_other_instances_are_left_alone(portal: Portal) -> None:
    minsk = portal.take("2024-01", portal.rows("2024-01", 5))
    folder = portal.settings.inbox / "appeals_115" / "requests" / "brest"
    folder.mkdir(parents=True)
    dropped = folder / "opendata-115-2024-01-01.csv"
    dropped.write_text("\n".join([HEADER, *portal.rows("2024-01", 3)]) + "\n", encoding="utf-8")
    portal.load()
    assert len(effective(portal)) == 2
    assert portal.states()[minsk.load_id] == "accepted"


def test_a_snapshot_and_days_do_not_count_side_by_side(portal: Portal) -> None:
    def take(slice_: Slice, rows: int) -> LoadOutcome:
        text = "\n".join([HEADER, *portal.rows("2024-01", rows)]) + "\n"
        candidate = Candidate(
            source="appeals_115", feed="requests", instance="minsk", slice=slice_, origin="test", fingerprint=None,
            synthetic=True, fetch=lambda folder: (folder / "all.csv").write_text(text, encoding="utf-8") and None,
        )  # fmt: skip
        return load_candidate(candidate, portal.settings, portal.warehouse)

    month = take(Slice("", date(2024, 1, 1), date(2024, 1, 31)), 4)
    snapshot = take(Slice(""), 5)
    assert portal.states() == {month.load_id: "superseded", snapshot.load_id: "accepted"}
    again = take(Slice("", date(2024, 1, 1), date(2024, 1, 31)), 6)
    (reason,) = [result for result in again.results if result.refuses]
    assert reason.expectation == "delivery.slice"
    assert snapshot.load_id in reason.says
    with pytest.raises(GorodError, match="would count twice"):
        wave(portal, again.load_id)
    other = take(Slice("x", date(2024, 1, 1), date(2024, 1, 31)), 7)
    assert other.state == "accepted"
    assert counted_rows(portal) == 5 + 7


def test_rows_that_do_not_arrive_undo_the_whole_load(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    validate = gate.evaluate

    def miscount(*arguments: Any) -> ValidationResult:
        validation = validate(*arguments)
        return ValidationResult(
            validation.results, validation.quarantine, validation.quarantined + 1, validation.flagged
        )

    monkeypatch.setattr(gate, "evaluate", miscount)
    portal.put("2024-01", portal.rows("2024-01", 5))
    (candidate,) = portal.candidates()
    with pytest.raises(WarehouseError, match="5 rows arrived, the gate accepted 4"):
        load_candidate(candidate, portal.settings, portal.warehouse)
    for table in (
        "ops.load",
        "ops.load_event",
        "ops.load_result",
        "ops.candidate",
        "raw.appeals_115__requests",
    ):
        assert portal.scalar(f"select count(*) from {table}") == 0
    assert [found.slice.key for found in pending_deliveries(portal.settings, "appeals_115", "requests")] == [
        "2024-01"
    ]
    monkeypatch.undo()


def test_a_pending_delivery_is_entered_once(portal: Portal) -> None:
    portal.put("2024-01", portal.rows("2024-01", 5))
    (candidate,) = portal.candidates()
    land(candidate, portal.settings)  # and the run dies here
    (delivery,) = pending_deliveries(portal.settings, "appeals_115", "requests")
    load_delivery(delivery, portal.settings, portal.warehouse)
    assert pending_deliveries(portal.settings, "appeals_115", "requests") == []
    portal.load()
    assert list(portal.states().values()) == ["accepted"]
    assert portal.candidates() == []
