"""Tables in the format of the statistical portal's answers, and the territories that they list."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sandbox.samples.country import DISTRICTS, REGIONS, TOWNS, populations

COUNTRY = "Республика Беларусь"
TERRITORY = "Территория Республики Беларусь"

Row = list[tuple[str, int]]
Value = float | int | None


@dataclass(frozen=True)
class Place:
    """A territory of the third level: a district without its town of oblast subordination, or such a town."""

    name: str
    region: str
    people: dict[int, int]


def number(value: Value, decimals: int) -> str | None:
    """In the portal's format: ``1 254,6`` with U+00A0."""
    return None if value is None else f"{value:,.{decimals}f}".replace(",", "\u00a0").replace(".", ",")


def answer(
    title: str, years: range, titles: list[str], rows: list[tuple[Row, list[Value]]], decimals: int
) -> str:
    """The portal's answer. A row is its dimension cells (text, level), then its values."""
    return json.dumps(
        {
            "tableName": title,
            "tableHeader": [[str(year) for year in years]],
            "tableHeaderDimColumns": titles,
            "tableRows": [
                [
                    *({"value": text, "level": level} for text, level in cells),
                    *({"value": number(value, decimals), "level": 0} for value in values),
                ]
                for cells, values in rows
            ],
        },
        ensure_ascii=False,
    )


def places() -> list[Place]:
    """Districts, then towns, of each region in turn: they never overlap."""
    people = populations()
    years = sorted({year for _, year in people})
    found: list[Place] = []
    for region in REGIONS:
        own = {town.district: town for town in TOWNS if town.own}
        districts = [district for district in DISTRICTS if district.region == region.code]
        for district in districts:
            town = own.get(district.code)
            rest = {
                year: people[district.code, year] - (people[town.code, year] if town else 0) for year in years
            }
            found.append(Place(district.belstat, region.code, rest))
        found += [
            Place(f"г. {without_yo(own[district.code].name_ru)}", region.code,
                  {year: people[own[district.code].code, year] for year in years})
            for district in districts
            if district.code in own
        ]  # fmt: skip
    return found


def without_yo(name: str) -> str:
    """The portal writes «г. Могилев» for Могилёв."""
    return name.replace("ё", "е")
