"""The ledger: one load for each delivery, supersession, waivers, replays, and what may not be."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import great_expectations.expectations as gxe
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from expectations.vocabulary import row, rule
from pipelines.deliveries import Candidate, Delivery, Slice, ValidationResult
from pipelines.errors import GorodError, LandingError, WarehouseError
from pipelines.loading import gate, suites
from pipelines.loading.candidates import load_candidate
from pipelines.loading.decisions import replay, waive, would_replace
from pipelines.loading.landing import land
from pipelines.loading.load import LoadOutcome, load_delivery
from pipelines.loading.pending_markers import has_pending, marker_faults, pending_deliveries
from pipelines.loading.reconcile import reconcile, spoilt
from pipelines.warehouse.check import check_warehouse
from tests.loading.ledger_model import BAD, quick_gate  # noqa: F401 - a fixture
from tests.support.portal import HEADER, Portal

TODAY = (datetime.now(UTC) + timedelta(hours=3)).date()  # Minsk


def effective(portal: Portal) -> list[str]:
    return [
        row["load_id"]
        for row in portal.warehouse.query("select load_id from ops.effective_load order by load_no")
    ]


def refused(portal: Portal, month: str = "2024-01") -> LoadOutcome:
    """A load of which half the rows are of another month: more than may be kept back."""
    return portal.take(month, [*portal.rows(month, 20), *bad_rows(20)])


def bad_rows(count: int) -> list[str]:
    """Rows of another month, which are kept back by the gate, and by what stands in for it."""
    return [Portal.row(21 + number, "2023-12", organisation_id=BAD) for number in range(count)]


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


@pytest.mark.parametrize(("given", "state"), [("minsk/c-minsk", "accepted"), ("brest/c-brest", "rejected")])
def test_a_suite_can_ask_whose_delivery_it_is(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, given: str, state: str
) -> None:
    instance, ref_area = given.split("/")
    words: Any = {"dimension": "validity", "says": "s", "remedy": "r"}
    asked = [
        *(
            row(
                gxe.ExpectColumnValuesToMatchRegex,
                column=column,
                regex={"$PARAMETER": parameter},
                name=parameter,
                **words,
            )
            for column, parameter in (("organisation_id", "instance"), ("category", "ref_area"))
        ),
        rule(
            "organisation_id = (select instance from delivery)",
            columns=["organisation_id"],
            name="by_table",
            **words,
        ),
    ]
    monkeypatch.setattr(suites, "load_suite", lambda *_: asked)
    load = portal.take("2024-01", [portal.row(1, "2024-01", organisation_id=instance, category=ref_area)])
    assert load.state == state
    assert {result.evaluated_count for result in load.results} >= {1}
    assert sum(not result.success for result in load.results) == (0 if state == "accepted" else 3)


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


def test_landing_keeps_the_bytes_and_a_receipt(portal: Portal) -> None:
    path = portal.put("2024-01", portal.rows("2024-01", 5))
    (candidate,) = portal.candidates()
    delivery = land(candidate, portal.settings)
    (landed,) = delivery.paths
    assert landed.read_bytes() == path.read_bytes()
    assert landed.stat().st_mode & 0o222 == 0
    assert land(candidate, portal.settings) == delivery


days = st.integers(0, 7)
hand_made = st.lists(
    st.tuples(
        st.one_of(st.tuples(days, days), st.none()),
        st.sampled_from(["accepted", "accepted", "rejected", "waived", "ended"]),
        st.booleans(),
        st.sampled_from(["", "", "x"]),
    ),
    min_size=1,
    max_size=7,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=25)
@given(loads=hand_made)
def test_no_day_counts_twice_whatever_stands_in_the_ledger(
    loads: list[tuple[tuple[int, int] | None, str, bool, str]], ledger: duckdb.DuckDBPyConnection
) -> None:
    """Loads that no gate would let in side by side, as if entered by hand: the views against the rule in words."""
    for table in ("load", "load_event"):
        ledger.execute(f"delete from ops.{table}")
    every_day = set(range(-1, 9))
    counting: dict[int, tuple[set[int], bool, bool, str]] = {}  # days, waived, empty, part
    for number, (span, state, empty, part) in enumerate(loads, start=1):
        enter(ledger, number, span, "accepted" if state == "accepted" else "rejected", empty, part)
        if state in ("waived", "ended"):
            until = TODAY - timedelta(days=state == "ended")
            ledger.execute(
                "insert into ops.load_event values (?, 1, 'waived', timestamp '2024-01-01 00:00:00', 'x', 'y', ?)",
                [f"load-{number}", until],
            )
        if state in ("accepted", "waived"):
            own = every_day if span is None else set(range(min(span), max(span) + 1))
            counting[number] = (own, state == "waived", empty, part)

    def gives_way(one: int, other: int) -> bool:
        """Whether both would count a day and ``one`` has the weaker claim: let in by somebody's word, or later."""
        (mine, waived, empty, part), (theirs, theirs_waived, theirs_empty, theirs_part) = (
            counting[one],
            counting[other],
        )
        later, earlier = (mine, theirs) if one > other else (theirs, mine)
        shared = part == theirs_part and not empty and not theirs_empty and bool(mine & theirs)
        return shared and not later >= earlier and (theirs_waived, other) < (waived, one)

    conflicting = {one for one in counting if any(gives_way(one, other) for other in counting)}
    left = counting.keys() - conflicting

    def replaces(newer: int, older: int) -> bool:
        (days_of_newer, _, empty, part), (days_of_older, _, was_empty, its_part) = (
            counting[newer],
            counting[older],
        )
        is_newer = newer > older if empty == was_empty else was_empty
        return newer != older and part == its_part and is_newer and days_of_newer >= days_of_older

    expected = {older for older in left if not any(replaces(newer, older) for newer in left)}
    found = [
        int(row[0].split("-")[1])
        for row in ledger.execute("select load_id from ops.effective_load").fetchall()
    ]
    assert sorted(found) == sorted(expected)
    for one in expected:
        for other in expected - {one}:
            (mine, _, empty, part), (theirs, _, theirs_empty, its_part) = counting[one], counting[other]
            assert empty or theirs_empty or part != its_part or not mine & theirs
    states = dict(ledger.execute("select load_id, state from ops.load_state").fetchall())
    assert {int(name.split("-")[1]): state for name, state in states.items()} == {
        number: "rejected"
        if number not in counting
        else "conflicting"
        if number in conflicting
        else "superseded"
        if number not in expected
        else "waived"
        if counting[number][1]
        else "accepted"
        for number in range(1, len(loads) + 1)
    }


