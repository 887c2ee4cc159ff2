"""Results of expectations in words for the supplier, without repeating personal data."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Sequence
from typing import Any, Literal

import duckdb

from pipelines.deliveries import ExpectationResult, ValidationResult
from pipelines.errors import Reason
from pipelines.loading.gx_suite import Evaluated
from pipelines.signs import printable

SAMPLE_ROWS = 20
SHOWN_VALUES = 10
SHOWN_LENGTH = 200


def result_of(
    connection: duckdb.DuckDBPyConnection, found: Evaluated, tellable: Collection[str]
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


def _rows_not_found(connection: duckdb.DuckDBPyConnection, found: Evaluated) -> str | None:
    """GX counted rows that its own query does not return: quarantine would miss them, so the load is refused."""
    counted = int(found.outcome.get("unexpected_count") or 0)
    if found.meta["level"] != "row" or counted == 0:
        return None
    query = f"select count(distinct row_no) from ({found.rows_query})" if found.rows_query else "select 0"
    row = connection.execute(query).fetchone()
    assert row is not None
    return None if row[0] == counted else f": {counted} строк не прошли проверку, найдено {row[0]}"


def _without_content(name: str, text: str) -> str:
    """The kind of error only: its message may contain the supplier's data. Errors of SQL go to the log."""
    kind = re.search(
        r"\b(Binder|Catalog|Parser|Conversion|Invalid Input|Out of Range|Out of Memory) Error\b", text
    )
    if kind is None:
        return ""
    if kind.group(1) in ("Binder", "Catalog", "Parser"):
        line = text[kind.start() :].splitlines()[0]
        logging.getLogger(__name__).error("expectation %s: %s", name, plain(line, 300))
    return f": {kind.group()}"


def _with_observed(
    says: str, found: Evaluated, tellable: Collection[str], connection: duckdb.DuckDBPyConnection
) -> str:
    """Add the observed value to a load-level sentence, if it may be shown.

    A query with a column ``description`` supplies the text itself; its author is responsible for what it reveals.
    """
    observed = found.outcome.get("observed_value")
    if found.meta["level"] == "row" or found.success or observed is None:
        return says
    if found.query is not None:
        rows = connection.sql(found.query)
        if "description" in rows.columns:
            named = [
                plain(str(name), SHOWN_LENGTH)
                for (name,) in rows.project("description").fetchmany(SAMPLE_ROWS)
            ]
            left = int(observed) - len(named)
            found_is = "" if says.endswith(":") else " Получено:"
            return f"{says}{found_is} {'; '.join(named)}{f' и ещё {left}' if left > 0 else ''}."
    is_count = isinstance(observed, int) and not found.columns
    if not is_count and not (found.columns and set(found.columns) <= set(tellable)):
        return says
    values = sorted(map(str, observed)) if isinstance(observed, list | set | tuple) else [str(observed)]
    shown = [plain(value, 60) for value in values[:SHOWN_VALUES]]
    more = f" и ещё {len(values) - len(shown)}" if len(values) > len(shown) else ""
    return f"{says} Получено: {', '.join(shown)}{more}."


def plain(text: str, limit: int) -> str:
    """Printable text, shortened to a limit."""
    clean = printable(text)
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def unreadable_delivery(reasons: Sequence[Reason]) -> ValidationResult:
    """The result for a delivery that cannot be read."""
    return ValidationResult(tuple(result_from_reason(reason) for reason in reasons))


def result_from_reason(
    reason: Reason, severity: Literal["critical", "warning"] = "critical"
) -> ExpectationResult:
    """A refusal by a reader or the ledger as a load-level result; or a reader's remark, as a warning."""
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
