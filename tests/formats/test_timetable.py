"""Timetables as objects of a month: in GTFS and as lists of departures; figures are worked out by hand."""

from __future__ import annotations

import os
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines import formats
from pipelines.declarations.common import PlacedError
from pipelines.declarations.timetables import TIMETABLE
from pipelines.deliveries import Delivery, parse_slice
from pipelines.errors import DeliveryError
from tests.formats.reading import feed, told

COLUMNS: dict[str, Any] = {
    name: {"type": kind, "rounded": True} if kind == "decimal" else kind for name, kind in TIMETABLE.items()
}
FEED = feed({"kind": "timetable"}, COLUMNS, file_pattern=r"timetable-(?P<period>\d{4}-\d{2})\.zip")
# three stops on a meridian, a hundredth of a degree (1.112 km) apart
GTFS = {
    "stops.txt": "stop_id,stop_name,stop_lat,stop_lon\nA,А,52.00,23.70\nB,Б,52.01,23.70\nC,В,52.02,23.70\n",
    "routes.txt": "route_id,route_short_name,route_type\n1,1,3\n2,2,11\n",
    "calendar.txt": (
        "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
        "WD,1,1,1,1,1,0,0,20260101,20261231\nSU,0,0,0,0,0,0,1,20260101,20261231\n"
    ),
    # Monday, 5 October, is no working day; Saturday, 10 October, is one
    "calendar_dates.txt": "service_id,date,exception_type\nWD,20261005,2\nWD,20261010,1\n",
    "trips.txt": "route_id,service_id,trip_id,direction_id\n1,WD,t1,0\n1,WD,t2,0\n1,SU,t3,0\n2,WD,t4,0\n",
    "stop_times.txt": (
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
        "t1,08:00:00,08:00:00,A,1\nt1,,,B,5\nt1,08:10:00,08:10:00,C,9\n"
        "t2,23:50:00,23:50:00,A,1\nt2,24:00:00,24:01:00,B,2\nt2,24:10:00,24:10:00,C,3\n"
        "t3,09:00:00,09:00:00,A,1\nt3,09:10:00,09:10:00,C,2\n"
        "t4,06:00:00,06:00:00,B,1\nt4,06:06:00,06:06:00,C,2\n"
    ),
    "frequencies.txt": "trip_id,start_time,end_time,headway_secs\nt4,06:00:00,07:00:00,1200\n",
}
LEG_KM = Decimal("1.112")
# working days of October 2026, with the exchanged Saturday; Sundays
WORKDAYS, SUNDAYS = 22, 4


def packed(folder: Path, files: dict[str, str | bytes], name: str = "timetable-2026-10.zip") -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in files.items():
            archive.writestr(member, content)
    return path


def objects(path: Path) -> list[dict[str, Any]]:
    found = FEED.file_pattern and path.stem.removeprefix("timetable-")
    delivery = Delivery(
        "d", "s", "f", "i", parse_slice(found, None), path.parent, (path.name,), "", 0, "", "", synthetic=True
    )
    out = path.with_suffix(".parquet")
    formats.read(delivery, FEED, out)
    assert not list(path.parent.glob("*.parquet.*"))
    with duckdb.connect() as connection:
        rows = connection.execute(f"from read_parquet('{out}') order by row_no")
        names = [one[0] for one in rows.description]
        return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]


