"""The ledger and the catalogue: what the models read beside the raw tables."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from assets.described import KEEPER, tags_of
from assets.keys import WRITER_POOL
from assets.resources import WarehouseResource
from pipelines.catalogue.tables import TABLES
from pipelines.catalogue.write import write_catalogue
from pipelines.progress import report_progress

LEDGER = {
    "accepted_load": "Loads that are accepted, or waived until a day that has not passed, including superseded ones.",
    "effective_load": "Of the loads that are accepted or waived today, the newest for each slice.",
    "load_state": "Every load with its state today.",
    "load_event": "The decisions about each load, in order.",
}


def ledger_specs() -> list[dg.AssetSpec]:
    """The ledger, which every load writes together with its rows.

    It depends on no raw table: otherwise all models would depend on each feed, and each lineage would show everything.
    """
    return [
        dg.AssetSpec(
            dg.AssetKey(["ops", name]),
            group_name="ops",
            description=text,
            owners=[KEEPER],
            tags=tags_of("ops"),
            kinds={"duckdb"},
        )
        for name, text in LEDGER.items()
    ]


@dg.multi_asset(
    name="catalogue",
    specs=[
        dg.AssetSpec(
            dg.AssetKey(["catalogue", table]),
            group_name="catalogue",
            owners=[KEEPER],
            tags=tags_of("catalogue"),
            kinds={"yaml"},
        )
        for table in TABLES
    ],
    pool=WRITER_POOL,
)
def catalogue(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult[Any]]:
    """The declarations of ``assets/`` as tables; replaced when they change."""
    opened = warehouse.open()
    # a feed declared after this process started has no raw table yet, but its model reads it
    opened.prepare()
    with opened.writing(), opened.connection() as connection:
        connection.begin()
        changed = write_catalogue(connection)
        connection.commit()
    report_progress("catalogue")
    context.log.info("catalogue replaced" if changed else "catalogue unchanged")
    for table in TABLES:
        yield dg.MaterializeResult(asset_key=dg.AssetKey(["catalogue", table]), metadata={"changed": changed})
