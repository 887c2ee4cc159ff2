"""Warehouses behind one small interface."""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import GorodError
from pipelines.settings import Settings
from pipelines.warehouse.duckdb import DuckDBWarehouse


def open_warehouse(settings: Settings) -> DuckDBWarehouse:
    """The warehouse that ``GOROD_WAREHOUSE`` names."""
    if "://" in settings.warehouse:
        raise GorodError(
            f"GOROD_WAREHOUSE={settings.warehouse.split('@')[-1]}: only DuckDB files are supported",
            "Give the path of a DuckDB file.",
        )
    return DuckDBWarehouse(Path(settings.warehouse), settings.busy_timeout_s)
