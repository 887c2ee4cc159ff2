"""A table in a workbook (XLSX, XLS, XLSB, ODS): where it begins and ends, and what its columns are, a layout says.

A layout is data (:mod:`pipelines.declarations.workbooks`). Each row of the batch knows its place (``row_place``): sheet and row
as the spreadsheet numbers them, so that a supplier finds the cell. What cannot be read as a number is told with its cell.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from pipelines.declarations.columns import Column
from pipelines.declarations.feeds import Feed
from pipelines.declarations.workbooks import Layout, SheetColumn, WorkbookFormat
from pipelines.deliveries import Batch, Delivery
from pipelines.errors import DeliveryError, Reason
from pipelines.formats.typed import expected, write_batch
from pipelines.numbers import Form, NotANumber, read_number

# Rows that are looked through for the header.
MOST_ABOVE = 200
# What a workbook may take when it is unpacked: it is in memory while it is read.
LARGEST_UNPACKED = 1_000_000_000
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
SAVE = "Откройте файл в Excel или LibreOffice и сохраните как XLSX."
Cells = Sequence[Any]


def read(delivery: Delivery, feed: Feed, fmt: WorkbookFormat, out: Path, pseudonym_key: str) -> Batch:
    """Read the table. ``row_no`` counts the rows of data from 1, through all sheets.

    Raises:
        DeliveryError: the file is no workbook, or no layout fits it.
    """
    path = delivery.paths[0]
    _refuse_what_is_no_workbook(path, feed)
    try:
        book = CalamineWorkbook.from_path(str(path))
        is_ods = zipfile.is_zipfile(path) and "content.xml" in zipfile.ZipFile(path).namelist()
        sheets = [
            _Sheet.of(book, meta, is_ods)
            for meta in book.sheets_metadata
            if meta.typ == SheetTypeEnum.WorkSheet
        ]
    except PasswordError:
        raise _refused(
            path, "file.format", "Книга защищена паролем.", "Снимите пароль и передайте снова."
        ) from None
    # what the library says of a broken file may quote it
    except (CalamineError, ValueError, KeyError, OverflowError):
        raise _refused(path, "file.whole", "Книга повреждена: она не открывается.", SAVE) from None
    tables = _tables(path, sheets, fmt, delivery.slice.first_day)
    rows = [row for table in tables for row in table.rows(feed, fmt)]
    texts = [*feed.kept_columns, "row_place", "broken", "broken_column", "broken_value"]
    schema = pa.schema([("row_no", pa.int64()), *((name, pa.string()) for name in texts)])
    numbered = [{**row, "row_no": number} for number, row in enumerate(rows, 1)]
    with duckdb.connect() as connection:
        connection.register("cells", pa.Table.from_pylist(numbered, schema))
        facts = {"layout": tables[0].layout_name, "sheets": [table.sheet.name for table in tables]}
        return write_batch(connection, "select * from cells", feed, out, pseudonym_key, facts)


def _refuse_what_is_no_workbook(path: Path, feed: Feed) -> None:
    size = path.stat().st_size
    if size == 0:
        raise _refused(path, "file.not_empty", "Файл пуст.", "Выгрузите файл заново.")
    if size > feed.max_delivery_bytes:
        message = f"Файл слишком велик: {size} байт, принимается не больше {feed.max_delivery_bytes}."
        raise _refused(path, "file.size", message, "Разделите выгрузку по периодам.")
    with path.open("rb") as stream:
        start = stream.read(8)
    if start.startswith(ZIP):
        try:
            with zipfile.ZipFile(path) as archive:
                unpacked = sum(member.file_size for member in archive.infolist())
        except (zipfile.BadZipFile, ValueError, OSError):
            raise _refused(path, "file.whole", "Книга передана не полностью или повреждена.", SAVE) from None
        if unpacked > LARGEST_UNPACKED:
            message = f"Книга слишком велика: в распакованном виде {unpacked} байт."
            raise _refused(path, "file.size", message, "Разделите выгрузку по периодам, уберите рисунки.")
    elif start != OLE:
        given = (
            "страница HTML или XML, хотя и с названием книги"
            if start.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"<")
            else "иной файл"
        )
        raise _refused(
            path,
            "file.format",
            f"Ожидается книга XLSX, XLS или ODS, передан{'а' if 'стр' in given else ''} {given}.",
            SAVE,
        )


def _refused(path: Path, expectation: str, message: str, remedy: str) -> DeliveryError:
    return DeliveryError(path.name, [Reason(expectation, message, remedy)])


def _plain(value: Any) -> str:
    """The text of a cell, runs of blanks and line ends as one blank."""
    return re.sub(r"\s+", " ", cell_text(value) or "").strip()


def cell_text(value: Any) -> str | None:
    """What a cell shows, as the readers take it; None for an empty one."""
    match value:
        case None | "":
            return None
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            # a spreadsheet shows 15 digits: 0.1 + 0.2 is 0.3 there
            text = format(Decimal(format(value, ".15g")), "f")
            return text.rstrip("0").rstrip(".") if "." in text else text
        case datetime():
            return value.isoformat(" ", "seconds" if not value.microsecond else "microseconds")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value.total_seconds())
        case _:
            return str(value)


@dataclass(frozen=True)
class _Sheet:
    """A sheet as a grid from A1 on; merged cells as ranges of rows and columns, from 0."""

    name: str
    hidden: bool
    grid: list[list[Any]]
    merged: tuple[tuple[tuple[int, int], tuple[int, int]], ...]
    # of ODS it is not known which cells are merged: a header goes on to the right until the next one
    is_ods: bool = False

    @staticmethod
    def of(book: CalamineWorkbook, meta: Any, is_ods: bool) -> _Sheet:
        sheet = book.get_sheet_by_name(meta.name)
        merged = tuple(sheet.merged_cell_ranges or ())
        hidden = meta.visible != SheetVisibleEnum.Visible
        return _Sheet(meta.name, hidden, sheet.to_python(skip_empty_area=False), merged, is_ods)

    @cached_property
    def spread(self) -> list[list[str]]:
        """The texts of the rows that may hold a header, merged cells in each of their places."""
        rows = [[_plain(value) for value in row] for row in self.grid[: MOST_ABOVE + 20]]
        for (top, left), (bottom, right) in self.merged:
            for row in range(top, min(bottom + 1, len(rows))):
                for column in range(left, min(right + 1, len(rows[row]))):
                    rows[row][column] = rows[top][left] if (row, column) != (top, left) else rows[row][column]
        return rows

    def header(self, top: int, count: int) -> list[str]:
        """What stands above each column: texts from the top, each once where a merged cell goes over rows."""
        width = max((len(row) for row in self.grid), default=0)
        texts: list[list[str]] = [[] for _ in range(width)]
        for number, row in enumerate(self.spread[top : top + count], 1):
            last = ""
            for column, given in enumerate(row):
                text = last = given or (last if self.is_ods and number < count else "")
                if text and (not texts[column] or texts[column][-1] != text):
                    texts[column].append(text)
        return [" ".join(parts) for parts in texts]


@dataclass(frozen=True)
class _Table:
    """A sheet that a layout fits: where the data begin, and in which column each value stands."""

    sheet: _Sheet
    layout_name: str
    layout: Layout
    first_row: int
    places: dict[str, int]
    constants: dict[str, str]
    factors: dict[str, Decimal]
    unpivoted: tuple[tuple[int, str], ...] = ()

    def rows(self, feed: Feed, fmt: WorkbookFormat) -> Iterator[dict[str, Any]]:
        """The rows of data as texts."""
        above: dict[str, Any] = {}
        for number, cells in enumerate(self.sheet.grid[self.first_row :], self.first_row):
            texts = [text for value in cells if (text := _plain(value))]
            if not texts:
                continue
            if self.layout.ends_at and re.match(self.layout.ends_at, texts[0]):
                return
            if self.layout.leave_out and re.fullmatch(self.layout.leave_out, texts[0]):
                continue
            values = {name: cells[at] if at < len(cells) else None for name, at in self.places.items()}
            for name, about in self.layout.columns.items():
                if about.fill_down and name in values:
                    if cell_text(values[name]) is None:
                        values[name] = above.get(name)
                    above[name] = values[name]
            for at, key in self.unpivoted or ((None, None),):
                one = dict(values)
                letters = {name: letter(place) for name, place in self.places.items()}
                if at is not None and self.layout.unpivot is not None:
                    one |= {
                        self.layout.unpivot.key: key,
                        self.layout.unpivot.value: cells[at] if at < len(cells) else None,
                    }
                    letters[self.layout.unpivot.value] = letter(at)
                yield self._row(one, number, letters, feed, fmt)

    def _row(
        self, values: dict[str, Any], number: int, letters: dict[str, str], feed: Feed, fmt: WorkbookFormat
    ) -> dict[str, Any]:
        row: dict[str, Any] = {"row_place": f"лист «{self.sheet.name}», строка {number + 1}"}
        for name, column in feed.kept_columns.items():
            value = values.get(name, self.constants.get(name))
            text, fault = _written(value, column, self.factors.get(name), fmt)
            row[name] = text
            if fault and "broken" not in row:
                cell = f" (ячейка {letters[name]}{number + 1})" if name in letters else ""
                row |= {"broken": fault + cell, "broken_column": name, "broken_value": cell_text(value)}
        return row


def _written(
    value: Any, column: Column, factor: Decimal | None, fmt: WorkbookFormat
) -> tuple[str | None, str | None]:
    """The text of a cell as the column's type takes it, and what was expected where it cannot."""
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


