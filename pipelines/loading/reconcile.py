"""Landing held against the ledger, as after a restore: what one has and the other has not."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.declarations.sources import load_sources
from pipelines.loading import landing
from pipelines.loading.delivery import Delivery
from pipelines.settings import Settings
from pipelines.warehouse.base import Warehouse


@dataclass(frozen=True)
class Reconciled:
    """Deliveries in landing, and what does not agree with the ledger.

    ``unknown``: deliveries that landed and have no load, in the order in which they came. ``missing``: loads whose
    delivery is not in this landing. ``changed``: deliveries whose bytes are not those of their receipt or their load.
    """

    deliveries: int
    unknown: list[str]
    missing: list[str]
    changed: list[str]


def reconcile(settings: Settings, warehouse: Warehouse, *, take_up: bool = False) -> Reconciled:
    """Read every delivery again and look for its load; with ``take_up`` the next run loads what has none.

    Call with ``take_up`` only while holding the run lock.
    """
    loads = warehouse.query("select load_id, delivery_id, sha256 from ops.load order by load_no")
    known = {row["delivery_id"]: row["sha256"] for row in loads}
    landed = {delivery.delivery_id: delivery for delivery in landing.deliveries(settings)}
    unknown = [delivery for delivery in landed.values() if delivery.delivery_id not in known]
    if take_up:
        for delivery in unknown:
            if _is_declared(delivery):
                landing.mark_pending(delivery, settings)
    return Reconciled(
        deliveries=len(landed),
        unknown=[delivery.delivery_id for delivery in unknown],
        missing=[row["load_id"] for row in loads if row["delivery_id"] not in landed],
        changed=[
            name
            for name, delivery in landed.items()
            if not landing.is_whole(delivery) or known.get(name, delivery.sha256) != delivery.sha256
        ],
    )


def _is_declared(delivery: Delivery) -> bool:
    source = load_sources().get(delivery.source)
    return source is not None and delivery.feed in source.feeds
