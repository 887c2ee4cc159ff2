"""``gorod release``: frozen sets of figures from which reports are made."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from pipelines import console
from pipelines.commands.answering import EmbargoedBy, EmbargoedWhy, Json, Lang, escaped, handle_errors
from pipelines.moments import format_minsk, parse_as_of
from pipelines.settings import get_settings

app = typer.Typer(no_args_is_help=True, help="Releases: frozen, dated figures from which reports are made.")

SHOWN = 50  # changes in the terminal; all of them are in --json and --xlsx

Named = Annotated[str, typer.Argument(help="The release's id, or an unambiguous part of it.")]


@app.command()
@handle_errors
def cut(
    period: Annotated[str, typer.Option(help="The period, as in SDMX: 2026-Q3, 2026-10, 2026.")],
    as_of: Annotated[str, typer.Option(help="As known at the end of a day (2026-11-01) or at a moment.")],
    by: Annotated[str, typer.Option(help="Who is responsible.")],
    code: Annotated[
        str | None, typer.Option(help="Entry of the release calendar; default: the one of this period.")
    ] = None,
    why: Annotated[str | None, typer.Option(help="The occasion.")] = None,
    as_json: Json = False,
) -> None:
    """Freeze what was known about a period. Cutting the same again gives the same release."""
    from pipelines.releases.cut import cut as cut_release

    found = cut_release(get_settings(), period, parse_as_of(as_of), by, code, why)
    if as_json:
        console.as_json({**found.manifest, "is_new": found.is_new})
        return
    rows = found.manifest["row_counts"]["pub_indicator_value_v1"]
    console.out.print(f"{found.id}  {rows} values, {len(found.manifest['loads'])} loads")
    if not found.is_new:
        console.out.print("nothing new: the same figures are already frozen")
    if found.is_held and found.embargo_until is not None:
        console.out.print(f"[yellow]under embargo until {format_minsk(found.embargo_until)}[/]")
    console.out.print(str(found.folder))


@app.command("list")
@handle_errors
def list_(as_json: Json = False) -> None:
    """All releases, oldest first."""
    from pipelines.releases.archive import list_releases, repair

    settings = get_settings()
    repair(settings)
    found = list_releases(settings)
    if as_json:
        console.as_json([asdict(one) for one in found])
        return
    console.table(
        "Releases",
        ("release", "period", "as of", "cut", "by", "state"),
        [
            (
                one.id,
                one.period,
                format_minsk(one.as_of),
                format_minsk(one.cut_at),
                one.by,
                f"{one.state} until {format_minsk(one.embargo_until)}"
                if one.state == "under embargo" and one.embargo_until
                else one.state,
            )
            for one in found
        ],
    )


@app.command()
@handle_errors
def show(release: Named, by: EmbargoedBy = None, why: EmbargoedWhy = None, as_json: Json = False) -> None:
    """What a release contains, and what it was made from. Under embargo, row counts are left out."""
    from pipelines.publishing.embargo import admit
    from pipelines.releases.archive import find_release, repair
    from pipelines.warehouse import open_warehouse

    settings = get_settings()
    repair(settings)
    found = find_release(settings, release)
    about = dict(found.manifest)
    if found.is_held:
        if by or why:
            admit(open_warehouse(settings), f"release {found.id}", found.embargo_until, by, why)
        else:
            # sizes of files and loads would reveal the counts
            for name in ("row_counts", "files", "loads"):
                del about[name]
    if as_json:
        console.as_json(about)
        return
    lines = {
        "release": found.id,
        "period": about["period"],
        "as of": format_minsk(datetime.fromisoformat(about["as_of"])),
        "known by build": f"{about['build']}, {format_minsk(datetime.fromisoformat(about['known_at']))}",
        "cut": f"{format_minsk(datetime.fromisoformat(about['cut_at']))} by {about['by']}",
        "why": about["why"],
        "embargo": f"{'until' if found.is_held else 'ended'} {format_minsk(found.embargo_until)}"
        if found.embargo_until
        else "none",
        "content": about["content_hash"],
        "definitions": about["definitions_hash"],
        "code": " ".join(
            str(value) for value in (about["code"]["version"], about["code"]["commit"]) if value
        ),
        "loads": len(about["loads"]) if "loads" in about else "under embargo",
        "as of the cut": ", ".join(about["of_the_cut"]) or "nothing",
        "synthetic": about["synthetic"],
        "folder": found.folder,
    }
    for name, value in lines.items():
        if value is not None:
            console.out.print(f"{name:<14} {escaped(console.text(value))}")
    console.table(
        "Tables",
        ("table", "rows"),
        sorted(about.get("row_counts", {}).items()),
        right=("rows",),
    )


@app.command()
@handle_errors
def verify(release: Named, as_json: Json = False) -> None:
    """Read every file of a release and compare it with its hashes and the ledger."""
    from pipelines.releases.archive import repair
    from pipelines.releases.archive import verify as verify_release

    settings = get_settings()
    repair(settings)
    identity, problems = verify_release(settings, release)
    if as_json:
        console.as_json({"release": identity, "problems": problems})
    else:
        console.out.print(
            f"{identity}: " + ("as it was cut" if not problems else "[red]not as it was cut[/]")
        )
        for problem in problems:
            console.out.print(f"  {escaped(problem)}")
    if problems:
        raise typer.Exit(1)


@app.command()
@handle_errors
def diff(
    older: Annotated[str, typer.Argument(help="The older release.")],
    newer: Annotated[str, typer.Argument(help="The newer release.")],
    xlsx: Annotated[Path | None, typer.Option(help="Write all changes as a workbook.")] = None,
    by: EmbargoedBy = None,
    why: EmbargoedWhy = None,
    lang: Lang = "ru",
    as_json: Json = False,
) -> None:
    """What changed between two releases, and why."""
    from pipelines.outputs import refuse_to_overwrite, refuse_what_is_no_workbook, written_whole
    from pipelines.publishing.embargo import admit
    from pipelines.releases.archive import find_release, repair
    from pipelines.releases.diff import compare
    from pipelines.releases.diff_workbook import write_workbook
    from pipelines.warehouse import open_warehouse

    settings = get_settings()
    if xlsx is not None:
        refuse_to_overwrite(xlsx, {}, settings)
        refuse_what_is_no_workbook(xlsx)
    repair(settings)
    releases = find_release(settings, older), find_release(settings, newer)
    warehouse = open_warehouse(settings)
    for one in releases:
        admit(warehouse, f"release {one.id}", one.embargo_until, by, why)
    found = compare(*releases, language=lang)
    if xlsx is not None:
        with written_whole(xlsx) as whole:
            write_workbook(found, releases, whole)
    if as_json:
        console.as_json({name: value for name, value in asdict(found).items() if name != "names"})
        return
    say = found.names.say
    for line in found.head:
        console.out.print(escaped(line))
    first = say(f" (первые {SHOWN} из {len(found.changes)})", f" (the first {SHOWN} of {len(found.changes)})")
    console.table(
        say("Изменения", "Changes") + (first if len(found.changes) > SHOWN else ""),
        [
            say(ru, en)
            for ru, en in (
                ("показатель", "indicator"),
                ("территория", "territory"),
                ("период", "period"),
                ("разрез", "part"),
                ("было", "old"),
                ("стало", "new"),
                ("причина", "why"),
            )
        ],
        [one.describe(found.names) for one in found.changes[:SHOWN]],
        right=("old", "new", "было", "стало"),
    )
    if xlsx is not None:
        console.out.print(f"{say('все изменения', 'all changes')}: {xlsx}")
