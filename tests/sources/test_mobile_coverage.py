"""Coverage of LTE and 5G: the sample by reader and gate against areas computed another way, and its published indicators."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import shapely
from pyproj import Geod

from pipelines.deliveries import parse_slice
from sandbox.cities import CITIES
from sandbox.samples.mobile_coverage import areas, circle, collection, feature, settlements
from sandbox.samples.nca_register import units
from tests.sources.delivered import through_gate

OCTOBER = parse_slice("2026-10", None)
NAME = "coverage-2026-10.geojson"


def geodesic_km2(shape: shapely.Geometry) -> float:
    return abs(Geod(ellps="WGS84").geometry_area_perimeter(shapely.orient_polygons(shape))[0]) / 1e6


def outline(soato: str) -> shapely.Geometry:
    found = next(one for one in units() if one["soato"] == soato)
    return shapely.Polygon(found["rings"][0], found["rings"][1:])


def united(technology: str) -> shapely.Geometry:
    return shapely.union_all(
        [
            shapely.Polygon(one["geometry"]["coordinates"][0])
            for one in areas()
            if one["properties"]["technology"] == technology
        ]
    )


@pytest.mark.parametrize("technology", ["LTE", "5G"])
def test_a_city_is_covered_as_much_as_its_outline_says(technology: str, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(collection(areas()), encoding="utf-8")
    rows, validation = through_gate("mobile_coverage", "areas", "by", OCTOBER, tmp_path, NAME)
    assert validation.accepted and validation.quarantined == 0
    found = {(row["zone"], row["technology"], row["operator"]): row for row in rows}
    for city in ("minsk", "brest", "barysau"):
        soato = CITIES[city].soato
        row, shape = found[soato, technology, "_T"], outline(soato)
        assert float(row["zone_km2"]) == pytest.approx(geodesic_km2(shape), rel=1e-4)
        expected = geodesic_km2(shape.intersection(united(technology)))
        assert float(row["covered_km2"]) == pytest.approx(expected, rel=1e-4, abs=1e-6)
        reached = [
            people
            for _, _, lon, lat, people in settlements()
            if shapely.intersects_xy(shape, round(lon, 5), round(lat, 5))
            and shapely.intersects_xy(united(technology), round(lon, 5), round(lat, 5))
        ]
        assert row["covered_people"] == sum(reached)


def test_an_operator_whose_code_is_a_name_is_kept_back(tmp_path: Path) -> None:
    given = [*areas(), feature("LTE", "Оператор В", circle((27.0, 53.0), 5))]
    (tmp_path / NAME).write_text(collection(given), encoding="utf-8")
    _, validation = through_gate("mobile_coverage", "areas", "by", OCTOBER, tmp_path, NAME)
    assert not validation.accepted
    assert "operator_is_code" in {one.expectation for one in validation.results if not one.success}


def test_another_operator_is_only_its_areas(tmp_path: Path) -> None:
    """A third operator needs no declaration, and changes nothing where others cover already."""
    here = circle((CITIES["minsk"].lon, CITIES["minsk"].lat), 1)
    (tmp_path / NAME).write_text(collection([*areas(), feature("5G", "operator_c", here)]), encoding="utf-8")
    rows, validation = through_gate("mobile_coverage", "areas", "by", OCTOBER, tmp_path, NAME)
    assert validation.accepted
    minsk = {
        row["operator"]: row["covered_km2"]
        for row in rows
        if (row["zone"], row["technology"]) == (CITIES["minsk"].soato, "5G")
    }
    assert minsk["_T"] == minsk["operator_a"] > minsk["operator_c"] > 0


def test_population_and_territory_are_two_indicators(samples: Path) -> None:
    with duckdb.connect(
        str(samples / "published" / "current" / "gorod.duckdb"), read_only=True
    ) as connection:
        values: dict[tuple[str, str], Decimal] = {
            (indicator, area): value
            for indicator, area, value in connection.execute(
                "select indicator, ref_area, obs_value from published.pub_indicator_value_v1 "
                "where time_period = '2026-10' and indicator in "
                "('lte_population_pct', 'lte_territory_pct', 'nr_population_pct', 'nr_territory_pct')"
            ).fetchall()
        }
    assert all(0 <= value <= 100 for value in values.values() if value is not None)
    # a region: its whole outline, with the towns in it; the circles about towns beyond a border count where they lie
    for region, soato in (("BY-BR", "1000000000"), ("BY-MA", "7000000000")):
        shape = outline(soato)
        expected = 100 * geodesic_km2(shape.intersection(united("LTE"))) / geodesic_km2(shape)
        assert float(values["lte_territory_pct", region]) == pytest.approx(expected, abs=0.05)
        assert values["lte_population_pct", region] > values["lte_territory_pct", region]
    minsk = outline(CITIES["minsk"].soato)
    share = 100 * geodesic_km2(minsk.intersection(united("5G"))) / geodesic_km2(minsk)
    assert float(values["nr_territory_pct", "c-minsk"]) == pytest.approx(share, abs=0.02)
    # no area of 5G is near, which is zero and not unknown
    assert values["nr_territory_pct", "c-barysau"] == values["nr_population_pct", "c-barysau"] == 0


def test_the_layer_is_read_by_any_form(tmp_path: Path) -> None:
    """A GeoJSON whose properties have other members too is the same."""
    given = [{**one, "properties": {**one["properties"], "colour": "#fff"}} for one in areas()]
    (tmp_path / NAME).write_text(
        json.dumps({"type": "FeatureCollection", "features": given}), encoding="utf-8"
    )
    rows, validation = through_gate("mobile_coverage", "areas", "by", OCTOBER, tmp_path, NAME)
    assert validation.accepted and len(rows) == len(units()) * 5
