"""Layers of spatial data: Shapefile, GeoPackage and GeoJSON in other systems and axes, against shapely and known positions."""

from __future__ import annotations

import io
import json
import sqlite3
import struct
import zipfile
from pathlib import Path
from typing import Any

import pyproj
import pytest
import shapefile
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import mapping, shape

from pipelines.errors import DeliveryError
from tests.formats.reading import errors, feed, read, rows, told
from tests.support.examples import examples

COLUMNS = {
    "soato": {"type": "text", "from_path": "SOATO"},
    "name": {"type": "text", "from_path": "NAME"},
    "geometry": "text",
    "geometry_type": "text",
}
BELARUS = [23.0, 51.0, 33.0, 56.5]
# a square of half a degree about Барановичи with a hole in it, and a separate part
OUTER = [(26.0, 53.0), (26.0, 53.5), (26.5, 53.5), (26.5, 53.0), (26.0, 53.0)]
HOLE = [(26.1, 53.1), (26.2, 53.1), (26.2, 53.2), (26.1, 53.2), (26.1, 53.1)]
PART = [(27.0, 53.0), (27.0, 53.1), (27.1, 53.1), (27.1, 53.0), (27.0, 53.0)]


def shapefile_zip(
    path: Path,
    records: list[tuple[Any, ...]],
    prj: str | None = "EPSG:4326",
    encoding: str = "utf-8",
    cpg: str | None = None,
    folder: str = "",
    without: str = "",
) -> Path:
    """A zipped layer of polygons with SOATO and NAME."""
    parts = {kind: io.BytesIO() for kind in ("shp", "shx", "dbf")}
    with shapefile.Writer(**parts, shapeType=shapefile.POLYGON, encoding=encoding) as writer:
        writer.field("SOATO", "C", 10)
        writer.field("NAME", "C", 60)
        for rings, soato, name in records:
            if rings is None:
                writer.null()
            else:
                writer.poly(rings)
            writer.record(soato, name)
    with zipfile.ZipFile(path, "w") as archive:
        for kind, content in parts.items():
            if kind != without:
                archive.writestr(f"{folder}слой.{kind}", content.getvalue())
        if prj is not None:
            archive.writestr(f"{folder}слой.prj", pyproj.CRS(prj).to_wkt("WKT1_ESRI"))
        if cpg is not None:
            archive.writestr(f"{folder}слой.cpg", cpg)
    return path


def in_system(rings: list[list[tuple[float, float]]], system: str) -> list[list[tuple[float, float]]]:
    transformer = pyproj.Transformer.from_crs("EPSG:4326", system, always_xy=True)
    return [[transformer.transform(x, y) for x, y in ring] for ring in rings]


@pytest.mark.parametrize(
    ("system", "declared"),
    [
        ("EPSG:4326", {}),
        ("EPSG:20005", {}),
        ("EPSG:20005", {"crs": "EPSG:20005"}),
        ("EPSG:3857", {}),
        ("EPSG:32635", {}),
    ],
)
def test_a_shapefile_becomes_wgs84(system: str, declared: dict[str, str], tmp_path: Path) -> None:
    records = [
        (in_system([OUTER, HOLE, PART], system), "1410000000", "г. Барановичи"),
        (None, "0410000000", "Ўзда – без геометрии"),
    ]
    path = shapefile_zip(tmp_path / "a.zip", records, None if declared else system)
    first, second = rows(path, feed({"kind": "shapefile", "within": BELARUS, **declared}, COLUMNS))
    assert (first["soato"], first["name"], first["geometry_type"]) == (
        "1410000000",
        "г. Барановичи",
        "MultiPolygon",
    )
    expected = shapely.MultiPolygon([(OUTER, [HOLE]), (PART, [])])
    found = shape(json.loads(first["geometry"]))
    # a centimetre: what two transformations to and fro may lose
    assert found.symmetric_difference(expected).area < 1e-6 and found.hausdorff_distance(expected) < 1e-7
    assert (second["name"], second["geometry"], second["parse_errors"]) == (
        "Ўзда – без геометрии",
        None,
        None,
    )


def test_ck95_differs_from_wgs84_as_much_as_it_should() -> None:
    """A position in СК-95 that is taken for WGS 84 is about 130 m off: the transformation is more than a projection."""
    from pipelines.declarations.files import ShapefileFormat
    from pipelines.formats.positions import to_wgs84

    moved = to_wgs84(ShapefileFormat(crs="EPSG:4200"), None)({"type": "Point", "coordinates": [27.5, 53.9]})
    off = pyproj.Geod(ellps="WGS84").inv(27.5, 53.9, *moved["coordinates"])[2]
    assert 50 < off < 250


