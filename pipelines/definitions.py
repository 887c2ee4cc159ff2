"""The one Dagster code location: everything that the UI, the daemon and ``gorod run`` execute."""

from __future__ import annotations

import dagster as dg

from pipelines.declarations.sources import load_sources
from pipelines.orchestration import automation
from pipelines.orchestration.building_assets import (
    catalogue,
    country_digest,
    dbt_resource,
    index_values,
    ledger_specs,
    marts,
    publication_asset,
)
from pipelines.orchestration.export_assets import exports
from pipelines.orchestration.loading_assets import origin_spec, raw_asset
from pipelines.settings import get_settings
from pipelines.warehouse import open_warehouse


@dg.definitions
def defs() -> dg.Definitions:
    """Build the definitions; the warehouse's own tables are made first, for the sensors look at them."""
    open_warehouse(get_settings()).prepare()
    feeds = [
        (source, name, feed) for source in load_sources().values() for name, feed in source.feeds.items()
    ]
    loading, build, report = automation.loading_jobs(), automation.build_job(), automation.report_job()
    return dg.Definitions(
        assets=[
            *(origin_spec(*feed) for feed in feeds),
            *(raw_asset(*feed) for feed in feeds),
            *ledger_specs(),
            catalogue,
            marts(),
            index_values,
            publication_asset(),
            exports,
            country_digest,
        ],
        jobs=[*loading.values(), build, report],
        schedules=[*automation.loading_schedules(loading), automation.report_schedule(report)],
        sensors=[automation.inbox_sensor(loading), automation.ledger_sensor(build)],
        resources={"dbt": dbt_resource()},
        # DuckDB has one writer: steps run one after another, in one process.
        executor=dg.in_process_executor,
    )
