"""Corrections of source values as reviewed data: the models of ``assets/corrections``."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from pipelines.declarations.common import Declaration, Names, nearest
from pipelines.declarations.indicators import IndicatorCatalogue
from pipelines.declarations.read_yaml import read_yaml
from pipelines.declarations.yaml_document import at
from pipelines.errors import DeclarationError
from pipelines.periods import PERIOD
from pipelines.settings import PROJECT

CORRECTIONS = PROJECT / "assets" / "corrections"


class Correction(Declaration):
    """One observation that is known to be wrong, and how it is corrected.

    ``expected`` is the guard: the correction is applied only while the source has exactly this value. When that changes, the
    build fails until the correction has been reviewed.
    """

    measure: str = Field(description="code of the measure")
    ref_area: str = Field(description="territory of the observation")
    time_period: str = Field(pattern=f"^(_Z|{PERIOD})$", description="period in SDMX notation")
    breakdown: str = Field(default="_T", description="member of the breakdown")
    expected: Decimal = Field(description="the source's value: the guard")
    action: Literal["override", "scale", "drop", "flag"] = Field(
        description="override: replaced by value; scale: multiplied by value (a wrong unit); drop: left out, as if not "
        "published; flag: kept, with the status U (low reliability)"
    )
    value: Decimal | None = Field(default=None, description="override: the value; scale: the factor")
    reason: Names = Field(description="why, as published beside the value")
    decided_by: str = Field(description="who is responsible for it")
    decided_on: date = Field(description="when it was decided")
    upstream: Literal["open", "reported", "acknowledged", "fixed_upstream"] = Field(
        description="status with the source: not reported yet, reported, acknowledged, to be fixed in its next delivery"
    )
    reference: str | None = Field(
        default=None, description="letter, page or table that shows the right value"
    )

    @model_validator(mode="after")
    def _says_what_to_do(self) -> Correction:
        if (self.action in ("override", "scale")) != (self.value is not None):
            raise ValueError("value: required for override and scale, and only there")
        return self


class CorrectionFile(Declaration):
    """A file of ``assets/corrections``: the corrections of one source."""

    corrections: dict[str, Correction] = Field(
        description="the corrections by code; a code is unique in all files"
    )


def load_corrections(catalogue: IndicatorCatalogue, folder: Path = CORRECTIONS) -> dict[str, Correction]:
    """All corrections by code.

    Raises:
        DeclarationError: a file is wrong, a code or an observation is declared twice, or a measure is not declared.
    """
    found: dict[str, Correction] = {}
    observations: dict[tuple[str, str, str, str], str] = {}
    for path in sorted(folder.glob("*.yml")):
        for code, correction in read_yaml(path, CorrectionFile).corrections.items():
            observation = (
                correction.measure,
                correction.ref_area,
                correction.time_period,
                correction.breakdown,
            )
            if correction.measure not in catalogue.measures:
                raise DeclarationError(
                    f"{at(path, 'corrections', code, 'measure')}: measure {correction.measure!r} is not declared;"
                    f" {nearest(correction.measure, catalogue.measures)}",
                    "Name a measure of assets/sources/*/measures.yml.",
                )
            if code in found or observation in observations:
                raise DeclarationError(
                    f"{at(path, 'corrections', code)}: the same code or observation is already in "
                    f"{observations.get(observation, code)!r}",
                    "An observation has one correction.",
                )
            found[code], observations[observation] = correction, code
    return found
