"""Plausibility findings that stop a build, in words."""

from __future__ import annotations

from typing import Any

from pipelines.publishing.embargo import held_back
from pipelines.warehouse.base import Warehouse

# How many findings are listed; the rest is in the table.
SHOWN = 10


def impossible(warehouse: Warehouse) -> list[str]:
    """A sentence for each of the first impossible values found in the newest build; without figures under embargo."""
    built = warehouse.query(
        "select 1 from information_schema.tables where table_schema = 'marts' and table_name = 'mart_plausibility'"
    )
    if not built:
        return []
    rows = warehouse.query(
        "select * from marts.mart_plausibility where severity = 'error' "
        "order by rule, indicator, ref_area, time_period, breakdown"
    )
    held = held_back(warehouse, "indicator")
    lines = [
        f"rule {row['rule']}: {row['indicator']}, {row['ref_area']}, {row['time_period']}, {row['breakdown']}: "
        + ("under embargo" if (row["indicator"], row["time_period"]) in held else _figures(row))
        for row in rows[:SHOWN]
    ]
    return (
        lines if len(rows) <= SHOWN else [*lines, f"and {len(rows) - SHOWN} more in marts.mart_plausibility"]
    )


def _figures(row: dict[str, Any]) -> str:
    return (
        _plain(row["obs_value"])
        + (f" against {_plain(row['compared_value'])}" if row["compared_value"] is not None else "")
        + (f", limit {_plain(row['limit_value'])}" if row["limit_value"] is not None else "")
    )


def _plain(value: Any) -> str:
    return f"{value.normalize():f}"
