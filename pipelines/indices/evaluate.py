"""Apply a method to observations: every node, from the given values to the ranks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipelines.declarations.method_tree import Aggregation
from pipelines.declarations.methods import IndexMethod
from pipelines.errors import GorodError
from pipelines.indices.aggregate import Part, aggregate
from pipelines.indices.impute import impute
from pipelines.indices.normalise import normalise, possible_points
from pipelines.indices.observations import Observations
from pipelines.indices.rank import rank, rank_in_groups
from pipelines.indices.reasons import Codes, Flags, Floats, Reason, checked
from pipelines.indices.resolve import resolve
from pipelines.indices.transform import References, transform
from pipelines.indices.tree import Leaf, Tree


@dataclass(frozen=True)
class Prepared:
    """A leaf before normalisation."""

    given: Floats
    transformed: Floats
    values: Floats
    reasons: Codes
    stands_in: Flags


@dataclass(frozen=True)
class Scored:
    """A node: its score, why it is missing, how much of it was reported, and the effective weight of each part."""

    score: Floats
    reasons: Codes
    share_weight: Floats
    share_count: Floats
    effective: Mapping[str, Floats]
    normalised: Floats | None = None


@dataclass(frozen=True)
class Evaluation:
    """Everything that was computed; :mod:`tables` turns it into rows."""

    method: IndexMethod
    tree: Tree
    observations: Observations
    groups: tuple[str | None, ...]
    prepared: Mapping[str, Prepared]
    scored: Mapping[str, Scored]
    ranks: Mapping[str, Floats]
    group_ranks: Mapping[str, Floats]


# overflows and divisions by zero are found afterwards and get their reason
@np.errstate(all="ignore")
def evaluate(method: IndexMethod, observations: Observations) -> Evaluation:
    """Evaluate a method.

    Raises:
        DeclarationError: the method's nodes are inconsistent.
        GorodError: the data has no rows, or lacks a column that a leaf needs.
    """
    tree = resolve(method)
    check_columns(method, tree, observations)
    groups = observations.peer_groups(method.peer_groups)
    references = references_of(method, observations)
    prepared = prepare(tree, observations, groups, references)
    normalised = {
        leaf.code: normalise(
            prepared[leaf.code].values,
            prepared[leaf.code].reasons,
            leaf.normalise,
            leaf.direction,
            references,
        )
        for leaf in tree.leaves
    }
    scored = score(tree, prepared, normalised)
    return Evaluation(
        method,
        tree,
        observations,
        groups,
        prepared,
        scored,
        {code: rank(one.score, observations, method.ranks) for code, one in scored.items()},
        {code: rank_in_groups(one.score, observations, groups, method.ranks) for code, one in scored.items()},
    )


def check_columns(method: IndexMethod, tree: Tree, observations: Observations) -> None:
    """Refuse data without rows or without a required column."""
    if not len(observations):
        raise GorodError("the data have no rows", "One row for each unit (and period) is expected.")
    missing = [name for name in tree.required_columns if name not in observations.numbers]
    if missing:
        raise GorodError(
            f"the data have no column for: {', '.join(missing)}",
            "Add or rename it, correct `indicator` in the method, or set absent: not_reported there.",
        )
    peers = method.peer_groups
    if peers is not None and peers.column not in (
        observations.numbers if peers.bounds else observations.texts
    ):
        raise GorodError(
            f"the data have no column {peers.column!r}, which defines the peer groups",
            "Add it, name another one by --group-column, or remove peer_groups from the method.",
        )


def references_of(method: IndexMethod, observations: Observations) -> References:
    """Which rows are compared with which."""
    return tuple(observations.references(method.reference_set, method.base_period))


def prepare(
    tree: Tree, observations: Observations, groups: tuple[str | None, ...], references: References
) -> dict[str, Prepared]:
    """The leaves, transformed and imputed."""
    found = {}
    for leaf in tree.leaves:
        given = observations.column(leaf.indicator)
        reasons = np.where(np.isnan(given), np.int8(Reason.NOT_GIVEN), np.int8(Reason.NONE))
        transformed, reasons = transform(given, reasons, leaf.transform, observations, references)
        values, reasons, stands_in = impute(transformed, reasons, leaf.impute, observations, groups)
        found[leaf.code] = Prepared(given, transformed, values, reasons, stands_in)
    return found


def score(
    tree: Tree,
    prepared: Mapping[str, Prepared],
    normalised: Mapping[str, tuple[Floats, Codes]],
    weights: Mapping[str, float] | None = None,
    how: Aggregation | None = None,
) -> dict[str, Scored]:
    """Every node's score. ``weights`` and ``how`` replace the declared ones, for sensitivity."""
    scored: dict[str, Scored] = {}
    by_score: dict[str, Part] = {}
    by_points: dict[str, Part] = {}
    for node in tree.nodes.values():
        weight = node.weight if weights is None else weights[node.code]
        if isinstance(node, Leaf):
            values, reasons = normalised[node.code]
            found, reasons = checked(values * node.scale, reasons)
            # a reported value counts as reported even without a score (all values are equal, there is no target)
            reported = (~np.isnan(prepared[node.code].given)).astype(np.float64)
            scored[node.code] = Scored(found, reasons, reported, reported, {}, values)
            by_score[node.code] = Part(weight, found, reasons, reported, reported, 1)
            most = possible_points(node.normalise)
            if most is not None:
                by_points[node.code] = Part(
                    weight, values / most, reasons, reported, reported, 1, np.full(len(values), most)
                )
            continue
        aggregation = how or node.aggregate
        chosen = by_points if aggregation == "points_share" else by_score
        whole = aggregate([chosen[code] for code in node.parts], aggregation, node.missing)
        found, reasons = checked(whole.score * node.scale, whole.reasons)
        shares = (whole.share_weight, whole.share_count, whole.leaves)
        effective = dict(zip(node.parts, whole.effective, strict=True))
        scored[node.code] = Scored(found, reasons, *shares[:2], effective)
        by_score[node.code] = Part(weight, found, reasons, *shares)
        if whole.possible is not None:
            by_points[node.code] = Part(weight, whole.score, reasons, *shares, whole.possible)
    return scored
