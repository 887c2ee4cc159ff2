"""``gorod survey``: forms, who has answered, deadlines, approval."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines import console
from pipelines.commands.answering import Json, escaped, handle_errors
from pipelines.settings import get_settings

app = typer.Typer(no_args_is_help=True, help="Questionnaires: forms, answers, deadlines, approval.")

Load = Annotated[str, typer.Argument(help="The load, or an unambiguous part of its id.")]
Step = Annotated[str, typer.Option("--step", help="Step of approval: town, region, ministry.")]
By = Annotated[
    str, typer.Option("--by", help="The office or person that decides, as named in assets/surveys.")
]
Note = Annotated[str | None, typer.Option("--note", help="A remark that is kept with it.")]


@app.command()
@handle_errors
def approve(load: Load, step: Step, by: By, note: Note = None, as_json: Json = False) -> None:
    """Approve a load at one step. No figure uses it before it has all steps, in their order."""
    _decide(load, step, "approved", by, note, as_json)


@app.command()
@handle_errors
def revoke(load: Load, step: Step, by: By, note: Note = None, as_json: Json = False) -> None:
    """Revoke an approval, and with it those of later steps. Impossible once a release was made from the load."""
    _decide(load, step, "revoked", by, note, as_json)


def _decide(load: str, step: str, decision: str, by: str, note: str | None, as_json: bool) -> None:
    from pipelines.commands.loads import show_in_the_ui
    from pipelines.loading.decisions import find_load
    from pipelines.loading.plan import run_lock
    from pipelines.surveys.approvals import decide
    from pipelines.warehouse import open_warehouse

    settings = get_settings()
    warehouse = open_warehouse(settings)
    load_id = find_load(load, warehouse)["load_id"]
    with run_lock(settings):
        warehouse.prepare()
        state = decide(
            load_id, step, "approved" if decision == "approved" else "revoked", by, note, settings, warehouse
        )
        show_in_the_ui(settings, warehouse)
    if as_json:
        console.as_json({"load_id": load_id, "step": step, "decision": decision, "by": by, "state": state})
        return
    then = {
        "unapproved": "it counts for nothing until it has all steps",
        "superseded": "a newer load has replaced it",
    }.get(state, "gorod run brings it into the figures")
    console.out.print(f"{load_id}: {step} {decision} by {escaped(by)}; {console.state(state)}: {then}")
