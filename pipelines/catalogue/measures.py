"""The declared measures as rows of ``catalogue``."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.catalogue.common import Rows, names
from pipelines.declarations.indicators import IndicatorCatalogue
from pipelines.declarations.measures import QUALITIES
from pipelines.declarations.sources import Source

# name -> columns with their types; the order is the order of the columns
MEASURE_TABLES: dict[str, dict[str, str]] = {
    "measure": {
        "measure": "text",
        "name_ru": "text",
        "name_be": "text",
        "name_en": "text",
        "definition_ru": "text",
        "unit_measure": "text",
        "unit_ru": "text",
        "unit_be": "text",
        "unit_en": "text",
        "kind": "text",
        "source": "text",
        "feed": "text",
        "freq": "text",
        "territory": "text",
        "time_rule": "text",
        "absence": "text",
        "absent_reason": "text",
        "reporting": "text",
        "constant": "boolean",
        "carry_forward_years": "integer",
        "minimum_cell": "integer",
        "quality_rank": "integer",
        "breakdown_ru": "text",
    },
    "measure_member": {
        "measure": "text",
        "breakdown": "text",
        "name_ru": "text",
        "name_be": "text",
        "name_en": "text",
    },
    "quality_class": {
        "quality_class": "text",
        "quality_rank": "integer",
        "name_ru": "text",
        "name_be": "text",
        "name_en": "text",
    },
    # figures of the territory ``whole`` include those of ``part``, its sibling
    "measure_part": {"measure": "text", "whole": "text", "part": "text"},
}


def measure_rows(catalogue: IndicatorCatalogue, sources: Mapping[str, Source]) -> dict[str, Rows]:
    """Rows of ``measure``, of its members and parts, and of the code list of quality classes.

    ``absent_reason`` says why a territory has no figure at all: if several instances deliver, or an accepted
    delivery without a row means zero, its instance has not delivered; otherwise the only source publishes nothing about it.
    """
    tables: dict[str, Rows] = {"measure": [], "measure_member": [], "measure_part": []}
    ranks = {code: rank for rank, code in enumerate(QUALITIES, start=1)}
    for code, measure in catalogue.measures.items():
        tables["measure"].append(
            {
                "measure": code,
                **names(measure.name),
                "definition_ru": measure.definition_ru,
                "unit_measure": measure.unit.code,
                **names(measure.unit, "unit"),
                "kind": measure.kind,
                "source": measure.source,
                "feed": measure.feed,
                "freq": measure.freq,
                "territory": measure.territory,
                "time_rule": measure.time,
                "absence": measure.absence,
                "absent_reason": "not_delivered"
                if measure.absence == "zero" or len(sources[measure.source].instances) > 1
                else "not_published",
                "reporting": measure.reporting,
                "constant": measure.constant,
                "carry_forward_years": measure.carry_forward_years,
                "minimum_cell": measure.minimum_cell,
                "quality_rank": ranks[measure.quality],
                "breakdown_ru": measure.breakdown_ru,
            }
        )
        tables["measure_member"] += [
            {"measure": code, "breakdown": member, **names(given)}
            for member, given in measure.members.items()
        ]
        tables["measure_part"] += [
            {"measure": code, "whole": whole, "part": part}
            for whole, parts in measure.holds.items()
            for part in parts
        ]
    tables["quality_class"] = [
        {"quality_class": code, "quality_rank": ranks[code], "name_ru": ru, "name_be": be, "name_en": en}
        for code, (ru, be, en) in QUALITIES.items()
    ]
    return tables
