"""The context brokers of cities: asked page by page, city by city; whatever fails is caught up without a hole or a double row."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pipelines import connectors, formats
from pipelines.declarations.measures import load_measures
from pipelines.declarations.sources import SOURCES, Source, load_sources
from pipelines.deliveries import Delivery, parse_slice
from pipelines.errors import OriginError
from pipelines.loading.load import LoadOutcome
from sandbox.cities import CITIES
from sandbox.city_context import ContextBroker, entities_of, key_values, sample_entities
from sandbox.server import PERSON, Fault, Record, Sandbox, always, running
from tests.sources.asked import PASSING, Home, asking, named
from tests.support.examples import shortened

pytestmark = pytest.mark.slow

TYPES = {
    "streetlights": "Streetlight",
    "cabinets": "StreetlightControlCabinet",
    "waste_containers": "WasteContainer",
    "air_quality": "AirQualityObserved",
    "parking": "OffStreetParking,OnStreetParking",
    "wifi": "WifiPointOfInterest",
    "noise": "NoiseLevelObserved",
    "traffic_flow": "TrafficFlowObserved",
}
# asked for month by month, and by which attribute
BY_MONTH = {"air_quality": "dateObserved", "noise": "dateObservedFrom", "traffic_flow": "dateObserved"}
LIGHTS = 1100  # of Brest: two pages


def entities(tenant: str, kind: str) -> Sequence[Record] | None:
    """The invented entities, and so many streetlights in Brest that they do not fit one page."""
    if (tenant, kind) == ("brest", "Streetlight"):
        few = entities_of(CITIES[tenant], kind)
        return [{**few[n % len(few)], "id": f"urn:ngsi-ld:Streetlight:brest:{n:05}"} for n in range(LIGHTS)]
    return sample_entities()(tenant, kind)


@pytest.fixture(scope="module")
def broker() -> Iterator[Sandbox]:
    with running(ContextBroker(entities)) as sandbox:
        yield sandbox


@pytest.fixture
def home(broker: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    with asking("city_context", broker, tmp_path, monkeypatch, "2026-11-20") as found:
        yield found


def observed(city: str, month: str, feed: str = "air_quality") -> list[Record]:
    every = entities(city, TYPES[feed]) or ()
    return [one for one in every if str(key_values(one)[BY_MONTH[feed]]).startswith(month)]


def test_each_city_gives_all_it_has(home: Home, broker: Sandbox) -> None:
    rows = home.load_all()
    assert rows == {
        (feed, city, "2026-10" if feed in BY_MONTH else "2026-11"): len(
            observed(city, "2026-10", feed) if feed in BY_MONTH else entities(city, kind) or ()
        )
        for feed, kind in TYPES.items()
        for city in ("barysau", "brest")
    }
    assert {headers["NGSILD-Tenant"] for _, headers in broker.requests} == {"barysau", "brest"}
    again = home.load()
    # asked again because they are refreshed, and the same
    assert {
        key[0]: outcome.new for key, outcome in again.items() if isinstance(outcome, LoadOutcome)
    } == dict.fromkeys(BY_MONTH, False)
    assert home.warehouse.query("select distinct synthetic from ops.load") == [{"synthetic": True}]


def test_what_is_censored_stays_censored(home: Home) -> None:
    home.load_all(feed="air_quality")
    given = [key_values(one) for one in observed("brest", "2026-10")]
    censored = [one for one in given if str(one["so2"]).startswith("<")]
    assert 0 < len(censored) < len(given)
    kept = home.rows("air_quality", "so2, so2_mark", "instance = 'brest'")
    assert sorted((row["so2"], row["so2_mark"]) for row in kept if row["so2_mark"]) == [
        (Decimal("1.5"), "<")
    ] * len(censored)
    measured = [Decimal(str(one["so2"])) for one in given if one not in censored]
    assert sorted(row["so2"] for row in kept if row["so2_mark"] is None) == sorted(measured)


def test_a_time_without_a_zone_is_taken_for_that_of_minsk_and_told(home: Home) -> None:
    outcomes = home.load(feed="air_quality")
    told = {
        city: [one.expectation for one in outcome.results if one.unexpected_count]
        for (_, city, _), outcome in outcomes.items()
        if isinstance(outcome, LoadOutcome)
    }
    assert told == {"barysau": [], "brest": ["zone_told"]}
    hours = home.rows("air_quality", "distinct extract(hour from observed_at) as hour")
    assert [int(row["hour"]) for row in hours] == [8]


def test_shares_and_percents_are_never_mixed(home: Home) -> None:
    home.load_all(feed="waste_containers")
    kept = home.rows("waste_containers", "instance, filling_unit, filling_level", "filling_level is not null")
    for city, unit, most in (("barysau", None, 1), ("brest", "P1", 100)):
        own = [row for row in kept if row["instance"] == city]
        assert own and {row["filling_unit"] for row in own} == {unit}
        assert max(row["filling_level"] for row in own) <= most
    assert max(row["filling_level"] for row in kept if row["instance"] == "brest") > 1


def test_what_is_censored_is_known_to_be_above_or_not(home: Home) -> None:
    home.load_all(feed="noise", instance="brest")
    levels = [key_values(one)["LAeq"] for one in observed("brest", "2026-10", "noise")]
    censored = [one for one in levels if str(one).startswith("<")]
    assert censored
    marks = home.rows("noise", "laeq, laeq_mark", "laeq_mark is not null")
    assert [(row["laeq"], row["laeq_mark"]) for row in marks] == [(Decimal(35), "<")] * len(censored)
    measures = load_measures()[0]
    (all_,) = home.rows("noise", "count(*) as n", str(measures["noise_intervals"].filter))
    (above,) = home.rows("noise", "count(*) as n", str(measures["noise_intervals_above_55_db"].filter))
    assert all_["n"] == len(levels)
    assert above["n"] == sum(one > 55 for one in levels if not isinstance(one, str)) > 0


def test_an_interval_of_traffic_counts_from_its_beginning(tmp_path: Path) -> None:
    """As the model's own example has it: two moments in one attribute."""
    (one, *_) = observed("barysau", "2026-10", "traffic_flow")
    interval = "2026-10-07T11:10:00+03:00/2026-10-07T11:15:00+03:00"
    (row,) = read_entities("traffic_flow", [{**key_values(one), "dateObserved": interval}], tmp_path)
    assert (str(row["observed_on"]), row["observed_zone"]) == ("2026-10-07", "+03:00")
    assert (row["observed_at"].hour, row["observed_at"].minute) == (11, 10)
    without = "2016-12-07T11:10:00/2016-12-07T11:15:00"
    (row,) = read_entities("traffic_flow", [{**key_values(one), "dateObserved": without}], tmp_path)
    assert (str(row["observed_on"]), row["observed_zone"]) == ("2016-12-07", None)


