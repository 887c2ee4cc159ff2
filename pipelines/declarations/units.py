"""Units of figures."""

from __future__ import annotations

import re

from pydantic import Field, model_validator

from pipelines.declarations.common import Names

# KM_PER_1000, PER_100_15_64, PER_KM2: of what, how many, of what unit
QUOTIENT = re.compile(r"(?:(?P<of>\w+)_)?PER_(?:(?P<count>\d+)(?:_\w+)?|(?P<unit>[A-Z]\w*))")


class Unit(Names):
    """A unit: its code, and its name as shown with a figure. A code has the same names everywhere.

    The code of a quotient shows its kind: PCT (a share of the same unit), PER_KM2 (per another unit), PER_1000 or
    KM_PER_1000 (per that many of the unit in ``per``). Any other ratio is a mean, in the unit of its numerator.
    """

    code: str = Field(
        pattern=r"^[A-Z][A-Z0-9_]*$", description="code of the unit in capitals, as in unit_measure"
    )
    per: str | None = Field(
        default=None,
        description="code of the unit that PER_<number> counts: PERSONS in 'per 1000 inhabitants'",
    )

    @model_validator(mode="after")
    def _names_what_it_counts(self) -> Unit:
        quotient = QUOTIENT.fullmatch(self.code)
        if (self.per is not None) != (quotient is not None and quotient["count"] is not None):
            raise ValueError(
                "per: named for PER_<number>, and only there; it is the code of the unit that is counted"
            )
        return self
