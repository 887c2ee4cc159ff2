"""Messages of GTFS-Realtime: what was reported of trips, stops and routes in a month."""

from __future__ import annotations

import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from google.transit import gtfs_realtime_pb2

from pipelines import formats
from pipelines.declarations.timetables import REPORTED
from pipelines.deliveries import Delivery, parse_slice
from pipelines.errors import DeliveryError
from tests.formats.reading import feed, read, rows, told

FEED = feed({"kind": "gtfs_realtime"}, dict(REPORTED))
OCTOBER = date(2026, 10, 1)
# 12:00 in Minsk
NOON = int(datetime(2026, 10, 1, 9, tzinfo=UTC).timestamp())


def message(at: int, *delays: tuple[str, int], trip: str = "t1", **about: Any) -> bytes:
    """One trip with its delays at the stops before it."""
    made = gtfs_realtime_pb2.FeedMessage()
    made.header.gtfs_realtime_version = "2.0"
    made.header.timestamp = at
    update = made.entity.add(id="1").trip_update
    update.trip.trip_id, update.trip.route_id, update.trip.start_date = trip, "1", "20261001"
    for key, value in about.items():
        setattr(update.trip, key, value)
    for stop, delay in delays:
        update.stop_time_update.add(stop_id=stop).arrival.delay = delay
    update.vehicle.license_plate = "1234 AB-1"
    return made.SerializeToString()


def packed(folder: Path, *messages: bytes) -> Path:
    path = folder / "realtime-2026-10.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, content in enumerate(messages):
            archive.writestr(f"{number}.pb", content)
    return path


def test_the_last_report_of_a_trip_counts_whatever_order_messages_have(tmp_path: Path) -> None:
    late, early = message(NOON + 60, ("B", 30), ("C", 420)), message(NOON, ("A", 0), ("B", 20), ("C", 90))
    path = packed(tmp_path, late, early)
    found = {row["code"]: row for row in rows(path, FEED, OCTOBER)}
    assert list(found) == ["2026-10-01/t1", "1", "A", "B", "C"]
    trip = found["2026-10-01/t1"]
    assert (trip["delay_s"], trip["reports"], trip["started_on"], trip["is_cancelled"]) == (
        420,
        2,
        OCTOBER,
        False,
    )
    assert (trip["first_seen_at"], trip["last_seen_at"]) == (
        datetime(2026, 10, 1, 12), datetime(2026, 10, 1, 12, 1),
    )  # fmt: skip
    assert [found[stop]["reports"] for stop in "ABC"] == [1, 2, 2]
    assert "1234" not in str(found)


def test_a_single_message_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "a.pb").write_bytes(message(NOON, ("A", -90)))
    assert rows(tmp_path / "a.pb", FEED, OCTOBER)[0]["delay_s"] == -90


def test_positions_of_vehicles_report_trips_and_routes_without_delays(tmp_path: Path) -> None:
    made = gtfs_realtime_pb2.FeedMessage()
    made.header.gtfs_realtime_version, made.header.timestamp = "2.0", NOON
    made.entity.add(id="1").vehicle.trip.trip_id = "t1"
    made.entity[0].vehicle.trip.route_id = "1"
    # a vehicle on its way to the depot has a place and no trip
    depot = made.entity.add(id="2").vehicle.position
    depot.latitude, depot.longitude = 52.0, 23.7
    found = rows(packed(tmp_path, made.SerializeToString()), FEED, OCTOBER)
    assert [(row["object"], row["code"], row["delay_s"]) for row in found] == [
        ("trip", "2026-10-01/t1", None), ("route", "1", None),
    ]  # fmt: skip


def test_a_cancelled_trip_and_a_stop_without_data_are_told(tmp_path: Path) -> None:
    made = gtfs_realtime_pb2.FeedMessage.FromString(
        message(NOON, ("A", 60), ("B", 600), schedule_relationship=3)
    )
    made.entity[0].trip_update.stop_time_update[1].schedule_relationship = 2
    found = rows(packed(tmp_path, made.SerializeToString()), FEED, OCTOBER)
    assert [row["code"] for row in found] == ["2026-10-01/t1", "1", "A"]
    assert found[0]["is_cancelled"] and found[0]["delay_s"] == 60


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html>", "FeedMessage"),
        (message(NOON + 40 * 86400, ("A", 0)), "01.10.2026 по 31.10.2026"),
        (message(0, ("A", 0)), "header.timestamp"),
    ],
)
def test_a_message_that_is_none_of_the_month_is_told_with_its_name(
    content: bytes, said: str, tmp_path: Path
) -> None:
    good = message(NOON, ("A", 0))
    (fault,) = [row for row in month_rows(packed(tmp_path, good, content)) if row["parse_errors"]]
    assert said in fault["parse_errors"] and fault["row_place"] == "1.pb"
    with pytest.raises(DeliveryError) as caught:
        month_rows(packed(tmp_path, content))
    assert said in told(caught.value)


def month_rows(path: Path) -> list[dict[str, Any]]:
    delivery = Delivery(
        "d",
        "s",
        "f",
        "i",
        parse_slice("2026-10", None),
        path.parent,
        (path.name,),
        "",
        0,
        "",
        "",
        synthetic=True,
    )
    batch = formats.read(delivery, FEED, path.with_suffix(".parquet"))
    with duckdb.connect() as connection:
        found = connection.execute(f"from read_parquet('{batch.path}') order by row_no")
        names = [one[0] for one in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_a_broken_archive_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path, message(NOON, ("A", 0)) * 20)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DeliveryError):
        read(path, FEED, OCTOBER)
