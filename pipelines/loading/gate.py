"""The gate: a Great Expectations suite on the batch, in DuckDB in memory, whatever the warehouse.

It decides and explains; it changes nothing. Acceptance itself lives in the ledger.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa

from pipelines.declarations.sources import load_sources
from pipelines.deliveries import Batch, ExpectationResult, ValidationResult
from pipelines.disk import full_disk
from pipelines.errors import DeclarationError, GorodError, Reason
from pipelines.loading.suites import suite_module
from pipelines.signs import printable
from pipelines.sql import literal, quoted

SAMPLE_ROWS = 20
TOLD_VALUES = 10
TOLD_LENGTH = 200
READABLE = "row.readable"
COUNTS = {"result_format": "BASIC", "partial_unexpected_count": 0}
ROWS = {
    "result_format": "SUMMARY",
    "partial_unexpected_count": 0,
    "unexpected_index_column_names": ["row_no"],
    "return_unexpected_index_query": True,
}


def load_suite(source: str, feed: str) -> list[Any]:
    """The expectations of a feed: those that its declaration makes by itself, then those of its module.

    Raises:
        DeclarationError: there is no suite, it cannot be used, it is empty, or two expectations have one name.
    """
    module = suite_module(source, feed)
    declared = load_sources()[source].feeds.get(feed) if source in load_sources() else None
    suite: list[Any] = list(module.SUITE)
    if suite and declared is not None:
        from expectations.declared import expectations_of

        suite = [*expectations_of(declared, load_sources()[source].territories), *suite]
    names = [expectation.meta["name"] for expectation in suite]
    if not suite or len(set(names)) != len(names):
        raise DeclarationError(
            f"suite {module.__file__} is empty or repeats a name: {names}",
            "Give each expectation a name of its own.",
        )
    return suite


def load_context(source: str, feed: str) -> dict[str, str]:
    """What a suite knows beside the batch: its ``CONTEXT``, the name of a table and the SELECT that fills it.

    A SELECT is DuckDB's SQL on the warehouse (``raw``, ``ops``, ``catalogue``), run before the gate. It may use
    ``$source, $feed, $instance, $part, $first_day, $last_day, $today`` of the delivery.
    """
    return dict(getattr(suite_module(source, feed), "CONTEXT", {}))


def suite_hash(suite: Sequence[Any], context: Mapping[str, str] | None = None) -> str:
    """SHA-256 of all that a suite asks, code lists that it is made from included, wherever in the code it stands."""
    asked = [expectation.configuration.to_json_dict() for expectation in suite]
    if context:
        asked.append(dict(context))
    return hashlib.sha256(json.dumps(asked, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def parameters_of(suite: Sequence[Any]) -> set[str]:
    """Names of the parameters that a suite asks for: ``{"$PARAMETER": name}``."""
    return {
        value["$PARAMETER"]
        for expectation in suite
        for value in vars(expectation).values()
        if isinstance(value, dict) and "$PARAMETER" in value
    }


@cache
def _readable() -> Any:
    """What every suite begins with: each row could be read as the declared types."""
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
    ``context`` stand beside ``batch``, for the queries of the suite: ``delivery``, and what the suite's ``CONTEXT`` asks
    the warehouse for. A suite of which anything could not be evaluated refuses the load: a broken suite never passes.
    What was observed is told where it is a count, or values of ``tellable`` columns: those that hold nothing of persons.
    """
    with duckdb.connect() as connection:
        for name, table in (context or {}).items():
            connection.register("given", table)
            connection.execute(f"create table {quoted(name)} as from given")
            connection.unregister("given")
        expectations = [_readable(), *suite]
        _lay_out(connection, batch.path, expectations)
        # Counting is cheap; the queries that find rows cost GX half as much again, and most loads need none.
        found = _validate(connection, expectations, parameters, COUNTS)
        unclean = {
            f.meta["name"] for f in found if f.meta["level"] == "row" and f.outcome.get("unexpected_count")
        }
        if unclean:
            again = [e for e in expectations if e.meta["name"] in unclean]
            rows = {f.meta["name"]: f for f in _validate(connection, again, parameters, ROWS)}
            found = [rows.get(f.meta["name"], f) for f in found]
        results = tuple(_result(connection, outcome, tellable) for outcome in found)
        quarantine, quarantined = _write_quarantine(connection, found, folder / "quarantine.parquet")
        flagged = _write_flagged(connection, found, folder / "flagged.parquet")
    return ValidationResult(results, quarantine, quarantined, flagged)


def _lay_out(connection: duckdb.DuckDBPyConnection, path: Path, expectations: Sequence[Any]) -> None:
    """``delivered`` is the batch as it was read; ``batch`` has a column more for each rule: whether it holds.

    A rule whose SQL cannot be bound gets no column: Great Expectations does not find it, and the load is refused.
    """
    connection.execute(f"create view delivered as select * from read_parquet({literal(str(path))})")
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


@dataclass(frozen=True)
class _Found:
    """One evaluated expectation, with the query of its unexpected rows where it has rows."""

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


