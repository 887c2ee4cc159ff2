"""What is observed and what is computed: the models of ``measures.yml`` of each source, and of ``assets/indicators``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from pipelines.declarations.common import (
    Declaration,
    Location,
    Names,
    PlacedError,
    Problem,
    at,
    nearest,
    overlaps,
    read_yaml,
)
from pipelines.declarations.sources import SOURCES, Source
from pipelines.errors import DeclarationError
from pipelines.settings import PROJECT

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


# KM_PER_1000, PER_100_15_64, PER_KM2: of what, how many, of what unit
QUOTIENT = re.compile(r"(?:(?P<of>\w+)_)?PER_(?:(?P<count>\d+)(?:_\w+)?|(?P<unit>[A-Z]\w*))")


class Unit(Names):
    """A unit: its code, and its name as it stands beside a figure. One code has the same names wherever it stands.

    The code of a quotient says what it is: PCT (of the same), PER_KM2 (of another unit), PER_1000 or KM_PER_1000 (of so
    many of another unit, which ``per`` names). Any other code of a ratio is a mean, in the unit of its numerator.
    """

    code: str = Field(
        pattern=r"^[A-Z][A-Z0-9_]*$", description="code of the unit in capitals, as in unit_measure"
    )
    per: str | None = Field(
        default=None,
        description="code of the unit that PER_<number> counts: PERSONS in 'per 1000 inhabitants'",
    )

    @model_validator(mode="after")
    def _names_what_it_counts(self) -> Unit:
        quotient = QUOTIENT.fullmatch(self.code)
        if (self.per is not None) != (quotient is not None and quotient["count"] is not None):
            raise ValueError(
                "per: named for PER_<number>, and only there; it is the code of the unit that is counted"
            )
        return self


def feed_of(model: str) -> tuple[str, str]:
    """Source and feed of a model of contributions that is written by hand, by its name."""
    source, feed, *_ = (*model.removeprefix("int_").split("__"), "")
    return source, feed


class Measure(Declaration):
    """A quantity that is observed: which rows of the feed's staging model count, and what they add.

    ``filter`` and ``expr`` are SQL over the columns of the staging model, in the words of dbt's semantic models, and
    run on DuckDB and PostgreSQL alike. Territory, period and the part that is in no territory of the level below come
    from the columns that every staging model has (``ref_area``, ``time_period``, ``allocation``). What cannot be said
    so is filled by models that are written by hand, and named in ``models``.
    """

    name: Names = Field(description="what it is called")
    definition_ru: str = Field(description="what exactly is counted, in Russian, as published")
    unit: Unit = Field(description="unit of the figures")
    kind: Literal["flow", "stock"] = Field(description="a flow is counted over a period, a stock at its end")
    source: str = Field(default="", description="source that the figures come from: that of the folder")
    feed: str = Field(description="feed of that source")
    filter: str = Field(
        default="true",
        description="SQL condition over the staging model's columns: the rows that count; all when absent",
    )
    expr: str | int | None = Field(
        default=None, description="SQL expression that is added up: a column for a sum, 1 for a count"
    )
    breakdown: str | None = Field(
        default=None,
        description="column or SQL expression of the member that a row counts in, beside the total; a row without one "
        "counts in the total alone",
    )
    breakdown_has_total: bool = Field(
        default=False,
        description="the rows of the member `_T` are the total; it is not added up from the others",
    )
    models: tuple[str, ...] = Field(
        default=(),
        description="in place of `expr`: the models, written by hand, that fill it; their names begin "
        "`int_<source>__<feed>__`",
    )
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

    @property
    def feeds(self) -> set[tuple[str, str]]:
        """Source and feed whose rows it takes: its own, and those that the models written by hand are named for."""
        return {(self.source, self.feed), *map(feed_of, self.models)}

    @model_validator(mode="after")
    def _says_what_is_added(self) -> Measure:
        if (self.expr is None) == (not self.models):
            raise ValueError(
                "expr: say what each row adds (1 for a count), or name the models that fill it; one of both"
            )
        if self.models and (self.filter != "true" or self.breakdown or self.breakdown_has_total):
            raise ValueError(
                "models: they say themselves what counts; leave out filter, breakdown, breakdown_has_total"
            )
        if self.breakdown_has_total and self.breakdown is None:
            raise ValueError("breakdown_has_total: name the breakdown whose member _T is the total")
        return self


class MeasureFile(Declaration):
    """``assets/sources/<source>/measures.yml``: the measures of one source."""

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
            empty = "denominator" if self.numerator.terms else "numerator"
            raise PlacedError(
                ((empty, "terms"), "numerator and denominator both have terms, or neither has yet")
            )
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
    minimum_population_coverage_pct: Decimal | None = Field(
        default=None,
        ge=0,
        le=100,
        description="a rolled-up figure that covers less of the people is not published; absent: 100 for a sum without"
        " a denominator, which would pass for the whole, else 0",
    )
    reliable_population_coverage_pct: Decimal = Field(
        default=Decimal(50),
        ge=0,
        le=100,
        description="a rolled-up figure that covers less of the people is published with the status U (low"
        " reliability), and its note names whom it stands for",
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
    def least_population_coverage_pct(self) -> Decimal:
        """``minimum_population_coverage_pct``, or what holds where it is not said."""
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
        """The terms of all versions with the side they stand on."""
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
            raise ValueError("percentile: named for roll_up percentile, and only there")
        if self.imputation is not None and self.imputation.freq not in self.frequencies:
            told = f"{self.imputation.freq} is not among frequencies ({', '.join(self.frequencies)})"
            raise PlacedError((("imputation", "freq"), told))
        problems: list[Problem] = [(("methods", *place), told) for place, told in overlaps(self.methods)]
        if problems:
            raise PlacedError(*problems)
        return self


class Themes(Declaration):
    """``assets/indicators/themes.yml``: the themes that indicators are grouped by."""

    themes: dict[str, Names] = Field(description="the themes by code")


class IndicatorCatalogue(Declaration):
    """All measures, indicators and themes by code, checked against each other."""

    measures: dict[str, Measure]
    indicators: dict[str, Indicator]
    themes: dict[str, Names]
    files: dict[str, Path] = Field(default_factory=dict, description="the file of each measure")


def _problems(code: str, indicator: Indicator, catalogue: IndicatorCatalogue) -> Iterator[Problem]:
    """What does not fit between an indicator and what it names: where in its file, and what is allowed there."""
    if indicator.theme not in catalogue.themes:
        yield (
            ("theme",),
            f"{indicator.theme!r} is not in themes.yml; {nearest(indicator.theme, catalogue.themes)}",
        )
    yield from _survey_problems(code, indicator, catalogue)
    for number, method in enumerate(indicator.methods):
        sound = True
        for side, place, term in _placed_terms(method):
            for key, told in _term_problems(indicator, side, term, catalogue.measures):
                sound = False
                yield ("methods", number, *place, key), told
        if sound:
            misfit = unit_problem(indicator.unit, method, catalogue.measures)
            if misfit is not None:
                yield ("methods", number), misfit


def _placed_terms(method: Method) -> Iterator[tuple[str, Location, Term]]:
    for side in ("numerator", "denominator"):
        declared: Side | None = getattr(method, side)
        for number, term in enumerate(declared.terms if declared else ()):
            yield side, (side, "terms", number), term


def _survey_problems(code: str, indicator: Indicator, catalogue: IndicatorCatalogue) -> Iterator[Problem]:
    """A survey is another indicator in the same unit, and its own gaps are not filled in from this one."""
    followed = [code]
    while indicator.imputation is not None and (wanted := indicator.imputation.indicator) is not None:
        place = ("imputation", "indicator")
        survey = catalogue.indicators.get(wanted)
        if wanted in followed:
            yield place, f"surveys lead in a circle: {' → '.join([*followed, wanted])}"
            return
        if survey is None or survey.unit.code != indicator.unit.code:
            if len(followed) == 1:
                fit = [
                    one
                    for one, other in catalogue.indicators.items()
                    if other.unit.code == indicator.unit.code
                ]
                told = f"{wanted!r} is not declared in the same unit ({indicator.unit.code})"
                yield place, f"{told}; {nearest(wanted, {*fit} - {code})}"
            return
        followed.append(wanted)
        indicator = survey


def _term_problems(
    indicator: Indicator, side: str, term: Term, measures: Mapping[str, Measure]
) -> Iterator[tuple[str, str]]:
    """The key of a term that does not fit, and why."""
    measure = measures.get(term.measure)
    if measure is None:
        yield "measure", f"measure {term.measure!r} is not declared; {nearest(term.measure, measures)}"
        return
    if (
        measure.freq == "A"
        and set(indicator.frequencies) - {"A"}
        and not (side == "denominator" and (measure.carry_forward_years or measure.constant))
    ):
        yield (
            "measure",
            f"{term.measure} is yearly, but frequencies has {', '.join(indicator.frequencies)}; say A alone",
        )
    if measure.time == "none" and measure.freq == "M" and set(indicator.frequencies) - {"M"}:
        yield (
            "measure",
            f"{term.measure} does not add up over months (time: none); frequencies may have M alone",
        )
    if term.times is not None and term.times not in measures:
        yield "times", f"measure {term.times!r} (times) is not declared; {nearest(term.times, measures)}"
    if (
        indicator.rolled_up
        and indicator.roll_up == "ratio_of_sums"
        and measure.territory == "none"
        and term.times is None
    ):
        yield (
            "measure",
            (
                f"{term.measure} does not add up over territories, but rolled_up is set; weigh it (times), leave rolled_up"
                " empty, or say roll_up: percentile"
            ),
        )
    if term.members != "same" and measure.members:
        unknown = sorted(set(term.members) - set(measure.members) - {"_T"})
        if unknown:
            allowed = ", ".join(["_T", *sorted(measure.members)])
            yield "members", f"{term.measure} has no members {unknown}; there are: {allowed}"


def unit_problem(unit: Unit, method: Method, measures: Mapping[str, Measure]) -> str | None:
    """Why the unit of the values does not follow from those of the terms and the scale; None where it does.

    Terms that are added have one unit. With n and d the units of numerator and denominator, the values are in n where
    there is no denominator; per cent are 100 x n / n; PER_<number> are number x n / per; PER_<unit> are n / unit; all
    else is a mean: n / d is shown in n, and (u x d) / d, a weighted one, in u.
    """
    sides: dict[str, set[tuple[str, ...]]] = {"numerator": set(), "denominator": set()}
    for side, term in method.terms:
        named = [term.measure] if term.times is None else [term.measure, term.times]
        sides[side].add(tuple(sorted(measures[name].unit.code for name in named)))
    for side, units in sides.items():
        if len(units) > 1:
            return f"{side}: its terms are in different units ({_written(units)}); only equal ones are added"
    if not sides["numerator"]:
        return None
    (above,) = sides["numerator"]
    (below,) = sides["denominator"] or {()}
    told = f"unit {unit.code} does not fit {method.scale:f} x {_written([above])}"
    told += f" / {_written([below])}" if below else ""
    quotient = QUOTIENT.fullmatch(unit.code)
    scale = Decimal(1)
    if not below:
        fits = above == (unit.code,)
        wanted = "without a denominator the unit is that of the terms"
    elif unit.code == "PCT":
        scale, fits = Decimal(100), above == below
        wanted = "per cent are a share of the same unit, with scale: 100"
    elif quotient and quotient["count"]:
        scale = Decimal(quotient["count"])
        fits = below == (unit.per,) and quotient["of"] in (None, *above)
        wanted = f"it says scale: {quotient['count']}, and unit.per names the unit of the denominator"
    elif quotient:
        fits = below == (quotient["unit"],) and quotient["of"] in (None, *above)
        wanted = f"it says a denominator in {quotient['unit']} and no scale"
    else:
        fits = above != below and above in ((unit.code,), tuple(sorted((unit.code, *below))))
        wanted = (
            "a mean is in the unit of its numerator, and has no scale; the codes of shares are PCT and PER_…"
        )
    return None if fits and method.scale == scale else f"{told}; {wanted}"


def _written(units: Iterable[tuple[str, ...]]) -> str:
    return ", ".join(sorted(" x ".join(unit) for unit in units))


def _units_with_two_names(catalogue: IndicatorCatalogue, indicators: Path) -> list[str]:
    """Units whose code has other names than where it stood first."""
    declared: list[tuple[Path, Location, Unit]] = [
        *(
            (catalogue.files[code], ("measures", code, "unit"), one.unit)
            for code, one in catalogue.measures.items()
        ),
        *((indicators / f"{code}.yml", ("unit",), one.unit) for code, one in catalogue.indicators.items()),
    ]
    first: dict[str, tuple[Path, Location, Unit]] = {}
    problems = []
    for path, location, unit in declared:
        where, place, known = first.setdefault(unit.code, (path, location, unit))
        if (unit.ru, unit.be, unit.en) != (known.ru, known.be, known.en):
            problems.append(
                f"{at(path, *location)}: {unit.code} has other names than in {at(where, *place)}; one code has one name"
            )
    return problems


@lru_cache(maxsize=4)
def load_measures(folder: Path = SOURCES) -> tuple[dict[str, Measure], dict[str, Path]]:
    """All declared measures in the order of their codes, and the file of each.

    Raises:
        DeclarationError: a file is wrong, or a code is declared twice.
    """
    declared: dict[str, Measure] = {}
    files: dict[str, Path] = {}
    for path in sorted(folder.glob("*/measures.yml")):
        source = path.parent.name
        for code, measure in read_yaml(path, MeasureFile).measures.items():
            if code in declared:
                raise DeclarationError(
                    f"{at(path, 'measures', code)}: measure {code!r} is declared twice; first in {files[code]}",
                    "Rename or delete one of them.",
                )
            if measure.source not in ("", source):
                raise DeclarationError(
                    f"{at(path, 'measures', code, 'source')}: is {measure.source!r}, its folder is {source!r}",
                    "Move the measure to its source, or leave the key out.",
                )
            declared[code], files[code] = measure.model_copy(update={"source": source}), path
    return dict(sorted(declared.items())), files


@lru_cache(maxsize=4)
def load_catalogue(measures: Path = SOURCES, indicators: Path = INDICATORS) -> IndicatorCatalogue:
    """All declared measures and indicators, in the order of their codes.

    Raises:
        DeclarationError: a file is wrong, a code is declared twice, or a term names what does not exist or does not
            fit; with file, line, key, and what is allowed.
    """
    declared, files = load_measures(measures)
    themes = read_yaml(indicators / "themes.yml", Themes).themes
    computed = {
        path.stem: read_yaml(path, Indicator)
        for path in sorted(indicators.glob("*.yml"))
        if path.name != "themes.yml"
    }
    catalogue = IndicatorCatalogue(measures=declared, indicators=computed, themes=themes, files=files)
    problems = [
        f"{at(indicators / f'{code}.yml', *location)}: {told}"
        for code, indicator in computed.items()
        for location, told in _problems(code, indicator, catalogue)
    ]
    problems += _units_with_two_names(catalogue, indicators)
    if problems:
        raise DeclarationError(
            "\n".join(problems),
            "What fits together: docs/indicators.md; measures are those of assets/sources/*/measures.yml.",
        )
    return catalogue


def check_sources(
    catalogue: IndicatorCatalogue, sources: Mapping[str, Source], folder: Path = SOURCES
) -> None:
    """Hold the measures against the declared sources.

    Raises:
        DeclarationError: a measure names a source or feed that is not declared, or a feed is loaded and counts nowhere.
    """
    problems = []
    counting: set[tuple[str, str]] = set()
    for code, measure in catalogue.measures.items():
        source = sources.get(measure.source)
        counting |= measure.feeds
        if source is not None and measure.feed in source.feeds:
            continue
        key, name, known = (
            ("source", measure.source, sources) if source is None else ("feed", measure.feed, source.feeds)
        )
        place = at(catalogue.files[code], "measures", code, key)
        problems.append(
            f"{place}: feed {measure.source}.{measure.feed} is not declared; {nearest(name, known)}"
        )
    if problems:
        raise DeclarationError("\n".join(problems), "Declare the feed in assets/sources/<source>/source.yml.")
    problems = [
        f"{at(folder / name / 'source.yml', 'feeds', feed)}: is loaded, and no measure takes its rows"
        for name, source in sources.items()
        for feed, declared in source.feeds.items()
        if declared.provides is None and ((name, feed) not in counting or declared.counted == "false")
    ]
    if problems:
        raise DeclarationError(
            "\n".join(problems),
            "Declare a measure of the feed in measures.yml beside it, or say what else the feed provides.",
        )
