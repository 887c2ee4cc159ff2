"""What people decide about loads: replay and waive, and how a load is found."""

from __future__ import annotations

import getpass
from datetime import date
from typing import Any

from pipelines.declarations.sources import load_sources
from pipelines.errors import DeliveryError, GorodError
from pipelines.loading.context import tables_beside
from pipelines.loading.earlier_loads import delivery_of, known_loads
from pipelines.loading.load import LoadOutcome, load_delivery, now_utc, scratch
from pipelines.loading.retention import removed
from pipelines.loading.validate import fingerprint, read
from pipelines.moments import today
from pipelines.settings import Settings
from pipelines.warehouse.base import Event, Warehouse, raw_table


def replay(
    load_id: str, why: str, settings: Settings, warehouse: Warehouse, *, anyway: bool = False
) -> LoadOutcome:
    """Judge a load's delivery again by today's suite and declarations.

    Raises:
        GorodError: there is no such load, or another delivery has its place and it is not to take that ``anyway``.
        LandingError: its delivery is not in landing, or is not as it came.
    """
    found = find_load(load_id, warehouse)
    delivery = delivery_of(found, settings, warehouse)
    newer = [load for load in known_loads(delivery, warehouse) if _has_its_place(load, found)]
    if newer and not anyway:
        other = newer[-1]
        raise GorodError(
            f"load {found['load_id']} was superseded by a newer delivery ({other['load_id']}); a replay would put the old "
            "one in its place",
            f"Nothing was changed. Replay the newer one: gorod replay {other['load_id']}. If the old one is meant: --anyway",
        )
    return load_delivery(
        delivery, settings, warehouse, examined=True, replayed_by=getpass.getuser(), replayed_why=why
    )


def _has_its_place(load: dict[str, Any], found: dict[str, Any]) -> bool:
    """Whether a load in force is of another delivery, newer than the one that was found, with rows for its days."""
    return (
        load["state"] in ("accepted", "waived")
        and not load["not_retained"]
        and load["load_no"] > found["load_no"]
        and load["delivery_id"] != found["delivery_id"]
    )


def waive(load_id: str, by: str, why: str, until: date, settings: Settings, warehouse: Warehouse) -> None:
    """Let a refused load in until a day, on somebody's word; rows in quarantine stay there.

    The rows that enter are those that the gate counted then, whatever suite and register say today.

    Raises:
        GorodError: no such load, it is accepted already, it could not be read, the day is past; or it would count
            something twice, or nothing, or is not read as it was then.
        LandingError: its delivery is not in landing, or is not as it came.
    """
    found = find_load(load_id, warehouse)
    if found["outcome"] == "accepted":
        raise GorodError(
            f"load {load_id} is accepted: there is nothing to waive", "See: gorod explain " + load_id
        )
    if not found["readable"]:
        raise GorodError(
            f"load {load_id} could not be read: there are no rows that a waiver could let in",
            "The supplier has to deliver again. See: gorod explain " + load_id,
        )
    if until < today():
        raise GorodError(f"--until {until} is past", "Give a day from today on.")
    feed = load_sources()[found["source"]].feeds[found["feed"]]
    event = Event("waived", now_utc(), by, why, until)
    table = raw_table(found["source"], found["feed"])
    has_rows = warehouse.query(
        f"select 1 as entered from {table} where load_id = ? limit 1", [found["load_id"]]
    )
    # a waiver that is made longer, or ended, needs no delivery any more
    delivery = (
        None
        if has_rows and found["delivery_id"] in removed(warehouse)
        else delivery_of(found, settings, warehouse)
    )
    if has_rows or delivery is None:
        warehouse.commit_waiver(found["load_id"], event, feed, None, None)
        return
    with scratch(settings) as folder:
        try:
            key = settings.pseudonym_key.get_secret_value()
            beside = tables_beside(delivery, warehouse)
            batch = read(delivery, feed, key, settings.home, folder, beside)
        except DeliveryError as error:
            raise GorodError(
                f"the delivery of load {found['load_id']} could be read when it was refused, and cannot be read now",
                f"Nothing was changed. Have it judged as it is read today: gorod replay {found['load_id']}",
            ) from error
        warehouse.commit_waiver(found["load_id"], event, feed, batch.path, fingerprint(batch))


def would_replace(load_id: str, warehouse: Warehouse) -> list[dict[str, Any]]:
    """Loads in force that a waiver of this one would supersede: ``load_id``, ``rows_accepted``, in order of entry."""
    return warehouse.query(
        """
        select older.load_id, older.rows_accepted
        from ops.effective_load as older, ops.load as newer
        where
            newer.load_id = ? and older.load_id <> newer.load_id
            and (older.load_no < newer.load_no or older.not_retained)
            and older.source = newer.source and older.feed = newer.feed
            and older.instance = newer.instance and older.part = newer.part
            and (newer.first_day is null
                or (newer.first_day <= older.first_day and newer.last_day >= older.last_day))
        order by older.load_no
        """,
        [load_id],
    )


def fitting_loads(load_id: str, warehouse: Warehouse) -> list[dict[str, Any]]:
    """Rows of ``ops.load_state`` whose id is this, or has this piece, in the order of their entry."""
    return warehouse.query("select * from ops.load_state where load_id = ?", [load_id]) or warehouse.query(
        "select * from ops.load_state where contains(load_id, ?) order by load_no", [load_id]
    )


def find_load(load_id: str, warehouse: Warehouse) -> dict[str, Any]:
    """A row of ``ops.load_state``; an unambiguous piece of the id is enough.

    Raises:
        GorodError: none or several loads fit.
    """
    rows = fitting_loads(load_id, warehouse)
    if len(rows) == 1:
        return rows[0]
    listing = ", ".join(row["load_id"] for row in rows[:5])
    raise GorodError(
        f"no load {load_id!r}" if not rows else f"{len(rows)} loads fit {load_id!r}: {listing}",
        "See: gorod status --loads",
    )