def enter(
    ledger: duckdb.DuckDBPyConnection,
    number: int,
    span: tuple[int, int] | None,
    outcome: str,
    empty: bool = False,
    part: str = "",
) -> None:
    """A row of the ledger, past every gate."""
    first, last = (
        (None, None) if span is None else (date(2024, 1, 1) + timedelta(days=day) for day in sorted(span))
    )
    ledger.execute(
        "insert into ops.load by name select ? as load_id, ? as load_no, 's' as source, 'f' as feed, 'i' as instance,"
        " 'BY' as ref_area, ? as part, ? as slice, ?::date as first_day, ?::date as last_day, 'd' as delivery_id,"
        " ? as sha256, 'f' as files, 'f' as folder, 'o' as origin, true as synthetic, now()::timestamp as received_at,"
        " now()::timestamp as decided_at, ? as outcome, true as readable, ? as not_retained, 1 as rows_delivered,"
        " 1 as rows_accepted, 0 as rows_quarantined, 0 as warnings, 'h' as suite_hash, 0 as seconds",
        [
            f"load-{number}",
            number,
            part,
            Slice(part, first, last).key,
            first,
            last,
            f"{number:064}",
            outcome,
            empty,
        ],
    )


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    from pipelines.warehouse.duckdb import DuckDBWarehouse

    path = tmp_path_factory.mktemp("ledger") / "warehouse.duckdb"
    DuckDBWarehouse(path).prepare()
    with duckdb.connect(str(path)) as connection:
        yield connection


def test_a_delivery_of_landing_says_all_about_itself(portal: Portal) -> None:
    portal.put("2024-01", portal.rows("2024-01", 5))
    (candidate,) = portal.candidates()
    delivery = land(candidate, portal.settings)
    (found,) = pending_deliveries(portal.settings, "appeals_115", "requests")
    assert isinstance(found, Delivery)
    assert found == delivery


# --- what no waiver can do


def wave(portal: Portal, load_id: str, days: int = 0) -> None:
    waive(load_id, "Петров", "test", TODAY + timedelta(days=days), portal.settings, portal.warehouse)


