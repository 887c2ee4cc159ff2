"""``gorod run``: load, build, publish, with progress on the way."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from pipelines import console
from pipelines.commands.answering import Json, escaped, handle_errors
from pipelines.settings import get_settings

if TYPE_CHECKING:
    from pipelines.orchestration.run import RunSummary


@handle_errors
def run(
    source: Annotated[str | None, typer.Option(help="Only this source.")] = None,
    feed: Annotated[str | None, typer.Option(help="Only this feed.")] = None,
    instance: Annotated[str | None, typer.Option(help="Only this instance (a city, a branch).")] = None,
    slice_: Annotated[str | None, typer.Option("--slice", help="Only this slice, e.g. 2018-04.")] = None,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Fetch again what was taken before and looks unchanged; needs --source."
        ),
    ] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Also make the country digest of the newest month.")
    ] = False,
    accept_loss: Annotated[
        str | None,
        typer.Option(
            metavar="WHY",
            help="Publish although more figures disappear than is allowed automatically; the reason is recorded.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Load what is new, build the indicators, publish. If nothing is new, it says so."""
    from pipelines.loading.plan import Wanted
    from pipelines.orchestration.run import run as run_all

    settings = get_settings()
    wanted = Wanted(source, feed, instance, slice_, again)
    log = settings.home / "logs" / f"run-{datetime.now():%Y%m%dT%H%M%S}-{os.getpid()}.log"
    with _Progress(log, quiet=as_json) as progress:
        summary = run_all(wanted, settings, report=report, listener=progress.step, accept_loss=accept_loss)
    if as_json:
        console.as_json({**asdict(summary), "log": str(log), "nothing_new": summary.nothing_new})
    else:
        _show_summary(summary, log)
    raise typer.Exit(summary.exit_code)


def _show_summary(summary: RunSummary, log: Path) -> None:
    from pipelines.publishing.publication import current_publication

    settings = get_settings()
    if summary.nothing_new:
        console.out.print("Nothing new: every delivery is in the ledger, the marts are up to date.")
    by_feed: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for load in summary.loads:
        by_feed.setdefault((load["source"], load["feed"], load["state"]), []).append(load)
    if by_feed:
        numbers = ("loads", "delivered", "accepted", "quarantine")
        console.table(
            "Loads of this run",
            ("source", "feed", "state", *numbers),
            [
                (
                    *key,
                    len(loads),
                    *(
                        sum(load[f"rows_{what}"] or 0 for load in loads)
                        for what in ("delivered", "accepted", "quarantined")
                    ),
                )
                for key, loads in by_feed.items()
            ],
            right=numbers,
        )
    for load in summary.refused:
        console.out.print(f"[red]refused[/]: {load['load_id']}   why: gorod explain {load['load_id']}")
    if summary.without_origin:
        console.out.print(
            f"no {settings.origin} origin: {', '.join(summary.without_origin)}; delivered through the drop folder"
        )
    for load in summary.again:
        console.out.print(f"again       {load['load_id']}: the same bytes, {load['state']} before")
    for waiting in summary.waiting:
        console.out.print(f"[yellow]waits[/]       {escaped(waiting)}")
    for failure in [*summary.failures, *filter(None, (summary.unbuilt, summary.failed_build))]:
        console.err.print(f"[bold red]error:[/] {escaped(failure)}")
    for held in summary.held_back:
        console.err.print(f"[bold yellow]held back:[/] {escaped(held)}")
    for difference in summary.differences:
        console.err.print(f"[yellow]differs:[/] {escaped(difference)}")
    publication = current_publication(settings)
    if publication is None:
        return
    from pipelines.operations.overview import overview

    given = overview(publication.database)
    console.table(given.title, given.columns, given.rows, right=given.columns[2:])
    if given.synthetic:
        console.out.print(f"[yellow]{given.synthetic}[/]")
    console.out.print(f"snapshot   {settings.published / 'current' / 'gorod.duckdb'}")
    console.out.print(f"regions    {settings.published / 'current' / 'regions'}")
    for document in (
        sorted(settings.reports.glob("*/*/digest.pdf"))[-1:]
        + sorted(settings.reports.glob("*/*/digest.xlsx"))[-1:]
    ):
        console.out.print(f"report     {document}")
    if log.exists() and log.stat().st_size:
        console.out.print(f"log        {log}")


class _Progress:
    """One line of progress for each feed; what Dagster and dbt print goes to the log."""

    def __init__(self, log: Path, quiet: bool) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self.log, self.quiet = log, quiet
        self.bars = Progress(
            TextColumn("{task.description:<44}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(file=sys.stderr),
            disable=quiet or not sys.stderr.isatty(),
        )
        self.tasks: dict[str, Any] = {}

    def __enter__(self) -> _Progress:
        from pipelines.disk import disk_errors

        with disk_errors(self.log.parent):
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self.stream = self.log.open("w", encoding="utf-8")
        self.bars.start()
        self.redirects = (redirect_stdout(self.stream), redirect_stderr(self.stream))
        for redirect in self.redirects:
            redirect.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        for redirect in reversed(self.redirects):
            redirect.__exit__(*error)
        self.bars.stop()
        self.stream.close()
        if not self.log.stat().st_size:
            self.log.unlink()

    def step(self, step: str) -> None:
        """``begin NAME TOTAL`` opens a bar, ``waiting: WHY`` is printed, the first word of any other step advances its bar."""
        words = step.split()
        if words[0] == "begin":
            self._task(words[1], int(words[2]))
            return
        if words[0] == "waiting:":
            if not self.quiet:
                self.bars.console.print(step, style="yellow", markup=False, soft_wrap=True)
            return
        if not self.quiet and self.bars.disable:
            print(step, file=sys.__stderr__, flush=True) if words[0] not in self.tasks else None
        self.bars.advance(self._task(words[0], None))

    def _task(self, name: str, total: int | None) -> Any:
        if name not in self.tasks:
            self.tasks[name] = self.bars.add_task(name, total=total)
        return self.tasks[name]
