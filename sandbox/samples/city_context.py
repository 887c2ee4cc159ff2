"""The sample of the context broker: what it answers for one month, normalised for one city, mostly short for the other."""

from __future__ import annotations

import json

from sandbox.cities import CITIES
from sandbox.city_context import entities_of, key_values
from sandbox.server import Record

MONTH = "2026-10"
FEEDS = {
    "streetlights": "Streetlight",
    "cabinets": "StreetlightControlCabinet",
    "waste_containers": "WasteContainer",
    "air_quality": "AirQualityObserved",
    "parking": "OffStreetParking,OnStreetParking",
    "wifi": "WifiPointOfInterest",
    "noise": "NoiseLevelObserved",
    "traffic_flow": "TrafficFlowObserved",
}
# of the city whose answers are short
SHORT = ("Streetlight", "StreetlightControlCabinet", "AirQualityObserved")
OBSERVED = ("AirQualityObserved", "NoiseLevelObserved", "TrafficFlowObserved")
# a sample is small: of these feeds one city is enough
OF_ONE_CITY = ("wifi", "noise", "traffic_flow")


def files() -> dict[str, bytes]:
    """Bytes by path within the sample's folder."""
    return {
        f"{feed}/{city}/{feed.replace('_', '-')}-{MONTH}.json": _month(city, kind)
        for city in ("barysau", "brest")
        for feed, kind in FEEDS.items()
        if city == "barysau" or feed not in OF_ONE_CITY
    }


def _month(city: str, kind: str) -> bytes:
    entities = [
        one
        for name in kind.split(",")
        for one in entities_of(CITIES[city], name)
        if name not in OBSERVED or MONTH in one["id"]
    ]
    # the short form has no units, and this city's shares are percents
    if city == "brest" and kind in SHORT:
        entities = [key_values(one) for one in entities]
    if kind == "AirQualityObserved":
        # a sample passes the gate without a remark
        entities = [_with_zone(one) for one in entities]
    lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in entities)
    return f"[\n{lines}\n]\n".encode()


def _with_zone(entity: Record) -> Record:
    moment = entity["dateObserved"]
    return {**entity, "dateObserved": f"{moment}+03:00"} if isinstance(moment, str) else entity
