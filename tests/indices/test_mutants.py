"""Tables and structures with something changed in them: what is read is what they say, or the error names the place."""

from __future__ import annotations

import io
import math
import re
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineError, CalamineWorkbook

from pipelines.errors import GorodError
from pipelines.indices.observations import Observations
from pipelines.indices.read_observations import read_observations
from pipelines.indices.read_structure import read_structure
from pipelines.indices.resolve import resolve
from pipelines.indices.structure import with_structure
from tests.indices.oracle import NotSaidError, name, number, records, table
from tests.indices.small import method

COLUMNS = ("speed", "price")
SIGNS = ['"', '""', ",", ";", "\t", "\n", "\r\n", "\r", " ", "\u00a0", "\u202f", "\u200b", "\ufeff", "0", "1", "12", "345", ".",
         "-", "\u2212", "–", "+", "e5", "%", "*", "¹", "1)", "'", "_", "#", "О", "O", "о", "з", "NA", "х", "\0", "1,234", "4 5",
         "\u0661", "=1+1", "#N/A", "inf", "unit", "year", "speed", "x", "\x1c", "\u2028"]  # fmt: skip
TABLES = [
    (",", 'unit,speed,price\nx,100,10.5\n"y, z",1 200,\nw,NA,0.25\nv,-3,7\n'),
    (";", "unit;year;speed;price\nx;2018;1,5;20\nx;2019;2,5;21\ny;2018;0,125;1 000,75\ny;2019;;-\n"),
    ("\t", 'city\tspeed\tnote\tprice\r\nМинск\t12,5\t"a ""b"""\t3\r\nБрест\t1\t\t4e2\r\nГомель\t..\tc\t5,0\r\n'),
]  # fmt: skip
# (kind of change, where, sign): where is a share of the text, so that shrinking leads somewhere
CHANGE = st.tuples(
    st.sampled_from(["insert", "delete", "replace", "repeat a line", "swap lines", "cut"]),
    st.floats(0, 1, exclude_max=True),
    st.sampled_from(SIGNS),
)


def changed(text: str, kind: str, share: float, sign: str) -> str:
    place = int(share * len(text))
    lines = text.splitlines(keepends=True)
    line = int(share * len(lines))
    match kind:
        case "insert":
            return text[:place] + sign + text[place:]
        case "delete":
            return text[:place] + text[place + 1 :]
        case "replace":
            return text[:place] + sign + text[place + 1 :]
        case "repeat a line":
            return "".join([*lines[: line + 1], *lines[line:]])
        case "swap lines":
            return "".join([*lines[:line], *lines[line + 1 :], *lines[line : line + 1]])
    return text[:place]


def mutated(text: str, changes: list[tuple[str, float, str]]) -> str:
    for change in changes:
        if text:
            text = changed(text, *change)
    return text


def found(observations: Observations) -> dict[tuple[str, str], dict[str, float | None]]:
    return {
        key: {
            column: None if math.isnan(values[row]) else float(values[row])
            for column, values in observations.numbers.items()
        }
        for row, key in enumerate(zip(observations.units, observations.periods, strict=True))
    }


def is_told(error: GorodError, path: Path) -> None:
    assert error.message.startswith(f"{path}:"), error.message
    assert error.remedy
    assert "Traceback" not in error.message


def a_table(folder: Path, delimiter: str, text: str) -> bool:
    """Whether a mutant is read; if it is, it has to be what it says."""
    path = folder / "data.csv"
    path.write_text(text, encoding="utf-8", newline="")
    try:
        given = read_observations(path, COLUMNS, required=COLUMNS)
    except GorodError as error:
        is_told(error, path)
        return False
    assert found(given) == table(text, delimiter, COLUMNS).values
    return True


@pytest.mark.parametrize(("delimiter", "text"), TABLES)
def test_the_oracle_reads_what_the_reader_reads(tmp_path: Path, delimiter: str, text: str) -> None:
    assert a_table(tmp_path, delimiter, text)


MUTANT = (st.sampled_from(TABLES), st.lists(CHANGE, min_size=1, max_size=3))


def _csv(base: tuple[str, str], changes: list[tuple[str, float, str]], folder: Path) -> None:
    delimiter, text = base
    try:
        a_table(folder, delimiter, mutated(text, changes))
    except NotSaidError as said:
        pytest.fail(f"read, although: {said}: {mutated(text, changes)!r}")


