"""Plausibility rules as rows of ``catalogue``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.declarations.indicators import IndicatorCatalogue
from pipelines.declarations.plausibility import AtMost, Rule, frequencies_of, levels_of

Rows = list[dict[str, Any]]

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
    # what a rule applies to; ``compared`` is the indicator that at_most compares with
    "plausibility_scope": {
        "rule": "text",
        "indicator": "text",
        "compared": "text",
        "freq": "text",
        "level": "text",
    },
}

LIMITS = ("lower", "upper", "limit_pct", "limit_points", "tolerance", "minimum_count")


def plausibility_rows(rules: Mapping[str, Rule], catalogue: IndicatorCatalogue) -> dict[str, Rows]:
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