def letter(column: int) -> str:
    """The letters of a column, from 0: A, B … Z, AA."""
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def number_of(letters: str) -> int:
    """The column of its letters, from 0."""
    number = 0
    for one in letters:
        number = number * 26 + ord(one) - ord("A") + 1
    return number - 1


@dataclass
class _Mismatch:
    """What a layout does not find in a sheet."""

    sheet: str
    layout: str
    reasons: list[str] = field(default_factory=list)


def _tables(path: Path, sheets: list[_Sheet], fmt: WorkbookFormat, day: date | None) -> list[_Table]:
    """The sheets of the first layout that fits.

    Raises:
        DeliveryError: none does; what each lacks is told.
    """
    mismatches: list[_Mismatch] = []
    for name, layout in fmt.layouts.items():
        if day is not None and not (layout.since or date.min) <= day <= (layout.until or date.max):
            continue
        named = [sheet for sheet in sheets if re.fullmatch(layout.sheets, sheet.name)]
        if layout.sheets == ".*":
            named = [sheet for sheet in named if not sheet.hidden]
        if not named:
            mismatches.append(_Mismatch("", name, [f"нет листа с названием по образцу {layout.sheets}"]))
        found: list[_Table] = []
        missed: list[_Mismatch] = []
        for sheet in named:
            table = _fitting(sheet, name, layout)
            if isinstance(table, _Table):
                found.append(table)
                if not layout.several:
                    return found
            else:
                missed.append(table)
        if layout.several and found and not missed:
            return found
        mismatches += missed
    if not mismatches:
        message = f"Для периода этой выгрузки ({day}) не описано, как расположена таблица."
        remedy = "Обратитесь к администратору хранилища: описание таблицы (layouts) дополняется."
        raise _refused(path, "workbook.layout", message, remedy)
    reasons = [
        Reason(
            "workbook.layout",
            f"Таблица расположена не так, как описано ({one.layout}{f', лист «{one.sheet}»' if one.sheet else ''}): "
            + "; ".join(one.reasons[:5])
            + ".",
            "Верните прежний вид таблицы или сообщите о новом: описание (layouts) дополняется без программирования.",
        )
        for one in mismatches[:10]
    ]
    raise DeliveryError(path.name, reasons)


