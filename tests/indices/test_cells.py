"""What stands in a table and is no value, and what may be meant otherwise: refused by its place, or told."""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import xlsxwriter

from pipelines.errors import GorodError
from pipelines.indices.observations import Observations
from pipelines.indices.read_observations import read_observations


def read(path: Path, **options: Any) -> tuple[Observations, list[str]]:
    notes: list[str] = []
    found = read_observations(path, ("a", "b"), required=("a",), add_note=notes.append, **options)
    return found, notes


def text(folder: Path, content: str, **options: Any) -> tuple[Observations, list[str]]:
    path = folder / "data.csv"
    path.write_text(content, encoding="utf-8", newline="")
    return read(path, **options)


def refused(folder: Path, content: str, **options: Any) -> str:
    with pytest.raises(GorodError) as error:
        text(folder, content, **options)
    assert error.value.remedy
    return f"{error.value.message}\n{error.value.remedy}"


def values(found: Observations, column: str = "a") -> list[float | None]:
    return [None if math.isnan(value) else value for value in found.numbers[column].tolist()]


# --- numbers


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("45.2 1", "a footnote mark follows the number"),
        ("4 5", "a space inside that does not separate thousands"),
        ("1 2 3 4", "a space inside that does not separate thousands"),
        ("12\u00a034", "a space inside that does not separate thousands"),
        ("1 234 5", "a space inside"),
        ("45*", "a footnote mark"),
        ("45¹", "a footnote mark"),
        ("45 1)", "a footnote mark"),
        ("45%", "a percent sign"),
        ("#Н/Д", "an error or a formula of a spreadsheet"),
        ("=A1+B1", "an error or a formula of a spreadsheet"),
        ("4О", "looks like a digit"),
        ("–5", "a dash instead of a minus"),
        ("1,234", "a thousand or a fraction"),
        ("9" * 400, "larger than can be stored"),
    ],
)
def test_what_is_no_number_is_refused_with_its_kind(tmp_path: Path, cell: str, told: str) -> None:
    message = refused(tmp_path, f"unit;a\nx;1\ny;{cell}\n")
    assert f"{tmp_path / 'data.csv'}: row 3, column a: " in message
    assert told in message


@pytest.mark.parametrize(
    ("cell", "value"),
    [("1 234", 1234), ("12\u202f345,5", 12345.5), ("\u22125", -5), (" 7 ", 7), ("0,125", 0.125), ("1234,567", 1234.567)],
)  # fmt: skip
def test_what_is_a_number_is_read(tmp_path: Path, cell: str, value: float) -> None:
    assert values(text(tmp_path, f"unit;a\nx;{cell}\n")[0]) == [value]


def test_who_says_that_commas_are_decimal_is_believed(tmp_path: Path) -> None:
    assert "--decimal-comma" in refused(tmp_path, "unit;a\nx;1,234\n")
    assert values(text(tmp_path, "unit;a\nx;1,234\n", decimal_comma=True)[0]) == [1.234]
    assert values(text(tmp_path, 'unit,a\nx,"1,5"\n', decimal_comma=True)[0]) == [1.5]
    assert "1.234" in refused(tmp_path, "unit;a\nx;1.234\n", decimal_comma=True)


# --- CSV as a whole


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('unit,a,"b\nx,1,2\ny,3,4\n', "row 1: cannot be read: a quote is opened and never closed"),
        ('unit,a,"b\nx,1,2\ny,3",4\nz,5,6\n', "row 4: 3 cells, but the header has 4"),
        ('unit,a\nx,1\n"y"z,2\n', "row 3: cannot be read"),
        ('unit,a\nx,1\ny"z,2\n', "row 3: cannot be read"),
        ("unit;a, b\nx;1,5\n", "row 1: ',' and ';' both give 2 columns"),
        ("unit,a\nx,1\0\n", "row 2: contains a zero byte"),
    ],
)
def test_a_table_that_can_be_split_in_two_ways_is_refused(tmp_path: Path, content: str, told: str) -> None:
    assert f"{tmp_path / 'data.csv'}: {told}" in refused(tmp_path, content)


