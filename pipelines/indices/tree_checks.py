"""Inconsistencies in the settings of a method's tree."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.declarations.common import Location, Problem
from pipelines.declarations.method_leaves import (
    AsIs,
    BenchmarkBands,
    Constant,
    DistanceToTarget,
    FromOthers,
    MinMax,
    PercentileRank,
    Rank,
)
from pipelines.declarations.methods import IndexMethod
from pipelines.indices.normalise import possible_points
from pipelines.indices.transform import on_the_same_scale
from pipelines.indices.tree import Branch, Leaf, Tree

CONSTANTS = {
    MinMax: ("low", "high"),
    DistanceToTarget: ("target", "baseline"),
    BenchmarkBands: ("benchmark",),
}


def declared_constants(leaf: Leaf) -> dict[tuple[str, str], float]:
    """Declared constants of a leaf in units before a logarithm."""
    found = {
        ("normalise", name): value
        for name in CONSTANTS.get(type(leaf.normalise), ())
        if (value := getattr(leaf.normalise, name)) is not None
    }
    if isinstance(leaf.impute, Constant):
        found["impute", "value"] = leaf.impute.value
    return found


NO_PLACES = "{}: ranks need all units together, which reference_set: base_period does not provide; use min_max or z_score"


def leaf_problems(leaf: Leaf, method: IndexMethod) -> Iterator[Problem]:
    for key, value in declared_constants(leaf).items():
        if on_the_same_scale(value, leaf.transform) is None:
            yield key, f"{value:g} has no logarithm; it must be above zero, with the shift of the logarithm"
    if leaf.direction == "down" and isinstance(leaf.normalise, AsIs):
        message = "none keeps the value as it is, but direction is down"
        yield ("normalise",), f"{message}; use a kind that reverses it (min_max, rank, …), or direction: up"
    if method.reference_set == "base_period" and isinstance(leaf.normalise, Rank | PercentileRank):
        yield ("normalise",), NO_PLACES.format(leaf.normalise.kind)
    if isinstance(leaf.impute, FromOthers) and leaf.impute.among == "group" and method.peer_groups is None:
        yield ("impute", "among"), "group needs peer_groups of the method; declare them, or use all"


def points_problems(tree: Tree) -> Iterator[tuple[str, Location, str]]:
    for branch in tree.branches:
        if branch.aggregate != "points_share":
            continue
        for code in branch.parts:
            part = tree.nodes[code]
            if isinstance(part, Leaf) and possible_points(part.normalise) is None:
                message = f"{part.normalise.kind} has no maximum; points_share of {branch.code} needs one"
                yield (
                    code,
                    ("normalise",),
                    f"{message}: bands, benchmark_bands, or a clipped one (clip: true)",
                )
            if isinstance(part, Branch) and part.aggregate != "points_share":
                message = f"{part.aggregate} has no points; points_share of {branch.code} needs points_share here too"
                yield code, ("aggregate",), message


VARIED = ("normalisations", "aggregations")


def sensitivity_problems(method: IndexMethod, tree: Tree) -> Iterator[Problem]:
    varied = method.sensitivity
    if any(branch.aggregate == "points_share" for branch in tree.branches):
        message = "points cannot be compared with other scales; vary only the weights"
        yield from ((("sensitivity", key), message) for key in VARIED if getattr(varied, key))
    if method.reference_set == "base_period":
        for number, rule in enumerate(varied.normalisations):
            if isinstance(rule, Rank | PercentileRank):
                yield ("sensitivity", "normalisations", number), NO_PLACES.format(rule.kind)