def test_a_car_park_has_no_more_free_places_than_places(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    given = [dict(one) for one in entities("barysau", TYPES["parking"]) or ()]
    told = next(one for one in given if "availableSpotNumber" in one)
    told["availableSpotNumber"] = {"type": "Property", "value": told["totalSpotNumber"]["value"] + 1}
    with running(ContextBroker(lambda _tenant, _kind: given)) as sandbox:
        monkeypatch.setenv("GOROD_CITY_CONTEXT_URL", f"{sandbox.url}/ngsi-ld/v1")
        (outcome,) = home.load(feed="parking", instance="barysau").values()
    assert isinstance(outcome, LoadOutcome)
    assert outcome.rows_quarantined == 1 or outcome.state == "rejected"
    assert home.rows("parking", "entity_id", "available_spots > total_spots") == []


@pytest.mark.parametrize("fault", shortened(3, PASSING), ids=named)
def test_what_passes_leaves_no_trace(fault: Fault, home: Home, broker: Sandbox) -> None:
    broker.plan({2: fault}.get)
    assert home.load_all(feed="streetlights", instance="brest") == {
        ("streetlights", "brest", "2026-11"): LIGHTS
    }
    ids = [row["entity_id"] for row in home.rows("streetlights", "entity_id")]
    assert len(ids) == len(set(ids)) == LIGHTS


@pytest.mark.parametrize(
    "fault", [Fault("status", status=503), Fault("close"), Fault("missing"), Fault("html")], ids=named
)
def test_what_a_fault_cost_is_caught_up(fault: Fault, home: Home, broker: Sandbox) -> None:
    broker.plan(always(fault))
    (failed,) = home.load(feed="streetlights", instance="brest").values()
    assert isinstance(failed, OriginError)
    assert home.states() == []
    broker.plan()
    assert list(home.load_all(feed="streetlights", instance="brest").values()) == [LIGHTS]
    assert home.states() == ["accepted"] and len(home.rows("streetlights", "entity_id")) == LIGHTS


def test_another_form_of_the_entities_is_refused_and_the_right_one_taken(home: Home, broker: Sandbox) -> None:
    broker.plan(always(Fault("schema")))
    (refused,) = home.load(feed="streetlights", instance="barysau").values()
    assert isinstance(refused, LoadOutcome) and refused.state == "rejected"
    assert "status_given" in {one.expectation for one in refused.results if not one.success}
    broker.plan()
    home.load_all(feed="streetlights", instance="barysau", again=True)
    assert home.states() == ["rejected", "accepted"]
    assert len(home.rows("streetlights", "entity_id")) == len(entities("barysau", "Streetlight") or ())


def test_one_citys_broken_system_holds_up_no_other(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = ContextBroker(lambda tenant, kind: None if tenant == "barysau" else entities(tenant, kind))
    with running(gone) as sandbox:
        monkeypatch.setenv("GOROD_CITY_CONTEXT_URL", f"{sandbox.url}/ngsi-ld/v1")
        outcomes = home.load(feed="cabinets")
    assert isinstance(outcomes["cabinets", "barysau", "2026-11"], OriginError)
    assert isinstance(outcomes["cabinets", "brest", "2026-11"], LoadOutcome)


def test_months_come_one_by_one(home: Home) -> None:
    assert {slice_ for _, _, slice_ in home.load_all(feed="air_quality")} == {"2026-10"}
    home.on("2026-12-03")
    assert {slice_ for _, _, slice_ in home.load_all(feed="air_quality")} == {"2026-11"}
    days = home.rows("air_quality", "observed_on, count(*) as n", "instance = 'barysau' group by observed_on")
    assert len(days) == 31 + 30 and {row["n"] for row in days} == {1}


def test_what_comes_late_takes_the_place_of_what_came_before(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def early(tenant: str, kind: str) -> Sequence[Record]:
        return [one for one in entities(tenant, kind) or () if "2026-10-3" not in one["id"]]

    with running(ContextBroker(early)) as sandbox, monkeypatch.context() as context:
        context.setenv("GOROD_CITY_CONTEXT_URL", f"{sandbox.url}/ngsi-ld/v1")
        assert home.load_all(feed="air_quality")["air_quality", "barysau", "2026-10"] == 29
    assert home.load_all(feed="air_quality")["air_quality", "barysau", "2026-10"] == 31
    days = [row["observed_on"] for row in home.rows("air_quality", "observed_on", "instance = 'barysau'")]
    assert len(days) == len(set(days)) == 31


def test_nobody_named_in_free_text_is_kept(home: Home, broker: Sandbox) -> None:
    broker.plan(always(Fault("person")))
    assert len(home.load_all(instance="barysau")) == len(TYPES)
    assert PERSON not in home.stored() and "000-00-00" not in home.stored()


def test_another_city_is_a_few_lines(home: Home, tmp_path: Path) -> None:
    added = """
  homiel:
    title: {ru: г. Гомель, be: г. Гомель, en: Gomel}
    ref_area: c-homiel
"""
    assert len(added.strip().splitlines()) <= 10
    text = (SOURCES / "city_context" / "source.yml").read_text(encoding="utf-8")
    source = Source.model_validate(
        yaml.safe_load(text.replace("\ninstances:", "\ninstances:" + added.rstrip(), 1))
    )
    offered = list(connectors.candidates(source, "cabinets", home.settings, ["homiel"]))
    assert [one.instance for one in offered] == ["homiel"]
    offered[0].fetch(tmp_path)
    assert json.loads((tmp_path / "page-00001.json").read_text("utf-8")) == entities(
        "homiel", "StreetlightControlCabinet"
    )


def read_entities(feed: str, given: list[Any], folder: Path) -> list[dict[str, Any]]:
    (folder / "given.json").write_text(json.dumps(given), encoding="utf-8")
    delivery = Delivery(
        "d", "city_context", feed, "brest", parse_slice("2026-10", None), folder, ("given.json",), "", 0, "", "", True
    )  # fmt: skip
    declared = load_sources()["city_context"].feeds[feed]
    batch = formats.read(delivery, declared, folder / "batch.parquet")
    return duckdb.sql(f"from '{batch.path}'").to_arrow_table().to_pylist()


@pytest.mark.parametrize("feed", TYPES)
def test_long_and_short_form_are_read_alike(feed: str, tmp_path: Path) -> None:
    long = list(entities("barysau", TYPES[feed]) or ())[:50]
    as_long = read_entities(feed, long, tmp_path)
    as_short = read_entities(feed, [key_values(one) for one in long], tmp_path)
    units = {name for name in as_long[0] if name.endswith("_unit")}
    assert [{k: v for k, v in row.items() if k not in units} for row in as_long] == [
        {k: v for k, v in row.items() if k not in units} for row in as_short
    ]
    assert {row["parse_errors"] for row in as_long} == {None}


EXAMPLES = {
    "streetlights": ("Streetlighting/Streetlight", {"status": "ok", "power_state": "off", "controlling_method": "individual"}),
    "cabinets": ("Streetlighting/StreetlightControlCabinet", {"working_mode": "automatic"}),
    "waste_containers": ("WasteManagement/WasteContainer", {"filling_level": None}),
    "noise": ("Environment/NoiseLevelObserved", {"laeq": Decimal("67.8"), "laeq_mark": None, "observed_zone": "Z"}),
    "air_quality": ("Environment/AirQualityObserved", {"so2": Decimal(11), "so2_mark": None, "observed_zone": None}),
}  # fmt: skip


@pytest.mark.mirror
@pytest.mark.parametrize(
    "form", ["example.json", "example-normalized.json", "example.jsonld", "example-normalized.jsonld"]
)
@pytest.mark.parametrize("feed", EXAMPLES)
def test_the_published_examples_are_read(feed: str, form: str, tmp_path: Path) -> None:
    where, expected = EXAMPLES[feed]
    path = Path(os.environ["GOROD_MIRROR"]) / "smart_data_models" / where / "examples" / form
    (row,) = read_entities(feed, [json.loads(path.read_text(encoding="utf-8"))], tmp_path)
    assert row["parse_errors"] is None and row["entity_type"] == TYPES[feed]
    assert {name: row[name] for name in expected} == expected