@settings(max_examples=25)
@given(*MUTANT)
def test_a_changed_table(
    tmp_path_factory: pytest.TempPathFactory, base: tuple[str, str], changes: list[tuple[str, float, str]]
) -> None:
    _csv(base, changes, tmp_path_factory.mktemp("csv"))


@pytest.mark.repeated
@pytest.mark.long
@settings(max_examples=20_000)
@given(*MUTANT)
def test_many_changed_tables(
    tmp_path_factory: pytest.TempPathFactory, base: tuple[str, str], changes: list[tuple[str, float, str]]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    _csv(base, changes, folder)


# --- workbooks: what each kind of cell has to be is known before it is written

REFUSED = object()
CELLS: dict[str, tuple[Any, Any]] = {
    "number": (12.5, 12.5), "zero": (0, 0.0), "text": ("1 200,5", 1200.5), "point": ("0.125", 0.125), "blank": (None, None),
    "NA": ("NA", None), "dash": ("–", None), "footnote": ("45.2 1", REFUSED), "thousands": ("1,234", REFUSED),
    "error as text": ("#Н/Д", REFUSED), "truth": (True, REFUSED), "day": (date(2024, 5, 1), REFUSED),
    "per cent": (("percent", 0.45), 0.45), "computed": (("formula", 7.5), 7.5), "computed text": (("formula", "8,25"), 8.25),
    "not computed": (("formula", ""), REFUSED), "to be computed": (("formula", 0), REFUSED),
    "error": (("formula", "#DIV/0!"), REFUSED), "no such name": (("formula", "#NAME?"), REFUSED), "word": ("many", REFUSED),
}  # fmt: skip
ROWS = st.lists(st.lists(st.sampled_from(sorted(CELLS)), min_size=2, max_size=2), min_size=1, max_size=4)


def write_book(path: Path | io.BytesIO, kinds: list[list[str]], top: int = 0, left: int = 0) -> None:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Данные")
        day, percent = book.add_format({"num_format": "dd.mm.yyyy"}), book.add_format({"num_format": "0.0%"})
        sheet.write_row(top, left, ["unit", *COLUMNS])
        for row, cells in enumerate(kinds, start=top + 1):
            sheet.write_string(row, left, f"u{row - top}")
            for column, kind in enumerate(cells, start=left + 1):
                match CELLS[kind][0]:
                    case ("formula", value):
                        sheet.write_formula(row, column, "=SUM(Z1:Z9)", None, value)
                    case ("percent", value):
                        sheet.write_number(row, column, value, percent)
                    case date() as value:
                        sheet.write_datetime(row, column, value, day)
                    case None:
                        sheet.write_blank(row, column, None, day)
                    case value:
                        sheet.write(row, column, value)


def _book(kinds: list[list[str]], top: int, left: int, folder: Path) -> None:
    path = folder / "data.xlsx"
    write_book(path, kinds, top, left)
    expected = [[CELLS[kind][1] for kind in row] for row in kinds]
    # what has a key and nothing beside it is a note, not a unit
    rows = {f"u{n}": row for n, row in enumerate(expected, start=1) if {*kinds[n - 1]} != {"blank"}}
    wrong = [
        (row, place)
        for row, cells in enumerate(expected)
        for place, cell in enumerate(cells)
        if cell is REFUSED
    ]
    try:
        given = read_observations(path, COLUMNS, required=COLUMNS)
    except GorodError as error:
        is_told(error, path)
        row, place = wrong[0]
        number, cell = top + row + 2, f"{'ABCDE'[left + 1 + place]}{top + row + 2}"
        assert f"sheet 'Данные': row {number}, column {COLUMNS[place]} (cell {cell})" in error.message
        return
    assert not wrong
    assert found(given) == {(unit, ""): dict(zip(COLUMNS, row, strict=True)) for unit, row in rows.items()}


BOOK = (ROWS, st.integers(0, 2), st.integers(0, 2))


@settings(max_examples=25)
@given(*BOOK)
def test_a_workbook_of_all_kinds_of_cells(
    tmp_path_factory: pytest.TempPathFactory, kinds: list[list[str]], top: int, left: int
) -> None:
    _book(kinds, top, left, tmp_path_factory.mktemp("xlsx"))


@pytest.mark.repeated
@pytest.mark.long
@settings(max_examples=2_000)
@given(*BOOK)
def test_many_workbooks(
    tmp_path_factory: pytest.TempPathFactory, kinds: list[list[str]], top: int, left: int
) -> None:
    _book(kinds, top, left, tmp_path_factory.getbasetemp())


PARTS = (
    "xl/worksheets/sheet1.xml",
    "xl/sharedStrings.xml",
    "xl/workbook.xml",
    "xl/styles.xml",
    "xl/_rels/workbook.xml.rels",
)
MARKUP = ["<", ">", '"', "/", " ", "r", "A1", "B9999999", 't="e"', 't="b"', 't="s"', "<v>", "</v>", "<f>", "1e999", "-1", "&",
          ";", "&#0;", "&lol;", '<!DOCTYPE a [<!ENTITY lol "x">]>', "\ud7ff", "99999999999999999999", "nan", "x:"]  # fmt: skip
TORN = (
    st.sampled_from(PARTS),
    st.lists(
        st.tuples(
            st.sampled_from(["insert", "delete", "replace", "cut"]),
            st.floats(0, 1, exclude_max=True),
            st.sampled_from(MARKUP),
        ),
        min_size=1, max_size=2,
    ),
)  # fmt: skip
SOUND = [["number", "text"], ["per cent", "computed"], ["NA", "zero"]]


def _torn(part: str, changes: list[tuple[str, float, str]], folder: Path) -> None:
    made, path = io.BytesIO(), folder / "torn.xlsx"
    write_book(made, SOUND)
    with zipfile.ZipFile(made) as given, zipfile.ZipFile(path, "w") as torn:
        for one in given.namelist():
            text = given.read(one).decode()
            torn.writestr(one, mutated(text, changes) if one == part else text)
    try:
        ours = found(read_observations(path, COLUMNS, required=COLUMNS))
    except GorodError as error:
        is_told(error, path)
        return
    try:
        rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    except (CalamineError, ValueError):
        return
    theirs = {str(row[0]): row[1:3] for row in rows[1:] if row[0] != ""}
    for (unit, _), values in ours.items():
        for cell, value in zip(theirs.get(unit, ()), values.values(), strict=False):
            # another programme reads the same number, if it reads one
            if isinstance(cell, float):
                assert value == cell


@settings(max_examples=25)
@given(*TORN)
def test_a_torn_workbook(
    tmp_path_factory: pytest.TempPathFactory, part: str, changes: list[tuple[str, float, str]]
) -> None:
    _torn(part, changes, tmp_path_factory.mktemp("torn"))


@pytest.mark.repeated
@pytest.mark.long
@settings(max_examples=3_000)
@given(*TORN)
def test_many_torn_workbooks(
    tmp_path_factory: pytest.TempPathFactory, part: str, changes: list[tuple[str, float, str]]
) -> None:
    _torn(part, changes, tmp_path_factory.getbasetemp())


# --- structures

STRUCTURE = "code,parent,weight,direction\nall,,1,up\nspeed,all,2.5,1\nprice,all,0.5,down\n"


def _structure(changes: list[tuple[str, float, str]], folder: Path) -> None:
    path, text = folder / "tree.csv", mutated(STRUCTURE, changes)
    path.write_text(text, encoding="utf-8", newline="")
    try:
        rows, whole = read_structure(path)
        resolve(
            with_structure(
                method({"code": "all", "nodes": [{"code": "speed"}, {"code": "price"}]}), rows, whole
            )
        )
    except GorodError as error:
        is_told(error, path)
        assert error.exit_code == 2
        return
    said = [list(map(name, row)) for row in records(text.lstrip("\ufeff"), ",")]
    header, *lines = [row for row in said if any(row)]
    header = [one.casefold() for one in header]
    expected = [dict(zip(header, line, strict=True)) for line in lines]
    assert [(row.code, row.parent or "") for row in rows] == [
        (line["code"], re.sub(r"(?i)^(na|n/a|-)$", "", line.get("parent", ""))) for line in expected
    ]
    for row, line in zip(rows, expected, strict=True):
        assert row.settings.get("weight") == number(line.get("weight", ""), commas=False)
        way = line.get("direction", "")
        assert row.settings.get("direction") == (
            None
            if way.casefold() in ("", "na")
            else "down"
            if way.lower() in ("down", "-1", "-", "\u22121")
            else "up"
        )


@settings(max_examples=25)
@given(st.lists(CHANGE, min_size=1, max_size=3))
def test_a_changed_structure(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, float, str]]
) -> None:
    _structure(changes, tmp_path_factory.mktemp("tree"))


@pytest.mark.repeated
@pytest.mark.long
@settings(max_examples=10_000)
@given(st.lists(CHANGE, min_size=1, max_size=3))
def test_many_changed_structures(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, float, str]]
) -> None:
    _structure(changes, tmp_path_factory.getbasetemp())
