"""Tables in workbooks: real ones as published, invented ones of every kind, and an oracle that knows what was written."""

from __future__ import annotations

import os
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
import xlwt
from hypothesis import given, settings
from hypothesis import strategies as st
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import CoveredTableCell, Table, TableCell, TableRow
from odf.text import P
from pydantic import ValidationError

from pipelines.declarations.workbooks import WorkbookFormat
from pipelines.errors import DeliveryError
from pipelines.formats import workbook, workbook_cells
from tests.formats.reading import errors, feed, read, rows, told
from tests.support.examples import examples

LAYOUT: dict[str, Any] = {
    "header_rows": 2,
    "columns": {
        "city": {"header": "Город", "fill_down": True},
        "kind": {"header": "Вид услуги"},
        "asked": {"header": "Обращения, (?P<unit>[а-я. ]+) всего", "units": {"ед.": "1", "тыс. ед.": "1000"}},
        "online": {"header": "Обращения, [а-я. ]+ из них через портал"},
        "until": {"title": r"на (?P<value>\d{2}\.\d{2}\.\d{4})"},
    },
    "ends_at": "Справочно|Исполнитель",
    "leave_out": "Итого.*|[0-9]",
}
COLUMNS = {
    "city": "text",
    "kind": "text",
    "asked": "decimal",
    "online": {"type": "integer", "missing": ["", "-", "н/д"]},
    "until": {"type": "date", "format": "%d.%m.%Y"},
}
FEED = feed({"kind": "workbook", "layouts": {"usual": LAYOUT}}, COLUMNS)
# a title, an empty row, a header of two rows, numbers of columns, groups, sums, a footer
TITLE = "Сведения об электронных услугах\nна 01.11.2026"
GRID: list[list[Any]] = [
    [TITLE],
    [],
    ["Город", "Вид услуги", "Обращения, \nтыс. ед.", None],
    [None, None, "всего", "из них через портал"],
    [1, 2, 3, 4],
    ["Брест", "справки", 1.25, 700],
    [None, "записи", "1\u00a0002,5", "-"],
    ["Итого по городу", None, 1003.75, 700],
    [],
    ["Гомель", "справки", 0.1 + 0.2, 31],
    ["Итого", None, 1004.05, 731],
    ["Справочно: данные предварительные", None, 5, 5],
    ["Пинск", "справки", 1, 1],
]
MERGED = [(0, 0, 0, 3), (2, 0, 3, 0), (2, 1, 3, 1), (2, 2, 2, 3), (5, 0, 6, 0)]
EXPECTED = [
    ("Брест", "справки", Decimal(1250), 700),
    ("Брест", "записи", Decimal(1002500), None),
    ("Гомель", "справки", Decimal(300), 31),
]


def write_xlsx(path: Path, grid: list[list[Any]] = GRID, sheet: str = "Лист1", merged: Any = MERGED) -> Path:
    with xlsxwriter.Workbook(path) as book:
        made = book.add_worksheet(sheet)
        for top, left, bottom, right in merged:
            made.merge_range(top, left, bottom, right, "")
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        for row, cells in enumerate(grid):
            for column, value in enumerate(cells):
                if isinstance(value, date):
                    made.write_datetime(row, column, value, day)
                elif value is not None:
                    made.write(row, column, value)
    return path


def write_xls(path: Path, grid: list[list[Any]] = GRID) -> Path:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Лист1")
    merged = {(top, left): (bottom, right) for top, left, bottom, right in MERGED}
    for row, cells in enumerate(grid):
        for column, value in enumerate(cells):
            if (row, column) in merged:
                bottom, right = merged[row, column]
                sheet.write_merge(row, bottom, column, right, value)
            elif value is not None:
                sheet.write(row, column, value)
    book.save(str(path))
    return path


def write_ods(path: Path, grid: list[list[Any]] = GRID) -> Path:
    book = OpenDocumentSpreadsheet()
    table = Table(name="Лист1")
    spans = {(top, left): (bottom - top + 1, right - left + 1) for top, left, bottom, right in MERGED}
    covered = {
        (row, column)
        for top, left, bottom, right in MERGED
        for row in range(top, bottom + 1)
        for column in range(left, right + 1)
    } - set(spans)
    for number, cells in enumerate(grid):
        row = TableRow()
        for column in range(4):
            value = cells[column] if column < len(cells) else None
            if (number, column) in covered:
                row.addElement(CoveredTableCell())
                continue
            rows_, columns = spans.get((number, column), (1, 1))
            given = {"numberrowsspanned": rows_, "numbercolumnsspanned": columns}
            if isinstance(value, int | float):
                cell = TableCell(valuetype="float", value=value, **given)
            else:
                cell = TableCell(valuetype="string", **given)
                for line in (value or "").split("\n") if value else ():
                    cell.addElement(P(text=line))
            row.addElement(cell)
        table.addElement(row)
    book.spreadsheet.addElement(table)
    book.save(str(path))
    return path


