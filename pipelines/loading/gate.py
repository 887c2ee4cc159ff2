"""The gate: a Great Expectations suite on the batch, in DuckDB in memory, whatever the warehouse.

It decides and explains but changes nothing; the ledger records the acceptance.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.deliveries import Batch, ValidationResult
from pipelines.loading.gx_suite import COUNTS, ROWS, run_suite
from pipelines.loading.quarantine import READABLE, write_flagged, write_quarantine
from pipelines.loading.results import result_of
from pipelines.memory import in_memory, is_small
from pipelines.sql import literal, quoted


@cache
def _readable() -> Any:
    """The first expectation of every suite: each row could be read as the declared types."""
    import great_expectations.expectations as gxe

    from expectations.vocabulary import row

    return row(
        gxe.ExpectColumnValuesToBeNull,
        column="parse_errors",
        mostly=0.95,
        name=READABLE,
        dimension="validity",
        says="Значение не читается как объявленный тип.",
        remedy="Исправьте значение по указанному образцу и передайте выгрузку снова.",
    )


def evaluate(
    batch: Batch,
    suite: Sequence[Any],
    parameters: dict[str, Any],
    folder: Path,
    context: Mapping[str, pa.Table] | None = None,
    tellable: Collection[str] = (),
) -> ValidationResult:
    """Evaluate a suite on a batch; write quarantine and flags into ``folder``.

    ``parameters`` fill ``{"$PARAMETER": name}`` of the suite: ``instance``, its ``ref_area``, ``part``, ``first_day`` and
    ``last_day`` of the slice, ``territories`` (codes of the register in force), and the batch's facts. The tables of
    ``context`` are available next to ``batch`` for the suite's queries: ``delivery``, and the results of the suite's
    ``CONTEXT`` queries. If any expectation cannot be evaluated, the load is refused: a broken suite never passes.
    Observed values are shown if they are counts or values of ``tellable`` columns, those without personal data.
    """
    with in_memory(batch.path) as connection:
        for name, table in (context or {}).items():
            connection.register("given", table)
            connection.execute(f"create table {quoted(name)} as from given")
            connection.unregister("given")
        expectations = [_readable(), *suite]
        _lay_out(connection, batch.path, expectations)
        # Counting is cheap; queries that find rows cost half as much again, and most loads need none.
        found = run_suite(connection, expectations, parameters, COUNTS)
        unclean = {
            f.meta["name"] for f in found if f.meta["level"] == "row" and f.outcome.get("unexpected_count")
        }
        if unclean:
            again = [e for e in expectations if e.meta["name"] in unclean]
            rows = {f.meta["name"]: f for f in run_suite(connection, again, parameters, ROWS)}
            found = [rows.get(f.meta["name"], f) for f in found]
        results = tuple(result_of(connection, outcome, tellable) for outcome in found)
        quarantine, quarantined = write_quarantine(connection, found, folder / "quarantine.parquet")
        flagged = write_flagged(connection, found, folder / "flagged.parquet")
    return ValidationResult(results, quarantine, quarantined, flagged)


def _lay_out(connection: duckdb.DuckDBPyConnection, path: Path, expectations: Sequence[Any]) -> None:
    """Lay out the batch: ``delivered`` is the batch as read, ``batch`` adds a column for each rule that says whether it holds.

    A rule with invalid SQL gets no column: Great Expectations misses the column, and the load is refused.
    """
    # some 30 statements read it: small ones from memory, without opening the file for each
    kind = "table" if is_small(path) else "view"
    connection.execute(f"create {kind} delivered as select * from read_parquet({literal(str(path))})")
    held = []
    for expectation in expectations:
        if (holds := expectation.meta.get("holds")) is None:
            continue
        validated = f"({holds})::integer as {quoted(expectation.column)}"
        try:
            connection.execute(f"explain select {validated} from delivered")
        except duckdb.IOException:
            raise
        except duckdb.Error:
            continue
        held.append(validated)
    connection.execute(f"create view batch as select {', '.join(['*', *held])} from delivered")
