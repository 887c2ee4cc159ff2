"""``gorod access``: who may read what on a server."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines import console
from pipelines.commands.answering import Json, escaped, handle_errors
from pipelines.settings import get_settings

app = typer.Typer(no_args_is_help=True, help="Who may read what on a PostgreSQL server: assets/access.yml.")


@app.callback()
def access() -> None:
    """Who may read what on a PostgreSQL server: assets/access.yml."""


@app.command()
@handle_errors
def sync(
    plan: Annotated[bool, typer.Option("--plan", help="Only show what would change.")] = False,
    as_json: Json = False,
) -> None:
    """Bring roles, privileges and row security of the server in line with assets/access.yml. Safe to repeat."""
    from pipelines.warehouse import server_of
    from pipelines.warehouse.access.sync import require_server
    from pipelines.warehouse.access.sync import sync as sync_access

    changes = sync_access(require_server(server_of(get_settings())), plan=plan)
    columns = ("action", "what", "role", "detail")
    rows = [(change.action, change.what, change.role, change.detail) for change in changes]
    if as_json:
        console.as_json(
            {"changed": not plan, "changes": [dict(zip(columns, row, strict=True)) for row in rows]}
        )
        return
    if not rows:
        console.out.print("The server is as declared: nothing to change.")
        return
    console.table("Would change" if plan else "Changed", columns, [tuple(map(escaped, row)) for row in rows])
    if plan:
        console.err.print(f"{len(rows)} changes; to make them: gorod access sync")
