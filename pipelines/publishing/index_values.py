"""Shipped methods on the warehouse's figures: from rows of ``marts.mart_indicator_value`` to index values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from pipelines.declarations.methods import IndexMethod, load_methods
from pipelines.errors import GorodError
from pipelines.indices.evaluate import Evaluation, evaluate
from pipelines.indices.observations import Observations
from pipelines.indices.resolve import resolve
from pipelines.indices.tables import result_table
from pipelines.indices.tree import Branch
from pipelines.periods import span_of

# the columns read from marts.mart_indicator_value; rows of parts (breakdown other than _T) are left out
READ = (
    "ref_area", "level", "region", "time_period", "freq", "indicator", "breakdown", "obs_value", "obs_status", "synthetic",
)  # fmt: skip

# name -> type of an index row's columns, in the catalogue's terms; decimal is numeric(24,6)
COLUMNS: dict[str, str] = {
    "index_method": "text",
    "method_version": "text",
    "method_status": "text",
    "ref_area": "text",
    "level": "text",
    "region": "text",
    "freq": "text",
    "time_period": "text",
    "node": "text",
    "parent": "text",
    "node_level": "integer",
    "indicator": "text",
    "given_value": "decimal",
    "transformed_value": "decimal",
    "imputed": "text",
    "normalised_value": "decimal",
    "weight": "decimal",
    "weight_effective": "decimal",
    "score": "decimal",
    "score_shown": "decimal",
    "share_reported_weight": "decimal",
    "share_reported_count": "decimal",
    "place": "decimal",
    "peer_group": "text",
    "place_in_group": "decimal",
    "obs_status": "text",
    "reason": "text",
    "synthetic": "boolean",
}

SAME_NAME = {
    "time_period": "time_period",
    "node": "node",
    "parent": "parent",
    "node_level": "level",
    "indicator": "indicator",
    "given_value": "given",
    "transformed_value": "transformed",
    "imputed": "imputed",
    "normalised_value": "normalised",
    "weight": "weight",
    "weight_effective": "weight_effective",
    "score": "score",
    "score_shown": "score_shown",
    "share_reported_weight": "share_reported_weight",
    "share_reported_count": "share_reported_count",
    "place": "rank",
    "peer_group": "peer_group",
    "place_in_group": "rank_in_group",
    "reason": "reason",
}

# an index is as reliable as the least reliable of its figures
SURENESS = ("A", "B", "P", "E", "I", "U")
SIXTH = Decimal("0.000001")

Row = Mapping[str, Any]


def evaluate_methods(
    rows: Iterable[Row], methods: Mapping[str, IndexMethod] | None = None
) -> list[dict[str, Any]]:
    """Rows of all shipped methods that declare a territory level, ordered by method, period, territory, node.

    Args:
        rows: mappings with the names of ``READ``; ``breakdown`` and ``synthetic`` may be absent.
        methods: methods to use instead of the shipped ones.

    Returns:
        Mappings with the names of ``COLUMNS``.
    """
    given = list(rows)
    return [
        row
        for _, method in sorted((load_methods() if methods is None else methods).items())
        if method.territory_level is not None
        for row in evaluate_method(method, given)
    ]


def evaluate_method(method: IndexMethod, rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Rows of one method for all territories of its level and all periods of its validity.

    A territory with a row for any leaf in a period is evaluated; an indicator without a figure is missing.

    Raises:
        DeclarationError: the method's nodes are inconsistent.
    """
    wanted = set(resolve(method).columns)
    numbers = wanted | (
        {method.peer_groups.column} if method.peer_groups and method.peer_groups.bounds else set()
    )
    mine = [
        row
        for row in rows
        if row["level"] == method.territory_level
        and row["freq"] == method.freq
        and row.get("breakdown", "_T") == "_T"
        and row["indicator"] in numbers
        and _is_valid(method, str(row["time_period"]))
    ]
    keys = sorted({(str(r["ref_area"]), str(r["time_period"])) for r in mine if r["indicator"] in wanted})
    if not keys or (method.base_period is not None and method.base_period not in {key[1] for key in keys}):
        return []
    found = {(str(r["ref_area"]), str(r["time_period"]), str(r["indicator"])): r for r in mine}
    regions = {str(r["ref_area"]): r["region"] for r in mine}
    observations = Observations.of(
        [area for area, _ in keys],
        [period for _, period in keys],
        {name: [_number(found.get((*key, name))) for key in keys] for name in sorted(numbers)},
        {"region": [regions[area] for area, _ in keys], "ref_area": [area for area, _ in keys]},
    )
    evaluation = evaluate(method, observations)
    statuses = _of_nodes(evaluation, found)
    computed = [
        {
            "index_method": method.method,
            "method_version": method.version,
            "method_status": method.status,
            "ref_area": row["unit"],
            "level": method.territory_level,
            "region": regions[row["unit"]],
            "freq": method.freq,
            **{name: _fixed(row[column]) for name, column in SAME_NAME.items()},
            **statuses[row["time_period"], row["unit"], row["node"]],
        }
        for row in result_table(evaluation).to_pylist()
    ]
    return [{name: row[name] for name in COLUMNS} for row in computed]


def _number(row: Row | None) -> float:
    return math.nan if row is None or row["obs_value"] is None else float(row["obs_value"])


def _fixed(value: Any) -> Any:
    """A figure with six decimal places, as in the warehouse."""
    if not isinstance(value, float):
        return value
    if abs(value) >= 1e18:
        raise GorodError(
            f"an index has the figure {value:g}, which the warehouse cannot hold",
            "Look for a divisor near zero in the transformations of the method.",
        )
    return Decimal(repr(value)).quantize(SIXTH)


def _is_valid(method: IndexMethod, period: str) -> bool:
    last = last_day(period)
    return last is not None and method.valid_from <= last <= (method.valid_to or date.max)


def last_day(period: str) -> date | None:
    """The last day of an SDMX period; None if it has none (``_Z``)."""
    try:
        return span_of(period)[1]
    except GorodError:
        return None


def _of_nodes(
    evaluation: Evaluation, found: Mapping[tuple[str, str, str], Row]
) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Status and origin of each node: for a leaf, its figure's; for a node, the least reliable of its inputs."""
    result: dict[tuple[str, str, str], dict[str, Any]] = {}
    observations = evaluation.observations
    for place, (unit, period) in enumerate(zip(observations.units, observations.periods, strict=True)):
        for code, node in evaluation.tree.nodes.items():
            scored = evaluation.scored[code]
            is_there = not np.isnan(scored.score[place])
            if isinstance(node, Branch):
                counted = [
                    result[period, unit, part] for part in node.parts if scored.effective[part][place] > 0
                ]
                status = _least_sure([part["obs_status"] for part in counted]) if is_there else "O"
                synthetic = any(part["synthetic"] for part in counted)
            else:
                row = found.get((unit, period, node.indicator))
                status = "O" if row is None else str(row["obs_status"])
                synthetic = row is not None and bool(row.get("synthetic"))
                if is_there and evaluation.prepared[code].stands_in[place]:
                    status = "I"
            result[period, unit, code] = {"obs_status": status, "synthetic": synthetic}
    return result


def _least_sure(statuses: Sequence[str]) -> str:
    return max(statuses, key=lambda status: SURENESS.index(status) if status in SURENESS else len(SURENESS))
