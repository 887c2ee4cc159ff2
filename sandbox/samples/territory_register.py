"""The sample of the register of territories: lists in CSV, outlines in GeoJSON."""

from __future__ import annotations

import csv
import io
import json
from random import Random

from sandbox.samples.country import (
    DISTRICTS,
    MINSK_DISTRICT,
    REGIONS,
    TOWNS,
    YEARS,
    Point,
    populations,
    region_of,
    split,
)
from sandbox.samples.outlines import area_km2, outline, rings

END_OF_LISTS = "\n"  # these two lists have LF line ends, the others CR LF
CENSUS = 2019
NO_SERIES = 2020  # the real series has a gap there
HALF_WIDTH, HALF_HEIGHT = 0.17, 0.10  # degrees: a district is a box round its centre


def files() -> dict[str, str]:
    """Text by path within the sample's folder."""
    return {
        "territories/territories.csv": _territories(),
        "territories/changes.csv": _changes(),
        "territories/population.csv": _population(),
        "territories/city_raion.csv": _town_districts(),
        "territories/admin_areas.csv": _town_areas(),
        "geo/adm1.geojson": _regions(),
        "geo/adm2.geojson": _districts(),
    }


def _table(header: str, rows: list[list[object]], end: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end)
    writer.writerow(header.split(","))
    writer.writerows(rows)
    return text.getvalue()


def _territories() -> str:
    areas = {region.code: area_km2(rings(region)) for region in REGIONS}
    rows: list[list[object]] = []
    rows += [
        [
            town.code,
            "city",
            town.name_ru,
            town.name_be,
            region_of(town.district),
            f"{town.centre[0]:.6f}",
            f"{town.centre[1]:.6f}",
            _town_area(town.code),
            town.flags,
        ]
        for town in TOWNS
    ]
    for region in REGIONS:
        own = [district for district in DISTRICTS if district.region == region.code]
        tenths = split(round(areas[region.code] * 10), [1.0] * len(own)) if own else []
        rows += [
            [district.code, "raion", district.name_ru, district.name_be, region.code, "", "", tenth / 10, ""]
            for district, tenth in zip(own, tenths, strict=True)
        ]
    rows += [
        [region.code, "oblast", region.name_ru, region.name_be, "BY", "", "", areas[region.code],
         "capital" if region.code == "BY-HM" else ""]
        for region in REGIONS
    ]  # fmt: skip
    rows.append(["BY", "country", "Беларусь", "Беларусь", "", "", "", round(sum(areas.values()), 1), ""])
    return _table("territory_id,level,name_ru,name_be,parent_id,lon,lat,area_km2,flags", rows, "\r\n")


def _changes() -> str:
    rows: list[list[object]] = [
        ["rename", "c-horki", "", "", "2001-01-01", "", "Вымышленное решение № 0"],
    ]
    return _table("kind,territory_id,from_id,to_id,valid_from,weight,act", rows, "\r\n")


def _population() -> str:
    people = populations()
    codes = [
        *(town.code for town in TOWNS),
        *(district.code for district in DISTRICTS),
        *(region.code for region in REGIONS),
        "BY",
    ]
    rows: list[list[object]] = [
        [code, year, people[code, year], "c" if year == CENSUS else "e"]
        for code in codes
        for year in YEARS
        if year != NO_SERIES
    ]
    return _table("territory_id,year,population,status", rows, "\r\n")


def _town_districts() -> str:
    rows: list[list[object]] = [
        [town.code, town.district, "native" if "raionCenter" in town.flags else "pip"]
        for town in TOWNS
        if town.district
    ]
    return _table("city_id,raion_id,method", sorted(rows, key=str), END_OF_LISTS)


def _town_areas() -> str:
    levels = {True: 6, False: 8}
    rows: list[list[object]] = [
        [
            town.code,
            900_000_000 + number,  # no relation has such a number
            4 if town.code == "c-minsk" else levels[town.own],
            town.name_be,
            _town_area(town.code),
        ]
        for number, town in enumerate(sorted(TOWNS, key=lambda town: town.code), 1)
    ]
    return _table("city_id,osm_relation_id,admin_level,matched_name,admin_area_km2", rows, END_OF_LISTS)


def _town_area(code: str) -> float:
    """About 2,000 people a square kilometre, give or take a fifth; Minsk is as large as its outline."""
    if code == "c-minsk":
        return area_km2([outline(next(region for region in REGIONS if region.code == "BY-HM"))])
    people = populations()[code, YEARS[-1]]
    return round(people / 2000 * (0.8 + 0.4 * Random(code).random()), 2)


def _regions() -> str:
    return _collection([(region.code, rings(region)) for region in REGIONS])


def _districts() -> str:
    minsk = next(region for region in REGIONS if region.code == "BY-HM")
    boxes = [
        (
            district.code,
            [_box(district.centre, 2.0), outline(minsk)[::-1]]
            if district.code == MINSK_DISTRICT
            else [_box(district.centre, 1.0)],
        )
        for district in DISTRICTS
    ]
    return _collection([*boxes, (minsk.code, [outline(minsk)])])


def _box(centre: Point, scale: float) -> list[Point]:
    (lon, lat), width, height = centre, HALF_WIDTH * scale, HALF_HEIGHT * scale
    west, east = round(lon - width, 4), round(lon + width, 4)
    south, north = round(lat - height, 4), round(lat + height, 4)
    return [(west, south), (east, south), (east, north), (west, north), (west, south)]


def _collection(features: list[tuple[str, list[list[Point]]]]) -> str:
    return json.dumps(
        {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "properties": {"id": code},
                    "geometry": {"type": "Polygon", "coordinates": polygon},
                }
                for code, polygon in features
            ],
        },
        ensure_ascii=False,
    )
