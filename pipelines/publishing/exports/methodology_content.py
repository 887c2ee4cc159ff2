"""Everything the methodology pages are made from, read once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from pipelines.publishing.exports import page_words as says
from pipelines.publishing.exports.snapshot import Row, Snapshot

# for each indicator the newest of the periods that most regions have, for the country and the regions
SHOWN = """
with high as (
    select figures.*, territories.level, territories.name_ru, territories.name_be, territories.name_en
    from published.pub_indicator_value_v1 as figures
    inner join published.pub_territory_v1 as territories on figures.ref_area = territories.ref_area
    where figures.breakdown = '_T' and territories.level in ('country', 'region')
),
counted as (
    select indicator, freq, time_period, last_day, count(obs_value) as regions
    from high
    group by indicator, freq, time_period, last_day
    having count(obs_value) > 0
),
chosen as (
    select *, row_number() over (partition by indicator order by regions desc, last_day desc, freq) as place
    from counted
)
select high.*
from high
inner join chosen using (indicator, freq, time_period)
where chosen.place = 1
order by high.indicator, high.level, high.name_ru, high.ref_area
"""


@dataclass(frozen=True)
class Content:
    """Everything the pages are made from, read once."""

    snapshot: Snapshot
    indicators: list[Row]
    methods: dict[str, list[Row]]
    terms: dict[tuple[str, str], list[Row]]
    metadata: dict[str, list[Row]]
    measures: dict[str, Row]
    members: dict[tuple[str, str], Row]
    values: dict[str, list[Row]]
    synthetic: frozenset[str]
    periods: dict[str, Row]
    quality: dict[str, Row]
    loads: list[Row]
    frameworks: list[Row]
    framework_indicators: dict[str, list[Row]]
    index_methods: dict[str, list[Row]]
    index_nodes: dict[tuple[str, str], list[Row]]
    row_counts: dict[str, int]
    downloads: tuple[str, ...]

    def named(self, indicator: str | None) -> Row | None:
        """An indicator's row by its code."""
        return next((row for row in self.indicators if row["indicator"] == indicator), None)


def read(snapshot: Snapshot, out: Path) -> Content:
    """The pages' data. ``out`` is the folder in which other products may be."""
    rows, some = snapshot.rows, snapshot.rows_if_any
    return Content(
        snapshot=snapshot,
        indicators=sorted(rows("pub_indicator_v1"), key=lambda row: (row["theme_ru"], row["name_ru"])),
        methods=group_by(rows("pub_method_v1"), "indicator"),
        terms={
            key: list(group)
            for key, group in groupby(
                sorted(
                    rows("pub_indicator_term_v1"),
                    key=lambda row: (row["indicator"], row["method_version"], row["term_no"]),
                ),
                key=lambda row: (row["indicator"], row["method_version"]),
            )
        },
        metadata=group_by(some("pub_indicator_metadata_v1"), "indicator"),
        measures={row["measure"]: row for row in rows("pub_measure_v1")},
        members={(row["measure"], row["breakdown"]): row for row in some("pub_measure_member_v1")},
        values=group_by(snapshot.ask(SHOWN), "indicator"),
        synthetic=frozenset(
            row["indicator"]
            for row in snapshot.ask(
                "select distinct indicator from published.pub_indicator_value_v1 where synthetic"
            )
        ),
        periods={row["time_period"]: row for row in rows("pub_period_v1")},
        quality={row["quality_class"]: row for row in some("pub_quality_class_v1")},
        loads=snapshot.ask(
            "select distinct source, licence, attribution from published.pub_load_v1 order by all"
        ),
        frameworks=some("pub_framework_v1"),
        framework_indicators=group_by(
            sorted(some("pub_framework_indicator_v1"), key=lambda row: row["indicator_no"]), "framework"
        ),
        index_methods=group_by(
            sorted(some("pub_index_method_v1"), key=lambda row: row["valid_from"], reverse=True),
            "index_method",
        ),
        index_nodes={
            (row["index_method"], row["method_version"]): [
                node
                for node in some("pub_index_node_v1")
                if (node["index_method"], node["method_version"])
                == (row["index_method"], row["method_version"])
            ]
            for row in some("pub_index_method_v1")
        },
        row_counts={
            name: snapshot.ask(f"select count(*) as rows from published.{name}")[0]["rows"]
            for name in snapshot.tables
        },
        downloads=tuple(file for file in says.DOWNLOADS if (out / file).is_file()),
    )


def group_by(rows: list[Row], column: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row[column], []).append(row)
    return found
