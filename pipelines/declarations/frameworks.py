"""Lists of indicators that others have defined: the models of ``assets/frameworks``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from pipelines.declarations.common import Declaration, Names, PlacedError, Problem, nearest
from pipelines.declarations.read_yaml import read_yaml
from pipelines.declarations.yaml_document import at
from pipelines.errors import DeclarationError
from pipelines.settings import PROJECT

FRAMEWORKS = PROJECT / "assets" / "frameworks"


class Place(Declaration):
    """A division of the framework: a dimension or a part of one, a clause of a standard, or a goal."""

    code: str = Field(description="code of the division, as the framework writes it")
    kind: Literal["dimension", "sub_dimension", "category", "clause", "goal"] = Field(
        description="what the framework calls it"
    )
    parent: str | None = Field(
        default=None, description="code of the division that contains it, listed above it"
    )
    name: Names = Field(description="what it is called")


class Answer(Declaration):
    """One of our indicators that corresponds to one of the framework."""

    indicator: str = Field(description="code of the indicator in assets/indicators")
    match: Literal["same", "close"] = Field(
        description="same: the verified definition is met word for word; close: not quite"
    )
    note_ru: str = Field(description="what is the same and what differs, in Russian, as published")


class FrameworkIndicator(Declaration):
    """An indicator as the framework defines it: multiplier x numerator / denominator."""

    code: str = Field(description="code of the indicator, exactly as the framework writes it")
    place: str = Field(description="code of its division")
    level: Literal["core", "advanced"] | None = Field(
        default=None, description="core or advanced, if the framework distinguishes them"
    )
    type: Literal["smart", "structural", "sustainable"] | None = Field(
        default=None, description="type in the framework; verified only where reference names a page"
    )
    unit: str = Field(description="a unit of units")
    multiplier: Decimal = Field(gt=0, description="factor of the ratio: 100 for per cent")
    direction: Literal["up", "down", "mixed", "to_be_checked"] = Field(
        description="where better is; mixed: it depends on the data point; to_be_checked: not known yet"
    )
    formula_status: Literal["verified", "name_verified", "to_be_checked"] = Field(
        description="verified: name and formula were compared with the framework's document; name_verified: only the name "
        "was; to_be_checked: neither was"
    )
    name: Names = Field(description="what it is called; in English as the framework says")
    numerator: Names = Field(description="what is divided, or the whole value if there is no denominator")
    denominator: Names | None = Field(default=None, description="what it is divided by")
    data_points: tuple[Names, ...] = Field(
        default=(), description="the figures in which it is reported, if there are several"
    )
    source_ru: str = Field(description="who has the data in Belarus, in Russian")
    reference: str | None = Field(default=None, description="document and page that was read")
    note_ru: str | None = Field(default=None, description="what else a reader must know, in Russian")
    answered_by: tuple[Answer, ...] = Field(
        default=(), description="our indicators that correspond to it; none: it is not reported"
    )
    unanswered_ru: str | None = Field(
        default=None, description="why no indicator corresponds to it, in Russian, where none does"
    )

    @property
    def is_type_verified(self) -> bool:
        """Whether the type was read in the framework's document, not only remembered."""
        return self.type is not None and self.reference is not None

    @model_validator(mode="after")
    def _is_answered_or_says_why_not(self) -> FrameworkIndicator:
        problems: list[Problem] = [
            (
                ("answered_by", number, "match"),
                f"same needs formula_status verified, but it is {self.formula_status}; use close",
            )
            for number, answer in enumerate(self.answered_by)
            if answer.match == "same" and self.formula_status != "verified"
        ]
        if bool(self.answered_by) == (self.unanswered_ru is not None):
            reason = (
                "say why no indicator answers it" if not self.answered_by else "it is answered; delete it"
            )
            problems.append((("unanswered_ru",), reason))
        if problems:
            raise PlacedError(*problems)
        return self


