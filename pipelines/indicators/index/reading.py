"""Files to observations and structures: wide or long tables in CSV, Parquet or XLSX; errors name file, row and column."""

from __future__ import annotations

import csv
import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from pipelines.declarations.common import composed, load_yaml
from pipelines.errors import DeclarationError, GorodError
from pipelines.indicators.index.observations import Observations
from pipelines.indicators.index.structure import StructureRow

# What stands in a cell where there is no value. Zero is a value.
NO_VALUE = frozenset(
    {"", "-", "–", "—", "…", "..", "...", ":", "na", "n/a", "nan", "nr", "null", "none", "н/д", "нет данных"}
)
# what columns are called by SDMX, by statistical offices and by tools for composite indicators; compared without case
UNIT_NAMES = ("ref_area", "ucode", "unit")
UNIT_NAMES_LONG = (*UNIT_NAMES, "territory", "country", "geo", "city", "region")
PERIOD_NAMES = ("time_period", "period", "time", "year")
INDICATOR_NAMES = ("indicator", "icode", "indicator_code", "measure")
VALUE_NAMES = ("obs_value", "value")


@dataclass(frozen=True)
class Sheet:
    """A table as it stands in a file: names of columns, and rows with their numbers as a person counts them.

    A list of YAML has ``lines``: its rows are numbered by the lines that they begin in, and each key has one of its own.
    """

    path: Path
    header: tuple[str, ...]
    rows: Sequence[tuple[int, Sequence[Any]]]
    decimal_comma: bool = False
    lines: Mapping[tuple[int, str], int] | None = None

    def at(self, row: int, column: str | None = None) -> str:
        """File and row of a row or a cell, or file, line and key where it is YAML; for messages."""
        if self.lines is None:
            return f"{self.path}: row {row}" + ("" if column is None else f", column {column}")
        if column is None:
            return f"{self.path}:{row}"
        return f"{self.path}:{self.lines.get((row, column), row)}: {column}"

    def find(self, names: Sequence[str]) -> str | None:
        """The first of the header's names that is one of ``names``, whatever the case."""
        lowered = {name.lower(): name for name in reversed(self.header)}
        return next((lowered[name] for name in names if name in lowered), None)

    def place(self, name: str, said_by: str) -> int:
        """Where a column stands.

        Raises:
            GorodError: there is none, or there are two.
        """
        if self.header.count(name) == 1:
            return self.header.index(name)
        if name in self.header:
            raise GorodError(
                f"{self.path}: row 1: column {name!r} stands twice", "Rename or delete one of them."
            )
        near = difflib.get_close_matches(name, self.header, 1)
        raise GorodError(
            f"{self.path}: row 1: there is no column {name!r} ({said_by})",
            f"Did you mean {near[0]!r}?" if near else f"The columns are: {', '.join(self.header)}.",
        )


