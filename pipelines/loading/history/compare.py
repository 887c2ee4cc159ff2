"""A delivery held against earlier loads: which questions are asked, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from expectations.vocabulary import History
from pipelines.deliveries import ExpectationResult
from pipelines.loading.history.figures import check_figures
from pipelines.loading.history.loads import (
    ASKED,
    DISTRIBUTION,
    ELSEWHERE,
    FIGURED,
    REPEATED,
    REPLACES,
    SHARES,
    STEADY,
    VOLUME,
    Incoming,
    Past,
)
from pipelines.loading.history.replacement import check_elsewhere, check_repeated, check_replacement
from pipelines.loading.history.volume import check_distribution, check_shares, check_snapshot, check_volume


def asked_of(history: History) -> dict[str, str]:
    """The questions that a feed's deliveries are asked, by name."""
    asks = {
        VOLUME: history.volume,
        SHARES: bool(history.shares),
        DISTRIBUTION: bool(history.quantities) and not history.by,
        FIGURED: bool(history.by),
        STEADY: history.steady,
        REPEATED: bool(history.row or (history.by and history.period)),
    }
    return {name: says for name, says in ASKED.items() if asks.get(name, True)}


def compare_with_history(
    history: History,
    given: Incoming,
    replaced: Sequence[Past],
    past: Sequence[Past],
    elsewhere: Sequence[Past],
) -> list[ExpectationResult]:
    """What is found when a delivery is held against other loads in force.

    Args:
        history: what the feed declares.
        given: the delivery.
        replaced: loads that it would supersede.
        past: loads of the same instance and part that stay.
        elsewhere: those of other instances, parts and slices of the feed that hold the same bytes or, by their sketch, some of
            the same rows.
    """
    answers: dict[str, Callable[[], ExpectationResult]] = {
        REPLACES: lambda: check_replacement(history, given, replaced),
        ELSEWHERE: lambda: check_elsewhere(history, given, elsewhere),
        VOLUME: lambda: check_volume(history, given, past),
        SHARES: lambda: check_shares(history, given, past),
        DISTRIBUTION: lambda: check_distribution(history, given, past),
        FIGURED: lambda: check_figures(history, given, replaced, past),
        STEADY: lambda: check_snapshot(history, given, past),
        REPEATED: lambda: check_repeated(history, given, past, elsewhere),
    }
    return [answers[name]() for name in asked_of(history) if replaced or name != REPLACES]