@pytest.mark.parametrize(
    ("encoding", "cpg"), [("cp1251", "1251"), ("cp1251", "windows-1251"), ("cp866", "cp866")]
)
def test_texts_are_in_the_encoding_that_is_named(encoding: str, cpg: str, tmp_path: Path) -> None:
    path = shapefile_zip(
        tmp_path / "a.zip", [([OUTER], "1", "Лунинец")], encoding=encoding, cpg=cpg, folder="слои/"
    )
    assert rows(path, feed({"kind": "shapefile"}, COLUMNS))[0]["name"] == "Лунинец"
    with pytest.raises(DeliveryError, match="не в кодировке"):
        read(
            shapefile_zip(tmp_path / "b.zip", [([OUTER], "1", "Лунинец")], encoding=encoding),
            feed({"kind": "shapefile"}, COLUMNS),
        )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"prj": None}, "Система координат"),
        ({"without": "dbf"}, "нет файла .dbf"),
        ({"without": "shp"}, "нет слоя"),
    ],
)
def test_a_layer_that_is_not_whole_is_refused(options: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(DeliveryError) as caught:
        read(
            shapefile_zip(tmp_path / "a.zip", [([OUTER], "1", "а")], **options),
            feed({"kind": "shapefile"}, COLUMNS),
        )
    assert said in told(caught.value)


def test_broken_bytes_of_a_layer_are_refused_or_read(tmp_path: Path) -> None:
    whole = shapefile_zip(
        tmp_path / "whole.zip", [([OUTER, HOLE], str(n), "тайна") for n in range(5)]
    ).read_bytes()
    path, declared = tmp_path / "a.zip", feed({"kind": "shapefile"}, COLUMNS)
    for end in range(0, len(whole) - 22, 173):
        path.write_bytes(whole[:end])
        with pytest.raises(DeliveryError):
            read(path, declared)
    for place in range(0, len(whole), 131):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xA5]) + whole[place + 1 :])
        try:
            read(path, declared)
        except DeliveryError as error:
            assert "тайна" not in told(error)


def geopackage(
    path: Path, records: list[tuple[Any, str, str]], system: int = 4326, envelope: int = 0
) -> Path:
    """A GeoPackage with one layer, by the tables that the standard asks for."""
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as book:
        book.executescript(
            """
            create table gpkg_spatial_ref_sys (srs_name text, srs_id integer primary key, organization text,
                organization_coordsys_id integer, definition text, description text);
            create table gpkg_contents (table_name text primary key, data_type text, identifier text, srs_id integer);
            create table gpkg_geometry_columns (table_name text, column_name text, geometry_type_name text, srs_id integer, z, m);
            create table "units" (fid integer primary key, geom blob, "SOATO" text, "NAME" text);
            insert into gpkg_contents values ('units', 'features', 'units', 1);
            insert into gpkg_geometry_columns values ('units', 'geom', 'GEOMETRY', 1, 0, 0);
            """
        )
        book.execute("insert into gpkg_spatial_ref_sys values ('a', 1, 'EPSG', ?, 'a', '')", [system])
        for geometry, soato, name in records:
            blob = None
            if geometry is not None:
                box = [0.0] * {0: 0, 1: 4}[envelope]
                blob = struct.pack(f"<2sBBi{len(box)}d", b"GP", 0, envelope << 1 | 1, 1, *box) + geometry.wkb
            book.execute('insert into units (geom, "SOATO", "NAME") values (?, ?, ?)', [blob, soato, name])
    book.close()
    return path


@pytest.mark.parametrize("envelope", [0, 1])
@pytest.mark.parametrize("system", [4326, 20005])
def test_a_geopackage_becomes_wgs84(system: int, envelope: int, tmp_path: Path) -> None:
    (ring,) = in_system([OUTER], f"EPSG:{system}")
    records = [(shapely.Polygon(ring), "1", "Барановичи"), (None, "2", "без геометрии")]
    path = geopackage(tmp_path / "a b#.gpkg", records, system, envelope)
    first, second = rows(path, feed({"kind": "geopackage"}, COLUMNS))
    assert shape(json.loads(first["geometry"])).hausdorff_distance(shapely.Polygon(OUTER)) < 1e-7
    assert (first["name"], second["geometry"], second["row_no"]) == ("Барановичи", None, 2)


