"""The sample of traffic control: one month of two cities. No intersection, incident or car park is real.

The car parks are those of the sample of ``city_parking``: the same facts, told by the other interface.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from random import Random
from typing import Any
from xml.sax.saxutils import escape

from sandbox.cities import CITIES, Place
from sandbox.samples import city_parking

MONTH = "2026-10"
COMMENT = "Вымышленное происшествие"


def intersections(city: Place) -> list[dict[str, Any]]:
    """The intersections of a city."""
    rng = Random(f"intersections {city.code}")
    return [
        {
            "id": f"SO-{number:03}",
            "control": {"mode": rng.choice(("local", "central", "central", "adaptive"))},
            "status": "out_of_service" if number % 15 == 14 else "in_service",
        }
        for number in range(city.size * 6)
    ]


def incidents(city: Place) -> list[dict[str, Any]]:
    """The incidents of the month; some are not cleared yet."""
    rng = Random(f"incidents {city.code}")
    found = []
    for number in range(city.size * 5):
        at = datetime(2026, 10, 1 + rng.randrange(31), rng.randrange(24), rng.randrange(60))
        cleared = at + timedelta(minutes=10 + rng.randrange(170))
        found.append(
            {"id": f"{city.code}-{number:04}", "type": rng.choice(("Accident", "VehicleObstruction", "GeneralObstruction")),
             "from": at, "to": None if number % 12 == 11 else cleared}
        )  # fmt: skip
    return found


def situation_publication(records: list[dict[str, Any]]) -> bytes:
    """DATEX II v3, as of its published schemas."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<d2:payload xmlns:d2="http://datex2.eu/schema/3/d2Payload" xmlns:com="http://datex2.eu/schema/3/common" '
        'xmlns:sit="http://datex2.eu/schema/3/situation" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'lang="ru" modelBaseVersion="3" xsi:type="sit:SituationPublication">',
        "  <com:publicationTime>2026-11-01T03:00:00+03:00</com:publicationTime>",
    ]
    for one in records:
        end = f"<com:overallEndTime>{one['to'].isoformat()}+03:00</com:overallEndTime>" if one["to"] else ""
        lines.append(
            f'  <sit:situation id="S-{one["id"]}"><sit:situationRecord xsi:type="sit:{one["type"]}" id="{one["id"]}" version="1">'
            f"<sit:validity><com:validityStatus>definedByValidityTimeSpec</com:validityStatus><com:validityTimeSpecification>"
            f"<com:overallStartTime>{one['from'].isoformat()}+03:00</com:overallStartTime>{end}"
            f"</com:validityTimeSpecification></sit:validity><sit:generalPublicComment><sit:comment><com:values>"
            f'<com:value lang="ru">{escape(COMMENT)}</com:value></com:values></sit:comment></sit:generalPublicComment>'
            f"</sit:situationRecord></sit:situation>"
        )
    return "\n".join([*lines, "</d2:payload>", ""]).encode()


def parking(city: Place) -> list[dict[str, Any]]:
    """The rows of the operator's table of the same month, as the interface tells them."""
    table = city_parking.files()[f"occupancy/parking-{MONTH}.csv"].decode("cp1251")
    found = []
    for line in table.splitlines()[1:]:
        day, name, code, places, occupied = line.split(";")
        if name == city.name:
            free = round(int(places) - float(occupied.replace(",", ".")), 1)
            found.append(
                {"uid": code, "date": "-".join(reversed(day.split("."))), "capacity": int(places), "has_realtime_data": True,
                 "realtime_free_capacity": free}
            )  # fmt: skip
    return found


def files() -> dict[str, bytes]:
    """Bytes by path within the sample's folder."""
    found = {}
    for code in ("brest", "barysau"):
        city = CITIES[code]
        for feed, rows in {"intersections": intersections(city), "parking": parking(city)}.items():
            lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in rows)
            text = f'{{"meta": {{"total": {len(rows)}}}, "items": [\n{lines}\n]}}\n'
            found[f"{feed}/{code}/{feed}-{MONTH}.json"] = text.encode()
        found[f"incidents/{code}/incidents-{MONTH}.xml"] = situation_publication(incidents(city))
    return found
