"""Ranks of scores, and rounding for display."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipelines.declarations.methods import Ranks, Ties
from pipelines.indices.observations import Observations
from pipelines.indices.reasons import EQUAL, Floats


def places(values: Floats, ties: Ties, descending: bool = True, tolerance: float = 0.0) -> Floats:
    """Ranks from 1; NaN for missing values.

    Equal values get the better rank (min), the worse (max), the mean of both (average), the better one without a
    gap after it (dense), or different ranks in row order (first). Values are equal if they and all
    between them are closer than ``tolerance`` x the greatest absolute value.
    """
    result = np.full(len(values), np.nan)
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return result
    keys = -values[known] if descending else values[known]
    order = np.argsort(keys, kind="stable")
    in_order = keys[order]
    apart = np.diff(in_order) > tolerance * np.max(np.abs(in_order))
    group = np.concatenate(([0], np.cumsum(apart)))
    sizes = np.bincount(group)
    worst = np.cumsum(sizes)
    best = worst - sizes + 1
    match ties:
        case "min":
            given = best[group].astype(np.float64)
        case "max":
            given = worst[group].astype(np.float64)
        case "average":
            given = (best[group] + worst[group]) / 2
        case "dense":
            given = group + 1.0
        case "first":
            # within a tie rows keep their order, whatever the last bits of their scores
            given = np.empty(len(known))
            order = order[np.lexsort((order, group))]
            given[:] = np.arange(1, len(known) + 1)
    result[known[order]] = given
    return result


def rounded(values: Floats, decimals: int) -> Floats:
    """Round half away from zero; a value within a billionth of a place of a half counts as the half."""
    if not len(values):
        return values
    factor = 10.0**decimals
    with np.errstate(invalid="ignore"):
        small = np.abs(values) < 2.0**52 / factor
        away = np.sign(values) * np.floor(np.abs(values) * factor + 0.5 + 1e-9) / factor
    return np.where(small, away + 0.0, values)


def rank(scores: Floats, observations: Observations, declared: Ranks) -> Floats:
    """Ranks of the scores within each period."""
    return _within(scores, list(observations.by_period.values()), declared)


def rank_in_groups(
    scores: Floats, observations: Observations, groups: Sequence[str | None], declared: Ranks
) -> Floats:
    """Ranks of the scores within each period and peer group; none for a unit without a group."""
    labels = np.array([group or "" for group in groups], dtype=object)
    cells = [
        rows[labels[rows] == label]
        for rows in observations.by_period.values()
        for label in sorted(set(labels[rows]) - {""})
    ]
    return _within(scores, cells, declared)


def _within(scores: Floats, cells: Sequence[np.typing.NDArray[np.int64]], declared: Ranks) -> Floats:
    compared = scores if declared.decimals is None else rounded(scores, declared.decimals)
    result = np.full(len(scores), np.nan)
    for rows in cells:
        result[rows] = places(compared[rows], declared.ties, declared.order == "descending", EQUAL)
    return result
