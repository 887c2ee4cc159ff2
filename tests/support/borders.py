"""A test world whose districts merge and split: earlier deliveries, the change, and impossible figures after it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from tests.support.small_warehouse import requests

BY = {"instance": "by"}
# the old districts: Brest 100 km2 with the city (40), Pinsk 60 with the city (10), Minsk and Smalavichy 50 each
UNITS = [
    ("BY", "country", None, None), ("BY-BR", "oblast", "BY", None), ("BY-HM", "oblast", "BY", 7),
    ("BY-MI", "oblast", "BY", None), ("r-brescki", "raion", "BY-BR", 100), ("r-pinski", "raion", "BY-BR", 60),
    ("r-minski", "raion", "BY-MI", 50), ("r-smalavicki", "raion", "BY-MI", 50), ("c-brest", "city", "BY-BR", None),
    ("c-pinsk", "city", "BY-BR", None), ("c-minsk", "city", "BY-HM", None), ("c-zhodzina", "city", "BY-MI", None),
    ("c-biaroza", "city", "BY-BR", None), ("c-barysau", "city", "BY-MI", None),
]  # fmt: skip
# Pinsk is merged into Brest (160 km2), Minsk (30) is split, and Novy (20) is new
AFTER = {"r-brescki": 160, "r-minski": 30, "r-novy": 20}
OLD = {
    "BY": 1000, "BY-BR": 500, "BY-HM": 200, "BY-MI": 300, "r-brescki": 300, "c-brest": 180, "r-pinski": 200,
    "c-pinsk": 120, "c-minsk": 200, "r-minski": 100, "r-smalavicki": 200, "c-zhodzina": 150, "c-biaroza": 20,
    "c-barysau": 90,
}  # fmt: skip
NEW = {**OLD, "r-brescki": 500, "r-minski": 60, "r-novy": 40, "c-barysau": 50}
del NEW["r-pinski"]


def register(areas: dict[str, int | None]) -> list[dict[str, Any]]:
    parents = {code: (level, parent) for code, level, parent, _ in UNITS} | {"r-novy": ("raion", "BY-MI")}
    return [
        {
            "territory_id": code, "level": parents[code][0], "name_ru": code, "name_be": code,
            "parent_id": parents[code][1], "area_km2": area,
        }
        for code, area in areas.items()
    ]  # fmt: skip


def people(years: dict[int, dict[str, int]]) -> list[dict[str, Any]]:
    return [
        {"territory_id": code, "year": year, "population": count, "status": "e"}
        for year, counts in years.items()
        for code, count in counts.items()
    ]


def towns(**districts: str) -> list[dict[str, Any]]:
    return [{"city_id": f"c-{town}", "raion_id": f"r-{district}"} for town, district in districts.items()]


def receive(warehouse: Any, load_id: str, day: str) -> None:
    with warehouse.connect() as connection:
        connection.execute("update ops.load set received_at = ? where load_id = ?", [day, load_id])


def deliver_before(warehouse: Any) -> None:
    """A first register with Barysau in the district of Minsk, and requests from its inhabitants."""
    first = warehouse.load(
        "territory_register.territories", None, register({u[0]: u[3] for u in UNITS}), **BY
    )
    receive(warehouse, first, "2019-01-01")
    listed = warehouse.load(
        "territory_register.town_districts",
        None,
        towns(biaroza="brescki", barysau="minski", pinsk="pinski"),
        **BY,
    )
    receive(warehouse, listed, "2019-01-01")
    warehouse.load("territory_register.population", None, people({2018: OLD, 2019: OLD}), **BY)
    for month in ("2019-04", "2021-04"):
        warehouse.load("appeals_115.requests", month, requests(["6"] * 9, month), instance="barysau")


def deliver_change(warehouse: Any) -> None:
    """A merger and a split at the same time, with the changes declared, and the matching population."""
    told = [
        {"kind": "merge", "territory_id": "r-pinski", "to_id": "r-brescki", "weight": None},
        {"kind": "split", "territory_id": "r-minski", "to_id": "r-minski", "weight": Decimal("0.6")},
        {"kind": "split", "territory_id": "r-minski", "to_id": "r-novy", "weight": Decimal("0.4")},
    ]
    day = date(2020, 7, 1)
    warehouse.load("territory_register.changes", None, [{**row, "valid_from": day} for row in told], **BY)
    areas = {u[0]: u[3] for u in UNITS if u[0] != "r-pinski"} | AFTER
    second = warehouse.load("territory_register.territories", None, register(areas), **BY)
    receive(warehouse, second, "2020-11-20")
    listed = warehouse.load(
        "territory_register.town_districts",
        None,
        towns(biaroza="brescki", barysau="minski", pinsk="brescki"),
        **BY,
    )
    receive(warehouse, listed, "2020-11-20")
    warehouse.load("territory_register.population", None, people({2018: OLD, 2019: OLD, 2021: NEW}), **BY)


def deliver_contradictions(warehouse: Any) -> tuple[str, str]:
    """A town moves before its population figures do; the districts of one oblast do not add up, of another only by rounding.

    Returns the loads of the list of towns and of the population.
    """
    moved = warehouse.load(
        "territory_register.town_districts",
        None,
        towns(biaroza="brescki", barysau="novy", pinsk="brescki"),
        **BY,
    )
    receive(warehouse, moved, "2020-12-01")
    great = {code: count * 1000 for code, count in OLD.items()}
    wrong = {**NEW, "BY": 1005, "BY-BR": 505}
    years = {2017: {**great, "r-smalavicki": 200_001}, 2018: OLD, 2019: OLD, 2021: wrong}
    return moved, warehouse.load("territory_register.population", None, people(years), **BY)


def deliver_units(warehouse: Any) -> None:
    """The history of the register of units, by codes of SOATO, and coverage by its units: a region, and two cities."""
    renamed = {"kind": "переименование", "soato": "1401000000", "valid_from": date(2000, 1, 1), "act": "a"}
    # a unit that has no territory here
    merged = {**renamed, "kind": "объединение", "soato": "1204899000", "to_soato": "1204898000"}
    rows = [{"change_id": str(number), **one} for number, one in enumerate((renamed, merged), 1)]
    warehouse.load("nca_register.changes", None, rows, **BY)
    covered = (("LTE", "_T", Decimal("33.333333"), 900), ("LTE", "a", 10, 90), ("5G", "_T", 0, 0))
    areas = [
        {
            "zone": zone, "technology": technology, "operator": operator, "zone_km2": 100, "covered_km2": km2,
            "zone_people": 1000, "covered_people": people, "areas": 1,
        }
        for zone in ("1000000000", "1401000000", "5000000000")
        for technology, operator, km2, people in covered
    ]  # fmt: skip
    warehouse.load("mobile_coverage.areas", "2021-02", areas, **BY)