@pytest.mark.parametrize("write", [write_xlsx, write_xls, write_ods])
def test_a_table_is_found_between_titles_and_footers(write: Any, tmp_path: Path) -> None:
    found = rows(write(tmp_path / "услуги.bin"), FEED)
    assert [(row["city"], row["kind"], row["asked"], row["online"]) for row in found] == EXPECTED
    assert {row["until"] for row in found} == {date(2026, 11, 1)}
    assert [row["parse_errors"] for row in found] == [None] * 3
    assert [row["row_no"] for row in found] == [1, 2, 3]
    assert [row["row_place"] for row in found] == [f"лист «Лист1», строка {n}" for n in (6, 7, 10)]


def test_what_cannot_be_read_is_told_with_its_cell(tmp_path: Path) -> None:
    grid = [list(row) for row in GRID]
    grid[5][2], grid[6][3], grid[9][2] = "1.250", "7 из 8", datetime(2026, 1, 2)
    found = rows(write_xlsx(tmp_path / "a.xlsx", grid), FEED)
    said = [errors(row)[0] for row in found]
    assert [one["column"] for one in said] == ["asked", "online", "asked"]
    assert ["(ячейка C6)" in said[0]["expected"], "(ячейка D7)" in said[1]["expected"]] == [True, True]
    assert (said[0]["value"], said[1]["value"]) == ("1.250", "7 из 8")
    # a point among decimal commas is no number, never a thousandth of it
    assert [row["asked"] for row in found] == [None, Decimal(1002500), None]


def test_an_unknown_unit_or_header_refuses_the_workbook(tmp_path: Path) -> None:
    grid = [list(row) for row in GRID]
    grid[2][2] = "Обращения, млн"
    with pytest.raises(DeliveryError) as caught:
        read(write_xlsx(tmp_path / "a.xlsx", grid), FEED)
    assert "иная единица" in told(caught.value) and "«Лист1»" in told(caught.value)
    grid[2][0] = "Населённый пункт"
    with pytest.raises(DeliveryError) as caught:
        read(write_xlsx(tmp_path / "b.xlsx", grid), FEED)
    assert "нет столбца city" in told(caught.value)


def test_two_columns_of_one_header_are_refused(tmp_path: Path) -> None:
    grid = [["город", "город", "число"], ["Брест", "Гомель", 1]]
    declared = feed(
        {
            "kind": "workbook",
            "layouts": {"a": {"columns": {"city": {"header": "город"}, "n": {"header": "число"}}}},
        },
        {"city": "text", "n": "integer"},
    )
    with pytest.raises(DeliveryError) as caught:
        read(write_xlsx(tmp_path / "a.xlsx", grid, merged=[]), declared)
    assert "отвечают несколько столбцов: A, B" in told(caught.value)


YEARS = feed(
    {
        "kind": "workbook",
        "layouts": {
            "by year": {
                "columns": {"area": {"header": "Территория.*"}, "kind": {"header": "Пол"}},
                "unpivot": {"header": r"(?P<key>20\d\d)", "key": "year", "value": "people"},
                "leave_out": "Источник.*",
            }
        },
    },
    {"area": "text", "kind": "text", "year": "integer", "people": "integer"},
)


def test_columns_of_years_become_rows(tmp_path: Path) -> None:
    grid = [["Территория", "Пол", 2024, "2025"], ["Брест", "жен.", 10, 11], ["Гомель", "жен.", None, 21]]
    found = rows(write_xlsx(tmp_path / "a.xlsx", grid, merged=[]), YEARS)
    assert [(row["area"], row["year"], row["people"]) for row in found] == [
        ("Брест", 2024, 10), ("Брест", 2025, 11), ("Гомель", 2024, None), ("Гомель", 2025, 21),
    ]  # fmt: skip
    assert [row["row_no"] for row in found] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Файл пуст"),
        (b"<html><table>", "HTML"),
        (b"a;b\n1;2", "передан иной файл"),
        (b"PK\x03\x04 and no more", "не полностью"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "повреждена"),
    ],
)
def test_what_is_no_workbook_is_told(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    with pytest.raises(DeliveryError) as caught:
        read(path, FEED)
    assert said in told(caught.value)


def test_a_workbook_that_unpacks_to_too_much_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "LARGEST_UNPACKED", 100_000)
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 200_000)
    with pytest.raises(DeliveryError, match="слишком велика"):
        read(path, FEED)


