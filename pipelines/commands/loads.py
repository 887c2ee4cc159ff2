"""Commands about single loads: explain, waive, replay, prune."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines import console
from pipelines.commands.answering import EmbargoedBy, EmbargoedWhy, Json, Lang, escaped, handle_errors
from pipelines.moments import format_minsk
from pipelines.settings import get_settings

if TYPE_CHECKING:
    from pipelines.settings import Settings
    from pipelines.warehouse.base import Warehouse


@handle_errors
def explain(
    load: Annotated[str, typer.Argument(help="The load's id, or a part of it: then the newest match.")],
    xlsx: Annotated[Path | None, typer.Option(help="Write the answer to the supplier as a workbook.")] = None,
    lang: Lang = "ru",
    by: EmbargoedBy = None,
    why: EmbargoedWhy = None,
    as_json: Json = False,
) -> None:
    """Why a load was accepted or refused, in words for its supplier; with --lang en, in words for engineers.

    Row counts under embargo are left out.
    """
    from pipelines.loading.answer import answer, delivered_files, heading, without_numbers, write_answer
    from pipelines.loading.answer import words as words_of
    from pipelines.loading.answer_en import NOTE, counts_in_english, english_sentences
    from pipelines.outputs import refuse_to_overwrite, refuse_what_is_no_workbook, written_whole
    from pipelines.publishing.embargo import admit, held_loads
    from pipelines.warehouse import open_warehouse
    from pipelines.wording import step_ru

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
            admit(warehouse, f"contents of load {load_id}", held, by, why)
        else:
            given = without_numbers(given)
            console.err.print(
                f"[yellow]under embargo until {format_minsk(held)}: its rows are left out (--by NAME --why REASON)[/]"
            )
    if xlsx is not None:
        with written_whole(xlsx) as whole:
            write_answer(given, whole)
    files = delivered_files(given.load, settings)
    if as_json:
        console.as_json({**asdict(given), "files": [asdict(one) for one in files]})
        return
    found, say = given.load, words_of(lang)
    english = english_sentences(found["source"], found["feed"]) if lang == "en" else {}
    console.out.print(f"[bold]{found['load_id']}[/]  {console.state(found['state'])}")
    if given.also:
        also = ", ".join(given.also[:3]) + (" …" if len(given.also) > 3 else "")
        console.out.print(f"{say('the newest')} ({len(given.also)}): {also}")
    console.out.print(escaped(heading(found, lang)))
    console.out.print(given.decision if lang == "ru" else say(found["state"]))
    console.out.print(
        f"{say('file')} {found['files']}."
        if found["rows_delivered"] is None
        else f"{say('file')} {found['files']}; {say('delivered')} {found['rows_delivered']}, "
        f"{say('taken')} {found['rows_accepted']}, {say('kept back')} {found['rows_quarantined']}."
    )
    if counts := given.counts if lang == "ru" else counts_in_english(given.counted):
        console.out.print(counts)
    if given.findings:
        console.table(
            say("findings"),
            [say(column) for column in ("rule", "severity", "says", "remedy", "rows", "row numbers")],
            [
                (
                    f["expectation"],
                    say(f["severity"]),
                    english.get(f["says"], f["says"]),
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
            [
                (
                    f"{r.row}, {r.place}" if r.place else r.row,
                    r.column,
                    r.value,
                    english.get(r.rule, r.rule),
                    r.remedy,
                )
                for r in given.rows[:20]
            ],
            right=(say("row"),),
        )
    if lang == "en" and (given.findings or given.rows):
        console.out.print(f"[dim]{escaped(NOTE)}[/]")
    console.table(
        say("history"),
        [say(column) for column in ("event", "when (UTC)", "by", "why", "until")],
        [
            (say(f"event {e['event']}"), e["happened_at"], e["by_whom"], e["why"], e["until"])
            for e in given.events
        ],
    )
    if given.approvals:
        console.table(
            say("approvals"),
            [say(column) for column in ("step", "event", "when (UTC)", "by", "note")],
            [
                (step_ru(one["step"]) if lang == "ru" else one["step"], say(one["decision"]), one["decided_at"],
                 one["by_whom"], one["note"])
                for one in given.approvals
            ],
        )  # fmt: skip
    # what else is in an archive: evidence, the signed copy
    if any(one.archive for one in files):
        console.table(
            say("files"),
            [say(column) for column in ("file", "in archive", "bytes", "sha256")],
            [(one.name, one.archive, one.bytes, one.sha256 or say("damaged")) for one in files],
        )
    if xlsx is not None:
        console.out.print(f"{say('answer to the supplier')}: {xlsx}")


@handle_errors
def waive(
    load: Annotated[str, typer.Argument(help="The refused load.")],
    by: Annotated[str, typer.Option(help="Who is responsible.")],
    why: Annotated[str, typer.Option(help="The reason.")],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The last day on which it counts.")],
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Even if it replaces loads with more rows.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Accept a refused load until a given day, on a person's responsibility. The ledger keeps who, why and until when.

    It replaces what was accepted before it for the same period; if that has more rows, the command asks first. Rows that
    would count twice cannot be waived. A waiver until today ends an earlier one.
    """
    from pipelines.loading.decisions import find_load, would_replace
    from pipelines.loading.decisions import waive as waive_load
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
        show_in_the_ui(settings, warehouse)
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


