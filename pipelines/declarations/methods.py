"""How an index is made: the model of ``assets/methods/<method>.yml``.

A method is a tree. Its leaves name columns of the data (indicators); its other nodes put their parts together. What a
node does not say itself it has from the node above it, so a method says most things once, at the root.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from pipelines.declarations.common import (
    Declaration,
    Location,
    Names,
    PlacedError,
    Problem,
    at,
    read_yaml,
)
from pipelines.errors import DeclarationError
from pipelines.settings import PROJECT

METHODS = PROJECT / "assets" / "methods"

Direction = Literal["up", "down"]
Ties = Literal["min", "max", "average", "dense", "first"]


class _Choice(Declaration):
    """Base of the pieces of a method: no endless numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


# --- transformations: done to the values of a leaf, in the order in which they are listed


class Per(_Choice):
    """scale x value / another column: per head, per square kilometre, per household."""

    kind: Literal["per"] = Field(description="divided by another column")
    column: str = Field(description="column of the data that is divided by")
    scale: float = Field(default=1.0, gt=0, description="times this: 1000 for per thousand")


class Log(_Choice):
    """Logarithm of value + shift. A value that is not positive then is missing, with the reason."""

    kind: Literal["log"] = Field(description="logarithm")
    base: float | Literal["e"] = Field(default="e", description="base of the logarithm")
    shift: float = Field(default=0.0, description="added before the logarithm")

    @model_validator(mode="after")
    def _base_is_one(self) -> Log:
        if self.base != "e" and (self.base <= 0 or self.base == 1):
            raise ValueError("base: a positive number other than 1, or e")
        return self


