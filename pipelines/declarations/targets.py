"""State programmes and their planned values: the models of ``assets/targets/<programme>.yml``."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, cast

from pydantic import Field, model_validator

from pipelines.declarations.common import Declaration, Names, PlacedError, Problem, nearest, overlaps
from pipelines.declarations.indicators import IndicatorCatalogue, Level
from pipelines.declarations.read_yaml import read_yaml
from pipelines.declarations.yaml_document import at
from pipelines.errors import DeclarationError
from pipelines.settings import PROJECT

TARGETS = PROJECT / "assets" / "targets"
TERRITORIES = PROJECT / "assets" / "territories"

Year = Annotated[int, Field(ge=1991, le=2100)]


class Amendment(Declaration):
    """An act that amended the programme."""

    act: str = Field(description="the act with its number")
    adopted_on: date = Field(description="the day on which it was adopted")


class TrafficLight(Declaration):
    """From which share of the plan a figure is green, and from which it is yellow; below that it is red."""

    green_from_pct: Decimal = Field(gt=0, le=100, description="green from this percentage of the plan on")
    yellow_from_pct: Decimal = Field(gt=0, le=100, description="yellow from this percentage of the plan on")
    status: Literal["example", "set"] = Field(
        description="set by an act, or an example until an act sets them; an example is marked wherever it is shown"
    )
    act: str | None = Field(default=None, description="the act that set them")

    @model_validator(mode="after")
    def _in_order(self) -> TrafficLight:
        if self.yellow_from_pct >= self.green_from_pct:
            raise ValueError("yellow_from_pct: must be below green_from_pct")
        if (self.status == "set") != (self.act is not None):
            raise ValueError("act: required if the thresholds are set by an act, and only then")
        return self


class Baseline(Declaration):
    """Where the indicator stood when the target was set, as published: a figure with its year, or words alone."""

    value: Decimal | None = Field(default=None, description="the figure, the start of the trajectory")
    year: Year | None = Field(default=None, description="year of the figure")
    words: Names | None = Field(default=None, description="what was published in words instead of a figure")

    @model_validator(mode="after")
    def _says_something(self) -> Baseline:
        if (self.value is None) != (self.year is None):
            raise ValueError("year: declare value and year together")
        if self.value is None and self.words is None:
            raise ValueError("words: a baseline without a figure needs words; or remove the baseline")
        return self


class PlannedValue(Declaration):
    """What was planned, and the days between which that was in force."""

    value: Decimal | None = Field(default=None, description="the planned value; absent: not published")
    valid_from: date | None = Field(
        default=None, description="first day on which it was in force; absent: from the beginning"
    )
    valid_to: date | None = Field(default=None, description="last day; absent: still in force")
    act: str | None = Field(
        default=None, description="the act that set it: that of the programme or one of its amendments"
    )

    @model_validator(mode="after")
    def _in_order(self) -> PlannedValue:
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("valid_to: lies before valid_from")
        return self


class Target(Declaration):
    """A planned value of an indicator for a year; it holds for each of the territories separately."""

    indicator: str = Field(description="code of the indicator; its direction says what is better")
    territories: tuple[str, ...] = Field(min_length=1, description="ref_area of each territory")
    year: Year = Field(description="year in which, or by which, it is to be reached")
    versions: tuple[PlannedValue, ...] = Field(
        min_length=1, description="the planned value and its amendments, oldest first; they do not overlap"
    )
    baseline: Baseline | None = Field(default=None, description="starting point, if it is published")
    reference: str = Field(description="where it is published")

    @model_validator(mode="after")
    def _is_sound(self) -> Target:
        problems: list[Problem] = [
            (("territories", number), f"{ref_area} is listed twice; list each once")
            for number, ref_area in enumerate(self.territories)
            if ref_area in self.territories[:number]
        ]
        problems += [(("versions", *place), message) for place, message in overlaps(self.versions)]
        if self.baseline and self.baseline.year is not None and self.baseline.year >= self.year:
            problems.append((("baseline", "year"), f"must lie before {self.year}, the year of the target"))
        if problems:
            raise PlacedError(*problems)
        return self


class Programme(Declaration):
    """A programme with planned values. What is not published stays empty, and ``note`` says so."""

    title: Names = Field(description="name of the programme")
    year_from: Year = Field(description="first year")
    year_to: Year = Field(description="last year")
    act: str | None = Field(default=None, description="the act that adopted it; absent: not known")
    adopted_on: date | None = Field(default=None, description="date of that act")
    amendments: tuple[Amendment, ...] = Field(default=(), description="acts that amended it, as far as known")
    reference: str = Field(description="where it was read")
    note: Names = Field(description="what is not published or not known, as shown to readers")
    traffic_light: TrafficLight = Field(description="thresholds of green, yellow and red")
    synthetic: bool = Field(
        default=False,
        description="invented, for the samples: shown only where invented data are loaded, marked wherever it is shown",
    )
    targets: dict[str, Target] = Field(
        default_factory=dict, description="the targets by code, unique in the programme"
    )

    @model_validator(mode="after")
    def _is_sound(self) -> Programme:
        if self.year_to < self.year_from:
            raise ValueError("year_to: lies before year_from")
        if (self.act is None) != (self.adopted_on is None):
            raise ValueError("adopted_on: declare act and adopted_on together")
        problems = list(self._target_problems())
        if problems:
            raise PlacedError(*problems)
        return self

    def _target_problems(self) -> Iterator[Problem]:
        acts = {act for act in (self.act, *(amendment.act for amendment in self.amendments)) if act}
        taken: dict[tuple[str, str, int], str] = {}
        for code, target in self.targets.items():
            place = ("targets", code)
            if not self.year_from <= target.year <= self.year_to:
                message = f"{target.year} lies outside the programme ({self.year_from}-{self.year_to})"
                yield (*place, "year"), message
            for number, version in enumerate(target.versions):
                if version.act is not None and version.act not in acts:
                    message = f"{version.act!r} is neither the act of the programme nor an amendment"
                    yield (*place, "versions", number, "act"), f"{message}; {nearest(version.act, acts)}"
            for number, ref_area in enumerate(target.territories):
                other = taken.setdefault((target.indicator, ref_area, target.year), code)
                if other != code:
                    message = (
                        f"{target.indicator} of {ref_area} in {target.year} is already planned in {other}"
                    )
                    yield (*place, "territories", number), message


def territory_levels(folder: Path = TERRITORIES) -> dict[str, Level]:
    """Level of each territory that the code lists name: of ``codes.csv``, and districts and towns of ``names.csv``."""
    levels: dict[str, Level] = {}
    for file in ("names.csv", "codes.csv"):
        with (folder / file).open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                if code := row["ref_area"]:
                    guess = "district" if code.startswith("r-") else "city"
                    levels[code] = cast(Level, row.get("level") or guess)
    return levels


def load_programmes(
    catalogue: IndicatorCatalogue, folder: Path = TARGETS, levels: Mapping[str, Level] | None = None
) -> dict[str, Programme]:
    """All programmes by code, which is the name of the file.

    Raises:
        DeclarationError: a file is wrong, or a target's indicator or territory does not fit.
    """
    known = territory_levels() if levels is None else levels
    programmes: dict[str, Programme] = {}
    for path in sorted(folder.glob("*.yml")):
        programme = read_yaml(path, Programme)
        problems = [
            f"{at(path, 'targets', code, *location)}: {message}"
            for code, target in programme.targets.items()
            for location, message in _problems(target, catalogue, known)
        ]
        if problems:
            raise DeclarationError(
                "\n".join(problems),
                "Name a declared indicator with a yearly value and a direction, and territories of its levels.",
            )
        programmes[path.stem] = programme
    return programmes


def _problems(
    target: Target, catalogue: IndicatorCatalogue, levels: Mapping[str, Level]
) -> Iterator[Problem]:
    """What does not fit, and at which key of the target."""
    indicator = catalogue.indicators.get(target.indicator)
    if indicator is None:
        near = nearest(target.indicator, catalogue.indicators)
        yield ("indicator",), f"indicator {target.indicator!r} is not declared in assets/indicators; {near}"
        return
    if indicator.direction == "none":
        yield (
            ("indicator",),
            f"indicator {target.indicator}: its direction is none, so no value is better than another",
        )
    if "A" not in indicator.frequencies:
        yield ("indicator",), f"indicator {target.indicator} has no yearly value (frequencies: A)"
    for number, ref_area in enumerate(target.territories):
        place, level = ("territories", number), levels.get(ref_area)
        if level is None:
            yield (
                place,
                f"territory {ref_area!r} is in no code list of assets/territories; {nearest(ref_area, levels)}",
            )
        elif level not in indicator.levels:
            yield (
                place,
                f"territory {ref_area} is a {level}; {target.indicator} has {', '.join(indicator.levels)}",
            )
