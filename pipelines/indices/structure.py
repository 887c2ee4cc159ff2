"""A method with the tree or the settings of a structure file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from pipelines.declarations.method_tree import IndexNode
from pipelines.declarations.methods import IndexMethod
from pipelines.declarations.read_yaml import explain
from pipelines.errors import DeclarationError
from pipelines.indices.names import nearest_name
from pipelines.indices.resolve import TreeProblem, Where, tree_problems


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
                f"{row.place}: code {row.code!r} is used twice; first: {by_code[row.code].place}",
                "Give each node one row and its own code.",
            )
        by_code[row.code] = row
    children: dict[str, list[StructureRow]] = {}
    for row in rows:
        if row.parent is not None and row.parent not in by_code:
            raise DeclarationError(
                f"{row.place}: parent {row.parent!r} of {row.code!r} is not in the structure; "
                + nearest_name(row.parent, by_code),
                "Correct it, or add a row for the parent, with an empty parent if it is the root.",
            )
        children.setdefault(row.parent or "", []).append(row)
    roots = [row for row in rows if row.parent is None]
    if len(roots) > 1:
        raise DeclarationError(
            f"{roots[1].place}: {roots[1].code!r} has no parent, and neither has {roots[0].code!r}: {roots[0].place}",
            "Exactly one, the index itself, has no parent.",
        )
    declared = {node.code: node for node in method.index.walk()}
    reached: set[str] = set()

    def build(row: StructureRow) -> IndexNode:
        reached.add(row.code)
        known = method.index if row.parent is None else declared.get(row.code)
        settings = {} if known is None else known.model_dump(exclude_unset=True, exclude={"nodes"})
        parts = tuple(build(child) for child in children.get(row.code, ()))
        settings |= {"code": row.code, **row.settings, "nodes": parts}
        if parts:
            settings.pop("indicator", None)
        if row.normalise:
            settings["normalise"] = _with_constants(
                row,
                settings.get("normalise")
                or _inherited("normalise", row, by_code, declared, method)
                or {"kind": "min_max"},
            )
        if row.per is not None:
            if parts:
                raise DeclarationError(
                    f"{row.place}: {row.code!r} has a denominator and nodes below it",
                    "Only an indicator has a denominator; give it to each that is divided.",
                )
            steps = settings.get("transform", _inherited("transform", row, by_code, declared, method)) or ()
            settings["transform"] = _divided(row.per, steps)
        try:
            return IndexNode.model_validate(settings)
        except ValidationError as error:
            raise DeclarationError(
                "\n".join(
                    f"{row.place}: {'.'.join(map(str, key))}: {message}"
                    for problem in error.errors()
                    for key, message in explain(problem, IndexNode, settings)
                ),
                "What is allowed: docs/indices.md",
            ) from error

    built = [build(root) for root in roots]
    lost = [row for row in rows if row.code not in reached]
    if lost:
        raise DeclarationError(
            f"{lost[0].place}: {', '.join(row.code for row in lost)} form a cycle and never lead to the root",
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
                "Correct it; a separate tree needs a column parent.",
            )
    rows_by_code = {row.code: row for row in rows}
    if len(rows_by_code) < len(rows):
        twice = next(row for row in rows if rows_by_code[row.code] is not row)
        raise DeclarationError(f"{twice.place}: code {twice.code!r} is used twice", "Give each node one row.")
    # a node that is not listed stays valid, unless the settings of its parts are inconsistent with it
    of_parts = {parents.get(row.code): row.place for row in reversed(rows)}
    return [
        replace(rows_by_code[code], parent=parents.get(code))
        if code in rows_by_code
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
