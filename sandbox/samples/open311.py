"""The sample of citizens' requests by Open311: those of the portal 115.бел of one month, as the other interface tells them.

Nothing in them is real. That both samples hold the same requests shows that the measures of both sources agree.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import Any

from sandbox.samples import appeals_115
from sandbox.samples.country import YEARS

# one city is enough to be held against the portal's files
CITY, MONTH = "barysau", (2026, 10)
FINISHED = {"5", "7"}


def files() -> dict[str, bytes]:
    """Bytes by path within the sample's folder."""
    return {f"requests/{CITY}/requests-{MONTH[0]}-{MONTH[1]:02}.json": _written(_month(CITY, *MONTH))}


def requests_between(city: str, first: date, last: date) -> list[dict[str, Any]] | None:
    """The requests of a city between two days; None if there is no such city."""
    if city not in appeals_115.CITIES:
        return None
    return [
        one
        for year, month in _months(first, last)
        for one in _month(city, year, month)
        if str(first) <= one["requested_datetime"][:10] <= str(last)
    ]


def _months(first: date, last: date) -> Iterator[tuple[int, int]]:
    number = first.year * 12 + first.month - 1
    while number <= last.year * 12 + last.month - 1:
        if number // 12 in YEARS:
            yield number // 12, number % 12 + 1
        number += 1


@lru_cache(maxsize=64)
def _month(city: str, year: int, month: int) -> list[dict[str, Any]]:
    return [_as_open311(one) for one in appeals_115.requests_of(city, year, month)]


def _as_open311(request: appeals_115.Request) -> dict[str, Any]:
    day = request["opened"][:10]
    closed = request["status"] in FINISHED
    return {
        "service_request_id": request["id"],
        "status": "closed" if closed else "open",
        "status_notes": "Вымышлено" if closed else None,
        "service_name": f"Тема {request['category']}",
        "service_code": request["category"],
        "description": "Вымышленное обращение / synthetic data",
        "agency_responsible": request["organisation_id"],
        "requested_datetime": f"{day}T{8 + int(request['id']) % 12:02}:30:00+03:00",
        "updated_datetime": f"{request['planned']}T09:00:00+03:00" if closed else None,
        "expected_datetime": f"{request['planned']}T18:00:00+03:00",
        "address": request["address"],
        "lat": float(request["lat"]),
        "long": float(request["lng"]),
        "media_url": None,
    }


def _written(requests: list[dict[str, Any]]) -> bytes:
    lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in requests)
    return f"[\n{lines}\n]\n".encode()
