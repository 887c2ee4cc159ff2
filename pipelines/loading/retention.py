"""Deliveries leave landing when the days of their feed are over: they hold personal data as it came."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta

from pipelines import moments
from pipelines.declarations.sources import load_sources
from pipelines.disk import disk_errors
from pipelines.loading import landing, pending_markers
from pipelines.settings import Settings
from pipelines.warehouse.base import Warehouse


def prune_landing(settings: Settings, warehouse: Warehouse) -> list[str]:
    """Remove the deliveries whose days are over, and note it in the ledger first; their ids, in order.

    What has no load yet stays. What lies aside leaves after ``keep_runs_days``: the delivery itself is in its place. Call only
    while holding the run lock.
    """
    _prune_aside(settings)
    gone = []
    known = removed(warehouse)
    for source in load_sources().values():
        for name, feed in source.feeds.items():
            if feed.landing_days is None:
                continue
            before = moments.now() - timedelta(days=feed.landing_days)
            waiting = {
                one.delivery_id for one in pending_markers.pending_deliveries(settings, source.source, name)
            }
            over = [
                row
                for row in warehouse.query(
                    "select distinct delivery_id, folder from ops.load where source = ? and feed = ? and received_at < ? "
                    "order by delivery_id",
                    [source.source, name, before.replace(tzinfo=None)],
                )
                if row["delivery_id"] not in waiting and (settings.landing / row["folder"]).is_dir()
            ]
            # what was noted and is still there: a prune was killed, or the same bytes came again
            new = [row["delivery_id"] for row in over if row["delivery_id"] not in known]
            if new:
                warehouse.note_removed(new, feed.landing_days)
            for row in over:
                with disk_errors(settings.home):
                    shutil.rmtree(settings.landing / row["folder"])
            gone += [row["delivery_id"] for row in over]
    return gone


def _prune_aside(settings: Settings) -> None:
    """Remove what made way for a delivery (``landing.ASIDE``), and may hold personal data as the delivery does."""
    before = moments.now() - timedelta(days=settings.keep_runs_days)
    with disk_errors(settings.home):
        for path in (settings.landing / landing.ASIDE).glob("*"):
            if path.lstat().st_mtime >= before.timestamp():
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def removed(warehouse: Warehouse) -> dict[str, datetime]:
    """When each delivery that is kept no longer left landing (UTC)."""
    if not warehouse.query(
        "select 1 from information_schema.tables where table_schema = 'ops' and table_name = 'removed_delivery'"
    ):
        return {}
    rows = warehouse.query(
        "select delivery_id, min(removed_at) as removed_at from ops.removed_delivery group by delivery_id"
    )
    return {row["delivery_id"]: row["removed_at"] for row in rows}
