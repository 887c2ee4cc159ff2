"""GeoJSON (RFC 7946): one row for each feature; the geometry stays GeoJSON text.

Batch columns that a feed may declare: ``geometry``, ``geometry_type``, the bounds ``west, south, east,
north`` in degrees, ``outline_km2`` (the area on the ellipsoid of WGS 84), and any other by ``from_path`` within the feature
(``properties.<name>`` when absent).

A geometry is validated by the rules of OGC Simple Features (GEOS). Harmless deviations stay: rings in the other direction,
repeated points, heights. Members of a geometry that are not in the standard are dropped.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import shapely
from shapely.geometry import shape

from pipelines.declarations.columns import Column
from pipelines.declarations.feeds import Feed
from pipelines.declarations.files import Spatial
from pipelines.declarations.formats import GeoJsonFormat
from pipelines.deliveries import Batch, Delivery
from pipelines.embedded import connect
from pipelines.errors import Reason
from pipelines.formats.json_document import KEPT_TEXT, is_kept, read_document, refuse
from pipelines.formats.positions import outside, refuse_other_axes, to_wgs84
from pipelines.formats.snapshot import is_snapshot, refuse_other_total, whole_snapshot
from pipelines.formats.typed import write_batch

BOUNDS = ("west", "south", "east", "north")
GEOMETRY = ("geometry", "geometry_type", "outline_km2", *BOUNDS)
# how deep the list of coordinates is: 0 a position, 1 positions, 2 rings, 3 polygons
DEPTHS = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
AREAS = ("Polygon", "MultiPolygon")
WORDS = {"type", "features", "crs", "properties", "geometry", "coordinates", "id", "bbox"}
WGS84 = re.compile(
    r"(urn:ogc:def:crs:)?(OGC:([\d.]+)?:?CRS84|EPSG:[\d.]*:?4326)"
    r"|https?://www\.opengis\.net/def/crs/(OGC/1\.3/CRS84|EPSG/0/4326)",
    re.IGNORECASE,
)

# how GEOS describes an invalid geometry: "Self-intersection[27.5 53.5]"
FAULT = re.compile(r"(?P<said>[^\[]+)(\[(?P<longitude>\S+) (?P<latitude>[^\s\]]+).*\])?")
FAULTS = {
    "Self-intersection": "контуры, или части одного, пересекаются или накладываются",
    "Ring Self-intersection": "контур касается сам себя",
    "Hole lies outside shell": "внутренний контур лежит вне внешнего",
    "Holes are nested": "внутренний контур лежит в другом внутреннем",
    "Nested shells": "часть лежит внутри другой части",
    "Duplicate Rings": "один контур дан дважды",
    "Interior is disconnected": "внутренние контуры рассекают площадь",
    "Too few points in geometry component": "в контуре или линии слишком мало разных точек",
}
Place = tuple[int, ...]


def read(delivery: Delivery, feed: Feed, fmt: GeoJsonFormat, out: Path, pseudonym_key: str) -> Batch:
    """Read one FeatureCollection, or the pages of one. ``row_no`` counts features from 1.

    A feature whose geometry is broken is a row that could not be read; one without geometry has NULL there.

    Raises:
        DeliveryError: the file is not a FeatureCollection, or its coordinates are not WGS 84.
    """
    features, file = features_of(delivery, feed, fmt)
    return write_features(features, file, feed, fmt, out, pseudonym_key)


def features_of(delivery: Delivery, feed: Feed, spatial: Spatial) -> tuple[list[Any], str]:
    """The features in degrees, east before north, as far as they can be read; and the name of the first file.

    Raises:
        DeliveryError: the file is not a FeatureCollection, or its coordinates are not WGS 84.
    """
    snapshot, files = whole_snapshot(delivery) if is_snapshot(delivery) else (None, [delivery.paths[0]])
    features: list[Any] = []
    for path in files:
        features += _features(read_document(path, feed.max_delivery_bytes, WORDS), path.name, spatial)
    moved = to_wgs84(spatial, None)
    for feature in features:
        if isinstance(feature, dict):
            feature["geometry"] = moved(feature.get("geometry"))
    if snapshot is not None:
        refuse_other_total(snapshot, len(features))
    return features, files[0].name


def write_features(
    features: list[Any],
    file: str,
    feed: Feed,
    spatial: Spatial,
    out: Path,
    pseudonym_key: str,
    *,
    by_field: bool = False,
) -> Batch:
    """Write features of GeoJSON in WGS 84 as the feed's batch; ``by_field``: ``from_path`` is the name of a property, not a path.

    Raises:
        DeliveryError: all positions lie outside the box because their axes are swapped.
    """
    refuse_other_axes(features, spatial, file)
    columns = feed.kept_columns
    texts = [*columns, "broken", "broken_column", "broken_value"]
    schema = pa.schema([("row_no", pa.int64()), *((name, pa.string()) for name in texts)])
    rows = pa.Table.from_pylist(list(_rows(features, columns, spatial, by_field)), schema)
    connection = connect()
    try:
        connection.register("features", rows)
        return write_batch(
            connection, "select * from features", feed, out, pseudonym_key, {"features": len(features)}
        )
    finally:
        connection.close()


def _features(document: Any, file: str, fmt: Spatial) -> list[Any]:
    remedy = "Сохраните слой как GeoJSON (FeatureCollection) в координатах WGS 84 (EPSG:4326)."
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        message = "Ожидается объект с «type»: «FeatureCollection», дано иное."
        refuse(file, Reason("geojson.collection", message, remedy))
    if not isinstance(document.get("features"), list):
        refuse(file, Reason("geojson.collection", "В FeatureCollection нет списка features.", remedy))
    if fmt.crs is None and document.get("crs") is not None and not _is_wgs84(document["crs"]):
        message = "Ключ crs называет не WGS 84 (urn:ogc:def:crs:OGC:1.3:CRS84 или EPSG:4326)."
        refuse(file, Reason("geojson.crs", message, remedy))
    features: list[Any] = document["features"]
    return features


def _is_wgs84(crs: Any) -> bool:
    """Whether a named coordinate reference system (GeoJSON 2008, section 3) is the one that RFC 7946 allows."""
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    return isinstance(name, str) and WGS84.fullmatch(name) is not None


def _rows(
    features: list[Any], columns: dict[str, Column], spatial: Spatial, by_field: bool
) -> Iterator[dict[str, Any]]:
    for row_no, feature in enumerate(features, 1):
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            yield {"row_no": row_no, "broken": "объект GeoJSON вида Feature"}
            continue
        row: dict[str, Any] = {"row_no": row_no}
        for name, column in columns.items():
            if name in GEOMETRY:
                continue
            if by_field:
                value = (feature.get("properties") or {}).get(column.from_path or name)
            else:
                value = _at(feature, column.from_path or f"properties.{name}")
            if isinstance(value, dict | list):
                row |= {"broken": "текст, число, true, false или null", "broken_column": name}
            elif isinstance(value, str) and not is_kept(value):
                row |= {"broken": KEPT_TEXT, "broken_column": name}
            else:
                row[name] = _text(value)
        geometry = feature.get("geometry")
        if geometry is not None:
            problem = geometry_problem(geometry) or outside(geometry, spatial)
            if problem:
                row |= {"broken": problem, "broken_column": "geometry"}
            else:
                kept = {"type": geometry["type"], "coordinates": geometry["coordinates"]}
                row |= {
                    "geometry": json.dumps(kept, separators=(",", ":")),
                    "geometry_type": geometry["type"],
                }
                row |= dict(zip(BOUNDS, map(_degrees, bounds(geometry)), strict=True))
                if "outline_km2" in columns:
                    row["outline_km2"] = f"{_area_km2(geometry):.6f}"
        yield row


def geometry_problem(geometry: Any) -> str:
    """What is expected of a geometry, in Russian, and where this one differs; empty if it is valid."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if not isinstance(kind, str) or kind not in DEPTHS:
        return f"геометрия одного из видов: {', '.join(DEPTHS)}"
    coordinates = geometry.get("coordinates")
    place = _misplaced(coordinates, DEPTHS[kind])
    if place is not None:
        return f"непустые координаты вида {kind}: числа [долгота, широта] в градусах{_at_place(place)}"
    if DEPTHS[kind] == 0 or kind == "MultiPoint":
        return ""
    # rings of a polygon, or lines, each with its place
    rows: list[tuple[Place, Any]] = [((), coordinates)]
    for _ in range(DEPTHS[kind] - 1):
        rows = [((*place, number), item) for place, row in rows for number, item in enumerate(row)]
    for place, row in rows:
        if kind in AREAS and (len(row) < 4 or row[0] != row[-1]):
            return f"замкнутые контуры: не меньше четырёх точек, последняя равна первой{_at_place(place)}"
        if len(row) < 2:
            return f"линии не меньше чем из двух точек{_at_place(place)}"
    return _invalid({"type": kind, "coordinates": _flat(coordinates, DEPTHS[kind])})


