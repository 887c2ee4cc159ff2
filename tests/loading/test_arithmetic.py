"""Whatever is delivered, waived, replayed and ended: no day counts twice, and the ledger says what plain Python says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.loading.ledger_model import live, quick_gate, steps  # noqa: F401 - a fixture
from tests.support.portal import Portal

ANY = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.mark.usefixtures("quick_gate")
@settings(max_examples=8, suppress_health_check=ANY)
@given(lived=st.lists(steps, min_size=3, max_size=10))
def test_a_life_of_the_ledger(lived: list[tuple[Any, ...]], portal: Portal) -> None:
    live(portal, lived)


@pytest.mark.repeated
@pytest.mark.long
@pytest.mark.usefixtures("quick_gate")
@settings(max_examples=400, suppress_health_check=ANY)
@given(lived=st.lists(steps, min_size=5, max_size=25))
def test_long_lives_of_the_ledger(lived: list[tuple[Any, ...]], portal: Portal) -> None:
    live(portal, lived)
