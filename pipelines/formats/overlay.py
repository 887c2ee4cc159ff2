"""Areas that are intersected with territorial units and points of people: how much of each unit they cover, and of its people.

This is done once, when the delivery is read, with GEOS (shapely), so that both engines only add up and need no spatial
extension. All areas are measured on one plane: Lambert's azimuthal equal-area projection of WGS 84 about the middle of the
units. It keeps areas exactly; what is left is that an edge is straight there and a geodesic on the ellipsoid, less than 0.01 %
of a unit whose edges are below 100 km. Covered area is part of the unit on the same plane, so it never exceeds it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from shapely.geometry import shape

from pipelines.declarations.feeds import Feed
from pipelines.declarations.files import OverlayFormat
from pipelines.deliveries import Batch, Delivery
from pipelines.embedded import connect
from pipelines.errors import DeliveryError, Reason
from pipelines.formats import layer
from pipelines.formats.geojson import AREAS, geometry_problem
from pipelines.formats.positions import outside, refuse_other_axes
from pipelines.formats.typed import write_batch

Shapes = Any  # an array of geometries
Numbers = Any  # an array of numbers
ALL = "_T"
# of a layer with many faults, so many are named
MOST_NAMED = 20


def read(
    delivery: Delivery,
    feed: Feed,
    fmt: OverlayFormat,
    out: Path,
    pseudonym_key: str,
    beside: Mapping[str, pa.Table],
) -> Batch:
    """Read a layer of areas; a row for each unit, class and value of ``each``, and for all of them together.

    Raises:
        DeliveryError: the layer cannot be read, an area is broken or of no class (all are named, by their number from 1), or
            there are no units or no people to intersect it with.
    """
    (of_class, classes), each = next(iter(fmt.classes.items())), fmt.each
    # the fields of the layer are those two; the other columns are computed
    asked = feed.model_copy(update={"columns": {name: feed.columns[name] for name in (of_class, each)}})
    features, file = layer.features_of(delivery, asked, fmt, out.parent)
    refuse_other_axes(features, fmt, file)
    fields = [feed.columns[name].from_path or name for name in (of_class, each)]
    _refuse_faults(features, fields, classes, fmt, file)
    plane = Plane.about(beside["zones"], file)
    zones = plane.zones(beside["zones"])
    people = plane.people(beside["points"], zones, file)
    areas = plane.moved(np.array([shape(feature["geometry"]) for feature in features], dtype=object))
    groups = np.array(
        [[feature["properties"][field] for field in fields] for feature in features], dtype=object
    )
    rows = list(_rows(zones, people, areas, groups.reshape(-1, 2), classes))
    names = [of_class, each]
    texts = ["zone", *names, "zone_km2", "covered_km2", "zone_people", "covered_people", "areas"]
    schema = pa.schema(
        [("row_no", pa.int64()), ("row_place", pa.string()), *((name, pa.string()) for name in texts)]
    )
    table = pa.Table.from_pylist(
        [
            {
                "row_no": number,
                "row_place": f"единица {row[0]}, {row[1]}, {'все вместе' if row[2] == ALL else row[2]}",
                **dict(zip(texts, row, strict=True)),
            }
            for number, row in enumerate(rows, 1)
        ],
        schema,
    )
    facts = {"features": len(features), "people": int(people.weights.sum()), "people_outside": people.outside}
    connection = connect()
    try:
        connection.register("rows", table)
        return write_batch(connection, "select * from rows", feed, out, pseudonym_key, facts)
    finally:
        connection.close()


def _refuse_faults(
    features: list[Any], fields: list[str], classes: tuple[str, ...], fmt: OverlayFormat, file: str
) -> None:
    reasons: list[Reason] = []
    for number, feature in enumerate(features, 1):
        if (fault := _fault(feature, fields, classes, fmt)) is not None:
            message, remedy = fault
            reasons.append(Reason("overlay.feature", f"Объект {number}: {message}.", remedy, number))
    if len(reasons) > MOST_NAMED:
        left = len(reasons) - MOST_NAMED
        more = Reason("overlay.feature", f"Ещё объектов с ошибками: {left}.", "Проверьте весь слой.")
        reasons = [*reasons[:MOST_NAMED], more]
    if reasons:
        raise DeliveryError(file, reasons)


def _fault(
    feature: Any, fields: list[str], classes: tuple[str, ...], fmt: OverlayFormat
) -> tuple[str, str] | None:
    """What is wrong with a feature, and what to do; None if nothing is."""
    if not isinstance(feature, dict) or not isinstance(feature.get("properties"), dict):
        return "ожидается Feature со свойствами", "Сохраните слой заново."
    given = [feature["properties"].get(field) for field in fields]
    if given[0] not in classes:
        return f"в поле «{fields[0]}» ожидается одно из: {', '.join(classes)}", "Исправьте значение."
    if not isinstance(given[1], str) or not given[1].strip() or given[1] == ALL:
        return f"поле «{fields[1]}» не заполнено", "Впишите значение."
    geometry: Any = feature.get("geometry")
    if problem := geometry_problem(geometry) if geometry is not None else "контур":
        return (
            f"ожидается {problem}",
            "Исправьте контур в ГИС (проверка и исправление геометрии) и передайте слой снова.",
        )
    if geometry["type"] not in AREAS:
        return f"ожидается Polygon или MultiPolygon, дано {geometry['type']}", "Передайте слой площадей."
    if away := outside(geometry, fmt):
        return f"ожидается {away}", "Проверьте систему координат слоя."
    return None


@dataclass(frozen=True)
class Zones:
    """The units, each without the finer ones within it."""

    codes: list[str]
    shapes: Shapes


@dataclass(frozen=True)
class People:
    """Points of people within units: ``zone`` is the number of each one's unit."""

    points: Shapes
    zone: Numbers
    weights: Numbers
    outside: int


