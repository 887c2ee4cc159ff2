"""``gorod warehouse``: make, migrate, check and move the warehouse, on DuckDB and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines import console
from pipelines.commands.answering import Json, escaped, handle_errors
from pipelines.settings import get_settings

if TYPE_CHECKING:
    from pipelines.warehouse.base import Warehouse
    from pipelines.warehouse.check import Finding

app = typer.Typer(
    no_args_is_help=True, help="The warehouse itself: make, migrate, check, move it between engines."
)


@app.command()
@handle_errors
def init() -> None:
    """Make Gorod's own schemas and tables where GOROD_WAREHOUSE points; nothing happens where they are."""
    from pipelines.warehouse import open_warehouse
    from pipelines.warehouse.migrations import SCHEMA_VERSION

    warehouse = open_warehouse(get_settings())
    warehouse.prepare()
    console.out.print(f"{escaped(warehouse.name)} has a ledger of form {SCHEMA_VERSION}")


@app.command()
@handle_errors
def migrate() -> None:
    """Bring the tables of an older Gorod to today's form, step by step. Make a backup before.

    Raw columns that were read otherwise than source.yml declares now are read again from the accepted deliveries.
    """
    from pipelines.loading.plan import run_lock
    from pipelines.loading.reread import read_changed_again
    from pipelines.warehouse import open_warehouse

    settings = get_settings()
    warehouse = open_warehouse(settings)
    with run_lock(settings), warehouse.writing():
        done = warehouse.migrate()
        for step in done:
            console.out.print(f"form {step.version}: {step.path.name}")
        changed = read_changed_again(settings, warehouse)
    for change in changed:
        console.out.print(f"read again: {escaped(str(change))}")
    if changed:
        console.out.print("to build the marts anew: gorod run")
    if not done and not changed:
        console.out.print(f"{escaped(warehouse.name)} has today's form; nothing to do")


@app.command()
@handle_errors
def check(
    landing: Annotated[
        bool,
        typer.Option(
            "--landing", help="Read every delivery of landing too, as gorod warehouse reconcile does."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Hold the warehouse against its ledger: form, rows of each load, days that would count twice, orphans, views.

    Leaves with 5 if it is not whole.
    """
    from pipelines.warehouse import open_warehouse
    from pipelines.warehouse.check import check_warehouse

    warehouse = open_warehouse(get_settings())
    found = check_warehouse(warehouse)
    if landing:
        found.findings.extend(_of_landing(warehouse))
    if as_json:
        console.as_json(asdict(found))
    else:
        if found.findings:
            console.table(
                "Not whole",
                ("what", "where", "says"),
                [(one.what, one.where, one.says) for one in found.findings],
            )
        console.out.print(
            f"{escaped(warehouse.name)}: form {found.version}, {found.loads} loads, {found.raw_rows} rows in "
            f"{found.raw_tables} raw tables, {found.views} tables and views readable: "
            + (f"{len(found.findings)} findings" if found.findings else "whole")
        )
    if found.findings:
        raise typer.Exit(5)


def _of_landing(warehouse: Warehouse) -> Iterator[Finding]:
    """What landing has not as the ledger says."""
    from pipelines.loading.reconcile import reconcile as held_against
    from pipelines.warehouse.check import Finding

    found = held_against(get_settings(), warehouse)
    yield from (Finding("landing", name, "its delivery is not here") for name in found.missing)
    for fault in found.faults:
        path, _, says = fault.rpartition(": ")
        yield Finding("landing", path, says)


@app.command()
@handle_errors
def reconcile(
    take_up: Annotated[
        bool, typer.Option("--take-up", help="Let the next gorod run load the deliveries that have no load.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Hold landing against the ledger after a restore. Leaves with 5 if a delivery is not here or is not as it came.

    Every delivery is read again. A ledger restored to an earlier moment does not know what landed since.
    """
    from contextlib import nullcontext

    from pipelines.loading.plan import run_lock
    from pipelines.loading.reconcile import reconcile as held_against
    from pipelines.warehouse import open_warehouse

    settings = get_settings()
    warehouse = open_warehouse(settings)
    with run_lock(settings) if take_up else nullcontext():
        found = held_against(settings, warehouse, take_up=take_up)
    if as_json:
        console.as_json(asdict(found))
    else:
        for name in found.unknown:
            console.out.print(f"no load of it: {escaped(name)}")
        for name in found.missing:
            console.out.print(f"[red]its delivery is not here[/]: {escaped(name)}")
        for fault in found.faults:
            console.out.print(f"[red]not as it came[/]: {escaped(fault)}")
        console.out.print(
            f"{found.deliveries} deliveries in {settings.landing}: {len(found.unknown)} without a load, "
            f"{len(found.changed)} changed; {len(found.missing)} loads without their delivery; "
            f"{len(found.removed)} deliveries left landing, for their days were over"
        )
        if found.unknown:
            console.out.print(
                "gorod run takes them up" if take_up else "to load them: --take-up, then gorod run"
            )
    if found.missing or found.changed:
        raise typer.Exit(5)


@app.command()
@handle_errors
def copy(
    source: Annotated[str, typer.Argument(help="DuckDB file or postgresql://…")],
    target: Annotated[str, typer.Argument(help="Empty DuckDB file or database.")],
    as_json: Json = False,
) -> None:
    """Copy a warehouse, from DuckDB to PostgreSQL or back: ledger, raw rows, catalogue, history.

    Counts and checksums of each table are compared before anything is committed. The marts are built by the next gorod
    run. Passwords are best left to PGPASSWORD or ~/.pgpass.
    """
    from pipelines.outputs import refuse_own_state, refuse_the_same
    from pipelines.warehouse import warehouse_at
    from pipelines.warehouse.copy import copy_warehouse, require_new_or_own

    timeout = get_settings().busy_timeout_s
    if "://" not in target:
        refuse_own_state(Path(target), get_settings())
        if "://" not in source:
            refuse_the_same(Path(target), {Path(source): "the source"})
        require_new_or_own(Path(target))
    given, made = warehouse_at(source, timeout), warehouse_at(target, timeout)
    copied = copy_warehouse(given, made)
    if as_json:
        console.as_json([asdict(one) for one in copied])
        return
    console.table(
        "Copied, the same on both sides",
        ("table", "rows", "checksum"),
        [(one.table, one.rows, one.checksum) for one in copied],
        right=("rows",),
    )
    console.out.print(
        f"{sum(one.rows for one in copied)} rows of {len(copied)} tables: {escaped(given.name)} → {escaped(made.name)}"
    )
