"""A replay is a load of its own, by today's suite, and puts nothing old over what is newer."""

from __future__ import annotations

import pytest

from pipelines.errors import GorodError
from pipelines.loading.decisions import replay
from tests.loading.ledger.helpers import effective, years
from tests.support.portal import Portal

# the ledger is what is tried here, not the gate (test_suites.py)
pytestmark = pytest.mark.usefixtures("quick_gate")


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


def test_a_replay_does_not_cut_through_what_has_come_since(portal: Portal) -> None:
    month = portal.take("2024-03", portal.rows("2024-03", 5))
    year = years(portal, 2024, 2024, 9)
    again = replay(month.load_id, "test", portal.settings, portal.warehouse, anyway=True)
    assert again.state == "rejected"
    assert [result.expectation for result in again.results if result.refuses] == ["delivery.slice"]
    assert effective(portal) == [year.load_id]
