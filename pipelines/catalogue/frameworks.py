"""The declared frameworks as rows of ``catalogue``: their indicators, and which of ours map to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.declarations.common import Names
from pipelines.declarations.frameworks import Framework

Rows = list[dict[str, Any]]

LANGUAGES = ("ru", "be", "en")


def _in_all_languages(*columns: str) -> dict[str, str]:
    return {f"{column}_{language}": "text" for column in columns for language in LANGUAGES}


# name -> columns with their types; the order is the order of the columns
FRAMEWORK_TABLES: dict[str, dict[str, str]] = {
    "framework": {
        "framework": "text",
        "short": "text",
        **_in_all_languages("title"),
        "publisher": "text",
        "reference": "text",
        "indicator_count": "integer",
        "verified_ru": "text",
        "unverified_ru": "text",
        "translation_ru": "text",
    },
    # ``dimension`` is the top-level division that contains the item; ``path`` names all of them
    "framework_place": {
        "framework": "text",
        "place": "text",
        "place_no": "integer",
        "kind": "text",
        "parent": "text",
        "dimension": "text",
        **_in_all_languages("name", "path"),
    },
    "framework_indicator": {
        "framework": "text",
        "code": "text",
        "indicator_no": "integer",
        "place": "text",
        **_in_all_languages("name", "numerator", "denominator"),
        "multiplier": "decimal",
        "unit_measure": "text",
        **_in_all_languages("unit", "data_points"),
        "direction": "text",
        "kpi_level": "text",
        "kpi_type": "text",
        "type_verified": "boolean",
        "formula_status": "text",
        "source_ru": "text",
        "reference": "text",
        "note_ru": "text",
    },
    "framework_answer": {
        "framework": "text",
        "code": "text",
        "indicator": "text",
        "match": "text",
        "note_ru": "text",
    },
}


def framework_rows(frameworks: Mapping[str, Framework]) -> dict[str, Rows]:
    """Rows of the tables of ``FRAMEWORK_TABLES``."""
    tables: dict[str, Rows] = {name: [] for name in FRAMEWORK_TABLES}
    for code, framework in frameworks.items():
        tables["framework"].append(
            {
                "framework": code,
                "short": framework.short,
                **_named("title", framework.title),
                "publisher": framework.publisher,
                "reference": framework.reference,
                "indicator_count": framework.indicator_count,
                "verified_ru": framework.verified_ru,
                "unverified_ru": framework.unverified_ru,
                "translation_ru": framework.translation_ru,
            }
        )
        tables["framework_place"] += _place_rows(framework)
        for number, one in enumerate(framework.indicators, start=1):
            tables["framework_indicator"].append(
                {
                    "framework": code,
                    "code": one.code,
                    "indicator_no": number,
                    "place": one.place,
                    **_named("name", one.name),
                    **_named("numerator", one.numerator),
                    **_named("denominator", *([one.denominator] if one.denominator else [])),
                    "multiplier": one.multiplier,
                    "unit_measure": one.unit,
                    **_named("unit", framework.units[one.unit]),
                    **_named("data_points", *one.data_points, divider="; "),
                    "direction": one.direction,
                    "kpi_level": one.level,
                    "kpi_type": one.type,
                    "type_verified": one.is_type_verified if one.type is not None else None,
                    "formula_status": one.formula_status,
                    "source_ru": one.source_ru,
                    "reference": one.reference,
                    "note_ru": one.note_ru,
                }
            )
            tables["framework_answer"] += [
                {
                    "framework": code,
                    "code": one.code,
                    "indicator": answer.indicator,
                    "match": answer.match,
                    "note_ru": answer.note_ru,
                }
                for answer in one.answered_by
            ]
    return tables


def _place_rows(framework: Framework) -> Rows:
    """A row for each division, with its top-level division and the names on the path to it."""
    ways: dict[str, tuple[str, Sequence[Names]]] = {}
    rows: Rows = []
    for number, place in enumerate(framework.structure, start=1):
        top, above = ways[place.parent] if place.parent is not None else (place.code, ())
        ways[place.code] = top, (*above, place.name)
        rows.append(
            {
                "framework": framework.framework,
                "place": place.code,
                "place_no": number,
                "kind": place.kind,
                "parent": place.parent,
                "dimension": top,
                **_named("name", place.name),
                **_named("path", *above, place.name, divider=" / "),
            }
        )
    return rows


def _named(column: str, *names: Names, divider: str = "") -> dict[str, str | None]:
    """A column for each language; null if there is no name."""
    return {
        f"{column}_{language}": divider.join(getattr(one, language) for one in names) or None
        for language in LANGUAGES
    }