def _fitting(sheet: _Sheet, name: str, layout: Layout) -> _Table | _Mismatch:
    """The table of a sheet, or what the nearest place of a header lacks."""
    nearest: list[str] | None = None
    for top in range(min(len(sheet.grid), MOST_ABOVE)):
        if not any(sheet.spread[top]):
            continue
        found = _at(sheet, name, layout, top)
        if isinstance(found, _Table):
            return found
        if nearest is None or len(found) < len(nearest):
            nearest = found
    return _Mismatch(sheet.name, name, ["лист пуст"] if nearest is None else nearest)


def _at(sheet: _Sheet, name: str, layout: Layout, top: int) -> _Table | list[str]:
    """The table whose header begins in row ``top``, or what is missing there."""
    header = sheet.header(top, layout.header_rows)
    places: dict[str, int] = {}
    factors: dict[str, Decimal] = {}
    constants: dict[str, str] = {}
    lacking: list[str] = []
    for column, about in layout.columns.items():
        if about.letter is not None:
            places[column] = number_of(about.letter)
        elif about.header is not None:
            matches = [
                (at, match) for at, text in enumerate(header) if (match := re.fullmatch(about.header, text))
            ]
            if len(matches) > 1:
                letters = ", ".join(letter(at) for at, _ in matches)
                lacking.append(f"заголовку столбца {column} отвечают несколько столбцов: {letters}")
            elif matches:
                places[column], match = matches[0]
                if about.units:
                    unit = match["unit"]
                    if unit not in about.units:
                        lacking.append(
                            f"в заголовке столбца {column} иная единица, чем {', '.join(about.units)}"
                        )
                    else:
                        factors[column] = Decimal(about.units[unit])
            elif not about.optional:
                lacking.append(f"нет столбца {column} (заголовок по образцу {about.header})")
        else:
            value = _constant(sheet, about, top, header)
            if value is not None:
                constants[column] = value
            elif not about.optional:
                place = "над таблицей и в заголовке" if about.title else "в названии листа"
                lacking.append(f"{place} нет того, что даёт {column} ({about.title or about.sheet})")
    unpivoted: list[tuple[int, str]] = []
    if layout.unpivot is not None:
        unpivoted = [
            (at, match["key"])
            for at, text in enumerate(header)
            if (match := re.fullmatch(layout.unpivot.header, text)) and at not in places.values()
        ]
        if not unpivoted:
            lacking.append(f"нет столбцов по образцу {layout.unpivot.header}")
    if lacking:
        return lacking
    first = top + layout.header_rows
    return _Table(sheet, name, layout, first, places, constants, factors, tuple(unpivoted))


def _constant(sheet: _Sheet, about: SheetColumn, top: int, header: Sequence[str]) -> str | None:
    pattern = about.title or about.sheet or ""
    above = [text for row in sheet.spread[:top] for text in row if text]
    texts = [sheet.name] if about.sheet else [*above, *header]
    for text in texts:
        if match := re.search(pattern, text):
            return match["value"] if "value" in match.re.groupindex else match[0]
    return None
