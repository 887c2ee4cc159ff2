"""The marts are stale as soon as a waiver has ended, by the calendar of Minsk, wherever the session thinks it is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from pipelines import moments
from pipelines.catalogue.definition import definitions_hash
from pipelines.errors import GorodError
from pipelines.loading.candidates import last_seen
from pipelines.loading.decisions import waive
from pipelines.publishing.staleness import stale_since
from tests.support import engines
from tests.support.portal import Portal

engine, portal = engines.engine, engines.portal  # every test on both

LAST = date(2026, 11, 10)  # the last day of the waiver
# 11 November begins in Minsk while it is 21:00 of the 10th in UTC
BEFORE, AFTER = datetime(2026, 11, 10, 20, 59, tzinfo=UTC), datetime(2026, 11, 10, 21, 1, tzinfo=UTC)


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """Put Gorod's clock."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return moment.astimezone(tz) if tz else moment.replace(tzinfo=None)  # type: ignore[arg-type]

    monkeypatch.setattr(moments, "datetime", Clock)


def waived(portal: Portal, until: date = LAST) -> str:
    """A refused load that somebody let in until a day, which may be past by now: the ledger has a clock of its own."""
    rows = [*portal.rows("2024-01", 20), *portal.rows("2023-12", 20, 21)]
    bad = portal.take("2024-01", rows)
    day = moments.today()
    waive(bad.load_id, "Петров", "исправят", day, portal.settings, portal.warehouse)
    with portal.warehouse.connection() as connection:
        connection.execute("update ops.load_event set until = ? where event = 'waived'", [until])
    return bad.load_id


def built(portal: Portal, moment: datetime) -> None:
    """The marts were built from all that the ledger held at a moment."""
    with portal.warehouse.connection() as connection:
        connection.execute(
            "insert into ops.build select 'test', ?::timestamptz, true, true, ?, count(load_id) from ops.deciding_event",
            [moment.isoformat(), definitions_hash()],
        )


