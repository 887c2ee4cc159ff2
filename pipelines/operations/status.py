"""Status: loads by state, late feeds, quarantine, the last publication."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from pipelines.connectors.drop_folder import survey
from pipelines.declarations.sources import load_sources
from pipelines.exit_codes import ExitCode, gravest
from pipelines.loading.answer import without_counts
from pipelines.loading.lateness import Late, late_instances, newest_load
from pipelines.orchestration.failures import FailedBuild, failed_build
from pipelines.publishing.publication import current_publication
from pipelines.publishing.staleness import is_unpublished, stale_since
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
    instances: int
    late: list[Late]

    @property
    def lateness(self) -> str:
        """How many instances are late, and the worst of them; empty if all are on time."""
        if not self.late:
            return ""
        late = len({one.instance for one in self.late})
        return self.late[0].by + (f" ({late} of {self.instances})" if self.instances > 1 else "")


@dataclass(frozen=True)
class Status:
    """The whole status. ``inbox_faults`` need a person to fix them; ``inbox_waiting`` is not taken yet.

    ``stale``: the marts lack some of the ledger; ``unpublished``: readers do not see the newest build. ``failed_build`` is
    the last run that should have updated either, if it failed.
    """

    feeds: list[FeedStatus]
    loads: list[dict[str, Any]]
    refused: list[str]
    stale: bool
    unpublished: bool
    failed_build: FailedBuild | None
    publication: str | None
    inbox_faults: list[str]
    inbox_waiting: list[str]

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of ``gorod status``."""
        return gravest(
            code
            for code, is_so in (
                (ExitCode.REFUSED, self.failed_build is not None),
                (ExitCode.LOADS_REFUSED, bool(self.refused)),
                (ExitCode.ORIGIN, bool(self.inbox_faults)),
                (ExitCode.LATE, any(feed.late for feed in self.feeds)),
            )
            if is_so
        )


def read_status(settings: Settings, hidden: Collection[str] = ()) -> Status:
    """Read the ledger and the current publication.

    Args:
        hidden: loads whose row counts are neither shown nor included in their feed's.
    """
    warehouse = open_warehouse(settings)
    loads = warehouse.query(
        "select load_id, load_no, source, feed, instance, part, slice, state, first_day, last_day, received_at, decided_at, "
        "rows_delivered, rows_accepted, rows_quarantined from ops.load_state order by load_no"
    )
    loads = [without_counts(load) if load["load_id"] in hidden else load for load in loads]
    newest: dict[tuple[str, str, str, str], dict[str, Any]] = {
        (load["source"], load["feed"], load["instance"], load["slice"]): load for load in loads
    }
    publication = current_publication(settings)
    dropped = survey(settings)
    stale, unpublished = stale_since(warehouse) is not None, is_unpublished(settings, warehouse)
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
        stale=stale,
        unpublished=unpublished,
        failed_build=failed_build(settings, warehouse) if stale or unpublished else None,
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

    newest = newest_load(loads)
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
        instances=len(load_sources()[source].instances),
        late=late_instances(source, feed, loads),
    )
