"""What the code location holds, in two halves: the second needs dbt to have parsed its project, the first does not."""

from __future__ import annotations

import dagster as dg

from assets.catalogue import catalogue, ledger_specs
from assets.exports import exports
from assets.indices import index_values
from assets.marts import dbt_resource, marts
from assets.publication import publication_asset
from assets.raw import on_time_check, origin_spec, raw_asset
from assets.reports import country_digest, territory_profile
from assets.resources import RESOURCES
from pipelines.declarations.sources import load_sources
from pipelines.orchestration import automation

# DuckDB has one writer: steps run one after another, in one process.
ONE_AFTER_ANOTHER = dg.in_process_executor


def loading() -> dg.Definitions:
    """From the systems outside to the raw tables: what can be run before dbt has parsed its project."""
    feeds = [
        (source, name, feed) for source in load_sources().values() for name, feed in source.feeds.items()
    ]
    jobs, lateness = automation.loading_jobs(), automation.lateness_job()
    return dg.Definitions(
        assets=[*(origin_spec(*feed) for feed in feeds), *(raw_asset(*feed) for feed in feeds)],
        asset_checks=[
            on_time_check(source, name) for source, name, feed in feeds if feed.lateness is not None
        ],
        jobs=[*jobs.values(), lateness, automation.prune_job],
        schedules=[
            *automation.loading_schedules(jobs),
            automation.lateness_schedule(lateness),
            automation.prune_schedule(),
        ],
        sensors=[automation.inbox_sensor(jobs)],
        resources=RESOURCES,
        executor=ONE_AFTER_ANOTHER,
    )


def building() -> dg.Definitions:
    """From the ledger to readers."""
    build, products = automation.build_job(), automation.exports_job()
    report, profiles = automation.report_job(), automation.profiles_job()
    return dg.Definitions(
        assets=[
            *ledger_specs(),
            catalogue,
            marts(),
            index_values,
            publication_asset(),
            exports,
            country_digest,
            territory_profile,
        ],
        jobs=[build, report, profiles, products],
        schedules=[automation.report_schedule(report), automation.profiles_schedule(profiles)],
        sensors=[automation.ledger_sensor(build), automation.exports_sensor(products)],
        resources={**RESOURCES, "dbt": dbt_resource()},
        executor=ONE_AFTER_ANOTHER,
    )
