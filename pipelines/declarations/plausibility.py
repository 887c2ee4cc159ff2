"""Conditions that figures must, or usually do, satisfy: the models of ``assets/plausibility.yml``.

Rules are data; each kind is evaluated by one general query (``int_plausibility``), and no rule has its own code. An
**error** cannot be true and stops the build; a **warning** is unusual, and is shown beside the value.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipelines.declarations.common import Declaration, Names, Problem, nearest
from pipelines.declarations.indicators import Frequency, Indicator, IndicatorCatalogue, Level
from pipelines.declarations.read_yaml import read_yaml
from pipelines.declarations.yaml_document import at
from pipelines.errors import DeclarationError
from pipelines.settings import PROJECT

PLAUSIBILITY = PROJECT / "assets" / "plausibility.yml"


class _Rule(Declaration):
    severity: Literal["error", "warning"] = Field(
        description="error: cannot be true, the build fails; warning: is unusual, and is published as a remark"
    )
    says: Names = Field(
        description="what is unusual about a value that is found, for readers: half a sentence, lower case, no "
        "full stop, to follow «Значение выделяется:»"
    )
    reference: str | None = Field(default=None, description="where the rule comes from")
    indicators: tuple[str, ...] = Field(min_length=1, description="indicators that it applies to")
    frequencies: tuple[Frequency, ...] = Field(default=(), description="at which frequencies; absent: all")
    levels: tuple[Level, ...] = Field(default=(), description="levels of territories; absent: all")


class Between(_Rule):
    """A value outside the bounds is found."""

    kind: Literal["between"] = Field(description="within bounds")
    lower: Decimal | None = Field(default=None, description="lowest value")
    upper: Decimal | None = Field(default=None, description="highest value")

    @model_validator(mode="after")
    def _bounded(self) -> Between:
        if self.lower is None and self.upper is None:
            raise ValueError("lower: declare lower, upper, or both")
        if self.lower is not None and self.upper is not None and self.lower >= self.upper:
            raise ValueError("lower: must be below upper")
        return self


class AtMost(_Rule):
    """A value above that of another indicator of the same territory and period is found."""

    kind: Literal["at_most"] = Field(description="not above another indicator")
    than: str = Field(description="the other indicator, in the same unit")


class Jump(_Rule):
    """A value that differs by more than the limit from that of the same period a year before is found."""

    kind: Literal["jump"] = Field(description="no jump within a year")
    limit_pct: Decimal | None = Field(default=None, gt=0, description="largest change in per cent")
    limit_points: Decimal | None = Field(
        default=None, gt=0, description="largest change in units of the value"
    )

    @model_validator(mode="after")
    def _limited(self) -> Jump:
        if (self.limit_pct is None) == (self.limit_points is None):
            raise ValueError("limit_pct: declare either limit_pct or limit_points")
        return self


class PartsToTotal(_Rule):
    """Where all parts of a breakdown have a figure, their numerators make the total's."""

    kind: Literal["parts_to_total"] = Field(description="the parts of a breakdown add up to the total")
    tolerance: Decimal = Field(default=Decimal(0), ge=0, description="largest difference that is allowed")


class Hierarchy(_Rule):
    """Where all parts of a territory have a figure, their numerators make its own.

    Regions make the country; districts and cities of oblast subordination, with what lies in no district, make a
    region. Figures of low reliability (status U) are left out.
    """

    kind: Literal["hierarchy"] = Field(description="territories add up to the one above")
    tolerance: Decimal = Field(default=Decimal(0), ge=0, description="largest difference that is allowed")


class Outlier(_Rule):
    """A value that lies far from those of the other territories of its level and period is found.

    Robust z-score: |value - median| / (1.4826 x MAD), MAD being the median of the absolute deviations from the median;
    above 3.5 a value is suspicious (B. Iglewicz, D. C. Hoaglin: How to Detect and Handle Outliers, ASQC, 1993).
    """

    kind: Literal["outlier"] = Field(description="far from the other territories")
    limit: Decimal = Field(default=Decimal("3.5"), gt=0, description="largest robust z-score")
    minimum_count: int = Field(default=10, ge=3, description="least number of territories that are compared")


Rule = Annotated[Between | AtMost | Jump | PartsToTotal | Hierarchy | Outlier, Field(discriminator="kind")]


class Plausibility(Declaration):
    """All rules of plausibility, by code."""

    rules: dict[str, Rule] = Field(description="the rules by code")


def frequencies_of(rule: Rule, indicator: Indicator) -> tuple[Frequency, ...]:
    """The frequencies of an indicator to which a rule applies."""
    return tuple(freq for freq in indicator.frequencies if not rule.frequencies or freq in rule.frequencies)


def levels_of(rule: Rule, indicator: Indicator) -> tuple[Level, ...]:
    """The levels of an indicator to which a rule applies."""
    return tuple(level for level in indicator.levels if not rule.levels or level in rule.levels)


def load_plausibility(catalogue: IndicatorCatalogue, path: Path = PLAUSIBILITY) -> dict[str, Rule]:
    """All rules by code.

    Raises:
        DeclarationError: the file is wrong, or a rule names an indicator to which it cannot apply.
    """
    rules = read_yaml(path, Plausibility).rules
    problems = [
        f"{at(path, 'rules', code, *location)}: {message}"
        for code, rule in rules.items()
        for number, name in enumerate(rule.indicators)
        for location, message in _problems(rule, number, name, catalogue)
    ]
    if problems:
        raise DeclarationError(
            "\n".join(problems),
            "Name declared indicators of assets/indicators, with frequencies and levels that they have.",
        )
    return rules


def _problems(rule: Rule, number: int, name: str, catalogue: IndicatorCatalogue) -> Iterator[Problem]:
    """Why a rule does not fit the indicator that it names at a place: the key and a message."""
    place = ("indicators", number)
    indicator = catalogue.indicators.get(name)
    if indicator is None:
        yield place, f"indicator {name!r} is not declared; {nearest(name, catalogue.indicators)}"
        return
    if not frequencies_of(rule, indicator):
        yield ("frequencies",), f"{name} has none of them; it has {', '.join(indicator.frequencies)}"
    if not levels_of(rule, indicator):
        yield ("levels",), f"{name} has none of them; it has {', '.join(indicator.levels)}"
    terms = [term for side, term in indicator.terms if side == "numerator"]
    if isinstance(rule, AtMost):
        other = catalogue.indicators.get(rule.than)
        if other is None:
            yield (
                ("than",),
                f"indicator {rule.than!r} (than) is not declared; {nearest(rule.than, catalogue.indicators)}",
            )
        elif other.unit.code != indicator.unit.code:
            yield ("than",), f"{name} is in {indicator.unit.code}, {rule.than} in {other.unit.code}"
    if isinstance(rule, PartsToTotal) and not any(term.members == "same" for term in terms):
        yield place, f"{name} has no breakdown (members: same)"
    if isinstance(rule, Hierarchy) and not all(
        term.at == "same" and term.times is None and catalogue.measures[term.measure].territory == "sum"
        for term in terms
    ):
        yield place, f"{name}: its numerator does not add up over territories"
