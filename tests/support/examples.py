"""How many examples a test is tried on: few in `make test`, as many as it says in `make test-long`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import settings

FEW = 25


def register_profiles() -> None:
    """The profiles `few`, which is loaded, and `long`; machines differ and share their processors, so no deadline."""
    settings.register_profile("few", deadline=None, max_examples=FEW)
    settings.register_profile("long", deadline=None)
    settings.load_profile("few")


def is_long() -> bool:
    """Whether the profile is that of the long forms."""
    return settings.get_current_profile_name() == "long"


def examples(count: int) -> int:
    """``max_examples`` of a test that says ``count`` in its long form."""
    return count if is_long() else min(count, FEW)


def shortened(count: int, given: Iterable[Any]) -> list[Any]:
    """Parameters of a test that go the same way: the first ``count`` of them always, the others in the long form."""
    return [
        one
        if number < count
        else pytest.param(*(one if type(one) is tuple else (one,)), marks=pytest.mark.long)
        for number, one in enumerate(given)
    ]
