"""``gorod new``: the first files of a source, an indicator or a report."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from pipelines import console
from pipelines.commands.answering import handle_errors
from pipelines.errors import GorodError
from pipelines.settings import PROJECT

app = typer.Typer(
    no_args_is_help=True,
    help="Write the first files of a source, an indicator or a report; they load and build as they are.",
)

Code = Annotated[str, typer.Argument(help="Its code: lower-case Latin letters, digits and underscores.")]


@app.command()
@handle_errors
def source(name: Code) -> None:
    """A source with one monthly feed: declaration, measures, suite, and a sample with two cities."""
    from pipelines.operations.skeletons import source_files, write_new

    _show(
        write_new(source_files(_code(name))), f"gorod check && GOROD_ORIGIN=sample gorod run --source {name}"
    )


@app.command()
@handle_errors
def indicator(
    code: Code,
    measure: Annotated[
        str | None, typer.Option(help="The measure that it is made from; default: the first.")
    ] = None,
) -> None:
    """An indicator that is the sum of a measure."""
    from pipelines.operations.skeletons import indicator_files, write_new

    _show(write_new(indicator_files(_code(code), measure)), "gorod check && gorod run")


@app.command()
@handle_errors
def report(name: Code) -> None:
    """A report on one indicator."""
    from pipelines.operations.skeletons import report_files, write_new

    _show(write_new(report_files(_code(name))), "gorod check")


def _code(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise GorodError(
            f"{name!r} is not a code",
            "Use lower-case Latin letters, digits and single underscores: city_parking.",
        )
    return name


def _show(written: list[Path], then: str) -> None:
    for path in written:
        console.out.print(f"written  {path.relative_to(PROJECT)}", soft_wrap=True, highlight=False)
    console.out.print(f"next     {then}", soft_wrap=True, highlight=False)
