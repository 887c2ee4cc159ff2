"""A row that is kept back is told with its place in the delivery: sheet and row of a workbook, with column and value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import xlsxwriter

from expectations.vocabulary import between
from pipelines.loading import gate
from tests.formats.reading import feed, read

COLUMNS = {"city": "text", "asked": "integer"}
LAYOUT = {"columns": {"city": {"header": "Город"}, "asked": {"header": "Обращения"}}, "leave_out": "Итого"}


def quarantine(path: Path, folder: Path) -> list[tuple[int, list[dict[str, Any]], dict[str, Any]]]:
    batch = read(path, feed({"kind": "workbook", "layouts": {"a": LAYOUT}}, COLUMNS))
    suite = [between("asked", 0, 1000, named="Обращения", mostly=0.1)]
    result = gate.evaluate(batch, suite, {}, folder)
    assert result.quarantine is not None
    with duckdb.connect() as connection:
        found = connection.execute(
            f"select * from read_parquet('{result.quarantine}') order by row_no"
        ).fetchall()
    return [(row_no, json.loads(reasons), json.loads(record)) for row_no, reasons, record in found]


def test_a_reason_names_sheet_row_column_and_value(tmp_path: Path) -> None:
    path = tmp_path / "услуги.xlsx"
    grid = [
        ["Услуги"],
        [],
        ["Город", "Обращения"],
        ["Брест", 5],
        ["Итого", 5],
        ["Гомель", 1001],
        ["Минск", "много"],
    ]
    grid += [["Гродно", number] for number in range(60)]
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Октябрь")
        for row, cells in enumerate(grid):
            sheet.write_row(row, 0, cells)
    (second, beyond, record), (third, unread, _) = quarantine(path, tmp_path)
    assert (second, third) == (2, 3)
    assert [(one["place"], one["column"], one["value"]) for one in beyond] == [
        ("лист «Октябрь», строка 6", "asked", "1001")
    ]
    assert [(one["place"], one["column"], one["value"]) for one in unread] == [
        ("лист «Октябрь», строка 7", "asked", "много")
    ]
    assert "ячейка B7" in unread[0]["says"]
    assert record["city"] == "Гомель"
