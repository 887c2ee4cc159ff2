"""An invented past of each kind of feed, and faults seeded into what comes next. Everything is drawn from one seed."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import cos, pi
from pathlib import Path
from random import Random
from typing import Any

from pipelines.declarations.sources import SOURCES
from pipelines.deliveries import Candidate, Delivery, ExpectationResult, parse_slice
from pipelines.loading.candidates import load_candidate
from pipelines.loading.context import validation_task
from pipelines.loading.load import LoadOutcome
from pipelines.loading.past import compared_with_history
from pipelines.settings import Settings
from pipelines.warehouse.base import Warehouse
from sandbox.inventory import inventory, read_cities
from tests.support.portal import HEADER

Files = dict[str, str]
KINDS = ("halved rows", "swapped districts", "unit x 1000", "repeated month", "re-coded categories")


@dataclass(frozen=True)
class Given:
    """A delivery in the making."""

    source: str
    feed: str
    instance: str
    period: str | None
    part: str | None
    files: Files

    def candidate(self) -> Candidate:
        """What an origin would offer."""

        def fetch(folder: Path) -> None:
            for name, text in self.files.items():
                (folder / name).write_text(text, encoding="utf-8")

        return Candidate(
            self.source, self.feed, self.instance, parse_slice(self.period, self.part),
            f"test:{self.source}/{self.feed}/{self.instance}/{self.period}", None, True, fetch,
        )  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """A delivery with one fault in it."""

    kind: str
    what: str
    given: Given


@dataclass
class World:
    """A warehouse, and the folder where deliveries that are only tried lie."""

    settings: Settings
    warehouse: Warehouse
    folder: Path
    tried: int = field(default=0)

    def enter(self, given: Given) -> LoadOutcome:
        """Load a delivery."""
        return load_candidate(given.candidate(), self.settings, self.warehouse)

    def attempt(self, given: Given) -> tuple[bool, list[ExpectationResult]]:
        """Judge a delivery by the whole gate and enter nothing: whether it would be accepted, and what was found."""
        self.tried += 1
        folder = self.folder / str(self.tried)
        folder.mkdir(parents=True)
        candidate = given.candidate()
        candidate.fetch(folder)
        digest = hashlib.sha256("".join(given.files.values()).encode()).hexdigest()
        delivery = Delivery(
            f"tried.{self.tried}", given.source, given.feed, given.instance, candidate.slice, folder,
            tuple(sorted(given.files)), digest, 0, candidate.origin, "2026-11-01T00:00:00.000", True,
        )  # fmt: skip
        found = validation_task(delivery, self.settings, self.warehouse)(folder / "scratch")
        validation = compared_with_history(delivery, found, self.warehouse).validation
        return validation.accepted, [result for result in validation.results if not result.success]


# --- requests of cities: months with seasons, growth, chance

CATEGORIES = [
    "6.3",
    "6.30",
    "6.324",
    "20.280",
    "20.297",
    "10.85",
    "14.152",
    "9.61",
    "7.45",
    "11.369",
    "21.301",
]
WEIGHTS = [18, 14, 9, 16, 10, 8, 7, 6, 5, 4, 3]
CITIES = {"brest": (52.09, 23.68, 70), "homiel": (52.43, 30.97, 300), "minsk": (53.90, 27.56, 1500)}
MONTHS = [f"{year}-{month:02}" for year in (2024, 2025) for month in range(1, 13)][: 12 + 4]
NEXT = ["2025-05", "2025-06"]


def requests(city: str, month: str, seed: int) -> list[dict[str, str]]:
    """A month of a city."""
    rng = Random(f"{seed} {city} {month}")
    lat, lng, usual = CITIES[city]
    year, number = int(month[:4]), int(month[5:])
    past = (year - 2024) * 12 + number - 1
    expected = usual * (1 + 0.15 * cos(2 * pi * (number - 1) / 12)) * 1.01**past
    count = round(rng.gauss(expected, max(0.06 * expected, expected**0.5)))
    winter = 1 + 0.3 * cos(2 * pi * (number - 1) / 12)
    weights = [w * (winter if c.startswith("10.") else 1) for c, w in zip(CATEGORIES, WEIGHTS, strict=True)]
    days = (date(year + number // 12, number % 12 + 1, 1) - date(year, number, 1)).days
    identity, rows = 100_000 + past * 10_000, []
    for day in sorted(rng.randrange(days) for _ in range(count)):
        identity += 1 + rng.randrange(4)
        opened = date(year, number, 1) + timedelta(day)
        rows.append(
            {
                "id": str(identity), "category": rng.choices(CATEGORIES, weights)[0], "author": "0", "name": "Тест",
                "address": "улица Примерная", "lat": f"{rng.gauss(lat, 0.02):.6f}", "lng": f"{rng.gauss(lng, 0.03):.6f}",
                "status": rng.choice("5557"), "rating": "0", "opened": f"{opened} {year}",
                "planned": str(opened + timedelta(1 + rng.randrange(20))), "organisation_id": str(110 + rng.randrange(12)),
            }
        )  # fmt: skip
    return rows


def month_of(city: str, month: str, rows: list[dict[str, str]]) -> Given:
    """Rows as the file of a month."""
    text = io.StringIO()
    writer = csv.DictWriter(text, HEADER.split(","), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return Given(
        "appeals_115", "requests", city, month, None, {f"opendata-115-{month}-01.csv": text.getvalue()}
    )


def redated(rows: list[dict[str, str]], month: str, renumbered: bool) -> list[dict[str, str]]:
    """Another month's rows under the name of this one."""
    found = []
    for number, row in enumerate(rows):
        day = min(int(row["opened"][8:10]), 28)
        opened = date(int(month[:4]), int(month[5:]), day)
        took = date.fromisoformat(row["planned"]) - date.fromisoformat(row["opened"][:10])
        again = {"opened": f"{opened} {opened.year}", "planned": str(opened + took)}
        found.append({**row, **again, **({"id": str(900_000 + number)} if renumbered else {})})
    return found