def _misplaced(value: Any, depth: int) -> Place | None:
    """Where coordinates are not nested lists of positions, ``depth`` deep; None if they are."""
    if not isinstance(value, list) or not value:
        return ()
    if depth == 0:
        return None if _is_position(value) else ()
    for number, item in enumerate(value):
        place = _misplaced(item, depth - 1)
        if place is not None:
            return (number, *place)
    return None


def _is_position(value: list[Any]) -> bool:
    return (
        2 <= len(value) <= 3
        and all(isinstance(number, int | float) and not isinstance(number, bool) for number in value)
        and -180 <= value[0] <= 180
        and -90 <= value[1] <= 90
        and all(abs(height) < math.inf for height in value[2:])
    )


def _at_place(place: Place) -> str:
    """``; не так coordinates[0][3]``: a place in the JSON, numbered from 0."""
    return f"; не так coordinates{''.join(f'[{number}]' for number in place)}"


def _flat(value: Any, depth: int) -> Any:
    """Coordinates without heights."""
    return value[:2] if depth == 0 else [_flat(item, depth - 1) for item in value]


def _invalid(geometry: dict[str, Any]) -> str:
    """Where a geometry breaks the rules of Simple Features, in Russian; empty if it does not."""
    shaped = shape(geometry)
    if geometry["type"] in AREAS:
        for number, part in enumerate(getattr(shaped, "geoms", [shaped])):
            # all points on one line; the area alone would also be zero for a figure of eight
            if part.convex_hull.area == 0:
                return "площадь больше нуля" + _at_place(
                    (number,) if geometry["type"] == "MultiPolygon" else ()
                )
    match = None if shapely.is_valid(shaped) else FAULT.fullmatch(shapely.is_valid_reason(shaped))
    if match is None:
        return ""
    said = FAULTS.get(match["said"], "нарушены правила OGC Simple Features")
    near = (
        f" у точки {float(match['longitude']):.6f}, {float(match['latitude']):.6f}"
        if match["longitude"]
        else ""
    )
    return f"геометрия без самопересечений и наложений; {said}{near}"


