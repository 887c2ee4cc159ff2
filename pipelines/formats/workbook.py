"""A table in a workbook (XLSX, XLS, XLSB, ODS): a layout describes where it begins and ends, and its columns.

A layout is declared (:mod:`pipelines.declarations.workbooks`). Each row of the batch has its place (``row_place``): sheet and row
as the spreadsheet numbers them, so that a supplier finds the cell. A value that cannot be read is reported with its cell.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum

from pipelines.declarations.columns import Column
from pipelines.declarations.feeds import Feed
from pipelines.declarations.workbooks import WorkbookFormat
from pipelines.deliveries import Batch, Delivery
from pipelines.formats.typed import expected, write_batch
from pipelines.formats.workbook_cells import Sheet, cell_text, letter, plain_text
from pipelines.formats.workbook_layout import Table, find_tables, refused
from pipelines.memory import in_memory
from pipelines.numbers import Form, NotANumber, read_number

# The largest unpacked size: a workbook is in memory while it is read.
LARGEST_UNPACKED = 1_000_000_000
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
SAVE = "Откройте файл в Excel или LibreOffice и сохраните как XLSX."


def read(delivery: Delivery, feed: Feed, fmt: WorkbookFormat, out: Path, pseudonym_key: str) -> Batch:
    """Read the table. ``row_no`` counts the data rows from 1, across all sheets.

    Raises:
        DeliveryError: the file is not a workbook, or no layout fits it.
    """
    path = delivery.paths[0]
    attached = None
    if fmt.archive and (members := package_members(path)) is not None:
        path, attached = (
            _unpacked(path, members, out.parent),
            [name for name in members if not is_workbook(name)],
        )
    _refuse_other_files(path, feed)
    try:
        book = CalamineWorkbook.from_path(str(path))
        is_ods = zipfile.is_zipfile(path) and "content.xml" in zipfile.ZipFile(path).namelist()
        sheets = [
            Sheet.of(book, meta, is_ods)
            for meta in book.sheets_metadata
            if meta.typ == SheetTypeEnum.WorkSheet
        ]
    except PasswordError:
        raise refused(
            path, "file.format", "Книга защищена паролем.", "Снимите пароль и передайте снова."
        ) from None
    # the library's message about a broken file may quote its content
    except (CalamineError, ValueError, KeyError, OverflowError):
        raise refused(path, "file.whole", "Книга повреждена: она не открывается.", SAVE) from None
    tables = find_tables(path, sheets, fmt, delivery.slice.first_day)
    rows = [row for table in tables for row in _rows(table, feed, fmt)]
    texts = [*feed.kept_columns, "row_place", "broken", "broken_column", "broken_value"]
    schema = pa.schema([("row_no", pa.int64()), *((name, pa.string()) for name in texts)])
    numbered = [{**row, "row_no": number} for number, row in enumerate(rows, 1)]
    with in_memory(path) as connection:
        connection.register("cells", pa.Table.from_pylist(numbered, schema))
        facts = {"layout": tables[0].layout_name, "sheets": [table.sheet.name for table in tables]}
        if attached is not None:
            facts["attached"] = attached
        return write_batch(connection, "select * from cells", feed, out, pseudonym_key, facts)


def package_members(path: Path) -> list[str] | None:
    """Names of the files in a ZIP archive that is not itself a workbook; None for anything else."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [one.filename for one in archive.infolist() if not one.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError):
        return None
    return None if {"[Content_Types].xml", "mimetype", "content.xml"} & set(names) else sorted(names)


def is_workbook(name: str) -> bool:
    return name.lower().endswith((".xlsx", ".xls", ".xlsb", ".ods"))


def _unpacked(path: Path, members: list[str], folder: Path) -> Path:
    """The one workbook of an archive, in a folder.

    Raises:
        DeliveryError: there is none, there are several, or it cannot be unpacked.
    """
    books = [name for name in members if is_workbook(name)]
    if len(books) != 1:
        found = f"их {len(books)}: {', '.join(books[:5])}" if books else "её нет"
        raise refused(
            path,
            "archive.one_form",
            f"В архиве должна быть одна книга (XLSX) с ответами; {found}.",
            "Вложите одну заполненную форму, подтверждения – файлами иного вида (PDF, JPG).",
        )
    target = folder / Path(books[0]).name
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST_UNPACKED:
                message = "Архив слишком велик в распакованном виде."
                raise refused(path, "file.size", message, "Уменьшите файлы подтверждений.")
            target.write_bytes(archive.read(books[0]))
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError, EOFError):
        message = "Архив повреждён или защищён паролем."
        raise refused(path, "file.whole", message, "Соберите архив ZIP заново, без пароля.") from None
    return target


