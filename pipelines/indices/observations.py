"""The data to evaluate: units x periods with their columns, in a fixed order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from pipelines.declarations.methods import PeerGroups
from pipelines.errors import GorodError
from pipelines.indices.reasons import Floats

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Observations:
    """One row for each unit and period, sorted by period and unit, so that nothing depends on the input order.

    ``numbers``: columns of float64 with NaN for no value. ``texts``: columns of text. A period is ``""``
    if the data has none.
    """

    units: tuple[str, ...]
    periods: tuple[str, ...]
    numbers: Mapping[str, Floats]
    texts: Mapping[str, tuple[str | None, ...]]

    @classmethod
    def of(
        cls,
        units: Sequence[str],
        periods: Sequence[str],
        numbers: Mapping[str, Sequence[float] | Floats],
        texts: Mapping[str, Sequence[str | None]] | None = None,
    ) -> Observations:
        """Observations from columns in any order.

        Raises:
            GorodError: a unit has two rows for one period.
        """
        order = sorted(range(len(units)), key=lambda row: (periods[row], units[row]))
        for one, other in pairwise(order):
            if (periods[one], units[one]) == (periods[other], units[other]):
                raise GorodError(
                    f"unit {units[one]!r} has two rows" + (f" of {periods[one]}" if periods[one] else ""),
                    "One row for each unit and period is expected; use --period-column if a column distinguishes them.",
                )
        return cls(
            tuple(units[row] for row in order),
            tuple(periods[row] for row in order),
            {
                name: np.asarray(column, dtype=np.float64)[order] if order else np.empty(0)
                for name, column in numbers.items()
            },
            {name: tuple(column[row] for row in order) for name, column in (texts or {}).items()},
        )

    def __len__(self) -> int:
        return len(self.units)

    @cached_property
    def by_period(self) -> dict[str, Places]:
        """Rows of each period, ordered by period."""
        found: dict[str, list[int]] = {}
        for row, period in enumerate(self.periods):
            found.setdefault(period, []).append(row)
        return {period: np.array(rows, dtype=np.int64) for period, rows in found.items()}

    def column(self, name: str) -> Floats:
        """A column of numbers; all missing if the data has no such column."""
        return self.numbers.get(name, np.full(len(self), np.nan))

    def references(self, reference_set: str, base_period: str | None) -> Iterator[tuple[Places, Places]]:
        """Pairs: rows to evaluate, and the rows they are compared with.

        Raises:
            GorodError: the data has nothing for the base period.
        """
        everything = np.arange(len(self), dtype=np.int64)
        if reference_set == "all_periods":
            yield everything, everything
        elif reference_set == "base_period":
            base = self.by_period.get(base_period or "")
            if base is None:
                raise GorodError(
                    f"the method refers to the base period {base_period}, for which the data have no row",
                    f"The data have: {', '.join(self.by_period) or 'none'}.",
                )
            yield everything, base
        else:
            for rows in self.by_period.values():
                yield rows, rows

    def peer_groups(self, declared: PeerGroups | None) -> tuple[str | None, ...]:
        """The peer group of each row; None if there are no groups, or the column is empty."""
        if declared is None:
            return (None,) * len(self)
        if not declared.bounds:
            return self.texts.get(declared.column, (None,) * len(self))
        names = declared.names or _names_of(declared.bounds)
        values = self.column(declared.column)
        places = np.searchsorted(np.array(declared.bounds), values, side="right")
        return tuple(
            None if np.isnan(value) else names[place] for value, place in zip(values, places, strict=True)
        )


def _names_of(bounds: Sequence[float]) -> tuple[str, ...]:
    labels = [f"{bound:g}" if bound != int(bound) else f"{int(bound)}" for bound in bounds]
    return (
        f"< {labels[0]}",
        *(f"{low} – {high}" for low, high in pairwise(labels)),
        f"≥ {labels[-1]}",
    )
