"""What is observed and what is computed: the models of ``assets/measures`` and ``assets/indicators``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from pipelines.declarations.common import Declaration, Names, read_yaml
from pipelines.declarations.sources import Source
from pipelines.errors import DeclarationError
from pipelines.settings import PROJECT

MEASURES = PROJECT / "assets" / "measures"
INDICATORS = PROJECT / "assets" / "indicators"

Frequency = Literal["A", "S", "Q", "M"]
Level = Literal["country", "region", "district", "city"]

# The six classes of the U4SSC KPIs verification manual (ITU, 2022, p. 163), best first.
Quality = Literal[
    "measured", "survey", "higher_level", "assumptions", "personal_estimate", "unknown_methodology"
]
QUALITIES: dict[str, tuple[str, str, str]] = {
    "measured": (
        "точные измерения",
        "дакладныя вымярэнні",
        "based on accurate measurements",
    ),
    "survey": (
        "распространение данных опроса жителей",
        "пашырэнне даных апытання жыхароў",
        "extrapolated from a survey of inhabitants",
    ),
    "higher_level": (
        "распространение данных вышестоящего уровня",
        "пашырэнне даных вышэйшага ўзроўню",
        "extrapolated from data of a higher level",
    ),
    "assumptions": (
        "оценка на основе допущений",
        "ацэнка на аснове дапушчэнняў",
        "estimated on certain assumptions",
    ),
    "personal_estimate": ("личная оценка", "асабістая ацэнка", "personal estimation"),
    "unknown_methodology": (
        "методика неизвестна, проследить нельзя",
        "методыка невядомая, прасачыць нельга",
        "unknown methodology, not traceable",
    ),
}


class Unit(Names):
    """A unit: its code, and its name as it stands beside a figure."""

    code: str = Field(
        pattern=r"^[A-Z][A-Z0-9_]*$", description="code of the unit in capitals, as in unit_measure"
    )


class Measure(Declaration):
    """A quantity that is observed. Models of the feed fill it through their contributions."""

    name: Names = Field(description="what it is called")
    definition_ru: str = Field(description="what exactly is counted, in Russian, as published")
    unit: Unit = Field(description="unit of the figures")
    kind: Literal["flow", "stock"] = Field(description="a flow is counted over a period, a stock at its end")
    source: str = Field(description="source that the figures come from")
    feed: str = Field(description="feed of that source")
    freq: Literal["M", "A"] = Field(description="the frequency at which it is observed")
    territory: Literal["sum", "none"] = Field(description="whether territories may be added up")
    time: Literal["sum", "last", "mean", "max", "none"] = Field(
        description="how months become quarters, half-years and years; a flow is added up, a stock is that of the last "
        "month, the mean of the months, or the greatest"
    )
    absence: Literal["zero", "not_published"] = Field(
        description="what it means that an accepted delivery has no row: nothing happened, or nobody said"
    )
    reporting: Literal["instance", "place"] = Field(
        default="place", description="territory of the figures: that of the instance, or the one a row names"
    )
    constant: bool = Field(default=False, description="has no period: its time_period is _Z")
    carry_forward_years: int = Field(
        default=0,
        ge=0,
        le=10,
        description="as a denominator, the latest figure at most so many years old is used",
    )
    minimum_cell: int = Field(
        default=0,
        ge=0,
        description="parts (not totals) above zero and below this are suppressed when published",
    )
    quality: Quality = Field(
        default="measured", description="how the figures come about: a class of the U4SSC verification manual"
    )
    holds: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="territories whose figures, as the source gives them, hold those of others that lie beside them in "
        "the register (an oblast with its republican city); the others' figures are taken out",
    )
    breakdown_ru: str | None = Field(default=None, description="what the breakdown of the measure is")
    members: dict[str, Names] = Field(default_factory=dict, description="breakdown members that have names")

    @model_validator(mode="after")
    def _time_fits(self) -> Measure:
        if self.freq == "M" and self.kind == "flow" and self.time in ("last", "max", "mean"):
            raise ValueError(f"time: a flow is added up over months (sum); {self.time} is for a stock")
        if self.kind == "stock" and self.time == "sum":
            raise ValueError("time: a stock is not added up over months; use last, mean or max")
        return self


class MeasureFile(Declaration):
    """A file of ``assets/measures``: the measures of one source."""

    measures: dict[str, Measure] = Field(description="the measures by code; a code is unique in all files")


class Term(Declaration):
    """A piece of a numerator or denominator: ``weight`` x measure, summed over ``members`` of its breakdown.

    ``members`` is ``same`` where the term follows the breakdown of the indicator. ``at`` says whose figure is
    taken: of the same territory and period, of the year before, or of the country. With ``times`` the figure is
    multiplied by that of another measure of the same territory and period: the numerator of a weighted mean.
    """

    measure: str = Field(description="code of the measure")
    times: str | None = Field(
        default=None, description="measure that it is multiplied by (its total), for a weighted mean"
    )
    members: tuple[str, ...] | Literal["same"] = Field(
        default=("_T",),
        description="members of its breakdown that are added up; same: the member that the indicator is computed for",
    )
    weight: Decimal = Field(default=Decimal(1), description="factor of the figure; negative to subtract")
    at: Literal["same", "previous_year", "country"] = Field(
        default="same",
        description="whose figure: of the same territory and period, of the same period a year before, of the country",
    )

    @model_validator(mode="after")
    def _counts(self) -> Term:
        if self.weight == 0:
            raise ValueError("weight: 0 leaves the term out; delete it instead")
        if not self.members:
            raise ValueError("members: name at least one, _T for the total, or same")
        return self


class Side(Declaration):
    """Numerator or denominator: what it is in words, and the terms that are added."""

    words: Names = Field(description="what it is in words, as published")
    terms: tuple[Term, ...] = Field(
        default=(), description="what is added up; none where nothing is measured yet"
    )


class Method(Declaration):
    """A version of the method: scale x numerator / denominator, each summed over what reports.

    A period is computed by the version that is valid on its last day, so that an old period keeps its method.
    """

    version: str = Field(
        pattern=r"^\d+\.\d+$",
        description="version as 'MAJOR.MINOR', in quotes; a new one for each change of what the figures mean",
    )
    valid_from: date | None = Field(
        default=None, description="first day of the periods that it is for; absent: from the beginning"
    )
    valid_to: date | None = Field(default=None, description="last day of them; open when absent")
    legal_act: str | None = Field(
        default=None, description="the act that set it, with number and date; absent where none is known"
    )
    note: Names | None = Field(default=None, description="what is different from the version before")
    scale: Decimal = Field(
        default=Decimal(1),
        gt=0,
        description="numerator / denominator is multiplied by it: 100 for per cent, 1000 for per thousand",
    )
    numerator: Side = Field(description="what is divided, or the whole where there is no denominator")
    denominator: Side | None = Field(default=None, description="what it is divided by")

    @property
    def terms(self) -> list[tuple[str, Term]]:
        """All terms with the side they stand on."""
        sides = [("numerator", self.numerator)]
        if self.denominator is not None:
            sides.append(("denominator", self.denominator))
        return [(name, term) for name, side in sides for term in side.terms]

    @model_validator(mode="after")
    def _is_sound(self) -> Method:
        if self.denominator is None and any(term.at != "same" for _, term in self.terms):
            raise ValueError("denominator: a comparison with another year or the country needs one")
        if self.denominator is not None and bool(self.numerator.terms) != bool(self.denominator.terms):
            raise ValueError("terms: numerator and denominator both have terms, or neither has yet")
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("valid_to: lies before valid_from")
        return self


class Imputation(Declaration):
    """The rule by which a missing value is filled in. Always flagged (obs_status I), never used for another value."""

    rule: Literal["carry_forward", "linear", "group_mean", "survey"] = Field(
        description="carry_forward: the last observed value; linear: on the line between the observed values before and "
        "after; group_mean: the mean of the territories of its level in its region (of all regions for a region); "
        "survey: the value of another indicator, which is estimated from a survey"
    )
    freq: Frequency = Field(description="frequency at which gaps are filled in; at others they stay")
    limit: int = Field(
        default=1,
        ge=1,
        description="carry_forward, linear: at most so many periods in a row; group_mean: at least so many observed",
    )
    indicator: str | None = Field(default=None, description="survey: the indicator whose value is taken")

    @model_validator(mode="after")
    def _names_its_survey(self) -> Imputation:
        if (self.rule == "survey") != (self.indicator is not None):
            raise ValueError("indicator: named for the rule survey, and only there")
        return self


# Concepts of the SDMX cross-domain concept scheme that a page on an indicator may explain.
Concept = Literal[
    "ACCURACY", "COLL_METHOD", "COMPARABILITY", "COVERAGE", "DATA_COMP", "DATA_VALIDATION", "DISS_COMMENT",
    "PUNCTUALITY", "QUALITY_ASSMNT", "REC_USE_LIM", "REL_POLICY", "REV_POLICY", "SOURCE_TYPE", "STAT_POP", "TIMELINESS",
]  # fmt: skip


class Indicator(Declaration):
    """A quantity that is computed from measures, by a method with versions."""

    name: Names = Field(description="what it is called")
    definition: Names = Field(description="what it says, as published (STAT_CONC_DEF)")
    rationale: Names = Field(description="what it is good for and how it is read (RATIONALE)")
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
        description="of these, the levels made from lower ones where the source has no figure of its own",
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
        description="false: levels of rolled_up are made from below even where the source has a figure of its own",
    )
    not_applicable: tuple[str, ...] = Field(
        default=(), description="territories for which it cannot exist; their values say so"
    )
    minimum_time_coverage_pct: Decimal = Field(
        default=Decimal(100),
        gt=0,
        le=100,
        description="a period of which less was delivered is not published",
    )
    minimum_population_coverage_pct: Decimal = Field(
        default=Decimal(0),
        ge=0,
        le=100,
        description="a rolled-up figure that covers less of the people is not published",
    )
    imputation: Imputation | None = Field(
        default=None, description="how a missing value is filled in; absent: it stays missing"
    )
    methods: tuple[Method, ...] = Field(
        min_length=1, description="the versions of the method, oldest first; their validity does not overlap"
    )
    metadata: dict[Concept, Names] = Field(
        default_factory=dict, description="further explanations, by concept of SDMX"
    )
    owner: str = Field(description="who answers for the definition")

    @property
    def method(self) -> Method:
        """The newest version."""
        return self.methods[-1]

    @property
    def is_measured(self) -> bool:
        """Whether there is anything to compute it from."""
        return any(method.terms for method in self.methods)

    @property
    def terms(self) -> list[tuple[str, Term]]:
        """The terms of all versions with the side they stand on."""
        return [pair for method in self.methods for pair in method.terms]

    @model_validator(mode="after")
    def _is_sound(self) -> Indicator:
        unknown = set(self.rolled_up) - set(self.levels)
        if unknown:
            raise ValueError(f"rolled_up: {sorted(unknown)} is not among levels")
        if self.rolled_up and any(term.at != "same" for _, term in self.terms):
            raise ValueError(
                "rolled_up: a comparison is not additive over territories; leave rolled_up empty"
            )
        if (self.roll_up == "percentile") != (self.percentile is not None):
            raise ValueError("percentile: named for roll_up percentile, and only there")
        if self.imputation is not None and self.imputation.freq not in self.frequencies:
            raise ValueError(f"imputation: {self.imputation.freq} is not among frequencies")
        for older, newer in pairwise(self.methods):
            if older.valid_to is None or newer.valid_from is None or newer.valid_from <= older.valid_to:
                raise ValueError(
                    f"methods: {older.version} must end before {newer.version} begins (valid_to, valid_from)"
                )
        return self


class Themes(Declaration):
    """``assets/indicators/themes.yml``: the themes that indicators are grouped by."""

    themes: dict[str, Names] = Field(description="the themes by code")


class Catalogue(Declaration):
    """All measures, indicators and themes by code, checked against each other."""

    measures: dict[str, Measure]
    indicators: dict[str, Indicator]
    themes: dict[str, Names]


def _problems(catalogue: Catalogue) -> list[str]:
    """What does not fit between indicators and measures, in words."""
    problems: list[str] = []
    for code, indicator in catalogue.indicators.items():
        if indicator.theme not in catalogue.themes:
            problems.append(f"indicator {code}: theme {indicator.theme!r} is not in themes.yml")
        if indicator.imputation is not None and indicator.imputation.indicator is not None:
            survey = catalogue.indicators.get(indicator.imputation.indicator)
            if survey is None or survey.unit.code != indicator.unit.code:
                problems.append(
                    f"indicator {code}: imputation: {indicator.imputation.indicator!r} is not declared in the same unit"
                )
        for side, term in indicator.terms:
            place = f"indicator {code}: {side}: "
            measure = catalogue.measures.get(term.measure)
            if measure is None:
                problems.append(f"{place}measure {term.measure!r} is not declared")
                continue
            if (
                measure.freq == "A"
                and set(indicator.frequencies) - {"A"}
                and not (side == "denominator" and (measure.carry_forward_years or measure.constant))
            ):
                problems.append(
                    f"{place}{term.measure} is yearly, but frequencies has {indicator.frequencies}"
                )
            if measure.time == "none" and measure.freq == "M" and set(indicator.frequencies) - {"M"}:
                problems.append(f"{place}{term.measure} does not add up over months (time: none)")
            if term.times is not None and term.times not in catalogue.measures:
                problems.append(f"{place}measure {term.times!r} (times) is not declared")
            if (
                indicator.rolled_up
                and indicator.roll_up == "ratio_of_sums"
                and measure.territory == "none"
                and term.times is None
            ):
                problems.append(
                    f"{place}{term.measure} does not add up over territories, but rolled_up is set"
                )
            if term.members != "same" and measure.members:
                unknown = sorted(set(term.members) - set(measure.members) - {"_T"})
                if unknown:
                    problems.append(f"{place}{term.measure} has no members {unknown}")
    return problems


@lru_cache(maxsize=4)
def load_catalogue(measures: Path = MEASURES, indicators: Path = INDICATORS) -> Catalogue:
    """All declared measures and indicators, in the order of their codes.

    Raises:
        DeclarationError: a file is wrong, a code is declared twice, or a term names what does not exist.
    """
    declared: dict[str, Measure] = {}
    for path in sorted(measures.glob("*.yml")):
        for code, measure in read_yaml(path, MeasureFile).measures.items():
            if code in declared:
                raise DeclarationError(
                    f"{path}: measure {code!r} is declared twice", "Rename or delete one of them."
                )
            declared[code] = measure
    themes = read_yaml(indicators / "themes.yml", Themes).themes
    computed = {
        path.stem: read_yaml(path, Indicator)
        for path in sorted(indicators.glob("*.yml"))
        if path.name != "themes.yml"
    }
    catalogue = Catalogue(measures=dict(sorted(declared.items())), indicators=computed, themes=themes)
    problems = _problems(catalogue)
    if problems:
        raise DeclarationError(
            f"{indicators}:\n" + "\n".join(problems),
            "Name a measure of assets/measures, or declare it there first.",
        )
    return catalogue


def check_sources(catalogue: Catalogue, sources: Mapping[str, Source]) -> None:
    """Hold the measures against the declared sources.

    Raises:
        DeclarationError: a measure names a source or feed that is not declared.
    """
    missing = [
        f"measure {code}: feed {measure.source}.{measure.feed} is not declared"
        for code, measure in catalogue.measures.items()
        if measure.source not in sources or measure.feed not in sources[measure.source].feeds
    ]
    if missing:
        raise DeclarationError("\n".join(missing), "Declare the feed in assets/sources/<source>/source.yml.")
