"""Lists of departures by stop, as timetable programs for telephones keep them: text files of lines that begin with a backslash.

    \\bus 2-А
    \\busstop ВОКЗАЛ
    \\day w
    \\from busstop
    6.12 6.34 23.20 0.25

``\\day`` is ``a`` (each day), ``w`` (Monday to Friday) or ``h`` (Saturday and Sunday). A time after midnight belongs to the day
before. Vehicles' trips, ways and places are not in it, so it has no figures of them.
"""

from __future__ import annotations

import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path, PurePosixPath

import duckdb
import pyarrow as pa

from pipelines.declarations.timetables import TIMETABLE
from pipelines.encodings import CALLED, Encoding
from pipelines.errors import DeliveryError, Reason
from pipelines.formats.archive import broken

DAYS = {"a": range(7), "w": range(5), "h": range(5, 7)}
LINE = re.compile(r"\\(?P<word>[a-z]+)\s*(?P<value>.*)")
# a full stop at the end of a list is one of the sentence
TIME = re.compile(r"(?P<hour>[0-9]|[01][0-9]|2[0-9])\.(?P<minute>[0-5][0-9])\.?")
# later than this before the last one, a time is of the next day
NIGHT = 12 * 60
DAY = 24 * 60


@dataclass
class _Lists:
    """Departures of each (route, stop) by kind of day, in minutes, and what could not be read."""

    departures: dict[tuple[str, str], dict[str, list[int]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    places: dict[tuple[str, str], str] = field(default_factory=dict)
    faults: list[dict[str, str]] = field(default_factory=list)


def fill(
    connection: duckdb.DuckDBPyConnection,
    archive: Path,
    largest: int,
    encoding: Encoding,
    first: date,
    last: date,
) -> bool:
    """Fill the table ``rows`` with the objects of the days from ``first`` to ``last``; False if the zip has no lists.

    Raises:
        DeliveryError: a file is in another encoding, or the zip is broken or too large.
    """
    lists = _Lists()
    for name, text in _texts(archive, largest, encoding):
        if "\\bus" in text:
            _read(name, text, lists)
    if not lists.departures:
        return False
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    found = list(_objects(lists, days))
    names = [*TIMETABLE, "row_place", "broken"]
    columns = {name: pa.array([row.get(name) for row in found], pa.string()) for name in names}
    connection.register("objects", pa.table({"position": pa.array(range(len(found)), pa.int64()), **columns}))
    connection.execute("insert into rows by name select * from objects")
    return True


def _texts(archive: Path, largest: int, encoding: Encoding) -> Iterator[tuple[str, str]]:
    size = 0
    try:
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                if info.is_dir() or not info.filename.endswith(".txt"):
                    continue
                size += info.file_size
                if size > largest:
                    message = f"Файлы архива в распакованном виде больше {largest} байт."
                    raise DeliveryError(
                        archive.name, [Reason("file.size", message, "Передайте только расписания.")]
                    )
                content = opened.read(info)
                yield PurePosixPath(info.filename).name, _decoded(archive.name, content, encoding)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError):
        raise broken(archive.name) from None


def _decoded(file: str, content: bytes, encoding: Encoding) -> str:
    if encoding != "utf-8" and content.startswith(b"\xef\xbb\xbf"):
        is_other = True
    else:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            is_other = True
    assert is_other
    message = f"Расписание не в кодировке {CALLED[encoding]}."
    raise DeliveryError(
        file, [Reason("file.encoding", message, f"Сохраните файлы в кодировке {CALLED[encoding]}.")]
    )


def _read(file: str, text: str, lists: _Lists) -> None:
    route = stop = day = ""
    for number, raw in enumerate(text.splitlines(), start=1):
        line, place = raw.strip(), f"{file}, строка {number}"
        if not line:
            continue
        if found := LINE.fullmatch(line):
            value = " ".join(found["value"].split())
            match found["word"]:
                case "bus":
                    route, stop, day = value, "", ""
                case "busstop":
                    stop, day = value, ""
                case "day":
                    day = value
                    if day not in DAYS:
                        lists.faults.append(
                            _fault(place, route, stop, "\\day: a – ежедневно, w – будни, h – выходные")
                        )
                case "from":
                    pass
                case _:
                    lists.faults.append(
                        _fault(place, route, stop, "строка \\bus, \\busstop, \\day или \\from")
                    )
            continue
        if not (route and stop and day in DAYS):
            lists.faults.append(
                _fault(place, route, stop, "время стоит под строками \\bus, \\busstop и \\day")
            )
            continue
        lists.places.setdefault((route, stop), place)
        _take_times(line, place, route, stop, lists.departures[route, stop][day], lists)


def _take_times(line: str, place: str, route: str, stop: str, times: list[int], lists: _Lists) -> None:
    for word in line.split():
        found = TIME.fullmatch(word)
        if not found:
            lists.faults.append(_fault(place, route, stop, f"время вида Ч.ММ; дано: {word[:20]}"))
            continue
        minute = int(found["hour"]) * 60 + int(found["minute"])
        before = times[-1] if times else minute
        while minute < before and before - minute > NIGHT:
            minute += DAY
        if minute < before:
            lists.faults.append(_fault(place, route, stop, f"время по возрастанию; дано: {word}"))
            continue
        times.append(minute)


def _objects(lists: _Lists, days: list[date]) -> Iterator[dict[str, str]]:
    """Stops, routes and calls with their figures, then what could not be read."""
    calls = []
    served: dict[tuple[str, str], set[date]] = defaultdict(set)
    for (route, stop), by_kind in sorted(lists.departures.items()):
        figures = {"service_days": 0, "departures": 0, "intervals": 0, "span_minutes": 0}
        for day in days:
            times = sorted(
                time for kind, listed in by_kind.items() if day.weekday() in DAYS[kind] for time in listed
            )
            if times:
                served["stop", stop].add(day)
                served["route", route].add(day)
                figures["service_days"] += 1
                figures["departures"] += len(times)
                figures["intervals"] += len(times) - 1
                figures["span_minutes"] += times[-1] - times[0]
        calls.append(
            {"object": "call", "code": f"{route}/{stop}", "route": route, "mode": "bus", "row_place": lists.places[route, stop]}
            | {name: str(Decimal(figure)) for name, figure in figures.items()}
        )  # fmt: skip
    departures: dict[str, int] = defaultdict(int)
    for call, (_, stop) in zip(calls, sorted(lists.departures), strict=True):
        departures[stop] += int(call["departures"])
    for stop in sorted({stop for _, stop in lists.departures}):
        yield {
            "object": "stop", "code": stop, "name": stop, "service_days": str(len(served["stop", stop])),
            "departures": str(departures[stop]), "row_place": f"остановка {stop}",
        }  # fmt: skip
    for route in sorted({route for route, _ in lists.departures}):
        yield {
            "object": "route", "code": route, "name": route, "route": route, "mode": "bus",
            "service_days": str(len(served["route", route])), "row_place": f"маршрут {route}",
        }  # fmt: skip
    yield from calls
    yield from lists.faults


def _fault(place: str, route: str, stop: str, wanted: str) -> dict[str, str]:
    return {
        "object": "line",
        "code": f"{route}/{stop}",
        "route": route,
        "row_place": place,
        "broken": wanted,
    }