class Framework(Declaration):
    """A list of indicators that others defined and to which ours correspond."""

    framework: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="its code, and the name of the file")
    short: str = Field(description="short name, for tables")
    title: Names = Field(description="full name")
    publisher: str = Field(description="who publishes it")
    reference: str = Field(description="the documents that define it")
    indicator_count: int = Field(
        gt=0,
        description="number of indicators according to its publisher; for a selection (as the title says), of the selection",
    )
    verified_ru: str = Field(description="what was compared with the documents, in Russian, as published")
    unverified_ru: str = Field(description="what is still to be compared, in Russian, as published")
    translation_ru: str = Field(description="who wrote the Russian and Belarusian wording, in Russian")
    units: dict[str, Names] = Field(description="the units of its indicators by code, in capitals")
    structure: tuple[Place, ...] = Field(min_length=1, description="its divisions, in its order")
    indicators: tuple[FrameworkIndicator, ...] = Field(description="all its indicators, in its order")

    @model_validator(mode="after")
    def _holds_together(self) -> Framework:
        problems = [*self._place_problems(), *self._indicator_problems()]
        if len(self.indicators) != self.indicator_count:
            problems.append(
                (("indicator_count",), f"is {self.indicator_count}, but {len(self.indicators)} are listed")
            )
        if problems:
            raise PlacedError(*problems)
        return self

    def _place_problems(self) -> Iterator[Problem]:
        above: list[str] = []
        for number, place in enumerate(self.structure):
            if place.code in above:
                yield ("structure", number, "code"), f"{place.code!r} is listed twice"
            # a parent is listed above its children, so there is no cycle
            if place.parent is not None and place.parent not in above:
                message = f"{place.parent!r} is not listed above {place.code!r}"
                yield ("structure", number, "parent"), f"{message}; {nearest(place.parent, above)}"
            above.append(place.code)

    def _indicator_problems(self) -> Iterator[Problem]:
        places = {place.code for place in self.structure}
        for number in _again([one.code for one in self.indicators]):
            yield ("indicators", number, "code"), f"{self.indicators[number].code!r} is listed twice"
        for number, one in enumerate(self.indicators):
            if one.place not in places:
                message = (
                    f"{one.code!r}: place {one.place!r} is not in structure; {nearest(one.place, places)}"
                )
                yield ("indicators", number, "place"), message
            if one.unit not in self.units:
                message = f"{one.code!r}: unit {one.unit!r} is not in units; {nearest(one.unit, self.units)}"
                yield ("indicators", number, "unit"), message
            for answer in _again([answer.indicator for answer in one.answered_by]):
                message = f"{one.code!r}: {one.answered_by[answer].indicator!r} is listed twice"
                yield ("indicators", number, "answered_by", answer, "indicator"), message


def _again(codes: Sequence[str]) -> list[int]:
    """The positions of codes that are also listed further above."""
    return [number for number, code in enumerate(codes) if code in codes[:number]]


@lru_cache(maxsize=4)
def load_frameworks(folder: Path = FRAMEWORKS) -> dict[str, Framework]:
    """All declared frameworks by code, in the order of their codes.

    Raises:
        DeclarationError: a file is wrong, or has another name than its framework.
    """
    frameworks: dict[str, Framework] = {}
    for path in sorted(folder.glob("*.yml")):
        framework = read_yaml(path, Framework)
        if framework.framework != path.stem:
            raise DeclarationError(
                f"{at(path, 'framework')}: is {framework.framework!r}",
                f"Write {path.stem!r}, the name of the file.",
            )
        frameworks[framework.framework] = framework
    return frameworks


def check_answers(
    frameworks: Mapping[str, Framework], indicators: Iterable[str], folder: Path = FRAMEWORKS
) -> None:
    """Check the corresponding indicators against the declared ones. ``folder`` is where the frameworks were read.

    Raises:
        DeclarationError: an indicator is not declared.
    """
    declared = set(indicators)
    missing = [
        f"{at(folder / f'{code}.yml', 'indicators', place, 'answered_by', number, 'indicator')}: {one.code}: "
        f"indicator {answer.indicator!r} is not declared; {nearest(answer.indicator, declared)}"
        for code, framework in frameworks.items()
        for place, one in enumerate(framework.indicators)
        for number, answer in enumerate(one.answered_by)
        if answer.indicator not in declared
    ]
    if missing:
        raise DeclarationError(
            "\n".join(missing), "Name an indicator of assets/indicators, or declare it there first."
        )
