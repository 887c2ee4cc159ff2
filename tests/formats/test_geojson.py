"""The GeoJSON reader, through the public reading of a delivery."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.declarations.columns import Column
from pipelines.declarations.feeds import Feed
from pipelines.deliveries import Delivery, Slice
from pipelines.errors import DeliveryError
from pipelines.formats import read

NAMES = {"ru": "-", "be": "-", "en": "-"}
DECIMAL = Column(type="decimal", description="-")
FEED = Feed(
    title=NAMES,
    description="-",
    cadence="yearly",
    origins={},
    format={"kind": "geojson"},
    columns={
        "feature_id": Column(type="text", description="-", from_path="properties.id"),
        "note": Column(type="text", description="-", required=False),
        "geometry_type": Column(type="text", description="-"),
        **dict.fromkeys(("west", "south", "east", "north"), DECIMAL),
        "geometry": Column(type="text", description="-"),
    },
)
SQUARE = [[[27.0, 53.0], [28.0, 53.0], [28.0, 54.5], [27.0, 54.5], [27.0, 53.0]]]


def a_feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": {"id": "BY-HM", **properties}, "geometry": geometry}


def a_collection(*features: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


def polygon(coordinates: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": coordinates}


def rows_of(folder: Path, content: Any) -> list[dict[str, Any]]:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    (folder / "map.geojson").write_bytes(raw)
    delivery = Delivery(
        "d", "some", "map", "one", Slice(), folder, ("map.geojson",), "", len(raw), "test", "", synthetic=True
    )
    batch = read(delivery, FEED, folder / "batch.parquet")
    found = duckdb.sql(f"select * from '{batch.path}' order by row_no")
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def test_a_feature_becomes_a_row_with_its_bounds(tmp_path: Path) -> None:
    (row,) = rows_of(tmp_path, a_collection(a_feature(polygon(SQUARE), note="Мінск")))
    assert (row["row_no"], row["feature_id"], row["note"], row["geometry_type"]) == (
        1,
        "BY-HM",
        "Мінск",
        "Polygon",
    )
    bounds = [row[side] for side in ("west", "south", "east", "north")]
    assert bounds == [27, 53, 28, Decimal("54.5")]
    assert json.loads(row["geometry"]) == polygon(SQUARE)
    assert row["parse_errors"] is None


def test_a_multipolygon_is_bounded_over_all_its_parts(tmp_path: Path) -> None:
    far = [[[30.0, 51.5], [31.0, 51.5], [31.0, 52.0], [30.0, 51.5]]]
    (row,) = rows_of(
        tmp_path, a_collection(a_feature({"type": "MultiPolygon", "coordinates": [SQUARE, far]}))
    )
    assert [row[side] for side in ("west", "south", "east", "north")] == [
        27,
        Decimal("51.5"),
        31,
        Decimal("54.5"),
    ]


def test_a_feature_without_geometry_or_property_has_nulls(tmp_path: Path) -> None:
    (row,) = rows_of(tmp_path, a_collection({"type": "Feature", "properties": None, "geometry": None}))
    assert row["feature_id"] is None
    assert row["geometry"] is None
    assert row["west"] is None
    assert row["parse_errors"] is None


@pytest.mark.parametrize(
    ("geometry", "expected"),
    [
        (polygon([[[27.0, 53.0], [28.0, 53.0], [28.0, 54.0], [27.0, 54.0]]]), "замкнутые"),
        (polygon([[[27.0, 53.0], [28.0, 53.0], [27.0, 53.0]]]), "четырёх"),
        (polygon([]), "непустые"),
        (polygon([[["27", "53"]] * 4]), "числа"),
        (polygon([[[27.0]] * 4]), "числа"),
        (polygon([[[True, False]] * 4]), "числа"),
        (polygon(27.0), "непустые"),
        ({"type": "Polygon"}, "непустые"),
        ({"type": "Circle", "coordinates": [27, 53]}, "видов"),
        ({"type": ["Polygon"], "coordinates": SQUARE}, "видов"),
        ("POLYGON ((27 53))", "видов"),
    ],
)
def test_a_broken_geometry_is_its_rows_error_alone(tmp_path: Path, geometry: Any, expected: str) -> None:
    good, bad = rows_of(tmp_path, a_collection(a_feature(polygon(SQUARE)), a_feature(geometry)))
    (error,) = json.loads(bad["parse_errors"])
    assert error["column"] == "geometry"
    assert expected in error["expected"]
    assert bad["geometry"] is None
    assert good["parse_errors"] is None


def test_what_is_no_feature_is_an_error_without_its_content(tmp_path: Path) -> None:
    (row,) = rows_of(tmp_path, a_collection({"name": "Иван"}))
    assert "Feature" in row["parse_errors"]
    assert "Иван" not in row["parse_errors"]


@pytest.mark.parametrize(
    ("content", "expectation"),
    [
        (b"", "file.not_empty"),
        (b"<html></html>", "file.format"),
        (b"PK\x03\x04", "file.format"),
        (json.dumps(a_collection(a_feature(polygon(SQUARE)))).encode()[:-20], "file.whole"),
        (b'{"type": "Topology", "objects": {}}', "geojson.collection"),
        (b'{"type": "FeatureCollection"}', "geojson.collection"),
        (b'{"type": "FeatureCollection", "features": {}}', "geojson.collection"),
        (b"[1, 2]", "geojson.collection"),
        (
            b'{"type": "FeatureCollection", "features": [], '
            b'"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}}',
            "geojson.crs",
        ),
    ],
)
def test_what_is_no_collection_is_refused(tmp_path: Path, content: bytes, expectation: str) -> None:
    with pytest.raises(DeliveryError) as caught:
        rows_of(tmp_path, content)
    assert caught.value.file == "map.geojson"
    assert caught.value.reasons[0].expectation == expectation
    assert caught.value.reasons[0].remedy


@pytest.mark.parametrize("name", ["urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326", "urn:ogc:def:crs:EPSG::4326"])
def test_wgs84_may_be_named(tmp_path: Path, name: str) -> None:
    named = {"crs": {"type": "name", "properties": {"name": name}}}
    assert len(rows_of(tmp_path, a_collection(a_feature(polygon(SQUARE))) | named)) == 1


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=40, deadline=None)
@given(JSON)
def test_any_coordinates_end_in_a_row(tmp_path_factory: pytest.TempPathFactory, coordinates: Any) -> None:
    (row,) = rows_of(tmp_path_factory.mktemp("geo"), a_collection(a_feature(polygon(coordinates))))
    assert (row["geometry"] is None) != (row["parse_errors"] is None)


def square(x: float, y: float, side: float = 1.0) -> list[list[float]]:
    return [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]


def multipolygon(*polygons: Any) -> dict[str, Any]:
    return {"type": "MultiPolygon", "coordinates": list(polygons)}


@pytest.mark.parametrize(
    ("geometry", "told"),
    [
        (polygon([[[27, 53], [28, 54], [28, 53], [27, 54], [27, 53]]]), "у точки 27.500000, 53.500000"),
        (polygon([[[27, 53], [28, 53], [29, 53], [27, 53]]]), "площадь больше нуля"),
        (polygon([[[27, 53]] * 4]), "площадь больше нуля"),
        (polygon([[[27, 53], [28, 53], [27, 53]]]), "не так coordinates[0]"),
        (polygon([square(27, 53), square(29, 53)]), "внутренний контур лежит вне внешнего у точки 29.0"),
        (polygon([square(27, 53), square(27.5, 53.5)]), "накладываются"),
        (polygon([square(27, 53, 3), square(28, 54), square(28.25, 54.25, 0.5)]), "в другом внутреннем"),
        (polygon([square(27, 53, 3), square(28, 54), square(28, 54)]), "накладываются"),
        (multipolygon([square(27, 53)], [square(27.5, 53.5)]), "накладываются"),
        (multipolygon([square(27, 53)], [square(27, 53)]), "накладываются"),
        (multipolygon([square(27, 53, 3)], [square(28, 54)]), "часть лежит внутри другой части"),
        (multipolygon([square(27, 53)], [[[30, 53], [31, 53], [32, 53], [30, 53]]]), "не так coordinates[1]"),
        (multipolygon([square(27, 53)], [square(29, 53)[:-1]]), "не так coordinates[1][0]"),
        (multipolygon([square(27, 53)], []), "не так coordinates[1]"),
        (polygon([[*square(27, 53)[:2], [200, 53], *square(27, 53)[2:]]]), "не так coordinates[0][2]"),
        (polygon([[*square(27, 53)[:2], [27, True], *square(27, 53)[2:]]]), "не так coordinates[0][2]"),
        ({"type": "LineString", "coordinates": [[27, 53]]}, "не меньше чем из двух"),
        ({"type": "GeometryCollection", "geometries": []}, "видов"),
    ],
)
def test_a_geometry_that_cannot_be_is_told_with_its_place(tmp_path: Path, geometry: Any, told: str) -> None:
    good, bad = rows_of(tmp_path, a_collection(a_feature(polygon(SQUARE)), a_feature(geometry)))
    (error,) = json.loads(bad["parse_errors"])
    assert error["column"] == "geometry" and told in error["expected"] and error["value"] is None
    assert bad["geometry"] is None and bad["west"] is None
    assert good["parse_errors"] is None


@pytest.mark.parametrize(
    "geometry",
    [
        polygon([square(27, 53)[::-1]]),
        polygon([[*square(27, 53)[:2], *square(27, 53)[1:]]]),
        polygon([square(27, 53, 3), square(28, 54)[::-1]]),
        polygon([square(27, 53, 3), square(28, 54)]),
        polygon([[[27, 53, 180], [28, 53], [28, 54, 180.5], [27, 53, 180]]]),
        multipolygon([square(27, 53)], [square(28, 54)]),
        {"type": "Point", "coordinates": [27, 53]},
        {"type": "MultiLineString", "coordinates": [[[27, 53], [28, 53]]]},
    ],
)
def test_what_does_no_harm_stays_as_it_came(tmp_path: Path, geometry: Any) -> None:
    """Rings that turn the other way, repeated points, parts that touch in a point, heights."""
    (row,) = rows_of(tmp_path, a_collection(a_feature(geometry)))
    assert row["parse_errors"] is None and json.loads(row["geometry"]) == geometry


@pytest.mark.mirror
@pytest.mark.parametrize(("layer", "outlines"), [("adm1", 7), ("adm2", 119)])
def test_the_published_boundaries_are_sound(tmp_path: Path, layer: str, outlines: int) -> None:
    rows = rows_of(tmp_path, (Path(os.environ["GOROD_MIRROR"]) / "geo" / f"{layer}.geojson").read_bytes())
    assert len(rows) == outlines
    assert all(row["parse_errors"] is None for row in rows)
