"""The command ``gorod``."""

from __future__ import annotations

import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from pipelines import console
from pipelines.commands.access import app as access_app
from pipelines.commands.answering import Json, told
from pipelines.commands.answering import escaped as _escaped
from pipelines.commands.export import app as export_app
from pipelines.commands.index import app as index_app
from pipelines.commands.release import app as release_app
from pipelines.commands.warehouse import app as warehouse_app
from pipelines.moments import parse_as_of
from pipelines.moments import told as when
from pipelines.settings import get_settings

if TYPE_CHECKING:
    from pipelines.orchestration.run import RunSummary

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="markdown",
    help="""**Gorod**: the indicator warehouse of «Умные города Беларуси».

A delivery is fetched and kept as it came (*landing*), read, judged by its suite (*gate*), and entered with its
ledger row (*load*). dbt builds indicators from accepted loads; readers get a snapshot that is swapped whole
(*publication*). Every figure leads back to the rows of the delivered files (*trace*).

A usual day: `gorod run`, `gorod status`, `gorod explain LOAD`, `gorod sql`. State is in GOROD_HOME; all settings are
GOROD_* in the environment, or gorod.toml.

Exit codes: 0 done, 1 refused or not found, 2 wrong usage or declaration, 3 an origin cannot be read, 4 the warehouse is in
use, 5 the warehouse cannot be written, 6 some loads were refused by the gate, 130 interrupted.
""",
)

AsOf = Annotated[
    str | None,
    typer.Option(
        help="Indicator values as they were known then: at the end of a day (2026-11-01) or at a moment."
    ),
]

app.add_typer(index_app, name="index")
app.add_typer(release_app, name="release")
app.add_typer(access_app, name="access")
app.add_typer(export_app, name="export")
app.add_typer(warehouse_app, name="warehouse")


