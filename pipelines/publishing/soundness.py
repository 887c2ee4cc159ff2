"""Check the contracts before publication: against the ledger, and against the current publication."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from pipelines.errors import GorodError
from pipelines.publishing.contracts import LOADS, SCHEMA, Contract
from pipelines.publishing.embargo import FIGURES
from pipelines.publishing.keys import primary_key
from pipelines.sql import literal, quoted

# The run tag that says why its publication may lose more figures than declared.
ACCEPT_LOSS = "gorod/accept-loss"


@dataclass(frozen=True)
class Loss:
    """Published figures of a contract that are gone: ``lost`` of ``had``, with some of them in words."""

    contract: str
    had: int
    lost: int
    examples: tuple[str, ...]


def require_ledger(
    connection: duckdb.DuckDBPyConnection, warehouse: str, contracts: list[Contract], remedy: str
) -> None:
    """Check that the contracts contain exactly the loads in force, and that their rows produced observations.

    Args:
        warehouse: its name in the connection.

    Raises:
        GorodError: one of these is not so.
    """
    here = quoted(warehouse)
    load_contract = next(contract.read_from for contract in contracts if contract.name == LOADS)
    in_force = (
        f"select load_id, source, feed, rows_accepted from {here}.ops.effective_load"
        f" where (source, feed) in (select (source, feed) from {here}.catalogue.feed)"
    )
    rows = connection.execute(
        f"""
        with in_force as ({in_force})
        select coalesce(published.load_id, in_force.load_id), published.load_id is null
        from in_force full join {load_contract} as published on in_force.load_id = published.load_id
        where published.load_id is null or in_force.load_id is null
        order by all
        """
    ).fetchall()
    if rows:
        load_id, is_missing = rows[0]
        raise GorodError(
            f"not published: {SCHEMA}.{LOADS} does not hold the loads in force: {len(rows)} differ, first {load_id},"
            f" which {'it lacks' if is_missing else 'is not in force'}; what was published before stays",
            remedy,
        )
    feeds = connection.execute(
        f"""
        with in_force as ({in_force})
        select source || '.' || feed, sum(rows_accepted)
        from in_force
        where (source, feed) in (select (source, feed) from {here}.catalogue.measure)
        group by source, feed
        having
            sum(rows_accepted) > 0
            and count(*) filter (load_id in (select load_id from {here}.intermediate.int_observations_by_load)) = 0
        order by 1
        """
    ).fetchall()
    if feeds:
        raise GorodError(
            f"not published: the loads of {feeds[0][0]} hold {feeds[0][1]} rows, and not one observation was made of"
            " them; what was published before stays",
            "Run `gorod run`. If it stays, the models are wrong: tell whoever keeps Gorod.",
        )


def losses(connection: duckdb.DuckDBPyConnection, contracts: list[Contract], published: str) -> list[Loss]:
    """What contracts with figures and a key lose compared with a publication's DuckDB file.

    A contract that is gone, or now has another key, does not count as a loss.
    """
    connection.execute(f"attach {literal(published)} as shown (read_only)")
    try:
        there: dict[str, set[str]] = {}
        for table, column in connection.execute(
            "select table_name, column_name from duckdb_columns() where database_name = 'shown' and schema_name = ?",
            [SCHEMA],
        ).fetchall():
            there.setdefault(table, set()).add(column)
        return [
            loss
            for contract in contracts
            for loss in [_loss(connection, contract, there.get(contract.name, set()))]
            if loss is not None and loss.lost
        ]
    finally:
        connection.execute("detach shown")


def _loss(connection: duckdb.DuckDBPyConnection, contract: Contract, there: set[str]) -> Loss | None:
    key = primary_key(contract.name)
    figure = next((name for name in FIGURES if contract.has(name)), None)
    if figure is None or not key or not contract.has(*key) or not {figure, *key} <= there:
        return None
    names = ", ".join(map(quoted, key))
    words = " || ' ' || ".join(f"coalesce({quoted(name)}::varchar, '')" for name in key)
    had, lost, examples = connection.execute(
        f"""
        with shown as (select {names} from shown.{SCHEMA}.{quoted(contract.name)} where {quoted(figure)} is not null),
        gone as (
            select {names} from shown
            except select {names} from {contract.read_from} where {quoted(figure)} is not null
        )
        select (select count(*) from shown), (select count(*) from gone),
            (select list(words) from (select {words} as words from gone order by 1 limit 3))
        """
    ).fetchall()[0]
    return Loss(contract.name, had, lost, tuple(examples or ()))


def require_no_great_loss(found: list[Loss], at_most_pct: float, why: str | None) -> None:
    """Refuse a publication that loses more than a share of a contract's figures, unless a reason is given.

    Raises:
        GorodError: the message says what would be lost.
    """
    great = [loss for loss in found if loss.lost * 100 > at_most_pct * loss.had]
    if great and why is None:
        message = "; ".join(
            f"{loss.contract} loses {loss.lost} of {loss.had} figures ({loss.lost * 100 / loss.had:.1f} %),"
            f" as {', '.join(loss.examples)}"
            for loss in great
        )
        raise GorodError(
            f"not published: {message}; at most {at_most_pct:g} % may go by themselves; what was published before stays",
            "Look at gorod status --loads for what was revoked or refused. If they are to go: gorod run --accept-loss WHY"
            f" (in the UI: the tag {ACCEPT_LOSS} on the run); the reason is kept in the manifest.",
        )
