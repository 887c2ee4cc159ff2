"""What is observed and what is computed: the models of ``assets/measures`` and ``assets/indicators``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
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
    time: Literal["sum", "last", "none"] = Field(
        description="how months become quarters, half-years and years"
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
    breakdown_ru: str | None = Field(default=None, description="what the breakdown of the measure is")
    members: dict[str, Names] = Field(default_factory=dict, description="breakdown members that have names")

    @model_validator(mode="after")
    def _time_fits(self) -> Measure:
        if self.freq == "M" and self.kind == "flow" and self.time == "last":
            raise ValueError("time: a flow is added up over months (sum); last is for a stock")
        if self.kind == "stock" and self.time == "sum":
            raise ValueError("time: a stock is not added up over months; use last")
        return self


class MeasureFile(Declaration):
    """A file of ``assets/measures``: the measures of one source."""

    measures: dict[str, Measure] = Field(description="the measures by code; a code is unique in all files")


class Term(Declaration):
    """A piece of a numerator or denominator: ``weight`` x measure, summed over ``members`` of its breakdown.

    ``members`` is ``same`` where the term follows the breakdown of the indicator. ``at`` says whose figure is
    taken: of the same territory and period, of the year before, or of the country.
    """

    measure: str = Field(description="code of the measure")
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

    ru: str = Field(description="what it is in Russian words, as published")
    terms: tuple[Term, ...] = Field(min_length=1, description="what is added up")


class Method(Declaration):
    """The version of the method, and from when it is valid."""

    version: str = Field(
        pattern=r"^\d+\.\d+$",
        description="version as 'MAJOR.MINOR', in quotes; raise it when the figures change their meaning",
    )
    valid_from: date = Field(description="first day of its validity")
    valid_to: date | None = Field(default=None, description="last day; open when absent")


class Framework(Declaration):
    """An indicator of an international framework that this one truly is (``match: same``) or is close to."""

    framework: str = Field(description="name of the framework")
    code: str = Field(description="code of the indicator in it")
    match: Literal["same", "close"] = Field(
        description="same: its definition holds word for word; close: it does not quite"
    )


class Indicator(Declaration):
    """A quantity that is computed: scale x numerator / denominator, each summed over what reports."""

    name: Names = Field(description="what it is called")
    definition_ru: str = Field(description="what it says, in Russian, as published")
    theme: str = Field(description="a theme of themes.yml")
    unit: Unit = Field(description="unit of the values")
    decimals: int = Field(ge=0, le=6, description="decimal places that are shown; values are stored with six")
    scale: Decimal = Field(
        default=Decimal(1),
        gt=0,
        description="numerator / denominator is multiplied by it: 100 for per cent, 1000 for per thousand",
    )
    direction: Literal["up", "down", "none"] = Field(description="where better is")
    numerator: Side = Field(description="what is divided, or the whole where there is no denominator")
    denominator: Side | None = Field(default=None, description="what it is divided by")
    frequencies: tuple[Frequency, ...] = Field(
        min_length=1, description="A year, S half-year, Q quarter, M month"
    )
    levels: tuple[Level, ...] = Field(min_length=1, description="levels at which the indicator is published")
    rolled_up: tuple[Level, ...] = Field(
        default=(),
        description="of these, the levels made from lower ones where the source has no figure of its own",
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
    method: Method = Field(description="version and validity of the method")
    frameworks: tuple[Framework, ...] = Field(
        default=(), description="indicators of other frameworks that it answers to"
    )
    owner: str = Field(description="who answers for the definition")

    @property
    def terms(self) -> list[tuple[str, Term]]:
        """All terms with the side they stand on."""
        sides = [("numerator", self.numerator)]
        if self.denominator is not None:
            sides.append(("denominator", self.denominator))
        return [(name, term) for name, side in sides for term in side.terms]

    @model_validator(mode="after")
    def _is_sound(self) -> Indicator:
        unknown = set(self.rolled_up) - set(self.levels)
        if unknown:
            raise ValueError(f"rolled_up: {sorted(unknown)} is not among levels")
        if self.denominator is None and any(term.at != "same" for _, term in self.terms):
            raise ValueError("denominator: a comparison with another year or the country needs one")
        if self.rolled_up and any(term.at != "same" for _, term in self.terms):
            raise ValueError(
                "rolled_up: a comparison is not additive over territories; leave rolled_up empty"
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
            if indicator.rolled_up and measure.territory == "none":
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
