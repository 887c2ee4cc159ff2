"""From the ledger to readers: catalogue, dbt's models with their lineage and tests, publication, reports."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, dbt_assets

from pipelines.catalogue.write import TABLES, write_catalogue
from pipelines.declarations.sources import load_sources
from pipelines.errors import GorodError
from pipelines.loading.load import NO_REGISTER, has_register
from pipelines.orchestration.environment import (
    DBT_PROJECT,
    WRITER_POOL,
    dbt_environment,
    dbt_executable,
    dbt_target,
    ensure_manifest,
)
from pipelines.orchestration.loading_assets import raw_key
from pipelines.progress import tell
from pipelines.publishing.publication import publish
from pipelines.publishing.soundness import ACCEPT_LOSS
from pipelines.reporting.digest import DIGEST, make_digest
from pipelines.settings import get_settings
from pipelines.warehouse import open_warehouse

INDEX = dg.AssetKey(["published", "pub_index_value_v1"])
PUBLICATION = dg.AssetKey(["publication", "current"])
REPORT = dg.AssetKey(["report", DIGEST])
# so long dbt may take to roll back
TO_END_S = 30
LEDGER = {
    "accepted_load": "Loads that are accepted, or waived until a day that has not passed, superseded ones too.",
    "effective_load": "Of the loads that are accepted or waived today, the newest for each slice.",
    "load_state": "Every load with its state today.",
    "load_event": "What was decided about each load, in order.",
}


class LayerTranslator(DagsterDbtTranslator):
    """Asset keys are the tables' own names, groups are the layers."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """``schema/name``."""
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey([dbt_resource_props["source_name"], dbt_resource_props["name"]])
        version = dbt_resource_props.get("version")
        name = dbt_resource_props["name"] if version is None else f"{dbt_resource_props['name']}_v{version}"
        return dg.AssetKey([self._layer(dbt_resource_props), name])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The layer, and in staging the source as well."""
        layer = self._layer(dbt_resource_props)
        name = str(dbt_resource_props["name"])
        if layer == "staging" and "__" in name:
            return f"staging_{name.removeprefix('stg_').split('__')[0]}"
        return layer

    @staticmethod
    def _layer(props: Mapping[str, Any]) -> str:
        if props["resource_type"] == "snapshot":
            return str(props["schema"])
        return str(props["fqn"][1]) if len(props.get("fqn", [])) > 2 else str(props["resource_type"])


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
    tell("catalogue")
    context.log.info("catalogue replaced" if changed else "catalogue unchanged")
    for table in TABLES:
        yield dg.MaterializeResult(asset_key=dg.AssetKey(["catalogue", table]), metadata={"changed": changed})


@lru_cache(maxsize=1)
def marts() -> dg.AssetsDefinition:
    """All dbt models, from staging to the published contracts, with dbt's tests as checks."""

    @dbt_assets(
        manifest=ensure_manifest(get_settings()),
        dagster_dbt_translator=LayerTranslator(),
        name="marts",
        pool=WRITER_POOL,
    )
    def build(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
        settings = get_settings()
        if not has_register(open_warehouse(settings)):
            raise GorodError(NO_REGISTER)
        with open_warehouse(settings).writing():
            # unit tests judge the models on rows of their own, not the data; the tests of the repository run them.
            # The manifest is written when the project is parsed (ensure_manifest), and Dagster keeps the results.
            command = ["build", "--no-write-json", "--exclude-resource-type", "unit_test"]
            invocation = dbt.cli(command, context=context, target_path=dbt_target(settings))
            with _ended_with_us(invocation.process):
                for event in invocation.stream():
                    if isinstance(event, dg.Output | dg.MaterializeResult):
                        tell("marts")
                    yield event

    return build


@contextmanager
def _ended_with_us(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End dbt if the step crashes: one that goes on alone holds the DuckDB file, and nobody hears what comes of it."""
    try:
        yield
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=TO_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def dbt_resource() -> DbtCliResource:
    """dbt as it is run from Dagster: the project's own profile, the executable beside this interpreter."""
    import os

    os.environ.update(dbt_environment(get_settings()))
    return DbtCliResource(
        project_dir=str(DBT_PROJECT), profiles_dir=str(DBT_PROJECT), dbt_executable=dbt_executable()
    )


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
    from pipelines.indicators.index.publish import newest_build, publish_index

    warehouse = open_warehouse(get_settings())
    with warehouse.writing(), warehouse.connection() as connection:
        rows = publish_index(connection, newest_build(connection))
    tell("index")
    return dg.MaterializeResult(metadata={"dagster/row_count": rows})


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
        kinds={"duckdb", "parquet"},
        pool=WRITER_POOL,
    )
    def publication(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        from pipelines.indicators.releases import mend

        settings = get_settings()
        with open_warehouse(settings).writing():
            done = publish(settings, context.run.tags.get(ACCEPT_LOSS))
            # a release whose embargo is over opens together with the figures
            mend(settings)
        tell("publication")
        return dg.MaterializeResult(
            metadata={
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
    tell("report")
    return dg.MaterializeResult(
        metadata={
            "publication": done.publication_id,
            "new": done.is_new,
            "synthetic": done.synthetic,
            "workbook": dg.MetadataValue.path(str(done.workbook)),
            "document": dg.MetadataValue.path(str(done.document)),
        }
    )