def test_a_pipe_is_read_whole(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = Thread(target=pipe.write_bytes, args=[b"unit,a,b\nx,1,2\n"])
    writer.start()
    found, _ = read(pipe)
    writer.join()
    assert (found.units, values(found)) == (("x",), [1])


def test_line_breaks_inside_quotes_are_told_and_counted(tmp_path: Path) -> None:
    found, notes = text(tmp_path, 'unit,a,b\n"x\nof y",1,2\nz,2,3\n')
    assert found.units == ("x of y", "z")
    assert len(notes) == 1
    assert notes[0].startswith(f"{tmp_path / 'data.csv'}: row 2: line breaks are inside quotes")
    # a row is named by the line that it begins in
    assert "row 4, column a" in refused(tmp_path, 'unit,a\n"x\nof y",1\nz,many\n')


def test_the_separator_is_what_suits_every_row(tmp_path: Path) -> None:
    found, _ = text(tmp_path, "unit;a;Share, %, of all, in years\nx;1,5;7\n")
    assert values(found) == [1.5]


# --- what is a unit


def test_a_row_of_a_key_alone_is_told_and_left_out(tmp_path: Path) -> None:
    found, notes = text(tmp_path, "unit,size,a,b\nx,big,1,2\ny,,NA,\nw,small,,\nSource: a report,,,\n,,,\n")
    assert found.units == ("w", "x", "y")
    assert len(notes) == 1
    assert "row 5: ignored" in notes[0]


def test_a_value_without_a_unit_is_no_note(tmp_path: Path) -> None:
    assert "row 2, column unit: is empty" in refused(tmp_path, "unit,a,b\n,1,\n")


def test_titles_above_the_table_are_told_with_the_row_of_the_header(tmp_path: Path) -> None:
    assert "Row 3 has them" in refused(tmp_path, "Table 1,,\n,,\nunit,a,b\nx,1,2\n")


@pytest.mark.parametrize(
    "content",
    ["a,b\n1,2\n3,4\n", ",town,a\n0,x,1\n1,y,2\n", "year,a,b\n2018,1,2\n", ",town,a\n1,x,1\n2,y,2\n"],
)
def test_a_table_without_a_column_of_the_unit_is_refused(tmp_path: Path, content: str) -> None:
    message = refused(tmp_path, content)
    assert "no column identifies the unit" in message
    assert "--unit-column" in message


def test_a_column_cannot_be_two_things(tmp_path: Path) -> None:
    assert "column 'a' is read as an indicator" in refused(tmp_path, "unit,a\nx,1\n", unit_column="a")
    assert "both unit and period" in refused(
        tmp_path, "unit,y,a\nx,1,1\n", unit_column="y", period_column="y"
    )


def test_an_index_without_a_name_is_a_column_of_the_unit(tmp_path: Path) -> None:
    assert text(tmp_path, ",a,b\nx,1,2\ny,3,4\n")[0].units == ("x", "y")


@pytest.mark.parametrize(
    ("unit", "sign"),
    [
        ("BY-Н1", "character 4 is CYRILLIC CAPITAL LETTER EN, not LATIN CAPITAL LETTER H"),
        ("by-H1", "character 1 is LATIN SMALL LETTER B, not LATIN CAPITAL LETTER B"),
    ],
)
def test_units_that_look_the_same_are_refused_with_the_sign(tmp_path: Path, unit: str, sign: str) -> None:
    message = refused(tmp_path, f"unit,a\nBY-H1,1\n{unit},2\n")
    assert "row 3, column unit" in message
    assert "row 2" in message
    assert sign in message


@pytest.mark.parametrize("unit", ["Минск\u00a0", "Ми\u0301нск", "\ufeffМинск", "Ми\u00adнск"])
def test_one_name_in_two_spellings_of_the_computer_is_one_name(tmp_path: Path, unit: str) -> None:
    other = unit.replace("\u00a0", " ").replace("\ufeff", "").replace("\u00ad", "")
    assert "is already in row 2" in refused(tmp_path, f"unit,a\n{other},1\n{unit},2\n")


def test_a_column_of_look_alike_letters_is_named_by_its_sign(tmp_path: Path) -> None:
    message = refused(tmp_path, "unit,а,b\nx,1,2\n")
    assert (
        "there is no column a (is it а? character 1 is CYRILLIC SMALL LETTER A, not LATIN SMALL LETTER A)"
        in message
    )
    # also where it might be missing
    assert "looks like 'b' of the method" in refused(tmp_path, "unit,a,B\nx,1,2\n")


def test_an_indicator_in_two_spellings_of_a_long_table_is_refused(tmp_path: Path) -> None:
    message = refused(tmp_path, "unit,indicator,value\nx,a,1\ny,а,2\n")
    assert "row 3, column indicator: 'а' looks like 'a'" in message
    assert "row 2, column indicator: is empty" in refused(tmp_path, "unit,indicator,value\nx,,1\n")


def test_a_name_that_the_method_has_and_the_data_lack_is_told(tmp_path: Path) -> None:
    _, notes = text(tmp_path, "unit,a,bb\nx,1,2\n")
    assert len(notes) == 1
    assert "1 of 2 names of the method have no column and count as not reported: b (is it bb?)" in notes[0]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("x,1,2\nИтого,3,4\n", ["has the name of a total"]),
        ("x,1,2\ny,2,4\nz,3,8\nAll together,6,14\n", ["has the sum of all others"]),
        ("x,1,2\ny,2,4\nz,3,9\nBelarus,2,5\n", ["has the mean of all others"]),
        ("x,1,2\ny,2,4\nz,3,9\nw,6,14\n", []),
        ("x,5,1\ny,5,1\nz,5,1\nw,5,1\n", []),
        ("x,1,2\ny,3,6\n", []),
    ],
)
def test_what_looks_like_a_total_is_told_and_stays(tmp_path: Path, rows: str, told: list[str]) -> None:
    found, notes = text(tmp_path, f"unit,a,b\n{rows}")
    assert len(found) == rows.count("\n")
    assert [part for part in told if any(part in note for note in notes)] == told
    assert len(notes) == len(told)


