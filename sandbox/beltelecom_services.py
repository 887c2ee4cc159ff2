"""Simulated services (TMF638 v4) and sites (TMF674 v4) of the operator over HTTP. Every service, site and person is invented.

Lists are paged by ``offset`` and ``limit``, with the counts in headers; ``fields`` chooses what is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any

from sandbox.cities import CITIES, Place
from sandbox.server import PERSON, Answer, Fault, Record, Refusal, Request, page_of

API = "tmf-api"
DEFAULT_LIMIT = 100
LARGEST_LIMIT = 1000
# the branch of a city by the first digit of its code
BRANCHES = {
    "1": "brest", "2": "vitebsk", "3": "gomel", "4": "grodno", "5": "minsk_city", "6": "minsk_oblast", "7": "mogilev",
}  # fmt: skip

Lists = Callable[[str, str], Sequence[Record] | None]


@dataclass(frozen=True)
class Operator:
    """``lists`` gives the records of a branch and a list (``service``, ``geographicSite``); None: there is no such branch."""

    lists: Lists
    largest_limit: int = LARGEST_LIMIT

    def answer(self, request: Request, fault: Fault | None) -> Answer:
        match request.parts:
            case [branch, "tmf-api", "serviceInventory", "v4", "service" as kind]:
                found = self.lists(branch, kind)
            case [branch, "tmf-api", "geographicSiteManagement", "v4", "geographicSite" as kind]:
                found = self.lists(branch, kind)
            case _:
                found = None
        if found is None:
            raise Refusal(
                404, "Not Found", "known: /<branch>/tmf-api/serviceInventory/v4/service and the sites"
            )
        offset = request.whole_number("offset", 0, 0)
        limit = min(request.whole_number("limit", DEFAULT_LIMIT, 1), self.largest_limit)
        page = page_of(found, offset, limit, fault, _of_v2, _with_a_person)
        headers = {"X-Result-Count": str(len(page.records))}
        if page.total is not None:
            headers["X-Total-Count"] = str(page.total)
        # a server with this fault gives persons whatever it is asked for
        careless = fault is not None and fault.kind in ("person", "schema")
        asked = (
            set() if careless else {"id", "href", *filter(None, request.query.get("fields", "").split(","))}
        )
        chosen = [
            {name: value for name, value in one.items() if len(asked) <= 2 or name in asked}
            for one in page.records
        ]
        return Answer(chosen, 200 if len(page.records) == len(found) else 206, headers)

    def error(self, refusal: Refusal) -> dict[str, str]:
        return {"code": str(refusal.status), "reason": refusal.reason, "message": refusal.message}


def _of_v2(record: Record) -> Record:
    """The same record as an old version writes it: other names of the state and the characteristics."""
    names = {"state": "status", "status": "state", "serviceCharacteristic": "characteristic", "@type": "type"}
    return {names.get(name, name): value for name, value in record.items()}


def _with_a_person(record: Record) -> Record:
    """A record that tells all about a subscriber, as the interfaces allow."""
    return {
        **record,
        "name": f"Интернет, {PERSON}",
        "relatedParty": [{"id": "p-1", "name": PERSON, "role": "subscriber", "@referredType": "Individual"}],
        "place": [{"id": "a-1", "name": f"ул. Примерная, 1, {PERSON}", "role": "installationAddress"}],
        "note": [{"author": PERSON, "text": f"звонить: {PERSON}"}],
    }


def sample_lists(scale: float = 1) -> Lists:
    """The invented services and sites of the branches."""

    def of(branch: str, kind: str) -> Sequence[Record] | None:
        return records_of(branch, kind, scale) if branch in BRANCHES.values() else None

    return of


@lru_cache(maxsize=32)
def records_of(branch: str, kind: str, scale: float = 1) -> list[Record]:
    """All records of a list of a branch, in a stable order: the same each time."""
    return [
        one
        for city in CITIES.values()
        if BRANCHES[city.soato[0]] == branch
        for one in KINDS[kind](city, Random(f"beltelecom_services {kind} {city.code}"), scale)
    ]


def _services(city: Place, dice: Random, scale: float) -> Iterator[Record]:
    for number in range(1, max(4, round(city.size * 10 * scale)) + 1):
        category = dice.choices(("broadband", "iptv", "voip"), (60, 25, 15))[0]
        traits: dict[str, Any] = {"soato": city.soato}
        if category == "broadband":
            technology = dice.choices(("xPON", "Ethernet", "xDSL"), (75, 15, 10))[0]
            speeds = (10, 20) if technology == "xDSL" else (50, 100, 100, 200, 500, 1000)
            traits |= {"technology": technology, "downloadMbps": dice.choice(speeds)}
        yield {
            "id": f"svc-{city.code}-{number:06}",
            "@type": "Service",
            "category": category,
            "state": dice.choices(("active", "inactive", "terminated"), (92, 4, 4))[0],
            "startDate": f"20{dice.randint(15, 25)}-{dice.randint(1, 12):02}-15T00:00:00+03:00",
            "description": "Вымышленные данные / synthetic data",
            "relatedParty": [{"id": f"c-{number}", "name": "Тестович А. Б.", "role": "subscriber"}],
            "place": [{"id": f"a-{number}", "name": f"ул. Примерная, {number}", "role": "installationAddress"}],
            "serviceCharacteristic": [{"name": name, "value": value} for name, value in traits.items()],
        }  # fmt: skip


def _sites(city: Place, dice: Random, scale: float) -> Iterator[Record]:
    def site(number: int, kind: str, **more: Any) -> Record:
        return {
            "id": f"site-{city.code}-{number:05}",
            "@type": kind,
            "status": dice.choices(("active", "planned"), (95, 5))[0],
            "name": f"{city.name}, ул. Вымышленная, {number}",
            "soato": city.soato,
            "place": [{"id": f"a-{number}", "role": "installationAddress"}],
            **more,
        }

    buildings = max(3, round(city.size * 3 * scale))
    for number in range(1, buildings + 1):
        passed = dice.choice((36, 60, 72, 144))
        connected = round(passed * dice.betavariate(6, 3))
        ports = max(connected, round(passed * 0.8))
        # of some buildings nobody has counted what is connected
        known = dice.random() > 0.1
        yield site(
            number, "ServedBuilding", homesPassed=passed, homesConnected=connected if known else None,
            portsEquipped=ports, portsActive=connected if known else None,
        )  # fmt: skip
    yield site(buildings + 1, "NetworkNode")
    if city.soato[1] in "04":
        yield site(buildings + 2, "DataCentre")


KINDS: dict[str, Callable[[Place, Random, float], Iterator[Record]]] = {
    "service": _services,
    "geographicSite": _sites,
}
