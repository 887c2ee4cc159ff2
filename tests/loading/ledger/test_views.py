"""The views of the ledger against the rule in words, and the check that finds what was entered by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.deliveries import Slice
from pipelines.warehouse.base import Warehouse
from pipelines.warehouse.check import check_warehouse
from pipelines.warehouse.duckdb import DuckDBWarehouse
from pipelines.warehouse.postgres import PostgresWarehouse
from tests.loading.ledger.helpers import effective, refused, wave, years
from tests.loading.ledger_model import TODAY
from tests.support.portal import Portal

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


@pytest.fixture(scope="module", params=["duckdb", pytest.param("postgres", marks=pytest.mark.slow)])
def ledger(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    warehouse: Warehouse = (
        PostgresWarehouse(request.getfixturevalue("databases").new())
        if request.param == "postgres"
        else DuckDBWarehouse(tmp_path_factory.mktemp("ledger") / "warehouse.duckdb")
    )
    warehouse.prepare()
    with warehouse.connection() as connection:
        yield connection


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
