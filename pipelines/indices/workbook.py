"""One sheet of a workbook (XLSX), read from its XML."""

from __future__ import annotations

import posixpath
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

from pipelines.errors import GorodError
from pipelines.indices.workbook_cells import (
    Attributes,
    Book,
    CellReader,
    TextReader,
    WorkbookReader,
    display_kind,
    local_name,
)

# more than any table of units and indicators needs; a small compressed file could fill the memory
MOST_BYTES = 500_000_000
# errors of zipfile, expat and this module for a broken archive, or one that is not a workbook
BROKEN = (
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, expat.ExpatError),
    *(LookupError, ValueError, OverflowError, struct.error),
)


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


def _refuse_entities(*_: object) -> NoReturn:
    raise ValueError("it declares a document type, which is not allowed in a workbook")


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
        """Parse a part of the archive. Entities are not read, so no part can include a file or expand without limit."""
        name = self.names[part.lower()]
        if self.archive.getinfo(name).file_size > MOST_BYTES:
            raise ValueError(f"{part} is larger than {MOST_BYTES} bytes when unpacked")
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_entities
        parser.StartElementHandler = lambda name, given: start(
            local_name(name), {local_name(key): value for key, value in given.items()}
        )
        if end is not None:
            parser.EndElementHandler = lambda name: end(local_name(name))
        parser.CharacterDataHandler = data
        with self.archive.open(name) as stream:
            parser.ParseFile(stream)

    def read(self, sheet_name: str | None) -> Book:
        about = WorkbookReader()
        main = self._main()
        self.parse(main, about.start)
        links = self._links(main)
        sheets = [(name, state, links[link]) for name, state, link in about.sheets if link in links]
        sheets = [one for one in sheets if one[2][0].endswith("/worksheet")]
        if not sheets:
            raise ValueError("it has no sheet with cells")
        names = [name for name, _, _ in sheets]
        if sheet_name is not None and sheet_name not in names:
            raise GorodError(
                f"{self.path}: there is no sheet {sheet_name!r}",
                f"Sheets: {', '.join(map(repr, names))}.",
            )
        name, _, (_, part) = next(
            (one for one in sheets if (one[1] == "visible" if sheet_name is None else one[0] == sheet_name)),
            sheets[0],
        )
        of_kind = {kind.rpartition("/")[2]: where for kind, where in links.values()}
        texts = self._texts(of_kind["sharedStrings"]) if "sharedStrings" in of_kind else []
        formats = self._formats(of_kind["styles"]) if "styles" in of_kind else []
        others = [f"{other} (hidden)" if state != "visible" else other
                  for other, state, _ in sheets if other != name]  # fmt: skip
        cells = CellReader(Book(name, others), texts, formats, about)
        self.parse(part, cells.start, cells.end, cells.data)
        return cells.book

    def _main(self) -> str:
        found = [where for kind, where in self._links("").values() if kind.endswith("/officeDocument")]
        if not found:
            raise ValueError("it contains no workbook")
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
        reading = TextReader()

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
                styles.append(display_kind(number, own.get(number)))

        def end(_: str) -> None:
            inside.pop()

        self.parse(part, start, end)
        return styles
