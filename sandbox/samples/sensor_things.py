"""The sample of the sensors: what two cities answer for a month. No station or value is real."""

from __future__ import annotations

import json

from sandbox.cities import CITIES
from sandbox.sensor_things import SensorThings, observations_of
from sandbox.server import Request

MONTH = "2026-10"


def files() -> dict[str, bytes]:
    """Bytes by path within the sample's folder."""
    return {f"observations/{city}/observations-{MONTH}.json": _month(city) for city in ("barysau", "brest")}


def _month(city: str) -> bytes:
    asked = {
        "$filter": f"phenomenonTime ge {MONTH}-01T00:00:00+03:00 and phenomenonTime le {MONTH}-31T23:59:59+03:00",
        "$expand": "Datastream",
        "$top": "1000",
    }
    server = SensorThings(lambda name: observations_of(CITIES[name]))
    found = server.answer(Request(f"{city}/v1.1/Observations", asked), None).body["value"]
    lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in found)
    return f'{{"@iot.count": {len(found)}, "value": [\n{lines}\n]}}\n'.encode()
