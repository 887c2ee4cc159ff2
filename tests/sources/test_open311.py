"""Citizens' requests by Open311: asked month by month, and counted as those of the portal are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import duckdb
import httpx
import pytest
import yaml

from pipelines import connectors
from pipelines.declarations.sources import SOURCES, Source
from pipelines.errors import OriginError
from pipelines.loading.load import LoadOutcome
from sandbox.open311 import LONGEST_DAYS, Open311
from sandbox.samples.open311 import requests_between
from sandbox.server import PERSON, Fault, Sandbox, always, running
from tests.sources.asked import PASSING, Home, asking, named
from tests.support.examples import shortened

pytestmark = pytest.mark.slow

BREST = 551  # two pages
OCTOBER = ("requests", "brest", "2026-10")


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with running(Open311(requests_between)) as sandbox:
        yield sandbox


@pytest.fixture
def home(server: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    with asking("open311", server, tmp_path, monkeypatch, "2026-11-20") as found:
        yield found


def made(city: str, first: str, last: str) -> int:
    return len(requests_between(city, date.fromisoformat(first), date.fromisoformat(last)) or ())


def test_the_server_keeps_to_the_specification(server: Sandbox) -> None:
    def asked(**query: str) -> httpx.Response:
        return httpx.get(f"{server.url}/requests.json", params=query, trust_env=False)

    window = {"start_date": "2026-10-01T00:00:00+03:00", "end_date": "2026-10-31T23:59:59+03:00"}
    first = asked(jurisdiction_id="brest", page_size="500", **window)
    second = asked(jurisdiction_id="brest", page_size="500", page="2", **window)
    assert len(first.json()) + len(second.json()) == BREST == made("brest", "2026-10-01", "2026-10-31")
    closed = asked(jurisdiction_id="brest", page_size="500", status="closed", **window).json()
    assert {one["status"] for one in closed} == {"closed"}
    assert all(re.search(r"[+-]\d\d:\d\d$", one["requested_datetime"]) for one in first.json())
    assert asked(jurisdiction_id="moscow", **window).status_code == 404
    too_long = asked(jurisdiction_id="brest", **{**window, "start_date": "2026-07-01T00:00:00+03:00"})
    assert too_long.status_code == 400 and too_long.json()[0]["code"] == 400
    assert asked(jurisdiction_id="brest", start_date="2026-10-01").status_code == 400, "without a zone"


def test_months_are_asked_one_by_one_within_the_window(home: Home, server: Sandbox) -> None:
    home.on("2027-01-05")
    rows = home.load_all()
    assert rows == {
        ("requests", city, month): made(city, f"{month}-01", f"{month}-{days}")
        for city in ("barysau", "brest")
        for month, days in (("2026-10", 31), ("2026-11", 30), ("2026-12", 31))
    }
    for path, _ in server.requests:
        query = {name: value for name, (value,) in parse_qs(urlsplit(path).query).items()}
        span = date.fromisoformat(query["end_date"][:10]) - date.fromisoformat(query["start_date"][:10])
        assert span.days <= LONGEST_DAYS
    assert home.warehouse.query("select distinct synthetic from ops.load") == [{"synthetic": True}]


# without a stated total, a page that came too short looks like the last one
SEEN = [fault for fault in PASSING if fault.kind not in ("missing", "empty")]


@pytest.mark.parametrize("fault", shortened(3, SEEN), ids=named)
def test_what_passes_leaves_no_trace(fault: Fault, home: Home, server: Sandbox) -> None:
    server.plan({2: fault}.get)
    assert home.load_all(instance="brest") == {OCTOBER: BREST}
    ids = [row["request_id"] for row in home.rows("requests", "request_id")]
    assert len(ids) == len(set(ids)) == BREST


@pytest.mark.parametrize("fault", [Fault("missing"), Fault("empty")], ids=named)
def test_what_nobody_could_see_is_caught_up_by_the_next_run(
    fault: Fault, home: Home, server: Sandbox
) -> None:
    server.plan({4: fault}.get)  # Borisov has one page, and an empty one behind it
    assert 0 < home.load_all()[OCTOBER] < BREST
    server.plan()
    home.load()
    ids = [row["request_id"] for row in home.rows("requests", "request_id", "instance = 'brest'")]
    assert len(ids) == len(set(ids)) == BREST


@pytest.mark.parametrize("fault", [Fault("status", status=503), Fault("close"), Fault("html")], ids=named)
def test_what_a_fault_cost_is_caught_up(fault: Fault, home: Home, server: Sandbox) -> None:
    server.plan(always(fault))
    assert all(isinstance(outcome, OriginError) for outcome in home.load().values())
    assert home.states() == []
    server.plan()
    assert home.load_all()[OCTOBER] == BREST
    assert len(home.rows("requests", "request_id", "instance = 'brest'")) == BREST


def test_a_request_that_is_closed_later_takes_the_place_of_the_open_one(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    still_open = Open311(lambda *asked: [{**one, "status": "open"} for one in requests_between(*asked) or ()])
    with running(still_open) as sandbox, monkeypatch.context() as context:
        context.setenv("GOROD_OPEN311_URL", sandbox.url)
        home.load_all()
    assert {row["status"] for row in home.rows("requests", "status")} == {"open"}
    home.load_all()
    kept = home.rows("requests", "request_id, status", "instance = 'brest'")
    assert len({row["request_id"] for row in kept}) == len(kept) == BREST
    assert sum(row["status"] == "closed" for row in kept) == sum(
        one["status"] == "closed"
        for one in requests_between("brest", date(2026, 10, 1), date(2026, 10, 31)) or ()
    )


def test_another_form_is_refused_and_the_right_one_taken(home: Home, server: Sandbox) -> None:
    server.plan(always(Fault("schema")))
    (refused,) = home.load(instance="barysau").values()
    assert isinstance(refused, LoadOutcome) and refused.state == "rejected"
    server.plan()
    home.load_all(instance="barysau")
    assert home.states() == ["rejected", "accepted"]


def test_no_person_is_kept(home: Home, server: Sandbox) -> None:
    server.plan(always(Fault("person")))
    home.load_all(instance="barysau")
    stored = home.stored()
    assert PERSON not in stored and "000-00-00" not in stored and "Примерная" not in stored


def test_another_city_is_a_few_lines(home: Home, server: Sandbox, tmp_path: Path) -> None:
    added = """
  homiel:
    title: {ru: г. Гомель, be: г. Гомель, en: Gomel}
    ref_area: c-homiel"""
    assert len(added.strip().splitlines()) <= 10
    text = (SOURCES / "open311" / "source.yml").read_text(encoding="utf-8")
    source = Source.model_validate(yaml.safe_load(text.replace("\ninstances:", "\ninstances:" + added, 1)))
    (offered,) = connectors.candidates(source, "requests", home.settings, ["homiel"])
    offered.fetch(tmp_path)
    assert all("jurisdiction_id=homiel" in path for path, _ in server.requests)
    assert (tmp_path / "page-00001.json").stat().st_size > 1000


def test_the_same_requests_by_both_ways_give_the_same_figures(samples: Path) -> None:
    """Both samples hold the requests of one city and month, one from the portal's files, one by Open311."""
    pairs = {
        "open311_registered": "appeals_registered",
        "open311_planned": "appeals_planned",
        "open311_planned_days": "appeals_planned_days",
    }
    with duckdb.connect(
        str(samples / "published" / "current" / "gorod.duckdb"), read_only=True
    ) as connection:
        found = connection.execute(
            "select measure, ref_area, breakdown, obs_value from published.pub_observation_v1 "
            "where measure in (select unnest(?)) and time_period = '2026-10' and ref_area = 'c-barysau'",
            [[*pairs, *pairs.values()]],
        ).fetchall()
    # a group that other months of the portal know is a zero there
    figures = {(measure, area, member): value for measure, area, member, value in found if value}
    for ours, portals in pairs.items():
        one = {key[1:]: value for key, value in figures.items() if key[0] == ours}
        other = {key[1:]: value for key, value in figures.items() if key[0] == portals}
        assert one == other and {area for area, _ in one} == {"c-barysau"}
    assert figures["open311_registered", "c-barysau", "_T"] == made("barysau", "2026-10-01", "2026-10-31")
