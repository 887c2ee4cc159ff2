"""Data products of the current publication, made again when there is a newer one."""

from typing import Any

import dagster as dg

from assets.described import KEEPER, ROW_COUNT, tags_of
from assets.keys import EXPORTS, PUBLICATION
from assets.resources import SettingsResource
from pipelines.publishing.exports.products import export
from pipelines.publishing.publication import current_publication


@dg.asset(
    key=EXPORTS,
    deps=[PUBLICATION],
    group_name="publication",
    description="Данные для других систем: SDMX, FIWARE, пакет данных, страницы методики.",
    owners=[KEEPER],
    tags=tags_of("exports"),
    kinds={"csv", "json", "xml", "html"},
)
def exports(settings: SettingsResource) -> dg.MaterializeResult[Any]:
    """All products, in ``GOROD_HOME/exports``."""
    folder = settings.get().home / "exports"
    done = export(settings.get(), folder)
    published = current_publication(settings.get())
    rows = (
        sum(published.row_counts.values()) if published and published.id == done[0].publication_id else None
    )
    return dg.MaterializeResult(
        metadata={
            # of the publication from which they were made
            **({} if rows is None else {ROW_COUNT: rows}),
            "publication": done[0].publication_id,
            "synthetic": done[0].synthetic,
            "folder": dg.MetadataValue.path(str(folder)),
            **{f"{one.product}_files": len(one.files) for one in done},
        }
    )
