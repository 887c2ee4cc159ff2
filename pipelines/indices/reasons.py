"""Why a value or a score is missing."""

from __future__ import annotations

from enum import IntEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]
Codes: TypeAlias = npt.NDArray[np.int8]
# Scores closer than this share of the greatest one are equal, and a sum this small relative to its parts is zero: the
# same figures in another unit of measure differ by less, and no index is published this precisely.
EQUAL = 1e-10


class Reason(IntEnum):
    """Why something is missing; the output contains the lower-case name."""

    NONE = 0
    # of a leaf
    NOT_GIVEN = 1  # the data has no value
    NO_DIVISOR = 2  # there is a value but no divisor
    ZERO_DIVISOR = (
        3  # the value would have to be divided by zero (for a share of a target: by something not above zero)
    )
    NOT_POSITIVE = 4  # its logarithm does not exist
    NO_DONORS = 5  # no unit to impute from
    NO_SPREAD = 6  # all values of the reference are equal, or there is only one: nothing to compare
    NO_TARGET = 7  # no benchmark or target is published
    OUT_OF_RANGE = 8  # too large for a number
    # of a node
    NOTHING_REPORTED = 9
    TOO_LITTLE_REPORTED = 10  # below the declared minimum
    PART_MISSING = 11  # and the rule is ``propagate``
    NEGATIVE_PART = 12  # the geometric or harmonic mean does not exist
    NOT_SCORED = 13  # parts were reported, but none has a score, for several reasons

    @property
    def text(self) -> str | None:
        """The word in the output; None if nothing is missing."""
        return None if self is Reason.NONE else self.name.lower()


# reasons of a part for which nothing was reported
UNREPORTED = (Reason.NOT_GIVEN, Reason.NO_DONORS, Reason.NOTHING_REPORTED)


def checked(values: Floats, reasons: Codes) -> tuple[Floats, Codes]:
    """Values that overflowed become missing, with the reason; minus zero becomes zero."""
    overflowed = ~np.isfinite(values) & (reasons == Reason.NONE)
    return (
        np.where(np.isfinite(values), values + 0.0, np.nan),
        np.where(overflowed, np.int8(Reason.OUT_OF_RANGE), reasons),
    )
