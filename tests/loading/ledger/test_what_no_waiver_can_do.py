"""No waiver lets in what would count twice, what holds no row, or what is not as it was refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipelines.errors import GorodError, WarehouseError
from pipelines.loading.decisions import waive
from tests.loading.ledger.helpers import (
    bad_rows,
    counted_rows,
    end_waivers,
    raw_rows,
    refused,
    wave,
    years,
)
from tests.loading.ledger_model import TODAY
from tests.support.portal import HEADER, Portal

# the ledger is what is tried here, not the gate (test_suites.py)
pytestmark = pytest.mark.usefixtures("quick_gate")


def test_what_may_not_be_waived(portal: Portal) -> None:
    good = portal.take("2024-01", portal.rows("2024-01", 5))
    unreadable = portal.take("2024-02", "<html>")
    bad = refused(portal, "2024-03")
    for load_id, until, words in (
        (good.load_id, TODAY, "nothing to waive"),
        (unreadable.load_id, TODAY, "could not be read"),
        (bad.load_id, TODAY - timedelta(days=1), "is past"),
        ("no-such-load", TODAY, "no load"),
    ):
        with pytest.raises(GorodError, match=words) as caught:
            waive(load_id, "Петров", "w", until, portal.settings, portal.warehouse)
        assert caught.value.remedy
    assert portal.scalar("select count(*) from ops.load_event where event = 'waived'") == 0


def test_what_cuts_through_others_is_let_in_by_nobody(portal: Portal) -> None:
    earlier, later = years(portal, 2015, 2019, 5), years(portal, 2020, 2026, 7)
    cutting = years(portal, 2018, 2021, 9)
    assert (earlier.state, later.state, cutting.state) == ("accepted", "accepted", "rejected")
    before = portal.warehouse.query("from ops.load_event order by all")
    with pytest.raises(GorodError, match="it has days in common with") as caught:
        wave(portal, cutting.load_id)
    assert earlier.load_id in caught.value.message
    assert "2015..2019" in caught.value.remedy
    assert caught.value.exit_code != 0
    assert portal.warehouse.query("from ops.load_event order by all") == before
    assert raw_rows(portal, cutting.load_id) == 0
    assert counted_rows(portal) == 5 + 7


def test_a_waiver_given_after_parts_of_its_days_were_accepted(portal: Portal) -> None:
    """Refused for its rows alone, and nothing stood in its way then."""
    year = years(portal, 2024, 2024, 20, bad=20)
    month = portal.take("2024-03", portal.rows("2024-03", 5))
    assert (year.state, month.state) == ("rejected", "accepted")
    with pytest.raises(GorodError, match="would count twice"):
        wave(portal, year.load_id)
    assert portal.states() == {year.load_id: "rejected", month.load_id: "accepted"}
    assert counted_rows(portal) == 5


def test_of_two_refused_loads_that_cut_each_other_one_can_be_waived(portal: Portal) -> None:
    one, other = years(portal, 2015, 2019, 20, bad=20), years(portal, 2018, 2021, 20, bad=20)
    wave(portal, other.load_id, 3)
    # the older one would push out what is in force, by its number
    with pytest.raises(GorodError, match="would count twice"):
        wave(portal, one.load_id)
    assert portal.states() == {one.load_id: "rejected", other.load_id: "waived"}
    end_waivers(portal)
    wave(portal, one.load_id)
    assert portal.states() == {one.load_id: "waived", other.load_id: "rejected"}


def test_what_a_waiver_covers_for_now_is_not_cut_either(portal: Portal) -> None:
    """While the wide one is waived the narrow ones lie under it; when it ends, two of them would count together."""
    accepted = years(portal, 2015, 2019, 5)
    cutting = years(portal, 2018, 2021, 20, bad=20)
    wide = years(portal, 2010, 2026, 30, bad=30)
    wave(portal, wide.load_id)
    with pytest.raises(GorodError, match=f"days in common with {accepted.load_id}"):
        wave(portal, cutting.load_id)
    end_waivers(portal)
    assert portal.states() == {
        accepted.load_id: "accepted",
        cutting.load_id: "rejected",
        wide.load_id: "rejected",
    }


def test_a_waiver_that_a_newer_load_would_cover_at_once_is_not_made(portal: Portal) -> None:
    bad = refused(portal)
    newer = portal.take("2024-01", portal.rows("2024-01", 6))
    with pytest.raises(GorodError, match="a newer load has replaced it") as caught:
        wave(portal, bad.load_id)
    assert newer.load_id in caught.value.message
    assert "gorod replay" in caught.value.remedy
    assert portal.states() == {bad.load_id: "rejected", newer.load_id: "accepted"}


def test_the_same_bytes_are_not_waived_in_for_another_instance(portal: Portal) -> None:
    """Refused there by a suite of that day, and accepted meanwhile where they belong."""
    content = [*portal.rows("2024-01", 20), *bad_rows(20)]
    bad = portal.take("2024-01", content)
    folder = portal.settings.inbox / "appeals_115" / "requests" / "brest"
    folder.mkdir(parents=True)
    text = "\n".join([HEADER, *content]) + "\n"
    (folder / "opendata-115-2024-01-01.csv").write_text(text, encoding="utf-8")
    portal.load()
    (other,) = [name for name in portal.states() if ".brest." in name]
    wave(portal, other)
    with pytest.raises(GorodError, match="the same bytes already count"):
        wave(portal, bad.load_id)
    assert portal.states() == {bad.load_id: "rejected", other: "waived"}


def test_rows_that_a_waiver_does_not_find_undo_it(portal: Portal) -> None:
    bad = refused(portal)
    with portal.warehouse.connection() as connection:
        connection.execute("delete from ops.quarantine where row_no = 30")
    with pytest.raises(WarehouseError, match="19 rows are in quarantine, the ledger says 20"):
        wave(portal, bad.load_id)
    with portal.warehouse.connection() as connection:
        connection.execute(
            "insert into ops.quarantine select load_id, 99, reasons, record from ops.quarantine where row_no = 29"
        )
    with pytest.raises(WarehouseError, match="21 rows arrived, 20 are not in quarantine"):
        wave(portal, bad.load_id)
    assert portal.scalar("select count(*) from ops.load_event where event = 'waived'") == 0
    assert raw_rows(portal, bad.load_id) == 0
