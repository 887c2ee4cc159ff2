"""A statistical portal's table answer, unpivoted: one row for each value cell.

Every value is a text: thousands separated by U+00A0, a decimal comma, null where not published. A row whose label mixes
two alphabets within a word, or contains an invisible character, goes to quarantine, and the character is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.declarations.columns import Column
from pipelines.declarations.feeds import Feed
from pipelines.declarations.formats import PivotJsonFormat
from pipelines.deliveries import Batch, Delivery
from pipelines.formats.json_document import KEPT_TEXT, is_kept, read_document
from pipelines.formats.pivot_table import (
    KEYS,
    Table,
    check_periods,
    check_title_and_levels,
    label,
    label_problem,
    parse_table,
)
from pipelines.formats.typed import write_batch
from pipelines.memory import in_memory
from pipelines.numbers import Form, NotANumber, read_number

WORDS = {*KEYS, "value", "level"}


EXPECTED_NUMBER = "число: десятичная запятая, между тысячами неразрывный пробел; null, если не опубликовано"


def read(delivery: Delivery, feed: Feed, fmt: PivotJsonFormat, out: Path, pseudonym_key: str) -> Batch:
    """Read one answer. ``row_no`` counts value cells from 1, row by row; ``table_row`` the table's rows.

    Batch columns beside the dimensions: ``table_name, table_row, period, value``, and ``<dimension>_level``
    where the feed declares it.

    Raises:
        DeliveryError: the file is not such an answer, or its periods are not those of its name.
    """
    path = delivery.paths[0]
    table = parse_table(read_document(path, feed.max_delivery_bytes, WORDS), fmt, path.name)
    check_title_and_levels(fmt, delivery.slice.part, table, path.name)
    check_periods(delivery.slice, table.periods, path.name)
    columns = {title: name for name, title in fmt.dimensions.items()}
    names = [columns[title] for title in table.titles]
    levels = [name for name in names if f"{name}_level" in feed.columns]
    cells = pa.Table.from_pylist(list(_cells(table, names, levels, feed)), _schema(names, levels))
    with in_memory(path) as connection:
        connection.register("cells", cells)
        facts = {"table_name": table.name, "table_rows": len(table.rows), "periods": table.periods}
        return write_batch(connection, "select * from cells", feed, out, pseudonym_key, facts)


def _schema(names: list[str], levels: list[str]) -> pa.Schema:
    texts = [
        "table_name",
        "table_row",
        *names,
        *(f"{name}_level" for name in levels),
        "period",
        "value",
        "broken",
        "broken_column",
        "broken_value",
    ]
    return pa.schema([("row_no", pa.int64()), *((name, pa.string()) for name in texts)])


def _cells(table: Table, names: list[str], levels: list[str], feed: Feed) -> Iterator[dict[str, Any]]:
    row_no = 0
    problem_of = cache(label_problem)
    rounded = "value" in feed.columns and feed.columns["value"].rounded
    form = Form(decimal=",", grouping=True, places=None if rounded else 6)
    for table_row, cells in enumerate(table.rows, 1):
        dimensions = dict(zip(names, cells, strict=False))
        labels = {name: label(cell["value"]) for name, cell in dimensions.items()}
        wrong = next((name for name in names if name in feed.kept_columns and problem_of(labels[name])), None)
        common = {
            "table_name": table.name,
            "table_row": str(table_row),
            **{name: given if is_kept(given) else None for name, given in labels.items()},
            **{f"{name}_level": str(dimensions[name]["level"]) for name in levels},
        }
        for period, cell in zip(table.periods, cells[len(names) :], strict=True):
            row_no += 1
            value = None if cell["value"] is None else read_number(cell["value"], form)
            broken: tuple[str | None, str | None, str | None] = (None, None, None)
            if wrong is not None:
                broken = problem_of(labels[wrong]), wrong, _shown(labels[wrong], feed.columns[wrong])
            elif isinstance(value, NotANumber):
                broken = (
                    _expected_number(value, cell["value"]),
                    "value",
                    _shown(cell["value"], feed.columns.get("value")),
                )
            yield {
                "row_no": row_no,
                **common,
                "period": period,
                "value": None if isinstance(value, NotANumber) else value,
                **dict(zip(("broken", "broken_column", "broken_value"), broken, strict=True)),
            }


def _expected_number(problem: NotANumber, given: str) -> str:
    return f"{EXPECTED_NUMBER} ({problem.ru})" if is_kept(given) else KEPT_TEXT


def _shown(given: str, column: Column | None) -> str | None:
    """A value as it may be shown in a message; nothing if it may be personal data."""
    return given.replace("\0", "\ufffd") if column and column.personal_data == "none" else None
