"""The tree of a method, resolved: leaves and branches with their settings, and what is inconsistent in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pipelines.declarations.common import Location, Problem
from pipelines.declarations.method_leaves import (
    AsIs,
    BenchmarkBands,
    Constant,
    DistanceToTarget,
    FromOthers,
    Imputation,
    MinMax,
    NoImputation,
    Normalisation,
    Per,
    PercentileRank,
    Rank,
    Transformation,
)
from pipelines.declarations.method_tree import Aggregation, Direction, IndexNode, Missing
from pipelines.declarations.methods import IndexMethod
from pipelines.errors import DeclarationError
from pipelines.indices.normalise import possible_points
from pipelines.indices.transform import on_the_same_scale


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


@dataclass(frozen=True)
class TreeProblem:
    """An inconsistency in a method: the key path from the method, the path from the node, and the node."""

    location: Location
    message: str
    key: Location
    node: str | None = None


Where = Callable[[TreeProblem], str]


@dataclass(frozen=True)
class _Settings:
    """Settings inherited at a node, and where each is set."""

    transform: tuple[Transformation, ...] = ()
    impute: Imputation = field(default_factory=lambda: NoImputation(kind="none"))
    normalise: Normalisation = field(default_factory=lambda: MinMax(kind="min_max"))
    direction: Direction = "up"
    absent: Literal["refuse", "not_reported"] = "refuse"
    aggregate: Aggregation = "arithmetic"
    missing: Missing = field(default_factory=Missing)
    set_at: Mapping[str, Location] = field(default_factory=dict)

    def at(self, node: IndexNode, place: Location) -> _Settings:
        own = {
            name: value
            for name in self.__dataclass_fields__
            if name != "set_at" and (value := getattr(node, name)) is not None
        }
        return replace(self, **own, set_at={**self.set_at, **{name: (*place, name) for name in own}})


@dataclass(frozen=True)
class _Resolved:
    """The nodes of a method, parts before their parent, with the place where each setting is made."""

    tree: Tree
    places: Mapping[str, Location]
    settings: Mapping[str, _Settings]

    def tree_problem(self, node: str, key: Location, message: str) -> TreeProblem:
        """The place where a setting is made, or, if it is not made anywhere, the node it applies to."""
        location = self.settings[node].set_at.get(str(key[0]), (*self.places[node], key[0]))
        return TreeProblem((*location, *key[1:]), f"{node}: {message}", key, node)


def resolve(method: IndexMethod, where: Where | None = None) -> Tree:
    """The tree of a method. A caller that knows the method's file gives ``where`` to locate inconsistencies in it.

    Raises:
        DeclarationError: the nodes are inconsistent; the message names each place and what is allowed.
    """
    resolved = _resolved(method)
    found = _tree_problems(method, resolved)
    if found:
        raise DeclarationError(
            "\n".join(
                f"{where(one) if where else _in_the_method(method, one)}: {one.message}" for one in found
            ),
            "What each setting does: docs/indices.md",
        )
    return _on_one_scale(resolved.tree)


def tree_problems(method: IndexMethod) -> list[TreeProblem]:
    """All inconsistencies in a method."""
    return _tree_problems(method, _resolved(method))


def _in_the_method(method: IndexMethod, tree_problem: TreeProblem) -> str:
    return f"method {method.method}: {'.'.join(map(str, tree_problem.location))}"


def _resolved(method: IndexMethod) -> _Resolved:
    nodes: dict[str, Leaf | Branch] = {}
    places: dict[str, Location] = {}
    everywhere: dict[str, _Settings] = {}

    def add(node: IndexNode, parent: str | None, above: _Settings, place: Location) -> int:
        settings = above.at(node, place)
        places[node.code], everywhere[node.code] = place, settings
        name = node.name.ru if node.name else None
        if not node.nodes:
            nodes[node.code] = _leaf(node, parent, settings, name)
            return 0
        level = 1 + max(
            [
                add(part, node.code, settings, (*place, "nodes", number))
                for number, part in enumerate(node.nodes)
            ]
        )
        nodes[node.code] = Branch(
            node.code, parent, node.weight, node.scale, tuple(part.code for part in node.nodes),
            settings.aggregate, settings.missing, level, name,
        )  # fmt: skip
        return level

    add(method.index, None, _Settings(), ("index",))
    return _Resolved(Tree(nodes), places, everywhere)


def _tree_problems(method: IndexMethod, resolved: _Resolved) -> list[TreeProblem]:
    if not method.index.nodes:
        message = (
            f"index {method.index.code} has no nodes; declare them here, or give the tree by --structure"
        )
        return [TreeProblem(("index", "nodes"), message, ("nodes",))]
    return [
        *(
            resolved.tree_problem(leaf.code, key, message)
            for leaf in resolved.tree.leaves
            for key, message in _leaf_problems(leaf, method)
        ),
        *(
            resolved.tree_problem(code, key, message)
            for code, key, message in _points_problems(resolved.tree)
        ),
        *(TreeProblem(key, message, key) for key, message in _sensitivity_problems(method, resolved.tree)),
    ]


def _leaf(node: IndexNode, parent: str | None, settings: _Settings, name: str | None) -> Leaf:
    return Leaf(
        node.code, parent, node.weight, node.scale, node.indicator or node.code, settings.transform,
        settings.impute, settings.normalise, settings.direction, settings.absent, name,
    )  # fmt: skip


CONSTANTS = {
    MinMax: ("low", "high"),
    DistanceToTarget: ("target", "baseline"),
    BenchmarkBands: ("benchmark",),
}


def _constants(leaf: Leaf) -> dict[tuple[str, str], float]:
    """Declared constants of a leaf in units before a logarithm."""
    found = {
        ("normalise", name): value
        for name in CONSTANTS.get(type(leaf.normalise), ())
        if (value := getattr(leaf.normalise, name)) is not None
    }
    if isinstance(leaf.impute, Constant):
        found["impute", "value"] = leaf.impute.value
    return found


NO_PLACES = (
    "{}: places need all units together, and reference_set: base_period has none; say min_max or z_score"
)


def _leaf_problems(leaf: Leaf, method: IndexMethod) -> Iterator[Problem]:
    for key, value in _constants(leaf).items():
        if on_the_same_scale(value, leaf.transform) is None:
            yield key, f"{value:g} has no logarithm; it must be above zero, with the shift of the logarithm"
    if leaf.direction == "down" and isinstance(leaf.normalise, AsIs):
        message = "none takes the value as it is, but direction is down"
        yield ("normalise",), f"{message}; say a kind that turns it (min_max, rank, …), or direction: up"
    if method.reference_set == "base_period" and isinstance(leaf.normalise, Rank | PercentileRank):
        yield ("normalise",), NO_PLACES.format(leaf.normalise.kind)
    if isinstance(leaf.impute, FromOthers) and leaf.impute.among == "group" and method.peer_groups is None:
        yield ("impute", "among"), "group needs peer_groups of the method; declare them, or say all"


def _on_one_scale(tree: Tree) -> Tree:
    """The tree with the same logarithms applied to its leaves' constants as to their values."""
    nodes: dict[str, Leaf | Branch] = {}
    for code, node in tree.nodes.items():
        if isinstance(node, Leaf):
            changed: dict[str, dict[str, Any]] = {"normalise": {}, "impute": {}}
            for (setting, name), value in _constants(node).items():
                changed[setting][name] = on_the_same_scale(value, node.transform)
            node = replace(
                node,
                normalise=node.normalise.model_copy(update=changed["normalise"]),
                impute=node.impute.model_copy(update=changed["impute"]),
            )
        nodes[code] = node
    return Tree(nodes)


