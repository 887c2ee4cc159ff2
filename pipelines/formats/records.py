"""Which records a delimited text consists of, told by its bytes alone, before anything is split (RFC 4180).

One dialect for header and rows: a quote opens a field where the field begins, and closes it where a delimiter or the
end of the line follows; a quote within a quoted field is written twice; a line ends outside quotes. A record that
breaks these rules ends with its line.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NoReturn

import numpy as np
import numpy.typing as npt

from pipelines.encodings import encoding_of, looks_like, remedy
from pipelines.errors import DeliveryError, Reason

LONGEST_LINE = 1_000_000
# lines that one value may have: of a comment, yes, of a table, no
MOST_BREAKS = 100
MANY_BROKEN = 10_000
# fewer columns than this, and a sentence over two lines has as many commas as a row
TELLING_COLUMNS = 4
MARK = b"\xef\xbb\xbf"
CHUNK = 1 << 20
QUOTE, LF, CR, BLANK = 34, 10, 13, 32
AGAIN = "Выгрузите файл заново."

INNER = "кавычка стоит внутри значения, которое не взято в кавычки"
AFTER = "за закрывающей кавычкой стоит не разделитель и не конец строки"
PADDED = "между кавычкой и разделителем стоит пробел"

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Header:
    """The first line: its names without blanks around them, where it ends, and how."""

    names: list[str]
    end: int
    crlf: bool
    ended: bool


@dataclass(frozen=True)
class Flaw:
    """A record that is no row: its number among the rows, the bytes that it takes, and what was expected of it."""

    row: int
    start: int
    end: int
    expected: str


@dataclass(frozen=True)
class Records:
    """What stands below the header: how many records, which of them are no rows, and line breaks inside quotes."""

    count: int
    flaws: list[Flaw]
    breaks: int
    rows_with_breaks: int
    first_with_breaks: int | None


def read_header(path: Path, file: str, delimiter: str) -> Header:
    """The header line of a text in UTF-8; marks of byte order before it are passed over.

    Raises:
        DeliveryError: it has no end, is no text, or its quotes are not sound.
    """
    with path.open("rb") as stream:
        line = stream.readline(LONGEST_LINE)
    crlf = line.endswith(b"\r\n")
    content = line[:-2] if crlf else line.removesuffix(b"\n")
    if b"\r" in content:
        _refuse(file, _line_ends(0))
    if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
        _refuse(file, _long_line(0))
    if b"\x00" in line:
        _refuse(file, _zero_byte(0))
    while content.startswith(MARK):
        content = content.removeprefix(MARK)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        _refuse(file, _encoding(0, content))
    names = _names(text, delimiter, file)
    return Header(names, len(line), crlf, line.endswith(b"\n"))


def _names(text: str, delimiter: str, file: str) -> list[str]:
    names: list[str] = []
    rest: str | None = text
    while rest is not None:
        if rest.startswith('"'):
            end = 1
            while (end := rest.find('"', end)) >= 0 and rest[end + 1 : end + 2] == '"':
                end += 2
            if end < 0:
                problem = "кавычка открыта и в этой строке не закрыта"
                _refuse(file, _header_quote(len(names) + 1, problem))
            name, rest = rest[1:end].replace('""', '"'), rest[end + 1 :]
            if rest and not rest.startswith(delimiter):
                _refuse(file, _header_quote(len(names) + 1, AFTER))
            rest = rest[1:] if rest else None
        else:
            name, found, after = rest.partition(delimiter)
            rest = after if found else None
            if '"' in name:
                _refuse(file, _header_quote(len(names) + 1, INNER))
        names.append(name.strip())
    return names


def count_records(path: Path, file: str, header: Header, delimiter: str) -> Records:
    """Look at all bytes below the header once.

    Raises:
        DeliveryError: they are no UTF-8, or it cannot be told where each record ends.
    """
    scan = _Scan(file, header.crlf, len(header.names), ord(delimiter), header.end)
    for chunk in _lines(path, scan):
        scan.take(chunk)
    return scan.records()


def write_sound(path: Path, flaws: list[Flaw], out: Path) -> None:
    """Copy a text without its flawed records: a splitter may read into the next record, or fail as a whole."""
    with path.open("rb") as source, out.open("wb") as target:
        for flaw in flaws:
            _copy(source, target, flaw.start - source.tell())
            source.seek(flaw.end)
        shutil.copyfileobj(source, target, CHUNK)


def _copy(source: IO[bytes], target: IO[bytes], size: int) -> None:
    while size > 0 and (chunk := source.read(min(size, CHUNK))):
        target.write(chunk)
        size -= len(chunk)


def _lines(path: Path, scan: _Scan) -> Iterator[bytes]:
    """Whole lines, about a megabyte of them at once; the last one is given an end if it has none."""
    rest = b""
    with path.open("rb") as stream:
        stream.seek(scan.base)
        while chunk := stream.read(CHUNK):
            end = chunk.rfind(b"\n") + 1
            if len(rest) + (chunk.find(b"\n") if end else len(chunk)) >= LONGEST_LINE:
                _refuse(scan.file, _long_line(scan.rows + 1))
            if end:
                yield rest + chunk[:end]
                rest = chunk[end:]
            else:
                rest += chunk
    if rest:
        scan.is_cut = True
        yield rest + (b"\r\n" if scan.crlf else b"\n")


@dataclass
class _Scan:
    """The account so far: all that is said of the open record is so because a quoted value goes over lines."""

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
        """Account for whole lines."""
        self._refuse_broken_text(chunk)
        read = np.frombuffer(chunk, np.uint8)
        signs = np.flatnonzero((read == LF) | (read == self.delimiter) | (read == QUOTE))
        kinds = read[signs]
        toggles = kinds == QUOTE
        problems: list[tuple[int, str]] = []
        if toggles.any():
            quotes = signs[toggles]
            toggles[toggles] = self._toggling(read, quotes, signs[kinds == LF], problems)
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
        """The account, when all lines are taken."""
        if self.is_open:
            self._refuse_open()
        return Records(self.rows, self.flaws, self.breaks, self.rows_with_breaks, self.first_with_breaks)

    def _refuse_broken_text(self, chunk: bytes) -> None:
        zero = chunk.find(b"\x00")
        if zero >= 0:
            _refuse(self.file, _zero_byte(self._row_at(chunk, zero)))
        if _is_utf8(chunk):
            return
        try:
            (chunk.rstrip(b"\r\n") if self.is_cut else chunk).decode()
        except UnicodeDecodeError as error:
            row = self._row_at(chunk, error.start)
            if error.reason == "unexpected end of data":
                _refuse(self.file, _cut(row, "Файл обрывается посреди знака: передан не полностью."))
            line = chunk[chunk.rfind(b"\n", 0, error.start) + 1 :].partition(b"\n")[0]
            _refuse(self.file, _encoding(row, line, chunk))

    def _row_at(self, chunk: bytes, place: int) -> int:
        """The row that a byte stands in."""
        if line := chunk[: chunk.rfind(b"\n", 0, place) + 1]:
            self.take(line)
        return self.rows + 1

    def _toggling(
        self, read: Bytes, quotes: Places, feeds: Places, problems: list[tuple[int, str]]
    ) -> npt.NDArray[np.bool_]:
        """Which quotes open or close a field; ``problems`` takes the places of those that break the rules."""
        before = read[np.maximum(quotes - 1, 0)]
        opens = (before == self.delimiter) | (before == LF) | (quotes == 0)
        after = read[quotes + 1]
        closes = (after == self.delimiter) | (after == LF) | (after == CR)
        twins = np.diff(quotes) == 1
        bad = (~opens, ~closes)
        bad[0][1:] &= ~twins
        bad[1][:-1] &= ~twins
        # in either parity, where quote and role do not fit: even quotes open, or odd ones
        even = np.arange(len(quotes)) % 2 == 0
        mismatches = [np.flatnonzero(np.where(even == (first == 0), *bad)) for first in (0, 1)]
        toggling = np.ones(len(quotes), np.bool_)
        opening = int(self.is_open)  # the parity of quotes that open
        at = 0
        while True:
            mismatch = mismatches[opening]
            nearest = int(np.searchsorted(mismatch, at))
            if nearest == len(mismatch):
                return toggling
            at = int(mismatch[nearest])
            place = int(quotes[at])
            if at % 2 == opening:
                if _is_first_but_blanks(read, place, self.delimiter):
                    problems.append((place, PADDED))
                    at += 1
                else:
                    problems.append((place, INNER))
                    # a quote beside it stands within the value as well
                    end = at + 1
                    while end < len(quotes) and twins[end - 1]:
                        end += 1
                    toggling[at:end] = False
                    opening = end % 2
                    at = end
            elif _is_last_but_blanks(read, place, self.delimiter):
                problems.append((place, PADDED))
                at += 1
            else:
                problems.append((place, AFTER))
                line_end = feeds[np.searchsorted(feeds, place)]
                end = int(np.searchsorted(quotes, line_end))
                toggling[at + 1 : end] = False
                opening = end % 2
                at = end

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
        _refuse(self.file, _line_ends(row))

    def _close(
        self,
        signs: Places,
        kinds: Bytes,
        outside: npt.NDArray[np.bool_],
        ends_at: Places,
        problems: list[tuple[int, str]],
    ) -> None:
        """Judge the records that end in these lines, and keep what is known of one that is left open."""
        ends = signs[ends_at]
        is_delimiter = kinds == self.delimiter
        delimiters = _by_record(is_delimiter & outside, ends_at, self.open_delimiters)
        starts = np.concatenate(([self.open_start - self.base], ends + 1))
        blank = (ends - starts[:-1] == self.crlf) if self.columns > 1 else np.zeros(len(ends), np.bool_)
        row_of = self.rows + np.cumsum(~blank)
        long = np.flatnonzero(ends - starts[:-1] >= LONGEST_LINE)
        if len(long):
            _refuse(self.file, _long_line(int(row_of[long[0]])))
        wrong = np.flatnonzero((delimiters[:-1] != self.columns - 1) & ~blank)
        if self.is_cut and len(wrong) and delimiters[0] < self.columns - 1:
            _refuse(self.file, _cut(int(row_of[0])))
        told = {0: self.open_problem} if self.open_problem else {}
        for place, problem in problems:
            told.setdefault(int(np.searchsorted(ends, place)), problem)
        inner_feeds = (kinds == LF) & ~outside
        breaks = inner = np.zeros(len(ends) + 1, np.int64)
        if self.open_breaks or inner_feeds.any():
            breaks = _by_record(inner_feeds, ends_at, self.open_breaks)
            inner = _by_record(is_delimiter & ~outside, ends_at, self.open_inner)
            self._check_breaks(breaks, inner, row_of, set(told) | set(wrong.tolist()))
        for at in sorted({*told, *wrong[: MANY_BROKEN + 1].tolist()} - {len(ends)}):
            expected = self._expected(told.get(at), int(delimiters[at]))
            self.flaws.append(
                Flaw(int(row_of[at]), int(starts[at]) + self.base, int(starts[at + 1]) + self.base, expected)
            )
        if len(self.flaws) > MANY_BROKEN:
            message = f"Слишком много строк, которые не делятся на {self.columns} столбцов."
            _refuse(self.file, Reason("file.columns", message, AGAIN, self.flaws[0].row))
        self.rows = int(row_of[-1]) if len(ends) else self.rows
        self.is_open = not (len(outside) and outside[-1])
        self.open_start = int(starts[-1]) + self.base
        self.open_delimiters, self.open_breaks, self.open_inner = (
            int(counted[-1]) if self.is_open else 0 for counted in (delimiters, breaks, inner)
        )
        self.open_problem = told.get(len(ends), "") if self.is_open else ""

    def _check_breaks(self, breaks: Places, inner: Places, row_of: Places, doubtful: set[int]) -> None:
        """Line breaks inside quotes are lawful, unless they make one record of several rows."""
        rows = np.append(row_of, (row_of[-1] if len(row_of) else self.rows) + 1)
        for at in np.flatnonzero(breaks > MOST_BREAKS)[:1]:
            message = f"В одной записи больше {MOST_BREAKS} концов строк внутри кавычек."
            _refuse(self.file, _joined(int(rows[at]), message))
        closed = breaks[:-1]
        held = np.flatnonzero(closed)
        for at in held[np.isin(held, sorted(doubtful))][:1]:
            message = (
                f"Внутри кавычек концов строк: {closed[at]}, и на столбцы ({self.columns}) запись не делится."
            )
            _refuse(self.file, _joined(int(rows[at]), message))
        if self.columns >= TELLING_COLUMNS:
            for at in held[inner[held] == closed[held] * (self.columns - 1)][:1]:
                message = (
                    f"Внутри кавычек концов строк: {closed[at]}, и на каждый – разделители целой строки."
                )
                _refuse(self.file, _joined(int(rows[at]), message))
        self.breaks += int(closed.sum())
        self.rows_with_breaks += len(held)
        if self.first_with_breaks is None and len(held):
            self.first_with_breaks = int(rows[held[0]])

    def _refuse_open(self) -> NoReturn:
        """The text ends inside quotes."""
        if self.is_cut and self.open_breaks == 1:  # the end that the last line was given
            _refuse(self.file, _cut(self.rows + 1))
        _refuse(self.file, _joined(self.rows + 1, "Кавычки открыты и до конца файла не закрыты."))

    def _expected(self, problem: str | None, delimiters: int) -> str:
        if problem:
            return f"строка, которую можно разделить на столбцы (проверьте кавычки: {problem})"
        if delimiters < self.columns - 1:
            return f"строка из {self.columns} столбцов; столбцов меньше: {delimiters + 1}"
        return f"строка из {self.columns} столбцов; столбцов больше: {delimiters + 1}"


def _by_record(counted: npt.NDArray[np.bool_], ends_at: Places, carried: int) -> Places:
    """How many there are in each record, and in the lines after the last end."""
    so_far = np.cumsum(counted, dtype=np.int32)
    last = so_far[-1:] if len(so_far) else np.zeros(1, np.int32)
    found: Places = np.diff(np.concatenate(([-carried], so_far[ends_at], last)))
    return found


def _is_first_but_blanks(read: Bytes, place: int, delimiter: int) -> bool:
    while place and read[place - 1] == BLANK:
        place -= 1
    return not place or read[place - 1] in (delimiter, LF)


def _is_last_but_blanks(read: Bytes, place: int, delimiter: int) -> bool:
    place += 1
    while read[place] == BLANK:
        place += 1
    return read[place] in (delimiter, LF, CR)


def _is_utf8(chunk: bytes) -> bool:
    """Whether these bytes are whole UTF-8 characters; several times faster than to decode them."""
    import pyarrow as pa

    ends = pa.py_buffer(np.array([0, len(chunk)], np.int32))
    try:
        pa.StringArray.from_buffers(1, ends, pa.py_buffer(chunk)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _refuse(file: str, reason: Reason) -> NoReturn:
    raise DeliveryError(file, [reason]) from None


def _header_quote(column: int, problem: str) -> Reason:
    return Reason(
        "file.quotes",
        f"Заголовок, {column}-й столбец: {problem}.",
        "Уберите лишнюю кавычку; названия столбцов пишутся в одной строке.",
        0,
    )


def _zero_byte(row: int) -> Reason:
    message = "В строке нулевой байт: файл двоичный или повреждён."
    return Reason("file.format", message, "Сохраните таблицу как CSV UTF-8.", row)


def _encoding(row: int, *seen: bytes) -> Reason:
    """``seen``: the line, and what stands around it if the line alone tells nothing."""
    found = next((told for one in seen if (told := encoding_of(one)) is not None), None)
    message = f"Строка не в кодировке UTF-8{looks_like(found)}."
    return Reason("file.encoding", message, remedy(found, "utf-8"), row)


def _line_ends(row: int) -> Reason:
    return Reason(
        "file.line_ends",
        "Строка кончается не так, как заголовок, или знаком CR без LF.",
        "Сохраните файл с одинаковыми концами строк (LF или CRLF).",
        row,
    )


def _long_line(row: int) -> Reason:
    return Reason(
        "file.line_length",
        f"Строка длиннее {LONGEST_LINE} байт.",
        "Проверьте кавычки и концы строк, выгрузите файл заново.",
        row,
    )


def _cut(row: int, message: str = "Файл обрывается посреди строки: передан не полностью.") -> Reason:
    remedy = "Передайте файл заново целиком и сравните его размер с исходным."
    return Reason("file.whole", message, remedy, row)


def _joined(row: int, message: str) -> Reason:
    remedy = "Закройте кавычки в этой строке; кавычка внутри значения пишется дважды. " + AGAIN
    return Reason("file.quotes", f"{message} Следующие строки читаются как её продолжение.", remedy, row)
