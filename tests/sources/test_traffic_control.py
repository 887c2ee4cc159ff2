"""Traffic control: DATEX II by path, and parking that agrees with what the operators of car parks deliver."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import yaml

from pipelines.declarations.sources import SOURCES, Source
from pipelines.deliveries import parse_slice
from sandbox.cities import CITIES
from sandbox.samples.traffic_control import COMMENT, incidents, intersections, situation_publication
from tests.sources.delivered import through_gate

OCTOBER = parse_slice("2026-10", None)


def test_situation_records_are_read_by_path(tmp_path: Path) -> None:
    given = incidents(CITIES["barysau"])
    name = "incidents-2026-10.xml"
    (tmp_path / name).write_bytes(situation_publication(given))
    rows, validation = through_gate("traffic_control", "incidents", "barysau", OCTOBER, tmp_path, name)
    assert validation.accepted and validation.quarantined == 0
    assert [(row["record_id"], row["record_type"], row["started_at"], row["ended_at"]) for row in rows] == [
        (one["id"], one["type"], one["from"], one["to"]) for one in given
    ]
    assert COMMENT not in str(rows)


def test_other_prefixes_and_zones_mean_the_same(tmp_path: Path) -> None:
    moment = datetime(2026, 10, 31, 23, 30)
    one = {"id": "a", "type": "Accident", "from": moment, "to": moment + timedelta(minutes=20)}
    text = situation_publication([one]).decode()
    text = (
        text.replace("sit:", "ns2:").replace("xmlns:sit", "xmlns:ns2").replace("23:30:00+03:00", "20:30:00Z")
    )
    name = "incidents-2026-10.xml"
    (tmp_path / name).write_text(text, encoding="utf-8")
    (row,), validation = through_gate("traffic_control", "incidents", "brest", OCTOBER, tmp_path, name)
    assert (row["record_type"], row["started_at"], row["ended_at"]) == ("Accident", moment, one["to"])
    # the last hour of the month belongs to it
    assert validation.accepted and validation.quarantined == 0


def test_a_record_in_two_versions_is_kept_back(tmp_path: Path) -> None:
    given = incidents(CITIES["brest"])
    name = "incidents-2026-10.xml"
    (tmp_path / name).write_bytes(situation_publication([*given, given[0]]))
    _, validation = through_gate("traffic_control", "incidents", "brest", OCTOBER, tmp_path, name)
    assert "row_unique" in {one.expectation for one in validation.results if one.unexpected_count}
    assert not validation.accepted or validation.quarantined == 2


def test_another_city_is_a_few_lines() -> None:
    added = """
  homiel:
    title: {ru: г. Гомель, be: г. Гомель, en: Gomel}
    ref_area: c-homiel"""
    text = (SOURCES / "traffic_control" / "source.yml").read_text(encoding="utf-8")
    source = Source.model_validate(yaml.safe_load(text.replace("\ninstances:", "\ninstances:" + added, 1)))
    assert "homiel" in source.instances and len(added.strip().splitlines()) <= 10


def published(samples: Path, sql: str) -> dict[tuple[str, str], Decimal]:
    with duckdb.connect(
        str(samples / "published" / "current" / "gorod.duckdb"), read_only=True
    ) as connection:
        return {(what, area): value for what, area, value in connection.execute(sql).fetchall()}


def test_the_same_car_parks_by_both_ways_give_the_same_figures(samples: Path) -> None:
    found = published(
        samples,
        "select measure, ref_area, obs_value from published.pub_observation_v1 where time_period = '2026-10' "
        "and breakdown = '_T' and ref_area in ('c-brest', 'c-barysau') and measure like '%parking_place_days%'",
    )
    for ours, operators in (
        ("traffic_parking_place_days", "parking_place_days"),
        ("traffic_parking_place_days_occupied", "parking_place_days_occupied"),
    ):
        for city in ("c-brest", "c-barysau"):
            assert found[ours, city] == found[operators, city] > 0


@pytest.mark.parametrize("city", ["brest", "barysau"])
def test_clearance_and_control_are_those_of_the_records(city: str, samples: Path) -> None:
    values = published(
        samples,
        "select indicator, ref_area, obs_value from published.pub_indicator_value_v1 where time_period = '2026-10' "
        "and breakdown = '_T'",
    )
    lasted = [(one["to"] - one["from"]).seconds // 60 for one in incidents(CITIES[city]) if one["to"]]
    assert values["road_incident_clearance_min", f"c-{city}"] == pytest.approx(
        Decimal(sum(lasted)) / len(lasted), abs=Decimal("0.00001")
    )
    lights = intersections(CITIES[city])
    adaptive = [
        one for one in lights if one["control"]["mode"] == "adaptive" and one["status"] == "in_service"
    ]
    assert values["intersections_adaptive_pct", f"c-{city}"] == pytest.approx(
        Decimal(100 * len(adaptive)) / len(lights), abs=Decimal("0.00001")
    )