def faults_of_requests(rng: Random, seed: int) -> Iterator[Fault]:
    """Each kind, in each city."""
    for city in CITIES:
        yield from _faults_of_city(city, rng, seed)


def _faults_of_city(city: str, rng: Random, seed: int) -> Iterator[Fault]:
    month = rng.choice([*NEXT[:1], MONTHS[-1]])  # a new month, or a resend of one in force
    rows = requests(city, month, seed)

    def fault(kind: str, what: str, changed: list[dict[str, str]], at: str = month, of: str = city) -> Fault:
        return Fault(kind, f"requests of {of} {at}: {what}", month_of(of, at, changed))

    yield fault("halved rows", "the first half", rows[: len(rows) // 2])
    yield fault("halved rows", "each second", rows[::2])
    yield fault("halved rows", "a random half", [row for row in rows if rng.random() < 0.5])
    other = requests(city, MONTHS[rng.randrange(4, 14)], seed)
    yield fault("repeated month", "numbers kept", redated(other, month, renumbered=False))
    yield fault("repeated month", "numbered anew", redated(other, month, renumbered=True))
    anew = {category: f"{40 + number}.1" for number, category in enumerate(CATEGORIES)}
    yield fault("re-coded categories", "all", [{**row, "category": anew[row["category"]]} for row in rows])
    half = [{**row, "category": anew[row["category"]]} if rng.random() < 0.5 else row for row in rows]
    yield fault("re-coded categories", "half of the rows", half)
    turned = {category: CATEGORIES[-1 - number] for number, category in enumerate(CATEGORIES)}
    yield fault(
        "re-coded categories", "in the reverse order",
        [{**row, "category": turned[row["category"]]} for row in rows],
    )  # fmt: skip
    # the neighbour's file, in the place of one's own
    neighbour = rng.choice([name for name in CITIES if name != city])
    yield fault(
        "swapped districts", f"those of {neighbour}", requests(neighbour, MONTHS[-1], seed), MONTHS[-1]
    )


# --- the operator's inventory: what stands stays, a little comes and goes

BRANCHES = ("brest", "gomel")
SNAPSHOTS = ["2026-06", "2026-07", "2026-08"]


def resources(branch: str, month: str, seed: int) -> list[dict[str, Any]]:
    """A branch's snapshot: a hundredth has come since the month before, terminals were connected."""
    found: list[dict[str, Any]] = inventory(
        read_cities(SOURCES / "beltelecom_inventory" / "sample" / "cities.csv", 0.15), branch, 639 + seed
    )
    later = int(month[5:]) - 6
    rng = Random(f"{seed} {branch} {month}")
    kept = [found[number] for number in range(len(found)) if number % 100 != 7 or later > 0]
    kept = [thing for number, thing in enumerate(kept) if number % 200 != 11 or later < 2]
    for thing in kept:
        for trait in thing["resourceCharacteristic"]:
            if trait["name"] == "onuConnected" and rng.random() < 0.3 and trait["value"] > 2:
                trait["value"] -= 1
    return kept


def snapshot(branch: str, month: str, found: list[dict[str, Any]]) -> Given:
    """Resources as a snapshot that was pulled."""
    told = {"base_url": "https://inventory.invalid", "pages": 1, "total": len(found)}
    files = {"page-00001.json": json.dumps(found, ensure_ascii=False), "snapshot.json": json.dumps(told)}
    return Given("beltelecom_inventory", "resources", branch, month, None, files)


def traits(found: list[dict[str, Any]], name: str, change: Callable[[Any], Any]) -> list[dict[str, Any]]:
    """The resources with a characteristic changed."""
    changed: list[dict[str, Any]] = json.loads(json.dumps(found))
    for thing in changed:
        for trait in thing["resourceCharacteristic"]:
            if trait["name"] == name:
                trait["value"] = change(trait["value"])
    return changed


def faults_of_resources(rng: Random, seed: int) -> Iterator[Fault]:
    """Each kind, in each branch."""
    for branch in BRANCHES:
        yield from _faults_of_branch(branch, rng, seed)


def _faults_of_branch(branch: str, rng: Random, seed: int) -> Iterator[Fault]:
    month = rng.choice(["2026-09", "2026-08"])
    found = resources(branch, month, seed)
    units = sorted({t["value"] for r in found for t in r["resourceCharacteristic"] if t["name"] == "soato"})
    exchange = dict(zip(units, units[1:] + units[:1], strict=True)) if len(units) > 1 else {}

    def fault(kind: str, what: str, changed: list[dict[str, Any]]) -> Fault:
        return Fault(kind, f"resources of {branch} {month}: {what}", snapshot(branch, month, changed))

    yield fault("halved rows", "the first half", found[: len(found) // 2])
    yield fault("halved rows", "each second", found[::2])
    yield fault("swapped districts", "units of SOATO", traits(found, "soato", lambda v: exchange.get(v, v)))
    yield fault("unit x 1000", "metres", traits(found, "lengthKm", lambda v: v * 1000))
    yield fault("unit x 1000", "kilobits", traits(found, "speedMbps", lambda v: v * 1000))
    before = resources(branch, "2026-07" if month == "2026-08" else "2026-08", seed)
    yield fault("repeated month", "the snapshot before", before)
    turned = {"GPON": "XGS-PON", "XGS-PON": "GPON", "G.652.D": "G.657.A1", "G.657.A1": "G.652.D"}
    yield fault(
        "re-coded categories", "technologies", traits(found, "technology", lambda v: turned.get(v, v))
    )
    yield fault(
        "re-coded categories", "splitting",
        traits(found, "splitRatio", lambda v: {"1:64": "1:32", "1:32": "1:64"}.get(v, v)),
    )  # fmt: skip


# --- statistics: tables of territories and years

TABLES = {
    "wages": ("wages/wage_10218000003_2015-2019.json", "wages/wage_10218000003_2020-2026.json", None),
    "employment": ("wages/empl_person_10102000017_2015-2019.json", "wages/empl_person_10102000017_2020-2026.json", None),
    "grp_per_capita": ("wages/grp_pc_10202100055_2015-2019.json", "wages/grp_pc_10202100055_2020-2026.json", None),
    "migration": (
        "migration/belstat_arrivals_raion_2018-2019.json", "migration/belstat_arrivals_raion_2024-2025.json",
        "arrivals_raion",
    ),
}  # fmt: skip
AGES = "population/dataportal_age5_2019-2026.json"


def table(path: str, seed: int) -> dict[str, Any]:
    """A table of the samples; figures of districts vary by two hundredths, from year to year and from seed to seed."""
    found: dict[str, Any] = json.loads((SOURCES / "belstat" / "sample" / path).read_text(encoding="utf-8"))
    if path == AGES:
        return found
    dimensions = len(found["tableHeaderDimColumns"])
    for row in found["tableRows"]:
        if row[0]["level"] != 2:
            continue
        for number, cell in enumerate(row[dimensions:]):
            rng = Random(f"{seed} {path} {row[0]['value']} {number}")
            if cell["value"] is not None:
                cell["value"] = spelled(read(cell["value"]) * rng.gauss(1, 0.02), cell["value"])
    return found


def read(text: str) -> float:
    """A number as the portal writes it."""
    return float(text.replace("\u00a0", "").replace(",", "."))


def spelled(value: float, like: str) -> str:
    """A number as the portal writes it, with as many decimals as another."""
    decimals = len(like.partition(",")[2])
    return f"{value:,.{decimals}f}".replace(",", "\u00a0").replace(".", ",")


def answer_of(feed: str, path: str, found: dict[str, Any], part: str | None) -> Given:
    """A table as an answer of the portal."""
    name = path.rpartition("/")[2]
    period = name.rpartition("_")[2].removesuffix(".json")
    return Given("belstat", feed, "by", period, part, {name: json.dumps(found, ensure_ascii=False)})


def scaled(
    found: dict[str, Any], factor: float, rows: Callable[[list[Any]], bool] = lambda _: True
) -> dict[str, Any]:
    """The table with its figures multiplied."""
    changed: dict[str, Any] = json.loads(json.dumps(found))
    dimensions = len(changed["tableHeaderDimColumns"])
    for row in changed["tableRows"]:
        for cell in row[dimensions:] if rows(row) else []:
            if cell["value"] is not None:
                cell["value"] = spelled(read(cell["value"]) * factor, cell["value"])
    return changed


def renamed(found: dict[str, Any], column: int, names: dict[str, str]) -> dict[str, Any]:
    """The table with the labels of a dimension changed."""
    changed: dict[str, Any] = json.loads(json.dumps(found))
    for row in changed["tableRows"]:
        row[column]["value"] = names.get(row[column]["value"], row[column]["value"])
    return changed


def year_again(found: dict[str, Any], one: int, two: int) -> dict[str, Any]:
    """The table with the figures of one year under another."""
    changed: dict[str, Any] = json.loads(json.dumps(found))
    dimensions = len(changed["tableHeaderDimColumns"])
    for row in changed["tableRows"]:
        row[dimensions + two]["value"] = row[dimensions + one]["value"]
    return changed


def exchanged(found: dict[str, Any], rng: Random) -> tuple[str, dict[str, Any]]:
    """The table with two territories of one level in each other's place: such as differ by a tenth at least."""
    dimensions = len(found["tableHeaderDimColumns"])
    figures = {
        row[0]["value"]: read(row[dimensions]["value"])
        for row in found["tableRows"]
        if row[dimensions]["value"] is not None
        and row[0]["level"] == max(r[0]["level"] for r in found["tableRows"])
    }
    while True:
        one, two = rng.sample(sorted(figures), 2)
        if max(figures[one], figures[two]) > 1.1 * min(figures[one], figures[two]):
            return f"{one} and {two}", renamed(found, 0, {one: two, two: one})


def faults_of_tables(rng: Random, seed: int, resent: bool) -> Iterator[Fault]:
    """Each kind, in each table: of years that are new, or of a table that is in force."""
    how = "again" if resent else "new years"
    for feed, (_, path, part) in TABLES.items():
        found = table(path, seed)

        def fault(
            kind: str,
            what: str,
            changed: dict[str, Any],
            feed: str = feed,
            path: str = path,
            part: str | None = part,
        ) -> Fault:
            return Fault(kind, f"{feed}, {how}: {what}", answer_of(feed, path, changed, part))

        rows = found["tableRows"]
        yield fault("halved rows", "the first half", {**found, "tableRows": rows[: len(rows) // 2]})
        yield fault("halved rows", "each second", {**found, "tableRows": rows[::2]})
        if feed != "grp_per_capita":
            for _ in range(2):
                pair, changed = exchanged(found, rng)
                yield fault("swapped districts", pair, changed)
        yield fault("unit x 1000", "times", scaled(found, 1000))
        yield fault("unit x 1000", "by", scaled(found, 0.001))
        one = rows[-1][0]["value"]
        yield fault(
            "unit x 1000", f"{one} alone", scaled(found, 1000, lambda row, one=one: row[0]["value"] == one)
        )
        yield fault("repeated month", "a year under the next", year_again(found, 0, 1))
    if resent:
        found = table(AGES, seed)
        exchange = {"мужчины": "женщины", "женщины": "мужчины"}
        for kind, what, changed in (
            ("re-coded categories", "sexes", renamed(found, 2, exchange)),
            ("repeated month", "a year under the next", year_again(found, 2, 3)),
            ("halved rows", "each second", {**found, "tableRows": found["tableRows"][::2]}),
            ("unit x 1000", "by", scaled(found, 0.001)),
        ):
            yield Fault(
                kind, f"population_by_age, again: {what}", answer_of("population_by_age", AGES, changed, None)
            )


# --- the register: lists that are sent again, whole

LISTS = {
    "population": ("population.csv", "territory_id", "population"),
    "town_areas": ("admin_areas.csv", "city_id", "admin_area_km2"),
    "town_districts": ("city_raion.csv", "city_id", None),
    "territories": ("territories.csv", "territory_id", "area_km2"),
}


def lines(feed: str) -> list[dict[str, str]]:
    """A list of the samples."""
    path = SOURCES / "territory_register" / "sample" / "territories" / LISTS[feed][0]
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def list_of(feed: str, rows: list[dict[str, str]]) -> Given:
    """Rows as the list's file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return Given("territory_register", feed, "by", None, None, {LISTS[feed][0]: text.getvalue()})


def faults_of_lists(rng: Random) -> Iterator[Fault]:
    """Each kind, in each list."""
    for feed, (_, name, quantity) in LISTS.items():
        rows = lines(feed)

        def fault(kind: str, what: str, changed: list[dict[str, str]], feed: str = feed) -> Fault:
            return Fault(kind, f"{feed}: {what}", list_of(feed, changed))

        yield fault("halved rows", "the first half", rows[: len(rows) // 2])
        yield fault("halved rows", "a random half", [row for row in rows if rng.random() < 0.5])
        if quantity:
            given = [row for row in rows if row[quantity]]
            changed = [
                {**row, quantity: f"{float(row[quantity]) * 1000:.0f}"} if row in given else row
                for row in rows
            ]
            yield fault("unit x 1000", quantity, changed)
            if feed != "territories":
                one, two = rng.sample(sorted({row[name] for row in given}), 2)
                exchange = {one: two, two: one}
                yield fault(
                    "swapped districts", f"{one} and {two}",
                    [{**row, name: exchange.get(row[name], row[name])} for row in rows],
                )  # fmt: skip


def clean_past(seed: int) -> Iterator[Given]:
    """The past, in the order in which it came: the register first, and before it is judged by anything."""
    sample = SOURCES / "territory_register" / "sample"
    for feed in ("territories", "population", "town_areas", "town_districts"):
        yield list_of(feed, lines(feed))
    for part in ("adm1", "adm2"):
        text = (sample / "geo" / f"{part}.geojson").read_text(encoding="utf-8")
        yield Given("territory_register", "boundaries", "by", None, part, {f"{part}.geojson": text})
    for feed, (path, _, part) in TABLES.items():
        yield answer_of(feed, path, table(path, seed), part)
    for city in CITIES:
        for month in MONTHS:
            yield month_of(city, month, requests(city, month, seed))
    for branch in BRANCHES:
        for month in SNAPSHOTS:
            yield snapshot(branch, month, resources(branch, month, seed))


def clean_next(seed: int) -> Iterator[Given]:
    """What comes next without a fault: nothing may be said of it."""
    for feed, (_, path, part) in TABLES.items():
        yield answer_of(feed, path, table(path, seed), part)
    yield answer_of("population_by_age", AGES, table(AGES, seed), None)
    for city in CITIES:
        yield month_of(city, NEXT[0], requests(city, NEXT[0], seed))
    for branch in BRANCHES:
        yield snapshot(branch, "2026-09", resources(branch, "2026-09", seed))


def faults(seed: int, of_new_years: bool) -> list[Fault]:
    """The faults of a seed: of tables before their new years are in force, or of everything after."""
    rng = Random(f"faults {seed} {of_new_years}")
    if of_new_years:
        return list(faults_of_tables(rng, seed, resent=False))
    return [
        *faults_of_tables(rng, seed, resent=True),
        *faults_of_requests(rng, seed),
        *faults_of_resources(rng, seed),
        *faults_of_lists(rng),
    ]
