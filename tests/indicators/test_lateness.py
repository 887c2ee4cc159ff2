"""A feed is late when the next period has passed and its delivery did not come in the declared days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from pipelines.declarations.sources import Feed, Freshness, load_sources

FEED = load_sources()["appeals_115"].feeds["requests"]


def feed(cadence: str, expected: int, late: int) -> Feed:
    freshness = Freshness(expected_within_days=expected, late_after_days=late)
    return FEED.model_copy(update={"cadence": cadence, "freshness": freshness})


@pytest.mark.parametrize(
    ("cadence", "delivered_to", "in_time", "late"),
    [
        # September is there; October, delivered by 20 November, is in time
        ("monthly", date(2026, 9, 30), date(2026, 11, 20), date(2026, 11, 22)),
        # 2025 is there; 2026 cannot be before it ends
        ("yearly", date(2025, 12, 31), date(2027, 1, 20), date(2027, 1, 23)),
        ("daily", date(2026, 11, 1), date(2026, 11, 22), date(2026, 11, 23)),
    ],
)
def test_a_period_passes_before_it_is_due(
    cadence: str, delivered_to: date, in_time: date, late: date
) -> None:
    patience = feed(cadence, 10, 20).patience
    assert patience is not None
    assert in_time - delivered_to <= patience[1] < late - delivered_to
    assert patience[1] - patience[0] == timedelta(days=10)


def test_what_comes_once_is_never_late() -> None:
    assert feed("once", 10, 20).patience is None
    assert FEED.model_copy(update={"freshness": None}).patience is None
