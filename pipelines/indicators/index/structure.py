"""The tree of a method with everything said: each node with its own settings, from the leaves to the root."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import ValidationError

from pipelines.declarations.methods import (
    Aggregation,
    AsIs,
    BenchmarkBands,
    Constant,
    Direction,
    DistanceToTarget,
    FromOthers,
    Imputation,
    IndexMethod,
    IndexNode,
    MinMax,
    Missing,
    NoImputation,
    Normalisation,
    Per,
    PercentileRank,
    Rank,
    Transformation,
)
from pipelines.errors import DeclarationError
from pipelines.indicators.index.normalise import possible_points
from pipelines.indicators.index.transform import on_the_same_scale


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
    """All nodes by code, parts before the whole: the root is the last."""

    nodes: Mapping[str, Leaf | Branch]

    @property
    def root(self) -> Leaf | Branch:
        """The node without a parent."""
        return list(self.nodes.values())[-1]

    @property
    def leaves(self) -> list[Leaf]:
        """The leaves, in the order in which they are declared."""
        return [node for node in self.nodes.values() if isinstance(node, Leaf)]

    @property
    def branches(self) -> list[Branch]:
        """The other nodes, parts before the whole."""
        return [node for node in self.nodes.values() if isinstance(node, Branch)]

    @property
    def from_the_top(self) -> list[Leaf | Branch]:
        """All nodes, each before its parts, in the order in which they are declared."""
        found: list[Leaf | Branch] = []

        def walk(node: Leaf | Branch) -> None:
            found.append(node)
            for code in node.parts if isinstance(node, Branch) else ():
                walk(self.nodes[code])

        walk(self.root)
        return found

    @property
    def columns(self) -> list[str]:
        """Columns of the data that the leaves need: their own, and those that are divided by."""
        needed = [leaf.indicator for leaf in self.leaves]
        needed += [step.column for leaf in self.leaves for step in leaf.transform if isinstance(step, Per)]
        return list(dict.fromkeys(needed))

    @property
    def required_columns(self) -> list[str]:
        """Of these, the ones without which data are refused."""
        optional = {leaf.indicator for leaf in self.leaves if leaf.absent == "not_reported"}
        return [name for name in self.columns if name not in optional]


@dataclass
class _Settings:
    """What holds at a node, unless it says otherwise."""

    transform: tuple[Transformation, ...] = ()
    impute: Imputation = field(default_factory=lambda: NoImputation(kind="none"))
    normalise: Normalisation = field(default_factory=lambda: MinMax(kind="min_max"))
    direction: Direction = "up"
    absent: Literal["refuse", "not_reported"] = "refuse"
    aggregate: Aggregation = "arithmetic"
    missing: Missing = field(default_factory=Missing)

    def at(self, node: IndexNode) -> _Settings:
        own = {name: getattr(node, name) for name in self.__dataclass_fields__}
        return _Settings(**{name: getattr(self, name) if own[name] is None else own[name] for name in own})


def resolve(method: IndexMethod) -> Tree:
    """The tree of a method.

    Raises:
        DeclarationError: what the nodes say does not fit together.
    """
    if not method.index.nodes:
        raise DeclarationError(
            f"method {method.method}: index {method.index.code} has no nodes",
            "Declare them under index.nodes, or give the tree by --structure.",
        )
    nodes: dict[str, Leaf | Branch] = {}
    problems: list[str] = []

    def add(node: IndexNode, parent: str | None, above: _Settings) -> int:
        settings = above.at(node)
        name = node.name.ru if node.name else None
        if not node.nodes:
            leaf = _leaf(node, parent, settings, name)
            problems.extend(f"{node.code}: {told}" for told in _leaf_problems(leaf, settings, method))
            nodes[node.code] = _on_one_scale(leaf)
            return 0
        level = 1 + max([add(part, node.code, settings) for part in node.nodes])
        nodes[node.code] = Branch(
            node.code, parent, node.weight, node.scale, tuple(part.code for part in node.nodes),
            settings.aggregate, settings.missing, level, name,
        )  # fmt: skip
        return level

    add(method.index, None, _Settings())
    tree = Tree(nodes)
    problems += _points_problems(tree)
    problems += _sensitivity_problems(method, tree)
    if problems:
        raise DeclarationError(
            "\n".join(f"method {method.method}: {told}" for told in problems),
            "What each setting does: docs/indices.md",
        )
    return tree


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


def _constants(leaf: Leaf) -> dict[str, float]:
    """Declared constants of a leaf that are told in the units before a logarithm."""
    found = {
        f"normalise.{name}": value
        for name in CONSTANTS.get(type(leaf.normalise), ())
        if (value := getattr(leaf.normalise, name)) is not None
    }
    if isinstance(leaf.impute, Constant):
        found["impute.value"] = leaf.impute.value
    return found


def _leaf_problems(leaf: Leaf, settings: _Settings, method: IndexMethod) -> list[str]:
    problems = [
        f"{name}: {value:g} has no logarithm"
        for name, value in _constants(leaf).items()
        if on_the_same_scale(value, leaf.transform) is None
    ]
    if leaf.direction == "down" and isinstance(leaf.normalise, AsIs):
        problems.append("normalise: none takes the value as it is; direction: down needs a normalisation")
    if method.reference_set == "base_period" and isinstance(leaf.normalise, Rank | PercentileRank):
        problems.append("normalise: places need all units together; reference_set: base_period has none")
    if (
        isinstance(settings.impute, FromOthers)
        and settings.impute.among == "group"
        and method.peer_groups is None
    ):
        problems.append("impute: among: group needs peer_groups")
    return problems


def _on_one_scale(leaf: Leaf) -> Leaf:
    """The leaf with its constants taken through the logarithms that its values go through."""
    changed: dict[str, Any] = {
        name: on_the_same_scale(value, leaf.transform) for name, value in _constants(leaf).items()
    }
    normalise = {
        name.removeprefix("normalise."): value for name, value in changed.items() if name != "impute.value"
    }
    impute = {"value": changed["impute.value"]} if "impute.value" in changed else {}
    return Leaf(
        **{
            **leaf.__dict__,
            "normalise": leaf.normalise.model_copy(update=normalise),
            "impute": leaf.impute.model_copy(update=impute),
        }
    )


def _points_problems(tree: Tree) -> list[str]:
    problems = []
    for branch in tree.branches:
        if branch.aggregate != "points_share":
            continue
        for code in branch.parts:
            part = tree.nodes[code]
            if isinstance(part, Leaf) and possible_points(part.normalise) is None:
                problems.append(f"{code}: points_share needs a normalisation that has a greatest value")
            if isinstance(part, Branch) and part.aggregate != "points_share":
                problems.append(f"{branch.code}: points_share needs points_share in its part {code} too")
    return problems


def _sensitivity_problems(method: IndexMethod, tree: Tree) -> list[str]:
    varied = method.sensitivity
    if not (varied.normalisations or varied.aggregations):
        return []
    problems = []
    if any(branch.aggregate == "points_share" for branch in tree.branches):
        problems.append("sensitivity: points cannot be compared with other scales; vary the weights alone")
    if method.reference_set == "base_period" and any(
        isinstance(rule, Rank | PercentileRank) for rule in varied.normalisations
    ):
        problems.append("sensitivity: places need all units together; reference_set: base_period has none")
    return problems


# --- a tree, or settings of its nodes, told apart from the method


@dataclass(frozen=True)
class StructureRow:
    """One node of a structure file. ``place`` says where it stands, for messages."""

    place: str
    code: str
    parent: str | None
    settings: Mapping[str, Any] = field(default_factory=dict)
    normalise: Mapping[str, float] = field(default_factory=dict)


def with_structure(method: IndexMethod, rows: Sequence[StructureRow], whole: bool = True) -> IndexMethod:
    """The method with another tree, or, if the structure is not ``whole``, with other settings of its own nodes.

    What the method says of a node with the same code still holds where the structure says nothing. The root of a
    structure takes the settings of the method's root.

    Raises:
        DeclarationError: there is not one root, a parent is unknown, a code stands twice, or there is a cycle; a node
            is not in the method, where the structure is not whole.
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
            near = difflib.get_close_matches(row.parent, by_code, 1)
            raise DeclarationError(
                f"{row.place}: parent {row.parent!r} of {row.code!r} is not in the structure",
                f"Did you mean {near[0]!r}?"
                if near
                else "Give it a row of its own, with an empty parent if it is the root.",
            )
        children.setdefault(row.parent or "", []).append(row)
    roots = [row for row in rows if row.parent is None]
    if len(roots) != 1:
        raise DeclarationError(
            f"the structure has {len(roots)} nodes without a parent: {', '.join(r.code for r in roots) or 'none'}",
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
                row, said.get("normalise") or _inherited(row, by_code, declared, method)
            )
        try:
            return IndexNode.model_validate(said)
        except ValidationError as error:
            told = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise DeclarationError(f"{row.place}: {told}", "What is allowed: docs/indices.md") from error

    root = build(roots[0])
    lost = [row for row in rows if row.code not in reached]
    if lost:
        raise DeclarationError(
            f"{lost[0].place}: {', '.join(row.code for row in lost)} lead to each other in a circle, never to the root",
            "Follow the parents from each node: they must end at the index.",
        )
    return method.model_copy(update={"index": root})