class Winsorise(_Choice):
    """Values beyond two percentiles of all units of the period (or of the reference) are set to these percentiles."""

    kind: Literal["winsorise"] = Field(description="extremes are pulled in to percentiles")
    lower: float = Field(default=0.0, ge=0, le=100, description="lower percentile; 0 leaves that end alone")
    upper: float = Field(
        default=100.0, ge=0, le=100, description="upper percentile; 100 leaves that end alone"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Winsorise:
        if self.lower >= self.upper:
            raise ValueError("lower: must be below upper")
        return self


class Bound(_Choice):
    """Values below the floor are set to it, values above the cap likewise."""

    kind: Literal["bound"] = Field(description="held between a floor and a cap")
    floor: float | None = Field(default=None, description="nothing is lower")
    cap: float | None = Field(default=None, description="nothing is higher")

    @model_validator(mode="after")
    def _bounds(self) -> Bound:
        if self.floor is None and self.cap is None:
            raise ValueError("floor: say a floor, a cap, or both")
        if self.floor is not None and self.cap is not None and self.floor >= self.cap:
            raise ValueError("floor: must be below cap")
        return self


Transformation = Annotated[Per | Log | Winsorise | Bound, Field(discriminator="kind")]


# --- imputation: what stands in for a missing value of a leaf; it is always marked in the output


class NoImputation(_Choice):
    """A missing value stays missing."""

    kind: Literal["none"] = Field(description="nothing stands in")


class FromOthers(_Choice):
    """The mean or median of the units that have a value in the same period."""

    kind: Literal["mean", "median"] = Field(description="what is taken of the others")
    among: Literal["all", "group"] = Field(
        default="all", description="of all units, or of those of the same peer group"
    )


class Constant(_Choice):
    """A declared value, in the units before a logarithm."""

    kind: Literal["constant"] = Field(description="a fixed value")
    value: float = Field(description="the value")


class CarryForward(_Choice):
    """The unit's own latest earlier value."""

    kind: Literal["carry_forward"] = Field(description="the latest earlier value of the same unit")
    limit: int = Field(
        default=1, ge=1, le=120, description="at most so many periods (years, quarters, months) old"
    )


Imputation = Annotated[NoImputation | FromOthers | Constant | CarryForward, Field(discriminator="kind")]


# --- normalisation: values of a leaf onto a common scale


class AsIs(_Choice):
    """The value is already on the common scale."""

    kind: Literal["none"] = Field(description="taken as it is")


class MinMax(_Choice):
    """lowest + (value - low) / (high - low) x (highest - lowest); the other way round where less is better.

    Without goalposts, low and high are the least and greatest value of the reference.
    """

    kind: Literal["min_max"] = Field(description="share of the way between two goalposts")
    low: float | None = Field(
        default=None, description="goalpost, before a logarithm; absent: the least value"
    )
    high: float | None = Field(
        default=None, description="goalpost, before a logarithm; absent: the greatest value"
    )
    clip: bool = Field(default=True, description="nothing goes beyond the goalposts")
    lowest: float = Field(default=0.0, description="what the worse goalpost becomes")
    highest: float = Field(default=1.0, description="what the better goalpost becomes")

    @model_validator(mode="after")
    def _in_order(self) -> MinMax:
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError("low: must be below high; where less is better say direction: down")
        if self.lowest >= self.highest:
            raise ValueError("lowest: must be below highest")
        return self


class ZScore(_Choice):
    """centre + spread x (value - mean) / standard deviation; with the sign turned where less is better."""

    kind: Literal["z_score"] = Field(description="distance from the mean in standard deviations")
    deviation: Literal["sample", "population"] = Field(
        default="sample", description="the deviation divides by n - 1 (sample) or by n (population)"
    )
    centre: float = Field(default=0.0, description="what the mean becomes")
    spread: float = Field(default=1.0, gt=0, description="what a standard deviation becomes")


class Rank(_Choice):
    """Place from the end: 1 for the worst unit, the number of units for the best."""

    kind: Literal["rank"] = Field(description="place among the units, the best has the greatest number")
    ties: Literal["min", "max", "average", "dense"] = Field(
        default="average", description="which place units with equal values have"
    )


class PercentileRank(_Choice):
    """lowest + (place - 1) / (units - 1) x (highest - lowest), with mean places for equal values."""

    kind: Literal["percentile_rank"] = Field(
        description="share of the other units that are worse (half of the equal)"
    )
    lowest: float = Field(default=0.0, description="what the worst unit has")
    highest: float = Field(default=1.0, description="what the best unit has")

    @model_validator(mode="after")
    def _in_order(self) -> PercentileRank:
        if self.lowest >= self.highest:
            raise ValueError("lowest: must be below highest")
        return self


class DistanceToTarget(_Choice):
    """Where more is better value / target, where less is better target / value; from a baseline: share of the way.

    Without a target the leaf is left out, with the reason.
    """

    kind: Literal["distance_to_target"] = Field(description="share of a target that is reached")
    target: float | None = Field(
        default=None, description="the target, before a logarithm; absent while none is published"
    )
    baseline: float | None = Field(
        default=None, description="where the way begins: (value - baseline) / (target - baseline)"
    )
    clip: bool = Field(default=True, description="between 0 and what the target becomes")
    highest: float = Field(default=1.0, gt=0, description="what a reached target becomes")

    @model_validator(mode="after")
    def _a_way(self) -> DistanceToTarget:
        if self.target is not None and self.baseline is not None and self.target == self.baseline:
            raise ValueError("baseline: must differ from the target")
        if self.target is not None and self.baseline is None and self.target <= 0:
            raise ValueError("target: without a baseline it must be above zero")
        return self


class _Banded(_Choice):
    """Base of what turns values into points by bands."""

    thresholds: tuple[float, ...] = Field(
        min_length=1,
        description="where the next band begins, ascending; a threshold belongs to its upper band",
    )
    points: tuple[float, ...] = Field(
        min_length=2,
        description="points of each band, from the lowest values to the highest; one more than thresholds",
    )

    @model_validator(mode="after")
    def _fits(self) -> _Banded:
        if any(a >= b for a, b in pairwise(self.thresholds)):
            raise ValueError("thresholds: must ascend")
        if len(self.points) != len(self.thresholds) + 1:
            raise ValueError(f"points: {len(self.thresholds) + 1} are needed, {len(self.points)} given")
        if min(self.points) < 0 or max(self.points) <= 0:
            raise ValueError("points: none below zero, and one above it")
        return self


class Bands(_Banded):
    """Points by bands of the value itself. Which band is good is said by the points; direction plays no part."""

    kind: Literal["bands"] = Field(description="points by bands of the value")


class BenchmarkBands(_Banded):
    """Points by bands of the share of a benchmark that is reached, in per cent: the way of U4SSC.

    The share is value / benchmark where more is better, benchmark / value where less is. Without a benchmark the
    leaf is left out, with the reason.
    """

    kind: Literal["benchmark_bands"] = Field(description="points by bands of the share of a benchmark")
    benchmark: float | None = Field(
        default=None, gt=0, description="the benchmark, before a logarithm; absent while none is published"
    )
    thresholds: tuple[float, ...] = Field(
        default=(33.0, 66.0, 95.0),
        min_length=1,
        description="where the next band begins, per cent of the benchmark",
    )
    points: tuple[float, ...] = Field(
        default=(1.0, 2.0, 3.0, 4.0), min_length=2, description="points of each band, from the lowest share"
    )


Normalisation = Annotated[
    AsIs | MinMax | ZScore | Rank | PercentileRank | DistanceToTarget | Bands | BenchmarkBands,
    Field(discriminator="kind"),
]

# what may replace the declared normalisation of any leaf: it needs no figures of that leaf's own
Alternative = Annotated[MinMax | ZScore | Rank | PercentileRank, Field(discriminator="kind")]

Aggregation = Literal["arithmetic", "geometric", "harmonic", "sum", "points_share"]


class Missing(_Choice):
    """What a node does when parts of it are missing."""

    rule: Literal["exclude", "propagate"] = Field(
        default="exclude",
        description="exclude: the other weights are rescaled; propagate: the node is missing too",
    )
    minimum_share: float = Field(
        default=0.0, ge=0, le=1, description="a node of which less was reported is missing"
    )
    counted: Literal["weight", "count"] = Field(
        default="weight", description="the share is of weights, or of the number of leaves below"
    )


# --- the tree


class IndexNode(Declaration):
    """A node of the tree: a leaf, which names an indicator, or one with nodes below it.

    ``transform``, ``impute``, ``normalise``, ``direction``, ``absent``, ``aggregate`` and ``missing`` hold for the
    node and for all below it that say nothing else. Weight and scale are the node's own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    code: str = Field(pattern=r"^\S(.*\S)?$", description="code of the node, unique in the method")
    name: Names | None = Field(default=None, description="what it is called")
    weight: float = Field(
        default=1.0,
        ge=0,
        le=1e12,
        description="its weight among the nodes beside it; only proportions matter (not in a sum)",
    )
    indicator: str | None = Field(
        default=None, description="of a leaf: indicator, that is column of the data; absent: the code"
    )
    nodes: tuple[IndexNode, ...] = Field(default=(), description="what it is made of")
    transform: tuple[Transformation, ...] | None = Field(
        default=None,
        description="what is done to values before all else, in this order; none unless said above",
    )
    impute: Imputation | None = Field(
        default=None, description="what stands in for missing values; none unless said above"
    )
    normalise: Normalisation | None = Field(
        default=None, description="how values come onto a common scale; min_max unless said above"
    )
    direction: Direction | None = Field(default=None, description="where better is; up unless said above")
    absent: Literal["refuse", "not_reported"] | None = Field(
        default=None,
        description="data without the column: refused, or every unit counts as not reporting; refuse unless said above",
    )
    aggregate: Aggregation | None = Field(
        default=None,
        description="how its parts become one: a mean, a sum, or points / possible points; arithmetic unless said above",
    )
    missing: Missing | None = Field(
        default=None, description="when parts are missing; exclude unless said above"
    )
    scale: float = Field(default=1.0, gt=0, description="the score is multiplied by it: 100 for per cent")

    @model_validator(mode="after")
    def _leaf_or_branch(self) -> IndexNode:
        if self.nodes and self.indicator is not None:
            raise ValueError("indicator: only a leaf has one; this node has nodes")
        if self.nodes and not any(node.weight > 0 for node in self.nodes):
            raise ValueError("nodes: at least one needs a weight above zero")
        return self

    def walk(self) -> Iterator[IndexNode]:
        """The node and all below it, from the top."""
        yield self
        for node in self.nodes:
            yield from node.walk()

    def placed(self, place: Location = ("index",)) -> Iterator[tuple[Location, IndexNode]]:
        """The same with the place of each in the file of the method."""
        yield place, self
        for number, node in enumerate(self.nodes):
            yield from node.placed((*place, "nodes", number))


class Ranks(_Choice):
    """How places are given to scores."""

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
        description="scores are compared after rounding to so many places; absent: as they are",
    )


class PeerGroups(_Choice):
    """Groups within which units are ranked too: by the text of a column, or by bounds on a number."""

    column: str = Field(description="column of the data")
    bounds: tuple[float, ...] = Field(
        default=(),
        description="where the next group begins, ascending; absent: the column's text is the group",
    )
    names: tuple[str, ...] = Field(
        default=(),
        description="names of the groups, from the lowest; one more than bounds; absent: made of the bounds",
    )

    @model_validator(mode="after")
    def _fits(self) -> PeerGroups:
        if any(a >= b for a, b in pairwise(self.bounds)):
            raise ValueError("bounds: must ascend")
        if self.names and len(self.names) != len(self.bounds) + 1:
            raise ValueError(f"names: {len(self.bounds) + 1} are needed, {len(self.names)} given")
        return self


class Sensitivity(_Choice):
    """How far ranks move when the choices of the method are varied: random scenarios with a fixed seed."""

    seed: int = Field(
        default=20260101, ge=0, description="start of the random numbers: the same seed, the same answer"
    )
    draws: int = Field(
        default=500, ge=1, le=100_000, description="number of scenarios beside the method itself"
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
            (("normalisations", number, key), "goalposts belong to one leaf; an alternative is for all")
            for number, rule in enumerate(self.normalisations)
            for key in ("low", "high")
            if isinstance(rule, MinMax) and getattr(rule, key) is not None
        ]
        if problems:
            raise PlacedError(*problems)
        return self


class IndexMethod(Declaration):
    """A composite index: its tree, how it is computed, its version, and what it rests on."""

    method: str = Field(
        pattern=r"^[a-z][a-z0-9_]*$",
        description="code of the method; a shipped file has the same name, of an older version with -VERSION behind it",
    )
    title: Names = Field(description="what the index is called")
    note: Names | None = Field(default=None, description="what a reader must know beside the figures")
    status: Literal["official", "published", "example"] = Field(
        description="official: by a legal act; published: by its own authors; example: to be replaced"
    )
    version: str = Field(pattern=r"^\d+\.\d+$", description="version as 'MAJOR.MINOR', in quotes")
    valid_from: date = Field(description="first day of its validity")
    valid_to: date | None = Field(default=None, description="last day; open when absent")
    legal_act: str | None = Field(description="the act that sets the method; null where none is known")
    reference: str = Field(description="where the method is described")
    territory_level: Literal["country", "region", "district", "city"] | None = Field(
        default=None, description="for figures of the warehouse: territories that are compared"
    )
    freq: Literal["A", "S", "Q", "M"] = Field(
        default="A", description="for figures of the warehouse: periods"
    )
    reference_set: Literal["each_period", "all_periods", "base_period"] = Field(
        default="each_period",
        description="whose values give least and greatest value, mean, deviation, percentiles, places",
    )
    base_period: str | None = Field(default=None, description="the period of reference_set: base_period")
    index: IndexNode = Field(description="the root of the tree")
    ranks: Ranks = Field(default=Ranks(), description="how places are given")
    peer_groups: PeerGroups | None = Field(
        default=None, description="groups within which units are ranked too"
    )
    decimals: int = Field(default=3, ge=0, le=12, description="decimal places of a score that is shown")
    sensitivity: Sensitivity = Field(default=Sensitivity(), description="how ranks are tried")

    @model_validator(mode="after")
    def _is_sound(self) -> IndexMethod:
        first: dict[str, Location] = {}
        twice: list[Problem] = [
            ((*place, "code"), f"{node.code!r} is used twice; each node has a code of its own")
            for place, node in self.index.placed()
            if first.setdefault(node.code, place) != place
        ]
        if twice:
            raise PlacedError(*twice)
        if (self.reference_set == "base_period") != (self.base_period is not None):
            raise ValueError("base_period: belongs to reference_set: base_period, and is needed there")
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
            one number or are valid on one day.
    """
    found: dict[str, IndexMethod] = {}
    for path in sorted(folder.glob("*.yml")):
        method = read_method(path)
        if path.stem not in (method.method, f"{method.method}-{method.version}"):
            raise DeclarationError(
                f"{at(path, 'method')}: is {method.method!r}",
                f"Give the file and the method one name: {method.method}.yml, or {method.method}-{method.version}.yml"
                " for a version that another has taken the place of.",
            )
        found[path.stem] = method
    _check_versions(found, folder)
    return found


def _check_versions(methods: Mapping[str, IndexMethod], folder: Path) -> None:
    """On each day at most one version of a method is valid."""
    problems: list[str] = []
    ordered = sorted(methods.items(), key=lambda item: (item[1].method, item[1].valid_from))
    for (older, before), (newer, after) in pairwise(ordered):
        if before.method != after.method:
            continue
        path, other = folder / f"{newer}.yml", folder / f"{older}.yml"
        if before.version == after.version:
            problems.append(f"{at(path, 'version')}: {after.version} is the version of {other} too")
        if before.valid_to is None or before.valid_to >= after.valid_from:
            problems.append(
                f"{at(other, 'valid_to')}: {before.valid_to or 'open'}, but {path} is valid from {after.valid_from}"
            )
    if problems:
        raise DeclarationError(
            "\n".join(problems), "Let a version end on the day before the next begins, and number them apart."
        )
