"""The reviewed corrections as rows of ``catalogue``."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.catalogue.common import Rows, names
from pipelines.declarations.corrections import Correction

# name -> columns with their types; the order is the order of the columns
CORRECTION_TABLES: dict[str, dict[str, str]] = {
    "correction": {
        "correction": "text",
        "measure": "text",
        "ref_area": "text",
        "time_period": "text",
        "breakdown": "text",
        "expected": "decimal",
        "action": "text",
        "value": "decimal",
        "reason_ru": "text",
        "reason_be": "text",
        "reason_en": "text",
        "decided_by": "text",
        "decided_on": "date",
        "upstream": "text",
        "reference": "text",
    },
}


def correction_rows(corrections: Mapping[str, Correction]) -> dict[str, Rows]:
    """Rows of ``correction``."""
    return {
        "correction": [
            {
                "correction": code,
                **{
                    name: getattr(correction, name)
                    for name in CORRECTION_TABLES["correction"]
                    if name in Correction.model_fields
                },
                **names(correction.reason, "reason"),
            }
            for code, correction in corrections.items()
        ]
    }