def test_what_is_no_geopackage_is_refused(tmp_path: Path) -> None:
    path, declared = tmp_path / "a.gpkg", feed({"kind": "geopackage"}, COLUMNS)
    whole = geopackage(path, [(shapely.Polygon(OUTER), "1", "а")]).read_bytes()
    for content in (b"", b"a;b", whole[:4096], whole[: len(whole) // 2], sqlite_without_tables(tmp_path)):
        path.write_bytes(content)
        with pytest.raises(DeliveryError):
            read(path, declared)
    geopackage(path, [(None, "1", "а")])
    with sqlite3.connect(path) as book:
        book.execute("update units set geom = ?", [b"GP\x00\x01\x01\x00\x00\x00 no geometry"])
    book.close()
    (row,) = rows(path, declared)
    assert errors(row)[0]["column"] == "geometry"


def sqlite_without_tables(folder: Path) -> bytes:
    path = folder / "empty.sqlite"
    with sqlite3.connect(path) as book:
        book.execute("create table a (b)")
    book.close()
    return path.read_bytes()


def collection(path: Path, geometries: list[Any]) -> Path:
    features = [
        {"type": "Feature", "geometry": one, "properties": {"SOATO": str(n), "NAME": "а"}}
        for n, one in enumerate(geometries)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


FROM_PROPERTIES = {
    **COLUMNS,
    "soato": {"type": "text", "from_path": "properties.SOATO"},
    "name": {"type": "text", "from_path": "properties.NAME"},
}


def test_axes_are_exchanged_where_they_are_declared_so(tmp_path: Path) -> None:
    north_first = [{"type": "Point", "coordinates": [53.9, 27.56]}]
    path = collection(tmp_path / "a.geojson", north_first)
    (row,) = rows(path, feed({"kind": "geojson", "axis_order": "yx", "within": BELARUS}, FROM_PROPERTIES))
    assert json.loads(row["geometry"])["coordinates"] == [27.56, 53.9]
    with pytest.raises(DeliveryError) as caught:
        read(path, feed({"kind": "geojson", "within": BELARUS}, FROM_PROPERTIES))
    assert "Оси координат переставлены" in told(caught.value)


def test_one_position_elsewhere_keeps_one_row_back(tmp_path: Path) -> None:
    path = collection(
        tmp_path / "a.geojson", [{"type": "Point", "coordinates": one} for one in ([27.5, 53.9], [0, 0])]
    )
    first, second = rows(path, feed({"kind": "geojson", "within": BELARUS}, FROM_PROPERTIES))
    assert first["parse_errors"] is None and "в пределах долготы" in errors(second)[0]["expected"]


def test_pages_of_a_collection_are_one(tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    collection(folder / "page-00001.json", [{"type": "Point", "coordinates": [27.5, 53.9]}] * 2)
    collection(folder / "page-00002.json", [{"type": "Point", "coordinates": [27.6, 53.9]}])
    (folder / "snapshot.json").write_text(
        json.dumps({"base_url": "https://a.invalid", "pages": 2, "total": 3})
    )
    assert [row["row_no"] for row in rows(folder, feed({"kind": "geojson"}, FROM_PROPERTIES))] == [1, 2, 3]
    (folder / "snapshot.json").write_text(
        json.dumps({"base_url": "https://a.invalid", "pages": 2, "total": 4})
    )
    with pytest.raises(DeliveryError, match="4 записей"):
        read(folder, feed({"kind": "geojson"}, FROM_PROPERTIES))


DEGREES = st.tuples(st.floats(23, 33, allow_subnormal=False), st.floats(51, 56.5, allow_subnormal=False))


@settings(max_examples=examples(30))
@given(st.lists(DEGREES, min_size=3, max_size=6), st.sampled_from([4326, 20005, 20006, 3857]))
def test_a_layer_comes_back_to_where_it_was(
    tmp_path_factory: pytest.TempPathFactory, points: list[tuple[float, float]], system: int
) -> None:
    """The oracle is where the points were before they were written in another system."""
    hull = shapely.MultiPoint(points).convex_hull
    if hull.geom_type != "Polygon" or hull.area < 1e-6:
        return
    folder = tmp_path_factory.mktemp("a")
    rings = in_system([list(hull.exterior.coords)], f"EPSG:{system}")
    for path, kind in (
        (shapefile_zip(folder / "a.zip", [(rings, "1", "а")], f"EPSG:{system}"), "shapefile"),
        (geopackage(folder / "a.gpkg", [(shapely.Polygon(rings[0]), "1", "а")], system), "geopackage"),
    ):
        (row,) = rows(path, feed({"kind": kind}, COLUMNS))
        found = shape(json.loads(row["geometry"]))
        assert mapping(found)["type"] == "Polygon" and found.hausdorff_distance(hull) < 1e-6
