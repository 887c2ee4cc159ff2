"""Composite indices."""

from typing import Any

import dagster as dg

from assets.keys import INDEX, WRITER_POOL
from pipelines.progress import report_progress
from pipelines.settings import get_settings
from pipelines.warehouse import open_warehouse


@dg.asset(
    key=INDEX,
    deps=[
        dg.AssetKey(["published", "pub_indicator_value_v1"]),
        dg.AssetKey(["published", "pub_territory_v1"]),
    ],
    group_name="published",
    description="Сводные индексы по методикам assets/methods, по опубликованным значениям.",
    kinds={"python"},
    pool=WRITER_POOL,
)
def index_values() -> dg.MaterializeResult[Any]:
    """Composite indices by the declared methods, computed from the published values."""
    from pipelines.publishing.index_contract import newest_build, publish_index

    warehouse = open_warehouse(get_settings())
    with warehouse.writing(), warehouse.connection() as connection:
        rows = publish_index(connection, newest_build(connection))
    report_progress("index")
    return dg.MaterializeResult(metadata={"dagster/row_count": rows})
