"""A file through reader and gate, as a delivery of one instance: its rows, and what the gate says of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from pipelines.declarations.sources import load_sources
from pipelines.deliveries import Delivery, Slice, ValidationResult
from pipelines.formats import read
from pipelines.loading.gate import evaluate
from pipelines.loading.suites import load_suite
from tests.support.gate_context import beside


def through_gate(
    source: str, feed: str, instance: str, covered: Slice, folder: Path, name: str
) -> tuple[list[dict[str, Any]], ValidationResult]:
    """Read and validate the file ``name`` in ``folder``."""
    delivery = Delivery("d", source, feed, instance, covered, folder, (name,), "", 0, "", "", synthetic=True)
    known = beside(source, feed, covered, instance)
    batch = read(delivery, load_sources()[source].feeds[feed], folder / "batch.parquet", beside=known)
    days = {"first_day": str(covered.first_day), "last_day": str(covered.last_day)}
    result = evaluate(batch, load_suite(source, feed), days | batch.facts, folder, known)
    with duckdb.connect() as connection:
        found = connection.execute(f"from read_parquet('{batch.path}') order by row_no")
        names = [one[0] for one in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()], result
