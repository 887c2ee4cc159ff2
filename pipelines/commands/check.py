"""``gorod check``: whether the declarations are consistent, before anything runs."""

from __future__ import annotations

import typer

from pipelines import console
from pipelines.commands.answering import Json, escaped, handle_errors
from pipelines.exit_codes import ExitCode
from pipelines.settings import get_settings


@handle_errors
def check(as_json: Json = False) -> None:
    """Check declarations, suites, measures, reports and the dbt project against each other. Nothing is run.

    Each problem is printed as file:line: key: what is wrong; what to do.
    """
    from pipelines.operations.check import find_problems

    problems = find_problems(get_settings())
    if as_json:
        console.as_json({"problems": problems})
    else:
        for problem in problems:
            console.out.print(escaped(problem), soft_wrap=True, highlight=False)
        console.out.print(f"{len(problems)} problems" if problems else "all declarations are consistent")
    raise typer.Exit(ExitCode.USAGE if problems else ExitCode.DONE)
