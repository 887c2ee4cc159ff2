"""The sample of the register of territorial units: a Shapefile in СК-95 and the history of changes. Everything is invented.

Names and codes of the units are real, their outlines are boxes; the changes happened to units that do not exist.
"""

from __future__ import annotations

import io
import json
import zipfile
from functools import cache
from itertools import pairwise
from math import cos, radians
from typing import Any

import pyproj
import shapefile

from sandbox.cities import CITIES
from sandbox.samples.country import DISTRICTS, REGIONS, TOWNS, Point
from sandbox.samples.outlines import rings
from sandbox.samples.territory_register import _box, _town_area

DAY = "2026-10-01"
SYSTEM = "EPSG:20005"  # СК-95, zone 5
NCA = {"BY-BR": "1", "BY-VI": "2", "BY-HO": "3", "BY-HR": "4", "BY-MI": "6", "BY-MA": "7"}
# the districts whose codes are those of their centres
IN_DISTRICT = {
    "r-polacki": "2238", "r-arshanski": "2236", "r-mazyrski": "3235", "r-lidski": "4236", "r-barysauski": "6208",
    "r-salihorski": "6250", "r-maladziechanski": "6238",
}  # fmt: skip
ACT = "Вымышленное решение № 1"
Ring = list[Point]


@cache
def units() -> list[dict[str, Any]]:
    """The units: regions, some districts, the cities of the programme; ``rings`` in degrees."""
    names = {town.code: town for town in TOWNS}
    minsk = next(region for region in REGIONS if region.code == "BY-HM")
    found: list[dict[str, Any]] = [
        {"soato": f"{NCA[region.code]}000000000", "category": "область",
         "name_ru": region.name_ru.split()[0], "name_be": region.name_be.split()[0], "rings": rings(region)}
        for region in REGIONS if region is not minsk
    ]  # fmt: skip
    found += [
        {"soato": f"{IN_DISTRICT[one.code]}000000", "category": "район",
         "name_ru": one.adjective, "name_be": one.name_be, "rings": [_box(one.centre, 1.0)]}
        for one in DISTRICTS if one.code in IN_DISTRICT
    ]  # fmt: skip
    for city in CITIES.values():
        town = names[f"c-{city.code}"]
        shape = (
            rings(minsk) if city.code == "minsk" else [_square((city.lon, city.lat), _town_area(town.code))]
        )
        above = {"minsk": "республиканского"}.get(
            city.code, "районного" if city.soato.endswith("501000") else "областного"
        )
        found.append(
            {"soato": city.soato, "category": f"город {above} подчинения", "name_ru": town.name_ru, "name_be": town.name_be,
             "rings": shape}
        )  # fmt: skip
    for unit in found:
        unit["area_ha"] = round(_km2(unit["rings"]) * 100, 2)
    return found


def _square(centre: Point, km2: float) -> Ring:
    lon, lat = centre
    half = km2**0.5 / 2
    wide, high = half / (111.4 * cos(radians(lat))), half / 111.3
    west, east, south, north = (round(one, 5) for one in (lon - wide, lon + wide, lat - high, lat + high))
    return [(west, south), (west, north), (east, north), (east, south), (west, south)]


def _km2(parts: list[Ring]) -> float:
    ellipsoid = pyproj.Geod(ellps="WGS84")
    areas = [
        abs(ellipsoid.polygon_area_perimeter([x for x, _ in ring], [y for _, y in ring])[0]) for ring in parts
    ]
    return (areas[0] - sum(areas[1:])) / 1e6


def record(unit: dict[str, Any], number: int) -> dict[str, Any]:
    """A unit as the register's layer has it."""
    return {
        "ID_ATE": f"{100000 + number}", "SOATO": unit["soato"], "CATEGORY": unit["category"], "NAME_RU": unit["name_ru"],
        "NAME_BE": unit["name_be"], "AREA_HA": unit["area_ha"], "DATE_FROM": "1995-01-01", "DATE_TO": None, "ACT": ACT,
    }  # fmt: skip


def packed(found: list[dict[str, Any]], system: str | None = SYSTEM) -> bytes:
    """The units as a zipped Shapefile; the same bytes each time. ``system`` None: WGS 84."""
    moved = pyproj.Transformer.from_crs("EPSG:4326", system or "EPSG:4326", always_xy=True)
    parts = {kind: io.BytesIO() for kind in ("shp", "shx", "dbf")}
    with shapefile.Writer(**parts, shapeType=shapefile.POLYGON, encoding="cp1251") as writer:
        for name in ("ID_ATE", "SOATO", "CATEGORY", "NAME_RU", "NAME_BE", "DATE_FROM", "DATE_TO", "ACT"):
            writer.field(name, "C", 60)
        writer.field("AREA_HA", "N", 14, 2)
        for number, unit in enumerate(found):
            outer, *holes = unit["rings"]
            # a shell runs clockwise, a hole the other way
            ordered = [_turned(outer, clockwise=True), *(_turned(hole, clockwise=False) for hole in holes)]
            writer.poly(
                [
                    [tuple(round(c, 3 if system else 9) for c in moved.transform(*p)) for p in ring]
                    for ring in ordered
                ]
            )
            row = record(unit, number)
            writer.record(**{name: "" if value is None else value for name, value in row.items()})
    table = bytearray(parts["dbf"].getvalue())
    table[1:4] = (126, 10, 1)  # the day on which it was written
    contents = {
        "shp": parts["shp"].getvalue(), "shx": parts["shx"].getvalue(), "dbf": bytes(table), "cpg": b"1251",
        "prj": pyproj.CRS(system or "EPSG:4326").to_wkt("WKT1_ESRI").encode(),
    }  # fmt: skip
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
        for kind, content in contents.items():
            info = zipfile.ZipInfo(f"ATE.{kind}")
            info.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(info, content)
    return archive.getvalue()


def _turned(ring: Ring, *, clockwise: bool) -> Ring:
    twice = sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(ring))
    return ring if (twice < 0) == clockwise else ring[::-1]


def changes() -> list[dict[str, Any]]:
    """Changes of units that do not exist: a village council merged, one renamed, a place that moved and got another code."""
    rows = [
        ("объединение", "6208899000", None, "6208898000", None, "2013-05-28", None),
        ("переименование", "2236897000", None, None, None, "2004-07-01", None),
        ("передача", "3235896000", "3235000000", "3203000000", "3203896000", "2019-01-01", None),
    ]
    return [
        {"CHANGE_ID": f"{number}", "KIND": kind, "SOATO": soato, "FROM_SOATO": former, "TO_SOATO": to, "NEW_SOATO": new,
         "DATE_FROM": day, "SHARE": share, "ACT": ACT}
        for number, (kind, soato, former, to, new, day, share) in enumerate(rows, 1)
    ]  # fmt: skip


def collection(records: list[dict[str, Any]], geometries: list[Any] | None = None) -> str:
    """Records as a FeatureCollection."""
    features = [
        {"type": "Feature", "id": f"f.{number}", "properties": one, "geometry": geometries[number] if geometries else None}
        for number, one in enumerate(records)
    ]  # fmt: skip
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)


def files() -> dict[str, str | bytes]:
    """Content by path within the sample's folder."""
    return {
        "units/units.zip": packed(units()),
        "changes/changes.geojson": collection(changes()),
    }
