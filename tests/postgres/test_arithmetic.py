"""Lives of a ledger on PostgreSQL: the same as on DuckDB, a few of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.loading.ledger_model import live, quick_gate, steps  # noqa: F401 - a fixture
from tests.support.portal import Portal

MINSK = ("minsk", "")
# refused, waived over what is accepted, cut, ended; a snapshot; what is gone; a replay of what was superseded
ONE_OF_EACH = [
    ("deliver", MINSK, (0, 2), (2, 0)),
    ("deliver", MINSK, (3, 6), (3, 0)),
    ("deliver", MINSK, (1, 4), (1, 0)),
    ("waive", 2, 3),
    ("deliver", MINSK, (0, 6), (2, 1)),
    ("waive", 3, 3),
    ("deliver", MINSK, (5, 6), (2, 0)),
    ("waive", 3, 1),
    ("pass_days", 2),
    ("deliver", MINSK, (5, 7), (0, 0)),
    ("deliver", MINSK, None, (1, 0)),
    ("replay", 0, False),
    ("replay", 0, True),
]


@pytest.mark.usefixtures("quick_gate")
@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@example(lived=ONE_OF_EACH)
@given(lived=st.lists(steps, min_size=3, max_size=8))
def test_a_life_of_the_ledger(lived: list[tuple[Any, ...]], portal: Portal) -> None:
    live(portal, lived)
