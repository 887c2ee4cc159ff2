"""The sample of city transport: a timetable of Brest in GTFS, one of Borisov as lists of departures, and what was reported.

No stop, route, time or delay is real.
"""

from __future__ import annotations

import calendar
import io
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from random import Random

from google.transit import gtfs_realtime_pb2

MONTHS = [(2026, 8), (2026, 9), (2026, 10)]
MINSK = timezone(timedelta(hours=3))
CENTRE = (52.0940, 23.6950)
# route -> kind of vehicle, its stops by number, minutes between two stops, days, first departure, minutes between two, last
ROUTES = {
    "1": (3, [1, 2, 3, 4, 5, 6], 4, "WD", 6 * 60, 30, 22 * 60),
    "1w": (3, [1, 2, 3, 4, 5, 6], 4, "WE", 7 * 60, 60, 21 * 60),
    "101": (11, [7, 3, 8, 9, 10], 3, "ALL", 5 * 60 + 40, 40, 24 * 60 + 20),
    "5": (3, [2, 8, 11, 12], 5, "WD", 6 * 60 + 15, 60, 20 * 60),
}
REPORTED = ("1", "101")
DAYS = {"WD": "1,1,1,1,1,0,0", "WE": "0,0,0,0,0,1,1", "ALL": "1,1,1,1,1,1,1"}
# route -> stop -> kind of day -> first departure, minutes between two, last
LISTS = {
    "1": {"ВОКЗАЛ": {"a": (6 * 60 + 10, 25, 24 * 60 + 25)}, "РЫНОК": {"a": (5 * 60 + 50, 25, 24 * 60)}},
    "2-А": {"ВОКЗАЛ": {"w": (6 * 60 + 30, 60, 19 * 60 + 30)}, "ЗАВОД": {"w": (6 * 60, 60, 19 * 60)}},
    "7": {
        "РЫНОК": {"w": (6 * 60, 20, 22 * 60), "h": (7 * 60, 40, 21 * 60)},
        "БОЛЬНИЦА": {"w": (6 * 60 + 20, 20, 22 * 60 + 20), "h": (7 * 60 + 20, 40, 21 * 60 + 20)},
    },
}


def files() -> dict[str, bytes]:
    """Bytes by path within the sample's folder."""
    return {
        f"{feed}/{city}/{feed}-{year}-{month:02}.zip": _zip(made(year, month))
        for year, month in MONTHS
        for feed, city, made in (
            ("timetable", "brest", gtfs), ("timetable", "barysau", _lists), ("realtime", "brest", _messages),
        )
    }  # fmt: skip


def _zip(content: Mapping[str, str | bytes]) -> bytes:
    packed = io.BytesIO()
    # stored, not deflated: the same bytes whatever zlib a machine has
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, text in content.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return packed.getvalue()


def gtfs(year: int, month: int) -> dict[str, str]:
    """The tables of a month's timetable."""
    last = calendar.monthrange(year, month)[1]
    trips = _trips()
    first_day, last_day = f"{year}{month:02}01", f"{year}{month:02}{last}"
    calls = [
        f"{trip},{_clock(minute)},{_clock(minute)},S{stop:02},{number}"
        for trip, _, _, _, stops in trips
        for number, (stop, minute) in enumerate(stops, start=1)
    ]
    week = "monday,tuesday,wednesday,thursday,friday,saturday,sunday"
    tables = {
        "agency": [
            "agency_id,agency_name,agency_url,agency_timezone",
            "T,Горавтотранс (образец),https://transport.example,Europe/Minsk",
        ],
        "stops": ["stop_id,stop_name,stop_lat,stop_lon", *map(_stop, range(1, 13))],
        "routes": [
            "route_id,route_short_name,route_type",
            *(f"{route},{route},{ROUTES[route][0]}" for route in ("1", "101", "5")),
        ],
        "calendar": [
            f"service_id,{week},start_date,end_date",
            *(f"{service},{days},{first_day},{last_day}" for service, days in DAYS.items()),
        ],
        "calendar_dates": ["service_id,date,exception_type"],
        "trips": [
            "route_id,service_id,trip_id,direction_id",
            *(f"{route},{service},{trip},{way}" for trip, route, service, way, _ in trips),
        ],
        "stop_times": ["trip_id,arrival_time,departure_time,stop_id,stop_sequence", *calls],
    }
    return {f"{name}.txt": "\r\n".join([*lines, ""]) for name, lines in tables.items()}


def _stop(number: int) -> str:
    rng = Random(f"public_transport stop {number}")
    lat, lon = (middle + rng.uniform(-0.02, 0.02) for middle in CENTRE)
    return f"S{number:02},Остановка {number},{lat:.5f},{lon:.5f}"


def _trips() -> list[tuple[str, str, str, int, list[tuple[int, int]]]]:
    """Trip, route, days, direction, and its calls (stop, minute of the day)."""
    found = []
    for name, (_, stops, minutes, service, first, every, last) in ROUTES.items():
        route = name.removesuffix("w")
        for way in (0, 1):
            in_order = stops if way == 0 else stops[::-1]
            for number, start in enumerate(range(first, last + 1, every), start=1):
                calls = [(stop, start + place * minutes) for place, stop in enumerate(in_order)]
                found.append((f"{name}-{way}-{number:02}", route, service, way, calls))
    return found


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}:00"


def _lists(year: int, month: int) -> dict[str, bytes]:  # noqa: ARG001
    """A file for each route, in cp1251."""
    found = {}
    for route, stops in LISTS.items():
        lines = [f"\\bus {route}"]
        for stop, days in stops.items():
            lines += ["", f"\\busstop {stop}"]
            for day, (first, every, last) in days.items():
                times = [f"{minute // 60 % 24}.{minute % 60:02}" for minute in range(first, last + 1, every)]
                lines += [f"\\day {day}", "\\from busstop", " ".join(times)]
        found[f"{route}.txt"] = "\r\n".join([*lines, ""]).encode("cp1251")
    return found


def _messages(year: int, month: int) -> dict[str, bytes]:
    """Two answers a week: the trips on their way, each with its delay at the stops before it."""
    found = {}
    for day in range(3, calendar.monthrange(year, month)[1] + 1, 4):
        for hour in (7, 17):
            at = datetime(year, month, day, hour, 45, tzinfo=MINSK)
            message = gtfs_realtime_pb2.FeedMessage()
            message.header.gtfs_realtime_version = "2.0"
            message.header.timestamp = int(at.astimezone(UTC).timestamp())
            _report(message, at)
            found[f"{at:%Y-%m-%dT%H%M}.pb"] = message.SerializeToString(deterministic=True)
    return found


def _report(message: gtfs_realtime_pb2.FeedMessage, at: datetime) -> None:
    now = at.hour * 60 + at.minute
    runs_today = {"ALL", "WD" if at.weekday() < 5 else "WE"}
    for trip, route, service, way, calls in _trips():
        if route in REPORTED and service in runs_today and calls[0][1] <= now <= calls[-1][1]:
            rng = Random(f"public_transport {at:%Y-%m-%d} {trip}")
            delay = int(rng.gauss(90, 150))
            entity = message.entity.add(id=trip)
            entity.trip_update.trip.trip_id = trip
            entity.trip_update.trip.route_id = route
            entity.trip_update.trip.direction_id = way
            entity.trip_update.trip.start_date = f"{at:%Y%m%d}"
            for number, (stop, minute) in enumerate(calls, start=1):
                if minute >= now:
                    update = entity.trip_update.stop_time_update.add(
                        stop_sequence=number, stop_id=f"S{stop:02}"
                    )
                    update.arrival.delay = delay
