"""GeoJSON (RFC 7946): one row for each feature; the geometry stays GeoJSON text.

Batch columns that a feed may declare: ``geometry``, ``geometry_type``, the bounds ``west, south, east,
north`` in degrees, and any other by ``from_path`` within the feature (``properties.<name>`` when absent).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.declarations.sources import Column, Feed, GeoJsonFormat
from pipelines.errors import Reason
from pipelines.formats.json_document import read_document, refuse
from pipelines.formats.typed import write_batch
from pipelines.loading.delivery import Batch, Delivery

BOUNDS = ("west", "south", "east", "north")
GEOMETRY = ("geometry", "geometry_type", *BOUNDS)
# how deep the list of coordinates is: 0 one position, 1 positions, 2 rings, 3 polygons
DEPTHS = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}


def read(delivery: Delivery, feed: Feed, fmt: GeoJsonFormat, out: Path, pseudonym_key: str) -> Batch:  # noqa: ARG001
    """Read one FeatureCollection. ``row_no`` counts features from 1.

    A feature whose geometry is broken is a row that could not be read; one without geometry has NULL there.

    Raises:
        DeliveryError: the file is no FeatureCollection, or its coordinates are not WGS 84.
    """
    path = delivery.paths[0]
    features = _features(read_document(path, feed.max_delivery_bytes), path.name)
    columns = feed.kept_columns
    texts = [*columns, "broken", "broken_column", "broken_value"]
    schema = pa.schema([("row_no", pa.int64()), *((name, pa.string()) for name in texts)])
    rows = pa.Table.from_pylist(list(_rows(features, columns)), schema)
    connection = duckdb.connect()
    try:
        connection.register("features", rows)
        return write_batch(
            connection, "select * from features", feed, out, pseudonym_key, {"features": len(features)}
        )
    finally:
        connection.close()


def _features(document: Any, file: str) -> list[Any]:
    remedy = "Сохраните слой как GeoJSON (FeatureCollection) в координатах WGS 84 (EPSG:4326)."
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        given = document.get("type") if isinstance(document, dict) else type(document).__name__
        refuse(file, Reason("geojson.collection", f"Ожидается FeatureCollection, дано: {given}.", remedy))
    if not isinstance(document.get("features"), list):
        refuse(file, Reason("geojson.collection", "В FeatureCollection нет списка features.", remedy))
    crs = document.get("crs")
    if crs is not None and not str(crs).upper().replace(" ", "").rstrip("'\"}").endswith(("CRS84", ":4326")):
        refuse(
            file,
            Reason(
                "geojson.crs", f"Координаты не в WGS 84: {json.dumps(crs, ensure_ascii=False)[:80]}.", remedy
            ),
        )
    features: list[Any] = document["features"]
    return features


def _rows(features: list[Any], columns: dict[str, Column]) -> Iterator[dict[str, Any]]:
    for row_no, feature in enumerate(features, 1):
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            yield {"row_no": row_no, "broken": "объект GeoJSON вида Feature"}
            continue
        row: dict[str, Any] = {"row_no": row_no}
        for name, column in columns.items():
            if name not in GEOMETRY:
                row[name] = _text(_at(feature, column.from_path or f"properties.{name}"))
        geometry = feature.get("geometry")
        if geometry is not None:
            problem = geometry_problem(geometry)
            if problem:
                row |= {
                    "broken": problem,
                    "broken_column": "geometry",
                    "broken_value": json.dumps(geometry)[:200],
                }
            else:
                row |= {
                    "geometry": json.dumps(geometry, separators=(",", ":")),
                    "geometry_type": geometry["type"],
                }
                row |= dict(zip(BOUNDS, map(_degrees, bounds(geometry)), strict=True))
        yield row


def geometry_problem(geometry: Any) -> str:
    """What a sound geometry would be, in Russian; empty where this one is sound (RFC 7946, section 3.1)."""
    if not isinstance(geometry, dict) or str(geometry.get("type")) not in DEPTHS:
        return f"геометрия одного из видов: {', '.join(DEPTHS)}"
    depth = DEPTHS[geometry["type"]]
    coordinates: Any = geometry.get("coordinates")
    if not _nested(coordinates, depth):
        return f"непустые координаты вида {geometry['type']}: числа [долгота, широта]"
    if geometry["type"] in ("Polygon", "MultiPolygon"):
        polygons = [coordinates] if depth == 2 else coordinates
        if any(len(ring) < 4 or ring[0] != ring[-1] for polygon in polygons for ring in polygon):
            return "замкнутые контуры: не меньше четырёх точек, последняя равна первой"
    return ""


def bounds(geometry: dict[str, Any]) -> tuple[float, float, float, float]:
    """West, south, east, north of a sound geometry, in its own units."""
    positions = list(_positions(geometry["coordinates"], DEPTHS[geometry["type"]]))
    longitudes, latitudes = [position[0] for position in positions], [position[1] for position in positions]
    return min(longitudes), min(latitudes), max(longitudes), max(latitudes)


def _nested(value: Any, depth: int) -> bool:
    if not isinstance(value, list):
        return False
    if depth == 0:
        return 2 <= len(value) <= 3 and all(
            isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
            for number in value
        )
    return bool(value) and all(_nested(item, depth - 1) for item in value)


def _positions(value: list[Any], depth: int) -> Iterator[list[float]]:
    if depth == 0:
        yield value
        return
    for item in value:
        yield from _positions(item, depth - 1)


def _degrees(number: float) -> str:
    """Six places, about 0.1 m, are what the warehouse keeps."""
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
