"""Invented worlds for property tests: each year is a world, so one build computes all of them.

Territories, measures and indicators are declared here; what is delivered is drawn at random. Measures keep the names of
the inventory's, because contributions refer to names, but each follows a different time rule.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from pipelines.catalogue.indicators import indicator_rows
from pipelines.catalogue.measures import measure_rows
from pipelines.catalogue.tables import TABLES
from pipelines.catalogue.write import ARROW
from pipelines.declarations.indicators import INDICATORS, load_catalogue
from pipelines.declarations.sources import SOURCES, load_sources
from pipelines.warehouse.tables import replace_rows
from tests.support.small_warehouse import SmallWarehouse, cells, requests

MONTHS = range(1, 13)
BRANCHES = {"brest": "BY-BR", "minsk_city": "BY-HM", "minsk_oblast": "BY-MI"}
CITIES = {"minsk": "c-minsk", "brest": "c-brest"}


@dataclass(frozen=True)
class Place:
    """A territory with its parent in the hierarchy; one with a branch has its own figures."""

    level: str
    parent: str | None
    branch: str | None = None
    soato: str | None = None


# A town in a district with figures is not counted in addition; districts without figures consist of their towns.
PLACES = {
    "BY": Place("country", None),
    "BY-BR": Place("region", "BY"),
    "BY-HM": Place("region", "BY"),
    "BY-MI": Place("region", "BY"),
    "r-brescki": Place("district", "BY-BR", "brest", "1212000000"),
    "c-damacava": Place("city", "r-brescki", "brest", "1212501000"),
    "r-kobrynski": Place("district", "BY-BR"),
    "c-kobryn": Place("city", "r-kobrynski", "brest", "1243501000"),
    "c-antopal": Place("city", "r-kobrynski", "brest", "1243502000"),
    "r-pinski": Place("district", "BY-BR"),
    "c-lahisyn": Place("city", "r-pinski", "brest", "1247501000"),
    "c-brest": Place("city", "BY-BR", "brest", "1401000000"),
    "c-minsk": Place("city", "BY-HM", "minsk_city", "5000000000"),
    "r-minski": Place("district", "BY-MI", "minsk_oblast", "6236000000"),
    "r-barysauski": Place("district", "BY-MI"),
    "c-barysau": Place("city", "r-barysauski", "minsk_oblast", "6208501000"),
    "r-smalavicki": Place("district", "BY-MI", "minsk_oblast", "6250000000"),
    "c-zhodzina": Place("city", "BY-MI", "minsk_oblast", "6440000000"),
}
# of oblast subordination: separate from the district in which the register counts it
BESIDE = {"c-brest": "r-brescki", "c-zhodzina": "r-smalavicki"}
# a territory's parent until a day that is not the end of a quarter
FORMERLY = {
    "c-antopal": ("r-pinski", date(2011, 2, 28)),
    "r-pinski": ("BY-MI", date(2012, 8, 15)),
}
REPORTING = [code for code, place in PLACES.items() if place.branch]

TIME = {
    "fibre_route_km": "sum",
    "pon_ports_equipped": "last",
    "pon_ports_active": "mean",
    "wifi_access_points": "max",
}
# where a missing row means that nobody reported
NEVER_ZERO = {"wifi_access_points"}


@dataclass(frozen=True)
class Method:
    """A declared indicator: terms as measure, weight and the measure it is multiplied by."""

    unit: str
    numerator: list[tuple[str, int, str | None]]
    denominator: str | None = None
    scale: int = 1
    per: str | None = None
    percentile: int | None = None
    at: str = "same"


METHODS = {
    "laid": Method("KM", [("fibre_route_km", 1, None)]),
    "laid_threefold": Method("KM", [("fibre_route_km", 3, None)]),
    "ports": Method("PORTS", [("pon_ports_equipped", 1, None)]),
    "used": Method("PORTS", [("pon_ports_active", 1, None)]),
    "points": Method("POINTS_WIFI", [("wifi_access_points", 1, None)]),
    "unused": Method("PORTS", [("pon_ports_equipped", 1, None), ("pon_ports_active", -1, None)]),
    "used_pct": Method("PCT", [("pon_ports_active", 1, None)], "pon_ports_equipped", 100),
    "laid_per_1000": Method("KM_PER_1000", [("fibre_route_km", 1, None)], "population", 1000, "PERSONS"),
    "points_by_ports": Method(
        "POINTS_WIFI", [("wifi_access_points", 1, "pon_ports_equipped")], "pon_ports_equipped"
    ),
    "median": Method(
        "KM_PER_1000", [("fibre_route_km", 1, None)], "population", 1000, "PERSONS", percentile=50
    ),
    "ninth_decile": Method("PORTS", [("pon_ports_equipped", 1, None)], percentile=90),
    "growth": Method("PCT", [("fibre_route_km", 1, None)], "fibre_route_km", 100, at="previous_year"),
}
MINSK_IN_ITS_OBLAST = "employed_persons"


@dataclass
class World:
    """Deliveries of a year: unused and used ports, points and km, for each place and month, and for no place."""

    people: dict[str, int]
    resources: dict[tuple[str, int], tuple[int, int, int, list[Decimal]]]
    requests: dict[str, list[tuple[int, int]]]
    employed: dict[str, int]
    gaps: set[tuple[str, int]] = field(default_factory=set)
    way: str = "plain"

    def figure(self, measure: str, place: str, month: int) -> Decimal | None:
        """The figure of a month, added up from the deliveries; None if there are none."""
        if (_branch(place), month) in self.gaps:
            return None
        unused, used, points, lengths = self.resources[place, month]
        figure = {
            "fibre_route_km": sum(lengths, Decimal(0)),
            "pon_ports_equipped": Decimal(unused + used),
            "pon_ports_active": Decimal(used),
            "wifi_access_points": Decimal(points),
        }[measure]
        return None if measure in NEVER_ZERO and not figure and place in PLACES else figure


def _branch(place: str) -> str:
    return place.removeprefix("_U ") if place.startswith("_U ") else PLACES[place].branch or ""


def draw(by: random.Random, most: int = 4, longest: int = 10**10) -> World:
    """A world in which every figure may be zero."""
    people = {code: by.randint(10, 3000) for code in REPORTING}
    if by.random() < 0.3:  # otherwise everybody in these districts lives in their towns and is covered
        people |= {code: by.randint(1, 900) for code in ("r-kobrynski", "r-pinski", "r-barysauski")}
    places = [*REPORTING, *(f"_U {branch}" for branch in BRANCHES)]
    return World(
        people=people,
        resources={
            (place, month): (
                by.randint(0, most),
                by.randint(0, most),
                most and (by.random() < 0.98) * by.randint(1, most),
                [Decimal(by.randint(1, longest)).scaleb(-6) for _ in range(by.randint(0, 2))],
            )
            for place in places
            for month in MONTHS
        },
        requests={city: [(by.randint(0, 9), by.randint(0, 9)) for _ in MONTHS] for city in CITIES},
        employed={code: by.randint(1, 500) for code in (*EMPLOYED, "BY-BR", "BY-MI", "BY-HM")},
    )


EMPLOYED = {
    "r-brescki": "Брестский", "c-brest": "г. Брест", "r-kobrynski": "Кобринский", "r-pinski": "Пинский",
    "r-minski": "Минский", "r-barysauski": "Борисовский", "r-smalavicki": "Смолевичский", "c-zhodzina": "г. Жодино",
}  # fmt: skip
REGIONS = {"BY-BR": "Брестская область", "BY-MI": "Минская область", "BY-HM": "г. Минск"}


@cache
def children(above: str, day: date) -> list[str]:
    """The territories within a territory on a day."""
    parents = {code: place.parent for code, place in PLACES.items()}
    parents |= {code: parent for code, (parent, last) in FORMERLY.items() if day <= last}
    return [code for code, parent in parents.items() if parent == above]


def whole_people(world: World, day: date) -> dict[str, int]:
    """Population of every territory in the borders of a day; a district excludes the separate city."""

    def count(code: str) -> int:
        own = world.people.get(code, 0)
        return own if code in REPORTING else own + sum(map(count, children(code, day)))

    return {code: count(code) for code in PLACES}


def build(small: SmallWarehouse, worlds: Mapping[int, World], folder: Path, by: random.Random) -> None:
    """Declare and deliver every world, and let dbt compute the values."""
    _declare(small, folder)
    deliveries = [*_register(worlds), *_employment(worlds)]
    for year, world in worlds.items():
        monthly = [*_inventory(year, world, by), *_requests(year, world)]
        if world.way == "shuffled":
            by.shuffle(monthly)
            for delivery in monthly:
                by.shuffle(delivery["rows"])
        deliveries += monthly
    small.load_all(deliveries)
    # regions and their districts are drawn independently: whether they add up is not tested here
    done = small.dbt("run", "--select", "+mart_indicator_value", "--vars", "{division_since: '9999'}")
    assert done.returncode == 0, done.stdout[-3000:]


def _declare(small: SmallWarehouse, folder: Path) -> None:
    measures, indicators = folder / "measures", folder / "indicators"
    for made in (measures, indicators):
        made.mkdir()
    for path in SOURCES.glob("*/measures.yml"):
        declared = yaml.safe_load(path.read_text(encoding="utf-8"))
        for code, measure in declared["measures"].items():
            if code in TIME:
                measure |= {"time": TIME[code], "kind": "flow" if TIME[code] == "sum" else "stock"}
            if code in NEVER_ZERO:
                measure["absence"] = "not_published"
            if code == MINSK_IN_ITS_OBLAST:
                measure["holds"] = {"BY-MI": ["BY-HM"]}
        (measures / path.parent.name).mkdir()
        (measures / path.parent.name / path.name).write_text(json.dumps(declared), encoding="utf-8")
    for name in ("themes", "appeals_per_1000", "appeals_rated_pct", "employed_per_100"):
        (indicators / f"{name}.yml").write_bytes((INDICATORS / f"{name}.yml").read_bytes())
    units = {
        measure["unit"]["code"]: measure["unit"]
        for path in SOURCES.glob("*/measures.yml")
        for measure in yaml.safe_load(path.read_text(encoding="utf-8"))["measures"].values()
    }
    for code, method in METHODS.items():
        (indicators / f"{code}.yml").write_text(json.dumps(_indicator(code, method, units)), encoding="utf-8")
    catalogue = load_catalogue(measures, indicators)
    rows = {**measure_rows(catalogue, load_sources()), **indicator_rows(catalogue)}
    codes = [
        {"ref_area": code, "level": place.level, "soato": place.soato}
        for code, place in PLACES.items()
        if place.soato
    ]
    parents = [
        {"ref_area": code, "parent": parent, "valid_from": date.min, "valid_to": last}
        for code, (parent, last) in FORMERLY.items()
    ]
    with small.connect() as connection:
        connection.execute("delete from catalogue.territory_code where level in ('city', 'district')")
        connection.execute(
            "delete from catalogue.subordination where ref_area not in ('c-brest', 'c-zhodzina')"
        )
        for table, added in (rows | {"territory_code": codes, "territory_parent": parents}).items():
            schema = pa.schema([(column, ARROW[kind]) for column, kind in TABLES[table].items()])
            connection.register("incoming", pa.Table.from_pylist(added, schema=schema))
            if table in rows:
                replace_rows(connection, f"catalogue.{table}", "incoming")
            else:
                connection.execute(f"insert into catalogue.{table} select * from incoming")
            connection.unregister("incoming")


def _indicator(code: str, method: Method, units: Mapping[str, dict[str, str]]) -> dict[str, Any]:
    named = dict.fromkeys(("ru", "be", "en"), code)
    levels = ["country", "region", "district", "city"]
    terms = [
        {"measure": measure, "weight": weight} | ({"times": times} if times else {})
        for measure, weight, times in method.numerator
    ]
    declared: dict[str, Any] = {
        "version": "1.0",
        "scale": method.scale,
        "numerator": {"words": named, "terms": terms},
    }
    if method.denominator:
        below = {"measure": method.denominator, "at": method.at}
        declared["denominator"] = {"words": named, "terms": [below]}
    unit = units.get(
        method.unit, dict.fromkeys(("ru", "be", "en"), "%" if method.unit == "PCT" else method.unit)
    )
    indicator = {
        "name": named, "definition": named, "rationale": named, "theme": "connectivity", "owner": "-", "decimals": 6,
        "unit": {**unit, "code": method.unit} | ({"per": method.per} if method.per else {}), "direction": "none",
        "frequencies": ["M", "Q", "S", "A"], "levels": levels, "methods": [declared],
        "rolled_up": levels[:3] if method.at == "same" else [],
    }  # fmt: skip
    if method.percentile:
        indicator |= {"roll_up": "percentile", "percentile": method.percentile}
    return indicator


def _register(worlds: Mapping[int, World]) -> list[dict[str, Any]]:
    words = {"region": "oblast", "district": "raion"}
    territories = []
    for code, place in PLACES.items():
        parent = (
            PLACES[place.parent].parent if place.level == "city" and place.parent[:1] == "r" else place.parent
        )
        territories.append(
            {
                "territory_id": code, "level": words.get(place.level, place.level), "name_ru": code, "name_be": code,
                "parent_id": parent, "area_km2": 1,
            }
        )  # fmt: skip
    towns = [
        {"city_id": code, "raion_id": place.parent}
        for code, place in PLACES.items()
        if place.level == "city" and place.parent[:1] == "r"
    ]
    people = []
    for year, world in worlds.items():
        counted = whole_people(world, date(year, 1, 1))
        for city, district in BESIDE.items():
            counted[district] += counted[city]
        people += [
            {"territory_id": code, "year": year, "population": count, "status": "e"}
            for code, count in counted.items()
        ]
    register = {"period": None, "instance": "by"}
    return [
        {"feed": "territory_register.territories", "rows": territories, **register},
        {"feed": "territory_register.town_districts", "rows": towns, **register},
        {"feed": "territory_register.population", "rows": people, **register},
    ]


def gives_regions(year: int) -> bool:
    """Whether the office publishes employment by region in a year, and not only by district."""
    return year % 3 != 2


def gives_minsk(year: int) -> bool:
    """Whether it then publishes which part of Minsk oblast is Minsk."""
    return year % 3 == 0


def _employment(worlds: Mapping[int, World]) -> list[dict[str, Any]]:
    figures: list[tuple[str, str, float | None]] = []
    for year, world in worlds.items():
        figures += [(name, str(year), world.employed[code]) for code, name in EMPLOYED.items()]
        if gives_regions(year):
            figures += [
                (name, str(year), world.employed[code] + (world.employed["BY-HM"] if code == "BY-MI" else 0))
                for code, name in REGIONS.items()
                if code != "BY-HM" or gives_minsk(year)
            ]
    span = f"{min(worlds)}-{max(worlds)}"
    return [{"feed": "belstat.employment", "period": span, "rows": cells(figures), "instance": "by"}]


def _inventory(year: int, world: World, by: random.Random) -> list[dict[str, Any]]:
    deliveries = []
    for branch in BRANCHES:
        for month in MONTHS:
            if (branch, month) in world.gaps:
                continue
            rows = []
            for place in (*(code for code in REPORTING if PLACES[code].branch == branch), f"_U {branch}"):
                soato = PLACES[place].soato if place in PLACES else None
                if place == "r-brescki":
                    soato = by.choice([soato, "1212840001"])  # a village, identified by its district
                unused, used, points, lengths = world.resources[place, month]
                states = [("idle", 1)] * unused + [("active", 1)] * used
                found = [
                    ("xPON.Port", by.choice(["active", "busy"]) if s == "active" else s, None)
                    for s, _ in states
                ]
                found += [("WiFi.AccessPoint", "active", None)] * points
                found += [("FibreLine", "active", length) for length in lengths]
                rows += [
                    {
                        "resource_id": f"{place}-{number}", "category": category, "usage_state": state,
                        "soato": soato, "length_km": length,
                    }
                    for number, (category, state, length) in enumerate(found)
                ]  # fmt: skip
            deliveries += _as_delivered(
                "beltelecom_inventory.resources", branch, f"{year}-{month:02}", rows, world.way
            )
    return deliveries


def _requests(year: int, world: World) -> list[dict[str, Any]]:
    deliveries = []
    for city, counts in world.requests.items():
        for month, (sixes, twenties) in zip(MONTHS, counts, strict=True):
            period = f"{year}-{month:02}"
            rows = requests(["6"] * sixes + ["20"] * twenties, period, rating=month % 6)
            deliveries += _as_delivered("appeals_115.requests", city, period, rows, world.way)
    return deliveries


def _as_delivered(feed: str, instance: str, period: str, rows: list[Any], way: str) -> list[dict[str, Any]]:
    """A month as one delivery, after a one-day delivery that it covers, as two deliveries, or after one that it replaces.

    Days add up if a month counts events; a stock at the end of the month comes from a single delivery.
    """
    delivery = {"feed": feed, "instance": instance, "period": period, "rows": rows}
    if way == "covered":
        return [delivery | {"period": f"{period}-01", "rows": rows[::2]}, delivery]
    if way == "days" and feed == "appeals_115.requests":
        return [
            delivery | {"period": f"{period}-{day}", "rows": rows[at::2]}
            for at, day in enumerate(("01", "17"))
        ]
    if way == "replaced":
        return [delivery | {"rows": rows[1::2] * 2}, delivery]
    return [delivery]