def years(portal: Portal, first: int, last: int, rows: int, bad: int = 0) -> LoadOutcome:
    """Rows of the first January of a span of years; as many bad ones refuse the load."""
    content = [*portal.rows(f"{first}-01", rows), *bad_rows(bad)]
    text = "\n".join([HEADER, *content]) + "\n"
    candidate = Candidate(
        source="appeals_115", feed="requests", instance="minsk", slice=Slice("", date(first, 1, 1), date(last, 12, 31)),
        origin="test", fingerprint=None, synthetic=True,
        fetch=lambda folder: (folder / "span.csv").write_text(text, encoding="utf-8") and None,
    )  # fmt: skip
    return load_candidate(candidate, portal.settings, portal.warehouse)


def counted_rows(portal: Portal) -> int:
    found = portal.scalar(
        "select count(*) from raw.appeals_115__requests join ops.effective_load using (load_id)"
    )
    assert isinstance(found, int)
    return found


@pytest.mark.usefixtures("quick_gate")
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


@pytest.mark.usefixtures("quick_gate")
def test_a_waiver_given_after_parts_of_its_days_were_accepted(portal: Portal) -> None:
    """Refused for its rows alone, and nothing stood in its way then."""
    year = years(portal, 2024, 2024, 20, bad=20)
    month = portal.take("2024-03", portal.rows("2024-03", 5))
    assert (year.state, month.state) == ("rejected", "accepted")
    with pytest.raises(GorodError, match="would count twice"):
        wave(portal, year.load_id)
    assert portal.states() == {year.load_id: "rejected", month.load_id: "accepted"}
    assert counted_rows(portal) == 5


@pytest.mark.usefixtures("quick_gate")
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


def end_waivers(portal: Portal) -> None:
    with portal.warehouse.connection() as connection:
        connection.execute(
            "update ops.load_event set until = ? where until is not null", [TODAY - timedelta(days=1)]
        )


@pytest.mark.usefixtures("quick_gate")
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


@pytest.mark.usefixtures("quick_gate")
def test_a_waiver_that_a_newer_load_would_cover_at_once_is_not_made(portal: Portal) -> None:
    bad = refused(portal)
    newer = portal.take("2024-01", portal.rows("2024-01", 6))
    with pytest.raises(GorodError, match="a newer load has replaced it") as caught:
        wave(portal, bad.load_id)
    assert newer.load_id in caught.value.message
    assert "gorod replay" in caught.value.remedy
    assert portal.states() == {bad.load_id: "rejected", newer.load_id: "accepted"}


@pytest.mark.usefixtures("quick_gate")
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


@pytest.mark.usefixtures("quick_gate")
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


def test_a_waiver_that_lets_no_row_in_is_not_made(portal: Portal) -> None:
    """It would say that there were none."""
    good = portal.take("2024-01", portal.rows("2024-01", 5))
    bad = portal.take("2024-01", portal.rows("2023-12", 40))
    with pytest.raises(GorodError, match="all its 40 rows are in quarantine"):
        wave(portal, bad.load_id)
    assert effective(portal) == [good.load_id]


@pytest.mark.usefixtures("quick_gate")
def test_the_last_word_on_a_waiver_counts(portal: Portal) -> None:
    bad = refused(portal)
    wave(portal, bad.load_id, 30)
    wave(portal, bad.load_id, 2)
    assert portal.scalar("select waived_until from ops.load_state") == TODAY + timedelta(days=2)
    with portal.warehouse.connection() as connection:
        connection.execute("update ops.load_event set until = until - 3 where event = 'waived'")
    assert portal.states() == {bad.load_id: "rejected"}


@pytest.mark.usefixtures("quick_gate")
def test_a_waiver_ends_with_its_day_in_minsk(portal: Portal) -> None:
    bad = refused(portal)
    wave(portal, bad.load_id)
    is_over = portal.scalar(
        "select until < cast((now() at time zone 'UTC') + interval 3 hours as date)"
        " from ops.load_event where event = 'waived'"
    )
    assert portal.states()[bad.load_id] == ("rejected" if is_over else "waived")


