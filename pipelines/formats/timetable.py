"""A month of a timetable: a zip in GTFS, or with lists of departures by stop; its files show which.

Both become the same rows (:data:`pipelines.declarations.timetables.TIMETABLE`), so that one set of measures counts them.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from pipelines.declarations.feeds import Feed
from pipelines.declarations.timetables import TIMETABLE, TimetableFormat
from pipelines.deliveries import Batch, Delivery
from pipelines.errors import DeliveryError, GorodError, Reason
from pipelines.formats import timetable_gtfs, timetable_lists
from pipelines.formats.archive import names_in
from pipelines.formats.typed import write_batch
from pipelines.memory import in_memory
from pipelines.sql import quoted

# The table that a reader fills, beside the columns of the format.
OWN = ("row_place", "broken")
NOT_A_TIMETABLE = (
    "Передайте архив GTFS (stop_times.txt и другие таблицы) "
    "или архив с расписаниями по остановкам (строки \\bus, \\busstop, \\day)."
)


def read(delivery: Delivery, feed: Feed, fmt: TimetableFormat, out: Path, pseudonym_key: str) -> Batch:
    """Read the timetable. ``row_no`` numbers the objects: stops, routes, trips, calls, then what could not be read.

    Raises:
        DeliveryError: it is not a zip, or not a timetable.
    """
    first_day, last_day = delivery.slice.first_day, delivery.slice.last_day
    if first_day is None or last_day is None:
        raise GorodError(
            "a timetable without a period", "Put the month into the file name: timetable-2026-10.zip."
        )
    archive = delivery.paths[0]
    inside = {PurePosixPath(name).name for name in names_in(archive)}
    with in_memory(archive) as connection:
        columns = [*(name for name in TIMETABLE), *OWN]
        connection.execute(
            f"create table rows (position BIGINT, {', '.join(f'{quoted(name)} VARCHAR' for name in columns)})"
        )
        if "stop_times.txt" in inside or "trips.txt" in inside:
            timetable_gtfs.fill(connection, delivery, feed, out, first_day, last_day)
        elif not timetable_lists.fill(
            connection, archive, feed.max_delivery_bytes, fmt.encoding, first_day, last_day
        ):
            message = "В архиве нет ни расписания GTFS, ни расписаний по остановкам."
            raise DeliveryError(archive.name, [Reason("zip.members", message, NOT_A_TIMETABLE)])
        kept = ", ".join(quoted(name) for name in (*feed.kept_columns, *OWN))
        numbered = (
            f"select row_number() over (order by position) as row_no, {kept} from rows order by position"
        )
        return write_batch(connection, numbered, feed, out, pseudonym_key)
