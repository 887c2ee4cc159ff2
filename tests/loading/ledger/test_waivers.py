"""A waiver lets in until its day, under somebody's name, and replaces what lies within its days."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipelines.loading.decisions import waive, would_replace
from tests.loading.ledger.helpers import effective, raw_rows, refused, wave
from tests.loading.ledger_model import TODAY
from tests.support.portal import Portal

# the ledger is what is tried here, not the gate (test_suites.py)
pytestmark = pytest.mark.usefixtures("quick_gate")


def test_a_waiver_lets_in_until_its_day_and_says_who_and_why(portal: Portal) -> None:
    bad = refused(portal)
    waive(bad.load_id, "Петров", "исправят в марте", TODAY, portal.settings, portal.warehouse)
    assert portal.states() == {bad.load_id: "waived"}
    assert effective(portal) == [bad.load_id]
    kept_back = portal.scalar("select count(*) from ops.quarantine where load_id = ?", bad.load_id)
    assert raw_rows(portal, bad.load_id) + kept_back == 40
    (event,) = portal.warehouse.query("select * from ops.load_event where event = 'waived'")
    assert (event["by_whom"], event["why"], event["until"]) == ("Петров", "исправят в марте", TODAY)
    assert portal.scalar("select outcome from ops.load") == "rejected"  # what the gate said stays said


def test_a_waiver_expires_by_itself(portal: Portal) -> None:
    bad = refused(portal)
    waive(bad.load_id, "Петров", "до марта", TODAY, portal.settings, portal.warehouse)
    with portal.warehouse.connection() as connection:
        connection.execute(
            "update ops.load_event set until = ? where event = 'waived'", [TODAY - timedelta(days=1)]
        )
    assert portal.states() == {bad.load_id: "rejected"}
    assert effective(portal) == []
    assert portal.scalar("select rows_accepted from ops.load_state") == 0


def test_a_waived_load_supersedes_and_gives_back_when_it_expires(portal: Portal) -> None:
    good = portal.take("2024-01", portal.rows("2024-01", 5))
    bad = refused(portal)
    assert would_replace(bad.load_id, portal.warehouse) == [{"load_id": good.load_id, "rows_accepted": 5}]
    waive(bad.load_id, "Петров", "до марта", TODAY, portal.settings, portal.warehouse)
    assert effective(portal) == [bad.load_id]
    with portal.warehouse.connection() as connection:
        connection.execute(
            "update ops.load_event set until = ? where event = 'waived'", [TODAY - timedelta(days=1)]
        )
    assert effective(portal) == [good.load_id]


def test_a_waiver_replaces_only_what_lies_within_its_own_days(portal: Portal) -> None:
    other_month = portal.take("2024-02", portal.rows("2024-02", 4))
    bad = refused(portal)
    assert would_replace(bad.load_id, portal.warehouse) == []
    newer = portal.take("2024-01", portal.rows("2024-01", 6))
    assert would_replace(bad.load_id, portal.warehouse) == []  # it would be superseded itself
    assert effective(portal) == [other_month.load_id, newer.load_id]


def test_a_second_waiver_enters_no_row_twice(portal: Portal) -> None:
    bad = refused(portal)
    for days in (0, 5):
        waive(bad.load_id, "Петров", "w", TODAY + timedelta(days=days), portal.settings, portal.warehouse)
    kept_back = portal.scalar("select count(*) from ops.quarantine where load_id = ?", bad.load_id)
    assert raw_rows(portal, bad.load_id) + kept_back == 40
    assert portal.scalar("select waived_until from ops.load_state") == TODAY + timedelta(days=5)


def test_the_last_word_on_a_waiver_counts(portal: Portal) -> None:
    bad = refused(portal)
    wave(portal, bad.load_id, 30)
    wave(portal, bad.load_id, 2)
    assert portal.scalar("select waived_until from ops.load_state") == TODAY + timedelta(days=2)
    with portal.warehouse.connection() as connection:
        connection.execute("update ops.load_event set until = until - 3 where event = 'waived'")
    assert portal.states() == {bad.load_id: "rejected"}


def test_a_waiver_ends_with_its_day_in_minsk(portal: Portal) -> None:
    bad = refused(portal)
    wave(portal, bad.load_id)
    is_over = portal.scalar(
        "select until < cast((now() at time zone 'UTC') + interval 3 hours as date)"
        " from ops.load_event where event = 'waived'"
    )
    assert portal.states()[bad.load_id] == ("rejected" if is_over else "waived")
