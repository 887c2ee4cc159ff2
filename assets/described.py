"""Metadata of assets: owner, tags, columns, and where they are declared."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines.declarations.feeds import Feed
from pipelines.declarations.sources import SOURCES, Source
from pipelines.settings import PROJECT
from pipelines.warehouse.raw import sql_type

# owner of what belongs to no source
KEEPER = "team:gorod"
# the keys by which Dagster knows rows, columns and code
ROW_COUNT, COLUMN_SCHEMA, CODE = "dagster/row_count", "dagster/column_schema", "dagster/code_references"


def owner_of(source: Source) -> str:
    """The source's owner in Dagster's form: an address, or a team."""
    return f"team:{source.owner}"


def tags_of(layer: str, **more: str) -> dict[str, str]:
    """Tags by which assets are selected: ``tag:gorod/layer=raw``."""
    return {f"gorod/{name}": value for name, value in {"layer": layer, **more}.items()}


def code(*places: tuple[Path, int, str]) -> dict[str, Any]:
    """References to files of the checkout: path, line, label."""
    with warnings.catch_warnings():
        # only shown to people: can be removed if Dagster changes its API
        warnings.simplefilter("ignore", dg.BetaWarning)
        references = [
            dg.LocalFileCodeReference(file_path=str(path), line_number=line, label=label)
            for path, line, label in places
        ]
        return {CODE: dg.CodeReferencesMetadataValue(code_references=list(references))}


def code_of_feed(source: Source, name: str) -> dict[str, Any]:
    """Where a feed is declared, and what must hold of it."""
    declared = SOURCES / source.source / "source.yml"
    return code(
        (declared, line_of_feed(declared, name), "declaration"),
        (PROJECT / "expectations" / source.source / f"{name}.py", 1, "expectations"),
    )


def line_of_feed(declared: Path, name: str) -> int:
    """The line of ``source.yml`` on which a feed begins."""
    lines = declared.read_text(encoding="utf-8").splitlines()
    begin = next((number for number, line in enumerate(lines) if re.match(r"feeds\s*:", line)), 0)
    key = re.compile(rf"\s+[\"']?{re.escape(name)}[\"']?\s*:")
    return next((number for number, line in enumerate(lines[begin:], begin + 1) if key.match(line)), 1)


def columns_of(feed: Feed) -> dg.TableSchema:
    """The columns of a raw table, with their types and descriptions. What the reader drops is not among them."""
    ledger = [
        dg.TableColumn("load_id", "VARCHAR", "The load that the row came with (ops.load)"),
        dg.TableColumn("row_no", "BIGINT", "Number of the row in the delivery, from 1"),
    ]
    return dg.TableSchema(
        [
            *ledger,
            *(
                dg.TableColumn(
                    name,
                    sql_type(column),
                    f"{column.description} [{column.unit}]" if column.unit else column.description,
                )
                for name, column in feed.kept_columns.items()
            ),
        ]
    )