def read_observations(
    path: Path,
    numbers: Sequence[str],
    texts: Sequence[str] = (),
    unit_column: str | None = None,
    period_column: str | None = None,
    required: Sequence[str] = (),
) -> Observations:
    """Observations of a wide table (a column for each indicator) or a long one (a row for each value).

    Args:
        numbers: columns or indicators that are wanted as numbers; those that the file lacks are left out.
        texts: columns that are wanted as text.
        unit_column: column of the unit; by default one with a usual name, else the first.
        period_column: column of the period; by default one with a usual name, else there is none.
        required: those of ``numbers`` that the file must have.

    Raises:
        GorodError: the file cannot be read, or a cell is not what it must be: file, row, column, value.
    """
    sheet = read_sheet(path)
    indicator, value = sheet.find(INDICATOR_NAMES), sheet.find(VALUE_NAMES)
    long = indicator is not None and value is not None and not {indicator, value} & set(numbers)
    taken = {*numbers, *texts, *((indicator, value) if long else ())}

    def usual(names: Sequence[str]) -> str | None:
        found = sheet.find(names)
        return None if found in taken else found

    period = period_column or usual(
        [name for name in PERIOD_NAMES if unit_column is None or name != unit_column.lower()]
    )
    unit = unit_column or usual(UNIT_NAMES_LONG if long else UNIT_NAMES)
    if unit is None and not long:
        unit = next((name for name in sheet.header if name != period), None)
    if unit is None:
        raise GorodError(
            f"{path}: row 1: no column tells the unit; expected one of {', '.join(UNIT_NAMES_LONG)}",
            "Say it by --unit-column.",
        )
    unit_place = sheet.place(unit, "column of the unit")
    period_place = None if period is None else sheet.place(period, "column of the period")
    keys: dict[tuple[str, str], int] = {}
    cells: dict[str, dict[tuple[str, str], float]] = {}
    said: dict[str, dict[tuple[str, str], str | None]] = {name: {} for name in texts}
    text_places = {name: sheet.place(name, "peer group") for name in texts}
    if long:
        assert indicator is not None and value is not None
        indicator_place = sheet.place(indicator, "column of the indicator")
        value_place = sheet.place(value, "column of the value")
        filled: dict[tuple[str, str, str], int] = {}
    else:
        places = {name: sheet.place(name, "indicator") for name in numbers if name in sheet.header}
        cells = {name: {} for name in places}
    wanted, others = set(numbers), set[str]() if long else set(sheet.header)
    for number, row in sheet.rows:
        key = (
            _key(sheet, number, unit, row[unit_place]),
            "" if period_place is None or period is None else _key(sheet, number, period, row[period_place]),
        )
        if long:
            name = _text(row[indicator_place]) or ""
            keys.setdefault(key, number)
            if name not in wanted:
                others.add(name)
                continue
            if (first := filled.setdefault((*key, name), number)) != number:
                raise GorodError(
                    f"{path}: row {number}: {name} of {_told(key)} stands in row {first} already",
                    "One value for each unit, period and indicator is expected; leave out breakdowns.",
                )
            cells.setdefault(name, {})[key] = _number(sheet, number, str(value), row[value_place])
        else:
            if (first := keys.setdefault(key, number)) != number:
                raise GorodError(
                    f"{path}: row {number}: {_told(key)} stands in row {first} already",
                    "One row for each unit and period is expected; say --period-column if a column tells them apart.",
                )
            for name, place in places.items():
                cells[name][key] = _number(sheet, number, name, row[place])
        for name, place in text_places.items():
            found = _text(row[place])
            if said[name].setdefault(key, found) != found:
                raise GorodError(
                    f"{path}: row {number}, column {name}: {found!r}, but {said[name][key]!r} before, of {_told(key)}",
                    "A unit is in one peer group in a period.",
                )
    _check_required(path, "indicator" if long else "column", [n for n in required if n not in cells], others)
    order = list(keys)
    return Observations.of(
        [unit for unit, _ in order],
        [period for _, period in order],
        {name: [column.get(key, math.nan) for key in order] for name, column in cells.items()},
        {name: [column.get(key) for key in order] for name, column in said.items()},
    )


def _check_required(path: Path, what: str, missing: Sequence[str], others: set[str]) -> None:
    if not missing:
        return
    near = {name: difflib.get_close_matches(name, sorted(others), 1) for name in missing}
    told = ", ".join(name + (f" (is it {near[name][0]}?)" if near[name] else "") for name in missing)
    raise GorodError(
        f"{path}: there is no {what} {told}",
        "Add or rename it, correct `indicator` in the method, or say there absent: not_reported.",
    )


def _told(key: tuple[str, str]) -> str:
    return f"unit {key[0]!r}" + (f", period {key[1]}" if key[1] else "")


# --- cells


def _text(cell: Any) -> str | None:
    """A cell as text; None where nothing stands in it."""
    if cell is None:
        return None
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, datetime | date):
        cell = cell.isoformat()[:10]
    return str(cell).strip() or None


