"""The ledger: one load for each delivery, supersession, waivers, replays, and what may not be."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.errors import GorodError, WarehouseError
from pipelines.loading import gate
from pipelines.loading.delivery import Delivery, Offer, Slice
from pipelines.loading.landing import land, pending
from pipelines.loading.load import LoadOutcome, load_delivery, load_offer, replay, waive, would_replace
from pipelines.loading.reconcile import reconcile
from tests.portal import HEADER, Portal

TODAY = (datetime.now(UTC) + timedelta(hours=3)).date()  # Minsk


def effective(portal: Portal) -> list[str]:
    return [
        row["load_id"]
        for row in portal.warehouse.query("select load_id from ops.effective_load order by load_no")
    ]


def refused(portal: Portal, month: str = "2024-01") -> LoadOutcome:
    """A load whose rows are of another month."""
    return portal.take(month, portal.rows("2023-12", 40))


def raw_rows(portal: Portal, load_id: str) -> int:
    count = portal.scalar("select count(*) from raw.appeals_115__requests where load_id = ?", load_id)
    assert isinstance(count, int)
    return count


def test_the_same_delivery_twice_is_one_load(portal: Portal) -> None:
    first = portal.take("2024-01", portal.rows("2024-01", 5))
    path = portal.put("2024-01", portal.rows("2024-01", 5))
    os.utime(path, (1, 1))  # offered as something new
    again = portal.load()["2024-01"]
    assert isinstance(again, LoadOutcome)
    assert (again.load_id, again.new) == (first.load_id, False)
    assert list(portal.states().values()) == ["accepted"]
    assert raw_rows(portal, first.load_id) == 5
    assert portal.offers() == []


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

    def offer(self, first: date, last: date, rows: int) -> Offer:
        month = f"{first:%Y-%m}"
        content = "\n".join([HEADER, *self.portal.rows(month, rows)]) + "\n"
        return Offer(
            source="appeals_115", feed="requests", instance="minsk", slice=Slice("", first, last),
            origin="test", fingerprint=None, synthetic=True,
            fetch=lambda folder: (folder / "span.csv").write_text(content, encoding="utf-8") and None,
        )  # fmt: skip

    def load(self, first: date, last: date, rows: int) -> LoadOutcome:
        return load_offer(self.offer(first, last, rows), self.portal.settings, self.portal.warehouse)


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
    quarter = yearly.load(date(2024, 1, 1), date(2024, 3, 31), 5)
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


def test_a_replay_is_a_load_of_its_own_by_todays_suite(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = refused(portal)
    again = replay(bad.load_id, "nothing changed", portal.settings, portal.warehouse)
    assert (again.load_id, again.state) == (f"{bad.load_id}~2", "rejected")
    suite = gate.load_suite("appeals_115", "requests")
    lenient = [one for one in suite if one.meta["name"] != "opened_in_month"]
    monkeypatch.setattr(gate, "load_suite", lambda *_: lenient)
    mended = replay(bad.load_id, "the suite was wrong", portal.settings, portal.warehouse)
    assert (mended.load_id, mended.state) == (f"{bad.load_id}~3", "accepted")
    assert effective(portal) == [mended.load_id]
    event = portal.warehouse.query(
        "select * from ops.load_event where event = 'replayed' order by happened_at"
    )[-1]
    assert event["why"] == "the suite was wrong"
    assert event["by_whom"]


def test_rows_that_do_not_arrive_undo_the_whole_load(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = gate.evaluate

    def miscount(*arguments: Any) -> gate.Verdict:
        verdict = judge(*arguments)
        return gate.Verdict(verdict.results, verdict.quarantine, verdict.quarantined + 1, verdict.flagged)

    monkeypatch.setattr(gate, "evaluate", miscount)
    portal.put("2024-01", portal.rows("2024-01", 5))
    (offer,) = portal.offers()
    with pytest.raises(WarehouseError, match="5 rows arrived, the gate accepted 4"):
        load_offer(offer, portal.settings, portal.warehouse)
    for table in ("ops.load", "ops.load_event", "ops.load_result", "ops.offer", "raw.appeals_115__requests"):
        assert portal.scalar(f"select count(*) from {table}") == 0
    assert [found.slice.key for found in pending(portal.settings, "appeals_115", "requests")] == ["2024-01"]
    monkeypatch.undo()


def test_a_pending_delivery_is_entered_once(portal: Portal) -> None:
    portal.put("2024-01", portal.rows("2024-01", 5))
    (offer,) = portal.offers()
    land(offer, portal.settings)  # and the run dies here
    (delivery,) = pending(portal.settings, "appeals_115", "requests")
    load_delivery(delivery, portal.settings, portal.warehouse)
    assert pending(portal.settings, "appeals_115", "requests") == []
    portal.load()
    assert list(portal.states().values()) == ["accepted"]
    assert portal.offers() == []


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
    assert pending(portal.settings, "appeals_115", "requests") == []
    reconcile(portal.settings, portal.warehouse, take_up=True)
    for delivery in pending(portal.settings, "appeals_115", "requests"):
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


def test_landing_keeps_the_bytes_and_a_receipt(portal: Portal) -> None:
    path = portal.put("2024-01", portal.rows("2024-01", 5))
    (offer,) = portal.offers()
    delivery = land(offer, portal.settings)
    (landed,) = delivery.paths
    assert landed.read_bytes() == path.read_bytes()
    assert landed.stat().st_mode & 0o222 == 0
    assert land(offer, portal.settings) == delivery


days = st.integers(0, 11)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=40,
)
@given(
    loads=st.lists(
        st.tuples(days, days, st.sampled_from(["accepted", "rejected"]), st.booleans()),
        min_size=1,
        max_size=7,
    )
)
def test_effective_loads_are_those_that_no_newer_one_covers(
    loads: list[tuple[int, int, str, bool]], ledger: duckdb.DuckDBPyConnection
) -> None:
    """The view against the rule in words, computed one pair at a time."""
    start = date(2024, 1, 1)
    ledger.execute("delete from ops.load")
    rows = []
    for number, (one, other, outcome, empty) in enumerate(loads, start=1):
        first, last = start + timedelta(days=min(one, other)), start + timedelta(days=max(one, other))
        rows.append((f"load-{number}", number, first, last, outcome, empty and outcome == "accepted"))
        ledger.execute(
            "insert into ops.load by name select ? as load_id, ? as load_no, 's' as source, 'f' as feed, 'i' as instance,"
            " 'BY' as ref_area, '' as part, ? as slice, ?::date as first_day, ?::date as last_day, 'd' as delivery_id,"
            " 'x' as sha256, 'f' as files, 'f' as folder, 'o' as origin, true as synthetic, now()::timestamp as received_at,"
            " now()::timestamp as decided_at, ? as outcome, true as readable, ? as not_retained, 1 as rows_delivered,"
            " 1 as rows_accepted, 0 as rows_quarantined, 0 as warnings, 'h' as suite_hash, 0 as seconds",
            [f"load-{number}", number, f"{first}..{last}", first, last, *rows[-1][4:]],
        )
    accepted = [row for row in rows if row[4] == "accepted"]

    def gives_way(older: tuple[Any, ...], newer: tuple[Any, ...]) -> bool:
        covers = newer[2] <= older[2] and newer[3] >= older[3]
        if newer[5]:  # nothing is left at the source: replaces only the same news
            return older[5] and newer[1] > older[1] and newer[2:4] == older[2:4]
        return covers and (newer[1] > older[1] or older[5])

    expected = {
        older[0]
        for older in accepted
        if not any(gives_way(older, newer) for newer in accepted if newer[0] != older[0])
    }
    found = {row[0] for row in ledger.execute("select load_id from ops.effective_load").fetchall()}
    assert found == expected


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    from pipelines.warehouse.duckdb import DuckDBWarehouse

    path = tmp_path_factory.mktemp("ledger") / "warehouse.duckdb"
    DuckDBWarehouse(path).prepare()
    with duckdb.connect(str(path)) as connection:
        yield connection


def test_a_delivery_of_landing_says_all_about_itself(portal: Portal) -> None:
    portal.put("2024-01", portal.rows("2024-01", 5))
    (offer,) = portal.offers()
    delivery = land(offer, portal.settings)
    (found,) = pending(portal.settings, "appeals_115", "requests")
    assert isinstance(found, Delivery)
    assert found == delivery
