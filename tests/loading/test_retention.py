"""A delivery leaves landing when the days of its feed are over; the ledger says so, and nothing else is lost."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from pipelines import moments
from pipelines.cli import app
from pipelines.declarations.sources import load_sources
from pipelines.errors import LandingError
from pipelines.loading import landing, retention
from pipelines.loading.decisions import replay, waive
from pipelines.loading.reconcile import reconcile, spoilt
from pipelines.loading.retention import prune_landing, removed
from pipelines.moments import today
from pipelines.orchestration.automation import prune_job
from tests.support.portal import PERSON, Portal

DAYS = load_sources()["appeals_115"].feeds["requests"].landing_days


def pass_days(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    now = moments.now() + timedelta(days=days)
    monkeypatch.setattr(moments, "now", lambda: now)


def persons(portal: Portal) -> list[str]:
    """Files of landing that name somebody."""
    return [
        str(path)
        for path in portal.settings.landing.rglob("*")
        if path.is_file() and PERSON in path.read_text(encoding="utf-8")
    ]


def refused(portal: Portal, month: str) -> str:
    rows = [portal.row(number, month, status="9" if number % 2 else "5") for number in range(1, 21)]
    return portal.take(month, rows).load_id


def test_every_feed_that_brings_persons_says_for_how_long() -> None:
    lasting = [
        f"{source.source}.{name}"
        for source in load_sources().values()
        for name, feed in source.feeds.items()
        if any(column.personal_data in ("drop", "pseudonymise") for column in feed.columns.values())
        and feed.landing_days is None
    ]
    assert lasting == []


def test_what_is_over_leaves_and_its_rows_stay(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert DAYS is not None
    load = portal.take("2024-01", portal.rows("2024-01", 5))
    pass_days(monkeypatch, DAYS - 1)
    assert prune_landing(portal.settings, portal.warehouse) == []
    assert persons(portal)
    pass_days(monkeypatch, 2)
    done = CliRunner().invoke(app, ["prune", "--json"])
    assert done.exit_code == 0, done.output
    (gone,) = json.loads(done.stdout)["deliveries"]
    assert persons(portal) == []
    assert list(removed(portal.warehouse)) == [gone]
    assert portal.states() == {load.load_id: "accepted"}
    assert portal.scalar("select count(*) from raw.appeals_115__requests") == 5
    # it is noted once, and is no fault
    assert prune_landing(portal.settings, portal.warehouse) == []
    found = reconcile(portal.settings, portal.warehouse)
    assert (found.missing, found.changed, found.faults, found.removed) == ([], [], [], [gone])
    assert spoilt([load.load_id], portal.settings, portal.warehouse) == []
    assert CliRunner().invoke(app, ["warehouse", "check", "--landing"]).exit_code == 0
    told = CliRunner().invoke(app, ["warehouse", "reconcile"])
    assert told.exit_code == 0
    assert "1 deliveries were removed from landing" in told.stdout


def test_a_replay_or_a_waiver_says_that_its_days_are_over(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert DAYS is not None
    never, let_in = refused(portal, "2024-01"), refused(portal, "2024-02")
    waive(let_in, "Петров", "исправят", today(), portal.settings, portal.warehouse)
    pass_days(monkeypatch, DAYS + 1)
    prune_landing(portal.settings, portal.warehouse)
    for load_id in (never, let_in):
        with pytest.raises(LandingError, match="left landing on"):
            replay(load_id, "again", portal.settings, portal.warehouse)
    with pytest.raises(LandingError, match="left landing on"):
        waive(never, "Петров", "w", today(), portal.settings, portal.warehouse)
    # the rows of the other are in already
    waive(let_in, "Петров", "ещё день", today() + timedelta(days=1), portal.settings, portal.warehouse)


def test_the_same_bytes_again_are_the_same_delivery_and_leave_again(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert DAYS is not None
    load = portal.take("2024-01", portal.rows("2024-01", 5))
    pass_days(monkeypatch, DAYS + 1)
    prune_landing(portal.settings, portal.warehouse)
    drop = portal.settings.inbox / "appeals_115" / "requests" / "minsk"
    drop.mkdir(parents=True)
    (drop / "opendata-115-2024-01-01.csv").write_bytes(
        (portal.folder / "opendata-115-2024-01-01.csv").read_bytes()
    )
    portal.load()
    assert portal.states() == {load.load_id: "accepted"}
    prune_landing(portal.settings, portal.warehouse)
    assert persons(portal) == []
    assert portal.scalar("select count(*) from ops.removed_delivery") == 1


def test_the_job_of_the_daemon_does_it_too(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert DAYS is not None
    portal.take("2024-01", portal.rows("2024-01", 5))
    pass_days(monkeypatch, DAYS + 1)
    with dg.DagsterInstance.ephemeral() as instance:
        assert prune_job.execute_in_process(instance=instance).success
    assert persons(portal) == []


def test_what_has_no_load_yet_stays(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert DAYS is not None
    portal.put("2024-01", portal.rows("2024-01", 5))
    (candidate,) = portal.candidates()
    landing.land(candidate, portal.settings)
    pass_days(monkeypatch, DAYS + 1)
    assert prune_landing(portal.settings, portal.warehouse) == []
    assert persons(portal)


def test_a_prune_that_is_killed_goes_on(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert DAYS is not None
    portal.take("2024-01", portal.rows("2024-01", 5))
    pass_days(monkeypatch, DAYS + 1)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(retention.shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            prune_landing(portal.settings, portal.warehouse)
    assert reconcile(portal.settings, portal.warehouse).faults == []
    assert len(prune_landing(portal.settings, portal.warehouse)) == 1
    assert persons(portal) == []
    assert portal.scalar("select count(*) from ops.removed_delivery") == 1


def test_what_made_way_for_a_delivery_leaves_in_its_turn(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A spoilt copy names persons too. Its days begin when it is set aside, whatever its files say; the delivery stays."""
    portal.put("2024-01", portal.rows("2024-01", 5))
    (candidate,) = portal.candidates()
    (spoilt,) = landing.land(candidate, portal.settings).folder.glob("*.csv")
    spoilt.chmod(0o600)
    spoilt.write_text(spoilt.read_text(encoding="utf-8") + "more", encoding="utf-8")
    pass_days(monkeypatch, portal.settings.keep_runs_days + 1)
    landing.land(candidate, portal.settings)
    prune_landing(portal.settings, portal.warehouse)
    assert len(persons(portal)) == 2
    pass_days(monkeypatch, portal.settings.keep_runs_days + 1)
    prune_landing(portal.settings, portal.warehouse)
    (left,) = persons(portal)
    assert "more" not in Path(left).read_text(encoding="utf-8")
