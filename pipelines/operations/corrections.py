"""Corrections that no longer apply, in words."""

from __future__ import annotations

from pipelines.publishing.embargo import held_back
from pipelines.warehouse.base import Warehouse


def outdated_corrections(warehouse: Warehouse) -> list[str]:
    """A sentence for each correction whose guard failed in the newest build; without figures under embargo."""
    built = warehouse.query(
        "select 1 from information_schema.tables where table_schema = 'marts' and table_name = 'mart_correction'"
    )
    if not built:
        return []
    rows = warehouse.query(
        "select * from marts.mart_correction where correction_state = 'no_longer_fits' order by correction"
    )
    held = held_back(warehouse, "measure")
    return [
        f"correction {row['correction']} no longer fits: {row['measure']}, {row['ref_area']}, {row['time_period']}: "
        + (
            "the figures are under embargo"
            if (row["measure"], row["time_period"]) in held
            else f"expected {row['expected'].normalize():f}, the source now says {row['reported_value'].normalize():f}"
        )
        for row in rows
    ]
