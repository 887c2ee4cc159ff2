"""A feed that needs approval: what counts follows from who approved and revoked, in order, and from nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.declarations.sources import load_sources
from pipelines.loading.decisions import waive
from pipelines.loading.lateness import late_today
from pipelines.publishing.staleness import stale_since
from pipelines.warehouse import open_warehouse
from pipelines.warehouse.check import check_warehouse
from tests.loading.ledger.helpers import effective, refused
from tests.loading.ledger.test_views import enter, ledger
from tests.loading.ledger_model import TODAY
from tests.support.portal import Portal

__all__ = ["ledger"]
STEPS = ("town", "region", "ministry")


# --- the views, against the rule in words

loads_and_decisions = st.tuples(
    # days, and how many of the steps each load needs
    st.lists(
        st.tuples(st.sampled_from([(0, 3), (0, 3), (4, 7), (0, 7)]), st.integers(0, 3)),
        min_size=1,
        max_size=5,
    ),
    # load, step, decision: in any order, as if entered by hand
    st.lists(st.tuples(st.integers(1, 5), st.integers(0, 2), st.booleans()), max_size=25),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=25)
@given(given_=loads_and_decisions)
def test_what_counts_follows_from_the_decisions_in_order(
    given_: tuple[list[tuple[tuple[int, int], int]], list[tuple[int, int, bool]]],
    ledger: duckdb.DuckDBPyConnection,
) -> None:
    loads, decisions = given_
    for table in ("load", "load_event", "approval_step", "approval"):
        ledger.execute(f"delete from ops.{table}")
    has: dict[int, set[int]] = {}
    for number, (span, needed) in enumerate(loads, start=1):
        enter(ledger, number, span, "accepted")
        for step in range(needed):
            ledger.execute(
                "insert into ops.approval_step values (?, ?, ?)", [f"load-{number}", step + 1, STEPS[step]]
            )
        has[number] = set()
    for event, (number, step, approves) in enumerate(decisions, start=1):
        if number not in has or step >= loads[number - 1][1]:
            continue
        ledger.execute(
            "insert into ops.approval values (?, ?, ?, ?, timestamp '2026-01-01 00:00:00', 'x', null)",
            [f"load-{number}", event, STEPS[step], "approved" if approves else "revoked"],
        )
        has[number] = has[number] | {step} if approves else {one for one in has[number] if one < step}
    counting = {
        number: set(range(span[0], span[1] + 1))
        for number, (span, needed) in enumerate(loads, start=1)
        if has[number] == set(range(needed))
    }
    gives_way = {
        later
        for later, days in counting.items()
        if any(earlier < later and days & own and not days >= own for earlier, own in counting.items())
    }
    left = counting.keys() - gives_way
    expected = {
        number: "unapproved"
        if number not in counting
        else "conflicting"
        if number in gives_way
        else "superseded"
        if any(later > number and counting[later] >= counting[number] for later in left)
        else "accepted"
        for number in has
    }
    found = ledger.execute("select load_id, state from ops.load_state").fetchall()
    assert {int(name.split("-")[1]): state for name, state in found} == expected
    counted = ledger.execute("select load_id from ops.effective_load").fetchall()
    assert {int(name.split("-")[1]) for (name,) in counted} == {
        number for number, state in expected.items() if state == "accepted"
    }


# --- the commands


@pytest.fixture
def needs_approval(monkeypatch: pytest.MonkeyPatch) -> None:
    """The portal's feed needs three steps."""
    declared = load_sources()
    source = declared["appeals_115"]
    feed = source.feeds["requests"].model_copy(update={"approval": STEPS})
    changed = source.model_copy(update={"feeds": {**source.feeds, "requests": feed}})
    monkeypatch.setitem(declared, "appeals_115", changed)


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["survey", *arguments])
    return done.exit_code, " ".join(done.output.split())


def approve(load_id: str, *steps: str) -> None:
    for step in steps:
        code, said = run("approve", load_id, "--step", step, "--by", "Отдел", "--note", "сверено")
        assert code == 0, said


