"""A traced value: its terms, their observations, and the loads and rows behind them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pipelines.errors import GorodError

Row = dict[str, Any]


class TraceError(GorodError):
    """The value to trace does not exist, or the models were not built."""


@dataclass(frozen=True)
class SourceRows:
    """Rows of one load behind a figure: all are counted, the first few are shown."""

    count: int
    row_numbers: tuple[int, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class LoadOrigin:
    """A load and its delivered files."""

    load_id: str
    source: str
    feed: str
    instance: str
    slice: str
    state: str
    origin: str
    files: str
    sha256: str
    received_at: datetime
    rows_accepted: int
    not_retained: bool
    synthetic: bool


@dataclass(frozen=True)
class Observation:
    """One observed figure. ``load`` is None if nothing was delivered, ``rows`` if no row contains it.

    If a reviewed correction was applied, ``correction`` names it, and ``reported_value`` is the source's value.
    """

    measure: str
    ref_area: str
    freq: str
    time_period: str
    breakdown: str
    obs_value: Decimal | None
    obs_status: str
    missing_reason: str | None
    correction: str | None
    reported_value: Decimal | None
    load: LoadOrigin | None
    rows: SourceRows | None


@dataclass(frozen=True)
class Term:
    """A term of the numerator or denominator: ``weight`` x the figure of a measure for one territory.

    With ``times_measure`` the figure is multiplied by that of another measure; its observations are listed with the others.
    """

    side: Literal["numerator", "denominator"]
    reported_by: str
    measure: str
    times_measure: str | None
    weight: Decimal
    ref_area: str
    freq: str
    time_period: str | None
    breakdown: str
    value: Decimal | None
    missing_reason: str | None
    observations: tuple[Observation, ...]


@dataclass(frozen=True)
class Trace:
    """A value with everything behind it.

    ``derivation``: the territory's own figure, rolled up from those below, a percentile of them, or absent. ``imputed_by``:
    the rule that imputed a missing value, and ``imputed_from`` its inputs; ``donors`` are these values,
    traced as well.
    """

    indicator: str
    ref_area: str
    freq: str
    time_period: str
    breakdown: str
    obs_value: Decimal | None
    obs_status: str
    missing_reason: str | None
    imputed_by: str | None
    imputed_from: str | None
    numerator: Decimal | None
    denominator: Decimal | None
    scale: Decimal
    unit_measure: str
    quality_class: str | None
    method_version: str
    derivation: Literal["own", "rolled_up", "percentile", "absent"]
    coverage_population_pct: Decimal
    coverage_time_pct: Decimal
    note_ru: str | None
    note_en: str | None
    terms: tuple[Term, ...]
    donors: tuple[Trace, ...] = ()

    @property
    def loads(self) -> tuple[LoadOrigin, ...]:
        """The loads behind the value, each once, ordered by id."""
        found = {
            observation.load.load_id: observation.load
            for term in (*self.terms, *(term for donor in self.donors for term in donor.terms))
            for observation in term.observations
            if observation.load is not None
        }
        return tuple(found[load_id] for load_id in sorted(found))
