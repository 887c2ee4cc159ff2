"""Overview of the indicators by region, from a published snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.embedded import connect


@dataclass(frozen=True)
class Overview:
    """A table: a row for each indicator, a column for the country and for each region."""

    title: str
    synthetic: str | None
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def overview(database: Path) -> Overview:
    """The newest published value of each indicator, for the period that most regions have, by region.

    For each indicator the period is the newest one with the most regions; for a missing value the reason is shown;
    a dash means that none is computed.
    """
    with connect(database, read_only=True) as connection:
        areas = connection.execute(
            "select ref_area from published.pub_territory_v1 where level in ('country', 'region') "
            "order by level, name_ru"
        ).fetchall()
        names = [area for (area,) in areas]
        cells = connection.execute(
            """
            with counted as (
                select value.indicator, value.time_period, value.freq, value.last_day, count(value.obs_value) as regions
                from published.pub_indicator_value_v1 as value
                join published.pub_territory_v1 as territory using (ref_area)
                where value.breakdown = '_T' and territory.level in ('country', 'region')
                group by all
                having count(value.obs_value) > 0
            ),
            chosen as (
                select indicator, first(time_period order by regions desc, last_day desc, freq) as time_period
                from counted
                group by indicator
            )
            select indicator,
                indicator.name_ru
                || case when contains(indicator.name_ru, indicator.unit_ru) then '' else ', ' || indicator.unit_ru end,
                time_period, ref_area, obs_value,
                indicator.decimals, missing_reason, obs_status, synthetic
            from chosen
            join published.pub_indicator_value_v1 using (indicator, time_period)
            join published.pub_indicator_v1 as indicator using (indicator)
            where breakdown = '_T' and ref_area in (select unnest(?))
            order by theme, indicator
            """,
            [names],
        ).fetchall()
    rows: dict[str, dict[str, Any]] = {}
    for indicator, name, period, area, value, decimals, reason, status, synthetic in cells:
        row = rows.setdefault(indicator, {"name": name, "period": period, "synthetic": False})
        row["synthetic"] |= synthetic
        mark = "" if status in ("A", None) or value is None else f" {status}"
        row[area] = f"{value:,.{decimals}f}".replace(",", " ") + mark if value is not None else (reason or "")
    invented = [row for row in rows.values() if row["synthetic"]]
    if len(invented) < len(rows):
        for row in invented:
            row["name"] += " ◊"
    return Overview(
        "Показатели по регионам",
        _warning(len(invented), len(rows)),
        ("показатель", "период", *names),
        [(row["name"], row["period"], *(row.get(area, "—") for area in names)) for row in rows.values()],
    )


def _warning(invented: int, shown: int) -> str | None:
    """The note required below a table with invented figures."""
    if not invented:
        return None
    words = "синтетические данные, не для использования / synthetic data: the figures are invented"
    return words.capitalize() if invented == shown else f"◊ {words}"
