"""How an index is made: the model of ``assets/methods/<method>.yml``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from pipelines.declarations.common import Declaration, Location, Names, PlacedError, Problem
from pipelines.declarations.method_leaves import Alternative, MinMax
from pipelines.declarations.method_tree import IndexNode
from pipelines.declarations.read_yaml import read_yaml
from pipelines.declarations.yaml_document import at
from pipelines.errors import DeclarationError
from pipelines.settings import PROJECT

METHODS = PROJECT / "assets" / "methods"
Ties = Literal["min", "max", "average", "dense", "first"]


class Ranks(Declaration):
    """How scores are ranked."""

    order: Literal["descending", "ascending"] = Field(
        default="descending", description="descending: the greatest score is first"
    )
    ties: Ties = Field(
        default="min",
        description="equal scores: both the better place, both the worse, the mean, no gap after them, or by code",
    )
    decimals: int | None = Field(
        default=None,
        ge=0,
        le=12,
        description="scores are rounded to this many decimals before they are compared; absent: not rounded",
    )


class PeerGroups(Declaration):
    """Groups in which units are also ranked: by the text of a column, or by ranges of a number."""

    column: str = Field(description="column of the data")
    bounds: tuple[float, ...] = Field(
        default=(),
        description="where the next group begins, ascending; absent: the column's text is the group",
    )
    names: tuple[str, ...] = Field(
        default=(),
        description="names of the groups, from the lowest; one more than bounds; absent: generated from the bounds",
    )

    @model_validator(mode="after")
    def _fits(self) -> PeerGroups:
        if any(a >= b for a, b in pairwise(self.bounds)):
            raise ValueError("bounds: must ascend")
        if self.names and len(self.names) != len(self.bounds) + 1:
            raise ValueError(f"names: {len(self.bounds) + 1} are needed, {len(self.names)} given")
        return self


class Sensitivity(Declaration):
    """How ranks change when the choices of the method vary: random scenarios with a fixed seed."""

    seed: int = Field(
        default=20260101, ge=0, description="seed of the random numbers: the same seed gives the same result"
    )
    draws: int = Field(
        default=500, ge=1, le=100_000, description="number of scenarios in addition to the method itself"
    )
    weight_spread: float = Field(
        default=0.25,
        ge=0,
        lt=1,
        description="each weight is multiplied by a number between 1 - spread and 1 + spread",
    )
    normalisations: tuple[Alternative, ...] = Field(
        default=(), description="other normalisations of all leaves, each as likely as the declared ones"
    )
    aggregations: tuple[Literal["arithmetic", "geometric", "harmonic"], ...] = Field(
        default=(), description="other aggregations of all nodes, each as likely as the declared ones"
    )

    @model_validator(mode="after")
    def _of_any_leaf(self) -> Sensitivity:
        problems: list[Problem] = [
            (("normalisations", number, key), "goalposts belong to one leaf; an alternative applies to all")
            for number, rule in enumerate(self.normalisations)
            for key in ("low", "high")
            if isinstance(rule, MinMax) and getattr(rule, key) is not None
        ]
        if problems:
            raise PlacedError(*problems)
        return self


class IndexMethod(Declaration):
    """A composite index: its tree, computation, version and legal basis."""

    method: str = Field(
        pattern=r"^[a-z][a-z0-9_]*$",
        description="code of the method; a shipped file has the same name; older versions have -VERSION appended",
    )
    title: Names = Field(description="name of the index")
    note: Names | None = Field(default=None, description="what a reader must know about the figures")
    status: Literal["official", "published", "example"] = Field(
        description="official: by a legal act; published: by its own authors; example: to be replaced"
    )
    version: str = Field(pattern=r"^\d+\.\d+$", description="version as 'MAJOR.MINOR', in quotes")
    valid_from: date = Field(description="first day of its validity")
    valid_to: date | None = Field(default=None, description="last day; absent: open")
    legal_act: str | None = Field(description="the act that sets the method; null: not known")
    reference: str = Field(description="where the method is described")
    territory_level: Literal["country", "region", "district", "city"] | None = Field(
        default=None, description="for figures of the warehouse: territories that are compared"
    )
    freq: Literal["A", "S", "Q", "M"] = Field(
        default="A", description="for figures of the warehouse: periods"
    )
    reference_set: Literal["each_period", "all_periods", "base_period"] = Field(
        default="each_period",
        description="the values from which minimum, maximum, mean, deviation, percentiles and ranks are computed",
    )
    base_period: str | None = Field(default=None, description="the period of reference_set: base_period")
    index: IndexNode = Field(description="the root of the tree")
    ranks: Ranks = Field(default=Ranks(), description="how units are ranked")
    peer_groups: PeerGroups | None = Field(
        default=None, description="groups within which units are also ranked"
    )
    decimals: int = Field(default=3, ge=0, le=12, description="decimal places of a displayed score")
    sensitivity: Sensitivity = Field(
        default=Sensitivity(), description="how the stability of ranks is tested"
    )

    @model_validator(mode="after")
    def _is_sound(self) -> IndexMethod:
        first: dict[str, Location] = {}
        twice: list[Problem] = [
            ((*place, "code"), f"{node.code!r} is used twice; each node needs its own code")
            for place, node in self.index.placed()
            if first.setdefault(node.code, place) != place
        ]
        if twice:
            raise PlacedError(*twice)
        if (self.reference_set == "base_period") != (self.base_period is not None):
            raise ValueError("base_period: required for reference_set: base_period, and only there")
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("valid_to: is before valid_from")
        if self.legal_act is None and self.status == "official":
            raise ValueError("legal_act: an official method names the act that sets it")
        return self


def read_method(path: Path) -> IndexMethod:
    """Read one method.

    Raises:
        DeclarationError: the file is wrong: file, line, key, what is allowed.
    """
    return read_yaml(path, IndexMethod)


def load_methods(folder: Path = METHODS) -> dict[str, IndexMethod]:
    """The shipped methods by the name of their file: ``code``, and ``code-version`` for older versions of it.

    Raises:
        DeclarationError: a file is wrong, its method has another name than the file, or two versions of a method have
            the same number or are valid on the same day.
    """
    found: dict[str, IndexMethod] = {}
    for path in sorted(folder.glob("*.yml")):
        method = read_method(path)
        if path.stem not in (method.method, f"{method.method}-{method.version}"):
            raise DeclarationError(
                f"{at(path, 'method')}: is {method.method!r}",
                f"Give the file and the method one name: {method.method}.yml, or {method.method}-{method.version}.yml"
                " for a version that has been replaced.",
            )
        found[path.stem] = method
    _check_versions(found, folder)
    return found


def _check_versions(methods: Mapping[str, IndexMethod], folder: Path) -> None:
    """Check that at most one version of a method is valid on any day."""
    problems: list[str] = []
    ordered = sorted(methods.items(), key=lambda item: (item[1].method, item[1].valid_from))
    for (older, before), (newer, after) in pairwise(ordered):
        if before.method != after.method:
            continue
        path, other = folder / f"{newer}.yml", folder / f"{older}.yml"
        if before.version == after.version:
            problems.append(f"{at(path, 'version')}: {after.version} is also the version of {other}")
        if before.valid_to is None or before.valid_to >= after.valid_from:
            problems.append(
                f"{at(other, 'valid_to')}: {before.valid_to or 'open'}, but {path} is valid from {after.valid_from}"
            )
    if problems:
        raise DeclarationError(
            "\n".join(problems),
            "Let a version end on the day before the next begins, and give them different numbers.",
        )
