"""A simulated server of sensors: OGC SensorThings 1.1 over HTTP. Every station and observation is invented.

``Observations`` are filtered by ``phenomenonTime``, paged by ``$top`` and ``$skip``; a page names the next one. Without
``$expand`` an observation tells neither what was observed nor in which unit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count
from random import Random
from typing import Any
from urllib.parse import urlencode

from sandbox.cities import CITIES, Place
from sandbox.city_context import FIRST_DAY, LAST_DAY
from sandbox.server import PERSON, Answer, Fault, Record, Refusal, Request, page_of

API = "v1.1"
DEFAULT_TOP = 100
LARGEST_TOP = 1000
BETWEEN = re.compile(r"phenomenonTime ge (\S+) and phenomenonTime le (\S+)")
# property: unit, usual value
PROPERTIES = {"PM2.5": ("µg/m³", 11.0), "PM10": ("µg/m³", 19.0), "LAeq": ("dB(A)", 54.0)}

Observations = Callable[[str], Sequence[Record] | None]


@dataclass(frozen=True)
class SensorThings:
    """``observations`` gives all of a city, expanded; None: there is no such city."""

    observations: Observations
    largest_top: int = LARGEST_TOP

    def answer(self, request: Request, fault: Fault | None) -> Answer:
        match request.parts:
            case [city, "v1.1", "Observations"]:
                found = self.observations(city)
            case _:
                found = None
        if found is None:
            raise Refusal(404, "Not Found", f"known: /<city>/{API}/Observations")
        if "$filter" in request.query:
            found = _between(found, request.query["$filter"])
        top = min(request.whole_number("$top", DEFAULT_TOP, 1), self.largest_top)
        skip = request.whole_number("$skip", 0, 0)
        page = page_of(found, skip, top, fault, _unexpanded, _with_a_person)
        expanded = request.query.get("$expand", "").startswith("Datastream")
        body: dict[str, Any] = {}
        if page.total is not None and request.query.get("$count") == "true":
            body["@iot.count"] = page.total
        if skip + top < len(found):
            query = urlencode({**request.query, "$skip": str(skip + top)})
            body["@iot.nextLink"] = f"http://{request.headers.get('host', '')}/{request.path}?{query}"
        return Answer(
            {**body, "value": page.records if expanded else [_unexpanded(one) for one in page.records]}
        )

    def error(self, refusal: Refusal) -> dict[str, Any]:
        return {"code": refusal.status, "type": "error", "message": refusal.message}


def _between(observations: Sequence[Record], condition: str) -> list[Record]:
    match = BETWEEN.fullmatch(condition)
    if match is None:
        raise Refusal(
            400, "Bad Request", f"this server knows only phenomenonTime ge … and le …: {condition!r}"
        )
    first, last = map(datetime.fromisoformat, match.groups())
    return [
        one
        for one in observations
        if first <= datetime.fromisoformat(one["phenomenonTime"].partition("/")[0]) <= last
    ]


def _unexpanded(observation: Record) -> Record:
    """An observation with a link to its datastream, as where nobody asks for more."""
    link = f"Observations({observation['@iot.id']})/Datastream"
    return {
        **{name: value for name, value in observation.items() if name != "Datastream"},
        "Datastream@iot.navigationLink": link,
    }


def _with_a_person(observation: Record) -> Record:
    """An observation whose station tells in whose yard it stands."""
    stream = observation["Datastream"]
    thing = {
        **stream["Thing"],
        "description": f"во дворе, {PERSON}",
        "properties": {"owner": PERSON, "address": "ул. Примерная, 1"},
    }
    return {**observation, "parameters": {"operator": PERSON}, "Datastream": {**stream, "Thing": thing}}


def sample_observations(scale: float = 1) -> Observations:
    """The invented observations of the cities; ``scale``: times as many stations."""

    def of(city: str) -> Sequence[Record] | None:
        return observations_of(CITIES[city], scale) if city in CITIES else None

    return of


@lru_cache(maxsize=32)
def observations_of(city: Place, scale: float = 1) -> list[Record]:
    """All observations of a city, in a stable order: the same each time."""
    dice = Random(f"sensor_things {city.code}")
    numbers = count(1)
    return [{"@iot.id": number, **one} for one, number in zip(_made(dice, scale), numbers, strict=False)]


def _made(dice: Random, scale: float) -> Iterator[Record]:
    # a day begins at nine in the evening in the time of the server
    start = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, tzinfo=UTC) - timedelta(hours=3)
    for day in range((LAST_DAY - FIRST_DAY).days + 1):
        for station in range(1, max(1, round(scale)) + 1):
            for number, (name, (unit, usual)) in enumerate(PROPERTIES.items(), start=1):
                moment = start + timedelta(days=day, minutes=30)
                written = f"{moment:%Y-%m-%dT%H:%M:%S.000Z}"
                if name == "LAeq":
                    written += f"/{moment + timedelta(hours=1):%Y-%m-%dT%H:%M:%S.000Z}"
                    value = round(max(30.0, dice.gauss(usual, 6)), 1)
                else:
                    value = round(max(0.2, usual * dice.lognormvariate(0, 0.6)), 2)
                censored = name != "LAeq" and value < 4
                yield {
                    "phenomenonTime": written,
                    "resultTime": None,
                    "result": "<4" if censored else value,
                    "Datastream": {
                        "@iot.id": 10 * station + number,
                        "name": f"{name}, станция {station} (вымышлено)",
                        "unitOfMeasurement": {"name": unit, "symbol": unit, "definition": "http://unitsofmeasure.org"},
                        "ObservedProperty": {"@iot.id": number, "name": name},
                        "Thing": {"@iot.id": station, "name": f"Станция {station}", "description": "Вымышленные данные"},
                    },
                }  # fmt: skip