def of(rows: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {row["code"]: row for row in rows if row["object"] == kind}


def test_gtfs_becomes_the_figures_of_a_month(tmp_path: Path) -> None:
    rows = objects(packed(tmp_path, dict(GTFS)))
    assert [row["parse_errors"] for row in rows if row["parse_errors"]] == []
    stops, routes, trips, calls = (of(rows, kind) for kind in ("stop", "route", "trip", "call"))
    assert [stops[code]["service_days"] for code in "ABC"] == [
        WORKDAYS + SUNDAYS,
        WORKDAYS,
        WORKDAYS + SUNDAYS,
    ]
    assert trips["t1"]["runs"] == WORKDAYS and trips["t3"]["runs"] == SUNDAYS
    # 6:00, 6:20, 6:40
    assert trips["t4"]["runs"] == 3 * WORKDAYS
    assert trips["t4"]["vehicle_hours"] == Decimal("0.1") * 3 * WORKDAYS
    assert trips["t2"]["vehicle_hours"] == pytest.approx(Decimal(20) / 60 * WORKDAYS, abs=Decimal("0.001"))
    assert trips["t1"]["length_km"] == 2 * LEG_KM
    assert calls["1/0/A"]["departures"] == 2 * WORKDAYS + SUNDAYS
    assert calls["1/0/A"]["intervals"] == WORKDAYS
    assert calls["1/0/A"]["span_minutes"] == (15 * 60 + 50) * WORKDAYS
    # t1 leaves B half way between 8:00 and 8:10, by number of stops; t2 at 24:01
    assert calls["1/0/B"]["span_minutes"] == (24 * 60 + 1 - 8 * 60 - 5) * WORKDAYS
    assert calls["2/0/B"]["intervals"] == 2 * WORKDAYS and calls["2/0/B"]["mode"] == "trolleybus"
    # nobody boards at the last stop
    assert "1/0/C" not in calls and stops["C"]["departures"] == 0
    # the way from B to C is route 1's; on Sundays it goes from A to C without B
    assert [routes[code]["length_km"] for code in "12"] == [2 * LEG_KM, LEG_KM]
    assert [routes[code]["network_km"] for code in "12"] == [4 * LEG_KM, 0]
    assert trips["t1"]["calendar_ends"] == date(2026, 12, 31)


def test_the_line_of_a_trip_is_its_length(tmp_path: Path) -> None:
    shapes = (
        "shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\ns,52.00,23.70,1\ns,52.00,23.71,2\n"
        "s,52.02,23.71,3\ns,52.02,23.70,4\n"
    )
    trips = "route_id,service_id,trip_id,direction_id,shape_id\n1,WD,t1,0,s\n"
    rows = of(objects(packed(tmp_path, GTFS | {"shapes.txt": shapes, "trips.txt": trips})), "trip")
    # a hundredth of a degree of longitude is 0.685 km at 52 degrees north
    assert rows["t1"]["length_km"] == pytest.approx(2 * LEG_KM + 2 * Decimal("0.685"), abs=Decimal("0.002"))


@pytest.mark.parametrize(
    ("table", "was", "becomes", "column", "said"),
    [
        ("trips.txt", "1,WD,t1", "9,WD,t1", "missing_reference", "маршрут 9"),
        ("trips.txt", "1,WD,t1", "1,XX,t1", "missing_reference", "календарь XX"),
        ("stop_times.txt", "t1,,,B,5", "t1,,,Z,5", "missing_reference", "остановка Z"),
        ("stop_times.txt", "t1,08:10:00", "t1,07:10:00", "time_fault", "убывает на остановке № 3"),
        ("stop_times.txt", "t1,08:00:00,08:00:00", "t1,,", "time_fault", "нет времени"),
        ("stop_times.txt", "t1,08:00:00,08:00:00,A,1\nt1,,,B,5\n", "", "time_fault", "одна остановка"),
    ],
)
def test_a_trip_that_cannot_be_says_why_and_adds_nothing(
    table: str, was: str, becomes: str, column: str, said: str, tmp_path: Path
) -> None:
    rows = objects(packed(tmp_path, GTFS | {table: GTFS[table].replace(was, becomes, 1)}))
    trip = of(rows, "trip")["t1"]
    assert said in trip[column] and trip["runs"] == 0
    assert of(rows, "call")["1/0/A"]["departures"] == WORKDAYS + SUNDAYS


def test_a_stop_far_away_and_a_trip_too_fast_are_measured(tmp_path: Path) -> None:
    rows = objects(packed(tmp_path, GTFS | {"stops.txt": GTFS["stops.txt"].replace("52.02", "53.02")}))
    assert of(rows, "stop")["C"]["km_from_centre"] > 100
    assert of(rows, "trip")["t1"]["fastest_kmh"] > 150 > of(rows, "trip")["t1"]["length_km"]


@pytest.mark.parametrize(
    ("table", "was", "becomes", "said"),
    [
        ("calendar.txt", "20260101", "2026-01-01", "ГГГГММДД"),
        ("stop_times.txt", "t1,08:00:00", "t1,8.00", "ЧЧ:ММ:СС"),
        ("stops.txt", "52.01", "52,01", "столбц"),
        ("stops.txt", "52.01", "5201", "градусах"),
        ("frequencies.txt", "1200", "0", "headway_secs"),
        ("routes.txt", "2,2,11", "2,2,bus", "route_type"),
    ],
)
def test_a_row_that_means_nothing_is_told_with_its_line(
    table: str, was: str, becomes: str, said: str, tmp_path: Path
) -> None:
    rows = objects(packed(tmp_path, GTFS | {table: GTFS[table].replace(was, becomes, 1)}))
    (fault,) = [row for row in rows if row["parse_errors"]]
    line = 1 + GTFS[table][: GTFS[table].index(was)].count("\n")
    assert said in fault["parse_errors"] and fault["row_place"] == f"{table}, строка {line}"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({name: text for name, text in GTFS.items() if name != "stop_times.txt"}, "stop_times.txt"),
        ({name: text for name, text in GTFS.items() if not name.startswith("calendar")}, "calendar.txt"),
        (GTFS | {"stops.txt": GTFS["stops.txt"].encode("utf-16")}, "stops.txt"),
        ({"readme.txt": "a"}, "нет ни расписания GTFS"),
    ],
)
def test_what_is_no_timetable_is_refused(files: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(DeliveryError) as caught:
        objects(packed(tmp_path, files))
    assert said in told(caught.value) + str(caught.value)


LISTS = (
    "\\bus 2-А\r\n\\busstop ВОКЗАЛ \r\n\\day w\r\n\\from busstop\r\n6.00 6.30 23.30 0.10\r\n"
    "\\day h\r\n\\from busstop\r\n8.00.\r\n"
    "\r\n\\busstop ЗАВОД\r\n\\day a\r\n\\from busstop\r\n7.00 7.20\r\n"
)


def test_lists_of_departures_become_the_same_objects(tmp_path: Path) -> None:
    rows = objects(packed(tmp_path, {"borisov/2-A.txt": LISTS.encode("cp1251"), "borisov/buses.tr": b"name"}))
    calls = of(rows, "call")
    # October 2026: 22 days from Monday to Friday, 9 of the weekend
    station = calls["2-А/ВОКЗАЛ"]
    assert (station["departures"], station["intervals"]) == (4 * 22 + 9, 3 * 22)
    assert station["span_minutes"] == (18 * 60 + 10) * 22
    assert calls["2-А/ЗАВОД"]["span_minutes"] == 20 * 31
    assert [row["service_days"] for row in of(rows, "stop").values()] == [31, 31]
    assert [(row["name"], row["service_days"], row["length_km"]) for row in of(rows, "route").values()] == [
        ("2-А", 31, None)
    ]
    assert station["row_place"] == "2-A.txt, строка 5"


@pytest.mark.parametrize(
    ("was", "becomes", "line", "said"),
    [
        ("6.30", "6:30", 5, "Ч.ММ"),
        ("6.30", "5.30", 5, "по возрастанию"),
        ("\\day w", "\\day x", 3, "будни"),
        ("\\bus 2-А\r\n", "\\route 2-А\r\n", 1, "\\bus"),
    ],
)
def test_a_line_that_means_nothing_is_told(
    was: str, becomes: str, line: int, said: str, tmp_path: Path
) -> None:
    text = LISTS.replace(was, becomes, 1) + ("\\bus 3\r\n\\busstop А\r\n\\day a\r\n5.00\r\n")
    faults = [
        row for row in objects(packed(tmp_path, {"a.txt": text.encode("cp1251")})) if row["parse_errors"]
    ]
    assert faults[0]["row_place"] == f"a.txt, строка {line}"
    assert said.replace("\\", "\\\\") in faults[0]["parse_errors"]


def test_lists_in_another_encoding_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError) as caught:
        objects(packed(tmp_path, {"a.txt": b"\xef\xbb\xbf" + LISTS.encode()}))
    assert "cp1251" in told(caught.value)