@dataclass(frozen=True)
class Plane:
    """The equal-area plane, in kilometres."""

    transformer: Any

    @classmethod
    def about(cls, zones: pa.Table, file: str) -> Plane:
        """The plane about the middle of the units.

        Raises:
            DeliveryError: there are none.
        """
        if zones.num_rows == 0:
            message = "Границ территориальных единиц ещё нет: пересекать слой не с чем."
            remedy = "Сначала передайте границы единиц; затем повторите приём этого слоя (gorod replay)."
            raise DeliveryError(file, [Reason("overlay.zones", message, remedy)])
        import pyproj

        west, south, east, north = shapely.total_bounds(_shapes(zones))
        middle = f"+lon_0={(west + east) / 2:.6f} +lat_0={(south + north) / 2:.6f}"
        system = pyproj.CRS.from_proj4(f"+proj=laea {middle} +datum=WGS84 +units=km +type=crs")
        return cls(pyproj.Transformer.from_crs("EPSG:4326", system, always_xy=True))

    def moved(self, shapes: Shapes) -> Shapes:
        """Geometries in degrees on the plane."""
        return shapely.transform(shapely.force_2d(shapes), self.transformer.transform, interleaved=False)

    def zones(self, given: pa.Table) -> Zones:
        """The units on the plane, each without the finer ones in it."""
        shapes = self.moved(_shapes(given))
        ranks = np.array(given["rank"].to_pylist())
        left = shapes.copy()
        for rank in np.unique(ranks)[:-1]:
            own, finer = np.flatnonzero(ranks == rank), shapes[ranks > rank]
            left[own] = shapely.difference(shapes[own], shapely.union_all(finer))
        return Zones([str(code) for code in given["zone"].to_pylist()], left)

    def people(self, given: pa.Table, zones: Zones, file: str) -> People:
        """The points on the plane, each in one unit; one on a border is in the first of them.

        Raises:
            DeliveryError: there are none.
        """
        if given.num_rows == 0:
            message = "Населённых пунктов с численностью ещё нет: население посчитать не с чем."
            remedy = "Сначала передайте населённые пункты; затем повторите приём этого слоя (gorod replay)."
            raise DeliveryError(file, [Reason("overlay.points", message, remedy)])
        numbers = [np.array(given[name].to_pylist(), dtype=float) for name in ("lon", "lat", "people")]
        points, weights = self.moved(shapely.points(numbers[0], numbers[1])), numbers[2].astype(np.int64)
        point, zone = shapely.STRtree(zones.shapes).query(points, predicate="intersects")
        of_point = np.full(len(points), len(zones.shapes))
        np.minimum.at(of_point, point, zone)
        inside = of_point < len(zones.shapes)
        return People(points[inside], of_point[inside], weights[inside], int(weights[~inside].sum()))


def _shapes(zones: pa.Table) -> Shapes:
    return np.array([shape(json.loads(text)) for text in zones["geometry"].to_pylist()], dtype=object)


def _rows(
    zones: Zones, people: People, areas: Shapes, groups: Any, classes: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    """``zone, class, each, zone_km2, covered_km2, zone_people, covered_people, areas``, as texts."""
    size = len(zones.codes)
    whole = shapely.area(zones.shapes)
    living = np.bincount(people.zone, people.weights, size)
    for of_class in classes:
        in_class = groups[:, 0] == of_class
        for each in (ALL, *sorted(set(groups[in_class, 1]))):
            chosen = areas[in_class] if each == ALL else areas[in_class & (groups[:, 1] == each)]
            km2, reached, touching = covered(zones, people, chosen)
            for number, code in enumerate(zones.codes):
                yield (
                    code,
                    of_class,
                    each,
                    f"{whole[number]:.6f}",
                    f"{min(km2[number], whole[number]):.6f}",
                    str(int(living[number])),
                    str(int(reached[number])),
                    str(int(touching[number])),
                )


def covered(zones: Zones, people: People, areas: Shapes) -> tuple[Numbers, Numbers, Numbers]:
    """Of each unit: area covered, people reached, and the number of areas that touch it. Overlaps count once."""
    size = len(zones.codes)
    km2, touching = np.zeros(size), np.zeros(size, dtype=np.int64)
    tree = shapely.STRtree(areas)
    zone, area = tree.query(zones.shapes, predicate="intersects")
    pieces = shapely.intersection(zones.shapes[zone], areas[area])
    for number in np.unique(zone):
        own = pieces[zone == number]
        km2[number], touching[number] = shapely.union_all(own).area, len(own)
    point, _ = tree.query(people.points, predicate="intersects")
    reached = np.unique(point)
    return km2, np.bincount(people.zone[reached], people.weights[reached], size), touching
