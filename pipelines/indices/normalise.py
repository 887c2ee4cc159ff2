"""Normalise the values of a leaf to a common scale.

Sources: OECD/JRC, Handbook on Constructing Composite Indicators (2008), step 5 (min-max, z-scores, ranks, distance to a
reference, categorical scales); goalposts: UNDP, Human Development Report, technical note 1; bands of a benchmark: ITU,
U4SSC city reports (0-33, 33-66, 66-95, 95 and more per cent of a benchmark give 1 to 4 points).
"""

from __future__ import annotations

import numpy as np

from pipelines.declarations.method_leaves import (
    AsIs,
    Bands,
    BenchmarkBands,
    DistanceToTarget,
    MinMax,
    Normalisation,
    PercentileRank,
    Rank,
    ZScore,
)
from pipelines.declarations.method_tree import Direction
from pipelines.indices.rank import places
from pipelines.indices.reasons import Codes, Floats, Reason, checked
from pipelines.indices.transform import References


def normalise(
    values: Floats, reasons: Codes, rule: Normalisation, direction: Direction, references: References
) -> tuple[Floats, Codes]:
    """Normalised values, and why missing ones are missing. Declared constants must be on the scale of ``values``."""
    result = np.full(len(values), np.nan)
    reasons = reasons.copy()
    for assessed, by in references:
        known = values[by][~np.isnan(values[by])]
        found, why = _within(values[assessed], known, rule, direction)
        given = reasons[assessed] == Reason.NONE
        result[assessed] = np.where(given, found, np.nan)
        reasons[assessed] = np.where(given, why, reasons[assessed])
    return checked(np.where(reasons == Reason.NONE, result, np.nan), reasons)


def possible_points(rule: Normalisation) -> float | None:
    """The maximum that a leaf can have; None if it is unbounded."""
    match rule:
        case Bands() | BenchmarkBands():
            return max(rule.points)
        case MinMax() | DistanceToTarget() if rule.clip:
            return rule.highest
        case PercentileRank():
            return rule.highest
    return None


def _within(
    values: Floats, known: Floats, rule: Normalisation, direction: Direction
) -> tuple[Floats, Codes | Reason]:
    """The ``values`` normalised with reference to the ``known`` ones, and why they are missing."""
    up = direction == "up"
    match rule:
        case AsIs():
            return values, Reason.NONE
        case MinMax():
            return _min_max(values, known, rule, up)
        case ZScore():
            if not _spread(known):
                return values, Reason.NO_SPREAD
            deviation = np.std(known, ddof=1 if rule.deviation == "sample" else 0)
            from_mean = values - np.mean(known)
            # the mean itself is rounded: a value equal to it has distance zero
            from_mean[np.abs(from_mean) <= 1e-14 * np.max(np.abs(known))] = 0.0
            z = from_mean / deviation
            return rule.centre + rule.spread * (z if up else -z), Reason.NONE
        case Rank():
            return places(values, rule.ties, descending=not up), Reason.NONE
        case PercentileRank():
            if len(known) < 2:
                return values, Reason.NO_SPREAD
            share = (places(values, "average", descending=not up) - 1) / (len(known) - 1)
            return rule.lowest + share * (rule.highest - rule.lowest), Reason.NONE
        case DistanceToTarget():
            return _distance(values, rule, up)
        case Bands():
            return _points(values, rule), Reason.NONE
        case BenchmarkBands():
            if rule.benchmark is None:
                return values, Reason.NO_TARGET
            share, why = _reached(values, rule.benchmark, up, 100.0)
            # if less is better, zero and below are beyond any benchmark
            share = np.where(why == Reason.ZERO_DIVISOR, np.inf, share)
            return _points(share, rule), Reason.NONE
    raise AssertionError(rule)


def _spread(known: Floats) -> bool:
    return len(known) > 1 and bool(np.min(known) < np.max(known))


def _min_max(values: Floats, known: Floats, rule: MinMax, up: bool) -> tuple[Floats, Reason]:
    if (rule.low is None or rule.high is None) and not len(known):
        return values, Reason.NO_SPREAD
    low = float(np.min(known)) if rule.low is None else rule.low
    high = float(np.max(known)) if rule.high is None else rule.high
    if low >= high:
        return values, Reason.NO_SPREAD
    share = (values - low) / (high - low) if up else (high - values) / (high - low)
    if rule.clip:
        share = np.clip(share, 0.0, 1.0)
    return rule.lowest + share * (rule.highest - rule.lowest), Reason.NONE


def _distance(values: Floats, rule: DistanceToTarget, up: bool) -> tuple[Floats, Codes | Reason]:
    if rule.target is None:
        return values, Reason.NO_TARGET
    if rule.baseline is not None:
        share: Floats = (values - rule.baseline) / (rule.target - rule.baseline)
        why: Codes = np.zeros(len(values), dtype=np.int8)
    else:
        share, why = _reached(values, rule.target, up, 1.0)
        if rule.clip:
            # less is better, and the value is zero: the target is reached
            share = np.where(why == Reason.ZERO_DIVISOR, 1.0, share)
            why = np.zeros(len(values), dtype=np.int8)
    if rule.clip:
        share = np.clip(share, 0.0, 1.0)
    return share * rule.highest, why


def _reached(values: Floats, target: float, up: bool, scale: float) -> tuple[Floats, Codes]:
    """scale x value / target, or scale x target / value if less is better."""
    if up:
        return scale * values / target, np.zeros(len(values), dtype=np.int8)
    none = values <= 0
    share = scale * target / np.where(none, np.nan, values)
    return share, np.where(none, np.int8(Reason.ZERO_DIVISOR), np.int8(Reason.NONE))


def _points(values: Floats, rule: Bands | BenchmarkBands) -> Floats:
    band = np.searchsorted(np.array(rule.thresholds), values, side="right")
    given = np.array(rule.points)[np.minimum(band, len(rule.points) - 1)]
    return np.where(np.isnan(values), np.nan, given)
