"""The expectations of requests that any engine of Great Expectations evaluates.

Those that are written as SQL on the tables that stand beside Gorod's batch are Gorod's alone: what is compared with it
is asked less.
"""

from __future__ import annotations

from typing import Any

from expectations.appeals_115.requests import SUITE

PORTABLE: list[Any] = [
    expectation
    for expectation in SUITE
    if expectation.meta["level"] == "row" and "holds" not in expectation.meta
]
