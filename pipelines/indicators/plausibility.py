"""Rules of plausibility: their rows in ``catalogue``, and findings that stop a build, told to a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.declarations.indicators import Catalogue
from pipelines.declarations.plausibility import AtMost, Rule, frequencies_of, levels_of
from pipelines.warehouse.base import Warehouse

Rows = list[dict[str, Any]]

# How many findings are told; the rest stands in the table.
TOLD = 10

# name -> columns with their types; the order is the order of the columns
PLAUSIBILITY_TABLES: dict[str, dict[str, str]] = {
    "plausibility_rule": {
        "rule": "text",
        "kind": "text",
        "severity": "text",
        "says_ru": "text",
        "says_be": "text",
        "says_en": "text",
        "reference": "text",
        "lower": "decimal",
        "upper": "decimal",
        "limit_pct": "decimal",
        "limit_points": "decimal",
        "tolerance": "decimal",
        "outlier_limit": "decimal",
        "minimum_count": "integer",
    },
    # what a rule holds for; ``compared`` is the indicator that at_most holds it against
    "plausibility_scope": {
        "rule": "text",
        "indicator": "text",
        "compared": "text",
        "freq": "text",
        "level": "text",
    },
}

LIMITS = ("lower", "upper", "limit_pct", "limit_points", "tolerance", "minimum_count")


def plausibility_rows(rules: Mapping[str, Rule], catalogue: Catalogue) -> dict[str, Rows]:
    """Rows of the tables of ``PLAUSIBILITY_TABLES``."""
    return {
        "plausibility_rule": [
            {
                "rule": code,
                "kind": rule.kind,
                "severity": rule.severity,
                **{f"says_{language}": text for language, text in rule.says.model_dump().items()},
                "reference": rule.reference,
                **{name: getattr(rule, name, None) for name in LIMITS},
                "outlier_limit": getattr(rule, "limit", None),
            }
            for code, rule in rules.items()
        ],
        "plausibility_scope": [
            {
                "rule": code,
                "indicator": name,
                "compared": rule.than if isinstance(rule, AtMost) else None,
                "freq": freq,
                "level": level,
            }
            for code, rule in rules.items()
            for name in rule.indicators
            for freq in frequencies_of(rule, catalogue.indicators[name])
            for level in levels_of(rule, catalogue.indicators[name])
        ],
    }


def impossible(warehouse: Warehouse) -> list[str]:
    """A sentence for each of the first findings that cannot be true, of the newest build."""
    built = warehouse.query(
        "select 1 from information_schema.tables where table_schema = 'marts' and table_name = 'mart_plausibility'"
    )
    if not built:
        return []
    rows = warehouse.query(
        "select * from marts.mart_plausibility where severity = 'error' "
        "order by rule, indicator, ref_area, time_period, breakdown"
    )
    told = [
        f"rule {row['rule']}: {row['indicator']}, {row['ref_area']}, {row['time_period']}, {row['breakdown']}: "
        f"{_plain(row['obs_value'])}"
        + (f" against {_plain(row['compared_value'])}" if row["compared_value"] is not None else "")
        + (f", limit {_plain(row['limit_value'])}" if row["limit_value"] is not None else "")
        for row in rows[:TOLD]
    ]
    return told if len(rows) <= TOLD else [*told, f"and {len(rows) - TOLD} more in marts.mart_plausibility"]


def _plain(value: Any) -> str:
    return f"{value.normalize():f}"
