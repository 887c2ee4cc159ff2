"""Positions in other coordinate systems: metres, or north before east, are converted to degrees of WGS 84.

PROJ and its register of systems come with the pyproj wheel. Nothing is downloaded, so transformations that would need a
correction grid use the seven parameters of the register (СК-95 and СК-42: accurate to about a metre).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from pipelines.declarations.files import Spatial
from pipelines.errors import DeliveryError, Reason

Feature = dict[str, Any]


class UnknownSystemError(Exception):
    """A coordinate system cannot be recognised."""


@lru_cache(maxsize=16)
def _transformer(system: str) -> Any:
    import pyproj
    from pyproj.network import set_network_enabled

    set_network_enabled(False)
    try:
        given = pyproj.CRS.from_user_input(system)
    except pyproj.exceptions.CRSError:
        raise UnknownSystemError from None
    if given.to_epsg() == 4326 or given == pyproj.CRS("OGC:CRS84"):
        return None
    return pyproj.Transformer.from_crs(given, "EPSG:4326", always_xy=True)


def to_wgs84(spatial: Spatial, system: str | None) -> Callable[[Any], Any]:
    """A function from a geometry of GeoJSON in a system to one in degrees, east before north; ``system`` is the file's own.

    What is not a geometry is returned as it is: the check of geometries reports it.

    Raises:
        UnknownSystemError: PROJ does not know the system.
    """
    named = spatial.crs or system
    transformer = _transformer(named) if named else None
    swapped = spatial.axis_order == "yx"
    if transformer is None and not swapped:
        return lambda geometry: geometry

    def moved(geometry: Any) -> Any:
        if not isinstance(geometry, dict):
            return geometry
        positions = [
            position
            for position in _positions(geometry.get("coordinates"))
            if all(isinstance(one, int | float) and not isinstance(one, bool) for one in position[:2])
        ]
        if not positions:
            return geometry
        xs, ys = [one[0] for one in positions], [one[1] for one in positions]
        if swapped:
            xs, ys = ys, xs
        if transformer is not None:
            xs, ys = transformer.transform(xs, ys)
        for position, x, y in zip(positions, xs, ys, strict=True):
            # PROJ returns more digits than are meaningful: 1e-9 degrees are a tenth of a millimetre
            position[:2] = [round(float(x), 9), round(float(y), 9)] if transformer is not None else [x, y]
        return geometry

    return moved


def _positions(value: Any) -> Iterator[list[Any]]:
    if not isinstance(value, list):
        return
    if len(value) >= 2 and not isinstance(value[0], list | dict):
        yield value
        return
    for item in value:
        yield from _positions(item)


def refuse_other_axes(features: list[Any], spatial: Spatial, file: str) -> None:
    """Compare a whole file with the declared box: swapped axes are reported once, not row by row.

    Raises:
        DeliveryError: no position lies in the box, and all would if their axes were swapped.
    """
    if spatial.within is None:
        return
    positions = [
        position
        for feature in features
        if isinstance(feature, dict) and isinstance(feature.get("geometry"), dict)
        for position in _positions(feature["geometry"].get("coordinates"))
        if all(isinstance(one, int | float) for one in position[:2])
    ]
    none_lies_here = positions and not any(is_within(one[0], one[1], spatial.within) for one in positions)
    if none_lies_here and all(is_within(one[1], one[0], spatial.within) for one in positions):
        message = "Оси координат переставлены: первым стоит число широты, а ожидается долгота."
        remedy = "Передайте координаты в порядке «долгота, широта» или согласуйте иной порядок (axis_order)."
        raise DeliveryError(file, [Reason("geojson.axes", message, remedy)])


def is_within(x: float, y: float, box: tuple[float, float, float, float]) -> bool:
    """Whether a position lies in a box (west, south, east, north)."""
    west, south, east, north = box
    return west <= x <= east and south <= y <= north


def outside(geometry: Any, spatial: Spatial) -> str:
    """What is expected of a valid geometry outside the box, in Russian; empty if it lies inside."""
    if spatial.within is None:
        return ""
    for position in _positions(geometry["coordinates"]):
        if not is_within(position[0], position[1], spatial.within):
            box = (
                "..".join(json.dumps(one) for one in spatial.within[::2]),
                "..".join(json.dumps(one) for one in spatial.within[1::2]),
            )
            return f"положение в пределах долготы {box[0]} и широты {box[1]}; дано {position[0]:.6f}, {position[1]:.6f}"
    return ""