def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite of a later day, which has nothing against the rows of another month."""
    suite = [
        one for one in suites.load_suite("appeals_115", "requests") if one.meta["name"] != "opened_in_month"
    ]
    monkeypatch.setattr(suites, "load_suite", lambda *_: suite)


def test_what_is_in_quarantine_stays_there_whatever_the_suite_says_now(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = refused(portal)
    lenient(monkeypatch)
    wave(portal, bad.load_id)
    entered = portal.warehouse.query("select row_no from raw.appeals_115__requests order by 1")
    assert [row["row_no"] for row in entered] == list(range(1, 21))
    kept_back = portal.warehouse.query("select row_no from ops.quarantine order by 1")
    assert [row["row_no"] for row in kept_back] == list(range(21, 41))
    assert check_warehouse(portal.warehouse).findings == []


@pytest.mark.parametrize("changed", ["reader", "columns", "unreadable", "older"])
def test_what_is_read_otherwise_than_it_was_refused_is_replayed_first(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    from pipelines import formats
    from pipelines.errors import DeliveryError, Reason

    bad = refused(portal)
    read = formats.read

    def rewritten(delivery: Delivery, feed: Any, out: Any, key: str) -> Any:
        if changed == "unreadable":
            raise DeliveryError("f", [Reason("file", "Иванка Выдуманская", "r")])
        batch = read(delivery, feed, out, key)
        what = {
            "reader": "* replace ('111' as organisation_id)",
            "columns": "*, 1 as one_more",
        }.get(changed, "*")
        with duckdb.connect() as connection:
            connection.execute(f"copy (select {what} from '{out}') to '{out}.new' (format parquet)")
        Path(f"{out}.new").replace(out)
        return batch

    if changed == "older":  # refused by a Gorod that did not note what it had read
        with portal.warehouse.connection() as connection:
            connection.execute("delete from ops.refused_batch")
    else:
        monkeypatch.setattr(formats, "read", rewritten)
    with pytest.raises(GorodError, match="read") as caught:
        wave(portal, bad.load_id)
    assert "gorod replay" in caught.value.remedy
    assert "Выдуманская" not in str(caught.value)
    assert raw_rows(portal, bad.load_id) == 0
    assert portal.states() == {bad.load_id: "rejected"}
    if changed in ("reader", "columns", "older"):
        again = replay(bad.load_id, "read anew", portal.settings, portal.warehouse)
        wave(portal, again.load_id)
        assert portal.states() == {bad.load_id: "rejected", again.load_id: "waived"}


@pytest.mark.usefixtures("quick_gate")
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


# --- replays


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


# --- landing


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


def landed(portal: Portal, month: str = "2024-01") -> Path:
    (folder,) = (portal.settings.landing / "appeals_115" / "requests" / "minsk" / month).iterdir()
    return folder


@pytest.mark.usefixtures("quick_gate")
@pytest.mark.parametrize("how", TAMPERED)
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


@pytest.mark.usefixtures("quick_gate")
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


@pytest.mark.usefixtures("quick_gate")
@pytest.mark.parametrize("how", ["byte", "file", "more", "link"])
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


@pytest.mark.usefixtures("quick_gate")
@pytest.mark.parametrize("how", ["folder", "receipt", "torn", "list", "instance", "days"])
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


# --- what the check of a warehouse finds


@pytest.mark.usefixtures("quick_gate")
def test_a_ledger_that_was_edited_by_hand_is_told(portal: Portal) -> None:
    bad = refused(portal)
    wave(portal, bad.load_id)
    other = portal.take("2024-02", portal.rows("2024-02", 4))
    assert check_warehouse(portal.warehouse).findings == []
    with portal.warehouse.connection() as connection:
        connection.execute("update ops.load set first_day = '2024-01-15' where load_id = ?", [other.load_id])
        connection.execute(
            "insert into raw.appeals_115__requests (load_id, row_no) select load_id, row_no from ops.quarantine limit 1"
        )
    found = [(one.what, one.where) for one in check_warehouse(portal.warehouse).findings]
    assert found == [
        ("rows", bad.load_id),
        ("quarantine", bad.load_id),
        ("conflicting", bad.load_id),
        ("days", other.load_id),
    ]
    # what the gate accepted stays, what was waived gives way
    assert effective(portal) == [other.load_id]


@pytest.mark.usefixtures("quick_gate")
def test_views_that_count_a_day_twice_are_told(portal: Portal) -> None:
    one = portal.take("2024-01", portal.rows("2024-01", 4))
    two = years(portal, 2024, 2024, 9)
    with portal.warehouse.connection() as connection:
        connection.execute(
            "create or replace view ops.effective_load as select * from ops.accepted_load"
            if portal.warehouse.engine == "duckdb"
            else "call postgres_execute(current_database(),"
            " 'create or replace view ops.effective_load as select * from ops.accepted_load')"
        )
    (found,) = check_warehouse(portal.warehouse).findings
    assert (found.what, found.where) == ("twice", one.load_id if one.load_id > two.load_id else two.load_id)
