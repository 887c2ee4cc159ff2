"""A simulated context broker of cities: NGSI-LD over HTTP, entities of the Smart Data Models. Everything is invented.

A tenant (header ``NGSILD-Tenant``) is a city. Lists are paged by ``offset`` and ``limit``; with ``count=true`` the header
``NGSILD-Results-Count`` says how many there are. ``options=keyValues`` gives values without what stands around them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from random import Random
from typing import Any

from sandbox.cities import CITIES, Place
from sandbox.server import PERSON, Answer, Fault, Record, Refusal, Request, page_of

API = "ngsi-ld/v1"
DEFAULT_LIMIT = 20
LARGEST_LIMIT = 1000
FIRST_DAY, LAST_DAY = date(2023, 11, 1), date(2026, 12, 31)
POLLUTANTS = {"pm25": 11.0, "pm10": 19.0, "no2": 24.0, "so2": 3.0, "o3": 48.0}
# below this an old station writes no number but "<1,5"
LIMIT_OF_DETECTION = 1.5
# cities whose station writes times without a zone, values with a decimal comma, and shares as percents
OLD_STATIONS = {"brest", "homiel", "mahilou"}
OBSERVED_BETWEEN = re.compile(r'(dateObserved|dateObservedFrom)>="?([0-9-]{10})[^";]*"?;\1<="?([0-9-]{10})')

Entities = Callable[[str, str], Sequence[Record] | None]


@dataclass(frozen=True)
class ContextBroker:
    """``entities`` gives the entities of a tenant and type, normalised; None: there is no such tenant."""

    entities: Entities
    largest_limit: int = LARGEST_LIMIT

    def answer(self, request: Request, fault: Fault | None) -> Answer:
        if request.path != f"{API}/entities":
            raise Refusal(404, "ResourceNotFound", f"known: /{API}/entities")
        kind = request.query.get("type", "")
        if not kind:
            raise Refusal(400, "BadRequestData", "type is needed")
        tenant = request.headers.get("ngsild-tenant", "")
        found = self.entities(tenant, kind)
        if found is None:
            raise Refusal(404, "NoTenantOfThisName", f"no tenant {tenant!r}")
        if "q" in request.query:
            found = _observed(found, request.query["q"])
        offset = request.whole_number("offset", 0, 0)
        limit = request.whole_number("limit", DEFAULT_LIMIT, 1)
        if limit > self.largest_limit:
            raise Refusal(400, "BadRequestData", f"limit is at most {self.largest_limit}")
        page = page_of(found, offset, limit, fault, _expanded, _with_a_person)
        counted = page.total is not None and request.query.get("count") == "true"
        simple = "keyValues" in request.query.get("options", "").split(",")
        return Answer(
            [key_values(one) for one in page.records] if simple else page.records,
            headers={"NGSILD-Results-Count": str(page.total)} if counted else {},
        )

    def error(self, refusal: Refusal) -> dict[str, Any]:
        return {
            "type": f"https://uri.etsi.org/ngsi-ld/errors/{refusal.reason}",
            "title": refusal.message,
            "status": refusal.status,
        }


def _observed(entities: Sequence[Record], q: str) -> list[Record]:
    match = OBSERVED_BETWEEN.fullmatch(q.rsplit("T", 1)[0] if q.count("T") > 1 else q)
    if match is None:
        raise Refusal(400, "BadRequestData", f"this broker knows only dateObserved>=…;dateObserved<=…: {q!r}")
    attribute, first, last = match.groups()
    return [one for one in entities if first <= str(_plain(one[attribute]))[:10] <= last]


def _plain(attribute: Any) -> Any:
    value = attribute.get("value", attribute.get("object")) if isinstance(attribute, dict) else attribute
    return value["@value"] if isinstance(value, dict) and "@value" in value else value


def key_values(entity: Record) -> Record:
    """The short form of an entity: the values alone."""
    return {name: one if name in ("id", "type", "@context") else _plain(one) for name, one in entity.items()}


def _expanded(entity: Record) -> Record:
    """As a broker answers that was told no context: attributes have their full names."""
    return {
        name if name in ("id", "type") else f"https://smartdatamodels.org/{name}": one
        for name, one in entity.items()
    }


def _with_a_person(entity: Record) -> Record:
    """An entity in whose free texts somebody is named."""
    texts = {name: {"type": "Property", "value": PERSON} for name in ("name", "description", "responsible")}
    return {
        **entity,
        **texts,
        "address": {"type": "Property", "value": {"streetAddress": f"ул. Примерная, 1, {PERSON}"}},
    }


def sample_entities(scale: float = 1) -> Entities:
    """The invented entities of the cities."""

    def of(tenant: str, kind: str) -> Sequence[Record] | None:
        if tenant not in CITIES:
            return None
        # several types may be asked for at once
        return [
            one
            for name in kind.split(",")
            if name in KINDS
            for one in entities_of(CITIES[tenant], name, scale)
        ]

    return of


@lru_cache(maxsize=256)
def entities_of(city: Place, kind: str, scale: float = 1) -> list[Record]:
    """All entities of a type in a city, in a stable order: the same each time."""
    return list(KINDS[kind](city, Random(f"city_context {city.code} {kind}"), scale))


def _property(value: Any, unit: str | None = None) -> Record:
    return {"type": "Property", "value": value} | ({"unitCode": unit} if unit else {})


def _entity(city: Place, kind: str, name: str, dice: Random, **attributes: Any) -> Record:
    place = [round(city.lon + dice.uniform(-0.03, 0.03), 6), round(city.lat + dice.uniform(-0.02, 0.02), 6)]
    return {
        "id": f"urn:ngsi-ld:{kind}:{city.code}:{name}",
        "type": kind,
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": place}},
        **attributes,
        "dataProvider": _property("Вымышленные данные / synthetic data"),
    }


def _count(city: Place, each: int, scale: float) -> int:
    return max(1, round(city.size * each * scale))


def _streetlights(city: Place, dice: Random, scale: float) -> Iterator[Record]:
    cabinets = _count(city, 3, scale)
    for number in range(1, _count(city, 20, scale) + 1):
        given: dict[str, Any] = {
            "status": _property(
                dice.choices(("ok", "defectiveLamp", "brokenLantern", "columnIssue"), (94, 4, 1, 1))[0]
            ),
            "powerState": _property("off"),
        }
        # what is switched by hand names no method
        if method := dice.choices(("group", "individual", None), (50, 25, 25))[0]:
            given["controllingMethod"] = _property(method)
            cabinet = f"urn:ngsi-ld:StreetlightControlCabinet:{city.code}:{number % cabinets + 1:04}"
            given["refStreetlightControlCabinet"] = {"type": "Relationship", "object": cabinet}
        yield _entity(city, "Streetlight", f"{number:05}", dice, **given)


def _cabinets(city: Place, dice: Random, scale: float) -> Iterator[Record]:
    for number in range(1, _count(city, 3, scale) + 1):
        yield _entity(
            city, "StreetlightControlCabinet", f"{number:04}", dice,
            refStreetlightGroup={"type": "Relationship", "object": [f"urn:ngsi-ld:StreetlightGroup:{city.code}:{number:04}"]},
            workingMode=_property(dice.choices(("automatic", "semiautomatic", "manual"), (80, 12, 8))[0]),
            lastMeterReading=_property(round(dice.uniform(20_000, 200_000), 1), "KWH"),
        )  # fmt: skip


def _containers(city: Place, dice: Random, scale: float) -> Iterator[Record]:
    for number in range(1, _count(city, 15, scale) + 1):
        given: dict[str, Any] = {"status": _property("ok"), "binCapacity": _property(1100)}
        if dice.random() < 0.4:
            level = round(dice.betavariate(3, 3), 2)
            old = city.code in OLD_STATIONS
            given["fillingLevel"] = _property(round(level * 100), "P1") if old else _property(level)
        yield _entity(city, "WasteContainer", f"{number:05}", dice, **given)


def _air(city: Place, dice: Random, scale: float) -> Iterator[Record]:
    old = city.code in OLD_STATIONS
    for number in range((LAST_DAY - FIRST_DAY).days + 1):
        day = FIRST_DAY + timedelta(days=number)
        winter = 1.4 if day.month in (11, 12, 1, 2) else 1.0
        for station in range(1, max(1, round(min(4, 1 + city.size / 10) * scale)) + 1):
            moment = f"{day}T08:00:00" if old else f"{day}T08:00:00+03:00"
            values = {
                name: round(max(0.1, usual * winter * dice.lognormvariate(0, 0.5)), 2)
                for name, usual in POLLUTANTS.items()
            }
            yield _entity(
                city, "AirQualityObserved", f"{station:02}:{day}", dice,
                dateObserved=_property({"@type": "DateTime", "@value": moment}),
                refPointOfInterest={"type": "Relationship", "object": f"urn:ngsi-ld:PointOfInterest:{city.code}:{station:02}"},
                **{name: _property(_written(value, old), "GQ") for name, value in values.items()},
            )  # fmt: skip


def _written(value: float, old: bool) -> Any:
    """A concentration as the station writes it."""
    return f"<{LIMIT_OF_DETECTION}".replace(".", ",") if old and value < LIMIT_OF_DETECTION else value


def _off_street(city: Place, dice: Random, scale: float) -> Iterator[Record]:
    yield from _car_parks("OffStreetParking", city, dice, scale)


def _on_street(city: Place, dice: Random, scale: float) -> Iterator[Record]:
    yield from _car_parks("OnStreetParking", city, dice, scale)


def _car_parks(kind: str, city: Place, dice: Random, scale: float) -> Iterator[Record]:
    for number in range(1, _count(city, 2, scale) + 1):
        total = dice.choice((20, 45, 80, 150))
        given: dict[str, Any] = {"totalSpotNumber": _property(total), "outOfServiceSlotNumber": _property(0)}
        # where no system tells, nothing is told
        if dice.random() < 0.5:
            free = dice.randint(0, total)
            taken = round(1 - free / total, 3)
            given["availableSpotNumber"] = _property(free)
            old = city.code in OLD_STATIONS
            given["occupancy"] = _property(round(taken * 100, 1), "P1") if old else _property(taken)
        yield _entity(city, kind, f"{number:04}", dice, **given)


def _wifi(city: Place, dice: Random, scale: float) -> Iterator[Record]:
    for number in range(1, _count(city, 4, scale) + 1):
        status = dice.choices(("working", "offline", "inMaintenance"), (90, 7, 3))[0]
        clients = _property(dice.randint(0, 40) if status == "working" else 0)
        yield _entity(
            city, "WifiPointOfInterest", f"{number:04}", dice, wifiStatus=_property(status), clientsConnected=clients
        )  # fmt: skip


def _moment(city: Place, day: date, hour: int) -> Record:
    zone = "" if city.code in OLD_STATIONS else "+03:00"
    return _property({"@type": "DateTime", "@value": f"{day}T{hour:02}:00:00{zone}"})


def _noise(city: Place, dice: Random, _scale: float) -> Iterator[Record]:
    old = city.code in OLD_STATIONS
    for number in range((LAST_DAY - FIRST_DAY).days + 1):
        day = FIRST_DAY + timedelta(days=number)
        for hour in (3, 15):
            level = round(dice.gauss(42 if hour == 3 else 58, 7), 1)
            written = "<35" if old and level < 35 else max(level, 20)
            yield _entity(
                city, "NoiseLevelObserved", f"01:{day}T{hour:02}", dice,
                dateObservedFrom=_moment(city, day, hour), dateObservedTo=_moment(city, day, hour + 1),
                refPointOfInterest={"type": "Relationship", "object": f"urn:ngsi-ld:PointOfInterest:{city.code}:noise-01"},
                LAeq=_property(written, "2N"),
            )  # fmt: skip


def _traffic(city: Place, dice: Random, _scale: float) -> Iterator[Record]:
    old = city.code in OLD_STATIONS
    for number in range((LAST_DAY - FIRST_DAY).days + 1):
        day = FIRST_DAY + timedelta(days=number)
        for hour in (8, 13):
            busy = dice.betavariate(4, 4) if hour == 8 else dice.betavariate(2, 6)
            share = round(busy, 3)
            yield _entity(
                city, "TrafficFlowObserved", f"01:{day}T{hour:02}", dice,
                dateObserved=_moment(city, day, hour),
                refRoadSegment={"type": "Relationship", "object": f"urn:ngsi-ld:RoadSegment:{city.code}:01"},
                intensity=_property(round(200 + 900 * busy)),
                occupancy=_property(round(share * 100, 1), "P1") if old else _property(share),
                averageVehicleSpeed=_property(round(60 - 45 * busy, 1), "KMH"), congested=_property(busy > 0.6),
            )  # fmt: skip


KINDS: dict[str, Callable[[Place, Random, float], Iterator[Record]]] = {
    "Streetlight": _streetlights,
    "StreetlightControlCabinet": _cabinets,
    "WasteContainer": _containers,
    "AirQualityObserved": _air,
    "OffStreetParking": _off_street,
    "OnStreetParking": _on_street,
    "WifiPointOfInterest": _wifi,
    "NoiseLevelObserved": _noise,
    "TrafficFlowObserved": _traffic,
}
