"""Read tables (CSV, Parquet, XLSX) into observations and structures; errors name file, row and column.

What cannot be read is an error. What can be read but may have another meaning is passed to ``add_note``, line by line.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from pipelines.declarations.yaml_document import composed, load_yaml
from pipelines.errors import DeclarationError, GorodError
from pipelines.indices.cells import NO_VALUE, form_of, name_of, number_of
from pipelines.indices.observations import Observations
from pipelines.indices.periods import period_of, same_period
from pipelines.indices.sheets import (
    Sheet,
    as_text,
    difference,
    is_blank,
    looks,
    nearest_name,
    normal,
    numbered,
    read_sheet,
)
from pipelines.indices.structure import StructureRow
from pipelines.indices.workbook import Odd
from pipelines.numbers import Form

# column names in SDMX, statistical offices and tools for composite indicators; compared without case
UNIT_NAMES = ("ref_area", "ucode", "unit")
UNIT_NAMES_LONG = (*UNIT_NAMES, "territory", "country", "geo", "city", "region")
PERIOD_NAMES = ("time_period", "period", "time", "year")
INDICATOR_NAMES = ("indicator", "icode", "indicator_code", "measure")
VALUE_NAMES = ("obs_value", "value")
# names of rows with totals of the others
TOTALS = frozenset({"total", "all", "average", "mean", "sum", "итого", "всего", "итог", "в среднем", "среднее",
                    "разам", "усяго", "у сярэднім"})  # fmt: skip
Key = tuple[str, str]
AddNote = Callable[[str], None]


def _keep_silent(note: str) -> None:
    """Ignore the note."""


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
    add_note: AddNote = _keep_silent,
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
        tell: called with each note about something that may have another meaning.

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
        self.wanted = {normal(name): name for name in numbers}
        self.form = form_of(sheet, decimal_comma)
        self.indicator, self.value = sheet.find(INDICATOR_NAMES), sheet.find(VALUE_NAMES)
        self.is_long = (
            self.indicator is not None
            and self.value is not None
            and not {self.indicator, self.value} & self.wanted.keys()
        )
        self.texts = {name: sheet.place(normal(name), "peer group") for name in texts}
        self.unit, self.period = self._keys(unit_column, period_column, {*self.wanted, *map(normal, texts)})
        self.unit_place = sheet.place(self.unit, "column of the unit")
        self.period_place = None if self.period is None else sheet.place(self.period, "column of the period")
        self.keys: dict[Key, int] = {}
        self.said: dict[str, dict[Key, str | None]] = {name: {} for name in texts}
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
                f"{sheet.at(sheet.head)}: no column tells the unit; expected one of {', '.join(UNIT_NAMES_LONG)}"
                + ("" if self.is_long else ", or the first column"),
                "Say it by --unit-column.",
            )
        return unit, period

    def _counts_rows(self, name: str) -> bool:
        """Whether an unnamed column only numbers the rows, as table tools write it."""
        place = self.sheet.header.index(name)
        told = [as_text(row[place]) for _, row in self.sheet.rows]
        return not name and any(told == [str(start + n) for n in range(len(told))] for start in (0, 1))

    # --- rows

    def wide(self, required: Sequence[str]) -> Observations:
        sheet = self.sheet
        places = {
            name: sheet.place(column, "indicator")
            for column, name in self.wanted.items()
            if column in sheet.header
        }
        self.cells = {name: {} for name in places}
        self._check(required, places, "column", sheet.header)
        for number, row in sheet.rows:
            if _is_note(row, places.values()):
                self.notes_below.append(number)
                continue
            key = self._key(number, row)
            if (first := self.keys.setdefault(key, number)) != number:
                raise GorodError(
                    f"{sheet.at(number)}: {_described(key)} stands in row {first} already{self._spelt(number, first)}",
                    f"One row for each unit and period is expected; the unit is read from column {self.unit!r}. "
                    "Say --unit-column or --period-column if others tell the rows apart.",
                )
            for name, place in places.items():
                self.cells[name][key] = number_of(sheet, number, place, row[place], self.form)
            self._texts(number, row, key)
        self._tell_formats({place: name for name, place in places.items()})
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
            told = name_of(sheet, number, indicator_place, row[indicator_place], "the name of an indicator")
            self.keys.setdefault(key, number)
            self._texts(number, row, key)
            if told not in self.wanted:
                others.setdefault(told, number)
                continue
            name = self.wanted[told]
            if (first := filled.setdefault((*key, name), number)) != number:
                raise GorodError(
                    f"{sheet.at(number)}: {name} of {_described(key)} stands in row {first} already",
                    "One value for each unit, period and indicator is expected; leave out breakdowns.",
                )
            self.cells.setdefault(name, {})[key] = number_of(
                sheet, number, value_place, row[value_place], self.form
            )
        for other, number in others.items():
            near = next((one for one in self.cells if looks(one) == looks(other)), None)
            if near is not None:
                raise GorodError(
                    f"{sheet.at(number, self.indicator)}: {other!r} looks like {near!r}, and is another name",
                    f"Write one indicator in one way: {difference(other, near)}.",
                )
        self._check(required, self.cells, "indicator", others)
        self._tell_formats({value_place: value})
        return self._done()

    def _key(self, number: int, row: Sequence[Any]) -> Key:
        unit = name_of(self.sheet, number, self.unit_place, row[self.unit_place], "a unit")
        if self.period_place is None:
            return unit, ""
        told = name_of(self.sheet, number, self.period_place, row[self.period_place], "a period")
        period = period_of(told)
        self.written.setdefault(period, (told, number))
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
            if self.said[name].setdefault(key, found) != found:
                at = self.sheet.at(number, self.sheet.header[place])
                raise GorodError(
                    f"{at}: {found!r}, but {self.said[name][key]!r} before, of {_described(key)}",
                    "A unit is in one peer group in a period.",
                )

    # --- notes

    def _check(self, required: Sequence[str], found: Iterable[str], what: str, others: Iterable[str]) -> None:
        """Refuse if required columns are missing; note optional ones that are missing."""
        lacking = [name for name in self.wanted.values() if name not in set(found)]
        spare = [name for name in others if name not in self.wanted]
        for name in lacking:
            alike = next((one for one in spare if looks(one) == looks(name)), None)
            if alike is not None and name not in required:
                raise GorodError(
                    f"{self.sheet.at(self.sheet.head)}: {what} {alike!r} looks like {name!r} of the method, and is another name",
                    f"Write it as the method does: {difference(alike, name)}.",
                )
        missing = [name for name in required if name in lacking]
        if missing:
            told = [name + self._guess(name, spare) for name in missing]
            sheet = "" if self.sheet.name is None else f"sheet {self.sheet.name!r}: "
            raise GorodError(
                f"{self.sheet.path}: {sheet}there is no {what} {', '.join(told)}",
                self._header_below(missing)
                + "Add or rename it, correct `indicator` in the method, or say there absent: not_reported.",
            )
        if lacking and self.sheet.rows:
            told = [name + self._guess(name, spare) for name in lacking]
            told = sorted(told, key=lambda one: not one.endswith("?)"))
            self.add_note(
                f"{self.sheet.path}: of {len(self.wanted)} names of the method {len(lacking)} have no {what} and count as not "
                f"reported: {', '.join(told[:10])}{', …' if len(told) > 10 else ''}"
            )

    @staticmethod
    def _guess(name: str, spare: Sequence[str]) -> str:
        """The name that may be meant; empty if none is similar."""
        alike = [one for one in spare if looks(one) == looks(name)]
        near = alike or difflib.get_close_matches(name, spare, 1)
        differs = f" {difference(near[0], name)}" if alike else ""
        return f" (is it {near[0]}?{differs})" if near else ""

    def _header_below(self, missing: Sequence[str]) -> str:
        wanted = set(map(normal, missing))
        for number, row in self.sheet.rows:
            if wanted <= {as_text(cell) or "" for cell in row if not isinstance(cell, Odd)}:
                return (
                    f"Row {number} has them: delete what stands above it, for the first row is the header. "
                )
        return ""

    def _tell_formats(self, columns: Mapping[int, str]) -> None:
        """Note cells that display another number than they contain."""
        for how, example in (
            ("per cent", "0.45 is shown as 45 %, and read as 0.45"),
            ("thousands or millions", "1500 may be shown as 1.5, and is read as 1500"),
        ):
            for place, name in columns.items():
                rows = [row for (row, at), one in self.sheet.shown.items() if at == place and one == how]
                if rows:
                    self.add_note(
                        f"{self.sheet.path}: sheet {self.sheet.name!r}: column {name}, {numbered(rows)}: shown in {how}, "
                        f"read as the cell holds it: {example}"
                    )

    def _done(self) -> Observations:
        sheet = self.sheet
        if self.notes_below:
            self.add_note(
                f"{sheet.path}: {numbered(self.notes_below)}: left out, for there is no value at all and nothing that says so "
                "(a unit that reports nothing has NA or a dash)"
            )
        same_period(sheet, self.written, self.add_note)
        self._same_units()
        order = list(self.keys)
        observations = Observations.of(
            [unit for unit, _ in order],
            [period for _, period in order],
            {name: [column.get(key, math.nan) for key in order] for name, column in self.cells.items()},
            {name: [column.get(key) for key in order] for name, column in self.said.items()},
        )
        for unit, how in totals(observations).items():
            self.add_note(
                f"{sheet.path}: unit {unit!r} {how}; it is ranked like the others: delete its rows if it is no unit"
            )
        return observations

    def _same_units(self) -> None:
        """Units that differ only by an invisible or hardly visible character."""
        seen: dict[str, str] = {}
        for (unit, _), number in self.keys.items():
            if (other := seen.setdefault(looks(unit), unit)) == unit:
                continue
            first = next(row for (one, _), row in self.keys.items() if one == other)
            raise GorodError(
                f"{self.sheet.at(number, self.unit)}: {unit!r} looks like {other!r} of row {first}, and is another name",
                f"Write one unit in one way: {difference(unit, other)}.",
            )


def totals(observations: Observations) -> dict[str, str]:
    """Units named as a total, or with the sum or mean of the others in all columns: unit -> description."""
    found = {
        unit: "has the name of a total or a mean"
        for unit in observations.units
        if unit.casefold().rstrip(":") in TOTALS
    }
    for rows in observations.by_period.values():
        if len(rows) < 4 or not observations.numbers:
            continue
        values = np.array([column[rows] for column in observations.numbers.values()])
        values = values[~np.isnan(values).any(axis=1)]
        # in a column without spread, every value equals the mean
        values = values[np.ptp(values, axis=1) > 0] if len(values) else values
        if not len(values):
            continue
        others = values.sum(axis=1, keepdims=True) - values
        for how, expected in (("the sum", others), ("the mean", others / (values.shape[1] - 1))):
            near = np.isclose(values, expected, rtol=1e-9, atol=0).all(axis=0)
            for row in rows[near]:
                found.setdefault(
                    observations.units[row], f"has {how} of all others in each column that is full"
                )
    return found


def _is_note(row: Sequence[Any], values: Iterable[int]) -> bool:
    """Whether a row has a single cell and no value: a source below the table, a heading between rows.

    A unit that reports nothing must say so with a dash or NA in one of its cells.
    """
    filled = {place for place, cell in enumerate(row) if not is_blank(cell)}
    return len(filled) == 1 and not filled & set(values)


def _described(key: Key) -> str:
    return f"unit {key[0]!r}" + (f", period {key[1]}" if key[1] else "")


# --- structures

CODE = ("code", "icode", "node", "indicator_code")
PARENT = ("parent", "parent_code")
TYPE = ("type",)
DENOMINATOR = ("denominator",)
# settings of a node in a structure: setting -> names of its column
SAID = {
    "weight": ("weight",),
    "direction": ("direction", "polarity"),
    "name": ("name", "iname", "title"),
    "indicator": ("indicator", "column"),
    "aggregate": ("aggregate", "aggregation"),
}
CONSTANTS = {
    "low": ("low", "goalpost_low"),
    "high": ("high", "goalpost_high"),
    "target": ("target", "benchmark"),
}
# columns of tools for composite indicators without effect here: levels follow from the parents
UNREAD = ("level", "unit", "note", "comment", "source")
# row types in tools for composite indicators: rows of other types are not part of the tree
IN_THE_TREE = ("indicator", "aggregate")
OUTSIDE = ("group", "denominator", "other")
DIRECTIONS = {"up": ("up", "1", "1.0", "+1", "+"), "down": ("down", "-1", "-1.0", "−1", "-")}


def read_structure(
    path: Path, add_note: AddNote = _keep_silent, decimal_comma: bool = False
) -> tuple[list[StructureRow], bool]:
    """Nodes declared separately from the method: CSV (or XLSX, Parquet), or YAML with a list of nodes.

    The second result is False if there is no parent column: these are settings of the method's own nodes.

    Raises:
        DeclarationError: the file cannot be read, a column is unknown, or a cell is invalid.
    """
    try:
        sheet = _yaml_sheet(path) if path.suffix.lower() in (".yml", ".yaml") else read_sheet(path)
        for note in sheet.notes:
            add_note(note)
        return _structure(sheet, form_of(sheet, decimal_comma))
    except DeclarationError:
        raise
    except GorodError as error:
        raise DeclarationError(error.message, error.remedy) from error


def _yaml_sheet(path: Path) -> Sheet:
    nodes, tree = load_yaml(path), composed(path)
    if not isinstance(tree, yaml.SequenceNode) or not all(isinstance(node, Mapping) for node in nodes):
        raise DeclarationError(
            f"{path}: is not a list of nodes", "Write each node as - {code: …, parent: …, weight: …}."
        )
    header = tuple(dict.fromkeys(str(name) for node in nodes for name in node))
    numbers = [node.start_mark.line + 1 for node in tree.value]
    rows = [
        (number, [node.get(name) for name in header]) for number, node in zip(numbers, nodes, strict=True)
    ]
    lines = {
        (number, key.value): key.start_mark.line + 1
        for number, node in zip(numbers, tree.value, strict=True)
        for key, _ in node.value
    }
    return Sheet(path, header, rows, lines=lines)


def _columns(sheet: Sheet) -> dict[str, str]:
    """Setting -> its column.

    Raises:
        DeclarationError: a column is unknown, or two have the same meaning.
    """
    meanings = {"code": CODE, "parent": PARENT, "type": TYPE, "denominator": DENOMINATOR, **SAID, **CONSTANTS}
    known = {name: meaning for meaning, names in meanings.items() for name in names}
    found: dict[str, str] = {}
    for place, column in enumerate(sheet.header):
        meaning = known.get(column.lower())
        at = next(
            (sheet.at(row, column) for row, name in sheet.lines or {} if name == column), sheet.at(sheet.head)
        )
        if meaning is None and column.lower() not in UNREAD:
            called = f"column {column!r}" if column else f"column {place + 1}, which has no name"
            near = nearest_name(column.lower(), [*known, *UNREAD])
            raise DeclarationError(
                f"{at}: a structure has no {called}; {near}",
                "Rename or delete it; what each says: docs/indices.md",
            )
        if (
            meaning is not None and (other := found.setdefault(meaning, column)) != column
        ) or sheet.header.count(column) > 1:
            raise DeclarationError(
                f"{at}: columns {other!r} and {column!r} say the same", "Keep one of them."
            )
    return found


def _structure(sheet: Sheet, form: Form) -> tuple[list[StructureRow], bool]:
    if sheet.find(CODE) is None:
        raise DeclarationError(
            f"{sheet.at(sheet.head)}: a column code is needed; there are: {', '.join(sheet.header)}",
            "One row for each node: code, parent (empty for the index), weight, direction, name.",
        )
    columns = _columns(sheet)
    found = []
    for number, row in sheet.rows:
        node = _Node(sheet, number, dict(zip(sheet.header, row, strict=True)), columns, form)
        if node.is_in_the_tree():
            found.append(node.read())
    if not found:
        raise DeclarationError(
            f"{sheet.at(sheet.head)}: there are no nodes", "One row for each node, with its code."
        )
    return found, "parent" in columns


@dataclass(frozen=True)
class _Node:
    """One row of a structure."""

    sheet: Sheet
    number: int
    cells: Mapping[str, Any]
    columns: Mapping[str, str]
    form: Form

    def at(self, meaning: str) -> str:
        return self.sheet.at(self.number, self.columns[meaning])

    def text(self, meaning: str) -> str | None:
        """The setting; None if there is none."""
        column = self.columns.get(meaning)
        cell = None if column is None else self.cells[column]
        if column is None or is_blank(cell) or (isinstance(cell, str) and _is_nothing(cell)):
            return None
        return name_of(self.sheet, self.number, self.sheet.header.index(column), cell, f"a {meaning}")

    def number_of(self, meaning: str) -> float | None:
        column = self.columns.get(meaning)
        if column is None or is_blank(self.cells[column]):
            return None
        place = self.sheet.header.index(column)
        found = number_of(self.sheet, self.number, place, self.cells[column], self.form)
        return None if math.isnan(found) else found

    def is_in_the_tree(self) -> bool:
        kind = (self.text("type") or "indicator").lower()
        if kind not in (*IN_THE_TREE, *OUTSIDE):
            raise DeclarationError(
                f"{self.at('type')}: {kind!r} is no type of a row; {nearest_name(kind, (*IN_THE_TREE, *OUTSIDE))}",
                "Indicator and Aggregate are nodes; Group, Denominator and Other stand outside the tree.",
            )
        return kind in IN_THE_TREE

    def read(self) -> StructureRow:
        own = self.text("code")
        if own is None:
            raise DeclarationError(f"{self.at('code')}: is empty", "Each node has a code.")
        parent = self.text("parent")
        settings: dict[str, Any] = {}
        for setting in SAID:
            told = self.text(setting) if setting != "weight" else None
            if setting == "weight" and (weight := self.number_of(setting)) is not None:
                settings[setting] = weight
            elif told is not None:
                settings[setting] = (
                    {"ru": told, "be": told, "en": told} if setting == "name"
                    else self._direction(told) if setting == "direction"
                    else told
                )  # fmt: skip
        constants = {name: value for name in CONSTANTS if (value := self.number_of(name)) is not None}
        return StructureRow(
            self.sheet.at(self.number), own, None if parent == "-" else parent, settings, constants,
            self.text("denominator"),
        )  # fmt: skip

    def _direction(self, told: str) -> str:
        for way, words in DIRECTIONS.items():
            if told.lower() in words:
                return way
        raise DeclarationError(
            f"{self.at('direction')}: {told!r} is no direction",
            "up or 1 where more is better, down or -1 where less is.",
        )


def _is_nothing(told: str) -> bool:
    return normal(told).lower() in NO_VALUE - {"-"}
