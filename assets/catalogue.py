"""The ledger and the catalogue: what the models read beside the raw tables."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from assets.keys import WRITER_POOL, raw_key
from pipelines.catalogue.tables import TABLES
from pipelines.catalogue.write import write_catalogue
from pipelines.declarations.sources import load_sources
from pipelines.progress import report_progress
from pipelines.settings import get_settings
from pipelines.warehouse import open_warehouse

LEDGER = {
    "accepted_load": "Loads that are accepted, or waived until a day that has not passed, superseded ones too.",
    "effective_load": "Of the loads that are accepted or waived today, the newest for each slice.",
    "load_state": "Every load with its state today.",
    "load_event": "What was decided about each load, in order.",
}


def ledger_specs() -> list[dg.AssetSpec]:
    """The ledger, which every load writes together with its rows."""
    raw = [raw_key(source.source, feed) for source in load_sources().values() for feed in source.feeds]
    return [
        dg.AssetSpec(
            dg.AssetKey(["ops", name]), deps=raw, group_name="ops", description=text, kinds={"duckdb"}
        )
        for name, text in LEDGER.items()
    ]


@dg.multi_asset(
    name="catalogue",
    specs=[
        dg.AssetSpec(dg.AssetKey(["catalogue", table]), group_name="catalogue", kinds={"yaml"})
        for table in TABLES
    ],
    pool=WRITER_POOL,
)
def catalogue(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
    """The declarations of ``assets/`` as tables; replaced when they change."""
    warehouse = open_warehouse(get_settings())
    # a feed that is new since the process was started has no raw table yet, which its model reads
    warehouse.prepare()
    with warehouse.writing(), warehouse.connection() as connection:
        connection.begin()
        changed = write_catalogue(connection)
        connection.commit()
    report_progress("catalogue")
    context.log.info("catalogue replaced" if changed else "catalogue unchanged")
    for table in TABLES:
        yield dg.MaterializeResult(asset_key=dg.AssetKey(["catalogue", table]), metadata={"changed": changed})