def _key(sheet: Sheet, row: int, column: str, cell: Any) -> str:
    found = _text(cell)
    if found is None:
        raise GorodError(
            f"{sheet.at(row, column)}: is empty; a unit or period is expected",
            "Fill the cell or delete the row.",
        )
    return found


def _number(sheet: Sheet, row: int, column: str, cell: Any) -> float:
    """A cell as a number; NaN where there is no value."""
    if cell is None:
        return math.nan
    if isinstance(cell, int | float | Decimal) and not isinstance(cell, bool):
        found = float(cell)
        if math.isinf(found):
            raise _no_number(sheet, row, column, cell)
        return found
    told = str(cell).strip()
    if told.lower() in NO_VALUE:
        return math.nan
    # spaces between thousands: plain, no-break, narrow no-break
    plain = told.replace(" ", "").replace("\u00a0", "").replace("\u202f", "").replace("−", "-")
    if "," in plain:
        if not sheet.decimal_comma or "." in plain or plain.count(",") > 1:
            raise _no_number(sheet, row, column, told)
        plain = plain.replace(",", ".")
    try:
        found = float(plain) if "_" not in plain else math.inf
    except ValueError:
        raise _no_number(sheet, row, column, told) from None
    if not math.isfinite(found):
        raise _no_number(sheet, row, column, told)
    return found


def _no_number(sheet: Sheet, row: int, column: str, cell: Any) -> GorodError:
    return GorodError(
        f"{sheet.at(row, column)}: {str(cell)!r} is not a number",
        "Write 1234.5; a decimal comma is read in files that are separated by semicolons or tabs. Leave the cell "
        "empty (or NA) where there is no value.",
    )


# --- files


def read_sheet(path: Path) -> Sheet:
    """The table of a CSV (comma, semicolon or tab; UTF-8), Parquet or XLSX file (first sheet).

    Raises:
        GorodError: the file cannot be read.
    """
    suffix = path.suffix.lower()
    try:
        if suffix == ".parquet":
            return _parquet(path)
        if suffix == ".xlsx":
            return _xlsx(path)
        return _csv(path)
    except UnicodeDecodeError as error:
        raise GorodError(
            f"{path}: is not UTF-8: byte {error.start} cannot be read",
            "Save the file as «CSV UTF-8» and try again.",
        ) from error
    except (OSError, csv.Error) as error:
        raise GorodError(
            f"{path}: cannot be read: {error}", "A CSV (UTF-8), .parquet or .xlsx file is expected."
        ) from error


def _csv(path: Path) -> Sheet:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        first = stream.readline()
        # whichever of the separators the header has most of
        delimiter = max((",", ";", "\t"), key=first.count)
        stream.seek(0)
        reader = csv.reader(stream, delimiter=delimiter, strict=True)
        lines = [(reader.line_num, line) for line in reader if any(cell.strip() for cell in line)]
    if not lines:
        raise GorodError(f"{path}: is empty", "The first row names the columns, the others hold the data.")
    header = tuple(cell.strip() for cell in lines[0][1])
    for number, line in lines[1:]:
        if len(line) != len(header):
            raise GorodError(
                f"{path}: row {number}: {len(line)} cells, but the header has {len(header)}",
                f"The separator is {delimiter!r}; put values that hold it in quotes.",
            )
    return Sheet(path, header, lines[1:], decimal_comma=delimiter != ",")


def _parquet(path: Path) -> Sheet:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    try:
        table = parquet.read_table(path)
    except pa.ArrowException as error:
        raise GorodError(f"{path}: cannot be read as Parquet: {error}", "Write the file again.") from error
    columns = [column.to_pylist() for column in table.columns]
    rows = [(number, row) for number, row in enumerate(zip(*columns, strict=True), start=1)]
    return Sheet(path, tuple(table.column_names), rows)


