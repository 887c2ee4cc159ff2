"""Documents for officials."""

from datetime import date
from typing import Any

import dagster as dg

from assets.described import KEEPER, code, tags_of
from assets.keys import PROFILES, PUBLICATION, REPORT
from assets.partitions import months_since
from assets.resources import SettingsResource
from pipelines.progress import report_progress
from pipelines.reporting.digest import DIGEST, make_digest
from pipelines.reporting.profiles.make_profiles import make_profiles
from pipelines.settings import PROJECT

FIRST_MONTH = date(2015, 1, 1)


@dg.asset(
    key=REPORT,
    deps=[PUBLICATION],
    group_name="reports",
    description="Ежемесячный обзор по стране для министерства: XLSX и PDF на русском языке.",
    partitions_def=months_since(FIRST_MONTH),
    metadata=code((PROJECT / "assets" / "reports" / f"{DIGEST}.yml", 1, "declaration")),
    owners=[KEEPER],
    tags=tags_of("reports"),
    kinds={"xlsx", "pdf"},
)
def country_digest(
    context: dg.AssetExecutionContext, settings: SettingsResource
) -> dg.MaterializeResult[Any]:
    """The digest of the partition's month, from the current publication."""
    done = make_digest(settings.get(), context.partition_key[:7])
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


@dg.asset(
    key=PROFILES,
    deps=[PUBLICATION],
    group_name="reports",
    description="Профили областей и городов программы: PDF и XLSX на русском, белорусском и английском языках.",
    metadata=code((PROJECT / "assets" / "reports" / f"{PROFILES.path[-1]}.yml", 1, "declaration")),
    owners=[KEEPER],
    tags=tags_of("reports"),
    kinds={"xlsx", "pdf"},
)
def territory_profile(settings: SettingsResource) -> dg.MaterializeResult[Any]:
    """The profile of each region and city, from the current publication."""
    done = make_profiles(settings.get(), PROFILES.path[-1])
    report_progress("report")
    return dg.MaterializeResult(
        metadata={
            "publication": done.publication_id,
            "new": done.is_new,
            "synthetic": done.synthetic,
            "documents": len(done.documents),
            "folder": dg.MetadataValue.path(str(done.folder)),
        }
    )
