"""The command ``gorod``."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from pipelines import console
from pipelines.commands.access import app as access_app
from pipelines.commands.alerts import app as alerts_app
from pipelines.commands.alerts import watch
from pipelines.commands.answering import EmbargoedBy, EmbargoedWhy, Json, Lang, told
from pipelines.commands.answering import escaped as _escaped
from pipelines.commands.export import app as export_app
from pipelines.commands.index import app as index_app
from pipelines.commands.release import app as release_app
from pipelines.commands.warehouse import app as warehouse_app
from pipelines.exit_codes import ExitCode
from pipelines.moments import parse_as_of
from pipelines.moments import told as when
from pipelines.settings import get_settings

if TYPE_CHECKING:
    from pipelines.indicators.status import FeedStatus
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

"""
    + f"Exit codes, of several the gravest: {', '.join(f'{code.value} {code.says}' for code in ExitCode)}.\n",
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
app.add_typer(alerts_app, name="alerts")
app.command()(watch)


@app.command()
@told
def run(
    source: Annotated[str | None, typer.Option(help="Only this source.")] = None,
    feed: Annotated[str | None, typer.Option(help="Only this feed.")] = None,
    instance: Annotated[str | None, typer.Option(help="Only this instance (a city, a branch).")] = None,
    slice_: Annotated[str | None, typer.Option("--slice", help="Only this slice, e.g. 2018-04.")] = None,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Fetch again what was taken already and looks unchanged; needs --source."
        ),
    ] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Make the country digest of the newest month too.")
    ] = False,
    accept_loss: Annotated[
        str | None,
        typer.Option(
            metavar="WHY",
            help="Publish although more figures go than may by themselves; why is kept with it.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Load what is new, build the indicators, publish. With nothing new it says so."""
    from pipelines.loading.plan import Wanted
    from pipelines.orchestration.run import run as run_all

    settings = get_settings()
    wanted = Wanted(source, feed, instance, slice_, again)
    log = settings.home / "logs" / f"run-{datetime.now():%Y%m%dT%H%M%S}-{os.getpid()}.log"
    with _Progress(log, quiet=as_json) as progress:
        summary = run_all(wanted, settings, report=report, watcher=progress.step, accept_loss=accept_loss)
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
            f"not public  {', '.join(summary.without_origin)}: by the drop folder or a mirror alone"
        )
    for load in summary.again:
        console.out.print(f"again       {load['load_id']}: the same bytes, {load['state']} before")
    for waiting in summary.waiting:
        console.out.print(f"[yellow]waits[/]       {_escaped(waiting)}")
    for failure in [*summary.failures, *filter(None, (summary.unbuilt, summary.failed_build))]:
        console.err.print(f"[bold red]error:[/] {_escaped(failure)}")
    for held in summary.held_back:
        console.err.print(f"[bold yellow]held back:[/] {_escaped(held)}")
    for difference in summary.differences:
        console.err.print(f"[yellow]differs:[/] {_escaped(difference)}")
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
        """``begin NAME TOTAL`` opens a bar, ``waiting: WHY`` is told whole; the first word of any other moves one on."""
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


@app.command()
@told
def status(
    loads: Annotated[bool, typer.Option("--loads", help="List the loads too.")] = False,
    by: EmbargoedBy = None,
    why: EmbargoedWhy = None,
    as_json: Json = False,
) -> None:
    """Loads by state, late feeds, quarantine, the last build and publication. The exit code says what is amiss.

    Numbers of rows under embargo are left out.
    """
    from pipelines.indicators.status import read_status
    from pipelines.publishing.embargo import admit, held_loads
    from pipelines.warehouse import open_warehouse

    settings = get_settings()
    warehouse = open_warehouse(settings)
    held = held_loads(warehouse)
    if held and (by or why):
        admit(warehouse, "numbers of rows of loads", max(held.values()), by, why)
        held = {}
    given = read_status(settings, held)
    if as_json:
        console.as_json({**asdict(given), "exit_code": given.exit_code})
        raise typer.Exit(given.exit_code)
    _show_feeds(given.feeds)
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
    if held:
        console.out.print(
            f"[yellow]under embargo[/]: the rows of {len(held)} loads, left out (--by NAME --why REASON)"
        )
    for load_id in given.refused:
        console.out.print(f"[red]refused[/]: {load_id}   why: gorod explain {load_id}")
    for fault in given.inbox_faults:
        console.out.print(f"[red]drop folder[/]  {_escaped(fault)}")
    for waiting in given.inbox_waiting:
        console.out.print(f"[yellow]waits[/]        {_escaped(waiting)}")
    for feed in given.feeds:
        if feed.late and (feed.instances > 1 or feed.late[0].part):
            console.out.print(
                f"[yellow]late[/]         {feed.source}.{feed.feed}: {', '.join(map(str, feed.late))}"
            )
    behind = "behind the ledger" if given.stale else "not published" if given.unpublished else ""
    console.out.print(f"marts        {f'{behind}: gorod run' if behind else 'up to date'}")
    if given.failed_build is not None:
        console.out.print(
            f"[red]build failed[/] {when(given.failed_build.failed_at)}: {_escaped('; '.join(given.failed_build.says))}\n"
            f"             look at {_escaped(given.failed_build.where)}"
        )
    console.out.print(f"publication  {given.publication or 'none yet'}")
    raise typer.Exit(given.exit_code)


def _show_feeds(feeds: list[FeedStatus]) -> None:
    """The feeds by source, in the 80 columns of a plain terminal: a state that no load has takes no room there."""
    counts = ("accepted", "waived", "rejected", "superseded", "rows", "quarantined")
    narrow = console.out.is_terminal
    shown = [
        name
        for name in counts
        if not narrow or name in ("accepted", "rows") or any(getattr(feed, name) for feed in feeds)
    ]
    rows: list[tuple[Any, ...]] = []
    source = ""
    for feed in feeds:
        numbers = [getattr(feed, name) for name in shown]
        if not narrow:
            rows.append((f"{feed.source}.{feed.feed}", *numbers, feed.newest, feed.lateness))
            continue
        if feed.source != source:
            source = feed.source
            rows.append((source, *("" for _ in shown), "", ""))
        rows.append((f"  {feed.feed}", *numbers, feed.newest.rpartition("@")[2], feed.lateness))
    heads = [{"quarantined": "quarantine"}.get(name, name) for name in shown]
    console.table("Feeds", ("feed", *heads, "newest", "late"), rows, right=heads)


@app.command()
@told
def explain(
    load: Annotated[
        str, typer.Argument(help="The load's id, or a piece of it: then the newest that has it.")
    ],
    xlsx: Annotated[Path | None, typer.Option(help="Write the answer to the supplier as a workbook.")] = None,
    lang: Lang = "ru",
    by: EmbargoedBy = None,
    why: EmbargoedWhy = None,
    as_json: Json = False,
) -> None:
    """Why a load was accepted or refused, in the supplier's words; what the rules say is in Russian.

    What tells its rows under embargo is left out.
    """
    from pipelines.loading.answer import answer, heading, without_numbers, write_answer
    from pipelines.loading.answer import words as words_of
    from pipelines.outputs import refuse_to_overwrite, refuse_what_is_no_workbook, written_whole
    from pipelines.publishing.embargo import admit, held_loads
    from pipelines.warehouse import open_warehouse

    settings = get_settings()
    if xlsx is not None:
        refuse_to_overwrite(xlsx, {}, settings)
        refuse_what_is_no_workbook(xlsx)
    warehouse = open_warehouse(settings)
    given = answer(load, warehouse)
    load_id = given.load["load_id"]
    held = held_loads(warehouse).get(load_id)
    if held is not None:
        if xlsx is not None or by or why:
            admit(warehouse, f"what load {load_id} holds", held, by, why)
        else:
            given = without_numbers(given)
            console.err.print(
                f"[yellow]under embargo until {when(held)}: its rows are left out (--by NAME --why REASON)[/]"
            )
    if xlsx is not None:
        with written_whole(xlsx) as whole:
            write_answer(given, whole)
    if as_json:
        console.as_json(asdict(given))
        return
    found, say = given.load, words_of(lang)
    console.out.print(f"[bold]{found['load_id']}[/]  {console.state(found['state'])}")
    if given.also:
        also = ", ".join(given.also[:3]) + (" …" if len(given.also) > 3 else "")
        console.out.print(f"{say('the newest')} ({len(given.also)}): {also}")
    console.out.print(_escaped(heading(found, lang)))
    console.out.print(given.decision if lang == "ru" else say(found["state"]))
    console.out.print(
        f"{say('file')} {found['files']}."
        if found["rows_delivered"] is None
        else f"{say('file')} {found['files']}; {say('delivered')} {found['rows_delivered']}, "
        f"{say('taken')} {found['rows_accepted']}, {say('kept back')} {found['rows_quarantined']}."
    )
    if given.counts:
        console.out.print(given.counts)
    if given.findings:
        console.table(
            say("findings"),
            [say(column) for column in ("rule", "severity", "says", "remedy", "rows", "row numbers")],
            [
                (
                    f["expectation"],
                    say(f["severity"]),
                    f["says"],
                    f["remedy"],
                    f["unexpected_count"],
                    f["sample_rows"],
                )
                for f in given.findings
            ],
            right=(say("rows"),),
        )
    if given.rows:
        console.table(
            f"{say('rows kept back')}: {len(given.rows)}"
            + (f", {say('first 20')}" if len(given.rows) > 20 else ""),
            [say(column) for column in ("row", "column", "value", "rule", "remedy")],
            [(r.row, r.column, r.value, r.rule, r.remedy) for r in given.rows[:20]],
            right=(say("row"),),
        )
    console.table(
        say("history"),
        [say(column) for column in ("event", "when (UTC)", "by", "why", "until")],
        [
            (say(f"event {e['event']}"), e["happened_at"], e["by_whom"], e["why"], e["until"])
            for e in given.events
        ],
    )
    if xlsx is not None:
        console.out.print(f"{say('answer to the supplier')}: {xlsx}")


@app.command()
@told
def waive(
    load: Annotated[str, typer.Argument(help="The refused load.")],
    by: Annotated[str, typer.Option(help="Who answers for it.")],
    why: Annotated[str, typer.Option(help="The reason.")],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The last day on which it counts.")],
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Even if it replaces loads with more rows.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Let a refused load in until a day, on somebody's word. The ledger keeps who, why and until.

    It replaces what was accepted before it for the same period. If that has more rows, the command asks first. What would
    count twice can be waived by nobody. A waiver until today ends another.
    """
    from pipelines.loading.load import find_load, would_replace
    from pipelines.loading.load import waive as waive_load
    from pipelines.loading.plan import run_lock
    from pipelines.warehouse import open_warehouse

    settings = get_settings()
    warehouse = open_warehouse(settings)
    found = find_load(load, warehouse)
    load_id = found["load_id"]
    replaced = would_replace(load_id, warehouse)
    if not anyway:
        _confirm_loss(found, replaced)
    with run_lock(settings):
        waive_load(load_id, by, why, until.date(), settings, warehouse)
    if as_json:
        console.as_json(
            {"load_id": load_id, "by": by, "why": why, "until": until.date(), "replaces": replaced}
        )
        return
    for other in replaced:
        console.err.print(
            f"[yellow]note:[/] until then it replaces {other['load_id']}, which has {other['rows_accepted']} rows"
        )
    console.out.print(
        f"{load_id} is waived by {by} until {until:%Y-%m-%d}; gorod run brings it into the figures"
    )


def _confirm_loss(found: dict[str, Any], replaced: list[dict[str, Any]]) -> None:
    """Ask before a waiver takes rows away; where nobody can answer, refuse."""
    from pipelines.errors import GorodError

    brings = found["rows_delivered"] - found["rows_quarantined"]
    takes = sum(other["rows_accepted"] for other in replaced)
    if takes <= brings:
        return
    loads = ", ".join(other["load_id"] for other in replaced)
    loss = f"{found['load_id']} would bring {brings} rows in and replace {takes} accepted ones ({loads})"
    if not sys.stdin.isatty():
        raise GorodError(f"{loss}; nothing was changed", "If that is meant, say so: --anyway")
    console.err.print(f"[yellow]note:[/] {_escaped(loss)}")
    if not typer.confirm("Waive it all the same?", err=True):
        raise GorodError("not waived; nothing was changed")


@app.command()
@told
def replay(
    load: Annotated[str, typer.Argument(help="The load whose delivery is judged again.")],
    why: Annotated[str, typer.Option(help="The reason.")] = "replayed by hand",
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Even if it puts an old delivery in the place of a newer one.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Judge a delivery again by today's declarations and suite. Its bytes are compared with its receipt first."""
    from pipelines.loading.load import find_load
    from pipelines.loading.load import replay as replay_load
    from pipelines.loading.plan import run_lock
    from pipelines.warehouse import open_warehouse

    settings = get_settings()
    warehouse = open_warehouse(settings)
    load_id = find_load(load, warehouse)["load_id"]
    with run_lock(settings):
        outcome = replay_load(load_id, why, settings, warehouse, anyway=anyway)
    if as_json:
        console.as_json(asdict(outcome))
    else:
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
    by: EmbargoedBy = None,
    why: EmbargoedWhy = None,
    lang: Lang = "ru",
    as_json: Json = False,
) -> None:
    """From a published value back to the rows of the delivered files."""
    from pipelines.indicators.names import names_of
    from pipelines.indicators.trace import show
    from pipelines.indicators.trace import trace as trace_value
    from pipelines.indicators.vintages import known, show_known
    from pipelines.loading.reconcile import spoilt
    from pipelines.publishing.embargo import admit, held_until
    from pipelines.warehouse import open_warehouse

    settings = get_settings()
    warehouse = open_warehouse(settings)
    with warehouse.connection(read_only=True) as connection:
        found: dict[str, Any]
        names = names_of(connection, lang)
        if as_of is None:
            traced = trace_value(connection, indicator, territory, period, breakdown)
            found, lines = asdict(traced), show(traced, names)
            loads = [load.load_id for load in traced.loads]
        else:
            loads = []
            remembered = known(connection, indicator, territory, period, breakdown, parse_as_of(as_of))
            found, lines = asdict(remembered), show_known(remembered, names)
        held = held_until(connection, indicator, period)
    admit(warehouse, f"{indicator} of {period}", held, by, why)
    if as_json:
        console.as_json({**found, "embargo_until": held})
    else:
        for line in lines:
            console.out.print(_escaped(line))
    if held is not None:
        console.err.print(f"[yellow]under embargo until {when(held)}: not to be passed on[/]")
    # the rows shown are those that entered; whether the files behind them are still the same is another question
    for fault in spoilt(loads, settings, warehouse):
        console.err.print(f"[yellow]note:[/] in landing not as it came: {_escaped(fault)}")


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
        str | None,
        typer.Option(
            help="Month of the digest, YYYY-MM; default: the newest that has figures, or a release's own period."
        ),
    ] = None,
    release: Annotated[str | None, typer.Option(help="A release's id, to make it from.")] = None,
    as_json: Json = False,
) -> None:
    """Make the country digest of a month from the current publication, or of a release; and show it in short."""
    from pipelines.reporting.digest import make_digest
    from pipelines.reporting.said import in_short

    settings = get_settings()
    if release is None:
        done = make_digest(settings, month)
    else:
        from pipelines.indicators.releases import publication_of

        done = make_digest(settings, month, release=publication_of(settings, release))
    if as_json:
        console.as_json(
            {
                "document": done.document,
                "workbook": done.workbook,
                "is_new": done.is_new,
                "period": done.period,
            }
        )
        return
    short = in_short(done.digest)
    for line in short.head:
        console.out.print(_escaped(line))
    console.table("", short.columns, short.rows, right=short.columns[2:])
    for line in short.foot:
        console.out.print(_escaped(line))
    console.out.print(
        f"{done.document}\n{done.workbook}"
        + ("" if done.is_new else "\nnothing new: the same documents as before")
    )