@app.command()
@told
def run(
    source: Annotated[str | None, typer.Option(help="Only this source.")] = None,
    feed: Annotated[str | None, typer.Option(help="Only this feed.")] = None,
    instance: Annotated[str | None, typer.Option(help="Only this instance (a city, a branch).")] = None,
    slice_: Annotated[str | None, typer.Option("--slice", help="Only this slice, e.g. 2018-04.")] = None,
    report: Annotated[bool, typer.Option("--report", help="Make this month's country digest too.")] = False,
    as_json: Json = False,
) -> None:
    """Load what is new, build the indicators, publish. With nothing new it says so."""
    from pipelines.loading.plan import Wanted
    from pipelines.orchestration.run import run as run_all

    settings = get_settings()
    wanted = Wanted(source, feed, instance, slice_)
    log = settings.home / "logs" / f"run-{datetime.now():%Y%m%dT%H%M%S}.log"
    with _Progress(log, quiet=as_json) as progress:
        summary = run_all(wanted, settings, report=report, watcher=progress.step)
    if as_json:
        console.as_json({**asdict(summary), "log": str(log), "nothing_new": summary.nothing_new})
    else:
        _show_summary(summary, log)
    if summary.failures:
        raise typer.Exit(3)
    if summary.refused:
        raise typer.Exit(6)


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
                        sum(load[f"rows_{what}"] for load in loads)
                        for what in ("delivered", "accepted", "quarantined")
                    ),
                )
                for key, loads in by_feed.items()
            ],
            right=numbers,
        )
    for load in summary.refused:
        console.out.print(f"[red]refused[/]: {load['load_id']}   why: gorod explain {load['load_id']}")
    for failure in summary.failures:
        console.err.print(f"[bold red]error:[/] {_escaped(failure)}")
    publication = current_publication(settings)
    if publication is None:
        return
    from pipelines.indicators.overview import overview

    given = overview(publication.database)
    console.table(given.title, given.columns, given.rows, right=given.columns[2:])
    if given.synthetic:
        console.out.print(f"[yellow]{given.synthetic}[/]")
    console.out.print(f"snapshot   {settings.published / 'current' / 'gorod.duckdb'}")
    console.out.print(f"regions    {settings.published / 'current' / 'regions'}")
    for document in (
        sorted(settings.reports.glob("*/*/*.pdf"))[-1:] + sorted(settings.reports.glob("*/*/*.xlsx"))[-1:]
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
        from pipelines.loading.load import disk_errors

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
        """``begin NAME TOTAL`` opens a bar; the first word of any other step moves one on."""
        words = step.split()
        if words[0] == "begin":
            self._task(words[1], int(words[2]))
            return
        if not self.quiet and self.bars.disable:
            print(step, file=sys.__stderr__, flush=True) if words[0] not in self.tasks else None
        self.bars.advance(self._task(words[0], None))

    def _task(self, name: str, total: int | None) -> Any:
        if name not in self.tasks:
            self.tasks[name] = self.bars.add_task(name, total=total)
        return self.tasks[name]


@app.command()
@told
def status(
    loads: Annotated[bool, typer.Option("--loads", help="List the loads too.")] = False,
    as_json: Json = False,
) -> None:
    """Loads by state, late feeds, quarantine, last publication."""
    from pipelines.indicators.status import read_status

    given = read_status(get_settings())
    if as_json:
        console.as_json(asdict(given))
        return
    numbers = ("accepted", "waived", "rejected", "superseded", "rows", "quarantine")
    console.table(
        "Feeds",
        ("feed", *numbers, "newest period", "late"),
        [
            (
                f"{f.source}.{f.feed}",
                f.accepted,
                f.waived,
                f.rejected,
                f.superseded,
                f.rows,
                f.quarantined,
                f.newest,
                f.late or "",
            )
            for f in given.feeds
        ],
        right=numbers,
    )
    if loads:
        console.table(
            "Loads",
            ("load", "state", "delivered", "accepted", "quarantine", "decided (UTC)"),
            [
                (
                    r["load_id"],
                    r["state"],
                    r["rows_delivered"],
                    r["rows_accepted"],
                    r["rows_quarantined"],
                    r["decided_at"],
                )
                for r in given.loads
            ],
            right=("delivered", "accepted", "quarantine"),
        )
    for load_id in given.refused:
        console.out.print(f"[red]refused[/]: {load_id}   why: gorod explain {load_id}")
    console.out.print(f"marts        {'behind the ledger: gorod run' if given.stale else 'up to date'}")
    console.out.print(f"publication  {given.publication or 'none yet'}")


@app.command()
@told
def explain(
    load: Annotated[str, typer.Argument(help="The load's id, or an unambiguous piece of it.")],
    xlsx: Annotated[Path | None, typer.Option(help="Write the answer to the supplier as a workbook.")] = None,
    as_json: Json = False,
) -> None:
    """Why a load was accepted or refused, in the supplier's words."""
    from pipelines.loading.answer import answer, write_answer
    from pipelines.loading.load import disk_errors
    from pipelines.warehouse import open_warehouse

    given = answer(load, open_warehouse(get_settings()))
    if xlsx is not None:
        with disk_errors(xlsx.parent):
            write_answer(given, xlsx)
    if as_json:
        console.as_json(asdict(given))
        return
    found = given.load
    console.out.print(f"[bold]{found['load_id']}[/]  {console.state(found['state'])}")
    console.out.print(given.decision)
    console.out.print(
        f"Файл {found['files']}; строк передано {found['rows_delivered']}, принято {found['rows_accepted']}, "
        f"задержано {found['rows_quarantined']}."
    )
    if given.findings:
        console.table(
            "Замечания",
            ("rule", "severity", "что не так", "что сделать", "count", "rows"),
            [
                (
                    f["expectation"],
                    f["severity"],
                    f["says"],
                    f["remedy"],
                    f["unexpected_count"],
                    f["sample_rows"],
                )
                for f in given.findings
            ],
            right=("count",),
        )
    if given.rows:
        console.table(
            f"Задержанные строки (первые 20 из {len(given.rows)})",
            ("row", "column", "value", "rule", "what to do"),
            [(r.row, r.column, r.value, r.rule, r.remedy) for r in given.rows[:20]],
            right=("row",),
        )
    console.table(
        "История",
        ("event", "at (UTC)", "by", "why", "until"),
        [(e["event"], e["happened_at"], e["by_whom"], e["why"], e["until"]) for e in given.events],
    )
    if xlsx is not None:
        console.out.print(f"answer to the supplier: {xlsx}")


@app.command()
@told
def waive(
    load: Annotated[str, typer.Argument(help="The refused load.")],
    by: Annotated[str, typer.Option(help="Who answers for it.")],
    why: Annotated[str, typer.Option(help="The reason.")],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The last day on which it counts.")],
) -> None:
    """Let a refused load in until a day, on somebody's word. The ledger keeps who, why and until."""
    from pipelines.loading.load import find_load, replaced_by
    from pipelines.loading.load import waive as waive_load
    from pipelines.loading.plan import run_lock
    from pipelines.warehouse import open_warehouse

    settings = get_settings()
    warehouse = open_warehouse(settings)
    load_id = find_load(load, warehouse)["load_id"]
    with run_lock(settings):
        waive_load(load_id, by, why, until.date(), settings, warehouse)
    for other in replaced_by(load_id, warehouse):
        console.err.print(
            f"[yellow]note:[/] until then it replaces {other['load_id']}, which has {other['rows_accepted']} rows"
        )
    console.out.print(
        f"{load_id} is waived by {by} until {until:%Y-%m-%d}; gorod run brings it into the figures"
    )


@app.command()
@told
def replay(
    load: Annotated[str, typer.Argument(help="The load whose delivery is judged again.")],
    why: Annotated[str, typer.Option(help="The reason.")] = "replayed by hand",
) -> None:
    """Judge a delivery again by today's declarations and suite."""
    from pipelines.loading.load import find_load
    from pipelines.loading.load import replay as replay_load
    from pipelines.loading.plan import run_lock
    from pipelines.warehouse import open_warehouse

    settings = get_settings()
    warehouse = open_warehouse(settings)
    load_id = find_load(load, warehouse)["load_id"]
    with run_lock(settings):
        outcome = replay_load(load_id, why, settings, warehouse)
    then = (
        f"why: gorod explain {outcome.load_id}"
        if outcome.state == "rejected"
        else "gorod run brings it into the figures"
    )
    console.out.print(f"{outcome.load_id}  {console.state(outcome.state)}; {then}")
    if outcome.state == "rejected":
        raise typer.Exit(6)


@app.command()
@told
def trace(
    indicator: str,
    territory: Annotated[str, typer.Argument(help="Code, e.g. BY-BR, c-minsk.")],
    period: Annotated[str, typer.Argument(help="SDMX period, e.g. 2018, 2018-Q2, 2018-04.")],
    breakdown: Annotated[str, typer.Option(help="Member of the breakdown.")] = "_T",
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """From a published value back to the rows of the delivered files."""
    from pipelines.indicators.trace import trace as trace_value
    from pipelines.publishing.embargo import held_until
    from pipelines.warehouse import open_warehouse

    if as_of is not None:
        _show_known(indicator, territory, period, breakdown, as_of, as_json)
        return
    with open_warehouse(get_settings()).connection(read_only=True) as connection:
        found = trace_value(connection, indicator, territory, period, breakdown)
        held = held_until(connection, indicator, period)
    from pipelines.indicators.trace import show

    _show_figure(asdict(found), show(found), held, as_json)


def _show_known(
    indicator: str, territory: str, period: str, breakdown: str, as_of: str, as_json: bool
) -> None:
    from pipelines.indicators.vintages import known, show_known
    from pipelines.publishing.embargo import held_until
    from pipelines.warehouse import open_warehouse

    with open_warehouse(get_settings()).connection(read_only=True) as connection:
        found = known(connection, indicator, territory, period, breakdown, parse_as_of(as_of))
        held = held_until(connection, indicator, period)
    _show_figure(asdict(found), show_known(found), held, as_json)


def _show_figure(found: dict[str, Any], lines: list[str], held: datetime | None, as_json: bool) -> None:
    """A figure of the warehouse, which holds what readers must not see yet: then it says so, in JSON too."""
    if as_json:
        console.as_json({**found, "embargo_until": held})
    else:
        for line in lines:
            console.out.print(_escaped(line))
    if held is not None:
        console.err.print(f"[yellow]under embargo until {when(held)}: not to be passed on[/]")


@app.command()
@told
def sql(
    query: Annotated[str | None, typer.Argument(help="One query; without it, a prompt.")] = None,
    as_of: AsOf = None,
    as_json: Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="Answer as CSV.")] = False,
) -> None:
    """Read the published snapshot by SQL. Nothing can be changed."""
    from pipelines.publishing.query import ask, prompt

    moment = None if as_of is None else parse_as_of(as_of)
    if query is None:
        prompt(get_settings(), moment)
        return
    names, rows = ask(get_settings(), query, moment)
    if as_json:
        console.as_json([dict(zip(names, row, strict=True)) for row in rows])
    elif csv:
        import csv as csv_module

        writer = csv_module.writer(sys.stdout)
        writer.writerow(names)
        writer.writerows(rows)
    else:
        console.table("", names, rows)