def _xlsx(path: Path) -> Sheet:
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError as error:
        raise GorodError(
            f"{path}: no reader of XLSX is installed",
            "Save the sheet as «CSV UTF-8», or install python-calamine.",
        ) from error
    try:
        lines = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    except CalamineError as error:
        raise GorodError(f"{path}: cannot be read as XLSX: {error}", "Save the file again.") from error
    if not lines:
        raise GorodError(f"{path}: the first sheet is empty", "The first row names the columns.")
    header = tuple(str(cell).strip() for cell in lines[0])
    rows = [
        (number, line) for number, line in enumerate(lines[1:], start=2) if any(cell != "" for cell in line)
    ]
    return Sheet(path, header, rows, decimal_comma=True)


# --- structures

CODE = ("code", "icode", "node", "indicator_code")
PARENT = ("parent", "parent_code")
# what a structure may say of a node: setting -> names of its column
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
# Type of a row in tools for composite indicators: rows of other types are no part of the tree
IN_THE_TREE = {"indicator", "aggregate"}
DIRECTIONS = {"up": ("up", "1", "1.0", "+1", "+"), "down": ("down", "-1", "-1.0", "-")}


def read_structure(path: Path) -> tuple[list[StructureRow], bool]:
    """Nodes that are told apart from the method: CSV (or XLSX, Parquet), or YAML with a list of nodes.

    The second is False where there is no column of the parent: these are settings of the method's own nodes.

    Raises:
        DeclarationError: the file cannot be read, or a cell is not what it must be.
    """
    try:
        sheet = _yaml_sheet(path) if path.suffix.lower() in (".yml", ".yaml") else read_sheet(path)
        return _structure(sheet)
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


def _structure(sheet: Sheet) -> tuple[list[StructureRow], bool]:
    code, parent = sheet.find(CODE), sheet.find(PARENT)
    if code is None:
        raise DeclarationError(
            f"{sheet.at(1)}: a column code is needed; there are: {', '.join(sheet.header)}",
            "One row for each node: code, parent (empty for the index), weight, direction, name.",
        )
    kind = sheet.find(("type",))
    found = []
    for number, row in sheet.rows:
        cells = dict(zip(sheet.header, row, strict=True))
        if kind is not None and (_cell(cells[kind]) or "indicator").lower() not in IN_THE_TREE:
            continue
        own = _cell(cells[code])
        if own is None:
            raise DeclarationError(f"{sheet.at(number, code)}: is empty", "Each node has a code.")
        above = None if parent is None or cells[parent] == "-" else _cell(cells[parent])
        found.append(StructureRow(sheet.at(number), own, above, *_said(sheet, number, cells)))
    if not found:
        raise DeclarationError(f"{sheet.at(1)}: there are no nodes", "One row for each node, with its code.")
    return found, parent is not None


def _said(sheet: Sheet, number: int, cells: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, float]]:
    settings: dict[str, Any] = {}
    for setting, names in SAID.items():
        column = sheet.find(names)
        told = None if column is None else _cell(cells[column])
        if column is None or told is None:
            continue
        if setting == "weight":
            settings[setting] = _number(sheet, number, column, cells[column])
        elif setting == "name":
            settings[setting] = {"ru": told, "be": told, "en": told}
        elif setting == "direction":
            meant = [way for way, words in DIRECTIONS.items() if told.lower() in words]
            if not meant:
                raise DeclarationError(
                    f"{sheet.at(number, column)}: {told!r} is no direction",
                    "up or 1 where more is better, down or -1 where less is.",
                )
            settings[setting] = meant[0]
        elif not (setting == "indicator" and column == sheet.find(CODE)):
            settings[setting] = told
    constants = {
        name: _number(sheet, number, column, cells[column])
        for name, names in CONSTANTS.items()
        if (column := sheet.find(names)) is not None and _cell(cells[column]) is not None
    }
    return settings, constants


def _cell(cell: Any) -> str | None:
    told = _text(cell)
    return None if told is None or told.lower() in NO_VALUE - {"-"} else told
