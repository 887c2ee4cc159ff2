"""Composite indices."""

from typing import Any

import dagster as dg

from assets.described import KEEPER, ROW_COUNT, tags_of
from assets.keys import INDEX, WRITER_POOL
from assets.resources import WarehouseResource
from pipelines.progress import report_progress


@dg.asset(
    key=INDEX,
    deps=[
        dg.AssetKey(["published", "pub_indicator_value_v1"]),
        dg.AssetKey(["published", "pub_territory_v1"]),
    ],
    group_name="published",
    description="Сводные индексы по методикам assets/methods, по опубликованным значениям.",
    owners=[KEEPER],
    tags=tags_of("published"),
    kinds={"python"},
    pool=WRITER_POOL,
)
def index_values(warehouse: WarehouseResource) -> dg.MaterializeResult[Any]:
    """Composite indices by the declared methods, computed from the published values."""
    from pipelines.publishing.index_contract import newest_build, publish_index

    opened = warehouse.open()
    with opened.writing(), opened.connection() as connection:
        rows = publish_index(connection, newest_build(connection))
    report_progress("index")
    return dg.MaterializeResult(metadata={ROW_COUNT: rows})
