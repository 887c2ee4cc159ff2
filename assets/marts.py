"""dbt's models, from staging to the published contracts, with their lineage and tests."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliInvocation,
    DbtCliResource,
    DbtProject,
    dbt_assets,
)
from dagster_dbt.asset_utils import get_asset_check_key_for_test

from assets.dbt_cli import DBT_VERSION, PinnedDbt
from assets.described import KEEPER, ROW_COUNT, tags_of
from assets.keys import WRITER_POOL
from assets.resources import SettingsResource, WarehouseResource
from pipelines.dbt_project import (
    DBT_PROJECT,
    dbt_command,
    dbt_environment,
    dbt_target,
    ensure_manifest,
    read_manifest,
)
from pipelines.errors import GorodError
from pipelines.loading.context import has_register, no_register
from pipelines.progress import report_progress
from pipelines.publishing.rebuild import Rebuild, plan_rebuild
from pipelines.settings import Settings, get_settings
from pipelines.sql import quoted
from pipelines.warehouse import open_warehouse
from pipelines.warehouse.base import Warehouse

# so long dbt may take to roll back
TO_END_S = 30
# the materializations that leave one table: its rows are counted at no cost
TABLES = ("table", "incremental", "follow_inputs", "snapshot")


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

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str] | None:
        """Who keeps the model: its dbt group's owner, else whoever keeps Gorod."""
        return super().get_owners(dbt_resource_props) or [KEEPER]

    def get_tags(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, str]:
        """dbt's tags, and the layer."""
        return {**super().get_tags(dbt_resource_props), **tags_of(self._layer(dbt_resource_props))}

    @staticmethod
    def _layer(props: Mapping[str, Any]) -> str:
        if props["resource_type"] == "snapshot":
            return str(props["schema"])
        return str(props["fqn"][1]) if len(props.get("fqn", [])) > 2 else str(props["resource_type"])


_translated: list[Any] = []


def translator_of(manifest: Mapping[str, Any]) -> LayerTranslator:
    """The translator of what dbt reports, one for each manifest: it remembers the assets that it has made of it."""
    # it knows a manifest by its address in memory, so the manifest is kept beside it
    if not _translated or _translated[0] is not manifest:
        _translated[:] = [manifest, LayerTranslator()]
    found: LayerTranslator = _translated[1]
    return found


def dbt_project() -> DbtProject:
    """The dbt project, its artifacts in the home folder."""
    return DbtProject(DBT_PROJECT, target_path=dbt_target(get_settings()), profiles_dir=DBT_PROJECT)


@lru_cache(maxsize=1)
def marts() -> dg.AssetsDefinition:
    """All dbt models, from staging to the published contracts, with dbt's tests as checks."""

    @dbt_assets(
        manifest=read_manifest(get_settings()),
        project=dbt_project(),
        dagster_dbt_translator=LayerTranslator(DagsterDbtTranslatorSettings(enable_code_references=True)),
        name="marts",
        pool=WRITER_POOL,
    )
    def build(
        context: dg.AssetExecutionContext,
        dbt: DbtCliResource,
        settings: SettingsResource,
        warehouse: WarehouseResource,
    ) -> Iterator[Any]:
        opened = warehouse.open()
        if not has_register(opened):
            raise GorodError(no_register())
        done: list[Any] = []
        failed: Exception | None = None
        with opened.writing():
            # unit tests judge the models on rows of their own, not the data; the tests of the repository run them.
            # The manifest is written when the project is parsed (ensure_manifest), and Dagster keeps the results.
            command = ["build", "--no-write-json", "--exclude-resource-type", "unit_test"]
            invocation = _start(dbt, command, context, settings.get(), opened)
            try:
                with _ended_with_us(invocation.process):
                    for event in invocation.stream():
                        if isinstance(event, dg.Output):
                            report_progress("marts")
                        done.append(event)
            except Exception as error:
                failed = error
            # a DuckDB file has one process at a time: rows are counted when dbt has left it
            counts = {} if failed else _row_counts(done, invocation.manifest, opened)
        for event in _with_checks_of_views(done, invocation.manifest):
            if isinstance(event, dg.AssetCheckEvaluation):
                context.log_event(event)
                continue
            if isinstance(event, dg.Output) and event.output_name in counts:
                event = event.with_metadata({**event.metadata, ROW_COUNT: counts[event.output_name]})
            yield event
        if failed:
            raise failed

    return build