@pytest.mark.usefixtures("quick_gate", "needs_approval")
def test_a_load_counts_once_it_has_every_step_and_gives_back_when_revoked(portal: Portal) -> None:
    first = portal.take("2024-01", portal.rows("2024-01", 5)).load_id
    assert portal.states() == {first: "unapproved"}
    assert effective(portal) == []
    code, said = run("approve", first, "--step", "region", "--by", "Отдел")
    assert code == 1 and f"First: gorod survey approve {first} --step town" in said
    approve(first, "town", "region")
    assert effective(portal) == []
    code, said = run("approve", first, "--step", "town", "--by", "Отдел")
    assert code == 1 and "already approved at step town" in said
    approve(first, "ministry")
    assert effective(portal) == [first]

    second = portal.take("2024-01", portal.rows("2024-01", 6)).load_id
    assert effective(portal) == [first]
    approve(second, *STEPS)
    assert effective(portal) == [second]
    assert portal.states() == {first: "superseded", second: "accepted"}
    # what a later step was given on is gone, so the later step is, too
    code, said = run("revoke", second, "--step", "region", "--by", "Отдел", "--note", "ошибка в ответе")
    assert code == 0, said
    assert effective(portal) == [first]
    code, said = run("approve", second, "--step", "ministry", "--by", "Отдел")
    assert code == 1 and "not yet approved at step region" in said
    code, said = run("revoke", second, "--step", "ministry", "--by", "Отдел")
    assert code == 1 and "nothing to revoke" in said
    told = json.loads(CliRunner().invoke(app, ["explain", second, "--json"]).output)
    assert [(one["step"], one["decision"], one["note"]) for one in told["approvals"]] == [
        ("town", "approved", "сверено"),
        ("region", "approved", "сверено"),
        ("ministry", "approved", "сверено"),
        ("region", "revoked", "ошибка в ответе"),
    ]
    assert told["decision"].endswith("Не хватает согласования: область, министерство.")
    approve(second, "region", "ministry")
    assert effective(portal) == [second]
    assert check_warehouse(portal.warehouse).findings == []


@pytest.mark.usefixtures("quick_gate")
def test_what_needs_no_approval_or_has_no_such_step_is_told(
    portal: Portal, request: pytest.FixtureRequest
) -> None:
    free = portal.take("2024-01", portal.rows("2024-01", 5)).load_id
    code, said = run("approve", free, "--step", "town", "--by", "Отдел")
    assert code == 1 and "needs no approval" in said
    request.getfixturevalue("needs_approval")
    bound = portal.take("2024-02", portal.rows("2024-02", 5)).load_id
    code, said = run("approve", bound, "--step", "village", "--by", "Отдел")
    assert code == 1 and "Its steps: town, region, ministry." in said
    code, said = run("approve", bound, "--step", "town", "--by", " ")
    assert code == 1 and "--by is empty" in said
    # the steps are those of the day on which it was entered
    assert portal.states() == {free: "accepted", bound: "unapproved"}


@pytest.mark.usefixtures("quick_gate", "needs_approval")
def test_a_refused_load_is_not_approved_and_a_waived_one_needs_approval_too(portal: Portal) -> None:
    bad = refused(portal).load_id
    code, said = run("approve", bad, "--step", "town", "--by", "Отдел")
    assert code == 1 and "was refused by the gate" in said
    waive(bad, "Петров", "проверено", TODAY + timedelta(days=1), portal.settings, portal.warehouse)
    assert portal.states() == {bad: "unapproved"}
    approve(bad, *STEPS)
    assert portal.states() == {bad: "waived"}


@pytest.mark.usefixtures("quick_gate", "needs_approval")
def test_the_same_delivery_twice_is_one_load_and_is_delivered(portal: Portal) -> None:
    rows = portal.rows("2024-01", 5)
    load_id = portal.take("2024-01", rows).load_id
    portal.put("2024-01", rows)
    os.utime(portal.folder / "opendata-115-2024-01-01.csv", (1, 1))
    assert [outcome.new for outcome in portal.load().values()] == [False]  # type: ignore[union-attr]
    late = {one.instance: one.days for one in late_today(portal.warehouse, "appeals_115", "requests")}
    assert late["minsk"] is not None  # late since 2024, not "never delivered"
    assert portal.states() == {load_id: "unapproved"}


@pytest.mark.usefixtures("quick_gate", "needs_approval")
def test_what_awaits_approval_makes_nothing_stale(portal: Portal) -> None:
    load_id = portal.take("2024-01", portal.rows("2024-01", 5)).load_id
    assert stale_since(portal.warehouse) is None
    assert portal.warehouse.query("from ops.feed_state") == []
    approve(load_id, *STEPS)
    assert stale_since(portal.warehouse) is not None
    assert len(portal.warehouse.query("from ops.feed_state")) == 1


KILLED = """
import os, signal, sys
from pipelines.warehouse import approvals, open_warehouse
from pipelines.settings import get_settings
from pipelines.cli import app
whole = approvals.require_place
approvals.require_place = lambda *given: (whole(*given), os.kill(os.getpid(), signal.SIGKILL))
app(["survey", "approve", sys.argv[1], "--step", sys.argv[2], "--by", "Отдел"])
"""


@pytest.mark.slow
@pytest.mark.usefixtures("quick_gate", "needs_approval")
def test_a_kill_within_an_approval_leaves_what_was_before(portal: Portal) -> None:
    load_id = portal.take("2024-01", portal.rows("2024-01", 5)).load_id
    approve(load_id, "town")
    done = subprocess.run([sys.executable, "-c", KILLED, load_id, "region"], check=False)
    assert done.returncode == -signal.SIGKILL
    found = open_warehouse(portal.settings)
    decided = "select step from ops.approval order by event_no"
    assert [row["step"] for row in found.query(decided)] == ["town"]
    approve(load_id, "region", "ministry")
    assert effective(portal) == [load_id]