def show_in_the_ui(settings: Settings, warehouse: Warehouse) -> None:
    """Make Dagster show as loaded what is in the ledger now. If nothing has run yet, there is nothing to correct."""
    from assets.ledger_events import align
    from pipelines.orchestration.dagster_home import dagster_instance

    with dagster_instance(settings) as instance:
        if instance is not None:
            align(instance, warehouse)


def _confirm_loss(found: dict[str, Any], replaced: list[dict[str, Any]]) -> None:
    """Ask before a waiver removes rows; refuse if there is no terminal to answer."""
    from pipelines.errors import GorodError

    brings = found["rows_delivered"] - found["rows_quarantined"]
    takes = sum(other["rows_accepted"] for other in replaced)
    if takes <= brings:
        return
    loads = ", ".join(other["load_id"] for other in replaced)
    loss = f"{found['load_id']} would bring {brings} rows in and replace {takes} accepted ones ({loads})"
    if not sys.stdin.isatty():
        raise GorodError(f"{loss}; nothing was changed", "If that is intended, add --anyway")
    console.err.print(f"[yellow]note:[/] {escaped(loss)}")
    if not typer.confirm("Waive it anyway?", err=True):
        raise GorodError("not waived; nothing was changed")


@handle_errors
def replay(
    load: Annotated[str, typer.Argument(help="The load whose delivery is validated again.")],
    why: Annotated[str, typer.Option(help="The reason.")] = "replayed by hand",
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Even if an old delivery replaces a newer one.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Validate a delivery again with today's declarations and suite. Its bytes are compared with its receipt first."""
    from pipelines.loading.decisions import find_load
    from pipelines.loading.decisions import replay as replay_load
    from pipelines.loading.plan import run_lock
    from pipelines.warehouse import open_warehouse

    settings = get_settings()
    warehouse = open_warehouse(settings)
    load_id = find_load(load, warehouse)["load_id"]
    with run_lock(settings):
        outcome = replay_load(load_id, why, settings, warehouse, anyway=anyway)
        show_in_the_ui(settings, warehouse)
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


@handle_errors
def prune(as_json: Json = False) -> None:
    """Remove what has been kept long enough; gorod run does this too.

    Dagster's runs and logs after GOROD_KEEP_RUNS_DAYS; deliveries after the `landing_days` of their feed. The ledger records
    it; the rows stay, but such a delivery cannot be validated again.
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
        console.out.print(f"removed from landing: {escaped(delivery_id)}")
    console.out.print(f"{len(deliveries)} deliveries and {runs} runs removed")