# --- periods


def test_a_year_is_one_period_in_all_its_spellings(tmp_path: Path) -> None:
    found, _ = text(tmp_path, "unit,year,a\nx,2018,1\ny, 2018,2\nz,2018.0,3\nw,2018г.,4\nv,2018 год,5\n")
    assert set(found.periods) == {"2018"}
    assert "row 3: unit 'x', period 2018 is already in row 2, as '2018'" in refused(
        tmp_path, "unit,year,a\nx,2018,1\nx,2018 г.,2\n"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2018-Q1", "2018Q1"),
        ("2018-Q1", "I кв. 2018"),
        ("2018-Q2", "2 квартал 2018 г."),
        ("2018-01", "01.2018"),
        ("2018-01", "январь 2018"),
        ("2018-05", "май 2018 г."),
        ("2018-S1", "2018H1"),
        ("2018/19", "2018-19"),
        ("2018-01-01", "01.01.2018"),
        ("2018", "2018-01-01"),
    ],
)
def test_one_period_in_two_spellings_is_refused_with_both(tmp_path: Path, one: str, other: str) -> None:
    message = refused(tmp_path, f"unit,year,a\nx,{one},1\ny,{other},2\n")
    assert repr(one) in message
    assert repr(other) in message


def test_years_and_their_quarters_are_different_periods(tmp_path: Path) -> None:
    found, notes = text(tmp_path, "unit,year,a,b\nx,2018,1,1\nx,2018-Q1,2,1\nx,2018-Q2,3,1\nx,2018-01,4,1\n")
    assert (len(found), notes) == (4, [])


# --- workbooks


def book(folder: Path, fill: Callable[[Any, Any], None], rows: Sequence[Sequence[Any]] = ()) -> Path:
    path = folder / "data.xlsx"
    with xlsxwriter.Workbook(path) as made:
        sheet = made.add_worksheet("Лист")
        for number, row in enumerate(rows or [("unit", "a", "b"), ("x", 1, 2), ("y", 3, 4)]):
            sheet.write_row(number, 0, row)
        fill(made, sheet)
    return path


@pytest.mark.parametrize(
    ("fill", "told"),
    [
        (lambda _, sheet: sheet.write_formula("B3", "=1+1", None, ""), "a formula, but the file stores no result"),
        (lambda _, sheet: sheet.write_formula("B3", "=1+1"), "stores 0 and says that it has not been computed yet"),
        (lambda _, sheet: sheet.write_formula("B3", "=NA()", None, "#N/A"), "the error #N/A"),
        (lambda _, sheet: sheet.write_formula("B3", "=1/0", None, "#DIV/0!"), "the error #DIV/0!"),
        (lambda _, sheet: sheet.write_formula("B3", "=X", None, "#NAME?"), "the error #NAME?"),
        (lambda _, sheet: sheet.write_string("B3", "#ИМЯ?"), "an error or a formula of a spreadsheet"),
        (lambda _, sheet: sheet.write_boolean("B3", True), "is not a number (bool)"),
        (lambda made, sheet: sheet.write_datetime("B3", date(2024, 5, 1), made.add_format({"num_format": "d mmm"})),
         "contains a date or a time (2024-05-01 00:00:00)"),
        (lambda _, sheet: sheet.merge_range("B2:B3", 5), "is covered by the merged cells B2:B3"),
    ],
)  # fmt: skip
def test_a_cell_without_a_value_is_named_by_sheet_row_column_and_address(
    tmp_path: Path, fill: Callable[[Any, Any], None], told: str
) -> None:
    with pytest.raises(GorodError) as error:
        read(book(tmp_path, fill))
    place, _, said = error.value.message.partition("(cell B3): ")
    assert place.endswith("data.xlsx: sheet 'Лист': row 3, column a ")
    assert told in said


