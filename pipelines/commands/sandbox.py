"""``gorod sandbox``: the simulated systems of a checkout. They are not part of the product, so they are imported by name."""

from __future__ import annotations

from pkgutil import resolve_name

import typer

from pipelines.commands.answering import handle_errors
from pipelines.errors import GorodError


@handle_errors
def sandbox(arguments: typer.Context) -> None:
    """Start the simulated systems on the loopback interface: `gorod sandbox up`; more with `gorod sandbox up --help`."""
    try:
        main = resolve_name("sandbox.up:main")
    except ImportError as error:
        raise GorodError(
            "The simulated systems are not installed.", "Run from a checkout of the repository."
        ) from error
    raise typer.Exit(main(arguments.args))
