"""Results as tables: long, complete, without NaN; and their files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from pipelines.errors import GorodError
from pipelines.indices.evaluate import Evaluation
from pipelines.indices.impute import rule_name
from pipelines.indices.rank import rounded
from pipelines.indices.reasons import Floats, Reason
from pipelines.indices.sensitivity import RankRange
from pipelines.indices.tree import Leaf
from pipelines.outputs import is_passed_on, written_whole

# name -> type of a result's columns; number is float64 here and numeric(24,6) in the warehouse
COLUMNS: dict[str, str] = {
    "method": "text",
    "method_version": "text",
    "time_period": "text",
    "unit": "text",
    "level": "integer",
    "node": "text",
    "parent": "text",
    "indicator": "text",
    "given": "number",
    "transformed": "number",
    "imputed": "text",
    "normalised": "number",
    "weight": "number",
    "weight_effective": "number",
    "score": "number",
    "score_shown": "number",
    "share_reported_weight": "number",
    "share_reported_count": "number",
    "rank": "number",
    "peer_group": "text",
    "rank_in_group": "number",
    "reason": "text",
}

RANGE_COLUMNS: dict[str, str] = {
    "method": "text",
    "method_version": "text",
    "time_period": "text",
    "unit": "text",
    "score": "number",
    "rank": "number",
    "rank_min": "number",
    "rank_p05": "number",
    "rank_median": "number",
    "rank_mean": "number",
    "rank_p95": "number",
    "rank_max": "number",
    "share_same_rank": "number",
    "scenarios": "integer",
}

ARROW = {"text": pa.string(), "integer": pa.int32(), "number": pa.float64()}
REASONS = np.array([reason.text for reason in Reason], dtype=object)


def result_table(evaluation: Evaluation) -> pa.Table:
    """One row for each period, unit and node, sorted by period and unit, a node before its parts; columns: ``COLUMNS``."""
    nodes = evaluation.tree.from_the_top
    tables = [_of_node(evaluation, node.code) for node in nodes]
    rows = len(evaluation.observations)
    # node by node -> observation by observation
    order = np.arange(rows * len(nodes)).reshape(len(nodes), rows).T.reshape(-1)
    return pa.concat_tables(tables).take(pa.array(order)).combine_chunks()


def _of_node(evaluation: Evaluation, code: str) -> pa.Table:
    node, scored = evaluation.tree.nodes[code], evaluation.scored[code]
    prepared = evaluation.prepared.get(code)
    observations = evaluation.observations
    nothing = np.full(len(observations), np.nan)
    above = evaluation.scored[node.parent].effective[code] if node.parent else np.ones(len(observations))
    imputed: list[str | None] = [None] * len(observations)
    if isinstance(node, Leaf) and prepared is not None:
        imputed = [rule_name(node.impute) if stands_in else None for stands_in in prepared.stands_in]
    every: Mapping[str, Any] = {
        "method": [evaluation.method.method] * len(observations),
        "method_version": [evaluation.method.version] * len(observations),
        "time_period": [period or None for period in observations.periods],
        "unit": observations.units,
        "level": np.full(len(observations), node.level, dtype=np.int32),
        "node": [code] * len(observations),
        "parent": [node.parent] * len(observations),
        "indicator": [node.indicator if isinstance(node, Leaf) else None] * len(observations),
        "given": prepared.given if prepared else nothing,
        "transformed": prepared.transformed if prepared else nothing,
        "imputed": imputed,
        "normalised": nothing if scored.normalised is None else scored.normalised,
        "weight": np.full(len(observations), node.weight),
        "weight_effective": above,
        "score": scored.score,
        "score_shown": rounded(scored.score, evaluation.method.decimals),
        "share_reported_weight": scored.share_weight,
        "share_reported_count": scored.share_count,
        "rank": evaluation.ranks[code],
        "peer_group": evaluation.groups,
        "rank_in_group": evaluation.group_ranks[code],
        "reason": REASONS[scored.reasons],
    }
    return _table(every, COLUMNS)


def range_table(evaluation: Evaluation, ranges: RankRange) -> pa.Table:
    """One row for each period and unit; columns: ``RANGE_COLUMNS``."""
    observations = evaluation.observations
    every = {
        "method": [evaluation.method.method] * len(observations),
        "method_version": [evaluation.method.version] * len(observations),
        "time_period": [period or None for period in observations.periods],
        "unit": observations.units,
        "score": evaluation.scored[evaluation.tree.root.code].score,
        "rank": ranges.base,
        "rank_min": ranges.least,
        "rank_p05": ranges.low,
        "rank_median": ranges.median,
        "rank_mean": ranges.mean,
        "rank_p95": ranges.high,
        "rank_max": ranges.greatest,
        "share_same_rank": ranges.same,
        "scenarios": ranges.scenarios.astype(np.int32),
    }
    return _table(every, RANGE_COLUMNS)


def _table(every: Mapping[str, Any], columns: Mapping[str, str]) -> pa.Table:
    arrays = [_column(every[name], kind) for name, kind in columns.items()]
    return pa.Table.from_arrays(
        arrays, schema=pa.schema([(name, ARROW[kind]) for name, kind in columns.items()])
    )


def _column(values: Any, kind: str) -> pa.Array:
    if kind == "number":
        numbers: Floats = np.asarray(values, dtype=np.float64) + 0.0
        return pa.array(numbers, mask=~np.isfinite(numbers))
    return pa.array(values, type=ARROW[kind])


def refuse_another_file(path: Path) -> None:
    """Refuse an output path with another format, or of a file that is not an earlier result.

    Raises:
        GorodError: the message says what it is.
    """
    if path.suffix.lower() not in ("", ".csv", ".parquet"):
        raise GorodError(f"{path}: results are written as .csv or .parquet", "Name such a file.")
    if is_passed_on(path) or not path.is_file() or not path.stat().st_size:
        return
    try:
        if path.suffix.lower() == ".parquet":
            names = pyarrow.parquet.read_schema(path).names
        else:
            with path.open("rb") as stream:
                names = stream.readline(1000).decode(errors="replace").split(",")
    except (OSError, pa.ArrowException):
        names = []
    if names[:2] != list(COLUMNS)[:2]:
        raise GorodError(
            f"{path}: already exists, and is not a result of gorod index",
            "Name another file, or delete it first: only earlier results are replaced.",
        )


def write_table(table: pa.Table, path: Path) -> None:
    """Write a result as CSV (UTF-8, comma, point) or, by its suffix, Parquet. The same table gives the same bytes.

    Raises:
        GorodError: the file cannot be written; the earlier one stays.
    """
    with written_whole(path) as whole, whole.open("wb") as stream:
        if path.suffix.lower() == ".parquet":
            pyarrow.parquet.write_table(table, stream)
            return
        # pyarrow would quote the names
        stream.write((",".join(table.column_names) + "\n").encode())
        options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
        pyarrow.csv.write_csv(table, stream, options)
