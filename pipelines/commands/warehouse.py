"""``gorod warehouse``: create, migrate, check and copy the warehouse, on DuckDB and on PostgreSQL."""

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
    no_args_is_help=True, help="The warehouse itself: create, migrate, check, copy it between engines."
)


@app.command()
@handle_errors
def init() -> None:
    """Create Gorod's own schemas and tables where GOROD_WAREHOUSE points, if they do not exist."""
    from pipelines.warehouse import open_warehouse
    from pipelines.warehouse.migrations import SCHEMA_VERSION

    warehouse = open_warehouse(get_settings())
    warehouse.prepare()
    console.out.print(f"{escaped(warehouse.name)} has schema version {SCHEMA_VERSION}")


@app.command()
@handle_errors
def migrate() -> None:
    """Migrate the tables of an older Gorod to the current schema version, step by step. Make a backup first.

    Raw columns whose declaration in source.yml has changed since are read again from the accepted deliveries.
    """
    from pipelines.loading.plan import run_lock
    from pipelines.loading.reread import read_changed_again
    from pipelines.warehouse import open_warehouse

    settings = get_settings()
    warehouse = open_warehouse(settings)
    with run_lock(settings), warehouse.writing():
        done = warehouse.migrate()
        for step in done:
            console.out.print(f"version {step.version}: {step.path.name}")
        changed = read_changed_again(settings, warehouse)
    for change in changed:
        console.out.print(f"read again: {escaped(str(change))}")
    if changed:
        console.out.print("to rebuild the marts: gorod run")
    if not done and not changed:
        console.out.print(f"{escaped(warehouse.name)} has the current schema version: nothing to do")


@app.command()
@handle_errors
def check(
    landing: Annotated[
        bool,
        typer.Option(
            "--landing", help="Also read every delivery in landing, as gorod warehouse reconcile does."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Check the warehouse against its ledger: schema version, rows of each load, days that would count twice, orphans, views.

    Exits with 5 if something is wrong.
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
                "Problems",
                ("what", "where", "says"),
                [(one.what, one.where, one.says) for one in found.findings],
            )
        console.out.print(
            f"{escaped(warehouse.name)}: schema version {found.version}, {found.loads} loads, {found.raw_rows} rows in "
            f"{found.raw_tables} raw tables, {found.views} tables and views readable: "
            + (f"{len(found.findings)} findings" if found.findings else "all consistent")
        )
    if found.findings:
        raise typer.Exit(5)


def _of_landing(warehouse: Warehouse) -> Iterator[Finding]:
    """Where landing differs from the ledger."""
    from pipelines.loading.reconcile import reconcile as compare_landing
    from pipelines.warehouse.check import Finding

    found = compare_landing(get_settings(), warehouse)
    yield from (Finding("landing", name, "its delivery is missing") for name in found.missing)
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
    """Compare landing with the ledger after a restore. Exits with 5 if a delivery is missing or has changed.

    Every delivery is read. A ledger restored to an earlier moment does not know what landed since.
    """
    from contextlib import nullcontext

    from pipelines.loading.plan import run_lock
    from pipelines.loading.reconcile import reconcile as compare_landing
    from pipelines.warehouse import open_warehouse

    settings = get_settings()
    warehouse = open_warehouse(settings)
    with run_lock(settings) if take_up else nullcontext():
        found = compare_landing(settings, warehouse, take_up=take_up)
    if as_json:
        console.as_json(asdict(found))
    else:
        for name in found.unknown:
            console.out.print(f"without a load: {escaped(name)}")
        for name in found.missing:
            console.out.print(f"[red]delivery is missing[/]: {escaped(name)}")
        for fault in found.faults:
            console.out.print(f"[red]changed[/]: {escaped(fault)}")
        console.out.print(
            f"{found.deliveries} deliveries in {settings.landing}: {len(found.unknown)} without a load, "
            f"{len(found.changed)} changed; {len(found.missing)} loads without their delivery; "
            f"{len(found.removed)} deliveries were removed from landing after their days"
        )
        if found.unknown:
            console.out.print(
                "gorod run will load them" if take_up else "to load them: --take-up, then gorod run"
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
    run. Keep passwords in PGPASSWORD or ~/.pgpass.
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
