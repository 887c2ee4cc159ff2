"""How things stand: loads by state, late feeds, quarantine, the last publication."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from pipelines.connectors.drop_folder import survey
from pipelines.declarations.sources import load_sources
from pipelines.loading.answer import without_counts
from pipelines.moments import today
from pipelines.orchestration.stale import stale_since
from pipelines.publishing.publication import current_publication
from pipelines.settings import Settings
from pipelines.warehouse import open_warehouse


@dataclass(frozen=True)
class FeedStatus:
    """One feed: loads by state, effective rows, rows in quarantine, the newest period, and how late it is."""

    source: str
    feed: str
    accepted: int
    waived: int
    rejected: int
    superseded: int
    rows: int
    quarantined: int
    newest: str
    late: str | None


@dataclass(frozen=True)
class Status:
    """The whole. ``inbox_faults`` somebody must mend; ``inbox_waiting`` is not taken yet."""

    feeds: list[FeedStatus]
    loads: list[dict[str, Any]]
    refused: list[str]
    stale: bool
    publication: str | None
    inbox_faults: list[str]
    inbox_waiting: list[str]


def read_status(settings: Settings, hidden: Collection[str] = ()) -> Status:
    """Read the ledger and the current publication.

    Args:
        hidden: loads whose numbers of rows are not told, nor counted in their feed's.
    """
    warehouse = open_warehouse(settings)
    loads = warehouse.query(
        "select load_id, load_no, source, feed, instance, slice, state, first_day, last_day, received_at, decided_at, "
        "rows_delivered, rows_accepted, rows_quarantined from ops.load_state order by load_no"
    )
    loads = [without_counts(load) if load["load_id"] in hidden else load for load in loads]
    newest: dict[tuple[str, str, str, str], dict[str, Any]] = {
        (load["source"], load["feed"], load["instance"], load["slice"]): load for load in loads
    }
    publication = current_publication(settings)
    dropped = survey(settings)
    return Status(
        feeds=[
            _feed(
                source.source, feed, [r for r in loads if (r["source"], r["feed"]) == (source.source, feed)]
            )
            for source in load_sources().values()
            for feed in source.feeds
        ],
        loads=loads,
        refused=[load["load_id"] for load in newest.values() if load["state"] in ("rejected", "conflicting")],
        stale=stale_since(warehouse) is not None,
        publication=None
        if publication is None
        else f"{publication.id} ({publication.created_at:%Y-%m-%d %H:%M} UTC)",
        inbox_faults=dropped.faults,
        inbox_waiting=dropped.not_taken,
    )


def _feed(source: str, feed: str, loads: list[dict[str, Any]]) -> FeedStatus:
    good = [load for load in loads if load["state"] in ("accepted", "waived")]

    def count(state: str) -> int:
        return sum(1 for load in loads if load["state"] == state)

    # a period that has not begun, let in by an older Gorod, says nothing of how far the source has come
    begun = [load for load in good if (load["first_day"] or date.min) <= today()]
    newest = max(begun, key=lambda load: (load["last_day"] or date.min, load["load_no"]), default=None)
    return FeedStatus(
        source=source,
        feed=feed,
        accepted=count("accepted"),
        waived=count("waived"),
        rejected=count("rejected"),
        superseded=count("superseded"),
        rows=sum(load["rows_accepted"] or 0 for load in good),
        quarantined=sum(load["rows_quarantined"] or 0 for load in good),
        newest=newest["slice"] if newest else "",
        late=_late(source, feed, newest),
    )


def _late(source: str, feed: str, newest: dict[str, Any] | None) -> str | None:
    """How many days a feed is late: counted from the end of its newest period, or from its last delivery."""
    patience = load_sources()[source].feeds[feed].patience
    if patience is None:
        return None
    if newest is None:
        return "never delivered"
    received: date = newest["received_at"].date()
    since = min(newest["last_day"] or received, received)
    days = (today() - since - patience[1]).days
    return f"{days} days" if days > 0 else None
