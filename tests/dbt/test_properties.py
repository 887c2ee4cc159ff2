"""What must hold of the indicators whatever the data: order and slicing do not matter, parts add up, units cancel out.

Each drawn country is built twice by the real models: that takes seconds, so few are drawn, and each is checked whole.
"""

from __future__ import annotations

import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

MONTHS = [f"2019-{month:02}" for month in range(1, 13)]
CITIES = {"minsk": ("c-minsk", 200), "brest": ("c-brest", 180)}
KEY = "indicator, ref_area, freq, time_period, breakdown"
FIGURES = f"{KEY}, obs_value, obs_status, missing_reason, numerator, denominator, coverage_population_pct"

counts = st.lists(st.integers(0, 9), min_size=12, max_size=12)
drawn = st.fixed_dictionaries({city: st.tuples(counts, counts) for city in CITIES})


def _warehouse(folder: Path) -> Any:
    helper = sys.modules["small_warehouse"]
    small = helper.SmallWarehouse(folder)
    helper.fill(small)
    with small.connect() as connection:  # its own requests make room
        requests = "load_id in (select load_id from ops.load where source = 'appeals_115')"
        for table in ("raw.appeals_115__requests", "ops.load_event", "ops.load"):
            connection.execute(f"delete from {table} where {requests}")
    return small


def _deliver(small: Any, requests: dict[str, Any], shuffle: random.Random | None) -> None:
    helper = sys.modules["small_warehouse"]
    deliveries = [
        (
            city,
            month,
            helper.requests(["6"] * sixes[number] + ["20"] * twenties[number], month, rating=number % 6),
        )
        for city, (sixes, twenties) in requests.items()
        for number, month in enumerate(MONTHS)
    ]
    if shuffle is not None:
        shuffle.shuffle(deliveries)
        for _, _, rows in deliveries:
            shuffle.shuffle(rows)
    for city, month, rows in deliveries:
        small.load("appeals_115.requests", month, rows, instance=city)


def _build(small: Any) -> list[tuple[Any, ...]]:
    done = small.dbt("run", "--select", "+mart_indicator_value")
    assert done.returncode == 0, done.stdout[-3000:]
    rows: list[tuple[Any, ...]] = small.query(
        f"select {FIGURES} from marts.mart_indicator_value order by all"
    )
    return rows


@pytest.mark.slow
# not shrunk: each try builds two warehouses
@settings(
    max_examples=2,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
)
@example(  # of the country's requests in February one alone is of category 6
    requests={
        "brest": ([7, 1, 6, 1, 6, 4, 7, 7, 0, 0, 5, 0], [0, 4, 3, 8, 1, 0, 4, 0, 9, 3, 8, 4]),
        "minsk": ([5, 0, 8, 2, 6, 6, 6, 9, 4, 0, 3, 9], [8, 7, 8, 4, 0, 4, 2, 1, 6, 9, 8, 4]),
    },
    seed=317,
)
@given(requests=drawn, seed=st.integers(0, 1000))
def test_order_does_not_matter_and_everything_adds_up(requests: dict[str, Any], seed: int) -> None:
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        small, shuffled = _warehouse(Path(one)), _warehouse(Path(other))
        _deliver(small, requests, None)
        _deliver(shuffled, requests, random.Random(seed))
        figures = _build(small)
        assert figures == _build(shuffled)
    values = {row[:5]: row for row in figures}
    _periods_add_up(values)
    _values_are_as_by_hand(values, requests)
    _breakdown_adds_up(values, requests)


def _months_of(period: str) -> list[str]:
    """The months of a quarter, half-year or year."""
    year, _, part = period.partition("-")
    length = {"": 12, "S": 6, "Q": 3}[part[:1]]
    last = length * int(part[1:] or 1)
    return [f"{year}-{month:02}" for month in range(last - length + 1, last + 1)]


def _periods_add_up(values: dict[tuple[Any, ...], tuple[Any, ...]]) -> None:
    """However a year is cut, the requests of the pieces are those of the year."""
    checked = 0
    for (indicator, area, freq, period, part), row in values.items():
        if indicator != "appeals_rated_pct" or freq == "M" or row[9] is None:
            continue
        months = [values[indicator, area, "M", month, part] for month in _months_of(period)]
        assert sum((month[9] or Decimal(0)) for month in months) == row[9], (indicator, area, period)
        checked += 1
    assert checked >= 7 * len(CITIES)


def _values_are_as_by_hand(values: dict[tuple[Any, ...], tuple[Any, ...]], requests: dict[str, Any]) -> None:
    """The rate of the year for each city, and for the country as the ratio of sums over both."""
    totals: dict[str, int] = defaultdict(int)
    people = 0
    for city, (sixes, twenties) in requests.items():
        area, inhabitants = CITIES[city]
        totals[area] = sum(sixes) + sum(twenties)
        totals["BY"] += totals[area]
        people += inhabitants
        assert values["appeals_per_1000", area, "A", "2019", "_T"][5] == _rounded(
            1000 * totals[area], inhabitants
        )
    assert values["appeals_per_1000", "BY", "A", "2019", "_T"][5] == _rounded(1000 * totals["BY"], people)


def _rounded(numerator: int, denominator: int) -> Decimal:
    return (Decimal(numerator) / Decimal(denominator)).quantize(Decimal("0.000001"), ROUND_HALF_UP)


def _breakdown_adds_up(values: dict[tuple[Any, ...], tuple[Any, ...]], requests: dict[str, Any]) -> None:
    """What is shown and what is hidden make the total, and none of what is hidden can be found by subtraction.

    Hidden are the parts of 1 or 2 requests; where there is only one such part, the smallest of the others too.
    """
    checked = 0
    for area, freq, period, counts in _counts(requests):
        total = values["appeals_per_1000", area, freq, period, "_T"][8]
        if total is None:
            continue
        delivered = {part: count for part, count in counts.items() if count}
        small = [part for part, count in delivered.items() if count <= 2]
        hidden = set(delivered) if len(small) == 1 else set(small)
        for part, count in delivered.items():
            row = values["appeals_per_1000", area, freq, period, part]
            assert (row[8], row[7]) == ((None, "suppressed") if part in hidden else (count, None)), (
                area,
                period,
            )
        checked += 1
    assert checked or not any(sum(sixes) + sum(twenties) for sixes, twenties in requests.values())


def _counts(requests: dict[str, Any]) -> Iterator[tuple[str, str, str, dict[str, int]]]:
    """The requests by category as delivered: of each city and of the country, in each period."""
    years = {CITIES[city][0]: lists for city, lists in requests.items()}
    years["BY"] = tuple(
        [sum(of) for of in zip(*lists, strict=True)] for lists in zip(*requests.values(), strict=True)
    )
    periods = (
        [("M", month) for month in MONTHS] + [("Q", f"2019-Q{n}") for n in range(1, 5)] + [("A", "2019")]
    )
    for area, (sixes, twenties) in years.items():
        for freq, period in periods:
            months = [MONTHS.index(month) for month in ([period] if freq == "M" else _months_of(period))]
            yield (
                area,
                freq,
                period,
                {"G6": sum(sixes[m] for m in months), "G20": sum(twenties[m] for m in months)},
            )
