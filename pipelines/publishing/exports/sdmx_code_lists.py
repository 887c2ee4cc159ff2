"""The code lists of the data structure, filled from the published tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipelines.errors import GorodError
from pipelines.publishing.exports.sdmx_components import DIMENSIONS
from pipelines.publishing.exports.snapshot import LANGUAGES, Row, Snapshot
from pipelines.publishing.exports.words import (
    FREQUENCIES,
    IMPUTATIONS,
    MISSING,
    STATUSES,
    TOTALS,
    Text,
    text_of,
)

VALUES = "pub_indicator_value_v1"


@dataclass(frozen=True)
class Code:
    """A code with its names; ``parent`` is its parent code in the same list."""

    id: str
    name: Text
    description: Text | None = None
    parent: str | None = None


@dataclass(frozen=True)
class CodeList:
    """A code list."""

    id: str
    name: Text
    codes: tuple[Code, ...]


def code_lists(snapshot: Snapshot) -> list[CodeList]:
    """All code lists of the structure, filled from the published tables."""
    indicators = snapshot.rows("pub_indicator_v1")
    decimals = sorted({row["decimals"] for row in indicators})
    lists = [
        _fixed("CL_FREQ", DIMENSIONS[0].name, FREQUENCIES),
        CodeList("CL_AREA", DIMENSIONS[1].name, tuple(_areas(snapshot.rows("pub_territory_v1")))),
        CodeList("CL_INDICATOR", DIMENSIONS[2].name, tuple(_indicators(indicators))),
        CodeList("CL_BREAKDOWN", DIMENSIONS[3].name, tuple(_breakdowns(snapshot))),
        CodeList(
            "CL_UNIT_MEASURE",
            Text("Единицы измерения", "Адзінкі вымярэння", "Units of measure"),
            tuple(_units(indicators)),
        ),
        _fixed(
            "CL_UNIT_MULT",
            Text("Порядок единицы", "Парадак адзінкі", "Unit multiplier"),
            {"0": Text("Единицы", "Адзінкі", "Units")},
        ),
        _fixed(
            "CL_DECIMALS",
            Text("Знаков после запятой", "Знакаў пасля коскі", "Decimals"),
            {str(count): Text(str(count), str(count), str(count)) for count in decimals},
        ),
        _fixed("CL_OBS_STATUS", Text("Статусы", "Статусы", "Observation status"), STATUSES),
        _fixed("CL_MISSING_REASON", Text("Причины", "Прычыны", "Reasons"), MISSING),
        _fixed("CL_IMPUTATION", Text("Восполнение", "Запаўненне", "Imputation"), IMPUTATIONS),
        CodeList(
            "CL_QUALITY_CLASS",
            Text("Классы качества", "Класы якасці", "Quality classes"),
            tuple(
                Code(row["quality_class"], _name(row))
                for row in sorted(snapshot.rows("pub_quality_class_v1"), key=lambda row: row["quality_rank"])
            ),
        ),
    ]
    for one in lists:
        for code in one.codes:
            if not re.fullmatch(r"[A-Za-z0-9_@$\-]+", code.id):
                raise GorodError(
                    f"{one.id}: {code.id!r} cannot be a code of SDMX",
                    "Codes are Latin letters, digits, _ @ $ -; correct the declaration, then gorod run.",
                )
    return lists


def _fixed(identity: str, name: Text, codes: Mapping[str, Text]) -> CodeList:
    return CodeList(identity, name, tuple(Code(code, text) for code, text in codes.items()))


def _name(row: Row, prefix: str = "name") -> Text:
    name = text_of(row, prefix)
    assert name is not None  # the contracts guarantee it
    return name


def _areas(territories: list[Row]) -> Iterable[Code]:
    """Order codes after their parents: readers resolve a parent from what they have already read.

    A region's file lacks the levels above the region; such a parent is omitted.
    """
    by_code = {row["ref_area"]: row for row in territories}

    def depth(row: Row) -> int:
        above = by_code.get(row["parent"])
        return 0 if above is None else 1 + depth(above)

    for row in sorted(territories, key=lambda row: (depth(row), row["ref_area"])):
        yield Code(row["ref_area"], _name(row), parent=row["parent"] if row["parent"] in by_code else None)


def _indicators(indicators: list[Row]) -> Iterable[Code]:
    return (Code(row["indicator"], _name(row), text_of(row, "definition")) for row in indicators)


def _breakdowns(snapshot: Snapshot) -> Iterable[Code]:
    """The breakdowns of the values; a member that no list names uses its code as its name."""
    names: dict[str, list[Text]] = {}
    for row in snapshot.rows("pub_measure_member_v1"):
        names.setdefault(row["breakdown"], []).append(_name(row))
    used = snapshot.ask(f"select distinct breakdown from published.{VALUES} order by 1")
    for code in ["_T", *(row["breakdown"] for row in used if row["breakdown"] != "_T")]:
        found = list(dict.fromkeys(names.get(code, [TOTALS.get(code, Text(code, code, code))])))
        yield Code(code, Text(*(" / ".join(text.get(language) for text in found) for language in LANGUAGES)))


def _units(indicators: list[Row]) -> Iterable[Code]:
    units = {row["unit_measure"]: _name(row, "unit") for row in indicators}
    return (Code(code, name) for code, name in sorted(units.items()))
