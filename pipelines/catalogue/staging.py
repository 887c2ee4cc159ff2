"""The tables of ``catalogue`` as dbt knows them: a source with its columns, and a staging model for each table.

Models read the declarations only through these, so that a table of ``catalogue`` can change without them. They are
views: they cost nothing to build.
"""

from __future__ import annotations

from typing import Any

from pipelines.catalogue.tables import TABLES
from pipelines.declarations.dbt_files import documented, dumped

FOLDER = "models/staging/catalogue"
# one test for all keys: dbt spends more on a test than these small tables take
UNIQUE_KEYS = "tests/catalogue_keys_are_unique.sql"
# for each table: what one row is, and the columns that identify it
MEANING: dict[str, tuple[str, tuple[str, ...]]] = {
    "source": ("Sources, one row each.", ("source",)),
    "feed": ("Feeds: how often each is delivered, and which of its rows count.", ("source", "feed")),
    "instance": ("Installations of the sources, one row each.", ("source", "instance")),
    "control_total": (
        "Numbers of rows in a period, according to the source itself.",
        ("source", "feed", "instance", "period_from", "period_to"),
    ),
    "measure": ("Measures: what is observed, in which unit, and how it sums.", ("measure",)),
    "measure_member": ("Members of the breakdowns of measures.", ("measure", "breakdown")),
    "quality_class": ("Code list of the quality classes of indicators.", ("quality_class",)),
    "measure_part": (
        "Territories whose figures include those of a sibling, by measure.",
        ("measure", "whole", "part"),
    ),
    "indicator": ("Indicators: name, definition, unit, and how each is aggregated.", ("indicator",)),
    "indicator_method": ("Versions of the methods of indicators.", ("indicator", "method_version")),
    "indicator_metadata": ("Reference metadata of indicators, by SDMX concept.", ("indicator", "concept")),
    "indicator_not_applicable": (
        "Territories in which an indicator cannot exist.",
        ("indicator", "ref_area"),
    ),
    "indicator_term": (
        "Terms of numerators and denominators: measures with weights.",
        ("indicator", "method_version", "term_no"),
    ),
    "indicator_frequency": ("Frequencies at which an indicator is computed.", ("indicator", "freq")),
    "indicator_level": ("Territorial levels at which an indicator is computed.", ("indicator", "level")),
    "correction": ("Reviewed corrections of observed values.", ("correction",)),
    "territory_code": ("Official codes of territories.", ("ref_area",)),
    "territory_name": ("Names of territories in the sources.", ("source", "name", "ref_area")),
    "subordination": ("Cities that are separate units inside a district.", ("ref_area",)),
    "territory_parent": ("Where a territory lay before it was moved.", ("ref_area", "valid_from")),
    "size_group": ("Size groups of territories by population, at each level.", ("size_group",)),
    "similarity": ("By what territories of a level are alike, with weights.", ("level", "indicator")),
    "framework": ("Frameworks of indicators.", ("framework",)),
    "framework_place": ("Headings of frameworks: dimensions, sections, topics.", ("framework", "place")),
    "framework_indicator": ("Indicators of frameworks, in their own words.", ("framework", "code")),
    "framework_answer": (
        "Which of our indicators correspond to an indicator of a framework.",
        ("framework", "code", "indicator"),
    ),
    "index_method": ("Methods of composite indices, by version.", ("index_method", "method_version")),
    "index_node": (
        "Nodes of the trees of composite indices.",
        ("index_method", "method_version", "node"),
    ),
    "programme": ("State programmes that set targets.", ("programme",)),
    "target": (
        "Planned values, one row for each version and territory.",
        ("programme", "target", "ref_area", "version_no"),
    ),
    "plausibility_rule": ("Rules of plausibility.", ("rule",)),
    "plausibility_scope": (
        "To which indicators, frequencies and levels each rule of plausibility applies.",
        ("rule", "indicator", "freq", "level"),
    ),
    "release": ("The release calendar, one row for each release.", ("release",)),
    "release_indicator": ("Which indicators each release contains.", ("release", "indicator")),
}


def staging_models() -> dict[str, str]:
    """Every generated file of the catalogue by its path below ``dbt/generated``."""
    files = {
        f"{FOLDER}/stg_catalogue__{name}.sql": _sql(name, tuple(TABLES[name]))
        for name in TABLES
        if name in MEANING
    }
    files[UNIQUE_KEYS] = _unique_keys()
    files[f"{FOLDER}/_catalogue.yml"] = dumped(
        {
            "version": 2,
            "sources": [
                {
                    "name": "catalogue",
                    "description": "The declarations of assets/ as tables, replaced when they change.",
                    "schema": "catalogue",
                    "tables": [_table(name, tuple(columns)) for name, columns in TABLES.items()],
                }
            ],
            "models": [
                {**_table(name, tuple(TABLES[name])), "name": f"stg_catalogue__{name}"} for name in MEANING
            ],
        }
    )
    return files


def _table(name: str, columns: tuple[str, ...]) -> dict[str, Any]:
    about = MEANING[name][0] if name in MEANING else "The hash of everything that defines the figures."
    return {"name": name, "description": about, "columns": documented(columns)}


def _sql(name: str, columns: tuple[str, ...]) -> str:
    listed = ",\n".join(f"    {column}" for column in columns)
    head = f"-- {MEANING[name][0]}\n-- Generated from the declarations.\n"
    return f"{head}select\n{listed}\nfrom {{{{ source('catalogue', '{name}') }}}}\n"


def _unique_keys() -> str:
    head = (
        "-- Keys of the declarations' tables that occur more than once. Nulls count as equal.\n"
        "-- Generated from the declarations.\n"
    )
    return head + "\nunion all\n".join(
        f"select\n    '{name}' as model,\n    count(*) as copies\nfrom {{{{ ref('stg_catalogue__{name}') }}}}\n"
        f"group by {', '.join(key)}\nhaving count(*) > 1\n"
        for name, (_, key) in MEANING.items()
    )
