"""Data products of the current publication, made again when there is a newer one."""

from typing import Any

import dagster as dg

from assets.keys import PUBLICATION
from pipelines.publishing.exports.products import export
from pipelines.settings import get_settings

EXPORTS = dg.AssetKey(["exports", "current"])


@dg.asset(
    key=EXPORTS,
    deps=[PUBLICATION],
    group_name="publication",
    description="Данные для других систем: SDMX, FIWARE, пакет данных, страницы методики.",
    # not part of a run: a full disk here must not fail what is already published
    automation_condition=dg.AutomationCondition.eager(),
    kinds={"csv", "json", "xml", "html"},
)
def exports() -> dg.MaterializeResult[Any]:
    """All products, in ``GOROD_HOME/exports``."""
    settings = get_settings()
    done = export(settings, settings.home / "exports")
    return dg.MaterializeResult(
        metadata={
            "publication": done[0].publication_id,
            "synthetic": done[0].synthetic,
            "folder": dg.MetadataValue.path(str(settings.home / "exports")),
            **{f"{one.product}_files": len(one.files) for one in done},
        }
    )