def _refuse_other_files(path: Path, feed: Feed) -> None:
    size = path.stat().st_size
    if size == 0:
        raise refused(path, "file.not_empty", "Файл пуст.", "Выгрузите файл заново.")
    if size > feed.max_delivery_bytes:
        message = f"Файл слишком велик: {size} байт, принимается не больше {feed.max_delivery_bytes}."
        raise refused(path, "file.size", message, "Разделите выгрузку по периодам.")
    with path.open("rb") as stream:
        start = stream.read(8)
    if start.startswith(ZIP):
        try:
            with zipfile.ZipFile(path) as archive:
                unpacked = sum(member.file_size for member in archive.infolist())
        except (zipfile.BadZipFile, ValueError, OSError):
            raise refused(path, "file.whole", "Книга передана не полностью или повреждена.", SAVE) from None
        if unpacked > LARGEST_UNPACKED:
            message = f"Книга слишком велика: в распакованном виде {unpacked} байт."
            raise refused(path, "file.size", message, "Разделите выгрузку по периодам, уберите рисунки.")
    elif start != OLE:
        given = (
            "страница HTML или XML, хотя и с названием книги"
            if start.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"<")
            else "иной файл"
        )
        raise refused(
            path,
            "file.format",
            f"Ожидается книга XLSX, XLS или ODS, передан{'а' if 'стр' in given else ''} {given}.",
            SAVE,
        )


def _rows(table: Table, feed: Feed, fmt: WorkbookFormat) -> Iterator[dict[str, Any]]:
    """The data rows as texts."""
    above: dict[str, Any] = {}
    for number, cells in enumerate(table.sheet.grid[table.first_row :], table.first_row):
        texts = [text for value in cells if (text := plain_text(value))]
        if not texts:
            continue
        if table.layout.ends_at and re.match(table.layout.ends_at, texts[0]):
            return
        if table.layout.leave_out and re.fullmatch(table.layout.leave_out, texts[0]):
            continue
        values = {name: cells[at] if at < len(cells) else None for name, at in table.places.items()}
        for name, about in table.layout.columns.items():
            if about.fill_down and name in values:
                if cell_text(values[name]) is None:
                    values[name] = above.get(name)
                above[name] = values[name]
        for at, key in table.unpivoted or ((None, None),):
            one = dict(values)
            letters = {name: letter(place) for name, place in table.places.items()}
            if at is not None and table.layout.unpivot is not None:
                one |= {
                    table.layout.unpivot.key: key,
                    table.layout.unpivot.value: cells[at] if at < len(cells) else None,
                }
                letters[table.layout.unpivot.value] = letter(at)
            yield _row(table, one, number, letters, feed, fmt)


def _row(
    table: Table,
    values: dict[str, Any],
    number: int,
    letters: dict[str, str],
    feed: Feed,
    fmt: WorkbookFormat,
) -> dict[str, Any]:
    row: dict[str, Any] = {"row_place": f"лист «{table.sheet.name}», строка {number + 1}"}
    for name, column in feed.kept_columns.items():
        value = values.get(name, table.constants.get(name))
        text, fault = _written(value, column, table.factors.get(name), fmt)
        row[name] = text
        if fault and "broken" not in row:
            cell = f" (ячейка {letters[name]}{number + 1})" if name in letters else ""
            row |= {"broken": fault + cell, "broken_column": name, "broken_value": cell_text(value)}
    return row


def _written(
    value: Any, column: Column, factor: Decimal | None, fmt: WorkbookFormat
) -> tuple[str | None, str | None]:
    """The text of a cell as the column's type needs it; or what was expected, if it cannot be read."""
    text = cell_text(value)
    if text is None or text.strip() in column.missing:
        return None, None
    if isinstance(value, datetime | date) and column.type in ("date", "timestamp"):
        if column.format:
            return value.strftime(column.format), None
        if column.type == "date" and isinstance(value, datetime) and value.time() == time():
            return value.date().isoformat(), None
        return text, None
    if column.type not in ("integer", "decimal"):
        return text, None
    if isinstance(value, bool | datetime | date | time | timedelta):
        return None, f"{expected(column)}; дано: дата, время или логическое значение"
    if isinstance(value, str):
        mark: Literal[".", ","] = "," if fmt.decimal_comma else "."
        given = read_number(value, Form(mark, grouping=True, places=None))
        if isinstance(given, NotANumber):
            return None, f"{expected(column, mark)}; дано: {given.ru}"
        text = given
    return (text if factor is None else format(Decimal(text) * factor, "f")), None
