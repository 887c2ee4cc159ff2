"""Raw rows whose declaration has changed, read again from what was delivered: the gate's word on them stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipelines.declarations.feeds import Feed
from pipelines.declarations.sources import load_sources
from pipelines.errors import DeliveryError, WarehouseError
from pipelines.loading.context import tables_beside
from pipelines.loading.decisions import find_load
from pipelines.loading.earlier_loads import delivery_of
from pipelines.loading.load import scratch
from pipelines.loading.validate import read
from pipelines.settings import Settings
from pipelines.warehouse.base import Warehouse, raw_table
from pipelines.warehouse.raw import Change


def read_changed_again(settings: Settings, warehouse: Warehouse) -> list[Change]:
    """Bring every raw table to what is declared now, each whole or not at all; what was changed.

    Raises:
        LandingError: a delivery is not in landing, or is not as it came.
        WarehouseError: a delivery, or a value that was accepted, cannot be read as it is declared now.
    """
    done: list[Change] = []
    with warehouse.session_held():
        for name, source in load_sources().items():
            for feed, declared in source.feeds.items():
                if changes := warehouse.raw_changes(name, feed, declared):
                    batches = _batches(name, feed, declared, settings, warehouse)
                    warehouse.read_again(name, feed, declared, batches)
                    done += changes
    return done


def _batches(
    source: str, feed: str, declared: Feed, settings: Settings, warehouse: Warehouse
) -> Iterator[tuple[str, Path]]:
    """Each load that has rows, and its delivery as it is read now."""
    loads = warehouse.query(f"select distinct load_id from {raw_table(source, feed)} order by load_id")
    for load_id in (row["load_id"] for row in loads):
        delivery = delivery_of(find_load(load_id, warehouse), settings, warehouse)
        with scratch(settings) as folder:
            try:
                key = settings.pseudonym_key.get_secret_value()
                beside = tables_beside(delivery, warehouse)
                batch = read(delivery, declared, key, settings.home, folder, beside)
            except DeliveryError as error:
                raise WarehouseError(
                    f"the delivery of load {load_id} cannot be read as it is declared now: {error.message}",
                    "Nothing was changed. Take the change of source.yml back.",
                ) from error
            yield load_id, batch.path
