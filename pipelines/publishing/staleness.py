"""Whether the marts reflect today's ledger and definitions, and which feeds have changed since. Does not import Dagster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipelines.catalogue.definition import definitions_hash
from pipelines.moments import ZONE, today
from pipelines.publishing.embargo import ended_embargo
from pipelines.publishing.publication import shown_build
from pipelines.settings import Settings
from pipelines.warehouse.base import Warehouse


@dataclass(frozen=True)
class Staleness:
    """Why the marts are to be built again.

    ``version`` is that of ledger and definitions that they should be built from. ``sound`` is the build that only feeds have
    changed since; None where anything may be different.
    """

    version: str
    sound: str | None


def stale_since(warehouse: Warehouse) -> str | None:
    """The version of ledger and definitions that the marts should be built from; None if they are up to date."""
    found = staleness(warehouse)
    return None if found is None else found.version


def staleness(warehouse: Warehouse) -> Staleness | None:
    """Why the marts are to be built again; None if they are up to date.

    A refused load changes no figure, and makes nothing stale; what is published tells of it with the next that does.
    Waivers, embargoes and periods end without an event, so those that ended since the last build are part of the version. So is a
    build that started and did not finish, because its partial work looks like a complete build. A waiver ends with a day in
    Minsk, as in the ledger's views; every period begins and ends with a month. The newest build is the one with the
    highest number, because its clock may have been wrong; a time in the future is ignored.
    """
    there = warehouse.query(
        "select table_name from information_schema.tables where table_schema = 'ops'"
        " and table_name in ('build', 'build_state', 'deciding_event')"
    )
    if len(there) < 3:
        # an older Gorod's ledger, which the next run brings up to date
        return Staleness("of-before", None) if there else None
    now = warehouse.query(
        f"""
        with build as (
            select
                max(build_no) as build_no,
                max_by(ended, build_no) as ended,
                max_by(ok and whole, build_no) as sound,
                max_by(invocation_id, build_no) as invocation_id,
                max_by(ledger_version, build_no) as ledger_version,
                max_by(definitions_hash, build_no) as definitions_hash,
                max_by(
                    cast(begun_at at time zone '{ZONE}' as date), build_no
                ) as day
            from ops.build_state
        ),

        waiver as (
            select load_id, max_by(until, event_no) as until
            from ops.load_event where event = 'waived' group by load_id
        )

        select
            build.*,
            (select count(*) from ops.deciding_event) as events,
            (select count(*) from ops.effective_load) as loads,
            (select max(until) from waiver where until >= build.day and until < ?) as waived_until
        from build
        """,
        [today()],
    )[0]
    if now["events"] == 0:
        return None
    wanted, ended = definitions_hash(), ended_embargo(warehouse)
    month = f"{today():%Y-%m}"
    is_new_month = now["day"] is not None and f"{now['day']:%Y-%m}" < month
    is_ahead = now["day"] is not None and now["day"] > today()
    is_sound = (
        now["sound"]
        and now["definitions_hash"] == wanted
        and ended is None
        and not is_new_month
        and not is_ahead
    )
    if is_sound and now["ledger_version"] == now["events"] and now["waived_until"] is None:
        return None
    parts = [str(now["events"]), str(now["loads"]), wanted[:12]]
    if now["waived_until"] is not None:
        parts.append(f"waived-{now['waived_until']}")
    if ended is not None:
        parts.append(f"{ended:%Y%m%dT%H%M}")
    if is_new_month:
        parts.append(month)
    if now["ended"] is False or is_ahead:
        parts.append(f"after-{now['build_no']}")
    return Staleness("-".join(parts), now["invocation_id"] if is_sound else None)


def changed_feeds(warehouse: Warehouse, build: str) -> frozenset[str] | None:
    """The feeds (``source__feed``) whose loads in force are others than when a build began; None if nobody knows.

    It compares states, not decisions: a waiver that ended without an event is a change, too.
    """
    known = warehouse.query(
        "select source, feed, state from ops.build_input where invocation_id = ?", [build]
    )
    if not known:
        return None
    now = warehouse.query("select source, feed, state from ops.feed_state")

    def states(rows: list[dict[str, Any]]) -> dict[str, str]:
        return {f"{row['source']}__{row['feed']}": row["state"] for row in rows}

    return frozenset(feed for feed, _ in states(known).items() ^ states(now).items())


def newest_sound_build(warehouse: Warehouse) -> str | None:
    """The id of the newest complete and successful build."""
    if not _knows_builds(warehouse):
        return None
    rows = warehouse.query(
        "select max_by(invocation_id, build_no) as build from ops.build_state where ok and whole"
    )
    return rows[0]["build"] if rows else None


def is_unpublished(settings: Settings, warehouse: Warehouse) -> bool:
    """Whether readers do not see the newest successful build: the publication is gone, or a run was killed before it."""
    build = newest_sound_build(warehouse)
    return build is not None and build != shown_build(settings)


def _knows_builds(warehouse: Warehouse) -> bool:
    """Whether the warehouse was initialised at all."""
    return bool(
        warehouse.query(
            "select 1 from information_schema.tables where table_schema = 'ops' and table_name = 'build_state'"
        )
    )
