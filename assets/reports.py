"""Documents for officials."""

from typing import Any

import dagster as dg

from assets.keys import PUBLICATION, REPORT
from pipelines.progress import report_progress
from pipelines.reporting.digest import make_digest
from pipelines.settings import get_settings


@dg.asset(
    key=REPORT,
    deps=[PUBLICATION],
    group_name="reports",
    description="Ежемесячный обзор по стране для министерства: XLSX и PDF на русском языке.",
    partitions_def=dg.MonthlyPartitionsDefinition(start_date="2015-01-01", end_offset=1),
    kinds={"xlsx", "pdf"},
)
def country_digest(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
    """The digest of the partition's month, from the current publication."""
    done = make_digest(get_settings(), context.partition_key[:7])
    report_progress("report")
    return dg.MaterializeResult(
        metadata={
            "publication": done.publication_id,
            "new": done.is_new,
            "synthetic": done.synthetic,
            "workbook": dg.MetadataValue.path(str(done.workbook)),
            "document": dg.MetadataValue.path(str(done.document)),
        }
    )