def bounds(geometry: dict[str, Any]) -> tuple[float, float, float, float]:
    """West, south, east, north of a valid geometry, in its own units."""
    positions = list(_positions(geometry["coordinates"], DEPTHS[geometry["type"]]))
    longitudes, latitudes = [position[0] for position in positions], [position[1] for position in positions]
    return min(longitudes), min(latitudes), max(longitudes), max(latitudes)


def _positions(value: list[Any], depth: int) -> Iterator[list[float]]:
    if depth == 0:
        yield value
        return
    for item in value:
        yield from _positions(item, depth - 1)


def _area_km2(geometry: dict[str, Any]) -> float:
    """Area within geodesics of WGS 84; PROJ's algorithm is exact to some square metres. Lines and points have none."""
    shaped = shapely.orient_polygons(
        shape({**geometry, "coordinates": _flat(geometry["coordinates"], DEPTHS[geometry["type"]])})
    )
    return (
        float(abs(_ellipsoid().geometry_area_perimeter(shaped)[0]) / 1e6)
        if geometry["type"] in AREAS
        else 0.0
    )


@cache
def _ellipsoid() -> Any:
    import pyproj

    return pyproj.Geod(ellps="WGS84")


def _degrees(number: float) -> str:
    """The warehouse keeps six decimals, about 0.1 m."""
    return f"{number:.6f}"


def _at(feature: dict[str, Any], path: str) -> Any:
    value: Any = feature
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
