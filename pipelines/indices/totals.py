"""Units that are totals or means of the others."""

from __future__ import annotations

import numpy as np

from pipelines.indices.observations import Observations

# names of rows with totals of the others
TOTALS = frozenset({"total", "all", "average", "mean", "sum", "итого", "всего", "итог", "в среднем", "среднее",
                    "разам", "усяго", "у сярэднім"})  # fmt: skip


def totals(observations: Observations) -> dict[str, str]:
    """Units named as a total, or with the sum or mean of the others in all columns: unit -> description."""
    found = {
        unit: "has the name of a total or a mean"
        for unit in observations.units
        if unit.casefold().rstrip(":") in TOTALS
    }
    for rows in observations.by_period.values():
        if len(rows) < 4 or not observations.numbers:
            continue
        values = np.array([column[rows] for column in observations.numbers.values()])
        values = values[~np.isnan(values).any(axis=1)]
        # in a column without spread, every value equals the mean
        values = values[np.ptp(values, axis=1) > 0] if len(values) else values
        if not len(values):
            continue
        others = values.sum(axis=1, keepdims=True) - values
        for how, expected in (("the sum", others), ("the mean", others / (values.shape[1] - 1))):
            near = np.isclose(values, expected, rtol=1e-9, atol=0).all(axis=0)
            for row in rows[near]:
                found.setdefault(observations.units[row], f"has {how} of all others in each complete column")
    return found
