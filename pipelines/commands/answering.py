"""What all commands share: readable errors, JSON on request."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, Literal, TypeVar

import typer

from pipelines import console
from pipelines.errors import GorodError
from pipelines.interrupts import interrupts_raised
from pipelines.settings import get_settings
from pipelines.signs import printable

Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]
EmbargoedBy = Annotated[
    str | None, typer.Option("--by", help="Who sees figures under embargo; it is recorded.")
]
EmbargoedWhy = Annotated[str | None, typer.Option("--why", help="Why they must be seen before their date.")]
Lang = Annotated[Literal["ru", "en"], typer.Option("--lang", help="Language of the answer.")]
F = TypeVar("F", bound=Callable[..., Any])


def handle_errors(command: F) -> F:
    """Errors that a person can act on are printed, not raised."""

    @wraps(command)
    def wrapper(*arguments: Any, **options: Any) -> Any:
        try:
            try:
                with interrupts_raised():
                    return command(*arguments, **options)
            except OSError:
                # any writer (Dagster, the log, a report) may find the disk full
                from pipelines.disk import disk_errors

                with disk_errors(get_settings().home):
                    raise
        except GorodError as error:
            console.err.print(f"[bold red]error:[/] {escaped(error.message)}")
            if error.remedy:
                console.err.print(escaped(error.remedy))
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            console.err.print("interrupted; nothing is half done: run again to continue")
            raise typer.Exit(130) from None

    return wrapper  # type: ignore[return-value]


def escaped(text: str) -> str:
    """A text that Rich prints unchanged, without control sequences for the terminal."""
    return printable(text, keep="\n\t").replace("[", "\\[")