def _points_problems(tree: Tree) -> Iterator[tuple[str, Location, str]]:
    for branch in tree.branches:
        if branch.aggregate != "points_share":
            continue
        for code in branch.parts:
            part = tree.nodes[code]
            if isinstance(part, Leaf) and possible_points(part.normalise) is None:
                message = (
                    f"{part.normalise.kind} has no greatest value; points_share of {branch.code} needs one"
                )
                yield (
                    code,
                    ("normalise",),
                    f"{message}: bands, benchmark_bands, or what is clipped (clip: true)",
                )
            if isinstance(part, Branch) and part.aggregate != "points_share":
                message = f"{part.aggregate} has no points; points_share of {branch.code} needs points_share here too"
                yield code, ("aggregate",), message


VARIED = ("normalisations", "aggregations")


def _sensitivity_problems(method: IndexMethod, tree: Tree) -> Iterator[Problem]:
    varied = method.sensitivity
    if any(branch.aggregate == "points_share" for branch in tree.branches):
        message = "points cannot be compared with other scales; vary the weights alone"
        yield from ((("sensitivity", key), message) for key in VARIED if getattr(varied, key))
    if method.reference_set == "base_period":
        for number, rule in enumerate(varied.normalisations):
            if isinstance(rule, Rank | PercentileRank):
                yield ("sensitivity", "normalisations", number), NO_PLACES.format(rule.kind)