def keys_to_rebuild(settings: Settings) -> list[dg.AssetKey] | None:
    """The tables that hang on what has changed since the last sound build; None if that may be all of them."""
    # where Dagster was started by hand nothing has parsed the project yet
    ensure_manifest(settings)
    manifest = read_manifest(settings)
    planned = plan_rebuild(open_warehouse(settings), lambda: manifest)
    return None if planned is None else _keys(planned, manifest)


def _keys(planned: Rebuild, manifest: Mapping[str, Any]) -> list[dg.AssetKey]:
    nodes, translator = manifest["nodes"], translator_of(manifest)
    return [
        translator.get_asset_key(nodes[name])
        for name in planned.nodes
        if nodes[name]["resource_type"] != "test"
    ]


def _start(
    dbt: DbtCliResource,
    command: list[str],
    context: dg.AssetExecutionContext,
    settings: Settings,
    warehouse: Warehouse,
) -> DbtCliInvocation:
    """Start dbt on what is planned if the run is for exactly that, else on what Dagster selects."""
    # where Dagster was started by hand nothing has parsed the project yet
    ensure_manifest(settings)
    os.environ.update(dbt_environment(settings))
    manifest, target = read_manifest(settings), dbt_target(settings)
    planned = plan_rebuild(warehouse, lambda: manifest) if context.is_subset else None
    if planned is None or set(_keys(planned, manifest)) != context.selected_asset_keys:
        return dbt.cli(command, context=context, target_path=target)
    # the resource names each selected model to dbt, which compares every name with every node
    return DbtCliInvocation.run(
        [dbt.dbt_executable, *dbt.global_config_flags, *command, *planned.selection],
        env={
            **os.environ,
            **planned.environment,
            "DBT_LOG_FORMAT": "json",
            "DBT_LOG_PATH": str(target),
            "PYTHONUNBUFFERED": "1",
        },
        manifest=manifest,
        dagster_dbt_translator=translator_of(manifest),
        project_dir=DBT_PROJECT,
        target_path=target,
        raise_on_error=True,
        context=context,
        adapter=None,
        cli_version=DBT_VERSION,
    )


def _row_counts(events: Sequence[Any], manifest: Mapping[str, Any], warehouse: Warehouse) -> dict[str, int]:
    """Rows of the tables that were built, by the name of their output."""
    tables = {}
    for event in events:
        if isinstance(event, dg.Output):
            node = manifest["nodes"][event.metadata["unique_id"].value]
            if node["config"]["materialized"] in TABLES:
                tables[event.output_name] = f"{quoted(node['schema'])}.{quoted(node['alias'])}"
    if not tables:
        return {}
    rows = warehouse.query(
        " union all ".join(
            f"select '{name}' as name, count(*)::bigint as rows from {table}"
            for name, table in tables.items()
        )
    )
    return {row["name"]: row["rows"] for row in rows}


def _with_checks_of_views(events: Sequence[Any], manifest: Mapping[str, Any]) -> Iterator[Any]:
    """The events, with results of tests of views that a planned build leaves as they are: their checks count, too.

    Dagster selects the checks of what is built, and gives the results of other tests as observations of all that they read.
    """
    checks: dict[str, dg.AssetCheckKey | None] = {"": None}
    for event in events:
        test = str(event.metadata["unique_id"].value) if isinstance(event, dg.AssetObservation) else ""
        # an observation comes for each of the models that the test reads
        is_first = test not in checks
        if is_first:
            checks[test] = get_asset_check_key_for_test(manifest, translator_of(manifest), test, project=None)
        check = checks[test]
        if not check:
            yield event
        elif is_first:
            status = event.metadata["status"].value
            yield dg.AssetCheckEvaluation(
                asset_key=check.asset_key,
                check_name=check.name,
                passed=status == "pass",
                severity=dg.AssetCheckSeverity.WARN if status == "warn" else dg.AssetCheckSeverity.ERROR,
                metadata=event.metadata,
            )


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
    """dbt as it is run from Dagster: the project's own profile, this interpreter."""
    executable, *flags = dbt_command()
    return PinnedDbt(
        project_dir=dbt_project(),  # type: ignore[arg-type]
        dbt_executable=executable,
        global_config_flags=flags,
    )
