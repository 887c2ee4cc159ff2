"""A feed is late when the next period has passed and its delivery did not come in the declared days."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from typing import Any

import dagster as dg
import pytest
from typer.testing import CliRunner

from assets.partitions import load_job_name
from pipelines.cli import app
from pipelines.declarations.feeds import Feed, Freshness
from pipelines.declarations.sources import load_sources
from pipelines.definitions import loading
from pipelines.exit_codes import ExitCode
from pipelines.loading import lateness
from pipelines.loading.lateness import Late, late_instances
from pipelines.moments import today
from pipelines.orchestration.automation import LATENESS_JOB
from tests.support.portal import Portal

FEED = load_sources()["appeals_115"].feeds["requests"]


def feed(cadence: str, expected: int, late: int) -> Feed:
    freshness = Freshness(expected_within_days=expected, late_after_days=late)
    return FEED.model_copy(update={"cadence": cadence, "freshness": freshness})


@pytest.mark.parametrize(
    ("cadence", "delivered_to", "in_time", "late"),
    [
        # September is there; October, delivered by 20 November, is in time
        ("monthly", date(2026, 9, 30), date(2026, 11, 20), date(2026, 11, 22)),
        # 2025 is there; 2026 cannot be before it ends
        ("yearly", date(2025, 12, 31), date(2027, 1, 20), date(2027, 1, 23)),
        ("daily", date(2026, 11, 1), date(2026, 11, 22), date(2026, 11, 23)),
    ],
)
def test_a_period_passes_before_it_is_due(
    cadence: str, delivered_to: date, in_time: date, late: date
) -> None:
    lateness = feed(cadence, 10, 20).lateness
    assert lateness is not None
    assert in_time - delivered_to <= lateness[1] < late - delivered_to
    assert lateness[1] - lateness[0] == timedelta(days=10)


def test_what_comes_once_is_never_late() -> None:
    assert feed("once", 10, 20).lateness is None
    assert FEED.model_copy(update={"freshness": None}).lateness is None


OTHERS = sorted(set(load_sources()["appeals_115"].instances) - {"minsk"})


def load(instance: str, month: int, number: int = 1, **changes: Any) -> dict[str, Any]:
    """A row of ``ops.load_state``: a month of 2026."""
    first = date(2026, month, 1)
    last = date(2026, month + 1, 1) - timedelta(days=1)
    given = {
        "instance": instance,
        "part": "",
        "load_no": number,
        "first_day": first,
        "last_day": last,
        "state": "accepted",
    }
    return {**given, "received_at": datetime.combine(last, time()) + timedelta(days=5), **changes}


@pytest.fixture
def in_november(monkeypatch: pytest.MonkeyPatch) -> None:
    """2026-11-22: October is late by two days (a month, and 20 days, after the end of September)."""
    monkeypatch.setattr(lateness, "today", lambda: date(2026, 11, 22))
    declared = load_sources()["appeals_115"]
    given = declared.model_copy(update={"feeds": {"requests": feed("monthly", 10, 20)}})
    monkeypatch.setattr(lateness, "load_sources", lambda: {"appeals_115": given})


@pytest.mark.usefixtures("in_november")
def test_a_city_that_delivers_hides_none_that_does_not() -> None:
    rows = [load("minsk", 10), load("brest", 9), load("homiel", 8), load("hrodna", 9, state="rejected")]
    silent = sorted(set(OTHERS) - {"brest", "homiel"})
    assert late_instances("appeals_115", "requests", rows) == [
        *(Late(instance, None) for instance in silent),
        Late("homiel", 32),
        Late("brest", 2),
    ]


@pytest.mark.usefixtures("in_november")
def test_a_part_that_comes_hides_none_that_does_not() -> None:
    others = [load(city, 10) for city in {*OTHERS, "minsk"} - {"brest"}]
    rows = [load("brest", 10, part="net"), load("brest", 9, part="arrivals"), *others]
    (late,) = late_instances("appeals_115", "requests", rows)
    assert late == Late("brest", 2, "arrivals")
    assert str(late) == "brest arrivals 2 days"
    assert late_instances("appeals_115", "requests", [*rows, load("brest", 10, 2, part="arrivals")]) == []


@pytest.mark.usefixtures("in_november")
def test_the_newest_of_an_instance_counts_and_nothing_of_the_future() -> None:
    others = [load(city, 10) for city in {*OTHERS, "minsk"} - {"brest"}]
    rows = [load("brest", 10, 1), load("brest", 5, 2), *others]
    assert late_instances("appeals_115", "requests", rows) == []
    early = [load("brest", 11, first_day=date(2026, 12, 1), last_day=date(2026, 12, 31)), *others]
    assert late_instances("appeals_115", "requests", early) == [Late("brest", None)]


def test_status_names_who_is_silent_and_leaves_with_its_code(portal: Portal) -> None:
    last = today().replace(day=1) - timedelta(days=1)
    portal.take(f"{last:%Y-%m}", portal.rows(f"{last:%Y-%m}", 3))
    done = CliRunner().invoke(app, ["status"])
    assert done.exit_code == ExitCode.LATE
    (told,) = [line for line in done.stdout.splitlines() if "appeals_115.requests:" in line]
    assert [city for city in OTHERS if f"{city} never delivered" in told] == OTHERS
    assert "minsk" not in told
    answer = json.loads(CliRunner().invoke(app, ["status", "--json"]).stdout)
    (given,) = [one for one in answer["feeds"] if (one["source"], one["feed"]) == ("appeals_115", "requests")]
    assert {one["instance"] for one in given["late"]} == set(OTHERS)
    assert answer["exit_code"] == ExitCode.LATE


def test_the_ui_shows_who_is_silent(portal: Portal) -> None:
    last = today().replace(day=1) - timedelta(days=1)
    portal.take(f"{last:%Y-%m}", portal.rows(f"{last:%Y-%m}", 3))
    defs = loading()
    with dg.DagsterInstance.ephemeral() as instance:
        done = defs.resolve_job_def(LATENESS_JOB).execute_in_process(instance=instance)
    found = {one.asset_key.path[-1]: one for one in done.get_asset_check_evaluations()}
    check = found["appeals_115__requests"]
    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.WARN
    assert check.metadata["late"].value == len(OTHERS)
    assert all(f"| {city} | never delivered |" in str(check.metadata["who"].value) for city in OTHERS)
    declared = {
        f"{source.source}__{name}"
        for source in load_sources().values()
        for name, one in source.feeds.items()
        if one.lateness
    }
    assert set(found) == declared
    # what is loaded is not kept waiting by it
    loads = defs.resolve_job_def(load_job_name("appeals_115", "requests"))
    assert "on_time" not in {key.name for key in loads.asset_layer.asset_graph.asset_check_keys}
