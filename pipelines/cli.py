"""The command ``gorod``."""

from __future__ import annotations

import atexit
import gc
import os
import signal

import typer

from pipelines.commands.access import app as access_app
from pipelines.commands.alerts import app as alerts_app
from pipelines.commands.alerts import watch
from pipelines.commands.check import check
from pipelines.commands.export import app as export_app
from pipelines.commands.figures import report, sql, trace
from pipelines.commands.index import app as index_app
from pipelines.commands.loads import explain, prune, replay, waive
from pipelines.commands.new import app as new_app
from pipelines.commands.release import app as release_app
from pipelines.commands.run import run
from pipelines.commands.sandbox import sandbox
from pipelines.commands.services import daemon, ui
from pipelines.commands.status import status
from pipelines.commands.survey import app as survey_app
from pipelines.commands.warehouse import app as warehouse_app
from pipelines.exit_codes import ExitCode

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="markdown",
    help="""**Gorod**: the indicator warehouse of «Умные города Беларуси».

A delivery is fetched and kept unchanged (*landing*), read, validated by its suite (*gate*), and recorded in the
ledger (*load*). dbt builds indicators from accepted loads; readers get a snapshot that is replaced as a whole
(*publication*). Every figure can be traced back to the rows of the delivered files (*trace*).

A typical day: `gorod run`, `gorod status`, `gorod explain LOAD`, `gorod sql`. State is in GOROD_HOME; all settings are
GOROD_* in the environment, or gorod.toml.

"""
    + f"Exit codes (the most serious, if there are several): {', '.join(f'{code.value} {code.says}' for code in ExitCode)}.\n",
)

app.add_typer(index_app, name="index")
app.add_typer(release_app, name="release")
app.add_typer(access_app, name="access")
app.add_typer(export_app, name="export")
app.add_typer(warehouse_app, name="warehouse")
app.add_typer(alerts_app, name="alerts")
app.add_typer(new_app, name="new")
app.add_typer(survey_app, name="survey")
for command in (run, check, status, explain, waive, replay, trace, sql, report, ui, daemon, prune, watch):
    app.command()(command)
# its arguments are those of the sandbox
app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False
)(sandbox)


def main() -> None:
    """Entry point."""
    # Background processes of a shell script ignore interrupts, and Dagster applies that to terminations too:
    # neither a run nor the UI could be stopped.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Hide state from other users of the machine; keep an inherited umask that already does (a service: its group may read).
    if (inherited := os.umask(0o077)) & 0o007 == 0o007:
        os.umask(inherited)
    # Python would search everything that Great Expectations and Dagster import for objects to free, over and over while
    # they are imported, and once more at exit: seconds.
    gc.set_threshold(50_000, 50, 50)
    atexit.register(gc.freeze)
    app()


if __name__ == "__main__":
    main()
