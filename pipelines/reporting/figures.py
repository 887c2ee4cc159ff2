"""The figures of a report: indicators, territories, values, and the lines and series made of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.declarations.reports import Report
from pipelines.publishing.publication import Publication
from pipelines.wording import REVISED, STATUS

# a full stop and a space, except in «г. Брест»
END_OF_SENTENCE = r"(?<!\bг\.)(?<=\.) "
# the beginning of the note on such a figure (macro value_note)
LOW_COVERAGE = "Низкий охват"


@dataclass(frozen=True)
class Territory:
    """The country or a region."""

    ref_area: str
    level: str
    name: str


@dataclass(frozen=True)
class Indicator:
    """The meaning of a figure, in Russian, as published."""

    code: str
    name: str
    definition: str
    numerator: str
    denominator: str
    unit: str
    decimals: int
    theme: str
    method_version: str
    sources: str
    attribution: str
    frameworks: str


@dataclass(frozen=True)
class Value:
    """One published figure, or the reason why there is none. ``coverage_pct`` is of the population, 0-100."""

    ref_area: str
    value: float | None
    obs_status: str
    missing_reason: str | None
    coverage_pct: float | None
    coverage_time_pct: float | None
    method_version: str
    synthetic: bool
    note: str | None
    value_before: float | None
    """The figure that was published before this one was revised."""

    @property
    def mark(self) -> str:
        """The letters after the figure; empty for a normal one, and if there is no figure."""
        if self.value is None:
            return ""
        letters = [STATUS[self.obs_status][0]] if self.obs_status in STATUS else []
        return " ".join(letters + [REVISED[0]] * self.is_revised)

    @property
    def is_revised(self) -> bool:
        """Whether a different figure was published before."""
        return self.value_before is not None

    @property
    def sentences(self) -> list[str]:
        """The note, sentence by sentence."""
        return [sentence for sentence in re.split(END_OF_SENTENCE, self.note or "") if sentence]

    @property
    def low_coverage(self) -> str | None:
        """The note that the figure covers too little of the population, and whom it covers; None if coverage is sufficient."""
        return next((sentence for sentence in self.sentences if sentence.startswith(LOW_COVERAGE)), None)


@dataclass(frozen=True)
class Line:
    """An indicator with its figures for one period by ``ref_area``; empty if it has none at all.

    ``not_by`` says that the indicator has no figures for periods of the release's length, so another period is shown.
    """

    indicator: Indicator
    time_period: str
    period_name: str
    values: dict[str, Value]
    not_by: str = ""

    @property
    def synthetic(self) -> bool:
        return any(value.synthetic for value in self.values.values())

    def figures_of(self, territories: Iterable[Territory]) -> dict[str, float]:
        """Figures by ``ref_area``; those that are missing are left out."""
        return {
            territory.ref_area: value.value
            for territory in territories
            if (value := self.values.get(territory.ref_area)) is not None and value.value is not None
        }


@dataclass(frozen=True)
class Series:
    """One row of the long table."""

    indicator: str
    name: str
    territory: str
    ref_area: str
    freq: str
    time_period: str
    unit: str
    decimals: int
    value: Value


@dataclass(frozen=True)
class Digest:
    """Everything the documents show. ``loads`` and ``quality`` are rows by column name; ``outside`` are the names of the
    report's indicators that the release does not contain."""

    report: Report
    period: str
    period_name: str
    publication: Publication
    territories: tuple[Territory, ...]
    lines: tuple[Line, ...]
    outside: tuple[str, ...]
    series: tuple[Series, ...]
    loads: tuple[dict[str, Any], ...]
    quality: tuple[dict[str, Any], ...]
    boundaries: dict[str, dict[str, Any]]

    @property
    def synthetic(self) -> bool:
        return any(line.synthetic for line in self.lines)

    @property
    def charted(self) -> Line:
        return self._pictured(self.report.chart, self.lines)

    @property
    def mapped(self) -> Line:
        others = [line for line in self.lines if line is not self.charted]
        return self._pictured(self.report.map, others or self.lines)

    def _pictured(self, indicator: str, others: Sequence[Line]) -> Line:
        """The declared indicator; if the release does not contain it, the first of those known for most regions."""
        declared = [line for line in self.lines if line.indicator.code == indicator]
        return max(declared or others, key=lambda line: len(line.figures_of(self.regions)))

    @property
    def regions(self) -> tuple[Territory, ...]:
        return tuple(territory for territory in self.territories if territory.level == "region")
