"""The sample of coverage: areas of two invented operators, and settlements. No antenna, no area, no number is real."""

from __future__ import annotations

import json
from math import cos, pi, radians, sin
from random import Random
from typing import Any

from sandbox.cities import CITIES
from sandbox.samples.country import DISTRICTS, REGIONS, TOWNS, YEARS, Point, populations
from sandbox.samples.outlines import outline

LARGE = ("minsk", "brest", "viciebsk", "homiel", "hrodna", "mahilou")
OPERATORS = {"operator_a": 1.0, "operator_b": 0.9}


def circle(centre: Point, km: float, corners: int = 16) -> list[Point]:
    """A ring about a place."""
    lon, lat = centre
    found = [
        (
            round(lon + km / (111.3 * cos(radians(lat))) * cos(2 * pi * n / corners), 4),
            round(lat + km / 111.3 * sin(2 * pi * n / corners), 4),
        )
        for n in range(corners)
    ]
    return [*found, found[0]]


def shrunk(ring: list[Point], share: float) -> list[Point]:
    """A ring drawn towards its middle."""
    lon, lat = (sum(point[axis] for point in ring[:-1]) / (len(ring) - 1) for axis in (0, 1))
    return [(round(lon + (x - lon) * share, 4), round(lat + (y - lat) * share, 4)) for x, y in ring]


def areas() -> list[dict[str, Any]]:
    """Features of the layer: LTE over most of each region and about each town, 5G in the largest cities."""
    found: list[tuple[str, str, list[Point]]] = []
    for operator, share in OPERATORS.items():
        found += [("LTE", operator, shrunk(outline(region), 0.85 * share)) for region in REGIONS]
        found += [("LTE", operator, circle(town.centre, 12 * share)) for town in TOWNS]
    found += [("5G", "operator_a", circle((CITIES[city].lon, CITIES[city].lat), 4)) for city in LARGE]
    return [feature(*one) for one in found]


def feature(technology: str, operator: str, ring: list[Point]) -> dict[str, Any]:
    """An area as a feature of GeoJSON."""
    return {
        "type": "Feature",
        "properties": {"technology": technology, "operator": operator},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def settlements() -> list[tuple[str, str, float, float, int]]:
    """Code, name, place and people: each town in nine parts, and villages of each district."""
    people, rng = populations(), Random("settlements")
    found = []
    for town in TOWNS:
        total, step = people[town.code, YEARS[-1]], (people[town.code, YEARS[-1]] / 2000) ** 0.5 / 3.4
        for number in range(9):
            lon, lat = town.centre
            lon += (number % 3 - 1) * step / (111.3 * cos(radians(lat)))
            lat += (number // 3 - 1) * step / 111.3
            part = total // 9 + (total % 9 if number == 4 else 0)
            found.append((f"{town.code}-{number + 1}", f"{town.name_ru}, часть {number + 1}", lon, lat, part))
    for district in DISTRICTS:
        for number in range(4):
            lon, lat = district.centre
            lon += (rng.random() - 0.5) * 0.6
            lat += (rng.random() - 0.5) * 0.35
            found.append(
                (
                    f"{district.code}-{number + 1}",
                    f"Вымышленная деревня {number + 1}, {district.name_ru}",
                    lon,
                    lat,
                    rng.randrange(80, 4000),
                )
            )
    return found


def collection(features: list[dict[str, Any]]) -> str:
    """Features as a file."""
    return json.dumps({"type": "FeatureCollection", "features": features})


def files() -> dict[str, str]:
    """Text by path within the sample's folder."""
    lines = ["settlement_id;name;lon;lat;people"]
    lines += [f"{code};{name};{lon:.5f};{lat:.5f};{people}" for code, name, lon, lat, people in settlements()]
    return {
        "areas/coverage-2026-10.geojson": collection(areas()),
        "settlements/settlements-2026.csv": "\n".join([*lines, ""]),
    }
