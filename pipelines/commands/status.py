"""``gorod status``: what is loaded, what is late, what failed."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines import console
from pipelines.commands.answering import EmbargoedBy, EmbargoedWhy, Json, escaped, handle_errors
from pipelines.moments import format_minsk
from pipelines.settings import get_settings

if TYPE_CHECKING:
    from pipelines.operations.status import FeedStatus


@handle_errors
def status(
    loads: Annotated[bool, typer.Option("--loads", help="Also list the loads.")] = False,
    by: EmbargoedBy = None,
    why: EmbargoedWhy = None,
    as_json: Json = False,
) -> None:
    """Loads by state, late feeds, quarantine, the last build and publication. The exit code is that of the most serious problem.

    Row counts under embargo are left out.
    """
    from pipelines.disk import require_room
    from pipelines.operations.status import read_status
    from pipelines.publishing.embargo import admit, held_loads
    from pipelines.warehouse import open_warehouse

    settings = get_settings()
    warehouse = open_warehouse(settings)
    held = held_loads(warehouse)
    if held and (by or why):
        admit(warehouse, "numbers of rows of loads", max(held.values()), by, why)
        held = {}
    given = read_status(settings, held)
    if as_json:
        console.as_json({**asdict(given), "exit_code": given.exit_code})
        require_room(settings.home)
        raise typer.Exit(given.exit_code)
    _show_feeds(given.feeds)
    if loads:
        console.table(
            "Loads",
            ("load", "state", "delivered", "accepted", "quarantine", "decided (UTC)"),
            [
                (
                    r["load_id"],
                    r["state"],
                    r["rows_delivered"],
                    r["rows_accepted"],
                    r["rows_quarantined"],
                    r["decided_at"],
                )
                for r in given.loads
            ],
            right=("delivered", "accepted", "quarantine"),
        )
    if held:
        console.out.print(
            f"[yellow]under embargo[/]: the rows of {len(held)} loads, left out (--by NAME --why REASON)"
        )
    for load_id in given.refused:
        console.out.print(f"[red]refused[/]: {load_id}   why: gorod explain {load_id}")
    for fault in given.inbox_faults:
        console.out.print(f"[red]drop folder[/]  {escaped(fault)}")
    for waiting in given.inbox_waiting:
        console.out.print(f"[yellow]waits[/]        {escaped(waiting)}")
    for feed in given.feeds:
        if feed.late and (feed.instances > 1 or feed.late[0].part):
            console.out.print(
                f"[yellow]late[/]         {feed.source}.{feed.feed}: {', '.join(map(str, feed.late))}"
            )
    behind = "behind the ledger" if given.stale else "not published" if given.unpublished else ""
    done = "up to date" if given.publication else "not built yet"
    console.out.print(f"marts        {f'{behind}: gorod run' if behind else done}")
    if given.failed_build is not None:
        console.out.print(
            f"[red]build failed[/] {format_minsk(given.failed_build.failed_at)}: {escaped('; '.join(given.failed_build.says))}\n"
            f"             see {escaped(given.failed_build.where)}"
        )
    console.out.print(f"publication  {given.publication or 'none yet'}")
    # whoever looks learns that the next run would fail
    require_room(settings.home)
    raise typer.Exit(given.exit_code)


def _show_feeds(feeds: list[FeedStatus]) -> None:
    """The feeds by source. To fit the 80 columns of a plain terminal, states without loads are left out there."""
    counts = ("accepted", "waived", "rejected", "superseded", "rows", "quarantined")
    narrow = console.out.is_terminal
    shown = [
        name
        for name in counts
        if not narrow or name in ("accepted", "rows") or any(getattr(feed, name) for feed in feeds)
    ]
    rows: list[tuple[Any, ...]] = []
    source = ""
    for feed in feeds:
        numbers = [getattr(feed, name) for name in shown]
        if not narrow:
            rows.append((f"{feed.source}.{feed.feed}", *numbers, feed.newest, feed.lateness))
            continue
        if feed.source != source:
            source = feed.source
            rows.append((source, *("" for _ in shown), "", ""))
        rows.append((f"  {feed.feed}", *numbers, feed.newest.rpartition("@")[2], feed.lateness))
    heads = [{"quarantined": "quarantine"}.get(name, name) for name in shown]
    console.table("Feeds", ("feed", *heads, "newest", "late"), rows, right=heads)
