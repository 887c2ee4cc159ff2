"""Aggregate the parts of a node into one score.

With weights v of the present parts, rescaled to sum to 1, and their scores s:

* arithmetic: sum of v s; geometric: product of s^v; harmonic: 1 / sum of v / s (OECD/JRC, Handbook on Constructing
  Composite Indicators (2008), step 7; UNDP, technical note 1, for the geometric mean). A score of zero makes the
  geometric and harmonic means zero, which is their limit; a negative one leaves the node without a score.
* sum: sum of w s, the weights rescaled to the sum of the declared ones.
* points_share: points / possible points of all leaves below that are reported (ITU, U4SSC city reports: 9 of 16 points
  are 56.25 per cent). That is an arithmetic mean of the parts' shares, weighted by their weight x possible points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.declarations.method_tree import Aggregation, Missing
from pipelines.indices.reasons import EQUAL, UNREPORTED, Codes, Flags, Floats, Reason


@dataclass(frozen=True)
class Part:
    """What a node needs from one of its parts; arrays have one entry for each observation.

    ``possible``: possible points, only for points_share. ``share_weight`` and ``share_count``: the share of the leaves
    below that was reported, by weight and by number. ``leaves``: number of leaves below. ``reasons``: why the score is missing.
    """

    weight: float
    score: Floats
    reasons: Codes
    share_weight: Floats
    share_count: Floats
    leaves: int
    possible: Floats | None = None


@dataclass(frozen=True)
class Whole:
    """The node: score (before its scale), why it is missing, effective weight of each part, shares, possible points."""

    score: Floats
    reasons: Codes
    effective: tuple[Floats, ...]
    share_weight: Floats
    share_count: Floats
    leaves: int
    possible: Floats | None


def aggregate(parts: Sequence[Part], how: Aggregation, missing: Missing) -> Whole:
    """One score for each observation."""
    there = [~np.isnan(part.score) & (part.weight > 0) for part in parts]
    weights = [
        np.where(is_there, part.weight * (1.0 if part.possible is None else part.possible), 0.0)
        for part, is_there in zip(parts, there, strict=True)
    ]
    total = sum(weights, np.zeros(len(parts[0].score)))
    declared = sum(part.weight for part in parts)
    leaves = sum(part.leaves for part in parts)
    share_weight = sum((part.weight * part.share_weight for part in parts), np.zeros(len(total))) / declared
    share_count = sum((part.leaves * part.share_count for part in parts), np.zeros(len(total))) / leaves
    reasons = _reasons(parts, there, missing, share_weight if missing.counted == "weight" else share_count)

    divisor = np.where(total > 0, total, 1.0)
    effective = [weight / divisor * (declared if how == "sum" else 1.0) for weight in weights]
    scores = [np.where(is_there, part.score, 0.0) for part, is_there in zip(parts, there, strict=True)]
    if how in ("geometric", "harmonic"):
        negative = _any([is_there & (score < 0) for is_there, score in zip(there, scores, strict=True)])
        reasons = np.where((reasons == Reason.NONE) & negative, np.int8(Reason.NEGATIVE_PART), reasons)
    score = _mean(scores, effective, there, how)
    is_scored = reasons == Reason.NONE
    return Whole(
        np.where(is_scored, score, np.nan),
        reasons,
        tuple(np.where(is_scored, one, 0.0) for one in effective),
        share_weight,
        share_count,
        leaves,
        total if how == "points_share" else None,
    )


def _any(flags: Sequence[Flags]) -> Flags:
    found: Flags = np.any(np.stack(flags), axis=0)
    return found


def _reasons(parts: Sequence[Part], there: Sequence[Flags], missing: Missing, share: Floats) -> Codes:
    needed = [is_there for part, is_there in zip(parts, there, strict=True) if part.weight > 0]
    some, every = _any(needed), ~_any([~is_there for is_there in needed])
    reasons = np.where(
        some, np.int8(Reason.NONE), _common([part.reasons for part in parts if part.weight > 0])
    )
    if missing.rule == "propagate":
        reasons = np.where(some & ~every, np.int8(Reason.PART_MISSING), reasons)
    # a share is a sum of many parts: a shortfall due to rounding is accepted
    too_little = (reasons == Reason.NONE) & (share < missing.minimum_share - 1e-12)
    return np.where(too_little, np.int8(Reason.TOO_LITTLE_REPORTED), reasons)


def _common(reasons: Sequence[Codes]) -> Codes:
    """Why a node without any scored part has no score: nothing was reported, or why the reported parts have none."""
    found = np.full(len(reasons[0]), np.int8(Reason.NOTHING_REPORTED))
    for one in reasons:
        reported = np.isin(one, UNREPORTED, invert=True)
        is_first = found == Reason.NOTHING_REPORTED
        other = np.where(is_first | (found == one), one, np.int8(Reason.NOT_SCORED))
        found = np.where(reported, other, found)
    return found


def _mean(
    scores: Sequence[Floats], effective: Sequence[Floats], there: Sequence[Flags], how: Aggregation
) -> Floats:
    nothing = np.zeros(len(scores[0]))
    pairs = list(zip(scores, effective, strict=True))
    if how in ("arithmetic", "sum", "points_share"):
        total = sum((weight * score for score, weight in pairs), nothing)
        size = sum((weight * np.abs(score) for score, weight in pairs), nothing)
        # parts that cancel each other leave a rounding error, which must not decide a rank
        return np.where(np.isfinite(size) & (np.abs(total) < EQUAL * size), 0.0, total)
    zero = _any([is_there & (score == 0) for is_there, score in zip(there, scores, strict=True)])
    if how == "geometric":
        logs = (
            np.where(is_there, weight * np.log(np.where(is_there, score, 1.0)), 0.0)
            for (score, weight), is_there in zip(pairs, there, strict=True)
        )
        mean = np.exp(sum(logs, nothing))
    else:
        inverse = (
            np.where(is_there, weight / np.where(is_there, score, 1.0), 0.0)
            for (score, weight), is_there in zip(pairs, there, strict=True)
        )
        mean = 1.0 / sum(inverse, nothing)
    return np.where(zero, 0.0, mean)
