"""Cells to values: a number, a name, or an error with the place, the content, and the remedy."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from pipelines.errors import GorodError
from pipelines.indices.names import normal
from pipelines.indices.sheets import Sheet, as_text
from pipelines.indices.workbook_cells import Odd
from pipelines.numbers import Form, Kind, NotANumber, read_number

# Cell contents that mean no value. Zero is a value.
NO_VALUE = frozenset(
    {"", "-", "–", "—", "…", "..", "...", ":", "na", "n/a", "nan", "nr", "null", "none", "н/д", "нет данных"}
)
# exported spreadsheet errors: #N/A, #ДЕЛ/0!, Err:502
ERRORS = re.compile(r"#[\w/]*[^\W\d][\w/]*[!?]?|(?:Err|Ошибка):\d+")


def name_of(sheet: Sheet, row: int, place: int, cell: Any, expected: str) -> str:
    """A cell as a name.

    Raises:
        GorodError: it is empty, or its content is not a name.
    """
    at = sheet.at(row, sheet.header[place])
    if isinstance(cell, Odd):
        raise GorodError(f"{at}: {cell.description}; {expected} is expected", cell.remedy)
    found = as_text(cell)
    if found is None:
        raise GorodError(f"{at}: is empty; {expected} is expected", "Fill the cell or delete the row.")
    if isinstance(cell, str) and ERRORS.fullmatch(found):
        raise GorodError(
            f"{at}: {found!r} is an error of a spreadsheet; {expected} is expected", "Write the name as text."
        )
    if isinstance(cell, bool) or not isinstance(cell, str | int | float | Decimal | date):
        raise GorodError(
            f"{at}: {_cut(cell)} is not a name ({type(cell).__name__}); {expected} is expected",
            "Write the name as text, in YAML in quotes.",
        )
    return found


def form_of(sheet: Sheet, decimal_comma: bool = False) -> Form:
    """How numbers are written as text in a sheet."""
    if decimal_comma:
        return Form(",", grouping=True, exponent=True)
    return (
        Form(".,", grouping=True, exponent=True)
        if sheet.decimal_comma
        else Form(".", grouping=True, exponent=True)
    )


def number_of(sheet: Sheet, row: int, place: int, cell: Any, form: Form) -> float:
    """A cell as a number; NaN if there is no value.

    Raises:
        GorodError: it contains something else.
    """
    if cell is None:
        return math.nan
    at = sheet.at(row, sheet.header[place])
    if isinstance(cell, Odd):
        raise GorodError(f"{at}: {cell.description}", cell.remedy)
    if isinstance(cell, int | float | Decimal) and not isinstance(cell, bool):
        if isinstance(cell, float) and math.isnan(cell):
            return math.nan
        return _finite(at, cell, cell)
    if isinstance(cell, date | datetime | time | timedelta):
        raise GorodError(
            f"{at}: contains a date or a time ({cell}); a number is expected",
            "Give the cell the format of a number and enter the number again.",
        )
    if not isinstance(cell, str):
        raise GorodError(f"{at}: {_cut(cell)} is not a number ({type(cell).__name__})", "Write a number.")
    if (normal(cell)).lower() in NO_VALUE:
        return math.nan
    found = read_number(cell, form)
    if isinstance(found, NotANumber):
        raise GorodError(f"{at}: {_cut(cell)} is not a number: {found.en}", _remedy(found, form))
    return _finite(at, found, cell)


def _finite(at: str, number: Any, cell: Any) -> float:
    try:
        found = float(number)
    except (OverflowError, ValueError):
        found = math.inf
    if not math.isfinite(found):
        raise GorodError(
            f"{at}: {_cut(cell)} is not a usable number: {Kind.LARGE.en}",
            "Write it in thousands or millions, in the whole column.",
        )
    return found


def _cut(cell: Any) -> str:
    text = str(cell)
    return repr(text if len(text) <= 60 else f"{text[:57]}…")


def _remedy(found: NotANumber, form: Form) -> str:
    if found.kind is Kind.AMBIGUOUS:
        return (
            "Write 1234 or 1.234; or use --decimal-comma if 1,234 means 1.234."
            if form.decimal != ","
            else "Write 1234 or 1,234, whichever is meant."
        )
    if found.kind is Kind.COMMA:
        return "Write 1234.5; or use --decimal-comma if 1,5 means 1.5."
    if found.kind is Kind.POINT:
        return "Write 1234,5, or omit --decimal-comma."
    return "Write 1234.5 or 1 234.5 and nothing else in the cell. Leave the cell empty (or NA) where there is no value."