def test_a_column_that_the_format_does_not_give_is_an_error() -> None:
    with pytest.raises((PlacedError, ValueError), match="lenght_km"):
        feed({"kind": "timetable"}, {"lenght_km": "decimal"}, file_pattern=r"a-(?P<period>\d{4}-\d{2})\.zip")
    with pytest.raises((PlacedError, ValueError), match="period"):
        feed({"kind": "timetable"}, {"code": "text"}, file_pattern=r"a\.zip")


MIRROR = os.environ.get("GOROD_MIRROR")


def packed_folder(folder: Path, to: Path, month: str) -> Path:
    files: dict[str, str | bytes] = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    return packed(to, files, f"timetable-{month}.zip")


@pytest.mark.mirror
@pytest.mark.skipif(not MIRROR, reason="GOROD_MIRROR is not set")
def test_the_good_feed_of_others_has_the_figures_that_it_says(tmp_path: Path) -> None:
    rows = objects(packed_folder(Path(str(MIRROR), "gtfs", "good_feed"), tmp_path, "2007-06"))
    assert [row for row in rows if row["parse_errors"] or row["missing_reference"] or row["time_fault"]] == []
    # the service is not there on 4 June; every half hour from 6:00 to 22:00
    assert of(rows, "trip")["STBA"]["runs"] == 29 * 32
    # every half hour or ten minutes: 4 + 12 + 12 + 18 + 6 a day
    assert of(rows, "trip")["CITY1"]["runs"] == 29 * 52
    assert of(rows, "trip")["AAMV1"]["runs"] == 9
    assert "BEATTY_AIRPORT_STATION" not in of(rows, "stop")


