"""The generated staging models: a default one for each feed without its own, and the raw tables as dbt sources."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pipelines.declarations.dbt_files import comment, documented, unique_combination
from pipelines.declarations.feeds import Feed
from pipelines.declarations.measures import Measure
from pipelines.declarations.sources import SOURCES, Source
from pipelines.declarations.yaml_document import at
from pipelines.errors import DeclarationError
from pipelines.sql import literal, quoted

# The columns of every staging model, beside those of its feed.
AGREED = ("load_id", "row_no", "instance", "ref_area", "allocation", "time_period")
BY_HAND = "A staging model of this name in dbt/models replaces it."


def staging_model(source: str, feed: str) -> str:
    """The name of a feed's staging model."""
    return f"stg_{source}__{feed}"


def default_staging_columns(feed: Feed) -> tuple[str, ...]:
    """The columns of a generated staging model."""
    agreed = [name for name in AGREED if name != "allocation" or feed.territory is not None]
    return (*agreed, *(name for name in feed.kept_columns if name not in AGREED))


def raw_source(sources: Mapping[str, Source]) -> dict[str, Any]:
    return {
        "name": "raw",
        "description": "What the gate accepted, append-only; every row carries its load and its number in the delivery.",
        "schema": "raw",
        "tables": [
            {
                "name": f"{source}__{feed}",
                "description": f"{about.title.en}. {' '.join(about.description.split())}",
                "columns": [
                    *documented(("load_id", "row_no")),
                    *(
                        {"name": name, "description": column.description}
                        for name, column in about.kept_columns.items()
                    ),
                ],
            }
            for source, declared in sources.items()
            for feed, about in declared.feeds.items()
        ],
    }


def staging_sql(source: Source, feed: str, measures: Mapping[str, Measure]) -> str:
    declared = source.feeds[feed]
    columns = [name for name in declared.kept_columns if name not in AGREED]
    ref_area = ["loads.ref_area"]
    joined = ""
    if declared.territory is not None and source.territories:
        ref_area = [
            "names.ref_area",
            "case when names.ref_area is null then 'unknown' else 'whole' end as allocation",
        ]
        joined = (
            "\nleft join {{ ref('stg_catalogue__territory_name') }} as names\n"
            f"    on names.source = {literal(source.source)} and trim(delivered.{_name(declared.territory)}) = names.name"
        )
    elif declared.territory is not None:
        code = _name(declared.territory)
        ref_area = [
            f"delivered.{code} as ref_area",
            f"case when delivered.{code} is null then 'unknown' else 'whole' end as allocation",
        ]
    select = [
        "delivered.load_id",
        "delivered.row_no",
        "loads.instance",
        *ref_area,
        f"{_period(source, feed, measures)} as time_period",
        *(f"delivered.{_name(column)}" for column in columns),
    ]
    return (
        comment(
            f"{declared.title.en}: rows of effective loads, as they were delivered.",
            f"Generated from assets/sources/{source.source}/source.yml. {BY_HAND}",
        )
        + "select\n    "
        + ",\n    ".join(select)
        + f"\nfrom {{{{ source('raw', '{source.source}__{feed}') }}}} as delivered\n"
        + "inner join {{ source('ops', 'effective_load') }} as loads on delivered.load_id = loads.load_id"
        + joined
        + "\n"
    )


def _period(source: Source, feed: str, measures: Mapping[str, Measure]) -> str:
    """SQL of the period of a row; all measures of the feed have the same frequency."""
    declared = source.feeds[feed]
    frequencies = {measure.freq for measure in measures.values() if not measure.constant}
    if not frequencies:
        return "'_Z'"
    place = at(SOURCES / source.source / "source.yml", "feeds", feed)
    if len(frequencies) > 1:
        raise DeclarationError(
            f"{place}: its measures have different frequencies ({', '.join(sorted(frequencies))})",
            f"Write {staging_model(source.source, feed)} by hand, or give them the same frequency.",
        )
    if declared.time_period is None and not declared.names_its_period:
        raise DeclarationError(
            f"{place}.time_period: is needed: neither a column nor the file name (group period of file_pattern)"
            " gives the period of a row",
            "Name the date column.",
        )
    day = f"delivered.{_name(declared.time_period)}" if declared.time_period else "loads.first_day"
    if frequencies == {"M"}:
        return f"{{{{ month_code('{day}') }}}}"
    return f"substr(cast({day} as varchar), 1, 4)"


def staging_yaml(source: Source, feed: str) -> dict[str, Any]:
    declared = source.feeds[feed]
    own = {name: column.description for name, column in declared.kept_columns.items() if name not in AGREED}
    agreed = [name for name in default_staging_columns(declared) if name in AGREED]
    return {
        "name": staging_model(source.source, feed),
        "description": f"{declared.title.en}: rows of effective loads, as they were delivered.",
        "data_tests": [unique_combination(("load_id", "row_no", "ref_area"))],
        "columns": [
            *(
                {**column, "data_tests": ["not_null"]} if column["name"] == "load_id" else column
                for column in documented(agreed)
            ),
            *({"name": name, "description": text} for name, text in own.items()),
        ],
    }


def _name(column: str) -> str:
    return column if re.fullmatch(r"[a-z_][a-z0-9_]*", column) else quoted(column)
