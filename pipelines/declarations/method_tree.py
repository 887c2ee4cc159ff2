"""The tree of an index method: its leaves name columns of the data, its other nodes combine their parts.

Settings are inherited from the node above, so most of a method is declared once, at the root.
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
        default=0.0, ge=0, le=1, description="a node with a smaller reported share is missing"
    )
    counted: Literal["weight", "count"] = Field(
        default="weight", description="whether shares are of weights, or of the number of leaves below"
    )


class IndexNode(Declaration):
    """A node of the tree: a leaf, which names an indicator, or one with nodes below it.

    ``transform``, ``impute``, ``normalise``, ``direction``, ``absent``, ``aggregate`` and ``missing`` apply to
    the node and to all below it, unless overridden there. Weight and scale apply to the node alone.
    """

    code: str = Field(pattern=r"^\S(.*\S)?$", description="code of the node, unique in the method")
    name: Names | None = Field(default=None, description="name of the node")
    weight: float = Field(
        default=1.0,
        ge=0,
        le=1e12,
        description="its weight among its siblings; only proportions matter (except in a sum)",
    )
    indicator: str | None = Field(
        default=None, description="for a leaf: its indicator, a column of the data; absent: the code"
    )
    nodes: tuple[IndexNode, ...] = Field(default=(), description="the nodes below it")
    transform: tuple[Transformation, ...] | None = Field(
        default=None,
        description="transformations of values, applied first and in this order; inherited, otherwise none",
    )
    impute: Imputation | None = Field(
        default=None, description="how missing values are imputed; inherited, otherwise not at all"
    )
    normalise: Normalisation | None = Field(
        default=None, description="how values are brought to a common scale; inherited, otherwise min_max"
    )
    direction: Direction | None = Field(default=None, description="where better is; up unless said above")
    absent: Literal["refuse", "not_reported"] | None = Field(
        default=None,
        description="data without the column: refused, or every unit counts as not reporting; inherited, otherwise refuse",
    )
    aggregate: Aggregation | None = Field(
        default=None,
        description="how its parts are combined: a mean, a sum, or points / possible points; inherited, otherwise arithmetic",
    )
    missing: Missing | None = Field(
        default=None, description="if parts are missing; inherited, otherwise exclude"
    )
    scale: float = Field(default=1.0, gt=0, description="factor of the score: 100 for per cent")

    @model_validator(mode="after")
    def _leaf_or_branch(self) -> IndexNode:
        if self.nodes and self.indicator is not None:
            raise ValueError("indicator: only a leaf has one, but this node has nodes")
        if self.nodes and not any(node.weight > 0 for node in self.nodes):
            raise ValueError("nodes: at least one needs a weight above zero")
        return self

    def walk(self) -> Iterator[IndexNode]:
        """The node and all nodes below it, from the top."""
        yield self
        for node in self.nodes:
            yield from node.walk()

    def placed(self, place: Location = ("index",)) -> Iterator[tuple[Location, IndexNode]]:
        """The same, each with its location in the method's file."""
        yield place, self
        for number, node in enumerate(self.nodes):
            yield from node.placed((*place, "nodes", number))
