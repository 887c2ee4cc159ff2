"""Earlier loads of a slice: whether a delivery is already one of them, and the delivery behind a load."""

from __future__ import annotations

from datetime import date
from typing import Any

from pipelines.deliveries import DROPPED, Delivery, origin_kind
from pipelines.errors import LandingError
from pipelines.loading import receipts
from pipelines.loading.retention import removed
from pipelines.loading.validate import BROKEN
from pipelines.settings import Settings
from pipelines.warehouse.base import Warehouse


def same_load(
    delivery: Delivery, history: list[dict[str, Any]], warehouse: Warehouse, is_broken: bool
) -> dict[str, Any] | None:
    """The load that already holds this delivery; None if it is new.

    That is the load in force if it has the same bytes, or the newest if it awaits approval. For a delivery from an origin, it
    is also the newest load and the last one taken from that kind of origin, however old: an origin that still offers the same
    has nothing new, and must not supersede a correction that arrived another way. A dropped file is new unless that very drop
    was entered already.
    """
    own = [load for load in history if load["slice"] == delivery.slice.key]
    if not own:
        return None
    for load in reversed(own):
        if load["state"] in ("accepted", "waived") and load["sha256"] == delivery.sha256:
            return load
    if own[-1]["state"] == "unapproved" and own[-1]["sha256"] == delivery.sha256:
        return own[-1]
    same = [
        load
        for load in own
        if load["sha256"] == delivery.sha256 and (is_broken or not _was_broken(load, warehouse))
    ]
    if not same:
        return None
    is_dropped = origin_kind(delivery.origin) == DROPPED
    if same[-1] is own[-1] and not is_dropped:
        return same[-1]
    taken = warehouse.query(
        "select load_id, origin, fingerprint from ops.candidate where load_id in (select unnest(?)) order by seen_at",
        [[load["load_id"] for load in own]],
    )
    if is_dropped:
        act = (same[-1]["load_id"], delivery.origin, delivery.fingerprint)
        acts = {(row["load_id"], row["origin"], row["fingerprint"]) for row in taken}
        return same[-1] if delivery.fingerprint and act in acts and same[-1] is own[-1] else None
    kind = origin_kind(delivery.origin)
    offered = [(origin_kind(row["origin"]), row["load_id"]) for row in taken]
    last = next((load_id for of, load_id in reversed(offered) if of == kind), None) or next(
        # nothing was taken from this kind of origin: the newest of another kind stands in
        (load_id for of, load_id in reversed(offered) if of not in (DROPPED, "replay")),
        None,
    )
    return next((load for load in same if load["load_id"] == last), None)


def known_loads(delivery: Delivery, warehouse: Warehouse) -> list[dict[str, Any]]:
    """The loads whose days overlap the delivery's, in the order in which they were entered."""
    days = delivery.slice
    known = (
        "where source = ? and feed = ? and instance = ? and part = ? "
        "and (first_day is null or (first_day <= ? and last_day >= ?))"
    )
    values = [
        delivery.source,
        delivery.feed,
        delivery.instance,
        days.part,
        days.last_day or date.max,
        days.first_day or date.min,
    ]
    # most deliveries are the first of their days, and the view of the loads' states is costly to plan
    if not warehouse.query(f"select 1 as one from ops.load {known} limit 1", values):
        return []
    return warehouse.query(f"select * from ops.load_state {known} order by load_no", values)


def _was_broken(load: dict[str, Any], warehouse: Warehouse) -> bool:
    """Whether a load was refused because its files were damaged in landing: the intact delivery then counts as new."""
    return not load["readable"] and bool(
        warehouse.query(
            "select 1 as one from ops.load_result where load_id = ? and expectation = ?",
            [load["load_id"], BROKEN],
        )
    )


def delivery_of(found: dict[str, Any], settings: Settings, warehouse: Warehouse) -> Delivery:
    """The delivery of a load, exactly as it arrived.

    Raises:
        LandingError: it is no longer in landing, or its files or receipt have changed.
    """
    folder = settings.landing / found["folder"]
    left_at = removed(warehouse).get(found["delivery_id"])
    if left_at is not None and not folder.exists():
        raise LandingError(
            f"the delivery of load {found['load_id']} left landing on {left_at:%Y-%m-%d}: the days for which its feed is "
            "kept were over",
            "What it brought stays in the figures. It can be judged again only if the supplier delivers it again.",
        )
    delivery, faults = receipts.examined(folder, settings, found)
    if faults or delivery is None:
        raise LandingError(
            f"the delivery of load {found['load_id']} is not as it came: {'; '.join(faults)}",
            "Nothing was changed. Restore landing from the backup. All of it is examined by: gorod warehouse reconcile",
        )
    return delivery
