"""Quarantined and flagged rows with their reasons, written as Parquet next to the batch."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.loading.gx_suite import Evaluated
from pipelines.sql import literal, quoted

READABLE = "row.readable"


def _failed_rows(found: list[Evaluated], severity: str) -> list[tuple[Evaluated, str]]:
    return [(f, f.rows_query) for f in found if f.severity == severity and f.rows_query is not None]


def write_quarantine(
    connection: duckdb.DuckDBPyConnection, found: list[Evaluated], out: Path
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
    unreadable_delivery = """
        select row_no, json_object(
            'expectation', 'row.readable', 'column', error ->> 'column', 'value', error ->> 'value',
            'says', 'Ожидается: ' || (error ->> 'expected') || '.',
            'remedy', 'Исправьте значение по указанному образцу и передайте выгрузку снова.'
        ) as reason
        from (select row_no, unnest(from_json(parse_errors, '["JSON"]')) as error from batch where parse_errors is not null)
    """
    parts = [
        part
        for part in (
            reasons,
            unreadable_delivery if any(f.meta["name"] == READABLE for f, _ in failed) else "",
        )
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


def write_flagged(connection: duckdb.DuckDBPyConnection, found: list[Evaluated], out: Path) -> Path | None:
    failed = _failed_rows(found, "warning")
    if not failed:
        return None
    union = " union ".join(
        f"select row_no, {literal(f.meta['name'])} as expectation from ({query})" for f, query in failed
    )
    connection.execute(f"copy ({union} order by all) to {literal(str(out))} (format parquet)")
    return out
