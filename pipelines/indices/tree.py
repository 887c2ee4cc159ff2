"""The tree of a method: leaves and branches with all their settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pipelines.declarations.method_leaves import Imputation, Normalisation, Per, Transformation
from pipelines.declarations.method_tree import Aggregation, Direction, Missing


@dataclass(frozen=True)
class Leaf:
    """A leaf with its settings; declared constants are on the scale of the transformed values."""

    code: str
    parent: str | None
    weight: float
    scale: float
    indicator: str
    transform: tuple[Transformation, ...]
    impute: Imputation
    normalise: Normalisation
    direction: Direction
    absent: Literal["refuse", "not_reported"]
    name: str | None = None
    level: int = 0


@dataclass(frozen=True)
class Branch:
    """A node with parts. Its level is one above the highest of its parts; leaves are 0."""

    code: str
    parent: str | None
    weight: float
    scale: float
    parts: tuple[str, ...]
    aggregate: Aggregation
    missing: Missing
    level: int
    name: str | None = None


@dataclass(frozen=True)
class Tree:
    """All nodes by code, parts before their parent: the root is the last."""

    nodes: Mapping[str, Leaf | Branch]

    @property
    def root(self) -> Leaf | Branch:
        """The node without a parent."""
        return list(self.nodes.values())[-1]

    @property
    def leaves(self) -> list[Leaf]:
        """The leaves, in declared order."""
        return [node for node in self.nodes.values() if isinstance(node, Leaf)]

    @property
    def branches(self) -> list[Branch]:
        """The other nodes, parts before their parent."""
        return [node for node in self.nodes.values() if isinstance(node, Branch)]

    @property
    def from_the_top(self) -> list[Leaf | Branch]:
        """All nodes, each before its parts, in declared order."""
        found: list[Leaf | Branch] = []

        def walk(node: Leaf | Branch) -> None:
            found.append(node)
            for code in node.parts if isinstance(node, Branch) else ():
                walk(self.nodes[code])

        walk(self.root)
        return found

    @property
    def columns(self) -> list[str]:
        """Data columns that the leaves need: their own, and their divisors."""
        needed = [leaf.indicator for leaf in self.leaves]
        needed += [step.column for leaf in self.leaves for step in leaf.transform if isinstance(step, Per)]
        return list(dict.fromkeys(needed))

    @property
    def required_columns(self) -> list[str]:
        """Those of them without which the data is refused."""
        optional = {leaf.indicator for leaf in self.leaves if leaf.absent == "not_reported"}
        return [name for name in self.columns if name not in optional]
