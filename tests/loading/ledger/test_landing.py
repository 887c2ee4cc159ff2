"""Landing keeps the bytes; what is not as it came is neither loaded, waived nor replayed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pipelines.deliveries import Delivery
from pipelines.errors import GorodError, LandingError
from pipelines.loading.decisions import replay
from pipelines.loading.landing import land
from pipelines.loading.load import LoadOutcome, load_delivery
from pipelines.loading.pending_markers import has_pending, marker_faults, pending_deliveries
from pipelines.loading.reconcile import reconcile, spoilt
from tests.loading.ledger.helpers import effective, raw_rows, refused, wave
from tests.support.portal import Portal

# the ledger is what is tried here, not the gate (test_suites.py)
pytestmark = pytest.mark.usefixtures("quick_gate")


def test_landing_keeps_the_bytes_and_a_receipt(portal: Portal) -> None:
    path = portal.put("2024-01", portal.rows("2024-01", 5))
    (candidate,) = portal.candidates()
    delivery = land(candidate, portal.settings)
    (landed,) = delivery.paths
    assert landed.read_bytes() == path.read_bytes()
    assert landed.stat().st_mode & 0o222 == 0
    assert land(candidate, portal.settings) == delivery


def test_a_delivery_of_landing_says_all_about_itself(portal: Portal) -> None:
    portal.put("2024-01", portal.rows("2024-01", 5))
    (candidate,) = portal.candidates()
    delivery = land(candidate, portal.settings)
    (found,) = pending_deliveries(portal.settings, "appeals_115", "requests")
    assert isinstance(found, Delivery)
    assert found == delivery


# puts back the file of a warehouse; what a server restores is in postgres/test_restore.py
@pytest.mark.parametrize("engine", ["duckdb"], indirect=True)
def test_after_a_restore_landing_and_ledger_are_held_against_each_other(portal: Portal) -> None:
    first = portal.take("2024-01", portal.rows("2024-01", 5))
    path = portal.settings.home / "warehouse.duckdb"
    earlier = path.read_bytes()
    wrong = portal.take("2024-02", portal.rows("2024-02", 3))
    right = portal.take("2024-02", portal.rows("2024-02", 4))
    whole = reconcile(portal.settings, portal.warehouse)
    assert (whole.deliveries, whole.unknown, whole.missing, whole.changed) == (3, [], [], [])

    path.write_bytes(earlier)
    portal.put("2024-02", "the origin has forgotten it")
    found = reconcile(portal.settings, portal.warehouse)
    assert found.unknown == [wrong.load_id, right.load_id]
    assert pending_deliveries(portal.settings, "appeals_115", "requests") == []
    reconcile(portal.settings, portal.warehouse, take_up=True)
    for delivery in pending_deliveries(portal.settings, "appeals_115", "requests"):
        load_delivery(delivery, portal.settings, portal.warehouse)
    assert effective(portal) == [first.load_id, right.load_id]
    assert reconcile(portal.settings, portal.warehouse) == whole


def test_a_delivery_that_is_gone_or_not_as_it_came_is_named(portal: Portal) -> None:
    gone = portal.take("2024-01", portal.rows("2024-01", 5))
    changed = portal.take("2024-02", portal.rows("2024-02", 3))
    for folder in (portal.settings.landing / "appeals_115" / "requests").glob("*/*/*"):
        if folder.parent.name == "2024-01":
            shutil.rmtree(folder)
        else:
            (file,) = folder.glob("*.csv")
            file.chmod(0o600)
            file.write_text("other bytes", encoding="utf-8")
    found = reconcile(portal.settings, portal.warehouse)
    assert (found.unknown, found.missing, found.changed) == ([], [gone.load_id], [changed.load_id])


def tamper(folder: Path, how: str) -> Path:
    """Spoil a delivery in landing; the path that has to be told."""
    (file,) = folder.glob("*.csv")
    receipt = folder / "receipt.json"
    text = receipt.read_text(encoding="utf-8")
    receipt.chmod(0o600)
    match how:
        case "byte":
            file.chmod(0o600)
            content = bytearray(file.read_bytes())
            content[-5] ^= 1
            file.write_bytes(content)
            return file
        case "file":
            file.unlink()
            return file
        case "more":
            (folder / "more.csv").write_text("", encoding="utf-8")
            return folder / "more.csv"
        case "link":
            shutil.copy(file, folder.parent / "beside.csv")
            file.unlink()
            file.symlink_to(folder.parent / "beside.csv")
            return file
        case "folder":
            aside = folder.parents[5] / "aside"
            folder.rename(aside)
            folder.symlink_to(aside)
            return folder
        case "receipt":
            receipt.unlink()
        case "torn":
            receipt.write_text(text[:50], encoding="utf-8")
        case "list":
            receipt.write_text("[]", encoding="utf-8")
        case "instance":
            receipt.write_text(text.replace('"minsk"', '"brest"'), encoding="utf-8")
        case "days":
            receipt.write_text(text.replace("2024-01-31", "2024-01-30"), encoding="utf-8")
    return receipt


TAMPERED = ("byte", "file", "more", "link", "folder", "receipt", "torn", "list", "instance", "days")


def on_each_engine(first: str, *others: str) -> pytest.MarkDecorator:
    """What landing finds is in its files: in the short form a server is tried with the first kind alone."""
    kinds = [("duckdb", how) for how in (first, *others)] + [
        pytest.param("postgres", first, marks=pytest.mark.slow)
    ]
    more = [pytest.param("postgres", how, marks=pytest.mark.long) for how in others]
    return pytest.mark.parametrize(("engine", "how"), [*kinds, *more], indirect=["engine"])


def landed(portal: Portal, month: str = "2024-01") -> Path:
    (folder,) = (portal.settings.landing / "appeals_115" / "requests" / "minsk" / month).iterdir()
    return folder


@on_each_engine(*TAMPERED)
def test_what_is_not_as_it_came_is_neither_waived_nor_replayed(portal: Portal, how: str) -> None:
    bad = refused(portal)
    path = tamper(landed(portal), how)
    before = portal.warehouse.query("from ops.load_event order by all")
    for call in (
        lambda: wave(portal, bad.load_id),
        lambda: replay(bad.load_id, "test", portal.settings, portal.warehouse),
    ):
        with pytest.raises(LandingError, match="not as it came") as caught:
            call()
        assert str(path) in caught.value.message
        assert caught.value.remedy
        assert caught.value.exit_code == 5
    assert portal.warehouse.query("from ops.load_event order by all") == before
    assert raw_rows(portal, bad.load_id) == 0
    found = reconcile(portal.settings, portal.warehouse)
    assert [fault for fault in found.faults if str(path) in fault]
    assert found.changed == [bad.load_id]
    # what a trace tells of the loads behind a figure
    assert spoilt([bad.load_id], portal.settings, portal.warehouse) == found.faults
    assert spoilt([], portal.settings, portal.warehouse) == []


@pytest.mark.parametrize("what", ["received_at", "synthetic"])
def test_a_receipt_that_says_something_else_than_the_ledger_is_told(portal: Portal, what: str) -> None:
    bad = refused(portal)
    receipt = landed(portal) / "receipt.json"
    data = json.loads(receipt.read_text(encoding="utf-8"))
    data[what] = {"received_at": "2020-01-01T00:00:00", "synthetic": True}[what]
    receipt.chmod(0o600)
    receipt.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(LandingError, match=f"{what} is not what the ledger says"):
        wave(portal, bad.load_id)


@on_each_engine("byte", "file", "more", "link")
def test_a_pending_delivery_that_is_not_as_it_came_is_refused_unread(portal: Portal, how: str) -> None:
    path = portal.put("2024-01", portal.rows("2024-01", 5))
    (candidate,) = portal.candidates()
    land(candidate, portal.settings)  # and the run dies here
    spoilt = tamper(landed(portal), how)
    (delivery,) = pending_deliveries(portal.settings, "appeals_115", "requests")
    outcome = load_delivery(delivery, portal.settings, portal.warehouse)
    assert (outcome.state, outcome.rows_delivered) == ("rejected", 0)
    (reason,) = outcome.results
    assert reason.expectation == "delivery.landing"
    assert str(spoilt) in reason.says
    assert pending_deliveries(portal.settings, "appeals_115", "requests") == []
    with pytest.raises(GorodError, match="could not be read"):
        wave(portal, outcome.load_id)
    # the origin still has it, as it was: what is spoilt makes way for it, and it is loaded
    assert path.exists()
    again = portal.load()["2024-01"]
    assert isinstance(again, LoadOutcome)
    assert (again.state, again.rows_accepted) == ("accepted", 5)
    assert reconcile(portal.settings, portal.warehouse).faults == []


@on_each_engine("receipt", "folder", "torn", "list", "instance", "days")
def test_a_pending_delivery_of_which_nobody_can_say_what_it_is_stays_pending_and_is_told(
    portal: Portal, how: str
) -> None:
    portal.put("2024-01", portal.rows("2024-01", 5))
    portal.put("2024-02", portal.rows("2024-02", 5))
    for candidate in portal.candidates():
        land(candidate, portal.settings)
    path = tamper(landed(portal), how)
    taken = pending_deliveries(portal.settings, "appeals_115", "requests")
    assert [delivery.slice.key for delivery in taken] == ["2024-02"]  # the others go on
    (fault,) = marker_faults(portal.settings, "appeals_115", "requests")
    assert str(path) in fault
    assert has_pending(portal.settings)
    outcomes = portal.load()
    assert isinstance(outcomes["2024-01"], LoadOutcome)  # the origin still has it
    assert marker_faults(portal.settings, "appeals_115", "requests") == []
