"""Formats of public transport: a month of a timetable, and what vehicles reported while they ran."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field

from pipelines.declarations.columns import Column
from pipelines.declarations.common import Declaration, Problem, nearest
from pipelines.encodings import Encoding

# The reader's columns for the objects of a timetable, with their types; docs/connectors.md explains them.
TIMETABLE: dict[str, str] = {
    "object": "text", "code": "text", "name": "text", "route": "text", "direction": "text", "mode": "text",
    "service_days": "integer", "departures": "integer", "intervals": "integer", "span_minutes": "decimal",
    "runs": "integer", "vehicle_hours": "decimal", "length_km": "decimal", "network_km": "decimal",
    "vehicle_km": "decimal", "fastest_kmh": "decimal", "latitude": "decimal", "longitude": "decimal",
    "km_from_centre": "decimal", "missing_reference": "text", "time_fault": "text", "calendar_ends": "date",
}  # fmt: skip
# The same for real-time reports.
REPORTED: dict[str, str] = {
    "object": "text", "code": "text", "route": "text", "direction": "text", "started_on": "date",
    "reports": "integer", "first_seen_at": "timestamp", "last_seen_at": "timestamp",
    "delay_s": "integer", "is_cancelled": "boolean",
}  # fmt: skip


class TimetableFormat(Declaration):
    """A month of a timetable as a zip, in GTFS or as lists of departures by stop (`\\bus`, `\\busstop`, `\\day`).

    Rows are the objects of the timetable, each with its figures for the month in the file name: `stop`, `route`, `trip` (only
    GTFS), `call` (a stop of a route in a direction). A zip is read as a whole, and refused if its tables are inconsistent.
    """

    kind: Literal["timetable"] = Field(default="timetable", description="a month of a timetable, as a zip")
    encoding: Encoding = Field(
        default="cp1251", description="encoding of lists of departures; GTFS is always UTF-8"
    )

    def problems(self, columns: Mapping[str, Column], has_period: bool) -> Iterator[Problem]:
        """Problems of the declared columns and the file name."""
        if not has_period:
            yield (
                ("file_pattern",),
                "needs the group `period`: the figures of a timetable are those of a month",
            )
        yield from _problems(columns, TIMETABLE)


class GtfsRealtimeFormat(Declaration):
    """Messages of a GTFS-Realtime address during a period: one in protobuf, or a zip of them.

    Rows are trips of a day, stops and routes that were reported (`object`). For a trip, the last report of each stop counts.
    """

    kind: Literal["gtfs_realtime"] = Field(
        default="gtfs_realtime", description="messages of GTFS-Realtime: one, or a zip of them"
    )

    def problems(self, columns: Mapping[str, Column]) -> Iterator[Problem]:
        """Problems of the declared columns."""
        yield from _problems(columns, REPORTED)


def _problems(columns: Mapping[str, Column], given: Mapping[str, str]) -> Iterator[Problem]:
    for name, column in columns.items():
        if name not in given:
            yield ("columns", name), f"the format has no such column; {nearest(name, list(given))}"
        elif column.type != given[name]:
            yield ("columns", name, "type"), f"is {given[name]} in this format"
