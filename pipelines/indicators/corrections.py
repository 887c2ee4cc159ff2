"""Corrections that no longer fit, told to a person."""

from __future__ import annotations

from pipelines.warehouse.base import Warehouse


def misfits(warehouse: Warehouse) -> list[str]:
    """A sentence for each correction whose guard the newest build found broken."""
    built = warehouse.query(
        "select 1 from information_schema.tables where table_schema = 'marts' and table_name = 'mart_correction'"
    )
    if not built:
        return []
    rows = warehouse.query(
        "select * from marts.mart_correction where correction_state = 'no_longer_fits' order by correction"
    )
    return [
        f"correction {row['correction']} no longer fits: {row['measure']}, {row['ref_area']}, {row['time_period']}: "
        f"expected {row['expected'].normalize():f}, the source now says {row['reported_value'].normalize():f}"
        for row in rows
    ]
