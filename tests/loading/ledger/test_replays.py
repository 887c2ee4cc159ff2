"""A replay is a load of its own, by today's suite, and puts nothing old over what is newer."""

from __future__ import annotations

import pytest

from pipelines.errors import GorodError
from pipelines.loading import suites
from pipelines.loading.decisions import replay
from tests.loading.ledger.helpers import effective, refused, years
from tests.support.portal import Portal


def test_a_replay_is_a_load_of_its_own_by_todays_suite(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = refused(portal)
    again = replay(bad.load_id, "nothing changed", portal.settings, portal.warehouse)
    assert (again.load_id, again.state) == (f"{bad.load_id}~2", "rejected")
    suite = suites.load_suite("appeals_115", "requests")
    lenient = [one for one in suite if one.meta["name"] != "opened_in_month"]
    monkeypatch.setattr(suites, "load_suite", lambda *_: lenient)
    mended = replay(bad.load_id, "the suite was wrong", portal.settings, portal.warehouse)
    assert (mended.load_id, mended.state) == (f"{bad.load_id}~3", "accepted")
    assert effective(portal) == [mended.load_id]
    event = portal.warehouse.query(
        "select * from ops.load_event where event = 'replayed' order by happened_at"
    )[-1]
    assert event["why"] == "the suite was wrong"
    assert event["by_whom"]


@pytest.mark.usefixtures("quick_gate")
def test_an_old_delivery_is_not_put_over_a_newer_one_unasked(portal: Portal) -> None:
    old = portal.take("2024-01", portal.rows("2024-01", 5))
    new = portal.take("2024-01", portal.rows("2024-01", 6))
    with pytest.raises(GorodError, match="superseded by a newer delivery") as caught:
        replay(old.load_id, "test", portal.settings, portal.warehouse)
    assert new.load_id in caught.value.message
    assert "--anyway" in caught.value.remedy
    assert effective(portal) == [new.load_id]
    replay(new.load_id, "test", portal.settings, portal.warehouse)
    # of the delivery in force, though the load is an older one
    newest = replay(new.load_id, "test", portal.settings, portal.warehouse)
    assert effective(portal) == [newest.load_id]
    back = replay(old.load_id, "test", portal.settings, portal.warehouse, anyway=True)
    assert effective(portal) == [back.load_id]


@pytest.mark.usefixtures("quick_gate")
def test_a_replay_does_not_cut_through_what_has_come_since(portal: Portal) -> None:
    month = portal.take("2024-03", portal.rows("2024-03", 5))
    year = years(portal, 2024, 2024, 9)
    again = replay(month.load_id, "test", portal.settings, portal.warehouse, anyway=True)
    assert again.state == "rejected"
    assert [result.expectation for result in again.results if result.refuses] == ["delivery.slice"]
    assert effective(portal) == [year.load_id]
