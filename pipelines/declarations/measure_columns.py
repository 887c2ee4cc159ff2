"""Checks the SQL of measures against the existing columns, by DuckDB's parser, without any data."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from pipelines.declarations.common import Problem, nearest
from pipelines.declarations.feeds import Feed
from pipelines.declarations.generated_models import contributions_model, measures_by_feed
from pipelines.declarations.generated_staging import AGREED, default_staging_columns, staging_model
from pipelines.declarations.measures import Measure
from pipelines.declarations.sources import SOURCES, Source
from pipelines.embedded import connect

# the columns that a generated model of contributions reads from each staging model
NEEDED = ("load_id", "row_no", "ref_area", "time_period")


def measure_problems(
    sources: Mapping[str, Source],
    measures: Mapping[str, Measure],
    staging: Mapping[str, Sequence[str]],
    models: Collection[str],
) -> Iterator[tuple[Path, Problem]]:
    """Problems between measures and models, each with the file to correct.

    ``staging``: the hand-written staging models with their columns; ``models``: the names of all existing models.
    """
    with connect() as parser:
        for (source, feed), own in measures_by_feed(measures).items():
            declared = sources[source].feeds[feed]
            name = staging_model(source, feed)
            columns = staging.get(name, default_staging_columns(declared))
            if name not in staging:
                yield from (
                    (SOURCES / source / "source.yml", found) for found in _taken_names(feed, declared)
                )
            for code, measure in own.items():
                yield from (
                    (SOURCES / source / "measures.yml", (("measures", code, key), message))
                    for key, message in _problems(parser, measure, name, columns, models)
                )


def _problems(
    parser: duckdb.DuckDBPyConnection,
    measure: Measure,
    staging: str,
    columns: Sequence[str],
    models: Collection[str],
) -> Iterator[tuple[str, str]]:
    for model in measure.models:
        if model not in models or not model.startswith(f"int_{measure.source}__"):
            known = [one for one in models if one.startswith(f"int_{measure.source}__")]
            yield "models", f"dbt/models has no model {model!r} of this source; {nearest(model, known)}"
    if measure.models:
        return
    by_hand = contributions_model(measure.source, measure.feed)
    if by_hand in models:
        yield "expr", f"dbt/models has {by_hand}, written by hand: list it in models, or delete it"
    missing = [
        name for name in NEEDED if name not in columns and not (measure.constant and name == "time_period")
    ]
    if missing:
        yield "feed", f"the columns of {staging} that its YAML describes lack {', '.join(missing)}"
    for key in ("filter", "expr", "breakdown"):
        text = getattr(measure, key)
        if text is not None:
            yield from ((key, message) for message in sql_problems(parser, str(text), columns, staging))


def sql_problems(
    parser: duckdb.DuckDBPyConnection, expression: str, columns: Sequence[str], of: str
) -> Iterator[str]:
    """Why an expression is not valid over these columns."""
    if any(sign in expression for sign in ("--", "/*", ";", "{", "\n")):
        yield "must be one SQL expression on one line, without comments and templates"
        return
    row = parser.execute("select json_serialize_sql(?)", [f"select ({expression}) from staged"]).fetchone()
    tree = json.loads(row[0]) if row else {}
    if tree.get("error"):
        yield f"is not a valid SQL expression: {tree['error_message']}"
        return
    nodes = list(_nodes(tree))
    if any(node.get("class") in ("SUBQUERY", "WINDOW") or _is_aggregate(node) for node in nodes):
        yield "must be computed from one row: no subquery, window or aggregate; a hand-written model may have them"
        return
    for node in nodes:
        if node.get("class") == "COLUMN_REF":
            name = ".".join(node["column_names"])
            if name not in columns:
                yield f"{of} has no column {name!r}; {nearest(name, columns)}"


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for branch in tree:
            yield from _nodes(branch)


def _is_aggregate(node: Mapping[str, Any]) -> bool:
    return node.get("class") == "FUNCTION" and node.get("function_name") in (
        "sum", "count", "count_star", "min", "max", "avg", "median", "string_agg",
    )  # fmt: skip


def _taken_names(feed: str, declared: Feed) -> Iterator[Problem]:
    """Columns of the feed whose names are reserved in a generated staging model."""
    for name in declared.kept_columns:
        if name in AGREED:
            message = "a staging model already has a column of this name; rename it (header gives the name in the file)"
            yield ("feeds", feed, "columns", name), message
