"""A simulated system of citizens' requests: Open311 GeoReport v2 over HTTP, in JSON.

A jurisdiction (``jurisdiction_id``) is a city. A list covers at most 90 days, those before today where none are named; it is
paged by ``page`` and ``page_size``, as servers add it to the specification.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sandbox.server import PERSON, Answer, Fault, Record, Refusal, Request, page_of

LONGEST_DAYS = 90
DEFAULT_SIZE = 50
LARGEST_SIZE = 500

# city, first and last day: what was requested there; None: there is no such city
Requests = Callable[[str, date, date], Sequence[Record] | None]


@dataclass(frozen=True)
class Open311:
    """``requests`` gives the service requests of a city between two days."""

    requests: Requests
    largest_size: int = LARGEST_SIZE

    def answer(self, request: Request, fault: Fault | None) -> Answer:
        if request.path != "requests.json":
            raise Refusal(404, "Not Found", "known: /requests.json")
        first, last = _window(request)
        city = request.query.get("jurisdiction_id", "")
        found = self.requests(city, first, last)
        if found is None:
            raise Refusal(404, "Not Found", f"jurisdiction_id {city!r} was not found")
        if status := request.query.get("status"):
            found = [one for one in found if one["status"] in status.split(",")]
        size = min(request.whole_number("page_size", DEFAULT_SIZE, 1), self.largest_size)
        start = (request.whole_number("page", 1, 1) - 1) * size
        return Answer(page_of(found, start, size, fault, _of_v1, _with_a_person).records)

    def error(self, refusal: Refusal) -> list[dict[str, Any]]:
        return [{"code": refusal.status, "description": refusal.message}]


def _window(request: Request) -> tuple[date, date]:
    last = _day(request, "end_date") or datetime.now(UTC).date()
    first = _day(request, "start_date") or last - timedelta(days=LONGEST_DAYS)
    if (last - first).days > LONGEST_DAYS:
        raise Refusal(400, "Bad Request", f"a window of {LONGEST_DAYS} days at most")
    return first, last


def _day(request: Request, name: str) -> date | None:
    text = request.query.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Refusal(400, "Bad Request", f"{name} is written in W3C format, with a zone")
    return moment.date()


def _of_v1(request: Record) -> Record:
    """The same request under the names of an older interface."""
    names = {"service_request_id": "id", "requested_datetime": "requested", "status": "state"}
    return {names.get(name, name): value for name, value in request.items()}


def _with_a_person(request: Record) -> Record:
    return {
        **request,
        "description": f"Просит перезвонить {PERSON}",
        "status_notes": f"Заявитель {PERSON}",
        "first_name": PERSON,
        "phone": PERSON,
    }
