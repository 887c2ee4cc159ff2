"""Read a structure: the nodes of an index, declared apart from its method, as CSV, XLSX, Parquet or YAML."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipelines.declarations.yaml_document import composed, load_yaml
from pipelines.errors import DeclarationError, GorodError
from pipelines.indices.cells import NO_VALUE, form_of, name_of, number_of
from pipelines.indices.name_checks import AddNote, ignore_note
from pipelines.indices.names import nearest_name, normal
from pipelines.indices.sheets import Sheet, is_blank, read_sheet
from pipelines.indices.structure import StructureRow
from pipelines.numbers import DASHES, Form

CODE = ("code", "icode", "node", "indicator_code")
PARENT = ("parent", "parent_code")
TYPE = ("type",)
DENOMINATOR = ("denominator",)
# settings of a node in a structure: setting -> names of its column
SETTINGS = {
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
    path: Path, add_note: AddNote = ignore_note, decimal_comma: bool = False
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
    meanings = {
        "code": CODE,
        "parent": PARENT,
        "type": TYPE,
        "denominator": DENOMINATOR,
        **SETTINGS,
        **CONSTANTS,
    }
    known = {name: meaning for meaning, names in meanings.items() for name in names}
    found: dict[str, str] = {}
    for place, column in enumerate(sheet.header):
        meaning = known.get(column.lower())
        at = next(
            (sheet.at(row, column) for row, name in sheet.lines or {} if name == column), sheet.at(sheet.head)
        )
        if meaning is None and column.lower() not in UNREAD:
            called = f"column {column!r}" if column else f"column {place + 1}, which has no name,"
            near = nearest_name(column.lower(), [*known, *UNREAD])
            raise DeclarationError(
                f"{at}: {called} is unknown; {near}",
                "Rename or delete it; their meanings: docs/indices.md",
            )
        if (
            meaning is not None and (other := found.setdefault(meaning, column)) != column
        ) or sheet.header.count(column) > 1:
            raise DeclarationError(
                f"{at}: columns {other!r} and {column!r} have the same meaning", "Keep one of them."
            )
    return found


def _structure(sheet: Sheet, form: Form) -> tuple[list[StructureRow], bool]:
    if sheet.find(CODE) is None:
        raise DeclarationError(
            f"{sheet.at(sheet.head)}: a column code is needed; found: {', '.join(sheet.header)}",
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
        if column is None or is_blank(cell) or (isinstance(cell, str) and _is_nothing(cell, meaning)):
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
                f"{self.at('type')}: {kind!r} is not a type of a row; {nearest_name(kind, (*IN_THE_TREE, *OUTSIDE))}",
                "Indicator and Aggregate are nodes; Group, Denominator and Other are not part of the tree.",
            )
        return kind in IN_THE_TREE

    def read(self) -> StructureRow:
        own = self.text("code")
        if own is None:
            raise DeclarationError(f"{self.at('code')}: is empty", "Each node has a code.")
        parent = self.text("parent")
        settings: dict[str, Any] = {}
        for setting in SETTINGS:
            text = self.text(setting) if setting != "weight" else None
            if setting == "weight" and (weight := self.number_of(setting)) is not None:
                settings[setting] = weight
            elif text is not None:
                settings[setting] = (
                    {"ru": text, "be": text, "en": text} if setting == "name"
                    else self._direction(text) if setting == "direction"
                    else text
                )  # fmt: skip
        constants = {name: value for name in CONSTANTS if (value := self.number_of(name)) is not None}
        return StructureRow(
            self.sheet.at(self.number), own, None if parent == "-" else parent, settings, constants,
            self.text("denominator"),
        )  # fmt: skip

    def _direction(self, text: str) -> str:
        for way, words in DIRECTIONS.items():
            if text.lower() in words:
                return way
        raise DeclarationError(
            f"{self.at('direction')}: {text!r} is not a direction",
            "up or 1 if more is better, down or -1 if less is.",
        )


def _is_nothing(text: str, meaning: str) -> bool:
    """Whether a cell means that there is no value. A minus is a value: no parent, or down.

    Spreadsheets replace a minus by other dashes: read as empty, one would silently reverse an index.
    """
    marks = NO_VALUE - {"-"}
    return normal(text).lower() in (marks - set(DASHES) if meaning == "direction" else marks)
