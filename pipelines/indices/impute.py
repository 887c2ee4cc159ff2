"""Impute missing values of a leaf by a declared rule.

Source: OECD/JRC, Handbook on Constructing Composite Indicators (2008), step 3 (unconditional mean and median
imputation), with groups as cells. Statistical offices call carrying forward "last observation carried forward".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipelines.declarations.method_leaves import CarryForward, Constant, FromOthers, Imputation
from pipelines.indices.observations import Observations
from pipelines.indices.reasons import Codes, Flags, Floats, Reason
from pipelines.periods import freq_of, number_of


def impute(
    values: Floats,
    reasons: Codes,
    rule: Imputation,
    observations: Observations,
    groups: Sequence[str | None],
) -> tuple[Floats, Codes, Flags]:
    """Values including imputed ones, why the rest is missing, and which are imputed.

    A constant must already be on the scale of ``values``.
    """
    missing = np.isnan(values)
    match rule:
        case FromOthers():
            filled = _from_others(values, rule, observations, groups)
        case Constant():
            filled = np.where(missing, rule.value, values)
        case CarryForward():
            filled = _carried(values, rule.limit, observations)
        case _:
            return values, reasons, np.zeros(len(values), dtype=bool)
    stands_in = missing & ~np.isnan(filled)
    if isinstance(rule, FromOthers):
        reasons = np.where(missing, np.int8(Reason.NO_DONORS), reasons)
    return filled, np.where(stands_in, np.int8(Reason.NONE), reasons), stands_in


def rule_name(rule: Imputation) -> str:
    """The rule as written in the output."""
    return f"group_{rule.kind}" if isinstance(rule, FromOthers) and rule.among == "group" else rule.kind


def _from_others(
    values: Floats, rule: FromOthers, observations: Observations, groups: Sequence[str | None]
) -> Floats:
    filled = values.copy()
    of_them = np.mean if rule.kind == "mean" else np.median
    labels = np.array([group or "" for group in groups], dtype=object)
    for rows in observations.by_period.values():
        cells = [rows]
        if rule.among == "group":
            # a unit without a group has no peers
            cells = [rows[labels[rows] == label] for label in sorted(set(labels[rows]) - {""})]
        for cell in cells:
            known = values[cell][~np.isnan(values[cell])]
            if len(known):
                gaps = cell[np.isnan(values[cell])]
                filled[gaps] = of_them(known)
    return filled


def _carried(values: Floats, limit: int, observations: Observations) -> Floats:
    filled = values.copy()
    latest: dict[tuple[str, str], tuple[int, float]] = {}
    # rows are ordered by period; values are carried forward only within a frequency
    for row, (unit, period) in enumerate(zip(observations.units, observations.periods, strict=True)):
        number, freq = number_of(period), freq_of(period)
        if not np.isnan(values[row]):
            latest[unit, freq] = (number, float(values[row]))
        elif (unit, freq) in latest and number - latest[unit, freq][0] <= limit:
            filled[row] = latest[unit, freq][1]
    return filled