def test_every_cut_of_a_workbook_is_refused(tmp_path: Path) -> None:
    whole = write_xlsx(tmp_path / "a.xlsx").read_bytes()
    for end in range(0, len(whole) - 1, 101):
        path = tmp_path / "cut.xlsx"
        path.write_bytes(whole[:end])
        with pytest.raises(DeliveryError):
            read(path, FEED)


def test_the_layout_of_the_period_is_used(tmp_path: Path) -> None:
    layouts = {
        "old": {"until": "2024-12-31", "columns": {"city": {"letter": "A"}, "n": {"header": "число"}}},
        "new": {"since": "2025-01-01", "columns": {"city": {"header": "город"}, "n": {"header": "всего"}}},
    }
    declared = feed({"kind": "workbook", "layouts": layouts}, {"city": "text", "n": "integer"})
    old = write_xlsx(tmp_path / "old.xlsx", [["x", "число"], ["Брест", 1]], merged=[])
    assert rows(old, declared, date(2024, 5, 1))[0]["n"] == 1
    with pytest.raises(DeliveryError) as caught:
        read(old, declared, date(2025, 5, 1))
    assert "(new, лист «Лист1»)" in told(caught.value) and "old" not in told(caught.value)
    new = write_xlsx(tmp_path / "new.xlsx", [["город", "всего"], ["Брест", 2]], merged=[])
    assert rows(new, declared, date(2025, 5, 1))[0]["n"] == 2


# what a spreadsheet can hold: 15 digits, and no more than six of them behind the point
# as many digits as a float holds, and as large as a decimal may be
NUMBERS = (
    st.integers(-(10**15) + 1, 10**15 - 1)
    .flatmap(lambda digits: st.integers(0, 6).map(lambda places: Decimal(digits).scaleb(-places)))
    .filter(lambda number: abs(number) < 10**12)
)
TEXTS = st.text(
    st.characters(categories=("L", "N", "P"), max_codepoint=0x4FF), min_size=1, max_size=12
).filter(
    lambda text: (
        not text.startswith(("=", "{")) and not workbook.re.match("Итого|Справочно|Исполнитель", text)
    )
)


