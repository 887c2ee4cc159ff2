"""Landing held against the ledger, as after a restore: what one has and the other has not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pipelines.declarations.sources import load_sources
from pipelines.deliveries import Delivery
from pipelines.loading import landing, pending_markers, receipts
from pipelines.loading.retention import removed
from pipelines.settings import Settings
from pipelines.warehouse.base import Warehouse


@dataclass(frozen=True)
class Reconciled:
    """Deliveries in landing, and what does not agree with the ledger.

    ``unknown``: deliveries that landed and have no load, in the order in which they came. ``missing``: loads whose
    delivery is not in this landing, though its days are not over. ``removed``: deliveries whose days are. ``changed``:
    deliveries that are not as they came, or not as the ledger says. ``faults``: what is wrong with each of those, with its
    path.
    """

    deliveries: int
    unknown: list[str]
    missing: list[str]
    removed: list[str]
    changed: list[str]
    faults: list[str]


def reconcile(settings: Settings, warehouse: Warehouse, *, take_up: bool = False) -> Reconciled:
    """Read every delivery again and look for its load; with ``take_up`` the next run loads what has none.

    Call with ``take_up`` only while holding the run lock.
    """
    loads = warehouse.query("select * from ops.load_state order by load_no")
    # of a delivery that has several loads all say the same
    known = {settings.landing / row["folder"]: row for row in loads}
    unknown: list[Delivery] = []
    missing: list[str] = []
    gone: list[str] = []
    changed: list[str] = []
    faults: list[str] = []
    folders, over = {*landing.folders(settings), *known}, removed(warehouse)
    for folder in sorted(folders):
        row = known.get(folder)
        if row is not None and not folder.exists() and not folder.is_symlink():
            if row["delivery_id"] in over:
                gone.append(row["delivery_id"])
                continue
            missing += [load["load_id"] for load in loads if load["folder"] == row["folder"]]
            continue
        delivery, found = receipts.examined(folder, settings, row)
        if found:
            changed.append(delivery.delivery_id if delivery else row["delivery_id"] if row else str(folder))
            faults += found
        elif delivery is not None and row is None:
            unknown.append(delivery)
    unknown = landing.in_order(unknown)
    if take_up:
        for delivery in unknown:
            if _is_declared(delivery):
                pending_markers.mark_pending(delivery, settings)
    return Reconciled(
        deliveries=len(folders)
        - len(gone)
        - len({row["folder"] for row in loads if row["load_id"] in missing}),
        unknown=[delivery.delivery_id for delivery in unknown],
        missing=missing,
        removed=gone,
        changed=changed,
        faults=faults,
    )


def spoilt(load_ids: Collection[str], settings: Settings, warehouse: Warehouse) -> list[str]:
    """What of the deliveries of some loads is not in landing as it came, each with its path."""
    rows = warehouse.query("select * from ops.load_state order by load_no")
    over = removed(warehouse)
    folders = {
        settings.landing / row["folder"]: row
        for row in rows
        if row["load_id"] in load_ids and row["delivery_id"] not in over
    }
    return [fault for folder, row in folders.items() for fault in receipts.examined(folder, settings, row)[1]]


def _is_declared(delivery: Delivery) -> bool:
    source = load_sources().get(delivery.source)
    return source is not None and delivery.feed in source.feeds