def _validate(
    connection: duckdb.DuckDBPyConnection,
    expectations: Sequence[Any],
    parameters: dict[str, Any],
    result_format: dict[str, Any],
) -> list[_Found]:
    """Run the suite once; results in the order of the declarations."""
    import great_expectations as gx

    from pipelines.loading.gx_duckdb import borrowed_engine_url

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    with borrowed_engine_url(connection) as url, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context = gx.get_context(mode="ephemeral", project_config=_in_memory())
        data = context.data_sources.add_sql("gate", connection_string=url)
        engine = data.get_execution_engine()
        batch = data.add_table_asset("batch", table_name="batch").add_batch_definition_whole_table("batch")
        suite = gx.ExpectationSuite(
            "suite", expectations=[expectation.copy() for expectation in expectations]
        )
        outcome = batch.get_batch().validate(
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
        # GX keeps what fails to itself; a full disk is no fault of the suite, and none of the delivery
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
            _Found(
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


# Which rows of a key of several columns are looked at, by GX's names.
JUDGED = {"all_values_are_missing": " or ", "any_value_is_missing": " and "}


def _recounted(connection: duckdb.DuckDBPyConnection, found: _Found, expectation: Any) -> _Found:
    """Several columns unique together, counted as the rows are found.

    A part that is missing is like another that is missing: a key that stands twice stands twice, whatever is missing of
    it. GX on SQL does not count such rows (a null is never equal), and its pandas does.
    """
    if found.broken is not None:
        return found
    together = JUDGED.get(str(expectation.ignore_row_if))
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


def _in_memory() -> Any:
    """A GX context that keeps nothing: no telemetry, no progress bars, no folder for its documents."""
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
    """GX reports an expectation that could not be evaluated as failed; the difference matters."""
    if not info:
        return None
    entries = [info] if "raised_exception" in info else [v for v in info.values() if isinstance(v, dict)]
    for entry in entries:
        if entry.get("raised_exception") or entry.get("exception_message"):
            return str(entry.get("exception_message"))
    return None


def _result(
    connection: duckdb.DuckDBPyConnection, found: _Found, tellable: Collection[str]
) -> ExpectationResult:
    meta = found.meta
    broken = (
        _without_content(meta["name"], found.broken) if found.broken else _rows_not_found(connection, found)
    )
    if broken is not None:
        return ExpectationResult(
            expectation=meta["name"],
            level=meta["level"],
            severity="critical",
            dimension=meta["dimension"],
            column=", ".join(found.columns) or None,
            success=False,
            evaluated_count=0,
            unexpected_count=0,
            says=f"Проверка не выполнена: {meta['name']}{broken}.",
            remedy="Ошибка в описании проверки: обратитесь к администратору хранилища.",
        )
    is_row = meta["level"] == "row"
    samples: list[tuple[Any, ...]] = []
    if found.rows_query:
        samples = connection.execute(
            f"select distinct row_no from ({found.rows_query}) order by row_no limit {SAMPLE_ROWS}"
        ).fetchall()
    return ExpectationResult(
        expectation=meta["name"],
        level=meta["level"],
        severity=found.severity,
        dimension=meta["dimension"],
        column=", ".join(c for c in found.columns if c != "parse_errors") or None,
        success=found.success,
        evaluated_count=int(found.outcome.get("element_count") or 0) if is_row else 1,
        unexpected_count=int(found.outcome.get("unexpected_count") or 0)
        if is_row
        else int(not found.success),
        says=_with_observed(meta["says"], found, tellable, connection),
        remedy=meta["remedy"],
        sample_rows=tuple(int(row[0]) for row in samples),
    )


def _rows_not_found(connection: duckdb.DuckDBPyConnection, found: _Found) -> str | None:
    """GX counted rows that its own query does not give: quarantine would miss them, so nothing may pass."""
    counted = int(found.outcome.get("unexpected_count") or 0)
    if found.meta["level"] != "row" or counted == 0:
        return None
    query = f"select count(distinct row_no) from ({found.rows_query})" if found.rows_query else "select 0"
    row = connection.execute(query).fetchone()
    assert row is not None
    return None if row[0] == counted else f": {counted} строк не прошли проверку, найдено {row[0]}"


def _without_content(name: str, text: str) -> str:
    """The kind of what went wrong. What an error says of values is theirs, not ours to repeat; of SQL it goes to the log."""
    kind = re.search(
        r"\b(Binder|Catalog|Parser|Conversion|Invalid Input|Out of Range|Out of Memory) Error\b", text
    )
    if kind is None:
        return ""
    if kind.group(1) in ("Binder", "Catalog", "Parser"):
        line = text[kind.start() :].splitlines()[0]
        logging.getLogger(__name__).error("expectation %s: %s", name, plain(line, 300))
    return f": {kind.group()}"


def _query(expectation: Any) -> str | None:
    """The query of a load-level expectation that looks for rows, on the batch."""
    query = getattr(expectation, "unexpected_rows_query", None)
    return query.format(batch="batch") if isinstance(query, str) else None


def _with_observed(
    says: str, found: _Found, tellable: Collection[str], connection: duckdb.DuckDBPyConnection
) -> str:
    """Load-level sentences tell the observed value too, if it may be told.

    A query with a column ``told`` says itself what it found: its author answers for that.
    """
    observed = found.outcome.get("observed_value")
    if found.meta["level"] == "row" or found.success or observed is None:
        return says
    if found.query is not None:
        rows = connection.sql(found.query)
        if "told" in rows.columns:
            named = [plain(str(name), TOLD_LENGTH) for (name,) in rows.project("told").fetchmany(SAMPLE_ROWS)]
            left = int(observed) - len(named)
            found_is = "" if says.endswith(":") else " Получено:"
            return f"{says}{found_is} {'; '.join(named)}{f' и ещё {left}' if left > 0 else ''}."
    is_count = isinstance(observed, int) and not found.columns
    if not is_count and not (found.columns and set(found.columns) <= set(tellable)):
        return says
    values = sorted(map(str, observed)) if isinstance(observed, list | set | tuple) else [str(observed)]
    shown = [plain(value, 60) for value in values[:TOLD_VALUES]]
    more = f" и ещё {len(values) - len(shown)}" if len(values) > len(shown) else ""
    return f"{says} Получено: {', '.join(shown)}{more}."


def plain(text: str, limit: int) -> str:
    """A text that does nothing where it is shown, and is not long."""
    clean = printable(text)
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def _failed_rows(found: list[_Found], severity: str) -> list[tuple[_Found, str]]:
    return [(f, f.rows_query) for f in found if f.severity == severity and f.rows_query is not None]


def _write_quarantine(
    connection: duckdb.DuckDBPyConnection, found: list[_Found], out: Path
) -> tuple[Path | None, int]:
    failed = _failed_rows(found, "critical")
    if not failed:
        return None, 0
    reasons = " union all ".join(
        f"""select row_no, json_object(
            'expectation', {literal(f.meta["name"])}, 'column', {literal(", ".join(f.columns))},
            'value', {_given(f.columns)}, 'says', {literal(f.meta["says"])}, 'remedy', {literal(f.meta["remedy"])}
        ) as reason from batch where row_no in (select row_no from ({query}))"""
        for f, query in failed
        if f.meta["name"] != READABLE
    )
    unreadable = """
        select row_no, json_object(
            'expectation', 'row.readable', 'column', error ->> 'column', 'value', error ->> 'value',
            'says', 'Ожидается: ' || (error ->> 'expected') || '.',
            'remedy', 'Исправьте значение по указанному образцу и передайте выгрузку снова.'
        ) as reason
        from (select row_no, unnest(from_json(parse_errors, '["JSON"]')) as error from batch where parse_errors is not null)
    """
    parts = [
        part
        for part in (reasons, unreadable if any(f.meta["name"] == READABLE for f, _ in failed) else "")
        if part
    ]
    has_places = "row_place" in connection.sql("from delivered").columns
    reason = (
        "json_merge_patch(reason, json_object('place', row_place))" if has_places else "reason"
    ) + "::VARCHAR"
    connection.execute(
        f"""copy (
            select batch.row_no, '[' || string_agg({reason}, ', ' order by {reason}) || ']' as reasons,
                any_value(to_json(batch))::VARCHAR as record
            from ({" union all ".join(parts)}) as failed
            join (select * exclude (parse_errors) from delivered) as batch using (row_no)
            group by batch.row_no
            order by batch.row_no
        ) to {literal(str(out))} (format parquet)"""
    )
    counted = connection.execute(f"select count(*) from {literal(str(out))}").fetchone()
    assert counted is not None
    return out, int(counted[0])


def _given(columns: tuple[str, ...]) -> str:
    return (
        "concat_ws(', ', " + ", ".join(f"{quoted(column)}::VARCHAR" for column in columns) + ")"
        if columns
        else "null"
    )


def _write_flagged(connection: duckdb.DuckDBPyConnection, found: list[_Found], out: Path) -> Path | None:
    failed = _failed_rows(found, "warning")
    if not failed:
        return None
    union = " union ".join(
        f"select row_no, {literal(f.meta['name'])} as expectation from ({query})" for f, query in failed
    )
    connection.execute(f"copy ({union} order by all) to {literal(str(out))} (format parquet)")
    return out


def unreadable(reasons: Sequence[Reason]) -> ValidationResult:
    """The verdict on a delivery that no reader could take in."""
    return ValidationResult(tuple(from_reason(reason) for reason in reasons))


def from_reason(reason: Reason, severity: Literal["critical", "warning"] = "critical") -> ExpectationResult:
    """A reader's or the ledger's refusal as a load-level result, or what a reader has to tell, as a warning."""
    return ExpectationResult(
        expectation=reason.expectation,
        level="load",
        severity=severity,
        dimension="validity",
        column=reason.column,
        success=False,
        evaluated_count=1,
        unexpected_count=1,
        says=plain(reason.message, 1000)
        + ("" if reason.value is None else f" Дано: «{plain(reason.value, 200)}»."),
        remedy=reason.remedy,
        sample_rows=(reason.row,) if reason.row is not None else (),
    )
