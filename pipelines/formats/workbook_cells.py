"""The cells of a workbook's sheet as texts, and the headers above its columns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from python_calamine import CalamineWorkbook, SheetVisibleEnum

# The rows in which the header is searched.
MOST_ABOVE = 200


def plain_text(value: Any) -> str:
    """The text of a cell; runs of white space and line breaks become one space."""
    return re.sub(r"\s+", " ", cell_text(value) or "").strip()


def cell_text(value: Any) -> str | None:
    """The displayed value of a cell as text; None for an empty one."""
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


def letter(column: int) -> str:
    """The letters of a column number, from 0: A, B … Z, AA."""
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def number_of(letters: str) -> int:
    """The column number of letters, from 0."""
    number = 0
    for one in letters:
        number = number * 26 + ord(one) - ord("A") + 1
    return number - 1


@dataclass(frozen=True)
class Sheet:
    """A sheet as a grid from A1 on; merged cells as ranges of rows and columns, from 0."""

    name: str
    hidden: bool
    grid: list[list[Any]]
    merged: tuple[tuple[tuple[int, int], tuple[int, int]], ...]
    # in ODS it is not known which cells are merged: a header continues to the right until the next one
    is_ods: bool = False

    @staticmethod
    def of(book: CalamineWorkbook, meta: Any, is_ods: bool) -> Sheet:
        sheet = book.get_sheet_by_name(meta.name)
        merged = tuple(sheet.merged_cell_ranges or ())
        hidden = meta.visible != SheetVisibleEnum.Visible
        return Sheet(meta.name, hidden, sheet.to_python(skip_empty_area=False), merged, is_ods)

    @cached_property
    def spread(self) -> list[list[str]]:
        """The texts of the rows that may contain a header; a merged cell appears in each of its positions."""
        rows = [[plain_text(value) for value in row] for row in self.grid[: MOST_ABOVE + 20]]
        for (top, left), (bottom, right) in self.merged:
            for row in range(top, min(bottom + 1, len(rows))):
                for column in range(left, min(right + 1, len(rows[row]))):
                    rows[row][column] = rows[top][left] if (row, column) != (top, left) else rows[row][column]
        return rows

    def header(self, top: int, count: int) -> list[str]:
        """The headers above each column, from the top; a cell merged over several rows appears once."""
        width = max((len(row) for row in self.grid), default=0)
        texts: list[list[str]] = [[] for _ in range(width)]
        for number, row in enumerate(self.spread[top : top + count], 1):
            last = ""
            for column, given in enumerate(row):
                text = last = given or (last if self.is_ods and number < count else "")
                if text and (not texts[column] or texts[column][-1] != text):
                    texts[column].append(text)
        return [" ".join(parts) for parts in texts]
