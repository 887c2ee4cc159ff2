"""Messages of GTFS-Realtime as reports: which trips ran and how late, which stops and routes had information.

One message (`.pb`) or a zip of them, read one by one. Vehicles' labels and number plates are never read.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
from google.protobuf.message import DecodeError
from google.transit import gtfs_realtime_pb2

from pipelines.declarations.feeds import Feed
from pipelines.declarations.timetables import REPORTED, GtfsRealtimeFormat
from pipelines.deliveries import Batch, Delivery
from pipelines.errors import DeliveryError, Reason
from pipelines.formats.archive import BROKEN, broken
from pipelines.formats.typed import write_batch
from pipelines.memory import in_memory
from pipelines.sql import quoted

MINSK = ZoneInfo("Europe/Minsk")
ZIP = b"PK"
# the largest answer; that of a whole country is a tenth of it
LARGEST_MESSAGE = 200_000_000
OWN = ("row_place", "broken")
CANCELLED = gtfs_realtime_pb2.TripDescriptor.CANCELED
SKIPPED = gtfs_realtime_pb2.TripUpdate.StopTimeUpdate.SKIPPED
NO_DATA = gtfs_realtime_pb2.TripUpdate.StopTimeUpdate.NO_DATA


@dataclass
class _Seen:
    """The reports about a trip, a stop or a route; seconds since 1970."""

    first: int
    last: int
    reports: int = 0
    route: str = ""
    direction: str = ""
    day: str = ""
    delay: int | None = None
    delay_at: int = -1
    cancelled: bool = False

    def take(self, at: int) -> None:
        self.first, self.last = min(self.first, at), max(self.last, at)
        self.reports += 1


@dataclass
class _Reported:
    """Objects by kind and code, and messages that could not be read."""

    objects: dict[tuple[str, str], _Seen] = field(default_factory=dict)
    faults: list[dict[str, str | None]] = field(default_factory=list)

    def see(self, kind: str, code: str, at: int) -> _Seen:
        seen = self.objects.setdefault((kind, code), _Seen(at, at))
        seen.take(at)
        return seen


def read(delivery: Delivery, feed: Feed, fmt: GtfsRealtimeFormat, out: Path, pseudonym_key: str) -> Batch:  # noqa: ARG001
    """Read the messages. ``row_no`` numbers trips, stops and routes, then messages that could not be read.

    Raises:
        DeliveryError: no message can be read.
    """
    path = delivery.paths[0]
    reported = _Reported()
    messages = 0
    for name, content in _messages(path, feed.max_delivery_bytes):
        messages += 1
        if fault := _take(content, delivery, reported):
            reported.faults.append({"object": "message", "code": name, "row_place": name, "broken": fault})
    if messages and messages == len(reported.faults):
        expected = reported.faults[0]["broken"]
        message = f"Ни одно сообщение не прочитано; ожидалось: {expected}."
        remedy = "Передайте ответы GTFS-Realtime (protobuf) за этот период без изменений."
        raise DeliveryError(path.name, [Reason("file.format", message, remedy)])
    found: list[dict[str, str | None]] = [*_rows(reported), *reported.faults]
    columns = {name: pa.array([row.get(name) for row in found], pa.string()) for name in (*REPORTED, *OWN)}
    table = pa.table({"row_no": pa.array(range(1, len(found) + 1), pa.int64()), **columns})
    kept = ", ".join(quoted(name) for name in (*feed.kept_columns, *OWN))
    with in_memory() as connection:
        connection.register("reported", table)
        return write_batch(
            connection, f"select row_no, {kept} from reported order by row_no", feed, out, pseudonym_key
        )


def _messages(path: Path, largest: int) -> Iterator[tuple[str, bytes]]:
    with path.open("rb") as stream:
        if stream.read(2) != ZIP:
            stream.seek(0)
            yield path.name, stream.read(LARGEST_MESSAGE)
            return
    size = 0
    try:
        with zipfile.ZipFile(path) as opened:
            for info in opened.infolist():
                if info.is_dir():
                    continue
                with opened.open(info) as member:
                    content = member.read(LARGEST_MESSAGE)
                size += len(content)
                if size > largest:
                    message = f"Сообщения в распакованном виде больше {largest} байт."
                    raise DeliveryError(
                        path.name, [Reason("file.size", message, "Оставьте одно сообщение в минуту.")]
                    )
                yield info.filename, content
    except BROKEN as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise broken(path.name) from None


def _take(content: bytes, delivery: Delivery, reported: _Reported) -> str:
    """Add the reports of a message; return what was expected, if it does not belong to the period."""
    message = gtfs_realtime_pb2.FeedMessage()
    try:
        message.ParseFromString(content)
    except DecodeError:
        return "сообщение GTFS-Realtime (FeedMessage)"
    at = message.header.timestamp
    if not at:
        return "сообщение со временем (header.timestamp)"
    day = datetime.fromtimestamp(at, MINSK).date()
    first, last = delivery.slice.first_day, delivery.slice.last_day
    if first is not None and last is not None and not first <= day <= last:
        return f"сообщение за период с {first:%d.%m.%Y} по {last:%d.%m.%Y}"
    for entity in message.entity:
        if entity.HasField("trip_update"):
            _take_update(entity.trip_update, at, f"{day}", reported)
        if entity.HasField("vehicle") and entity.vehicle.HasField("trip"):
            _take_trip(entity.vehicle.trip, entity.vehicle.timestamp or at, f"{day}", reported)
    return ""


def _take_trip(
    trip: gtfs_realtime_pb2.TripDescriptor, at: int, day: str, reported: _Reported
) -> _Seen | None:
    if trip.route_id:
        reported.see("route", trip.route_id, at)
    if not trip.trip_id:
        return None
    started = (
        f"{trip.start_date[:4]}-{trip.start_date[4:6]}-{trip.start_date[6:]}" if trip.start_date else day
    )
    code = "/".join(filter(None, (started, trip.trip_id, trip.start_time)))
    seen = reported.see("trip", code, at)
    seen.day, seen.route = started, trip.route_id or seen.route
    seen.direction = str(trip.direction_id) if trip.HasField("direction_id") else seen.direction
    seen.cancelled = seen.cancelled or trip.schedule_relationship == CANCELLED
    return seen


def _take_update(update: gtfs_realtime_pb2.TripUpdate, at: int, day: str, reported: _Reported) -> None:
    seen = _take_trip(update.trip, at, day, reported)
    delay = update.delay if update.HasField("delay") else None
    for stop in update.stop_time_update:
        if stop.schedule_relationship in (SKIPPED, NO_DATA):
            continue
        if stop.stop_id:
            reported.see("stop", stop.stop_id, at)
        for event in ("arrival", "departure"):
            if stop.HasField(event) and getattr(stop, event).HasField("delay"):
                delay = getattr(stop, event).delay
    if seen is not None and delay is not None and at >= seen.delay_at:
        seen.delay, seen.delay_at = delay, at


def _rows(reported: _Reported) -> Iterator[dict[str, str | None]]:
    for (kind, code), seen in sorted(reported.objects.items(), key=lambda one: (one[0][0] != "trip", one[0])):
        yield {
            "object": kind,
            "code": code,
            "route": seen.route or None,
            "direction": seen.direction or None,
            "started_on": seen.day or None,
            "reports": str(seen.reports),
            "first_seen_at": _moment(seen.first),
            "last_seen_at": _moment(seen.last),
            "delay_s": None if seen.delay is None else str(seen.delay),
            "is_cancelled": str(seen.cancelled).lower() if kind == "trip" else None,
            "row_place": {"trip": "рейс", "stop": "остановка", "route": "маршрут"}[kind] + f" {code}",
        }


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
