"""The declared indicators as rows of ``catalogue``: methods, terms, frequencies, levels, metadata."""

from __future__ import annotations

from typing import Any

from pipelines.catalogue.common import Rows, names
from pipelines.declarations.indicators import Indicator, IndicatorCatalogue, Method

# name -> columns with their types; the order is the order of the columns
INDICATOR_TABLES: dict[str, dict[str, str]] = {
    "indicator": {
        "indicator": "text",
        "name_ru": "text",
        "name_be": "text",
        "name_en": "text",
        "definition_ru": "text",
        "definition_be": "text",
        "definition_en": "text",
        "rationale_ru": "text",
        "rationale_be": "text",
        "rationale_en": "text",
        "unit_measure": "text",
        "unit_ru": "text",
        "unit_be": "text",
        "unit_en": "text",
        "decimals": "integer",
        "direction": "text",
        "theme": "text",
        "theme_ru": "text",
        "theme_be": "text",
        "theme_en": "text",
        "frequencies": "text",
        "levels": "text",
        "rolled_up_levels": "text",
        "minimum_time_coverage_pct": "decimal",
        "minimum_population_coverage_pct": "decimal",
        "reliable_population_coverage_pct": "decimal",
        "roll_up": "text",
        "percentile": "decimal",
        "own_figures": "boolean",
        "interval_method": "text",
        "imputation": "text",
        "imputation_freq": "text",
        "imputation_limit": "integer",
        "imputation_indicator": "text",
        "is_measured": "boolean",
        "method_version": "text",
        "owner": "text",
    },
    "indicator_method": {
        "indicator": "text",
        "method_version": "text",
        "valid_from": "date",
        "valid_to": "date",
        "is_first": "boolean",
        "is_newest": "boolean",
        "legal_act": "text",
        "note_ru": "text",
        "note_be": "text",
        "note_en": "text",
        "scale": "decimal",
        "numerator_ru": "text",
        "numerator_be": "text",
        "numerator_en": "text",
        "denominator_ru": "text",
        "denominator_be": "text",
        "denominator_en": "text",
    },
    "indicator_metadata": {
        "indicator": "text",
        "concept": "text",
        "text_ru": "text",
        "text_be": "text",
        "text_en": "text",
    },
    "indicator_not_applicable": {"indicator": "text", "ref_area": "text"},
    "indicator_term": {
        "indicator": "text",
        "method_version": "text",
        "side": "text",
        "term_no": "integer",
        "measure": "text",
        "times_measure": "text",
        "breakdown": "text",
        "weight": "decimal",
        "reference": "text",
    },
    "indicator_frequency": {"indicator": "text", "freq": "text"},
    "indicator_level": {"indicator": "text", "level": "text", "rolled_up": "boolean"},
}


def indicator_rows(catalogue: IndicatorCatalogue) -> dict[str, Rows]:
    """Rows of ``indicator`` and its related tables: methods, terms, frequencies, levels, metadata."""
    tables: dict[str, Rows] = {name: [] for name in INDICATOR_TABLES}
    for code, indicator in catalogue.indicators.items():
        tables["indicator"].append(
            {
                "indicator": code,
                **names(indicator.name),
                **names(indicator.definition, "definition"),
                **names(indicator.rationale, "rationale"),
                "unit_measure": indicator.unit.code,
                **names(indicator.unit, "unit"),
                "decimals": indicator.decimals,
                "direction": indicator.direction,
                "theme": indicator.theme,
                **names(catalogue.themes[indicator.theme], "theme"),
                "frequencies": " ".join(indicator.frequencies),
                "levels": " ".join(indicator.levels),
                "rolled_up_levels": " ".join(indicator.rolled_up) or None,
                "minimum_time_coverage_pct": indicator.minimum_time_coverage_pct,
                "minimum_population_coverage_pct": indicator.least_population_coverage_pct,
                "reliable_population_coverage_pct": indicator.reliable_population_coverage_pct,
                "roll_up": indicator.roll_up,
                "percentile": indicator.percentile,
                "own_figures": indicator.own_figures,
                "interval_method": indicator.interval,
                "imputation": indicator.imputation.rule if indicator.imputation else None,
                "imputation_freq": indicator.imputation.freq if indicator.imputation else None,
                "imputation_limit": indicator.imputation.limit if indicator.imputation else None,
                "imputation_indicator": indicator.imputation.indicator if indicator.imputation else None,
                "is_measured": indicator.is_measured,
                "method_version": indicator.method.version,
                "owner": indicator.owner,
            }
        )
        for method in indicator.methods:
            tables["indicator_method"].append(_method_row(code, indicator, method))
            tables["indicator_term"] += _term_rows(code, method)
        tables["indicator_frequency"] += [{"indicator": code, "freq": freq} for freq in indicator.frequencies]
        tables["indicator_level"] += [
            {"indicator": code, "level": level, "rolled_up": level in indicator.rolled_up}
            for level in indicator.levels
        ]
        tables["indicator_metadata"] += [
            {"indicator": code, "concept": concept, **names(text, "text")}
            for concept, text in indicator.metadata.items()
        ]
        tables["indicator_not_applicable"] += [
            {"indicator": code, "ref_area": ref_area} for ref_area in indicator.not_applicable
        ]
    return tables


def _method_row(code: str, indicator: Indicator, method: Method) -> dict[str, Any]:
    absent = dict.fromkeys(("ru", "be", "en"))
    denominator = method.denominator.words.model_dump() if method.denominator else absent
    note = method.note.model_dump() if method.note else absent
    return {
        "indicator": code,
        "method_version": method.version,
        "valid_from": method.valid_from,
        "valid_to": method.valid_to,
        "is_first": method is indicator.methods[0],
        "is_newest": method is indicator.method,
        "legal_act": method.legal_act,
        **{f"note_{language}": text for language, text in note.items()},
        "scale": method.scale,
        **names(method.numerator.words, "numerator"),
        **{f"denominator_{language}": text for language, text in denominator.items()},
    }


def _term_rows(code: str, method: Method) -> Rows:
    """A term with several members becomes several rows; ``breakdown`` is ``*`` if it follows the indicator's."""
    flat = [
        (side, term, member)
        for side, term in method.terms
        for member in (("*",) if term.members == "same" else term.members)
    ]
    return [
        {
            "indicator": code,
            "method_version": method.version,
            "side": side,
            "term_no": number,
            "measure": term.measure,
            "times_measure": term.times,
            "breakdown": member,
            "weight": term.weight,
            "reference": term.at,
        }
        for number, (side, term, member) in enumerate(flat, start=1)
    ]