# November begins in Minsk while it is 21:00 of 31 October in UTC
OCTOBER, NOVEMBER = datetime(2026, 10, 31, 20, 59, tzinfo=UTC), datetime(2026, 10, 31, 21, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("build", "now", "stale"),
    [
        (OCTOBER - timedelta(days=20), OCTOBER, False),
        (OCTOBER, NOVEMBER, True),
        (OCTOBER - timedelta(days=400), OCTOBER, True),  # the same month of another year
        (NOVEMBER, NOVEMBER + timedelta(days=20), False),
    ],
)
def test_a_period_ends_with_its_month_in_minsk(
    build: datetime, now: datetime, stale: bool, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal.take("2024-01", portal.rows("2024-01", 20))
    built(portal, build)
    at(monkeypatch, now)
    found = stale_since(portal.warehouse)
    assert (found is not None) == stale
    assert found is None or found.endswith(f"{moments.today():%Y-%m}")


@pytest.mark.parametrize(
    ("build", "now", "stale"),
    [
        (BEFORE - timedelta(days=3), BEFORE, False),  # the last day is not over
        (BEFORE - timedelta(days=3), AFTER, True),
        (BEFORE, AFTER, True),
        (BEFORE, AFTER + timedelta(days=30), True),
        (AFTER, AFTER + timedelta(hours=12), False),  # built without it
    ],
)
def test_a_waiver_ends_at_midnight_in_minsk(
    build: datetime, now: datetime, stale: bool, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    waived(portal)
    built(portal, build)
    at(monkeypatch, now)
    assert (stale_since(portal.warehouse) is not None) == stale


def test_a_refused_load_makes_nothing_stale_until_it_is_let_in(portal: Portal) -> None:
    """Neither the command nor the sensor builds or publishes for it."""
    portal.take("2024-01", portal.rows("2024-01", 20))
    built(portal, moments.now())
    assert stale_since(portal.warehouse) is None
    refused = portal.take("2024-02", [*portal.rows("2024-02", 20), *portal.rows("2023-12", 20, 21)])
    assert portal.states()[refused.load_id] == "rejected"
    assert stale_since(portal.warehouse) is None
    waive(refused.load_id, "Петров", "исправят", moments.today(), portal.settings, portal.warehouse)
    assert stale_since(portal.warehouse) is not None


def test_the_end_of_a_waiver_is_a_version_of_its_own(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sensor asks for one build for each version: the one of before must not stand in its way."""
    portal.take("2024-01", portal.rows("2024-01", 5))
    waived(portal)
    at(monkeypatch, BEFORE)
    before = stale_since(portal.warehouse)
    built(portal, BEFORE)
    assert stale_since(portal.warehouse) is None
    at(monkeypatch, AFTER)
    assert stale_since(portal.warehouse) not in (None, before)


def test_a_longer_waiver_takes_the_place_of_the_first(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    waived(portal)
    (load,) = portal.states()
    waive(load, "Петров", "ещё день", moments.today(), portal.settings, portal.warehouse)
    with portal.warehouse.connection() as connection:
        connection.execute(
            "update ops.load_event set until = ? where until = ?", [LAST + timedelta(days=1), moments.today()]
        )
    built(portal, BEFORE)
    at(monkeypatch, AFTER)
    assert stale_since(portal.warehouse) is None
    at(monkeypatch, AFTER + timedelta(days=1))
    assert stale_since(portal.warehouse) is not None


def test_a_day_that_is_over_in_minsk_is_past(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = portal.take("2024-01", portal.rows("2023-12", 40))
    at(monkeypatch, AFTER)
    with pytest.raises(GorodError, match="is past"):
        waive(bad.load_id, "Петров", "w", LAST, portal.settings, portal.warehouse)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Niue"])
def test_the_ledger_knows_minsk_whatever_the_zone_of_the_session(zone: str, portal: Portal) -> None:
    """At any moment one of the two zones, fourteen hours before and eleven behind UTC, has another day than Minsk."""
    load = waived(portal, until=moments.today())
    with portal.warehouse.connection() as connection:
        connection.execute(f"set timezone = '{zone}'")
        seen = connection.execute("select load_id, state from ops.effective_load").fetchall()
        connection.execute(
            "update ops.load_event set until = ? where event = 'waived'",
            [moments.today() - timedelta(days=1)],
        )
        then = connection.execute("select load_id, state from ops.effective_load").fetchall()
    assert seen == [(load, "waived")]
    assert then == []


def numbered(portal: Portal, number: int, moment: datetime, ended: bool = True) -> None:
    """A build of all that the ledger holds, which began at a moment."""
    with portal.warehouse.connection() as connection:
        connection.execute(
            "insert into ops.build_begun select ?, ?, ?::timestamptz, true, count(load_id) from ops.deciding_event",
            [number, f"build-{number}", moment.isoformat()],
        )
        if ended:
            connection.execute(
                "insert into ops.build select invocation_id, begun_at, true, true, ?, ledger_version"
                " from ops.build_begun where build_no = ?",
                [definitions_hash(), number],
            )


def test_a_build_that_did_not_end_is_done_again(portal: Portal) -> None:
    portal.take("2024-01", portal.rows("2024-01", 5))
    numbered(portal, 1, datetime.now(UTC))
    assert stale_since(portal.warehouse) is None
    numbered(portal, 2, datetime.now(UTC), ended=False)
    first = stale_since(portal.warehouse)
    assert first is not None
    # the one that was to do it again is killed too: the sensor has to see another version
    numbered(portal, 3, datetime.now(UTC), ended=False)
    assert stale_since(portal.warehouse) not in (None, first)
    numbered(portal, 4, datetime.now(UTC))
    assert stale_since(portal.warehouse) is None


def test_a_build_from_the_future_is_done_again_and_then_stands_in_nobodys_way(portal: Portal) -> None:
    portal.take("2024-01", portal.rows("2024-01", 5))
    numbered(portal, 1, datetime(2099, 1, 1, tzinfo=UTC))
    assert stale_since(portal.warehouse) is not None
    numbered(portal, 2, datetime.now(UTC))
    assert stale_since(portal.warehouse) is None


def test_dbt_started_by_hand_is_of_nobody_knows_what(portal: Portal) -> None:
    portal.take("2024-01", portal.rows("2024-01", 5))
    numbered(portal, 1, datetime.now(UTC))
    with portal.warehouse.connection() as connection:
        connection.execute("update ops.build set definitions_hash = null")
    assert stale_since(portal.warehouse) is not None


def test_an_offer_from_the_future_is_not_the_last_for_ever(portal: Portal) -> None:
    portal.take("2024-01", portal.rows("2024-01", 5))
    (load,) = portal.states()
    with portal.warehouse.connection() as connection:
        for fingerprint, seen_at in (
            ("first", "2024-02-01"),
            ("ahead", "2099-01-01"),
            ("last", "2024-02-03"),
        ):
            connection.execute(
                "insert into ops.candidate values (?, 'somewhere', ?, ?::timestamp)",
                [load, fingerprint, seen_at],
            )
    assert {key[-1] for key in last_seen(portal.warehouse) if key[-2] == "somewhere"} == {"last"}
