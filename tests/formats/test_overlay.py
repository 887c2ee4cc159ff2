"""Areas intersected with units and people: worked out by hand on squares, and compared with geodesic areas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import mapping

from pipelines import formats
from pipelines.deliveries import Delivery, Slice
from pipelines.errors import DeliveryError
from tests.formats.reading import feed, told
from tests.support.examples import examples

FORMAT = {
    "kind": "overlay",
    "classes": {"technology": ["LTE", "5G"]},
    "each": "operator",
    "zones": "select 1",
    "points": "select 1",
    "within": [23.0, 51.0, 33.0, 56.5],
}
COLUMNS: dict[str, Any] = {
    **dict.fromkeys(("zone", "technology", "operator"), "text"),
    **{name: {"type": "decimal", "unbounded": "a"} for name in ("zone_km2", "covered_km2")},
    **{name: {"type": "integer", "unbounded": "a"} for name in ("zone_people", "covered_people", "areas")},
}


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    """A box whose edges follow the parallels, to a point each 0.05 degrees."""
    return shapely.segmentize(shapely.box(west, south, east, north), 0.05)


# a region of two degrees, in it a town; beside it another region
ZONES = [
    ("1000000000", 1, box(26, 53, 28, 54)),
    ("1401000000", 3, box(27, 53.2, 27.5, 53.6)),
    ("2000000000", 1, box(28, 53, 29, 54)),
]
POINTS = [(26.1, 53.1, 1000), (27.1, 53.3, 50_000), (27.4, 53.5, 30_000), (28.5, 53.5, 400), (30.0, 55.0, 7)]


def feature(shape: Any, technology: str = "LTE", operator: str = "a") -> dict[str, Any]:
    geometry = shape if isinstance(shape, dict) or shape is None else mapping(shape)
    return {
        "type": "Feature",
        "properties": {"technology": technology, "operator": operator},
        "geometry": geometry,
    }


def overlaid(
    folder: Path,
    features: list[dict[str, Any]],
    zones: list[Any] | None = None,
    points: list[Any] | None = None,
) -> dict[tuple[str, str, str], dict[str, Any]]:
    """The rows by unit, technology and operator."""
    (folder / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    delivery = Delivery("d", "s", "f", "i", Slice(), folder, ("a.geojson",), "", 0, "", "", synthetic=True)
    beside = {
        "zones": pa.table({
            "zone": pa.array([one[0] for one in ZONES if zones is None], pa.string()),
            "rank": pa.array([one[1] for one in ZONES if zones is None], pa.int32()),
            "geometry": pa.array([json.dumps(mapping(one[2])) for one in ZONES if zones is None], pa.string()),
        }),
        "points": pa.table({
            name: pa.array([one[at] for one in (POINTS if points is None else points)])
            for at, name in enumerate(("lon", "lat", "people"))
        }),
    }  # fmt: skip
    batch = formats.read(delivery, feed(FORMAT, COLUMNS), folder / "batch.parquet", beside=beside)
    with duckdb.connect() as connection:
        found = connection.execute(f"from read_parquet('{batch.path}') order by row_no")
        names = [one[0] for one in found.description]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return {(row["zone"], row["technology"], row["operator"]): row for row in rows}


def geodesic_km2(shape: Any) -> float:
    return abs(pyproj.Geod(ellps="WGS84").geometry_area_perimeter(shapely.orient_polygons(shape))[0]) / 1e6


def test_a_unit_is_taken_without_the_finer_ones_and_overlaps_count_once(tmp_path: Path) -> None:
    # two areas that overlap: together the west of the region and half of the town
    rows = overlaid(tmp_path, [feature(box(26, 53, 27, 54)), feature(box(26.5, 53, 27.25, 54), operator="b")])
    region, town = ZONES[0][2], ZONES[1][2]
    assert len(rows) == 3 * 3 + 3, "LTE: all, a, b; 5G: all"
    assert float(rows["1000000000", "LTE", "_T"]["zone_km2"]) == pytest.approx(
        geodesic_km2(region) - geodesic_km2(town), rel=1e-5
    )
    union = box(26, 53, 27.25, 54)
    for soato, shape in (("1000000000", region.difference(town)), ("1401000000", town)):
        expected = geodesic_km2(shape.intersection(union))
        assert float(rows[soato, "LTE", "_T"]["covered_km2"]) == pytest.approx(expected, rel=1e-5)
    # half of the town, in degrees and in area
    half = rows["1401000000", "LTE", "_T"]
    assert float(half["covered_km2"] / half["zone_km2"]) == pytest.approx(0.5, abs=1e-5)
    # one area covers a part of it, the other touches its border
    assert (half["zone_people"], half["covered_people"], half["areas"]) == (80_000, 50_000, 2)
    assert rows["1401000000", "LTE", "a"]["covered_people"] == 0
    assert rows["1000000000", "LTE", "_T"]["covered_people"] == 1000
    assert rows["2000000000", "LTE", "_T"]["covered_km2"] == 0
    # a technology without areas covers nothing, and says so
    nothing = rows["1401000000", "5G", "_T"]
    assert (nothing["covered_km2"], nothing["covered_people"], nothing["zone_people"]) == (0, 0, 80_000)
    assert (
        sum(row["zone_people"] for (_, of, who), row in rows.items() if (of, who) == ("5G", "_T")) == 81_400
    )


@given(
    st.lists(
        st.tuples(
            st.floats(25.5, 29),
            st.floats(52.5, 54),
            st.floats(0.01, 2),
            st.floats(0.01, 1),
            st.sampled_from("ab"),
        ),
        min_size=1,
        max_size=6,
    )
)
@settings(max_examples=examples(15), deadline=None)
def test_coverage_is_that_of_the_union_and_never_above_all(
    tmp_path_factory: pytest.TempPathFactory, boxes: list[tuple[float, float, float, float, str]]
) -> None:
    shapes = [(box(x, y, x + wide, y + high), who) for x, y, wide, high, who in boxes]
    folder = tmp_path_factory.mktemp("overlay")
    rows = overlaid(folder, [feature(shape, operator=who) for shape, who in shapes])
    for (_, technology, who), row in rows.items():
        assert 0 <= row["covered_km2"] <= row["zone_km2"] and 0 <= row["covered_people"] <= row["zone_people"]
        if technology == "LTE":
            assert row["covered_km2"] <= rows[row["zone"], "LTE", "_T"]["covered_km2"], who
    town = geodesic_km2(ZONES[1][2].intersection(shapely.union_all([one for one, _ in shapes])))
    assert float(rows["1401000000", "LTE", "_T"]["covered_km2"]) == pytest.approx(town, rel=1e-4, abs=1e-3)


BOWTIE = {"type": "Polygon", "coordinates": [[[26, 53], [27, 54], [27, 53], [26, 54], [26, 53]]]}


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (feature(BOWTIE), ["Объект 2", "самопересечений", "26.500000, 53.500000"]),
        (feature(None), ["Объект 2", "контур"]),
        (feature(box(26, 53, 27, 54), technology="3G"), ["Объект 2", "LTE, 5G"]),
        (feature(box(26, 53, 27, 54), operator="_T"), ["Объект 2", "operator"]),
        (feature(shapely.LineString([(26, 53), (27, 54)])), ["Объект 2", "LineString"]),
        (feature(box(26, 53, 27, 60)), ["Объект 2", "систему координат"]),
        ({"type": "Feature", "geometry": None}, ["Объект 2", "свойствами"]),
    ],
)
def test_a_broken_area_is_refused_with_its_number(
    broken: dict[str, Any], said: list[str], tmp_path: Path
) -> None:
    with pytest.raises(DeliveryError) as caught:
        overlaid(tmp_path, [feature(box(26, 53, 27, 54)), broken])
    assert [part for part in said if part not in told(caught.value)] == []
    assert {reason.row for reason in caught.value.reasons} == {2}


def test_without_units_or_people_there_is_nothing_to_intersect(tmp_path: Path) -> None:
    for beside, said in (({"zones": []}, "Границ"), ({"points": []}, "Населённых пунктов")):
        with pytest.raises(DeliveryError, match=said) as caught:
            overlaid(tmp_path, [feature(box(26, 53, 27, 54))], **beside)
        assert "gorod replay" in caught.value.remedy


def test_of_many_faults_the_first_are_named(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError) as caught:
        overlaid(tmp_path, [feature(BOWTIE)] * 30)
    assert len(caught.value.reasons) == 21 and "Ещё объектов с ошибками: 10" in told(caught.value)