def test_a_formula_with_its_result_is_a_value(tmp_path: Path) -> None:
    found, notes = read(book(tmp_path, lambda _, sheet: sheet.write_formula("B3", "=1+1", None, 2.5)))
    assert (values(found), notes) == ([1, 2.5], [])


def test_what_stands_in_columns_that_are_not_read_hurts_nobody(tmp_path: Path) -> None:
    rows = [("unit", "a", "other"), ("x", 1, 2)]
    found, _ = read(book(tmp_path, lambda _, sheet: sheet.write_formula("C2", "=1/0", None, "#DIV/0!"), rows))
    assert values(found) == [1]


def test_what_is_hidden_or_shown_otherwise_is_told_and_read(tmp_path: Path) -> None:
    def fill(made: Any, sheet: Any) -> None:
        sheet.set_row(1, None, None, {"hidden": True})
        sheet.set_column("C:C", None, None, {"hidden": True})
        sheet.write_number("B3", 0.45, made.add_format({"num_format": "0%"}))
        sheet.write_number("C3", 1500, made.add_format({"num_format": "#,##0,"}))
        made.add_worksheet("Другой").write(0, 0, 1)

    found, notes = read(book(tmp_path, fill))
    assert (values(found), values(found, "b")) == ([1, 0.45], [2, 1500])
    told = "\n".join(notes)
    for part in ("'Лист' is read; not read: 'Другой'", "hidden row 2", "hidden columns are read like the others: C",
                 "column a, row 3: shown in per cent", "column b, row 3: shown in thousands or millions"):  # fmt: skip
        assert part in told


def test_the_first_sheet_that_is_shown_is_read_or_the_one_that_is_named(tmp_path: Path) -> None:
    def fill(made: Any, sheet: Any) -> None:
        other = made.add_worksheet("Данные")
        for number, row in enumerate([("unit", "a"), ("z", 9)]):
            other.write_row(number, 0, row)
        other.activate()
        other.set_first_sheet()
        sheet.hide()

    path = book(tmp_path, fill)
    assert read(path)[0].units == ("z",)
    assert read(path, sheet="Лист")[0].units == ("x", "y")
    with pytest.raises(GorodError, match="there is no sheet 'Лсит'"):
        read(path, sheet="Лсит")


def test_a_note_over_merged_cells_below_the_table_is_a_note(tmp_path: Path) -> None:
    found, notes = read(book(tmp_path, lambda _, sheet: sheet.merge_range("A5:C5", "Источник: отчёт")))
    assert found.units == ("x", "y")
    assert "row 5: ignored" in notes[0]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("data.xls", b"\xd0\xcf\x11\xe0", "is an old workbook"),
        ("data.ods", b"PK\x03\x04", "is an OpenDocument table"),
        ("data.csv", b"PK\x03\x04", "is a workbook or another ZIP archive by its content"),
        ("data.xlsx", b"\xd0\xcf\x11\xe0", "protected by a password"),
        ("data.csv", b"PAR1", "is Parquet by its content"),
        ("data.xlsx", b"unit,a\nx,1\n", "cannot be read as XLSX"),
    ],
)
def test_a_file_of_another_kind_is_told(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(GorodError, match=told):
        read(tmp_path / name)


def test_no_entity_of_a_workbook_is_unfolded(tmp_path: Path) -> None:
    sound, path = book(tmp_path, lambda *_: None), tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(sound) as given, zipfile.ZipFile(path, "w") as bomb:
        for name in given.namelist():
            content = given.read(name)
            if name == "xl/sharedStrings.xml":
                content = content.replace(
                    b"<sst", b'<!DOCTYPE sst [<!ENTITY a SYSTEM "/etc/passwd">]><sst', 1
                )
            bomb.writestr(name, content)
    with pytest.raises(GorodError, match="declares a document type"):
        read(path)