@app.command()
@told
def report(
    month: Annotated[
        str | None, typer.Option(help="Month of the digest, YYYY-MM; default: this month.")
    ] = None,
    release: Annotated[
        str | None, typer.Option(help="A release's id; without a month, its last month.")
    ] = None,
) -> None:
    """Make the country digest of a month from the current publication, or from a release."""
    from pipelines.reporting.digest import make_digest

    settings = get_settings()
    if release is None:
        done = make_digest(settings, month or f"{date.today():%Y-%m}")
    else:
        from pipelines.indicators.releases import find_release, last_month, publication_of

        source = publication_of(settings, release)
        done = make_digest(settings, month or last_month(find_release(settings, release)), release=source)
    console.out.print(
        f"{done.document}\n{done.workbook}"
        + ("" if done.is_new else "\nnothing new: the same documents as before")
    )


@app.command()
@told
def ui(
    port: Annotated[int, typer.Option(help="Port on the loopback interface.")] = 3000,
) -> None:
    """Open Dagster's UI on this state: http://127.0.0.1:PORT. Ctrl-C ends it."""
    import os
    import signal
    import subprocess

    from pipelines.orchestration.environment import ensure_manifest, prepare_dagster_home
    from pipelines.settings import PROJECT
    from pipelines.warehouse import open_warehouse

    settings = get_settings()
    prepare_dagster_home(settings)
    open_warehouse(settings).prepare()
    ensure_manifest(settings)
    server = subprocess.Popen(
        [
            str(Path(sys.executable).with_name("dagster")),
            *("dev", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)),
        ],
        cwd=PROJECT,
        env={**os.environ, "GOROD_HOME": str(settings.home)},
        start_new_session=True,
    )

    def end(*_: object) -> None:
        # Dagster ends its webserver and daemon when it is interrupted, and leaves them alone when it is terminated
        os.killpg(server.pid, signal.SIGINT)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    server.wait()


def main() -> None:
    """Entry point."""
    app()


if __name__ == "__main__":
    main()
