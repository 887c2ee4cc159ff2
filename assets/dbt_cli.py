"""dbt as Dagster starts it: dagster-dbt's resource, without what it does before each command."""

from functools import cached_property
from importlib.metadata import version
from typing import Any

from dagster_dbt import DbtCliResource
from packaging.version import Version, parse

DBT_VERSION = parse(version("dbt-core"))


class PinnedDbt(DbtCliResource):
    """Starts dbt at once.

    Before each command dagster-dbt runs ``dbt --version``, which asks the package index, and opens a dbt adapter of its
    own, with which one could ask the warehouse for columns and rows while dbt holds it. The version is pinned and
    installed here, and rows are counted when dbt has ended.
    """

    @cached_property
    def _cli_version(self) -> Version:
        return DBT_VERSION

    def _initialize_dbt_core_adapter(self, *_arguments: Any) -> None:  # type: ignore[override]
        """None is what dagster-dbt has where the adapter cannot be opened."""
