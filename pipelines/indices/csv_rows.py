"""The rows of a CSV, strictly by RFC 4180, whatever its separator."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from pipelines.errors import GorodError
from pipelines.indices.names import normal

Records = list[tuple[int, list[str]]]


def split_rows(path: Path, text: str) -> tuple[str, Records]:
    """The separator that gives each row as many cells as the header, and the rows split by it.

    Raises:
        GorodError: two separators fit, or the quotes are invalid with the header's most frequent one.
    """
    found: dict[str, Records] = {}
    wrong: dict[str, GorodError] = {}
    head = re.sub(r'"[^"]*"', "", next((line for line in text.splitlines() if line.strip()), ""))
    candidates = [delimiter for delimiter in (",", ";", "\t") if delimiter in head] or [","]
    for delimiter in candidates:
        try:
            found[delimiter] = list(_records(path, text, delimiter))
        except GorodError as error:
            wrong[delimiter] = error
    fitting = {
        delimiter: len(records[0][1])
        for delimiter, records in found.items()
        if records and {len(cells) for _, cells in records} == {len(records[0][1])}
    }
    widest = [delimiter for delimiter, width in fitting.items() if width == max(fitting.values())]
    if len(widest) > 1:
        raise GorodError(
            f"{path}: row 1: {widest[0]!r} and {widest[1]!r} both give {fitting[widest[0]]} columns in each row",
            "Put names and values that contain a separator in quotes.",
        )
    best = widest[0] if widest else max(candidates, key=head.count)
    if best in wrong:
        raise wrong[best]
    return best, found[best]


def _records(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows strictly by RFC 4180, each with the line it begins on; blank lines are left out.

    Python's own reader treats a quote inside a cell as a letter; here it is an error.
    """
    cell = re.compile(rf'(?:"([^"]*(?:""[^"]*)*)"|([^"\r\n{delimiter}]*))({delimiter}|\r\n|\n|\r|\Z)')
    position, line, began, cells = 0, 1, 1, list[str]()
    while position < len(text) or cells:
        found = cell.match(text, position)
        if found is None:
            raise _wrong_quotes(path, text, position, line)
        quoted, plain, end = found.groups()
        cells.append(plain if quoted is None else quoted.replace('""', '"'))
        line += len(re.findall(r"\r\n|\n|\r", found[0]))
        position = found.end()
        if end != delimiter:
            if any(map(normal, cells)):
                yield began, cells
            began, cells = line, []


def _wrong_quotes(path: Path, text: str, position: int, line: int) -> GorodError:
    is_open = text[position] == '"' and not re.compile(r'"[^"]*(?:""[^"]*)*"').match(text, position)
    return GorodError(
        f"{path}: row {line}: cannot be read: "
        + (
            "a quote is opened and never closed"
            if is_open
            else "a quote is inside a cell, or something follows a closing quote"
        ),
        "Quotes enclose a whole cell; a quote inside such a cell is written twice.",
    )


def note_line_breaks(path: Path, records: Records) -> list[str]:
    """Note rows that span several lines: a stray quote has the same effect."""
    broken = [number for number, cells in records if any(re.search(r"[\r\n]", cell) for cell in cells)]
    if not broken:
        return []
    return [f"{path}: {numbered(broken)}: line breaks are inside quotes, so a row spans several lines"]


def numbered(numbers: Sequence[int], word: str = "row") -> str:
    """Numbers as text for a message, runs combined; long lists are truncated, with their count."""
    runs = []
    for _, run in groupby(enumerate(sorted(numbers)), key=lambda pair: pair[1] - pair[0]):
        members = [number for _, number in run]
        runs.append(f"{members[0]}–{members[-1]}" if len(members) > 1 else str(members[0]))
    listed = ", ".join(runs[:10]) + (", …" if len(runs) > 10 else "")
    return f"{word}{'s' if len(numbers) > 1 else ''} {listed}" + (
        f" ({len(numbers)} in all)" if len(runs) > 10 else ""
    )
