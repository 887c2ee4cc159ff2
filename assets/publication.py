"""What readers see."""

from datetime import timedelta
from typing import Any

import dagster as dg

from assets.described import KEEPER, ROW_COUNT, tags_of
from assets.keys import INDEX, PUBLICATION, WRITER_POOL
from assets.marts import marts
from assets.resources import SettingsResource, WarehouseResource
from pipelines.progress import report_progress
from pipelines.publishing.publish import publish
from pipelines.publishing.soundness import ACCEPT_LOSS


def publication_asset() -> dg.AssetsDefinition:
    """What readers see; depends on every published contract."""
    published = [*(key for key in marts().keys if key.path[0] == "published"), INDEX]

    @dg.asset(
        key=PUBLICATION,
        deps=published,
        group_name="publication",
        description="Снимок для чтения: DuckDB, Parquet, файл для каждой области; подменяется целиком.",
        freshness_policy=dg.FreshnessPolicy.time_window(
            fail_window=timedelta(days=45), warn_window=timedelta(days=35)
        ),
        owners=[KEEPER],
        tags=tags_of("publication"),
        kinds={"duckdb", "parquet"},
        pool=WRITER_POOL,
    )
    def publication(
        context: dg.AssetExecutionContext, settings: SettingsResource, warehouse: WarehouseResource
    ) -> dg.MaterializeResult[Any]:
        from pipelines.releases.archive import repair

        with warehouse.open().writing():
            done = publish(settings.get(), context.run.tags.get(ACCEPT_LOSS))
            # a release whose embargo has ended is opened together with the figures
            repair(settings.get())
        report_progress("publication")
        return dg.MaterializeResult(
            metadata={
                ROW_COUNT: sum(done.row_counts.values()),
                "publication": done.id,
                "new": done.is_new,
                "synthetic": done.synthetic,
                "content_hash": done.content_hash,
                "folder": dg.MetadataValue.path(str(done.folder)),
                "rows": dg.MetadataValue.md(
                    "| table | rows |\n|---|---|\n"
                    + "\n".join(f"| {t} | {n} |" for t, n in done.row_counts.items())
                ),
            }
        )

    return publication
