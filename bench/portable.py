"""The expectations of requests that any engine of Great Expectations evaluates.

Those written as SQL on the tables beside Gorod's batch run in Gorod only, so the alternatives have less to do.
"""

from __future__ import annotations

from typing import Any

from expectations.appeals_115.requests import SUITE

PORTABLE: list[Any] = [
    expectation
    for expectation in SUITE
    if expectation.meta["level"] == "row" and "holds" not in expectation.meta
]
