"""Sensors by OGC SensorThings: months by links, units by datastream, intervals by their beginning in Minsk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from pipelines import connectors
from pipelines.declarations.sources import SOURCES, Source
from pipelines.errors import OriginError
from pipelines.loading.load import LoadOutcome
from pipelines.moments import MINSK
from sandbox.cities import CITIES
from sandbox.sensor_things import SensorThings, observations_of, sample_observations
from sandbox.server import PERSON, Fault, Record, Sandbox, always, running
from tests.sources.asked import PASSING, Home, asking, named

OCTOBER = ("observations", "brest", "2026-10")


def observed(city: str, month: str) -> list[Record]:
    """The observations that begin in a month in Minsk."""
    return [
        one
        for one in observations_of(CITIES[city])
        if f"{datetime.fromisoformat(one['phenomenonTime'].partition('/')[0]).astimezone(MINSK):%Y-%m}"
        == month
    ]


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with running(SensorThings(sample_observations(), largest_top=50)) as sandbox:
        yield sandbox


@pytest.fixture
def home(server: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    with asking("sensor_things", server, tmp_path, monkeypatch, "2026-11-20") as found:
        yield found


def test_months_are_taken_whole_by_their_links(home: Home, server: Sandbox) -> None:
    assert home.load_all() == {
        ("observations", city, "2026-10"): len(observed(city, "2026-10")) for city in ("barysau", "brest")
    }
    assert sum("skip=" in path for path, _ in server.requests) == 2, "one more page for each city"
    assert not any(one.new for one in home.load().values() if isinstance(one, LoadOutcome))
    home.on("2026-12-03")
    assert {month for _, _, month in home.load_all()} == {"2026-11"}
    days = home.rows("observations", "observed_on, count(*) as n", "instance = 'brest' group by observed_on")
    assert len(days) == 31 + 30 and {row["n"] for row in days} == {3}


def test_an_evening_in_utc_is_the_next_day_in_minsk(home: Home) -> None:
    home.load_all(instance="brest")
    (first,) = home.rows("observations", "min(observed_at) as at, min(observed_on) as day")
    assert str(first["at"]).startswith("2026-10-01 00:30") and str(first["day"]) == "2026-10-01"
    assert observed("brest", "2026-10")[0]["phenomenonTime"].startswith("2026-09-30T21:30")
    (noise,) = home.rows("observations", "count(until) as n", "observed_property = 'LAeq'")
    (rest,) = home.rows("observations", "count(until) as n", "observed_property <> 'LAeq'")
    assert (noise["n"], rest["n"]) == (31, 0)


def test_what_is_censored_is_no_measurement(home: Home) -> None:
    home.load_all(instance="brest")
    given = [
        one["result"]
        for one in observed("brest", "2026-10")
        if one["Datastream"]["ObservedProperty"]["name"] == "PM2.5"
    ]
    measured = [one for one in given if not isinstance(one, str)]
    assert len(measured) < len(given)
    (kept,) = home.rows(
        "observations",
        "count(*) as n, sum(result) as total",
        "observed_property = 'PM2.5' and result_mark is null",
    )
    assert (kept["n"], kept["total"]) == (len(measured), sum(Decimal(str(one)) for one in measured))


@pytest.mark.parametrize(("unit", "accepted"), [("ug/m3", True), ("ppm", False), (None, False)])
def test_the_unit_of_a_datastream_is_checked(
    unit: str | None, accepted: bool, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(one: Record) -> Record:
        stream = one["Datastream"]
        if stream["ObservedProperty"]["name"] == "LAeq":
            return one
        return {**one, "Datastream": {**stream, "unitOfMeasurement": {"symbol": unit}}}

    given = [changed(one) for one in observations_of(CITIES["brest"])]
    with running(SensorThings(lambda _: given)) as sandbox:
        monkeypatch.setenv("GOROD_SENSOR_THINGS_URL", f"{sandbox.url}/{{instance}}/v1.1")
        (outcome,) = home.load(instance="brest").values()
    assert isinstance(outcome, LoadOutcome)
    assert outcome.state == ("accepted" if accepted else "rejected")


@pytest.mark.parametrize("fault", PASSING[::3], ids=named)
def test_what_passes_leaves_no_trace(fault: Fault, home: Home, server: Sandbox) -> None:
    server.plan({2: fault}.get)
    assert home.load_all(instance="brest") == {OCTOBER: len(observed("brest", "2026-10"))}


@pytest.mark.parametrize("fault", [Fault("close"), Fault("missing"), Fault("no_total")], ids=named)
def test_what_a_fault_cost_is_caught_up(fault: Fault, home: Home, server: Sandbox) -> None:
    server.plan(always(fault))
    (failed,) = home.load(instance="brest").values()
    assert isinstance(failed, OriginError) and home.states() == []
    server.plan()
    assert home.load_all(instance="brest") == {OCTOBER: len(observed("brest", "2026-10"))}


def test_observations_without_their_datastream_are_refused(home: Home, server: Sandbox) -> None:
    server.plan(always(Fault("schema")))
    (refused,) = home.load(instance="brest").values()
    assert isinstance(refused, LoadOutcome) and refused.state == "rejected"
    server.plan()
    home.load_all(instance="brest", again=True)
    assert home.states() == ["rejected", "accepted"]


def test_one_citys_broken_server_holds_up_no_other(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def of(city: str) -> Sequence[Record] | None:
        return None if city == "barysau" else sample_observations()(city)

    with running(SensorThings(of)) as sandbox:
        monkeypatch.setenv("GOROD_SENSOR_THINGS_URL", f"{sandbox.url}/{{instance}}/v1.1")
        outcomes = home.load()
    assert isinstance(outcomes["observations", "barysau", "2026-10"], OriginError)
    assert isinstance(outcomes[OCTOBER], LoadOutcome)


def test_nobody_in_whose_yard_a_station_stands_is_kept(home: Home, server: Sandbox) -> None:
    server.plan(always(Fault("person")))
    home.load_all(instance="brest")
    stored = home.stored()
    assert PERSON not in stored and "000-00-00" not in stored and "Примерная" not in stored


def test_another_city_is_a_few_lines(home: Home, tmp_path: Path) -> None:
    added = """
  homiel:
    title: {ru: г. Гомель, be: г. Гомель, en: Gomel}
    ref_area: c-homiel
"""
    assert len(added.strip().splitlines()) <= 10
    text = (SOURCES / "sensor_things" / "source.yml").read_text(encoding="utf-8")
    source = Source.model_validate(
        yaml.safe_load(text.replace("\ninstances:", "\ninstances:" + added.rstrip(), 1))
    )
    (offered,) = connectors.candidates(source, "observations", home.settings, ["homiel"])
    offered.fetch(tmp_path)
    assert (tmp_path / "page-00001.json").is_file()
