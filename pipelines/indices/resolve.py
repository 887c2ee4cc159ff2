"""Resolve the tree of a method: each node with the settings that it inherits, and where each setting is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pipelines.declarations.common import Location
from pipelines.declarations.method_leaves import (
    Imputation,
    MinMax,
    NoImputation,
    Normalisation,
    Transformation,
)
from pipelines.declarations.method_tree import Aggregation, Direction, IndexNode, Missing
from pipelines.declarations.methods import IndexMethod
from pipelines.errors import DeclarationError
from pipelines.indices.transform import on_the_same_scale
from pipelines.indices.tree import Branch, Leaf, Tree
from pipelines.indices.tree_checks import (
    declared_constants,
    leaf_problems,
    points_problems,
    sensitivity_problems,
)


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
            for key, message in leaf_problems(leaf, method)
        ),
        *(resolved.tree_problem(code, key, message) for code, key, message in points_problems(resolved.tree)),
        *(TreeProblem(key, message, key) for key, message in sensitivity_problems(method, resolved.tree)),
    ]


def _leaf(node: IndexNode, parent: str | None, settings: _Settings, name: str | None) -> Leaf:
    return Leaf(
        node.code, parent, node.weight, node.scale, node.indicator or node.code, settings.transform,
        settings.impute, settings.normalise, settings.direction, settings.absent, name,
    )  # fmt: skip


def _on_one_scale(tree: Tree) -> Tree:
    """The tree with the same logarithms applied to its leaves' constants as to their values."""
    nodes: dict[str, Leaf | Branch] = {}
    for code, node in tree.nodes.items():
        if isinstance(node, Leaf):
            changed: dict[str, dict[str, Any]] = {"normalise": {}, "impute": {}}
            for (setting, name), value in declared_constants(node).items():
                changed[setting][name] = on_the_same_scale(value, node.transform)
            node = replace(
                node,
                normalise=node.normalise.model_copy(update=changed["normalise"]),
                impute=node.impute.model_copy(update=changed["impute"]),
            )
        nodes[code] = node
    return Tree(nodes)
