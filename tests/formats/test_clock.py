"""Dates with a time: an offset is kept or converted, the clock of Minsk as it went, in every format alike."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelines import formats
from pipelines.declarations.columns import Column
from pipelines.declarations.feeds import Feed
from pipelines.deliveries import Delivery, Slice
from pipelines.errors import GorodError
from pipelines.formats.clock import iso_sql
from pipelines.moments import MINSK, in_minsk, parse_as_of

COLUMN = {"type": "timestamp", "description": "d"}

SOUND = [
    # text, on the clock of Minsk, in UTC
    ("2024-07-01T10:00:00+03:00", "2024-07-01 10:00:00", "2024-07-01 07:00:00"),
    ("2024-07-01T10:00:00Z", "2024-07-01 13:00:00", "2024-07-01 10:00:00"),
    ("2024-07-01t10:00z", "2024-07-01 13:00:00", "2024-07-01 10:00:00"),
    ("2024-07-01 10:00:00+0530", "2024-07-01 07:30:00", "2024-07-01 04:30:00"),
    ("2024-07-01 23:30:00 -03", "2024-07-02 05:30:00", "2024-07-02 02:30:00"),
    ("2024-12-31T23:00:00.250Z", "2025-01-01 02:00:00.25", "2024-12-31 23:00:00.25"),
    ("2024-07-01T10:00:00.1234560Z", "2024-07-01 13:00:00.123456", "2024-07-01 10:00:00.123456"),
    ("2024-07-01 10:00", "2024-07-01 10:00:00", "2024-07-01 10:00:00"),
    ("2024-07-01", "2024-07-01 00:00:00", "2024-07-01 00:00:00"),
    # summer time until 2011: +03:00 in summer, +02:00 in winter
    ("2010-07-01T10:00:00Z", "2010-07-01 13:00:00", "2010-07-01 10:00:00"),
    ("2010-12-01T10:00:00Z", "2010-12-01 12:00:00", "2010-12-01 10:00:00"),
    ("2010-10-31T02:30:00+03:00", "2010-10-31 02:30:00", "2010-10-30 23:30:00"),
    ("2010-10-31T02:30:00+02:00", "2010-10-31 02:30:00", "2010-10-31 00:30:00"),
]
WRONG = [
    "2024-07-01T10:00:00+25:00", "2024-07-01T10:00:00 MSK", "2024-07-01T24:00:00", "2024-07-01T10:00:61Z",
    "2024-02-30T10:00:00Z", "2024-07-01Z", "2024-07-01T10:00:00.1234567Z", "1.7.2024 10:00", "infinity",
    "2024-07-01T10:00:00+3", "2024-7-1 10:00:00",
]  # fmt: skip


def moments(
    tmp_path: Path, texts: list[str], how: str, **about: Any
) -> list[tuple[datetime | None, str | None]]:
    """The values that a format reads, and what it says of those that it does not read."""
    column = {**COLUMN, **about}
    slice_ = Slice("", date(2024, 7, 1), date(2024, 7, 31))
    if how == "csv":
        path = tmp_path / "f.csv"
        path.write_text("\n".join(["at", *(f'"{text}"' for text in texts), ""]), encoding="utf-8")
        form: dict[str, Any] = {"kind": "csv"}
    elif how == "geojson":
        path = tmp_path / "f.geojson"
        features = [{"type": "Feature", "properties": {"at": text}, "geometry": None} for text in texts]
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
        form = {"kind": "geojson"}
    else:
        path = tmp_path / "page-00001.json"
        resources = [{"id": str(number), "at": text} for number, text in enumerate(texts)]
        path.write_text(json.dumps(resources), encoding="utf-8")
        told = {"base_url": "http://i/v4", "total": len(texts), "pages": 1}
        (tmp_path / "snapshot.json").write_text(json.dumps(told), encoding="utf-8")
        form = {"kind": "tmf639"}
    feed = Feed.model_validate(
        {
            "title": {"ru": "т", "be": "т", "en": "t"}, "description": "d", "cadence": "once", "origins": {},
            "format": form, "columns": {"at": column},
        }
    )  # fmt: skip
    names = (path.name,) if how != "tmf639" else (path.name, "snapshot.json")
    delivery = Delivery("d", "s", "f", "i", slice_, tmp_path, names, "", 0, "", "", synthetic=True)
    batch = formats.read(delivery, feed, tmp_path / "batch.parquet")
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"select \"at\", parse_errors from '{batch.path}' order by row_no"
        ).fetchall()
    return [(at, None if errors is None else json.loads(errors)[0]["expected"]) for at, errors in rows]


@pytest.mark.parametrize("how", ["csv", "geojson", "tmf639"])
@pytest.mark.parametrize("zone", ["Europe/Minsk", "UTC"])
def test_an_offset_is_converted_to_the_declared_clock(tmp_path: Path, how: str, zone: str) -> None:
    read = moments(tmp_path, [text for text, *_ in SOUND], how, time_zone=zone)
    wanted = [minsk if zone == "Europe/Minsk" else utc for _, minsk, utc in SOUND]
    assert read == [
        (datetime.fromisoformat(one.ljust(26, "0") if "." in one else one), None) for one in wanted
    ]


@pytest.mark.parametrize("how", ["csv", "geojson", "tmf639"])
def test_what_is_no_moment_is_not_read(tmp_path: Path, how: str) -> None:
    for at, told in moments(tmp_path, WRONG, how):
        assert at is None
        assert told is not None
        assert told.startswith("дата и время вида ГГГГ-ММ-ДД ЧЧ:ММ:СС")


@pytest.mark.parametrize("how", ["csv", "geojson", "tmf639"])
def test_a_time_that_the_clock_never_showed_or_showed_twice_is_refused_and_told(
    tmp_path: Path, how: str
) -> None:
    given = [
        "2010-03-28 02:30:00", "2010-10-31 02:30:00", "2010-03-28 03:00:00", "2010-10-31 03:00:00",
        "2010-03-28 01:59:59", "2011-03-27 02:30:00", "2011-10-30 02:30:00",
    ]  # fmt: skip
    skipped, twice, *sound, last_skipped, still = moments(tmp_path, given, how)
    for at, told in (skipped, last_skipped):
        assert at is None
        assert "по часам Europe/Minsk не было" in (told or "")
    assert twice[0] is None
    assert "было дважды: укажите смещение" in (twice[1] or "")
    assert [at for at, _ in sound] == [datetime.fromisoformat(text) for text in given[2:5]]
    assert still == (datetime(2011, 10, 30, 2, 30), None)  # from that year on the clock stays


def test_by_a_pattern_too(tmp_path: Path) -> None:
    read = moments(tmp_path, ["31.10.2010 02:30", "31.10.2010 12:30"], "csv", format="%d.%m.%Y %H:%M")
    assert "было дважды" in (read[0][1] or "")
    assert read[1] == (datetime(2010, 10, 31, 12, 30), None)
    utc = moments(tmp_path, ["31.10.2010 02:30"], "csv", format="%d.%m.%Y %H:%M", time_zone="UTC")
    assert utc == [(datetime(2010, 10, 31, 2, 30), None)]


@pytest.mark.parametrize("pattern", ["%Y-%m-%d %H:%M:%S%z", "%d.%m.%Y %H:%M %Z"])
def test_a_pattern_holds_no_offset(pattern: str) -> None:
    with pytest.raises(ValidationError, match="cannot contain an offset"):
        Column.model_validate({**COLUMN, "format": pattern})


@given(st.datetimes(datetime(1992, 1, 1), datetime(2030, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_the_database_and_python_read_one_clock(moment: datetime, minutes: int) -> None:
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    if hours == 14 and rest:
        rest = 0
    offset = f"{sign}{hours:02}:{rest:02}"
    text = f"{moment:%Y-%m-%d %H:%M:%S.%f}{offset}"
    told = datetime.fromisoformat(text).astimezone(ZoneInfo("Europe/Minsk")).replace(tzinfo=None)
    try:
        local = in_minsk(moment).replace(tzinfo=None)
    except ValueError:
        local = None
    with duckdb.connect() as connection:
        row = connection.execute(
            f"select {iso_sql('a', 'Europe/Minsk')}, {iso_sql('b', 'Europe/Minsk')}"
            " from (select $1::varchar as a, $2::varchar as b)",
            [text, f"{moment:%Y-%m-%d %H:%M:%S.%f}"],
        ).fetchone()
    assert row == (told, local)


def test_a_command_takes_no_moment_that_was_twice() -> None:
    with pytest.raises(GorodError, match="2010-10-31T02:30"):
        parse_as_of("2010-10-31T02:30")
    assert parse_as_of("2010-12-01T10:00").hour == 8
    assert datetime(2026, 1, 1, tzinfo=MINSK).utcoffset() == timedelta(hours=3)