@pytest.mark.mirror
@pytest.mark.skipif(not MIRROR, reason="GOROD_MIRROR is not set")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("bad_date_format", "ГГГГММДД"),
        ("undefined_stop", "остановка NADAR"),
        ("extra_row_cells", "столбцов больше"),
        ("missing_column", None),
        ("missing_stop_times", None),
        ("utf16", None),
    ],
)
def test_the_bad_feeds_of_others_are_told(name: str, said: str | None, tmp_path: Path) -> None:
    path = packed_folder(Path(str(MIRROR), "gtfs", name), tmp_path, "2007-06")
    if said is None:
        with pytest.raises(DeliveryError):
            objects(path)
        return
    assert said in "".join(f"{row['parse_errors']} {row['missing_reference']}" for row in objects(path))


@pytest.mark.mirror
@pytest.mark.skipif(not MIRROR, reason="GOROD_MIRROR is not set")
def test_the_timetables_of_borisov_are_read_whole(tmp_path: Path) -> None:
    folder = Path(str(MIRROR), "borisov_timetables", "borisov")
    rows = objects(packed_folder(folder, tmp_path, "2026-10"))
    assert [row for row in rows if row["parse_errors"]] == []
    texts = [path.read_bytes().decode("cp1251") for path in folder.glob("*.txt")]
    assert len(of(rows, "route")) == sum(text.count("\\bus ") for text in texts)
    assert len(of(rows, "call")) == sum(text.count("\\busstop ") for text in texts)
    # route 1 from the station, each day: as many as stand in its line
    line = (folder / "1.txt").read_text("cp1251").split("\\from busstop")[1].splitlines()[1]
    assert of(rows, "call")["1/ВОКЗАЛ"]["departures"] == 31 * len(line.split())
