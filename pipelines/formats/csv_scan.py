"""The records of a delimited text, found from its bytes alone, before anything is split (RFC 4180).

One dialect for header and rows: a quote opens a field at the field's beginning, and closes it before a delimiter or the end
of the line; a quote within a quoted field is written twice; a line ends outside quotes. A record that breaks these rules
ends with its line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from pipelines.errors import Reason
from pipelines.formats.csv_quotes import CR, LF, QUOTE, Bytes, Places, toggling_quotes
from pipelines.formats.csv_reasons import (
    AGAIN,
    LONGEST_LINE,
    cut_off,
    joined_rows,
    long_line,
    mixed_line_ends,
    refuse,
    wrong_encoding,
    zero_byte,
)

# How many line breaks one value may contain: a comment may have several, a table in a cell is an error.
MOST_BREAKS = 100


MANY_BROKEN = 10_000


# With fewer columns, a sentence over two lines may have as many commas as a row.
FEWEST_COLUMNS_OF_JOINED_ROWS = 4


@dataclass(frozen=True)
class Flaw:
    """A record that is not a valid row: its row number, its bytes, and what was expected."""

    row: int
    start: int
    end: int
    expected: str


@dataclass(frozen=True)
class Records:
    """What is below the header: how many records, which of them are flawed, and line breaks inside quotes."""

    count: int
    flaws: list[Flaw]
    breaks: int
    rows_with_breaks: int
    first_with_breaks: int | None


@dataclass
class Scan:
    """The count so far. ``open_…`` describes a record that continues because a quoted value spans lines."""

    file: str
    crlf: bool
    columns: int
    delimiter: int
    base: int
    rows: int = 0
    flaws: list[Flaw] = field(default_factory=list)
    breaks: int = 0
    rows_with_breaks: int = 0
    first_with_breaks: int | None = None
    is_cut: bool = False
    is_open: bool = False
    open_start: int = 0
    open_delimiters: int = 0
    open_breaks: int = 0
    open_inner: int = 0
    open_problem: str = ""

    def __post_init__(self) -> None:
        self.open_start = self.base

    def take(self, chunk: bytes) -> None:
        """Count the records in whole lines."""
        self._refuse_broken_text(chunk)
        read = np.frombuffer(chunk, np.uint8)
        signs = np.flatnonzero((read == LF) | (read == self.delimiter) | (read == QUOTE))
        kinds = read[signs]
        toggles = kinds == QUOTE
        problems: list[tuple[int, str]] = []
        if toggles.any():
            quotes = signs[toggles]
            toggles[toggles] = toggling_quotes(
                read, quotes, signs[kinds == LF], self.delimiter, self.is_open, problems
            )
        if self.is_open or toggles.any():
            outside = (np.cumsum(toggles, dtype=np.int32) + self.is_open) & 1 == 0
        else:
            outside = np.ones(len(signs), np.bool_)
        feeds = kinds == LF
        ends_at = np.flatnonzero(feeds & outside)
        self._check_line_ends(read, signs[feeds], signs[ends_at], signs[toggles])
        self._close(signs, kinds, outside, ends_at, problems)
        self.base += len(chunk)

    def records(self) -> Records:
        """The result, after all lines."""
        if self.is_open:
            self._refuse_open()
        return Records(self.rows, self.flaws, self.breaks, self.rows_with_breaks, self.first_with_breaks)

    def _refuse_broken_text(self, chunk: bytes) -> None:
        zero = chunk.find(b"\x00")
        if zero >= 0:
            refuse(self.file, zero_byte(self._row_at(chunk, zero)))
        if _is_utf8(chunk):
            return
        try:
            (chunk.rstrip(b"\r\n") if self.is_cut else chunk).decode()
        except UnicodeDecodeError as error:
            row = self._row_at(chunk, error.start)
            if error.reason == "unexpected end of data":
                refuse(self.file, cut_off(row, "Файл обрывается посреди знака: передан не полностью."))
            line = chunk[chunk.rfind(b"\n", 0, error.start) + 1 :].partition(b"\n")[0]
            refuse(self.file, wrong_encoding(row, line, chunk))

    def _row_at(self, chunk: bytes, place: int) -> int:
        """The row that contains a byte."""
        if line := chunk[: chunk.rfind(b"\n", 0, place) + 1]:
            self.take(line)
        return self.rows + 1

    def _check_line_ends(self, read: Bytes, feeds: Places, ends: Places, toggles: Places) -> None:
        returns = int(np.count_nonzero(read == CR))
        if not self.crlf and not returns:
            return
        paired = (feeds > 0) & (read[np.maximum(feeds - 1, 0)] == CR)
        if self.crlf and returns == len(feeds) and paired.all():
            return
        places = np.flatnonzero(read == CR)
        alone = places[read[np.minimum(places + 1, len(read) - 1)] != LF]
        alone = alone[(np.searchsorted(toggles, alone) + self.is_open) % 2 == 0]
        of_end = (ends > 0) & (read[np.maximum(ends - 1, 0)] == CR)
        other = ends[of_end != self.crlf]
        first = min([*alone[:1], *other[:1]], default=None)
        if first is None:
            return
        row = self.rows + 1 + int(np.searchsorted(ends, first))
        refuse(self.file, mixed_line_ends(row))

    def _close(
        self,
        signs: Places,
        kinds: Bytes,
        outside: npt.NDArray[np.bool_],
        ends_at: Places,
        problems: list[tuple[int, str]],
    ) -> None:
        """Check the records that end in these lines, and keep the state of one that is still open."""
        ends = signs[ends_at]
        is_delimiter = kinds == self.delimiter
        delimiters = _by_record(is_delimiter & outside, ends_at, self.open_delimiters)
        starts = np.concatenate(([self.open_start - self.base], ends + 1))
        blank = (ends - starts[:-1] == self.crlf) if self.columns > 1 else np.zeros(len(ends), np.bool_)
        row_of = self.rows + np.cumsum(~blank)
        long = np.flatnonzero(ends - starts[:-1] >= LONGEST_LINE)
        if len(long):
            refuse(self.file, long_line(int(row_of[long[0]])))
        wrong = np.flatnonzero((delimiters[:-1] != self.columns - 1) & ~blank)
        if self.is_cut and len(wrong) and delimiters[0] < self.columns - 1:
            refuse(self.file, cut_off(int(row_of[0])))
        problem_of = {0: self.open_problem} if self.open_problem else {}
        for place, problem in problems:
            problem_of.setdefault(int(np.searchsorted(ends, place)), problem)
        inner_feeds = (kinds == LF) & ~outside
        breaks = inner = np.zeros(len(ends) + 1, np.int64)
        if self.open_breaks or inner_feeds.any():
            breaks = _by_record(inner_feeds, ends_at, self.open_breaks)
            inner = _by_record(is_delimiter & ~outside, ends_at, self.open_inner)
            self._check_breaks(breaks, inner, row_of, set(problem_of) | set(wrong.tolist()))
        for at in sorted({*problem_of, *wrong[: MANY_BROKEN + 1].tolist()} - {len(ends)}):
            expected = self._expected(problem_of.get(at), int(delimiters[at]))
            self.flaws.append(
                Flaw(int(row_of[at]), int(starts[at]) + self.base, int(starts[at + 1]) + self.base, expected)
            )
        if len(self.flaws) > MANY_BROKEN:
            message = f"Слишком много строк, которые не делятся на {self.columns} столбцов."
            refuse(self.file, Reason("file.columns", message, AGAIN, self.flaws[0].row))
        self.rows = int(row_of[-1]) if len(ends) else self.rows
        self.is_open = not (len(outside) and outside[-1])
        self.open_start = int(starts[-1]) + self.base
        self.open_delimiters, self.open_breaks, self.open_inner = (
            int(counted[-1]) if self.is_open else 0 for counted in (delimiters, breaks, inner)
        )
        self.open_problem = problem_of.get(len(ends), "") if self.is_open else ""

    def _check_breaks(self, breaks: Places, inner: Places, row_of: Places, doubtful: set[int]) -> None:
        """Line breaks inside quotes are allowed, unless they join several rows into one record."""
        rows = np.append(row_of, (row_of[-1] if len(row_of) else self.rows) + 1)
        for at in np.flatnonzero(breaks > MOST_BREAKS)[:1]:
            message = f"В одной записи больше {MOST_BREAKS} концов строк внутри кавычек."
            refuse(self.file, joined_rows(int(rows[at]), message))
        closed = breaks[:-1]
        held = np.flatnonzero(closed)
        for at in held[np.isin(held, sorted(doubtful))][:1]:
            message = (
                f"Внутри кавычек концов строк: {closed[at]}, и на столбцы ({self.columns}) запись не делится."
            )
            refuse(self.file, joined_rows(int(rows[at]), message))
        if self.columns >= FEWEST_COLUMNS_OF_JOINED_ROWS:
            for at in held[inner[held] == closed[held] * (self.columns - 1)][:1]:
                message = (
                    f"Внутри кавычек концов строк: {closed[at]}, и на каждый – разделители целой строки."
                )
                refuse(self.file, joined_rows(int(rows[at]), message))
        self.breaks += int(closed.sum())
        self.rows_with_breaks += len(held)
        if self.first_with_breaks is None and len(held):
            self.first_with_breaks = int(rows[held[0]])

    def _refuse_open(self) -> NoReturn:
        """The text ends inside quotes."""
        if self.is_cut and self.open_breaks == 1:  # the end that was added to the last line
            refuse(self.file, cut_off(self.rows + 1))
        refuse(self.file, joined_rows(self.rows + 1, "Кавычки открыты и до конца файла не закрыты."))

    def _expected(self, problem: str | None, delimiters: int) -> str:
        if problem:
            return f"строка, которую можно разделить на столбцы (проверьте кавычки: {problem})"
        if delimiters < self.columns - 1:
            return f"строка из {self.columns} столбцов; столбцов меньше: {delimiters + 1}"
        return f"строка из {self.columns} столбцов; столбцов больше: {delimiters + 1}"


def _by_record(counted: npt.NDArray[np.bool_], ends_at: Places, carried: int) -> Places:
    """How many there are in each record, and in the lines after the last end of a record."""
    so_far = np.cumsum(counted, dtype=np.int32)
    last = so_far[-1:] if len(so_far) else np.zeros(1, np.int32)
    found: Places = np.diff(np.concatenate(([-carried], so_far[ends_at], last)))
    return found


def _is_utf8(chunk: bytes) -> bool:
    """Whether these bytes are whole UTF-8 characters; several times faster than decoding them."""
    import pyarrow as pa

    ends = pa.py_buffer(np.array([0, len(chunk)], np.int32))
    try:
        pa.StringArray.from_buffers(1, ends, pa.py_buffer(chunk)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
