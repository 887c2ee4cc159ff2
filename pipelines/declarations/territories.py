"""The code lists of territories as rows of ``catalogue``."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pipelines.declarations.sources import SOURCES, Source
from pipelines.declarations.yaml_document import at
from pipelines.errors import DeclarationError
from pipelines.settings import PROJECT

Rows = list[dict[str, Any]]

TERRITORIES = PROJECT / "assets" / "territories"

# name -> columns with their types; the order is the order of the columns
TERRITORY_TABLES: dict[str, dict[str, str]] = {
    "territory_code": {
        "ref_area": "text",
        "level": "text",
        "soato": "text",
        "soato_status": "text",
        "iso_3166_2": "text",
        "name_en": "text",
    },
    "territory_name": {"source": "text", "name": "text", "ref_area": "text", "note": "text"},
    "subordination": {"ref_area": "text", "district": "text"},
    "territory_parent": {
        "ref_area": "text",
        "parent": "text",
        "valid_from": "date",
        "valid_to": "date",
        "act": "text",
    },
    "size_group": {
        "level": "text",
        "size_group": "text",
        "population_from": "integer",
        "name_ru": "text",
        "name_be": "text",
        "name_en": "text",
    },
    "similarity": {"level": "text", "indicator": "text", "weight": "decimal"},
}


def territory_rows(folder: Path, sources: Mapping[str, Source] = MappingProxyType({})) -> dict[str, Rows]:
    """Rows of ``territory_code``, ``territory_name``, ``subordination``, ``territory_parent``.

    They come from the code lists; the names that a source declares itself join those of the list.

    Raises:
        DeclarationError: a list is missing, lacks a column, or has a duplicate key.
    """
    codes = _code_list(folder / "codes.csv", TERRITORY_TABLES["territory_code"], ("ref_area",))
    names = _code_list(folder / "names.csv", TERRITORY_TABLES["territory_name"], ("source", "name"))
    listed = {row["source"] for row in names}
    for code, source in sources.items():
        if source.territories and code in listed:
            place = at(SOURCES / code / "source.yml", "territories")
            raise DeclarationError(
                f"{place}: {folder / 'names.csv'} also has names of this source", "Keep one of the two lists."
            )
        names += [
            {"source": code, "name": name, "ref_area": ref_area, "note": None}
            for name, ref_area in source.territories.items()
        ]
    return {
        "territory_code": codes,
        "territory_name": names + _under_the_other_code(names, codes),
        "subordination": _code_list(
            folder / "subordination.csv", TERRITORY_TABLES["subordination"], ("ref_area",)
        ),
        "territory_parent": _parents(folder / "changes.csv"),
        "size_group": _numbered(
            folder / "size_groups.csv", "size_group", ("level", "population_from"), "population_from", int
        ),
        "similarity": _numbered(
            folder / "similarity.csv", "similarity", ("level", "indicator"), "weight", Decimal
        ),
    }


def _under_the_other_code(names: Rows, codes: Rows) -> Rows:
    """The second code of a place that has two, by the same names: Minsk is a region and a city with one SOATO.

    A source names it once; its figure counts for both, so neither regions nor cities lack the capital.
    """
    soato = {row["ref_area"]: row["soato"] for row in codes if row["soato"]}
    others = [(one, other) for one in soato for other in soato if one != other and soato[one] == soato[other]]
    return [{**row, "ref_area": other} for row in names for one, other in others if row["ref_area"] == one]


def _parents(path: Path) -> Rows:
    """Former parents of territories; the spans of a territory do not overlap, and each ends."""
    rows = _code_list(path, TERRITORY_TABLES["territory_parent"], ("ref_area", "valid_to"))
    spans: dict[str, list[tuple[date, date]]] = {}
    for number, row in enumerate(rows, start=2):
        try:
            row["valid_from"] = date.fromisoformat(row["valid_from"] or "0001-01-01")
            row["valid_to"] = date.fromisoformat(row["valid_to"] or "")
        except ValueError as error:
            raise DeclarationError(
                f"{path}:{number}: {error}",
                "valid_from and valid_to are days like 2013-12-31; only valid_from may be empty.",
            ) from error
        known = spans.setdefault(row["ref_area"], [])
        if row["valid_to"] < row["valid_from"] or any(
            row["valid_from"] <= last and first <= row["valid_to"] for first, last in known
        ):
            raise DeclarationError(
                f"{path}:{number}: the span of {row['ref_area']} overlaps another or ends before it begins",
                "A territory has one parent at a time.",
            )
        known.append((row["valid_from"], row["valid_to"]))
    return rows


def _numbered(
    path: Path, table: str, key: Sequence[str], column: str, number: Callable[[str], int | Decimal]
) -> Rows:
    """A code list of which a column is a number from zero."""
    rows = _code_list(path, TERRITORY_TABLES[table], key)
    for line, row in enumerate(rows, start=2):
        try:
            row[column] = number(row[column] or "")
        except (ValueError, InvalidOperation) as error:
            raise DeclarationError(
                f"{path}:{line}: {column} is {row[column]!r}", "Write a number from 0, like 50000."
            ) from error
        if not row[column] >= 0:
            raise DeclarationError(f"{path}:{line}: {column} is below 0", "Write a number from 0.")
    return rows


def _code_list(path: Path, columns: Iterable[str], key: Sequence[str]) -> Rows:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = sorted(set(columns) - set(reader.fieldnames or ()))
            if missing:
                raise DeclarationError(
                    f"{path}: columns {missing} are missing", f"The columns are {list(columns)}."
                )
            rows = [{name: (row[name] or "").strip() or None for name in columns} for row in reader]
    except (OSError, UnicodeDecodeError) as error:
        raise DeclarationError(
            f"{path}: cannot be read: {error}", "The file must be CSV in UTF-8."
        ) from error
    seen: set[tuple[Any, ...]] = set()
    for number, row in enumerate(rows, start=2):
        found = tuple(row[name] for name in key)
        if found in seen:
            raise DeclarationError(
                f"{path}:{number}: {' '.join(map(str, found))} is listed twice", "Keep one row."
            )
        seen.add(found)
    return rows
