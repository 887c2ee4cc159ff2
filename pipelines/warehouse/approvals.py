"""Whether it is a load's turn to be approved or revoked at a step, and whether it may count then."""

from __future__ import annotations

import duckdb

from pipelines.errors import GorodError
from pipelines.sql import literal
from pipelines.warehouse.base import Approval
from pipelines.warehouse.tables import asked


def steps_of(connection: duckdb.DuckDBPyConnection, load_id: str) -> list[tuple[str, bool]]:
    """The steps that a load needs, in order, and whether it has each."""
    return [
        (step, bool(given))
        for step, given in asked(
            connection,
            f"""
            select
                steps.step,
                exists (
                    select 1 from ops.approval_in_force as given
                    where given.load_id = steps.load_id and given.step_no = steps.step_no
                ) as given
            from ops.approval_step as steps where steps.load_id = {literal(load_id)} order by steps.step_no
            """,
        )
    ]


def require_turn(connection: duckdb.DuckDBPyConnection, load_id: str, approval: Approval) -> None:
    """Check that a load has all steps before this one, and not this one; or, to revoke it, that it has this one.

    Raises:
        GorodError: it is not so, or the load needs no such step.
    """
    steps = steps_of(connection, load_id)
    if not steps:
        raise GorodError(
            f"load {load_id} needs no approval", "Nothing was changed. See: gorod explain " + load_id
        )
    names = [step for step, _ in steps]
    if approval.step not in names:
        raise GorodError(
            f"load {load_id} has no step {approval.step!r}",
            f"Nothing was changed. Its steps: {', '.join(names)}.",
        )
    given = dict(steps)[approval.step]
    if approval.decision == "revoked":
        if not given:
            raise GorodError(
                f"load {load_id} is not approved at step {approval.step}: there is nothing to revoke",
                "Nothing was changed. See: gorod explain " + load_id,
            )
        return
    if given:
        raise GorodError(
            f"load {load_id} is already approved at step {approval.step}",
            "Nothing was changed. See: gorod explain " + load_id,
        )
    missing = next(step for step, has in steps if not has)
    if missing != approval.step:
        raise GorodError(
            f"load {load_id} is not yet approved at step {missing}, which comes before {approval.step}",
            f"Nothing was changed. First: gorod survey approve {load_id} --step {missing}",
        )
    if not asked(connection, f"select 1 as one from ops.passed_load where load_id = {literal(load_id)}"):
        raise GorodError(
            f"load {load_id} was refused by the gate: there is nothing to approve",
            "Nothing was changed. The supplier has to deliver again. See: gorod explain " + load_id,
        )


def require_place(connection: duckdb.DuckDBPyConnection, load_id: str) -> None:
    """Check that an approved load does not count days that another one already counts.

    Raises:
        GorodError: it does.
    """
    given = literal(load_id)
    for (other,) in asked(
        connection,
        f"""
        select case when pairs.load_id = {given} then pairs.kept_load_id else pairs.load_id end as other
        from ops.conflicting_load as pairs where pairs.load_id = {given} or pairs.kept_load_id = {given} order by 1
        """,
    ):
        raise GorodError(
            f"load {load_id} has days in common with {other}, and the later of them does not cover the earlier",
            "Nothing was changed. The supplier has to deliver a period that is the same, or covers it completely.",
        )


def insert(connection: duckdb.DuckDBPyConnection, load_id: str, approval: Approval) -> None:
    """Append a decision to those of its load."""
    connection.execute(
        "insert into ops.approval select ?, (select count(*) from ops.approval where load_id = ?) + 1, ?, ?, ?, ?, ?",
        [
            load_id, load_id, approval.step, approval.decision, approval.at.replace(tzinfo=None), approval.by_whom,
            approval.note,
        ],
    )  # fmt: skip
