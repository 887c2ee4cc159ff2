"""The declared programmes as rows of ``catalogue``: their headers, and every version of every planned value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.declarations.common import Names
from pipelines.declarations.targets import Programme

Rows = list[dict[str, Any]]

# name -> columns with their types; the order is the order of the columns
TARGET_TABLES: dict[str, dict[str, str]] = {
    "programme": {
        "programme": "text",
        "title_ru": "text",
        "title_be": "text",
        "title_en": "text",
        "year_from": "integer",
        "year_to": "integer",
        "act": "text",
        "adopted_on": "date",
        "amendments": "text",
        "reference": "text",
        "note_ru": "text",
        "note_be": "text",
        "note_en": "text",
        "green_from_pct": "decimal",
        "yellow_from_pct": "decimal",
        "thresholds_status": "text",
        "thresholds_act": "text",
        "synthetic": "boolean",
    },
    "target": {
        "programme": "text",
        "target": "text",
        "indicator": "text",
        "ref_area": "text",
        "year": "integer",
        "version_no": "integer",
        "is_newest": "boolean",
        "valid_from": "date",
        "valid_to": "date",
        "act": "text",
        "plan_value": "decimal",
        "baseline_value": "decimal",
        "baseline_year": "integer",
        "baseline_ru": "text",
        "baseline_be": "text",
        "baseline_en": "text",
        "reference": "text",
    },
}


def target_rows(programmes: Mapping[str, Programme]) -> dict[str, Rows]:
    """Rows of the tables of ``TARGET_TABLES``; in ``target`` one for each version and territory."""
    tables: dict[str, Rows] = {name: [] for name in TARGET_TABLES}
    for code, programme in programmes.items():
        light = programme.traffic_light
        tables["programme"].append(
            {
                "programme": code,
                **_named("title", programme.title),
                "year_from": programme.year_from,
                "year_to": programme.year_to,
                "act": programme.act,
                "adopted_on": programme.adopted_on,
                "amendments": "; ".join(amendment.act for amendment in programme.amendments) or None,
                "reference": programme.reference,
                **_named("note", programme.note),
                "green_from_pct": light.green_from_pct,
                "yellow_from_pct": light.yellow_from_pct,
                "thresholds_status": light.status,
                "thresholds_act": light.act,
                "synthetic": programme.synthetic,
            }
        )
        for name, target in programme.targets.items():
            baseline = target.baseline
            tables["target"] += [
                {
                    "programme": code,
                    "target": name,
                    "indicator": target.indicator,
                    "ref_area": ref_area,
                    "year": target.year,
                    "version_no": number,
                    "is_newest": number == len(target.versions),
                    "valid_from": version.valid_from,
                    "valid_to": version.valid_to,
                    "act": version.act,
                    "plan_value": version.value,
                    "baseline_value": baseline.value if baseline else None,
                    "baseline_year": baseline.year if baseline else None,
                    **_named("baseline", baseline.words if baseline else None),
                    "reference": target.reference,
                }
                for ref_area in target.territories
                for number, version in enumerate(target.versions, start=1)
            ]
    return tables


def _named(column: str, names: Names | None) -> dict[str, str | None]:
    return {f"{column}_{language}": getattr(names, language, None) for language in ("ru", "be", "en")}
