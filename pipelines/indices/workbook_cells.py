"""The cells of a workbook's sheet: their values as they are displayed, dates and formats included."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class Odd:
    """A cell without a readable value: what it is, and what to do. ``is_blank``: it displays nothing itself."""

    description: str
    remedy: str
    is_blank: bool = False


@dataclass
class Book:
    """The cells of one sheet by row and column, both from 1, and notes about it."""

    name: str
    unread: Sequence[str]
    cells: dict[tuple[int, int], Any] = field(default_factory=dict)
    shown: dict[tuple[int, int], str] = field(default_factory=dict)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)


def letters(column: int) -> str:
    """The letters of a column: 1 is A, 28 is AB."""
    text = ""
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


Attributes = dict[str, str]


def local_name(name: str) -> str:
    return name.rpartition(":")[2]


class WorkbookReader:
    """Contents of ``workbook.xml``."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, str, str]] = []
        self.from_1904 = False
        self.is_to_be_computed = False

    def start(self, element: str, given: Attributes) -> None:
        if element == "sheet":
            self.sheets.append((given["name"], given.get("state", "visible"), given["id"]))
        elif element == "workbookPr":
            self.from_1904 = given.get("date1904") in ("1", "true")
        elif element == "calcPr":
            self.is_to_be_computed = given.get("fullCalcOnLoad") in ("1", "true")


class TextReader:
    """The text in ``t`` tags; phonetic hints above the text are left out."""

    def __init__(self) -> None:
        self.text = ""
        self.is_open = False
        self.sounds = 0

    def start(self, element: str) -> None:
        self.sounds += element == "rPh"
        self.is_open = element == "t" and not self.sounds

    def end(self, element: str) -> None:
        self.sounds -= element == "rPh"
        self.is_open = False

    def data(self, text: str) -> None:
        if self.is_open:
            self.text += text


class CellReader:
    """The cells of a sheet, collected while its XML is parsed."""

    def __init__(
        self, book: Book, texts: Sequence[str], formats: Sequence[str], about: WorkbookReader
    ) -> None:
        self.book, self.texts, self.formats, self.about = book, texts, formats, about
        self.row = self.column = 0
        self.given: Attributes = {}
        self.value: str | None = None
        self.has_formula = self.is_value = False
        self.inline = TextReader()

    def start(self, element: str, given: Attributes) -> None:
        if element == "row":
            self.row, self.column = int(given.get("r", self.row + 1)), 0
            if given.get("hidden") in ("1", "true"):
                self.book.hidden_rows.add(self.row)
        elif element == "c":
            self.given, self.value, self.has_formula, self.inline = given, None, False, TextReader()
            self.row, self.column = _address(given["r"]) if "r" in given else (self.row, self.column + 1)
        elif element == "f":
            self.has_formula = True
        elif element == "v":
            self.is_value, self.value = True, ""
        elif element == "col" and given.get("hidden") in ("1", "true"):
            # a sheet's last columns are hidden as a group, a million of them in some formats
            self.book.hidden_columns.update(range(int(given["min"]), min(int(given["max"]), 16_384) + 1))
        elif element == "mergeCell":
            first, _, last = given["ref"].partition(":")
            self.book.merged.append((*_address(first), *_address(last or first)))
        else:
            self.inline.start(element)

    def data(self, text: str) -> None:
        if self.is_value:
            self.value = (self.value or "") + text
        else:
            self.inline.data(text)

    def end(self, element: str) -> None:
        if element == "v":
            self.is_value = False
        elif element == "c":
            cell = self._cell()
            if cell is not None:
                self.book.cells[self.row, self.column] = cell
        else:
            self.inline.end(element)

    def _cell(self) -> Any:
        kind, value = self.given.get("t", "n"), self.value
        match kind:
            case "inlineStr":
                return self.inline.text or None
            case "s":
                return self.texts[int(value)] or None if value else None
            case "e":
                return Odd(
                    f"contains the error {value or 'of the spreadsheet'}, not a value",
                    "Correct the formula, or leave the cell empty if there is no value.",
                )
            case "str" if value is not None:
                return value or None
            case "d" if value:
                return _iso(value)
        if self.has_formula and not value:
            return Odd(
                "contains a formula, but the file stores no result of it",
                "Open the file in a spreadsheet, let it compute, save it; or paste the values.",
            )
        if not value:
            return None
        if kind == "b":
            return value == "1" or value == "true"
        return self._number(value)

    def _number(self, value: str) -> Any:
        number = float(value)
        if self.has_formula and number == 0 and self.about.is_to_be_computed:
            # libraries that write workbooks store a zero there
            return Odd(
                "contains a formula; the file stores 0 and says that it has not been computed yet",
                "Open the file in a spreadsheet, let it compute, save it; or paste the values.",
            )
        style = int(self.given.get("s", 0))
        kind = self.formats[style] if style < len(self.formats) else ""
        if kind == "date":
            return _moment(number, self.about.from_1904)
        if kind:
            self.book.shown[self.row, self.column] = kind
        return number


def _address(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})", text)
    if found is None:
        raise ValueError(f"{text!r} is not the address of a cell")
    column = 0
    for letter in found[1].upper():
        column = column * 26 + ord(letter) - 64
    return int(found[2]), column


def _iso(text: str) -> Any:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return text


def _moment(serial: float, from_1904: bool) -> Any:
    """The day for a number that is displayed as a date. Less than a day is a time."""
    try:
        found = datetime.combine(date(1904, 1, 1) if from_1904 else date(1899, 12, 30), datetime.min.time())
        if not from_1904 and serial < 60:
            found += timedelta(days=1)  # spreadsheets have a 29 February in 1900
        return found + timedelta(days=serial)
    except OverflowError:
        return Odd("is shown as a date, but there is no such day", "Give the cell the format of its content.")


DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}


def display_kind(number: int, code: str | None) -> str:
    """How a format displays a number: as a date, as another number (described), or unchanged."""
    if code is None:
        return "date" if number in DATES else "per cent" if number in (9, 10) else ""
    plain = re.sub(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', "", code.split(";")[0]).lower()
    if "%" in plain:
        return "per cent"
    if "general" in plain or "standard" in plain or "основной" in plain:
        return ""
    if re.search(r"[ymdhsгдчс]", plain):
        return "date"
    return "thousands or millions" if re.search(r"[0#?],+(?![0#?,])", plain) else ""
