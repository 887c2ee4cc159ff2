"""dbt's models, from staging to the published contracts, with their lineage and tests."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliInvocation, DbtCliResource, dbt_assets
from dagster_dbt.dbt_manifest import validate_manifest
from packaging.version import Version

from assets.keys import WRITER_POOL
from pipelines.dbt_project import DBT_PROJECT, dbt_environment, dbt_executable, dbt_target, ensure_manifest
from pipelines.errors import GorodError
from pipelines.loading.context import has_register, no_register
from pipelines.progress import report_progress
from pipelines.publishing.rebuild import Rebuild, plan_rebuild
from pipelines.settings import Settings, get_settings
from pipelines.warehouse import open_warehouse

# so long dbt may take to roll back
TO_END_S = 30


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
            raise GorodError(no_register())
        with open_warehouse(settings).writing():
            # unit tests judge the models on rows of their own, not the data; the tests of the repository run them.
            # The manifest is written when the project is parsed (ensure_manifest), and Dagster keeps the results.
            command = ["build", "--no-write-json", "--exclude-resource-type", "unit_test"]
            invocation = _start(dbt, command, context, settings)
            with _ended_with_us(invocation.process):
                for event in invocation.stream():
                    if isinstance(event, dg.Output | dg.MaterializeResult):
                        report_progress("marts")
                    yield event

    return build


def keys_to_rebuild(settings: Settings) -> list[dg.AssetKey] | None:
    """The tables that hang on what has changed since the last sound build; None if that may be all of them."""
    planned = plan_rebuild(open_warehouse(settings), lambda: ensure_manifest(settings))
    return None if planned is None else _keys(planned, ensure_manifest(settings))


def _keys(planned: Rebuild, manifest: Path) -> list[dg.AssetKey]:
    nodes, translator = validate_manifest(manifest)["nodes"], LayerTranslator()
    return [
        translator.get_asset_key(nodes[name])
        for name in planned.nodes
        if nodes[name]["resource_type"] != "test"
    ]


def _start(
    dbt: DbtCliResource, command: list[str], context: dg.AssetExecutionContext, settings: Settings
) -> DbtCliInvocation:
    """Start dbt: on all, on what is planned if the run is of just that, else on what Dagster selects.

    The resource's own way asks dbt for its version in a process, and makes an adapter in this one: five seconds of work.
    """
    path, target = ensure_manifest(settings), dbt_target(settings)
    manifest = validate_manifest(path)
    planned = plan_rebuild(open_warehouse(settings), lambda: path) if context.is_subset else None
    environment: dict[str, str] = {}
    if planned is not None and set(_keys(planned, path)) == context.selected_asset_keys:
        command = [*command, *planned.selection]
        environment = planned.environment
    elif context.is_subset:
        return dbt.cli(command, context=context, target_path=target)
    environment |= {
        **dbt_environment(settings),
        "DBT_LOG_FORMAT": "json",
        "DBT_LOG_PATH": str(target),
        "PYTHONUNBUFFERED": "1",
    }
    return DbtCliInvocation.run(
        [dbt.dbt_executable, *command],
        env={**os.environ, **environment},
        manifest=manifest,
        dagster_dbt_translator=LayerTranslator(),
        project_dir=Path(dbt.project_dir),
        target_path=target,
        raise_on_error=True,
        context=context,
        adapter=None,
        cli_version=Version(version("dbt-core")),
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
    """dbt as it is run from Dagster: the project's own profile, the executable beside this interpreter."""
    os.environ.update(dbt_environment(get_settings()))
    return DbtCliResource(
        project_dir=str(DBT_PROJECT), profiles_dir=str(DBT_PROJECT), dbt_executable=dbt_executable()
    )
