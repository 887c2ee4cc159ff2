"""A simulated NetBox of a network operator: the lists of its REST API over HTTP. Every device, interface and cable is invented.

Lists are paged by ``offset`` and ``limit`` and say their ``count``; without a token NetBox answers 403.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from random import Random
from typing import Any

from sandbox.cities import CITIES, Place
from sandbox.server import PERSON, Answer, Fault, Record, Refusal, Request, page_of

# a reserved name (RFC 2606): a link that is followed by mistake leads nowhere
ROOT = "https://netbox.invalid/api"
MADE_UP = "Вымышленные данные / synthetic data"
DEFAULT_LIMIT = 50
LARGEST_LIMIT = 1000

Lists = Callable[[str], Sequence[Record] | None]


@dataclass(frozen=True)
class NetBox:
    """``lists`` gives the objects of a list by its path (``dcim/interfaces``); None: there is no such list."""

    lists: Lists
    largest_limit: int = LARGEST_LIMIT

    def answer(self, request: Request, fault: Fault | None) -> Answer:
        if not request.headers.get("authorization", "").startswith("Token "):
            raise Refusal(403, "Forbidden", "Authentication credentials were not provided.")
        found = self.lists(request.path.removeprefix("api/")) if request.path.startswith("api/") else None
        if found is None:
            raise Refusal(404, "Not Found", "Not found.")
        offset = request.whole_number("offset", 0, 0)
        limit = min(request.whole_number("limit", DEFAULT_LIMIT, 0) or self.largest_limit, self.largest_limit)
        page = page_of(found, offset, limit, fault, _of_v2, _with_a_person)
        following = f"{ROOT}/{request.path.removeprefix('api/')}/?limit={limit}&offset={offset + limit}"
        more = offset + limit < len(found)
        counted = {} if page.total is None else {"count": page.total}
        links = {"next": following if more else None, "previous": None}
        return Answer({**counted, **links, "results": page.records})

    def error(self, refusal: Refusal) -> dict[str, str]:
        return {"detail": refusal.message}


def _of_v2(record: Record) -> Record:
    """The same object as an old version writes it: choices are numbers, and custom fields are elsewhere."""
    fields = {**record, "cf": record["custom_fields"]}
    del fields["custom_fields"]
    return {name: 1000 if isinstance(one, dict) and "label" in one else one for name, one in fields.items()}


def _with_a_person(record: Record) -> Record:
    texts = dict.fromkeys(("description", "comments", "label"), f"спросить: {PERSON}")
    return {**record, **texts, "custom_fields": {**record["custom_fields"], "responsible": PERSON}}


def sample_lists(scale: float = 1) -> Lists:
    """The invented network of the cities."""

    def of(path: str) -> Sequence[Record] | None:
        return objects_of(path, scale) if path in LISTS else None

    return of


@lru_cache(maxsize=16)
def objects_of(path: str, scale: float = 1) -> list[Record]:
    """All objects of a list, in a stable order: the same each time."""
    numbers = count(1)
    return [
        {"id": number, "url": f"{ROOT}/{path}/{number}/", "display": made.get("name", f"#{number}"), **made}
        for city in CITIES.values()
        for number, made in zip(numbers, LISTS[path](city, Random(f"netbox {path} {city.code}"), scale), strict=False)
    ]  # fmt: skip


def _choice(value: str, label: str | None = None) -> dict[str, str]:
    return {"value": value, "label": label or value.capitalize()}


def _made(city: Place, custom: dict[str, Any], **given: Any) -> Record:
    return {
        **given,
        "description": MADE_UP,
        "tags": [],
        "custom_fields": {"soato": city.soato, **custom},
        "created": "2024-01-15T09:00:00Z",
        "last_updated": "2026-10-20T09:00:00Z",
    }


def _olts(city: Place) -> int:
    return max(1, city.size // 2)


def _interfaces(city: Place, dice: Random, scale: float) -> Iterator[Record]:
    for number in range(max(4, round(city.size * 4 * scale))):
        olt = f"olt-{city.soato[:4]}-{number % _olts(city) + 1:02}"
        device = {"id": city.size * 100 + number % _olts(city), "name": olt, "display": olt}
        if number % 4 == 3:  # the uplinks of the same devices
            kind, custom = _choice("10gbase-x-sfpp", "SFP+ (10GE)"), {}
        else:
            kind = _choice("gpon", "GPON (2.5 Gbps / 1.25 Gps)")
            # nobody has entered what every tenth port can serve, or how many it serves
            capacity = None if dice.random() < 0.1 else dice.choice((32, 64, 64))
            connected = None if dice.random() < 0.05 else dice.randint(0, capacity or 32)
            custom = {"onu_capacity": capacity, "onu_connected": connected}
        yield _made(
            city, custom, device=device, name=f"0/{number // 8}/{number % 8}", type=kind,
            enabled=dice.random() > 0.03, mark_connected=False,
        )  # fmt: skip


def _cables(city: Place, dice: Random, scale: float) -> Iterator[Record]:
    for _ in range(max(2, round(city.size * 2 * scale))):
        kind = dice.choice(("smf-os2", "smf-os2", "smf", "cat6"))
        known = dice.random() > 0.1
        metres = dice.random() < 0.5
        length = round(dice.uniform(300, 9000), 0) if metres else round(dice.uniform(0.3, 9), 2)
        yield _made(
            city, {"fibre_count": dice.choice((8, 24, 48))} if kind != "cat6" else {},
            type=kind, status=_choice(dice.choices(("connected", "planned"), (9, 1))[0]),
            length=length if known else None,
            length_unit=(_choice("m", "Meters") if metres else _choice("km", "Kilometers")) if known else None,
        )  # fmt: skip


def _devices(city: Place, dice: Random, scale: float) -> Iterator[Record]:
    def device(name: str, role: str, status: str) -> Record:
        return _made(city, {}, name=name, role={"id": 1, "name": role, "slug": role}, status=_choice(status))

    for number in range(1, _olts(city) + 1):
        yield device(f"olt-{city.soato[:4]}-{number:02}", "olt", "active")
    for number in range(1, max(2, round(city.size * 2 * scale)) + 1):
        status = dice.choices(("active", "offline", "planned"), (90, 5, 5))[0]
        yield device(f"wifi-{city.soato[:4]}-{number:03}", "wifi-access-point", status)


LISTS: dict[str, Callable[[Place, Random, float], Iterator[Record]]] = {
    "dcim/interfaces": _interfaces,
    "dcim/cables": _cables,
    "dcim/devices": _devices,
}
