"""Periods: what they span, in which order they come, and what is none."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest

from pipelines.errors import GorodError
from pipelines.periods import freq_of, number_of, span_of


@pytest.mark.parametrize(
    ("period", "freq", "first", "last"),
    [
        ("2026", "A", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026-S2", "S", date(2026, 7, 1), date(2026, 12, 31)),
        ("2026-Q1", "Q", date(2026, 1, 1), date(2026, 3, 31)),
        ("2024-02", "M", date(2024, 2, 1), date(2024, 2, 29)),
    ],
)
def test_what_a_period_spans(period: str, freq: str, first: date, last: date) -> None:
    assert freq_of(period) == freq
    assert span_of(period) == (first, last)


@pytest.mark.parametrize(
    "parts",
    [("",), ("-S1", "-S2"), tuple(f"-Q{n}" for n in range(1, 5)), tuple(f"-{n:02}" for n in range(1, 13))],
)
def test_each_period_follows_the_one_before(parts: tuple[str, ...]) -> None:
    periods = [f"{year}{part}" for year in (2023, 2024, 2025) for part in parts]
    for one, other in pairwise(periods):
        assert number_of(other) == number_of(one) + 1
        assert span_of(other)[0] == span_of(one)[1] + timedelta(days=1)


@pytest.mark.parametrize("text", ["", "26", "2026-13", "2026-Q5", "2026-S3", "2026-1", "_Z", "2026-Q1 "])
def test_what_is_no_period(text: str) -> None:
    with pytest.raises(GorodError, match="is not a period"):
        span_of(text)
