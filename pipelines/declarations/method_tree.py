"""The tree of an index method: its leaves name columns of the data, its other nodes combine their parts.

Settings are inherited from the node above, so a method says most things once, at the root.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, model_validator

from pipelines.declarations.common import Declaration, Location, Names
from pipelines.declarations.method_leaves import Imputation, Normalisation, Transformation

Direction = Literal["up", "down"]
Aggregation = Literal["arithmetic", "geometric", "harmonic", "sum", "points_share"]


class Missing(Declaration):
    """What a node does if parts of it are missing."""

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


class IndexNode(Declaration):
    """A node of the tree: a leaf, which names an indicator, or one with nodes below it.

    ``transform``, ``impute``, ``normalise``, ``direction``, ``absent``, ``aggregate`` and ``missing`` apply to
    the node and to all below it, unless overridden there. Weight and scale apply to the node alone.
    """

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
