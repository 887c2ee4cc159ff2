"""A waiver or a replay that is killed at any moment: the ledger is as before it, or as after it."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipelines.loading.decisions import replay, waive
from pipelines.warehouse.check import check_warehouse
from tests.loading.ledger_model import BAD, quick_gate, stand_in  # noqa: F401 - a fixture
from tests.pipeline.conftest import environment_of
from tests.support import crash, forked
from tests.support.portal import Portal

TODAY = (datetime.now(UTC) + timedelta(hours=3)).date()  # Minsk

WAIVER = [
    ("pipelines.loading.validate:formats.read", "after", 1),
    ("pipelines.warehouse.ledger_rows:insert_events", "after", 1),
    ("pipelines.warehouse.waivers:require_place", "after", 1),
    ("pipelines.warehouse.ledger_rows:insert_batch", "after", 1),
    ("pipelines.warehouse.waivers:insert_waived_rows", "after", 1),
    ("pipelines.warehouse.ledger:Ledger.commit_waiver", "after", 1),
]
REPLAY = [
    ("pipelines.loading.validate:formats.read", "after", 1),
    ("pipelines.warehouse.ledger_rows:insert_candidate", "after", 1),
    ("pipelines.warehouse.ledger_rows:insert_events", "after", 1),
    ("pipelines.warehouse.ledger_rows:insert_batch", "after", 1),
    ("pipelines.warehouse.ledger:Ledger.commit_load", "after", 1),
    ("pipelines.loading.pending_markers:clear_pending", "before", 1),
]


def act(command: str, load_id: str, death: tuple[str, str, int] | None) -> None:
    """The command in a process of its own, with a gate that costs no time."""
    from pipelines.loading import gate
    from pipelines.settings import get_settings
    from pipelines.warehouse import open_warehouse

    gate.evaluate = stand_in
    if death is not None:
        crash.act_at(*death, crash.die)
    settings = get_settings()
    warehouse = open_warehouse(settings)
    if command == "waive":
        waive(load_id, "Петров", "test", TODAY, settings, warehouse)
    else:
        replay(load_id, "test", settings, warehouse)


def run(portal: Portal, *arguments: Any) -> int:
    said = portal.settings.home.parent / "said.txt"
    environment = environment_of(
        portal.settings.home,
        GOROD_WAREHOUSE=portal.settings.warehouse,
        GOROD_PSEUDONYM_KEY="key of the tests",
    )
    process = forked.start(said, environment, act, *arguments)
    process.join(120)
    assert process.exitcode in (0, -signal.SIGKILL), said.read_text(encoding="utf-8")[-3000:]
    return process.exitcode


def ledger(portal: Portal) -> dict[str, Any]:
    """All that the ledger holds, but for moments."""
    return {
        table: portal.warehouse.query(f"select {columns} from {table} order by all")
        for table, columns in {
            "ops.load_state": "load_id, load_no, state, rows_accepted, rows_quarantined, waived_until",
            "ops.load_event": "load_id, event_no, event, by_whom, why, until",
            "ops.quarantine": "load_id, row_no",
            "ops.refused_batch": "*",
            "ops.load_result": "load_id, expectation, success",
            "raw.appeals_115__requests": "load_id, row_no, id",
        }.items()
    }


@pytest.mark.slow
@pytest.mark.usefixtures("quick_gate")
@pytest.mark.parametrize(("command", "places"), [("waive", WAIVER), ("replay", REPLAY)])
def test_killed_anywhere(command: str, places: list[tuple[str, str, int]], portal: Portal) -> None:
    portal.take("2024-01", portal.rows("2024-01", 2))
    if command == "waive":
        rows = [*portal.rows("2024-01", 3), portal.row(9, "2024-01", organisation_id=BAD)]
        given = portal.take("2024-01", rows).load_id
    else:
        given = portal.take("2024-01", portal.rows("2024-01", 4)).load_id
    before = ledger(portal)
    seen = []
    for place in places:
        assert run(portal, command, given, place) == -signal.SIGKILL, place
        seen.append(ledger(portal))
        assert check_warehouse(portal.warehouse).findings == []
        if seen[-1] != before:
            break
    # only the last place lies behind the commit
    assert seen[:-1] == [before] * (len(seen) - 1)
    after = seen[-1]
    assert place[0].endswith(("commit_waiver", "commit_load"))
    assert after != before
    states = portal.states()
    assert states[given] == ("waived" if command == "waive" else "superseded")
    rows_in_force = portal.scalar(
        "select count(*) from raw.appeals_115__requests join ops.effective_load using (load_id)"
    )
    assert rows_in_force == (3 if command == "waive" else 4)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_gate")
def test_what_was_killed_is_done_when_it_is_asked_again(portal: Portal) -> None:
    rows = [*portal.rows("2024-01", 3), portal.row(9, "2024-01", organisation_id=BAD)]
    given = portal.take("2024-01", rows).load_id
    assert (
        run(portal, "waive", given, ("pipelines.warehouse.waivers:insert_waived_rows", "after", 1))
        == -signal.SIGKILL
    )
    assert portal.states() == {given: "rejected"}
    assert run(portal, "waive", given, None) == 0
    assert portal.states() == {given: "waived"}
    assert check_warehouse(portal.warehouse).findings == []
