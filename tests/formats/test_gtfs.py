"""Tables of a GTFS zip: good feeds of others, and broken ones of every kind."""

from __future__ import annotations

import csv
import io
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import DeliveryError
from tests.formats.reading import errors, feed, read, rows, told
from tests.support.examples import examples

STOPS: dict[str, Any] = {
    "stop_id": "text",
    "name": {"type": "text", "header": "stop_name"},
    "lat": {"type": "decimal", "header": "stop_lat", "rounded": True},
    "lon": {"type": "decimal", "header": "stop_lon", "rounded": True},
    "wheelchair": {"type": "integer", "header": "wheelchair_boarding", "required": False},
}
FEED = feed({"kind": "gtfs", "table": "stops"}, STOPS)
TABLE = (
    'stop_id,operator_note,stop_name,stop_lat,stop_lon\r\n1,"тайна, раз",Вокзал,53.9,27.5\r\n'
    '2,,"Пл. ""Победы""",53.91,27.58\r\n'
)


def archive(path: Path, **files: str | bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name.replace("__", "/") + ".txt", content)
    return path


def test_a_table_without_what_nobody_declared(tmp_path: Path) -> None:
    found = rows(archive(tmp_path / "gtfs.zip", stops="\ufeff" + TABLE, routes="x"), FEED)
    assert [(row["stop_id"], row["name"], str(row["lat"]), row["wheelchair"]) for row in found] == [
        ("1", "Вокзал", "53.900000", None), ("2", 'Пл. "Победы"', "53.910000", None),
    ]  # fmt: skip
    assert "тайна" not in str(found)


def test_a_row_that_is_none_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    table = TABLE + "3,x,Рынок,53.9\r\n4,x,Парк,53.9,27.6\r\n"
    found = rows(archive(tmp_path / "gtfs.zip", stops=table), FEED)
    assert [row["stop_id"] for row in found] == ["1", "2", None, "4"] and [
        row["row_no"] for row in found
    ] == [1, 2, 3, 4]
    assert errors(found[2])


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"routes": "x"}, "нет файла stops.txt"),
        ({"feed__stops": TABLE}, "в его корне"),
        ({"stops": ""}, "Файл пуст"),
        ({"stops": TABLE.replace("stop_lat", "latitude")}, "Нет столбца «stop_lat»"),
        ({"stops": TABLE.replace("operator_note", "stop_name")}, "повторяется"),
        ({"stops": TABLE.encode("cp1251")}, "кодировк"),
    ],
)
def test_what_is_no_such_table_is_refused(files: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(DeliveryError) as caught:
        read(archive(tmp_path / "gtfs.zip", **files), FEED)
    assert said in told(caught.value) and "тайна" not in told(caught.value)


def test_an_optional_table_may_be_absent(tmp_path: Path) -> None:
    declared = feed({"kind": "gtfs", "table": "stops", "optional": True}, STOPS)
    assert rows(archive(tmp_path / "gtfs.zip", routes="x"), declared) == []


def test_broken_archives_are_refused_and_bombs_are_not_unpacked(tmp_path: Path) -> None:
    whole = archive(tmp_path / "whole.zip", stops=TABLE * 50).read_bytes()
    path = tmp_path / "a.zip"
    for end in range(0, len(whole) - 22, 37):
        path.write_bytes(whole[:end])
        with pytest.raises(DeliveryError):
            read(path, FEED)
    for place in range(0, len(whole), 13):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            read(path, FEED)
        except DeliveryError as error:
            assert "тайна" not in told(error)
    small = feed({"kind": "gtfs", "table": "stops"}, STOPS, max_delivery_bytes=1_000_000)
    with pytest.raises(DeliveryError, match="больше 1000000 байт"):
        read(archive(path, stops=b"0" * 3_000_000), small)


WORDS = st.text(st.characters(categories=("L", "N", "P"), max_codepoint=0x4FF), max_size=10)


@settings(max_examples=examples(40))
@given(
    st.lists(st.tuples(WORDS, WORDS, WORDS), min_size=1, max_size=10),
    st.permutations(["stop_id", "stop_name", "own"]),
)
def test_pythons_csv_finds_the_same(
    tmp_path_factory: pytest.TempPathFactory, table: list[tuple[str, str, str]], order: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("a")
    text = io.StringIO()
    writer = csv.DictWriter(text, order, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(dict(zip(("stop_id", "stop_name", "own"), row, strict=True)) for row in table)
    declared = feed({"kind": "gtfs", "table": "stops"}, {name: STOPS[name] for name in ("stop_id", "name")})
    found = rows(archive(folder / "a.zip", stops=text.getvalue()), declared)
    text.seek(0)
    expected = [(row["stop_id"] or None, row["stop_name"] or None) for row in csv.DictReader(text)]
    assert [(row["stop_id"], row["name"]) for row in found] == expected


# of the feeds that others made to be found wrong, those whose stops.txt is no table of stops
UNREADABLE = {"utf16", "missing_column"}


@pytest.mark.mirror
def test_feeds_of_others_are_read_to_the_last_stop(tmp_path: Path) -> None:
    declared = feed(
        {"kind": "gtfs", "table": "stops"}, {name: STOPS[name] for name in ("stop_id", "name", "lat", "lon")}
    )
    read_well = set()
    for folder in sorted((Path(os.environ["GOROD_MIRROR"]) / "gtfs").iterdir()):
        if not (folder / "stops.txt").exists():
            continue
        path = tmp_path / f"{folder.name}.zip"
        with zipfile.ZipFile(path, "w") as made:
            for file in folder.glob("*.txt"):
                made.write(file, file.name)
        try:
            found = rows(path, declared)
        except DeliveryError:
            continue
        read_well.add(folder.name)
        with (folder / "stops.txt").open(encoding="utf-8-sig", newline="") as stream:
            expected = [row["stop_id"].strip() for row in csv.DictReader(stream) if any(row.values())]
        assert [row["stop_id"] for row in found if not errors(row)] == [
            stop for stop, row in zip(expected, found, strict=True) if not errors(row)
        ]
    assert "good_feed" in read_well and "utf8bom" in read_well and not read_well & UNREADABLE
