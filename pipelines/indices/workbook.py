"""Read a sheet of an XLSX workbook including what other readers omit: errors, formulas without a result, formats.

A workbook is a ZIP archive of XML (ECMA-376). Libraries that read values give an empty cell for ``#N/A`` and for a
formula that was never computed, so an unreadable value looks like one that was not given.
"""

from __future__ import annotations

import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn
from xml.parsers import expat

from pipelines.errors import GorodError

# more than any table of units and indicators; a small file can be compressed so that it fills the memory
MOST_BYTES = 500_000_000
# errors of zipfile, expat and this module for a broken archive, or one that is not a workbook
BROKEN = (
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, expat.ExpatError),
    *(LookupError, ValueError, OverflowError, struct.error),
)


@dataclass(frozen=True)
class Odd:
    """A cell without a readable value: what it is, and what to do. ``is_blank``: it displays nothing itself."""

    told: str
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
    told = ""
    while column:
        column, rest = divmod(column - 1, 26)
        told = chr(65 + rest) + told
    return told


def read_workbook(path: Path, sheet: str | None = None) -> Book:
    """One sheet of a workbook: the named one, otherwise the first visible one.

    Raises:
        GorodError: the file is not a workbook, or has no such sheet.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _Reader(path, archive).read(sheet)
    except BROKEN as error:
        raise GorodError(f"{path}: cannot be read as XLSX: {error}", "Save the file again.") from error


Attributes = dict[str, str]


def _refuse_entities(*_: object) -> NoReturn:
    raise ValueError("it declares a document type, which no workbook does")


def _local(name: str) -> str:
    return name.rpartition(":")[2]


class _Reader:
    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.path, self.archive = path, archive
        self.names = {name.lower(): name for name in archive.namelist()}

    def parse(
        self,
        part: str,
        start: Callable[[str, Attributes], None],
        end: Callable[[str], None] | None = None,
        data: Callable[[str], None] | None = None,
    ) -> None:
        """Parse a part of the archive. Entities are not read, so no part can refer to a file or expand itself."""
        name = self.names[part.lower()]
        if self.archive.getinfo(name).file_size > MOST_BYTES:
            raise ValueError(f"{part} is larger than {MOST_BYTES} bytes when unpacked")
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_entities
        parser.StartElementHandler = lambda name, given: start(
            _local(name), {_local(key): value for key, value in given.items()}
        )
        if end is not None:
            parser.EndElementHandler = lambda name: end(_local(name))
        parser.CharacterDataHandler = data
        with self.archive.open(name) as stream:
            parser.ParseFile(stream)

    def read(self, wanted: str | None) -> Book:
        about = _About()
        main = self._main()
        self.parse(main, about.start)
        links = self._links(main)
        sheets = [(name, state, links[link]) for name, state, link in about.sheets if link in links]
        sheets = [one for one in sheets if one[2][0].endswith("/worksheet")]
        if not sheets:
            raise ValueError("it has no sheet with cells")
        names = [name for name, _, _ in sheets]
        if wanted is not None and wanted not in names:
            raise GorodError(
                f"{self.path}: there is no sheet {wanted!r}",
                f"The sheets are: {', '.join(map(repr, names))}.",
            )
        name, _, (_, part) = next(
            (one for one in sheets if (one[1] == "visible" if wanted is None else one[0] == wanted)),
            sheets[0],
        )
        of_kind = {kind.rpartition("/")[2]: where for kind, where in links.values()}
        texts = self._texts(of_kind["sharedStrings"]) if "sharedStrings" in of_kind else []
        formats = self._formats(of_kind["styles"]) if "styles" in of_kind else []
        others = [f"{other} (hidden)" if state != "visible" else other
                  for other, state, _ in sheets if other != name]  # fmt: skip
        cells = _Cells(Book(name, others), texts, formats, about)
        self.parse(part, cells.start, cells.end, cells.data)
        return cells.book

    def _main(self) -> str:
        found = [where for kind, where in self._links("").values() if kind.endswith("/officeDocument")]
        if not found:
            raise ValueError("it has no workbook in it")
        return found[0]

    def _links(self, part: str) -> dict[str, tuple[str, str]]:
        """Relations of a part: id -> kind and target part."""
        folder, name = posixpath.split(part)
        found: dict[str, tuple[str, str]] = {}

        def start(element: str, given: Attributes) -> None:
            if element == "Relationship" and given.get("TargetMode") != "External":
                target = given["Target"]
                where = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
                found[given["Id"]] = (given["Type"], posixpath.normpath(where))

        self.parse(posixpath.join(folder, "_rels", f"{name}.rels"), start)
        return found

    def _texts(self, part: str) -> list[str]:
        found: list[str] = []
        reading = _Text()

        def start(element: str, _: Attributes) -> None:
            if element == "si":
                reading.text = ""
            reading.start(element)

        def end(element: str) -> None:
            reading.end(element)
            if element == "si":
                found.append(reading.text)

        self.parse(part, start, end, reading.data)
        return found

    def _formats(self, part: str) -> list[str]:
        """How each cell style displays a number: a kind from ``_kind_of``."""
        own: dict[int, str] = {}
        styles: list[str] = []
        inside: list[str] = []

        def start(element: str, given: Attributes) -> None:
            inside.append(element)
            if element == "numFmt":
                own[int(given["numFmtId"])] = given.get("formatCode", "")
            elif element == "xf" and "cellXfs" in inside:
                number = int(given.get("numFmtId", 0))
                styles.append(_kind_of(number, own.get(number)))

        def end(_: str) -> None:
            inside.pop()

        self.parse(part, start, end)
        return styles


class _About:
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


class _Text:
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


class _Cells:
    """The cells of a sheet, collected while its XML is parsed."""

    def __init__(self, book: Book, texts: Sequence[str], formats: Sequence[str], about: _About) -> None:
        self.book, self.texts, self.formats, self.about = book, texts, formats, about
        self.row = self.column = 0
        self.given: Attributes = {}
        self.value: str | None = None
        self.has_formula = self.is_value = False
        self.inline = _Text()

    def start(self, element: str, given: Attributes) -> None:
        if element == "row":
            self.row, self.column = int(given.get("r", self.row + 1)), 0
            if given.get("hidden") in ("1", "true"):
                self.book.hidden_rows.add(self.row)
        elif element == "c":
            self.given, self.value, self.has_formula, self.inline = given, None, False, _Text()
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
                    f"holds the error {value or 'of the spreadsheet'}, which is no value",
                    "Mend the formula, or leave the cell empty where there is no value.",
                )
            case "str" if value is not None:
                return value or None
            case "d" if value:
                return _iso(value)
        if self.has_formula and not value:
            return Odd(
                "holds a formula, and the file stores no result of it",
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
                "holds a formula; the file stores 0 and says that it is still to be computed",
                "Open the file in a spreadsheet, let it compute, save it; or paste the values.",
            )
        style = int(self.given.get("s", 0))
        kind = self.formats[style] if style < len(self.formats) else ""
        if kind == "date":
            return _moment(number, self.about.from_1904)
        if kind:
            self.book.shown[self.row, self.column] = kind
        return number


def _address(told: str) -> tuple[int, int]:
    found = re.fullmatch(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})", told)
    if found is None:
        raise ValueError(f"{told!r} is no address of a cell")
    column = 0
    for letter in found[1].upper():
        column = column * 26 + ord(letter) - 64
    return int(found[2]), column


def _iso(told: str) -> Any:
    try:
        return datetime.fromisoformat(told)
    except ValueError:
        return told


def _moment(serial: float, from_1904: bool) -> Any:
    """The day for a number that is displayed as a date. Less than a day is a time."""
    try:
        found = datetime.combine(date(1904, 1, 1) if from_1904 else date(1899, 12, 30), datetime.min.time())
        if not from_1904 and serial < 60:
            found += timedelta(days=1)  # spreadsheets have a 29 February in 1900
        return found + timedelta(days=serial)
    except OverflowError:
        return Odd(
            "is shown as a date, and there is no such day", "Give the cell the format of what it holds."
        )


DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}


def _kind_of(number: int, code: str | None) -> str:
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
