"""Commands about figures: trace, sql, report."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines import console
from pipelines.commands.answering import EmbargoedBy, EmbargoedWhy, Json, Lang, escaped, handle_errors
from pipelines.declarations.reports import PROFILE, profile_names
from pipelines.errors import GorodError
from pipelines.moments import format_minsk, parse_as_of
from pipelines.settings import get_settings
from pipelines.wording import SYNTHETIC

AsOf = Annotated[
    str | None,
    typer.Option(help="Values as they were known at the end of a day (2026-11-01) or at a moment."),
]


@handle_errors
def trace(
    indicator: str,
    territory: Annotated[str, typer.Argument(help="Code, e.g. BY-BR, c-minsk.")],
    period: Annotated[str, typer.Argument(help="SDMX period, e.g. 2018, 2018-Q2, 2018-04.")],
    breakdown: Annotated[str, typer.Option(help="Member of the breakdown.")] = "_T",
    as_of: AsOf = None,
    by: EmbargoedBy = None,
    why: EmbargoedWhy = None,
    lang: Lang = "ru",
    as_json: Json = False,
) -> None:
    """From a published value back to the rows of the delivered files."""
    from pipelines.loading.reconcile import spoilt
    from pipelines.operations.trace import trace as trace_value
    from pipelines.operations.trace_text import show
    from pipelines.publishing.embargo import admit, held_until
    from pipelines.publishing.history import known, show_known
    from pipelines.publishing.names import names_of
    from pipelines.warehouse import open_warehouse

    settings = get_settings()
    warehouse = open_warehouse(settings)
    with warehouse.connection(read_only=True) as connection:
        found: dict[str, Any]
        names = names_of(connection, lang)
        if as_of is None:
            traced = trace_value(connection, indicator, territory, period, breakdown)
            found, lines = asdict(traced), show(traced, names)
            loads = [load.load_id for load in traced.loads]
        else:
            loads = []
            remembered = known(connection, indicator, territory, period, breakdown, parse_as_of(as_of))
            found, lines = asdict(remembered), show_known(remembered, names)
        held = held_until(connection, indicator, period)
    admit(warehouse, f"{indicator} of {period}", held, by, why)
    if as_json:
        console.as_json({**found, "embargo_until": held})
    else:
        for line in lines:
            console.out.print(escaped(line))
    if held is not None:
        console.err.print(f"[yellow]under embargo until {format_minsk(held)}: do not pass on[/]")
    # the rows shown are those that were loaded; the files behind them may have changed since
    for fault in spoilt(loads, settings, warehouse):
        console.err.print(f"[yellow]note:[/] changed in landing: {escaped(fault)}")


@handle_errors
def sql(
    query: Annotated[str | None, typer.Argument(help="A query; without it, a prompt opens.")] = None,
    as_of: AsOf = None,
    as_json: Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="Answer as CSV.")] = False,
) -> None:
    """Query the published snapshot with SQL, read-only."""
    from pipelines.publishing.query import ask, prompt

    moment = None if as_of is None else parse_as_of(as_of)
    if query is None:
        prompt(get_settings(), moment)
        return
    names, rows = ask(get_settings(), query, moment)
    if as_json:
        console.as_json([dict(zip(names, row, strict=True)) for row in rows])
    elif csv:
        import csv as csv_module

        writer = csv_module.writer(sys.stdout)
        writer.writerow(names)
        writer.writerows(rows)
    else:
        console.table("", names, rows)


@handle_errors
def report(
    name: Annotated[
        str | None,
        typer.Argument(metavar="REPORT", help="A report of assets/reports; default: country_digest."),
    ] = None,
    month: Annotated[
        str | None,
        typer.Option(
            help="Month of the digest, YYYY-MM; default: the newest with figures, or the release's own period."
        ),
    ] = None,
    release: Annotated[str | None, typer.Option(help="Make it from this release (id).")] = None,
    territory: Annotated[
        list[str] | None,
        typer.Option(help="Of a profile: only this territory (ref_area); may be repeated; needs --to."),
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="Of a profile: the folder to write, in place of its own.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a report from the current publication or a release: the country digest of a month, or territories' profiles."""
    if name is not None and name.endswith(PROFILE):
        _profiles(name, release, territory or [], to, as_json=as_json)
        return
    if name not in (None, "country_digest") or territory or to:
        raise GorodError(
            f"no such report: {name}"
            if name not in (None, "country_digest")
            else "a digest is of the whole country",
            f"Reports: country_digest, {', '.join(profile_names())}; --territory and --to belong to a profile.",
        )
    from pipelines.reporting.captions import in_short
    from pipelines.reporting.digest import make_digest

    settings = get_settings()
    if release is None:
        done = make_digest(settings, month)
    else:
        from pipelines.releases.archive import publication_of

        done = make_digest(settings, month, release=publication_of(settings, release))
    if as_json:
        console.as_json(
            {
                "document": done.document,
                "workbook": done.workbook,
                "is_new": done.is_new,
                "period": done.period,
            }
        )
        return
    short = in_short(done.digest)
    for line in short.head:
        console.out.print(escaped(line))
    console.table("", short.columns, short.rows, right=short.columns[2:])
    for line in short.foot:
        console.out.print(escaped(line))
    console.out.print(
        f"{done.document}\n{done.workbook}"
        + ("" if done.is_new else "\nnothing new: the same documents as before")
    )


def _profiles(
    name: str, release: str | None, territories: list[str], to: Path | None, *, as_json: bool
) -> None:
    """Make the profiles of territories, and say where they lie."""
    from pipelines.releases.archive import publication_of
    from pipelines.reporting.profiles.make_profiles import make_profiles

    if bool(territories) != (to is not None):
        raise GorodError(
            "--territory and --to go together", "Without both, the profiles of all territories are made."
        )
    settings = get_settings()
    of = None if release is None else publication_of(settings, release)
    done = make_profiles(settings, name, of, territories, to)
    if as_json:
        console.as_json({"folder": done.folder, "documents": sorted(done.documents), "is_new": done.is_new})
        return
    if done.synthetic:
        console.out.print(f"{SYNTHETIC} / synthetic data: the figures are invented")
    news = "" if done.is_new else "\nnothing new: the same documents as before"
    console.out.print(f"{len(done.documents)} documents in {done.folder}{news}")
