"""``gorod alerts``: which alerts were sent, and who has seen them. ``gorod watch`` looks for problems and sends alerts."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from typing import Annotated

import typer

from pipelines import console
from pipelines.commands.answering import Json, escaped, handle_errors
from pipelines.exit_codes import ExitCode
from pipelines.moments import format_minsk
from pipelines.settings import get_settings

app = typer.Typer(invoke_without_command=True, help="Alerts that were sent, and who has seen them.")


@app.callback()
@handle_errors
def alerts(
    context: typer.Context,
    past: Annotated[bool, typer.Option("--all", help="Past alerts too.")] = False,
    as_json: Json = False,
) -> None:
    """Alerts that were sent, and who has seen them."""
    from pipelines.operations.alerts.journal import journal

    if context.invoked_subcommand is not None:
        return
    with journal(get_settings().home) as kept:
        found = [
            alert
            for alert in (*(kept.past if past else ()), *kept.open.values())
            if alert.raised_at is not None
        ]
    if as_json:
        console.as_json([asdict(alert) for alert in found])
        return
    if not found:
        console.out.print("no alerts")
        return
    for alert in found:
        state = (
            f"[green]over[/] since {format_minsk(alert.cleared_at)}"
            if alert.cleared_at
            else f"[yellow]seen[/] by {escaped(alert.acknowledged_by or '')}"
            if alert.acknowledged_at
            else "[red]open[/]"
        )
        why = f" ({escaped(alert.why)})" if alert.why else ""
        sent_by = f"; sent by {', '.join(sorted(alert.sent))}" if alert.sent else ""
        console.out.print(f"{escaped(alert.key)}  {state}{why}, since {format_minsk(alert.seen_at)}{sent_by}")
        console.out.print(f"  {escaped(alert.says)}\n  {escaped(alert.remedy)}")


@app.command()
@handle_errors
def acknowledge(
    alert: Annotated[str, typer.Argument(help="The alert's name, or an unambiguous part of it.")],
    by: Annotated[str, typer.Option(help="Who has seen it; default: the current user.")] = "",
    why: Annotated[str | None, typer.Option(help="What is being done.")] = None,
) -> None:
    """Record that somebody has seen an alert. It stays listed until the problem is over; if it returns, that is a new alert."""
    from pipelines.operations.alerts.journal import journal

    with journal(get_settings().home) as kept:
        found = kept.find(alert)
        kept.acknowledge(found, by or getpass.getuser(), why)
    console.out.print(f"{escaped(found.key)} is acknowledged by {escaped(by or getpass.getuser())}")


@handle_errors
def watch(as_json: Json = False) -> None:
    """Look for problems once, and report new ones by mail, webhook and alerts.jsonl. For a timer, beside the daemon.

    Exits with 3 if a channel failed; the next pass sends what is missing.
    """
    from pipelines.operations.alerts.watch import watch as look_once

    done = look_once(get_settings())
    if as_json:
        console.as_json(asdict(done))
    else:
        for word, keys in (("new", done.raised), ("over", done.cleared), ("not checked", done.unread)):
            for key in keys:
                console.out.print(f"{word}: {escaped(key)}")
        for failure in done.failures:
            console.err.print(f"[bold red]error:[/] {escaped(failure)}")
    if done.failures:
        raise typer.Exit(ExitCode.ORIGIN)
