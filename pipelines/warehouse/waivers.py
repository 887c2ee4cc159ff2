"""Whether a refused load can be waived, and the rows that a waiver accepts."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from pipelines.declarations.feeds import Feed
from pipelines.errors import GorodError, WarehouseError
from pipelines.sql import literal
from pipelines.warehouse import ledger_rows
from pipelines.warehouse.base import raw_table
from pipelines.warehouse.tables import asked, rows_of_load


def waived_until(connection: duckdb.DuckDBPyConnection, load_id: str) -> date | None:
    """The last day of the waiver that is in force, if one is."""
    found = asked(connection, f"select waived_until from ops.passed_load where load_id = {literal(load_id)}")
    return found[0][0] if found else None


def require_place(connection: duckdb.DuckDBPyConnection, load_id: str) -> None:
    """Check that a waived load counts now, only once, and does not replace part of another.

    Raises:
        GorodError: one of these conditions is not met.
    """
    given = literal(load_id)
    what = f"load {load_id} cannot be waived"
    for other, slice_ in asked(
        connection,
        f"""
        select loads.load_id, loads.slice
        from ops.conflicting_load as pairs
        inner join ops.load as loads
            on loads.load_id = case when pairs.load_id = {given} then pairs.kept_load_id else pairs.load_id end
        where pairs.load_id = {given} or pairs.kept_load_id = {given}
        order by loads.load_no
        """,
    ):
        raise GorodError(
            f"{what}: it has days in common with {other} ({slice_}), but the later of them does not cover "
            "the earlier; those days would count twice",
            "Nothing was changed. The supplier has to deliver a period that is the same, covers it completely, or does not "
            f"overlap it: {slice_}.",
        )
    for other, instance, slice_ in asked(
        connection,
        f"""
        select twins.load_id, twins.instance, twins.slice
        from ops.accepted_load as twins
        inner join ops.load as loads
            on loads.source = twins.source and loads.feed = twins.feed and loads.sha256 = twins.sha256
        where
            loads.load_id = {given}
            and (loads.instance <> twins.instance or loads.part <> twins.part)
            and not twins.not_retained
        order by twins.load_no
        """,
    ):
        raise GorodError(
            f"{what}: the same bytes already count as {other} ({instance}, {slice_}), and its rows would "
            "count twice",
            "Nothing was changed. The supplier has to deliver what belongs to this instance and part.",
        )
    if asked(connection, f"select 1 as one from ops.effective_load where load_id = {given}"):
        return
    if asked(
        connection,
        f"select 1 as one from ops.passed_load inner join ops.unapproved_load using (load_id) where load_id = {given}",
    ):
        return  # it takes its place with its last approval
    if not asked(connection, f"select 1 as one from ops.accepted_load where load_id = {given}"):
        raise GorodError(
            f"{what} until a day in the past (in Minsk, by the clock of the warehouse)",
            "Nothing was changed. Give a day from today on.",
        )
    ((newer,),) = asked(
        connection,
        f"""
        select max(newer.load_id) as load_id
        from ops.effective_load as newer
        inner join ops.accepted_span as spans on newer.load_id = spans.load_id
        inner join ops.accepted_span as own
            on
                own.source = spans.source and own.feed = spans.feed and own.instance = spans.instance
                and own.part = spans.part and spans.from_day <= own.from_day and spans.to_day >= own.to_day
        where own.load_id = {given}
        """,
    )
    raise GorodError(
        f"{what}: a newer load has replaced it ({newer})",
        f"Nothing was changed. To replace that one by this delivery: gorod replay {load_id} --anyway",
    )


def insert_waived_rows(
    connection: duckdb.DuckDBPyConnection,
    load_id: str,
    feed: Feed,
    batch: Path | None,
    fingerprint: str | None,
) -> None:
    """The rows of a refused load that are not in quarantine; exactly as many as the ledger says.

    Raises:
        GorodError: ``batch`` is not what was refused.
        WarehouseError: the number of rows or quarantined rows is not what the ledger says; or there is no row to accept.
    """
    ((source, name, delivered, quarantined, known, kept_back),) = asked(
        connection,
        f"""
        select
            loads.source, loads.feed, loads.rows_delivered, loads.rows_quarantined,
            (select max(fingerprint) from ops.refused_batch as read where read.load_id = loads.load_id) as fingerprint,
            (select count(distinct row_no) from ops.quarantine as kept where kept.load_id = loads.load_id) as kept_back
        from ops.load as loads where loads.load_id = {literal(load_id)}
        """,
    )
    if kept_back != quarantined:
        raise WarehouseError(
            f"load {load_id}: {kept_back} rows are in quarantine, the ledger says {quarantined}",
            "Nothing was changed. See: gorod warehouse check",
        )
    if delivered == quarantined:
        raise GorodError(
            f"load {load_id}: all its {delivered} rows are in quarantine, and stay there; a waiver would mean that there "
            "were none",
            "Nothing was changed. The supplier has to deliver again. See: gorod explain " + load_id,
        )
    table = raw_table(source, name)
    if batch is not None and not rows_of_load(connection, table, load_id):
        if known != fingerprint:
            raise GorodError(
                f"the delivery of load {load_id} is read differently than when it was refused: the declaration of "
                f"{source}.{name}, its reader or the pseudonym key has changed since",
                "Nothing was changed. Validate it as it is read today, and waive that load if it is refused: "
                f"gorod replay {load_id}",
            )
        kept = f"select row_no from ops.quarantine where load_id = {literal(load_id)}"
        ledger_rows.insert_batch(connection, table, load_id, feed, batch, kept)
    arrived = rows_of_load(connection, table, load_id)
    if arrived != delivered - quarantined:
        raise WarehouseError(
            f"load {load_id}: {arrived} rows arrived, {delivered - quarantined} are not in quarantine",
            "Nothing was changed. See: gorod warehouse check",
        )
