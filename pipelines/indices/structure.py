"""The resolved tree of a method: each node with all its settings, from the leaves to the root."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import ValidationError

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
from pipelines.declarations.read_yaml import explain as explained
from pipelines.errors import DeclarationError
from pipelines.indices.normalise import possible_points
from pipelines.indices.sheets import nearest_name
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
    told: str
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
    said: Mapping[str, Location] = field(default_factory=dict)

    def at(self, node: IndexNode, place: Location) -> _Settings:
        own = {
            name: value
            for name in self.__dataclass_fields__
            if name != "said" and (value := getattr(node, name)) is not None
        }
        return replace(self, **own, said={**self.said, **{name: (*place, name) for name in own}})


@dataclass(frozen=True)
class _Resolved:
    """The nodes of a method, parts before their parent, with the place where each setting is made."""

    tree: Tree
    places: Mapping[str, Location]
    settings: Mapping[str, _Settings]

    def tree_problem(self, node: str, key: Location, told: str) -> TreeProblem:
        """The place where a setting is made, or, if it is not made anywhere, the node it applies to."""
        said = self.settings[node].said.get(str(key[0]), (*self.places[node], key[0]))
        return TreeProblem((*said, *key[1:]), f"{node}: {told}", key, node)


def resolve(method: IndexMethod, where: Where | None = None) -> Tree:
    """The tree of a method. A caller that knows the method's file gives ``where`` to locate inconsistencies in it.

    Raises:
        DeclarationError: the nodes are inconsistent; the message names each place and what is allowed.
    """
    resolved = _resolved(method)
    found = _tree_problems(method, resolved)
    if found:
        raise DeclarationError(
            "\n".join(f"{where(one) if where else _in_the_method(method, one)}: {one.told}" for one in found),
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
        told = f"index {method.index.code} has no nodes; declare them here, or give the tree by --structure"
        return [TreeProblem(("index", "nodes"), told, ("nodes",))]
    return [
        *(
            resolved.tree_problem(leaf.code, key, told)
            for leaf in resolved.tree.leaves
            for key, told in _leaf_problems(leaf, method)
        ),
        *(resolved.tree_problem(code, key, told) for code, key, told in _points_problems(resolved.tree)),
        *(TreeProblem(key, told, key) for key, told in _sensitivity_problems(method, resolved.tree)),
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
        told = "none takes the value as it is, but direction is down"
        yield ("normalise",), f"{told}; say a kind that turns it (min_max, rank, …), or direction: up"
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
                told = f"{part.normalise.kind} has no greatest value; points_share of {branch.code} needs one"
                yield code, ("normalise",), f"{told}: bands, benchmark_bands, or what is clipped (clip: true)"
            if isinstance(part, Branch) and part.aggregate != "points_share":
                told = f"{part.aggregate} has no points; points_share of {branch.code} needs points_share here too"
                yield code, ("aggregate",), told


VARIED = ("normalisations", "aggregations")


def _sensitivity_problems(method: IndexMethod, tree: Tree) -> Iterator[Problem]:
    varied = method.sensitivity
    if any(branch.aggregate == "points_share" for branch in tree.branches):
        told = "points cannot be compared with other scales; vary the weights alone"
        yield from ((("sensitivity", key), told) for key in VARIED if getattr(varied, key))
    if method.reference_set == "base_period":
        for number, rule in enumerate(varied.normalisations):
            if isinstance(rule, Rank | PercentileRank):
                yield ("sensitivity", "normalisations", number), NO_PLACES.format(rule.kind)


# --- a tree, or settings of its nodes, declared separately from the method


@dataclass(frozen=True)
class StructureRow:
    """One node of a structure file. ``place`` is its location, for messages; ``per``, the divisor of its value."""

    place: str
    code: str
    parent: str | None
    settings: Mapping[str, Any] = field(default_factory=dict)
    normalise: Mapping[str, float] = field(default_factory=dict)
    per: str | None = None


def with_structure(method: IndexMethod, rows: Sequence[StructureRow], whole: bool = True) -> IndexMethod:
    """The method with another tree, or, if the structure is not ``whole``, with other settings for its own nodes.

    The method's settings for a node with the same code apply where the structure has none. The root of a
    structure takes the settings of the method's root.

    Raises:
        DeclarationError: there is not exactly one root, a parent is unknown, a code occurs twice, or there is a cycle; a node
            is not in the method and the structure is not whole. The message names the row.
    """
    if not whole:
        rows = _all_nodes(method, rows)
    by_code: dict[str, StructureRow] = {}
    for row in rows:
        if row.code in by_code:
            raise DeclarationError(
                f"{row.place}: code {row.code!r} stands twice; first: {by_code[row.code].place}",
                "Give each node one row and a code of its own.",
            )
        by_code[row.code] = row
    children: dict[str, list[StructureRow]] = {}
    for row in rows:
        if row.parent is not None and row.parent not in by_code:
            raise DeclarationError(
                f"{row.place}: parent {row.parent!r} of {row.code!r} is not in the structure; "
                + nearest_name(row.parent, by_code),
                "Correct it, or give the parent a row of its own, with an empty parent if it is the root.",
            )
        children.setdefault(row.parent or "", []).append(row)
    roots = [row for row in rows if row.parent is None]
    if len(roots) > 1:
        raise DeclarationError(
            f"{roots[1].place}: {roots[1].code!r} has no parent, nor has {roots[0].code!r}: {roots[0].place}",
            "Exactly one, the index itself, has no parent.",
        )
    declared = {node.code: node for node in method.index.walk()}
    reached: set[str] = set()

    def build(row: StructureRow) -> IndexNode:
        reached.add(row.code)
        known = method.index if row.parent is None else declared.get(row.code)
        said = {} if known is None else known.model_dump(exclude_unset=True, exclude={"nodes"})
        parts = tuple(build(child) for child in children.get(row.code, ()))
        said |= {"code": row.code, **row.settings, "nodes": parts}
        if parts:
            said.pop("indicator", None)
        if row.normalise:
            said["normalise"] = _with_constants(
                row,
                said.get("normalise")
                or _inherited("normalise", row, by_code, declared, method)
                or {"kind": "min_max"},
            )
        if row.per is not None:
            if parts:
                raise DeclarationError(
                    f"{row.place}: {row.code!r} has a denominator and nodes below it",
                    "Only an indicator has a denominator; say it of each that is divided.",
                )
            steps = said.get("transform", _inherited("transform", row, by_code, declared, method)) or ()
            said["transform"] = _divided(row.per, steps)
        try:
            return IndexNode.model_validate(said)
        except ValidationError as error:
            raise DeclarationError(
                "\n".join(
                    f"{row.place}: {'.'.join(map(str, key))}: {told}"
                    for problem in error.errors()
                    for key, told in explained(problem, IndexNode, said)
                ),
                "What is allowed: docs/indices.md",
            ) from error

    built = [build(root) for root in roots]
    lost = [row for row in rows if row.code not in reached]
    if lost:
        raise DeclarationError(
            f"{lost[0].place}: {', '.join(row.code for row in lost)} lead to each other in a circle, never to the root",
            "Follow the parents from each node: they must end at the index, which has no parent.",
        )
    if not built[0].nodes:
        raise DeclarationError(
            f"{roots[0].place}: {roots[0].code!r} is the index and the only node; an index needs nodes below it",
            "Give each indicator a row, with the code of the index as its parent.",
        )
    return method.model_copy(update={"index": built[0]})


def in_structure(rows: Sequence[StructureRow], method: IndexMethod, otherwise: Where) -> Where:
    """The place of an inconsistency in a structure: the node itself, otherwise its nearest ancestor in the structure.

    ``otherwise`` locates it in the method, if it belongs to no node, or exists without the structure as well.
    """
    by_itself = tree_problems(method)
    places = {row.code: row.place for row in rows}
    above = {part.code: node.code for node in method.index.walk() for part in node.nodes}

    def where(tree_problem: TreeProblem) -> str:
        code = None if tree_problem in by_itself else tree_problem.node
        while code is not None and code not in places:
            code = above.get(code)
        return (
            otherwise(tree_problem)
            if code is None
            else f"{places[code]}: {'.'.join(map(str, tree_problem.key))}"
        )

    return where


def _all_nodes(method: IndexMethod, rows: Sequence[StructureRow]) -> list[StructureRow]:
    """The method's own tree, with the rows' settings for some of its nodes."""
    parents = {part.code: node.code for node in method.index.walk() for part in node.nodes}
    codes = [node.code for node in method.index.walk()]
    for row in rows:
        if row.code not in codes:
            raise DeclarationError(
                f"{row.place}: the method {method.method} has no node {row.code!r}; {nearest_name(row.code, codes)}",
                "Correct it; a tree of its own needs a column parent.",
            )
    said = {row.code: row for row in rows}
    if len(said) < len(rows):
        twice = next(row for row in rows if said[row.code] is not row)
        raise DeclarationError(f"{twice.place}: code {twice.code!r} stands twice", "Give each node one row.")
    # a node that is not named stays valid, unless the settings of its parts are inconsistent with it
    of_parts = {parents.get(row.code): row.place for row in reversed(rows)}
    return [
        replace(said[code], parent=parents.get(code))
        if code in said
        else StructureRow(of_parts.get(code, ""), code, parents.get(code))
        for code in codes
    ]


def _inherited(
    setting: str,
    row: StructureRow,
    by_code: Mapping[str, StructureRow],
    declared: Mapping[str, IndexNode],
    method: IndexMethod,
) -> Any:
    """The settings above a node of a structure; None if there are none."""
    above, seen = row.parent, set[str]()
    while above is not None and above not in seen:
        seen.add(above)
        known = method.index if by_code[above].parent is None else declared.get(above)
        if known is not None and getattr(known, setting) is not None:
            return known.model_dump(include={setting})[setting]
        above = by_code[above].parent
    return None


def _divided(column: str, steps: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Transformations with a division by another column: replacing an existing division, otherwise first."""
    if any(step["kind"] == "per" for step in steps):
        return [{**step, "column": column} if step["kind"] == "per" else step for step in steps]
    return [{"kind": "per", "column": column}, *steps]


TAKES = {
    "min_max": {"low": "low", "high": "high"},
    "distance_to_target": {"target": "target"},
    "benchmark_bands": {"target": "benchmark"},
}


def _with_constants(row: StructureRow, normalise: Mapping[str, Any]) -> dict[str, Any]:
    """The normalisation with the constants that it uses; a tool's table may contain others too."""
    takes = TAKES.get(str(normalise["kind"]), {})
    return {**normalise, **{takes[name]: value for name, value in row.normalise.items() if name in takes}}
