"""Read a table (CSV, Parquet, XLSX) into observations; errors name file, row and column.

What cannot be read is an error. What can be read but may have another meaning is passed to ``add_note``, line by line.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pipelines.errors import GorodError
from pipelines.indices.cells import form_of, name_of, number_of
from pipelines.indices.csv_rows import numbered
from pipelines.indices.name_checks import (
    AddNote,
    check_names,
    ignore_note,
    note_formats,
    refuse_similar_units,
)
from pipelines.indices.names import difference, looks, normal
from pipelines.indices.observations import Observations
from pipelines.indices.periods import period_of, same_period
from pipelines.indices.sheets import Sheet, as_text, is_blank, read_sheet
from pipelines.indices.totals import totals

# column names in SDMX, statistical offices and tools for composite indicators; compared without case
UNIT_NAMES = ("ref_area", "ucode", "unit")
UNIT_NAMES_LONG = (*UNIT_NAMES, "territory", "country", "geo", "city", "region")
PERIOD_NAMES = ("time_period", "period", "time", "year")
INDICATOR_NAMES = ("indicator", "icode", "indicator_code", "measure")
VALUE_NAMES = ("obs_value", "value")
Key = tuple[str, str]


def read_observations(
    path: Path,
    numbers: Sequence[str],
    texts: Sequence[str] = (),
    unit_column: str | None = None,
    period_column: str | None = None,
    required: Sequence[str] = (),
    *,
    sheet: str | None = None,
    decimal_comma: bool = False,
    add_note: AddNote = ignore_note,
) -> Observations:
    """Observations of a wide table (a column for each indicator) or a long one (a row for each value).

    Args:
        numbers: columns or indicators to read as numbers; those missing in the file are left out.
        texts: columns to read as text.
        unit_column: column of the unit; by default one with a usual name, otherwise the first.
        period_column: column of the period; by default one with a usual name, otherwise none.
        required: those of ``numbers`` that the file must have.
        sheet: sheet of a workbook; by default the first visible one.
        decimal_comma: a comma in a number is always a decimal comma.
        add_note: called with each note about something that may have another meaning.

    Raises:
        GorodError: the file cannot be read, or a cell is invalid; the message names file, row, column and value.
    """
    given = read_sheet(path, sheet)
    for note in given.notes:
        add_note(note)
    reading = _Reading(given, numbers, texts, unit_column, period_column, decimal_comma, add_note)
    return reading.long(required) if reading.is_long else reading.wide(required)


class _Reading:
    """One table being converted to observations."""

    def __init__(
        self,
        sheet: Sheet,
        numbers: Sequence[str],
        texts: Sequence[str],
        unit_column: str | None,
        period_column: str | None,
        decimal_comma: bool,
        add_note: AddNote,
    ) -> None:
        self.sheet, self.add_note = sheet, add_note
        # declared name -> name as compared
        self.declared = {normal(name): name for name in numbers}
        self.form = form_of(sheet, decimal_comma)
        self.indicator, self.value = sheet.find(INDICATOR_NAMES), sheet.find(VALUE_NAMES)
        self.is_long = (
            self.indicator is not None
            and self.value is not None
            and not {self.indicator, self.value} & self.declared.keys()
        )
        self.texts = {name: sheet.place(normal(name), "peer group") for name in texts}
        self.unit, self.period = self._keys(unit_column, period_column, {*self.declared, *map(normal, texts)})
        self.unit_place = sheet.place(self.unit, "column of the unit")
        self.period_place = None if self.period is None else sheet.place(self.period, "column of the period")
        self.keys: dict[Key, int] = {}
        self.groups: dict[str, dict[Key, str | None]] = {name: {} for name in texts}
        self.cells: dict[str, dict[Key, float]] = {}
        self.written: dict[str, tuple[str, int]] = {}
        self.notes_below: list[int] = []

    def _keys(self, unit: str | None, period: str | None, taken: set[str]) -> tuple[str, str | None]:
        """Columns of the unit and of the period."""
        sheet = self.sheet
        unit, period = (None if name is None else normal(name) for name in (unit, period))
        taken = taken | ({str(self.indicator), str(self.value)} if self.is_long else set())
        for name, option in ((unit, "--unit-column"), (period, "--period-column")):
            if name is not None and name in taken:
                raise GorodError(
                    f"{sheet.at(sheet.head)}: column {name!r} is read as an indicator, a value or a group",
                    f"Name another column by {option}.",
                )
        if unit is not None and unit == period:
            raise GorodError(
                f"{sheet.at(sheet.head)}: column {unit!r} cannot be both unit and period",
                "Name two columns by --unit-column and --period-column.",
            )

        def usual(names: Sequence[str], but: str | None) -> str | None:
            found = sheet.find([name for name in names if but is None or name != but.lower()])
            return None if found in taken else found

        period = period or usual(PERIOD_NAMES, unit)
        unit = unit or usual(UNIT_NAMES_LONG if self.is_long else UNIT_NAMES, period)
        if unit is None and not self.is_long:
            first = next((name for name in sheet.header if name != period), None)
            unit = None if first is None or first in taken or self._counts_rows(first) else first
        if unit is None:
            raise GorodError(
                f"{sheet.at(sheet.head)}: no column identifies the unit; expected one of {', '.join(UNIT_NAMES_LONG)}"
                + ("" if self.is_long else ", or the first column"),
                "Name it by --unit-column.",
            )
        return unit, period

    def _counts_rows(self, name: str) -> bool:
        """Whether an unnamed column only numbers the rows, as table tools write it."""
        place = self.sheet.header.index(name)
        texts = [as_text(row[place]) for _, row in self.sheet.rows]
        return not name and any(texts == [str(start + n) for n in range(len(texts))] for start in (0, 1))

    # --- rows

    def wide(self, required: Sequence[str]) -> Observations:
        sheet = self.sheet
        places = {
            name: sheet.place(column, "indicator")
            for column, name in self.declared.items()
            if column in sheet.header
        }
        self.cells = {name: {} for name in places}
        check_names(sheet, self.declared, required, places, "column", sheet.header, self.add_note)
        for number, row in sheet.rows:
            if _is_note(row, places.values()):
                self.notes_below.append(number)
                continue
            key = self._key(number, row)
            if (first := self.keys.setdefault(key, number)) != number:
                raise GorodError(
                    f"{sheet.at(number)}: {_described(key)} is already in row {first}{self._spelt(number, first)}",
                    f"One row for each unit and period is expected; the unit is read from column {self.unit!r}. "
                    "Use --unit-column or --period-column if other columns identify the rows.",
                )
            for name, place in places.items():
                self.cells[name][key] = number_of(sheet, number, place, row[place], self.form)
            self._texts(number, row, key)
        note_formats(self.sheet, {place: name for name, place in places.items()}, self.add_note)
        return self._done()

    def long(self, required: Sequence[str]) -> Observations:
        sheet, value = self.sheet, str(self.value)
        indicator_place = sheet.place(str(self.indicator), "column of the indicator")
        value_place = sheet.place(value, "column of the value")
        filled: dict[tuple[str, str, str], int] = {}
        others: dict[str, int] = {}
        for number, row in sheet.rows:
            if _is_note(row, [value_place]):
                self.notes_below.append(number)
                continue
            key = self._key(number, row)
            text = name_of(sheet, number, indicator_place, row[indicator_place], "the name of an indicator")
            self.keys.setdefault(key, number)
            self._texts(number, row, key)
            if text not in self.declared:
                others.setdefault(text, number)
                continue
            name = self.declared[text]
            if (first := filled.setdefault((*key, name), number)) != number:
                raise GorodError(
                    f"{sheet.at(number)}: {name} of {_described(key)} is already in row {first}",
                    "One value for each unit, period and indicator is expected; remove breakdowns.",
                )
            self.cells.setdefault(name, {})[key] = number_of(
                sheet, number, value_place, row[value_place], self.form
            )
        for other, number in others.items():
            near = next((one for one in self.cells if looks(one) == looks(other)), None)
            if near is not None:
                raise GorodError(
                    f"{sheet.at(number, self.indicator)}: {other!r} looks like {near!r}, but is another name",
                    f"Write one indicator in one way: {difference(other, near)}.",
                )
        check_names(sheet, self.declared, required, self.cells, "indicator", others, self.add_note)
        note_formats(self.sheet, {value_place: value}, self.add_note)
        return self._done()

    def _key(self, number: int, row: Sequence[Any]) -> Key:
        unit = name_of(self.sheet, number, self.unit_place, row[self.unit_place], "a unit")
        if self.period_place is None:
            return unit, ""
        text = name_of(self.sheet, number, self.period_place, row[self.period_place], "a period")
        period = period_of(text)
        self.written.setdefault(period, (text, number))
        return unit, period

    def _spelt(self, number: int, first: int) -> str:
        """The other spelling, if two rows write one period in two ways."""
        if self.period_place is None:
            return ""
        ways = {
            row: as_text(cells[self.period_place]) for row, cells in self.sheet.rows if row in (number, first)
        }
        return f", as {ways[first]!r}" if ways[first] != ways[number] else ""

    def _texts(self, number: int, row: Sequence[Any], key: Key) -> None:
        for name, place in self.texts.items():
            cell = row[place]
            found = None if is_blank(cell) else name_of(self.sheet, number, place, cell, "a peer group")
            if self.groups[name].setdefault(key, found) != found:
                at = self.sheet.at(number, self.sheet.header[place])
                raise GorodError(
                    f"{at}: {found!r}, but {self.groups[name][key]!r} before, of {_described(key)}",
                    "A unit is in one peer group in a period.",
                )

    def _done(self) -> Observations:
        sheet = self.sheet
        if self.notes_below:
            self.add_note(
                f"{sheet.path}: {numbered(self.notes_below)}: ignored, because there is no value and no mark of a missing one "
                "(a unit that reports nothing has NA or a dash)"
            )
        same_period(sheet, self.written, self.add_note)
        refuse_similar_units(self.sheet, self.unit, self.keys)
        order = list(self.keys)
        observations = Observations.of(
            [unit for unit, _ in order],
            [period for _, period in order],
            {name: [column.get(key, math.nan) for key in order] for name, column in self.cells.items()},
            {name: [column.get(key) for key in order] for name, column in self.groups.items()},
        )
        for unit, how in totals(observations).items():
            self.add_note(
                f"{sheet.path}: unit {unit!r} {how}; it is ranked like the others: delete its rows if it is not a unit"
            )
        return observations


def _is_note(row: Sequence[Any], values: Iterable[int]) -> bool:
    """Whether a row has a single cell and no value: a source below the table, a heading between rows.

    A unit that reports nothing must say so with a dash or NA in one of its cells.
    """
    filled = {place for place, cell in enumerate(row) if not is_blank(cell)}
    return len(filled) == 1 and not filled & set(values)


def _described(key: Key) -> str:
    return f"unit {key[0]!r}" + (f", period {key[1]}" if key[1] else "")
