"""What a method does to the values of a leaf: transform, fill in, bring onto a common scale."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipelines.declarations.common import Declaration


class Per(Declaration):
    """scale x value / another column: per head, per square kilometre, per household."""

    kind: Literal["per"] = Field(description="divided by another column")
    column: str = Field(description="column of the data that is divided by")
    scale: float = Field(default=1.0, gt=0, description="times this: 1000 for per thousand")


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
    lower: float = Field(default=0.0, ge=0, le=100, description="lower percentile; 0 leaves that end alone")
    upper: float = Field(
        default=100.0, ge=0, le=100, description="upper percentile; 100 leaves that end alone"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Winsorise:
        if self.lower >= self.upper:
            raise ValueError("lower: must be below upper")
        return self


class Bound(Declaration):
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


class NoImputation(Declaration):
    """A missing value stays missing."""

    kind: Literal["none"] = Field(description="nothing stands in")


class FromOthers(Declaration):
    """The mean or median of the units that have a value in the same period."""

    kind: Literal["mean", "median"] = Field(description="what is taken of the others")
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
        default=1, ge=1, le=120, description="at most so many periods (years, quarters, months) old"
    )


Imputation = Annotated[NoImputation | FromOthers | Constant | CarryForward, Field(discriminator="kind")]


class AsIs(Declaration):
    """The value is already on the common scale."""

    kind: Literal["none"] = Field(description="taken as it is")


class MinMax(Declaration):
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


class ZScore(Declaration):
    """centre + spread x (value - mean) / standard deviation; with the sign turned where less is better."""

    kind: Literal["z_score"] = Field(description="distance from the mean in standard deviations")
    deviation: Literal["sample", "population"] = Field(
        default="sample", description="the deviation divides by n - 1 (sample) or by n (population)"
    )
    centre: float = Field(default=0.0, description="what the mean becomes")
    spread: float = Field(default=1.0, gt=0, description="what a standard deviation becomes")


class Rank(Declaration):
    """Place from the end: 1 for the worst unit, the number of units for the best."""

    kind: Literal["rank"] = Field(description="place among the units, the best has the greatest number")
    ties: Literal["min", "max", "average", "dense"] = Field(
        default="average", description="which place units with equal values have"
    )


class PercentileRank(Declaration):
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


class DistanceToTarget(Declaration):
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


class _Banded(Declaration):
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
