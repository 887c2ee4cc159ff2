"""What is computed: the models of ``assets/indicators/``."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from pipelines.declarations.common import Declaration, Names, PlacedError, Problem, overlaps
from pipelines.declarations.measures import Measure
from pipelines.declarations.units import Unit
from pipelines.settings import PROJECT

INDICATORS = PROJECT / "assets" / "indicators"
Frequency = Literal["A", "S", "Q", "M"]
Level = Literal["country", "region", "district", "city"]


class Term(Declaration):
    """A term of a numerator or denominator: ``weight`` x measure, summed over ``members`` of its breakdown.

    ``members`` is ``same`` if the term follows the breakdown of the indicator. ``at`` says which figure is used:
    that of the same territory and period, of the year before, or of the country. With ``times`` the figure is
    multiplied by that of another measure of the same territory and period: the numerator of a weighted mean.
    """

    measure: str = Field(description="code of the measure")
    times: str | None = Field(
        default=None, description="measure by whose total it is multiplied, for a weighted mean"
    )
    members: tuple[str, ...] | Literal["same"] = Field(
        default=("_T",),
        description="members of its breakdown that are added up; same: the member for which the indicator is computed",
    )
    weight: Decimal = Field(default=Decimal(1), description="factor of the figure; negative to subtract")
    at: Literal["same", "previous_year", "country"] = Field(
        default="same",
        description="which figure: of the same territory and period, of the same period a year before, of the country",
    )

    @model_validator(mode="after")
    def _counts(self) -> Term:
        if self.weight == 0:
            raise ValueError("weight: with 0 the term has no effect; delete it instead")
        if not self.members:
            raise ValueError("members: name at least one, _T for the total, or same")
        return self


class Side(Declaration):
    """A numerator or denominator: a description, and the terms that are added."""

    words: Names = Field(description="what it is in words, as published")
    terms: tuple[Term, ...] = Field(
        default=(), description="what is added up; none if nothing is measured yet"
    )


class Method(Declaration):
    """A version of the method: scale x numerator / denominator, each summed over the reporting territories.

    A period is computed by the version valid on its last day, so earlier periods keep their method.
    """

    version: str = Field(
        pattern=r"^\d+\.\d+$",
        description="version as 'MAJOR.MINOR', in quotes; a new one for each change of what the figures mean",
    )
    valid_from: date | None = Field(
        default=None, description="first day of its periods; absent: from the beginning"
    )
    valid_to: date | None = Field(default=None, description="last day of its periods; absent: open")
    legal_act: str | None = Field(
        default=None, description="the act that set it, with number and date; absent: not known"
    )
    note: Names | None = Field(default=None, description="what differs from the version before")
    scale: Decimal = Field(
        default=Decimal(1),
        gt=0,
        description="factor of numerator / denominator: 100 for per cent, 1000 for per thousand",
    )
    numerator: Side = Field(description="what is divided, or the whole value if there is no denominator")
    denominator: Side | None = Field(default=None, description="what it is divided by")

    @property
    def terms(self) -> list[tuple[str, Term]]:
        """All terms, each with its side."""
        sides = [("numerator", self.numerator)]
        if self.denominator is not None:
            sides.append(("denominator", self.denominator))
        return [(name, term) for name, side in sides for term in side.terms]

    @model_validator(mode="after")
    def _is_sound(self) -> Method:
        if self.denominator is None and any(term.at != "same" for _, term in self.terms):
            raise ValueError("denominator: a comparison with another year or the country needs one")
        if self.denominator is not None and bool(self.numerator.terms) != bool(self.denominator.terms):
            empty = "denominator" if self.numerator.terms else "numerator"
            raise PlacedError(
                ((empty, "terms"), "numerator and denominator both have terms, or neither has yet")
            )
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("valid_to: lies before valid_from")
        return self


class Imputation(Declaration):
    """How a missing value is imputed. The result is always flagged (obs_status I) and never used for another value."""

    rule: Literal["carry_forward", "linear", "group_mean", "survey"] = Field(
        description="carry_forward: the last observed value; linear: on the line between the observed values before and "
        "after; group_mean: the mean of the territories of its level in its region (of all regions for a region); "
        "survey: the value of another indicator, which is estimated from a survey"
    )
    freq: Frequency = Field(description="frequency at which gaps are filled; at others they remain")
    limit: int = Field(
        default=1,
        ge=1,
        description="carry_forward, linear: at most this many periods in a row; group_mean: at least this many observed",
    )
    indicator: str | None = Field(default=None, description="survey: the indicator whose value is taken")

    @model_validator(mode="after")
    def _names_its_survey(self) -> Imputation:
        if (self.rule == "survey") != (self.indicator is not None):
            raise ValueError("indicator: required for the rule survey, and only there")
        return self


# Concepts of the SDMX cross-domain concept scheme that a page on an indicator may explain.
Concept = Literal[
    "ACCURACY", "COLL_METHOD", "COMPARABILITY", "COVERAGE", "DATA_COMP", "DATA_VALIDATION", "DISS_COMMENT",
    "PUNCTUALITY", "QUALITY_ASSMNT", "REC_USE_LIM", "REL_POLICY", "REV_POLICY", "SOURCE_TYPE", "STAT_POP", "TIMELINESS",
]  # fmt: skip


class Indicator(Declaration):
    """A quantity computed from measures, by a method with versions."""

    name: Names = Field(description="name of the indicator")
    definition: Names = Field(description="definition, as published (STAT_CONC_DEF)")
    rationale: Names = Field(description="what it is for and how to read it (RATIONALE)")
    theme: str = Field(description="a theme of themes.yml")
    unit: Unit = Field(description="unit of the values")
    decimals: int = Field(ge=0, le=6, description="decimal places that are shown; values are stored with six")
    direction: Literal["up", "down", "none"] = Field(description="where better is")
    frequencies: tuple[Frequency, ...] = Field(
        min_length=1, description="A year, S half-year, Q quarter, M month"
    )
    levels: tuple[Level, ...] = Field(min_length=1, description="levels at which the indicator is published")
    rolled_up: tuple[Level, ...] = Field(
        default=(),
        description="of these, the levels that are rolled up from lower ones where the source has no figure",
    )
    roll_up: Literal["ratio_of_sums", "percentile"] = Field(
        default="ratio_of_sums",
        description="ratio_of_sums: numerators and denominators are added; percentile: of the values below",
    )
    percentile: Decimal | None = Field(
        default=None, gt=0, lt=100, description="roll_up percentile: which one; 50 is the median"
    )
    own_figures: bool = Field(
        default=True,
        description="false: levels of rolled_up are computed from lower ones even where the source has a figure",
    )
    not_applicable: tuple[str, ...] = Field(
        default=(), description="territories for which it cannot exist; their values have the status M"
    )
    minimum_time_coverage_pct: Decimal = Field(
        default=Decimal(100),
        gt=0,
        le=100,
        description="a period with less delivered is not published",
    )
    minimum_population_coverage_pct: Decimal | None = Field(
        default=None,
        ge=0,
        le=100,
        description="a rolled-up figure that covers a smaller share of the population is not published; absent: 100 for a"
        " sum without a denominator, which would be taken for the whole, else 0",
    )
    reliable_population_coverage_pct: Decimal = Field(
        default=Decimal(50),
        ge=0,
        le=100,
        description="a rolled-up figure that covers a smaller share of the population is published with the status U (low"
        " reliability), and its note says what it covers",
    )
    imputation: Imputation | None = Field(
        default=None, description="how a missing value is filled in; absent: it stays missing"
    )
    interval: Literal["wilson", "byar"] | None = Field(
        default=None,
        description="95 % confidence interval of a figure that counts independent events: wilson for a share of a counted"
        " whole, byar for a rate; absent: none is stated, and no difference is called significant",
    )
    methods: tuple[Method, ...] = Field(
        min_length=1, description="the versions of the method, oldest first; their validity does not overlap"
    )
    metadata: dict[Concept, Names] = Field(
        default_factory=dict, description="further explanations, by concept of SDMX"
    )
    owner: str = Field(description="who is responsible for the definition")

    @property
    def method(self) -> Method:
        """The newest version."""
        return self.methods[-1]

    @property
    def least_population_coverage_pct(self) -> Decimal:
        """``minimum_population_coverage_pct``, or its default."""
        if self.minimum_population_coverage_pct is not None:
            return self.minimum_population_coverage_pct
        is_sum = self.roll_up == "ratio_of_sums" and any(
            method.denominator is None for method in self.methods
        )
        return Decimal(100 if is_sum and self.rolled_up else 0)

    @property
    def is_measured(self) -> bool:
        """Whether there is anything to compute it from."""
        return any(method.terms for method in self.methods)

    @property
    def terms(self) -> list[tuple[str, Term]]:
        """The terms of all versions, each with its side."""
        return [pair for method in self.methods for pair in method.terms]

    @model_validator(mode="after")
    def _is_sound(self) -> Indicator:
        unknown = set(self.rolled_up) - set(self.levels)
        if unknown:
            raise ValueError(f"rolled_up: {sorted(unknown)} is not among levels ({', '.join(self.levels)})")
        if self.rolled_up and any(term.at != "same" for _, term in self.terms):
            raise ValueError(
                "rolled_up: a comparison is not additive over territories; leave rolled_up empty"
            )
        if (self.roll_up == "percentile") != (self.percentile is not None):
            raise ValueError("percentile: required for roll_up percentile, and only there")
        if self.interval is not None and (
            self.roll_up == "percentile" or any(method.denominator is None for method in self.methods)
        ):
            raise ValueError("interval: only for a ratio of a numerator and a denominator")
        if self.interval == "wilson" and any(method.scale != 100 for method in self.methods):
            raise ValueError("interval: wilson is for shares, whose scale is 100; a rate has byar")
        if self.imputation is not None and self.imputation.freq not in self.frequencies:
            message = f"{self.imputation.freq} is not among frequencies ({', '.join(self.frequencies)})"
            raise PlacedError((("imputation", "freq"), message))
        problems: list[Problem] = [
            (("methods", *place), message) for place, message in overlaps(self.methods)
        ]
        if problems:
            raise PlacedError(*problems)
        return self


class Themes(Declaration):
    """``assets/indicators/themes.yml``: the themes of indicators."""

    themes: dict[str, Names] = Field(description="the themes by code")


class IndicatorCatalogue(Declaration):
    """All measures, indicators and themes by code, checked against each other."""

    measures: dict[str, Measure]
    indicators: dict[str, Indicator]
    themes: dict[str, Names]
    files: dict[str, Path] = Field(default_factory=dict, description="file of each measure")
