"""``gorod survey``: forms, who has answered, deadlines, approval."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines import console
from pipelines.commands.answering import Json, escaped, handle_errors
from pipelines.exit_codes import ExitCode
from pipelines.settings import get_settings

if TYPE_CHECKING:
    from pipelines.surveys.standing import Standing

app = typer.Typer(no_args_is_help=True, help="Questionnaires: forms, answers, deadlines, approval.")

Load = Annotated[str, typer.Argument(help="The load, or an unambiguous part of its id.")]
Step = Annotated[str, typer.Option("--step", help="Step of approval: town, region, ministry.")]
By = Annotated[
    str, typer.Option("--by", help="The office or person that decides, as named in assets/surveys.")
]
Note = Annotated[str | None, typer.Option("--note", help="A remark that is kept with it.")]
Survey = Annotated[str, typer.Argument(help="The survey: the name of its file in assets/surveys.")]
Period = Annotated[str, typer.Option("--period", help="The half-year: 2026-S2.")]


@app.command()
@handle_errors
def issue(
    survey: Survey,
    period: Period,
    to: Annotated[
        Path, typer.Option("--to", help="Folder for the forms; each territory gets a folder in it.")
    ],
    territory: Annotated[
        list[str] | None,
        typer.Option("--territory", help="A territory (instance of the source); default: all."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the form of a half-year for each territory: a workbook to fill in, with its rules inside.

    The same survey, half-year and earlier answers give the same bytes. A file that is there and differs is not replaced.
    """
    from pipelines.surveys.issue import issue as issue_forms
    from pipelines.warehouse import open_warehouse

    settings = get_settings()
    warehouse = open_warehouse(settings)
    warehouse.prepare()
    written = issue_forms(survey, period, territory or [], to, settings, warehouse)
    if as_json:
        console.as_json(
            [{"territory": one, "file": str(path), "is_new": is_new} for one, path, is_new in written]
        )
        return
    for one, path, is_new in written:
        console.out.print(f"{escaped(one)}: {escaped(str(path))}{'' if is_new else ' (was there already)'}")


@app.command()
@handle_errors
def status(
    survey: Annotated[str | None, typer.Argument(help="The survey; default: all.")] = None,
    period: Annotated[
        str | None, typer.Option("--period", help="The half-year; default: the last that has ended.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Who has answered, who is late, until when deadlines were extended, and which steps are approved.

    Exits with 9 if somebody is late.
    """
    from pipelines.declarations.surveys import load_surveys
    from pipelines.moments import today
    from pipelines.surveys.issue import find_survey, require_period
    from pipelines.surveys.standing import asked_period, standing
    from pipelines.warehouse import open_warehouse

    warehouse = open_warehouse(get_settings())
    warehouse.prepare()
    chosen = {survey: find_survey(survey)} if survey else load_surveys()
    found = [
        one
        for name, declared in chosen.items()
        for one in standing(
            name,
            declared,
            require_period(declared, period) if period else asked_period(declared, today()),
            warehouse,
        )
    ]
    _show(found, as_json)
    if any(one.owes and one.late for one in found):
        raise typer.Exit(ExitCode.LATE)


@app.command()
@handle_errors
def remind(as_json: Json = False) -> None:
    """Who owes answers and is to be reminded today. `gorod watch` sends the same as alerts, once for each stage."""
    from pipelines.surveys.standing import reminders
    from pipelines.warehouse import open_warehouse

    warehouse = open_warehouse(get_settings())
    warehouse.prepare()
    found = list(reminders(warehouse))
    if as_json:
        console.as_json([{**asdict(one.standing), "stage": one.stage, "says": one.says} for one in found])
        return
    for one in found:
        console.out.print(escaped(one.says))
    if not found:
        console.out.print("nobody is to be reminded")


@app.command()
@handle_errors
def extend(
    survey: Survey,
    period: Period,
    territory: Annotated[str, typer.Option("--territory", help="The territory that may answer later.")],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The last day.")],
    by: Annotated[str, typer.Option(help="Who is responsible.")],
    why: Annotated[str, typer.Option(help="The reason.")],
    as_json: Json = False,
) -> None:
    """Let a territory answer later. The ledger keeps who, why and until when; the last word counts."""
    from pipelines.loading.plan import run_lock
    from pipelines.surveys.issue import find_survey, require_period, require_territories
    from pipelines.surveys.standing import extend as extend_deadline
    from pipelines.warehouse import open_warehouse

    settings = get_settings()
    warehouse = open_warehouse(settings)
    declared = find_survey(survey)
    require_period(declared, period)
    require_territories(declared, [territory])
    with run_lock(settings):
        warehouse.prepare()
        extend_deadline(survey, declared, period, territory, until.date(), by, why, warehouse)
    if as_json:
        console.as_json({"survey": survey, "period": period, "territory": territory, "until": until.date()})
        return
    console.out.print(f"{escaped(territory)} may answer {escaped(survey)} {period} until {until:%Y-%m-%d}")


def _show(found: list[Standing], as_json: bool) -> None:
    if as_json:
        console.as_json([asdict(one) for one in found])
        return
    console.table(
        "",
        ("survey", "period", "territory", "last day", "answer", "received", "late", "approved", "next", "load"),
        [
            (
                one.survey, one.period, one.territory, f"{one.last_day}{' (extended)' if one.extended else ''}",
                one.state, one.received_on, "late" if one.late else "", ", ".join(one.approved), one.next_step, one.answer,
            )
            for one in found
        ],
    )  # fmt: skip


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
