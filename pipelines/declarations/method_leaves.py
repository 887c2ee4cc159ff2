"""What a method does to the values of a leaf: transform, impute, normalise."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipelines.declarations.common import Declaration


class Per(Declaration):
    """scale x value / another column: per head, per square kilometre, per household."""

    kind: Literal["per"] = Field(description="divided by another column")
    column: str = Field(description="column of the data, the divisor")
    scale: float = Field(default=1.0, gt=0, description="factor: 1000 for per thousand")


class Log(Declaration):
    """Logarithm of value + shift. A result that is not positive becomes missing, with the reason."""

    kind: Literal["log"] = Field(description="logarithm")
    base: float | Literal["e"] = Field(default="e", description="base of the logarithm")
    shift: float = Field(default=0.0, description="added before the logarithm")

    @model_validator(mode="after")
    def _base_is_one(self) -> Log:
        if self.base != "e" and (self.base <= 0 or self.base == 1):
            raise ValueError("base: a positive number other than 1, or e")
        return self


class Winsorise(Declaration):
    """Values beyond two percentiles of all units of the period (or of the reference) are set to these percentiles."""

    kind: Literal["winsorise"] = Field(description="extremes are pulled in to percentiles")
    lower: float = Field(
        default=0.0, ge=0, le=100, description="lower percentile; 0 changes nothing at that end"
    )
    upper: float = Field(
        default=100.0, ge=0, le=100, description="upper percentile; 100 changes nothing at that end"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Winsorise:
        if self.lower >= self.upper:
            raise ValueError("lower: must be below upper")
        return self


class Bound(Declaration):
    """Values below the floor are set to it, values above the cap to the cap."""

    kind: Literal["bound"] = Field(description="limited by a floor and a cap")
    floor: float | None = Field(default=None, description="lowest value")
    cap: float | None = Field(default=None, description="highest value")

    @model_validator(mode="after")
    def _bounds(self) -> Bound:
        if self.floor is None and self.cap is None:
            raise ValueError("floor: give a floor, a cap, or both")
        if self.floor is not None and self.cap is not None and self.floor >= self.cap:
            raise ValueError("floor: must be below cap")
        return self


Transformation = Annotated[Per | Log | Winsorise | Bound, Field(discriminator="kind")]


class NoImputation(Declaration):
    """A missing value stays missing."""

    kind: Literal["none"] = Field(description="nothing is imputed")


class FromOthers(Declaration):
    """The mean or median of the units that have a value in the same period."""

    kind: Literal["mean", "median"] = Field(description="the statistic of the other units")
    among: Literal["all", "group"] = Field(
        default="all", description="of all units, or of those of the same peer group"
    )


class Constant(Declaration):
    """A declared value, in the units before a logarithm."""

    kind: Literal["constant"] = Field(description="a fixed value")
    value: float = Field(description="the value")


class CarryForward(Declaration):
    """The unit's own latest earlier value."""

    kind: Literal["carry_forward"] = Field(description="the latest earlier value of the same unit")
    limit: int = Field(
        default=1, ge=1, le=120, description="at most this many periods (years, quarters, months) old"
    )


Imputation = Annotated[NoImputation | FromOthers | Constant | CarryForward, Field(discriminator="kind")]


class AsIs(Declaration):
    """The value is already on the common scale."""

    kind: Literal["none"] = Field(description="taken as it is")


class MinMax(Declaration):
    """lowest + (value - low) / (high - low) x (highest - lowest); reversed if less is better.

    Without goalposts, low and high are the least and greatest value of the reference.
    """

    kind: Literal["min_max"] = Field(description="position between two goalposts")
    low: float | None = Field(
        default=None, description="goalpost, before a logarithm; absent: the least value"
    )
    high: float | None = Field(
        default=None, description="goalpost, before a logarithm; absent: the greatest value"
    )
    clip: bool = Field(default=True, description="results are limited to the range of the goalposts")
    lowest: float = Field(default=0.0, description="result at the worse goalpost")
    highest: float = Field(default=1.0, description="result at the better goalpost")

    @model_validator(mode="after")
    def _in_order(self) -> MinMax:
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError("low: must be below high; if less is better, declare direction: down")
        if self.lowest >= self.highest:
            raise ValueError("lowest: must be below highest")
        return self


class ZScore(Declaration):
    """centre + spread x (value - mean) / standard deviation; with the opposite sign if less is better."""

    kind: Literal["z_score"] = Field(description="distance from the mean in standard deviations")
    deviation: Literal["sample", "population"] = Field(
        default="sample", description="the deviation divides by n - 1 (sample) or by n (population)"
    )
    centre: float = Field(default=0.0, description="result at the mean")
    spread: float = Field(default=1.0, gt=0, description="size of one standard deviation in the result")


class Rank(Declaration):
    """Rank from the end: 1 for the worst unit, the number of units for the best."""

    kind: Literal["rank"] = Field(description="rank among the units; the best has the greatest number")
    ties: Literal["min", "max", "average", "dense"] = Field(
        default="average", description="the rank of units with equal values"
    )


class PercentileRank(Declaration):
    """lowest + (rank - 1) / (units - 1) x (highest - lowest), with mean ranks for equal values."""

    kind: Literal["percentile_rank"] = Field(
        description="share of the other units that are worse (equal ones count half)"
    )
    lowest: float = Field(default=0.0, description="result of the worst unit")
    highest: float = Field(default=1.0, description="result of the best unit")

    @model_validator(mode="after")
    def _in_order(self) -> PercentileRank:
        if self.lowest >= self.highest:
            raise ValueError("lowest: must be below highest")
        return self


class DistanceToTarget(Declaration):
    """Where more is better value / target, where less is better target / value; from a baseline: share of the way.

    Without a target the leaf is excluded, with the reason.
    """

    kind: Literal["distance_to_target"] = Field(description="share of a target that is reached")
    target: float | None = Field(
        default=None, description="the target, before a logarithm; absent while none is published"
    )
    baseline: float | None = Field(
        default=None, description="where the way begins: (value - baseline) / (target - baseline)"
    )
    clip: bool = Field(default=True, description="results are limited to between 0 and `highest`")
    highest: float = Field(default=1.0, gt=0, description="result when the target is reached")

    @model_validator(mode="after")
    def _a_way(self) -> DistanceToTarget:
        if self.target is not None and self.baseline is not None and self.target == self.baseline:
            raise ValueError("baseline: must differ from the target")
        if self.target is not None and self.baseline is None and self.target <= 0:
            raise ValueError("target: without a baseline it must be above zero")
        return self


class _Banded(Declaration):
    """Base of the normalisations by bands."""

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
            raise ValueError("points: none may be negative, and at least one must be above zero")
        return self


class Bands(_Banded):
    """Points by bands of the value itself. The points say which band is good; direction is not used."""

    kind: Literal["bands"] = Field(description="points by bands of the value")


class BenchmarkBands(_Banded):
    """Points by bands of the share of a benchmark that is reached, in per cent, as in U4SSC.

    The share is value / benchmark where more is better, benchmark / value where less is. Without a benchmark the
    leaf is excluded, with the reason.
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


# what may replace the declared normalisation of any leaf: it needs no parameters of that leaf
Alternative = Annotated[MinMax | ZScore | Rank | PercentileRank, Field(discriminator="kind")]
