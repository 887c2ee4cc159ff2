"""Transformations of a leaf's values, before they are normalised.

Sources: OECD/JRC, Handbook on Constructing Composite Indicators (2008), step 5 and its section on outliers; percentiles
are interpolated linearly between order statistics (Hyndman and Fan 1996, definition 7).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pipelines.declarations.method_leaves import Bound, Log, Per, Transformation, Winsorise
from pipelines.indices.observations import Observations, Places
from pipelines.indices.reasons import Codes, Floats, Reason, checked

References = Sequence[tuple[Places, Places]]


def transform(
    values: Floats,
    reasons: Codes,
    steps: Sequence[Transformation],
    observations: Observations,
    references: References,
) -> tuple[Floats, Codes]:
    """The values after all steps, and why missing ones are missing."""
    for step in steps:
        match step:
            case Per():
                values, reasons = per(values, reasons, observations.column(step.column), step.scale)
            case Log():
                values, reasons = logarithm(values, reasons, step)
            case Winsorise():
                values = winsorise(values, step.lower, step.upper, references)
            case Bound():
                values = np.clip(values, step.floor, step.cap)
        values, reasons = checked(values, reasons)
    return values, reasons


def per(values: Floats, reasons: Codes, divisor: Floats, scale: float) -> tuple[Floats, Codes]:
    """scale x value / divisor."""
    result = scale * values / divisor
    given = reasons == Reason.NONE
    reasons = np.where(given & np.isnan(divisor), np.int8(Reason.NO_DIVISOR), reasons)
    reasons = np.where(given & (divisor == 0), np.int8(Reason.ZERO_DIVISOR), reasons)
    return np.where(reasons == Reason.NONE, result, np.nan), reasons


def logarithm(values: Floats, reasons: Codes, step: Log) -> tuple[Floats, Codes]:
    """log(value + shift) in the declared base."""
    shifted = values + step.shift
    reasons = np.where((reasons == Reason.NONE) & (shifted <= 0), np.int8(Reason.NOT_POSITIVE), reasons)
    fit = np.where(reasons == Reason.NONE, shifted, np.nan)
    return np.log(fit) / (1.0 if step.base == "e" else math.log(step.base)), reasons


def winsorise(values: Floats, lower: float, upper: float, references: References) -> Floats:
    """Set values beyond the two percentiles of their reference to those percentiles."""
    result = values.copy()
    for assessed, by in references:
        known = values[by][~np.isnan(values[by])]
        if len(known):
            least, greatest = np.percentile(known, [lower, upper])
            result[assessed] = np.clip(values[assessed], least, greatest)
    return result


def on_the_same_scale(constant: float, steps: Sequence[Transformation]) -> float | None:
    """A declared goalpost, target, threshold or value after the logarithms of ``steps``; None if it has no logarithm.

    The other steps do not affect it: it is declared for values that went through them.
    """
    for step in steps:
        if isinstance(step, Log):
            if constant + step.shift <= 0:
                return None
            constant = math.log(constant + step.shift) / (1.0 if step.base == "e" else math.log(step.base))
    return constant