def _all_nodes(method: IndexMethod, rows: Sequence[StructureRow]) -> list[StructureRow]:
    """The method's own tree, with what the rows say of some of its nodes."""
    parents = {part.code: node.code for node in method.index.walk() for part in node.nodes}
    codes = [node.code for node in method.index.walk()]
    for row in rows:
        if row.code not in codes:
            near = difflib.get_close_matches(row.code, codes, 1)
            raise DeclarationError(
                f"{row.place}: the method {method.method} has no node {row.code!r}",
                (f"Did you mean {near[0]!r}? " if near else "") + "A tree of its own needs a column parent.",
            )
    said = {row.code: row for row in rows}
    if len(said) < len(rows):
        twice = next(row for row in rows if said[row.code] is not row)
        raise DeclarationError(f"{twice.place}: code {twice.code!r} stands twice", "Give each node one row.")
    return [
        StructureRow(said[code].place, code, parents.get(code), said[code].settings, said[code].normalise)
        if code in said
        else StructureRow(f"method {method.method}", code, parents.get(code))
        for code in codes
    ]


def _inherited(
    row: StructureRow,
    by_code: Mapping[str, StructureRow],
    declared: Mapping[str, IndexNode],
    method: IndexMethod,
) -> dict[str, Any]:
    """The normalisation that holds above a node of a structure."""
    above, seen = row.parent, set[str]()
    while above is not None and above not in seen:
        seen.add(above)
        known = method.index if by_code[above].parent is None else declared.get(above)
        if known is not None and known.normalise is not None:
            return known.normalise.model_dump()
        above = by_code[above].parent
    return {"kind": "min_max"}


TAKES = {
    "min_max": {"low": "low", "high": "high"},
    "distance_to_target": {"target": "target"},
    "benchmark_bands": {"target": "benchmark"},
}


def _with_constants(row: StructureRow, normalise: Mapping[str, Any]) -> dict[str, Any]:
    """The normalisation with the constants that it knows; a table of a tool may hold others too."""
    takes = TAKES.get(str(normalise["kind"]), {})
    return {**normalise, **{takes[name]: value for name, value in row.normalise.items() if name in takes}}