@app.command()
@told
def ui(
    port: Annotated[int, typer.Option(help="Port on the loopback interface.")] = 3000,
    daemon: Annotated[
        bool, typer.Option("--daemon/--no-daemon", help="With the daemon, or the UI alone (a service).")
    ] = True,
) -> None:
    """Open Dagster's UI on this state; the address that is shown holds the token that lets you in. Ctrl-C ends it."""
    from pipelines.orchestration import services
    from pipelines.orchestration.webserver import KEPT, token_of

    settings = get_settings()
    if not daemon:
        # a service's output is kept: the token stays out of it
        console.out.print(
            f"http://127.0.0.1:{port}; the token: GOROD_UI_TOKEN, or {settings.dagster_home / KEPT}"
        )
        services.become_webserver(settings, port)
    services.prepare(settings)
    console.out.print(f"http://127.0.0.1:{port}/?token={token_of(settings)}")
    raise typer.Exit(services.run_both(settings, port))


@app.command()
@told
def daemon() -> None:
    """Run Dagster's daemon alone (a service): schedules, sensors, the queue of runs. Goes with ui --no-daemon."""
    from pipelines.orchestration import services

    services.become_daemon(get_settings())


@app.command()
@told
def prune(as_json: Json = False) -> None:
    """Remove what is kept no longer; gorod run does it by itself.

    Runs of Dagster and logs after GOROD_KEEP_RUNS_DAYS; deliveries after the `landing_days` of their feed, which the ledger
    notes: their rows stay, and they cannot be judged again.
    """
    from pipelines.loading.plan import run_lock
    from pipelines.loading.retention import prune_landing
    from pipelines.orchestration.retention import prune_runs
    from pipelines.warehouse import open_warehouse

    settings = get_settings()
    with run_lock(settings):
        warehouse = open_warehouse(settings)
        warehouse.prepare()
        deliveries = prune_landing(settings, warehouse)
    runs = prune_runs(settings)
    if as_json:
        console.as_json({"deliveries": deliveries, "runs": runs})
        return
    for delivery_id in deliveries:
        console.out.print(f"left landing: {_escaped(delivery_id)}")
    console.out.print(f"{len(deliveries)} deliveries and {runs} runs removed")


def main() -> None:
    """Entry point."""
    # What a shell script puts into the background ignores interrupts, and Dagster takes that over for terminations:
    # neither a run nor the UI would end.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # State is not for everybody on the machine; who has shut it out already (a service: its group may read) knows better.
    if (inherited := os.umask(0o077)) & 0o007 == 0o007:
        os.umask(inherited)
    # At the end Python would look through all that Dagster and dbt have imported for what can be freed: two seconds.
    atexit.register(gc.freeze)
    app()


if __name__ == "__main__":
    main()
