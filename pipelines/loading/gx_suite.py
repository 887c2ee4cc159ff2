"""A suite run once by Great Expectations, in memory, on the batch in DuckDB."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import duckdb

from pipelines.disk import full_disk
from pipelines.errors import GorodError
from pipelines.sql import quoted

COUNTS = {"result_format": "BASIC", "partial_unexpected_count": 0}
ROWS = {
    "result_format": "SUMMARY",
    "partial_unexpected_count": 0,
    "unexpected_index_column_names": ["row_no"],
    "return_unexpected_index_query": True,
}


@dataclass(frozen=True)
class Evaluated:
    """One evaluated expectation, with the query for its unexpected rows, if it has any."""

    meta: dict[str, Any]
    severity: str
    columns: tuple[str, ...]
    success: bool
    broken: str | None
    outcome: dict[str, Any]
    where: str | None = None
    validated: str | None = None  # of several columns that are unique together: which rows are looked at
    query: str | None = None  # of a load-level expectation: the rows that should not be

    @property
    def rows_query(self) -> str | None:
        if self.meta["level"] != "row" or not self.outcome.get("unexpected_count"):
            return None
        if self.validated is not None:
            # GX's query joins the batch with itself without a condition; this one is what it means.
            return (
                f"select row_no from batch where ({self.validated}) and ({self.where or 'true'}) "
                f"qualify count(*) over (partition by {_key(self.columns)}) > 1"
            )
        if query := self.outcome.get("unexpected_index_query"):
            rows = str(query).rstrip().rstrip(";")
        else:
            return None
        # GX counts within an expectation's row condition, but leaves it out of the query of the unexpected rows.
        if self.where is None:
            return rows
        return f"select row_no from ({rows}) where row_no in (select row_no from batch where {self.where})"


def run_suite(
    connection: duckdb.DuckDBPyConnection,
    expectations: Sequence[Any],
    parameters: dict[str, Any],
    result_format: dict[str, Any],
) -> list[Evaluated]:
    """Run the suite once; results are in the order of the suite."""
    import great_expectations as gx

    from pipelines.loading.gx_duckdb import borrowed

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    with borrowed(connection), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data, definition = _borrowed_batch()
        engine = data.get_execution_engine()
        # the texts for the supplier stay here: GX would copy them dozens of times
        suite = gx.ExpectationSuite(
            "suite",
            expectations=[one.copy(update={"meta": {"name": one.meta["name"]}}) for one in expectations],
        )
        outcome = definition.get_batch().validate(
            suite, expectation_parameters=parameters, result_format=result_format
        )
    by_name: dict[str, Any] = {
        (result.expectation_config.meta or {})["name"]: result
        for result in outcome.results
        if result.expectation_config
    }
    missing = [e.meta["name"] for e in expectations if e.meta["name"] not in by_name]
    if missing or len(by_name) != len(expectations):
        raise GorodError(
            f"declared {len(expectations)} expectations, evaluated {len(by_name)}: {missing}",
            "Mend the suite.",
        )
    found = []
    for expectation in expectations:
        result = by_name[expectation.meta["name"]]
        broken = _exception(result.exception_info)
        # GX swallows errors; a full disk is the fault of neither the suite nor the delivery
        if broken is not None and (full := full_disk(broken)):
            raise full
        kwargs = result.expectation_config.kwargs
        columns = [
            kwargs.get("column"),
            kwargs.get("column_A"),
            kwargs.get("column_B"),
            *(kwargs.get("column_list") or []),
        ]
        found.append(
            Evaluated(
                meta=dict(expectation.meta),
                severity=str(getattr(expectation.severity, "value", expectation.severity)),
                columns=tuple(expectation.meta.get("columns") or (column for column in columns if column)),
                success=bool(result.success),
                broken=broken,
                outcome=dict(result.result or {}),
                where=_where(expectation, engine),
                query=_query(expectation),
            )
        )
        if expectation.expectation_type == "expect_compound_columns_to_be_unique":
            found[-1] = _recounted(connection, found[-1], expectation)
    return found


# which rows count for a key of several columns, by GX's names
COUNTED_ROWS = {"all_values_are_missing": " or ", "any_value_is_missing": " and "}


def _recounted(connection: duckdb.DuckDBPyConnection, found: Evaluated, expectation: Any) -> Evaluated:
    """Recount an expectation that several columns are unique together, by the query that finds the rows.

    Missing parts of a key count as equal, so a key with missing parts can be a duplicate. GX on SQL does not count such
    rows (a null equals nothing), GX on pandas does.
    """
    if found.broken is not None:
        return found
    together = COUNTED_ROWS.get(str(expectation.ignore_row_if))
    validated = together.join(f"{quoted(name)} is not null" for name in found.columns) if together else "true"
    row = connection.execute(
        f"""select coalesce(sum(rows), 0), coalesce(sum(rows) filter (rows > 1), 0)
        from (select count(*) as rows from batch where ({validated}) and ({found.where or "true"})
            group by {_key(found.columns)})"""
    ).fetchone()
    assert row is not None
    counted, twice = int(row[0]), int(row[1])
    return replace(
        found,
        validated=validated,
        success=counted == 0 or (counted - twice) / counted >= float(expectation.mostly),
        outcome={**found.outcome, "unexpected_count": twice},
    )


def _key(columns: Sequence[str]) -> str:
    return ", ".join(quoted(column) for column in columns)


@cache
def _borrowed_batch() -> tuple[Any, Any]:
    """A GX data source, and in it the view ``batch`` of whichever connection is borrowed; made once for all batches."""
    import great_expectations as gx

    from pipelines.loading.gx_duckdb import BORROWED

    context = gx.get_context(mode="ephemeral", project_config=_in_memory())
    data = context.data_sources.add_sql("gate", connection_string=BORROWED)
    asset = data.add_table_asset("batch", table_name="batch")
    return data, asset.add_batch_definition_whole_table("batch")


def _in_memory() -> Any:
    """A GX context without telemetry, progress bars or a folder for documents."""
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    return DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )


def _where(expectation: Any, engine: Any) -> str | None:
    """The row condition of an expectation (``Column("category") == "OLT"``) as SQL."""
    condition = getattr(expectation, "row_condition", None)
    if condition is None:
        return None
    clause = engine.condition_to_filter_clause(condition)
    return str(clause.compile(engine.engine, compile_kwargs={"literal_binds": True}))


def _exception(info: dict[str, Any] | None) -> str | None:
    """The error of an expectation that GX could not evaluate; GX itself reports it as merely failed."""
    if not info:
        return None
    entries = [info] if "raised_exception" in info else [v for v in info.values() if isinstance(v, dict)]
    for entry in entries:
        if entry.get("raised_exception") or entry.get("exception_message"):
            return str(entry.get("exception_message"))
    return None


def _query(expectation: Any) -> str | None:
    """The query of a load-level expectation that searches the batch for rows."""
    query = getattr(expectation, "unexpected_rows_query", None)
    return query.format(batch="batch") if isinstance(query, str) else None
