"""Files to raw tables: CSV, Parquet, workbooks. Nothing is converted; messages name file, row, column."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.errors import GorodError
from pipelines.indices.csv_rows import note_line_breaks, numbered, split_rows
from pipelines.indices.names import did_you_mean, normal
from pipelines.indices.workbook import read_workbook
from pipelines.indices.workbook_cells import Odd, letters

FILES = "A CSV (UTF-8), .parquet or .xlsx file is expected."


@dataclass(frozen=True)
class Sheet:
    """A table as it is in a file: column names, and rows with their numbers, counted from 1.

    A YAML list has ``lines``: its rows are numbered by the lines they begin on, and each key has its own line.
    A workbook's sheet has a ``name``, and its columns have letters. ``notes``: what the user should know about it.
    """

    path: Path
    header: tuple[str, ...]
    rows: Sequence[tuple[int, Sequence[Any]]]
    decimal_comma: bool = False
    lines: Mapping[tuple[int, str], int] | None = None
    name: str | None = None
    columns: Sequence[int] = ()
    head: int = 1
    notes: Sequence[str] = ()
    # cells whose format displays another number than is stored: (row, place) -> how
    shown: Mapping[tuple[int, int], str] = field(default_factory=dict)

    def at(self, row: int, column: str | None = None) -> str:
        """File and row of a row or a cell, or file, line and key for YAML; for messages."""
        if self.lines is not None:
            if column is None:
                return f"{self.path}:{row}"
            return f"{self.path}:{self.lines.get((row, column), row)}: {column}"
        position = f"{self.path}: " + ("" if self.name is None else f"sheet {self.name!r}: ") + f"row {row}"
        if column is None:
            return position
        place = self.header.index(column)
        called = column or f"{place + 1} (without a name)"
        return f"{position}, column {called}" + (f" (cell {self.cell(row, place)})" if self.columns else "")

    def cell(self, row: int, place: int) -> str:
        """Address of a workbook's cell."""
        return f"{letters(self.columns[place])}{row}"

    def find(self, names: Sequence[str]) -> str | None:
        """The first header name that is one of ``names``, ignoring case."""
        lowered = {name.lower(): name for name in reversed(self.header)}
        return next((lowered[name] for name in names if name in lowered), None)

    def place(self, name: str, role: str) -> int:
        """The position of a column.

        Raises:
            GorodError: there is none, or there are two.
        """
        if self.header.count(name) == 1:
            return self.header.index(name)
        if name in self.header:
            called = f"column {name!r} is repeated" if name else "two columns have no name"
            raise GorodError(f"{self.at(self.head)}: {called}", "Rename or delete one of them.")
        raise GorodError(
            f"{self.at(self.head)}: there is no column {name!r} ({role})", did_you_mean(name, self.header)
        )


def read_sheet(path: Path, sheet: str | None = None) -> Sheet:
    """The table of a CSV (comma, semicolon or tab; UTF-8), Parquet or XLSX file (``sheet``, or the first visible one).

    Raises:
        GorodError: the file cannot be read.
    """
    suffix = path.suffix.lower()
    is_workbook = suffix in (".xlsx", ".xlsm")
    try:
        is_text = not is_workbook and suffix != ".parquet"
        with path.open("rb") as stream:
            # a pipe can be read only once
            given = stream.read() if is_text else stream.read(8)
        _refuse_another_format(path, suffix, given[:8])
        if sheet is not None and not is_workbook:
            raise GorodError(f"{path}: has no sheets, because it is not a workbook", "Omit --sheet.")
        return _csv(path, given) if is_text else _xlsx(path, sheet) if is_workbook else _parquet(path)
    except OSError as error:
        raise GorodError(f"{path}: cannot be read: {error.strerror or error}", FILES) from error


OTHERS = {".xls": "an old workbook", ".xlsb": "a binary workbook", ".ods": "an OpenDocument table"}


def _refuse_another_format(path: Path, suffix: str, start: bytes) -> None:
    """Report a file whose content does not match its suffix, before a reader fails on it."""
    if suffix in OTHERS:
        raise GorodError(
            f"{path}: is {OTHERS[suffix]} ({suffix}), which is not read",
            "Save it as .xlsx or as «CSV UTF-8».",
        )
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise GorodError(
            f"{path}: is an old workbook (.xls) by its content, or protected by a password",
            "Save it as .xlsx without a password, or as «CSV UTF-8».",
        )
    for magic, called, suffixes in (
        (b"PK\x03\x04", "a workbook or another ZIP archive", (".xlsx", ".xlsm")),
        (b"PAR1", "Parquet", (".parquet",)),
    ):
        if start.startswith(magic) and suffix not in suffixes:
            raise GorodError(
                f"{path}: is {called} by its content, but its name does not end in {suffixes[0]}",
                "Rename the file to match its content, or save it in the format of its name.",
            )