@settings(max_examples=examples(40))
@given(
    st.lists(st.tuples(TEXTS, st.one_of(st.none(), NUMBERS), st.booleans()), min_size=1, max_size=8),
    st.integers(0, 5),
    st.integers(0, 3),
)
def test_what_was_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    table: list[tuple[str, Decimal | None, bool]],
    above: int,
    left: int,
) -> None:
    """The oracle is the generated table: wherever it stands, as number or as text with a comma."""
    path = tmp_path_factory.mktemp("a") / "a.xlsx"
    grid: list[list[Any]] = [["Заголовок"]] * above
    grid.append([None] * left + ["Имя", "Число"])
    for name, number, as_text in table:
        cell = None if number is None else f"{number:f}".replace(".", ",") if as_text else float(number)
        grid.append([None] * left + [name, cell])
    with xlsxwriter.Workbook(
        path, {"strings_to_numbers": False, "strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate(grid):
            for column, value in enumerate(cells):
                if isinstance(value, str):
                    sheet.write_string(row, column, value)
                elif value is not None:
                    sheet.write_number(row, column, value)
    declared = feed(
        {
            "kind": "workbook",
            "layouts": {"a": {"columns": {"name": {"header": "Имя"}, "n": {"header": "Число"}}}},
        },
        {"name": "text", "n": "decimal"},
    )
    found = rows(path, declared)
    assert [(row["name"], row["n"], row["parse_errors"]) for row in found] == [
        (name, number, None) for name, number, _ in table
    ]
    assert [row["row_place"] for row in found] == [
        f"лист «Sheet1», строка {above + 2 + number}" for number in range(len(table))
    ]


@pytest.mark.parametrize("number", [0, 25, 26, 51, 52, 701, 702, 16_383])
def test_letters_of_columns(number: int) -> None:
    assert workbook_cells.number_of(workbook_cells.letter(number)) == number
    assert (
        workbook_cells.letter(0) == "A"
        and workbook_cells.letter(26) == "AA"
        and workbook_cells.letter(16_383) == "XFD"
    )


@pytest.mark.parametrize(
    "layout",
    [
        {"columns": {"a": {"header": "("}}},
        {"columns": {"a": {}}},
        {"columns": {"a": {"header": "x", "letter": "B"}}},
        {"columns": {"a": {"header": "x", "units": {"км": "1"}}}},
        {"columns": {"a": {"header": "x (?P<unit>.*)"}}},
        {"columns": {"a": {"header": "x (?P<unit>.*)", "units": {"км": "много"}}}},
        {"columns": {"a": {"header": "x"}}, "unpivot": {"header": "x", "key": "a", "value": "b"}},
    ],
)
def test_a_layout_that_cannot_be_meant_is_refused(layout: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WorkbookFormat.model_validate({"layouts": {"a": layout}})


def test_a_layout_names_the_columns_of_its_feed() -> None:
    with pytest.raises(ValidationError, match="does not say where 'n' is"):
        feed(
            {"kind": "workbook", "layouts": {"a": {"columns": {"b": {"header": "x"}}}}},
            {"b": "text", "n": "text"},
        )
    with pytest.raises(ValidationError, match="not a column of the feed"):
        feed({"kind": "workbook", "layouts": {"a": {"columns": {"c": {"header": "x"}}}}}, {"b": "text"})


WAGES = feed(
    {
        "kind": "workbook",
        "layouts": {
            "january": {
                "columns": {
                    "activity": {"letter": "B"},
                    "wage": {
                        "header": r"Номинальная начисленная средняя заработная плата за \w+ 20\d\d г\., рублей"
                    },
                    "real_pct": {"header": "Реальная заработная плата в .*"},
                },
                "ends_at": r"\*|_",
            },
            "month beside year to date": {
                "header_rows": 3,
                "columns": {
                    "activity": {"letter": "B"},
                    "wage": {"header": r"Номинальная начисленная .*рублей [а-я]+ 20\d\d г\."},
                    "real_pct": {"header": r"Реальная заработная плата,.* года [а-я]+ 20\d\d г\."},
                },
            },
            "two languages": {
                "header_rows": 3,
                "columns": {
                    "activity": {"letter": "B"},
                    "wage": {
                        "header": r"Номинальная начисленная .* BYN [А-Я][а-я]+ / [A-Z][a-z]+ 20\d\d г\."
                    },
                    "real_pct": {"header": r"Реальная заработная плата,.*"},
                },
            },
        },
    },
    {"activity": "text", "wage": "decimal", "real_pct": {"type": "decimal", "missing": ["", "…", "-", "–"]}},
)
# row "Всего" of the month, as it is published elsewhere
TOTALS = {"2401": "1991.2", "2403": "2161.1", "2407": "2355.1", "2501": "2427.4"}


@pytest.mark.mirror
@pytest.mark.parametrize("month", TOTALS)
def test_the_workbooks_of_belstat_as_published(month: str, tmp_path: Path) -> None:
    name = f"nach_sr_zarplata-{month}.xlsx"
    path = tmp_path / name
    path.write_bytes((Path(os.environ["GOROD_MIRROR"]) / "belstat/workbooks" / name).read_bytes())
    found = rows(path, WAGES)
    (total,) = [row for row in found if row["activity"] and row["activity"].startswith("Всего")]
    assert total["wage"] == Decimal(TOTALS[month])
    # all of the table is read: more than 80 activities, each with a wage that a person can live on
    read_well = [row for row in found if row["wage"] is not None]
    assert len(read_well) > 80 and all(500 < row["wage"] < 15_000 for row in read_well)
    assert all(50 < row["real_pct"] < 200 for row in read_well if row["real_pct"] is not None)


@pytest.mark.mirror
def test_the_table_of_belstats_portal(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(
        (Path(os.environ["GOROD_MIRROR"]) / "belstat/population/dataportal_sample.xlsx").read_bytes()
    )
    found = rows(path, YEARS)
    first = [(row["year"], row["people"]) for row in found[:3]]
    assert first == [(2024, 199519), (2025, 185180), (2026, 171073)]
    assert {row["row_place"].partition(",")[0] for row in found} == {"лист «10101100003»"}
