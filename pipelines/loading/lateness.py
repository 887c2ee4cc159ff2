"""How late each instance of a feed is: a city that delivers does not hide the silence of six, nor one table that of three."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pipelines.declarations.sources import load_sources
from pipelines.moments import today
from pipelines.warehouse.base import Warehouse

COUNTED = "select source, feed, instance, part, load_no, first_day, last_day, received_at, state from ops.load_state"


@dataclass(frozen=True)
class Late:
    """An instance that is late by so many days, with one of its parts where it has some; None: it never delivered."""

    instance: str
    days: int | None
    part: str = ""

    def __str__(self) -> str:
        return f"{self.who} {self.by}"

    @property
    def who(self) -> str:
        """The instance and its part."""
        return f"{self.instance} {self.part}".strip()

    @property
    def by(self) -> str:
        """How late, in words."""
        return "never delivered" if self.days is None else f"{self.days} days"


def late_instances(source: str, feed: str, loads: Iterable[Mapping[str, Any]]) -> list[Late]:
    """The declared instances of a feed that are late, the latest first: with each part that they ever delivered by itself.

    Counted from the end of the newest period of each, or from its last delivery, whichever is earlier.

    Args:
        source: its name.
        feed: its name.
        loads: rows of ``ops.load_state`` of this feed.
    """
    declared = load_sources()[source]
    lateness = declared.feeds[feed].lateness
    if lateness is None:
        return []
    loads = list(loads)
    found = []
    for instance in declared.instances:
        parts: dict[str, list[Mapping[str, Any]]] = {}
        for one in loads:
            if one["instance"] == instance:
                parts.setdefault(one["part"], []).append(one)
        newest = {part: load for part, given in parts.items() if (load := newest_load(given)) is not None}
        if not newest:
            found.append(Late(instance, None))
        for part, load in newest.items():
            received: date = load["received_at"].date()
            days = (today() - min(load["last_day"] or received, received) - lateness[1]).days
            if days > 0:
                found.append(Late(instance, days, part))
    return sorted(found, key=lambda one: (one.days is not None, -(one.days or 0), one.who))


def newest_load(loads: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The load of the newest period that is in force, or awaits approval.

    A period that has not begun, let in by an older Gorod, says nothing of how far a source has come.
    """
    begun = [
        load
        for load in loads
        # what awaits approval has been delivered
        if load["state"] in ("accepted", "waived", "unapproved")
        and (load["first_day"] or date.min) <= today()
    ]
    return max(begun, key=lambda load: (load["last_day"] or date.min, load["load_no"]), default=None)


def late_today(warehouse: Warehouse, source: str, feed: str) -> list[Late]:
    """The instances of a feed that are late today, by the ledger."""
    loads = warehouse.query(f"{COUNTED} where source = ? and feed = ?", [source, feed])
    return late_instances(source, feed, loads)