def table(
    path: Path, grid: Sequence[tuple[int, Sequence[Any]]], columns: Sequence[int] = (), **more: Any
) -> Sheet:
    """A sheet of numbered rows: the first non-blank row is the header; blank rows and columns are dropped.

    Raises:
        GorodError: it is empty, or a column name cannot be read.
    """
    filled = [(number, row) for number, row in grid if not all(map(is_blank, row))]
    where = f"{path}: " + ("" if more.get("name") is None else f"sheet {more['name']!r}: ")
    if not filled:
        raise GorodError(f"{where}is empty", "The first row names the columns, the others contain the data.")
    head, names = filled[0]
    for place, cell in enumerate(names):
        if isinstance(cell, Odd) and not cell.is_blank:
            label = f"{letters(columns[place])}{head}" if columns else f"column {place + 1}"
            raise GorodError(f"{where}row {head} ({label}): the header {cell.description}", cell.remedy)
    kept = [place for place in range(len(names)) if not all(is_blank(row[place]) for _, row in filled)]
    header = tuple("" if is_blank(names[place]) else normal(as_text(names[place]) or "") for place in kept)
    rows = [(number, [row[place] for place in kept]) for number, row in filled[1:]]
    new = {place: number for number, place in enumerate(kept)}
    shown = {(row, new[place]): how for (row, place), how in more.pop("shown", {}).items() if place in new}
    return Sheet(
        path, header, rows, columns=[columns[place] for place in kept] if columns else (), head=head,
        shown=shown, **more,
    )  # fmt: skip


def is_blank(cell: Any) -> bool:
    """Whether a cell is empty."""
    if isinstance(cell, Odd):
        return cell.is_blank
    return cell is None or (isinstance(cell, str) and not normal(cell))


def as_text(cell: Any) -> str | None:
    """A cell as text; None if it is empty."""
    if is_blank(cell) or (isinstance(cell, float) and cell != cell):
        return None
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if hasattr(cell, "isoformat"):
        cell = cell.isoformat()[:10]
    return normal(str(cell)) or None


def _csv(path: Path, given: bytes) -> Sheet:
    try:
        text = given.decode("utf-8").lstrip("\ufeff")
    except UnicodeDecodeError as error:
        line = given.count(b"\n", 0, error.start) + 1
        raise GorodError(
            f"{path}: row {line}: is not UTF-8: byte {error.start + 1} of the file cannot be read",
            "Save the file as «CSV UTF-8» and try again.",
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise GorodError(
            f"{path}: row {line}: contains a zero byte, so it is not text", "Save the file as «CSV UTF-8»."
        )
    delimiter, records = split_rows(path, text)
    width = len(records[0][1]) if records else 0
    for number, cells in records:
        if len(cells) != width:
            called = f"{len(cells)} cell" + ("s" if len(cells) != 1 else "")
            raise GorodError(
                f"{path}: row {number}: {called}, but the header has {width}",
                f"The separator is {delimiter!r}; put values that contain it in quotes. Delete titles and notes around the table."
                + "".join(f"\n{note}" for note in note_line_breaks(path, records)),
            )
    return table(path, records, decimal_comma=delimiter != ",", notes=note_line_breaks(path, records))


def _parquet(path: Path) -> Sheet:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    try:
        given = parquet.ParquetFile(path).read()
        columns = [column.to_pylist() for column in given.columns]
    except (pa.ArrowException, ValueError, OverflowError) as error:
        raise GorodError(
            f"{path}: cannot be read as Parquet: {str(error).splitlines()[0]}", "Write the file again."
        ) from error
    rows = [(number, row) for number, row in enumerate(zip(*columns, strict=True), start=1)]
    return Sheet(path, tuple(normal(name) for name in given.column_names), rows)


def _xlsx(path: Path, sheet: str | None) -> Sheet:
    book = read_workbook(path, sheet)
    notes = []
    if book.unread:
        notes.append(
            f"{path}: sheet {book.name!r} is read; not read: {', '.join(map(repr, book.unread))} (--sheet names another)"
        )
    if not book.cells:
        raise GorodError(
            f"{path}: sheet {book.name!r} is empty",
            "The first row names the columns; --sheet names another sheet.",
        )
    first, last = (choose(column for _, column in book.cells) for choose in (min, max))
    columns = list(range(first, last + 1))
    by_row: dict[int, list[Any]] = {}
    for (row, column), cell in book.cells.items():
        by_row.setdefault(row, [None] * len(columns))[column - first] = cell
    grid = sorted(by_row.items())
    _lay_merges(book.merged, grid, first)
    shown = {(row, column - first): how for (row, column), how in book.shown.items()}
    made = table(path, grid, columns, name=book.name, decimal_comma=True, shown=shown)
    hidden_rows = [number for number, _ in made.rows if number in book.hidden_rows]
    if hidden_rows:
        are = "are" if len(hidden_rows) > 1 else "is"
        notes.append(
            f"{path}: sheet {book.name!r}: hidden {numbered(hidden_rows)} {are} read like the others"
        )
    hidden = [letters(column) for column in made.columns if column in book.hidden_columns]
    if hidden:
        notes.append(
            f"{path}: sheet {book.name!r}: hidden columns are read like the others: {', '.join(hidden)}"
        )
    return Sheet(**{**made.__dict__, "notes": notes})


def _lay_merges(
    merged: Sequence[tuple[int, int, int, int]], grid: Sequence[tuple[int, list[Any]]], first: int
) -> None:
    """Content covered by merged cells is not visible: it becomes a special kind of cell, unless it is in the header."""
    numbers = [row for row, _ in grid]
    for top, left, bottom, right in merged:
        content = (
            f"is covered by the merged cells {letters(left)}{top}:{letters(right)}{bottom}; only the first of them is shown",
            "Unmerge them and fill each cell.",
        )
        for row, cells in grid[max(1, bisect_left(numbers, top)) : bisect_right(numbers, bottom)]:
            for column in range(max(left, first), min(right, first + len(cells) - 1) + 1):
                if (row, column) != (top, left):
                    cells[column - first] = Odd(*content, is_blank=is_blank(cells[column - first]))
