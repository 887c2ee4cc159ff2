"""Primary and foreign keys of the contracts, for BI tools and data packages."""

from __future__ import annotations

from collections.abc import Collection

# primary keys of the contracts; tests of the models check them
KEYS: dict[str, tuple[str, ...]] = {
    "pub_boundary_v1": ("ref_area",),
    "pub_correction_v1": ("correction",),
    "pub_data_quality_v1": ("load_id",),
    "pub_framework_coverage_v1": ("framework", "dimension", "ref_area"),
    "pub_framework_indicator_v1": ("framework", "code"),
    "pub_framework_v1": ("framework",),
    "pub_held_back_v1": ("measure", "indicator", "ref_area", "time_period", "breakdown"),
    "pub_index_method_v1": ("index_method", "method_version"),
    "pub_index_node_v1": ("index_method", "method_version", "node"),
    "pub_indicator_metadata_v1": ("indicator", "concept"),
    "pub_indicator_part_v1": ("indicator", "breakdown"),
    "pub_indicator_term_v1": ("indicator", "method_version", "term_no"),
    "pub_indicator_v1": ("indicator",),
    "pub_indicator_value_history_v1": (
        "indicator",
        "ref_area",
        "freq",
        "time_period",
        "breakdown",
        "known_from",
    ),
    "pub_indicator_value_today_v1": ("indicator", "ref_area", "freq", "time_period", "breakdown"),
    "pub_indicator_value_v1": ("indicator", "ref_area", "freq", "time_period", "breakdown"),
    "pub_load_v1": ("load_id",),
    "pub_measure_member_v1": ("measure", "breakdown"),
    "pub_measure_v1": ("measure",),
    "pub_method_v1": ("indicator", "method_version"),
    "pub_period_v1": ("time_period",),
    "pub_plausibility_v1": ("rule", "indicator", "ref_area", "time_period", "breakdown"),
    "pub_programme_v1": ("programme",),
    "pub_progress_v1": ("programme", "target", "ref_area", "version_no", "time_period"),
    "pub_quality_class_v1": ("quality_class",),
    "pub_reporting_v1": ("source", "feed", "instance", "part", "time_period"),
    "pub_supplier_scorecard_v1": ("source", "ref_area", "time_period"),
    "pub_target_v1": ("programme", "target", "ref_area", "version_no"),
    "pub_territory_v1": ("ref_area",),
}
# columns with the same meaning in every table, with the table that lists their values
LISTS = {
    ("ref_area",): "pub_territory_v1",
    ("region",): "pub_territory_v1",
    ("parent",): "pub_territory_v1",
    ("indicator",): "pub_indicator_v1",
    ("indicator", "method_version"): "pub_method_v1",
    ("measure",): "pub_measure_v1",
    ("times_measure",): "pub_measure_v1",
    ("time_period",): "pub_period_v1",
    ("load_id",): "pub_load_v1",
    ("quality_class",): "pub_quality_class_v1",
    ("framework",): "pub_framework_v1",
    ("index_method", "method_version"): "pub_index_method_v1",
    ("programme",): "pub_programme_v1",
    ("correction",): "pub_correction_v1",
}


def references(table: str, columns: Collection[str]) -> dict[tuple[str, ...], str]:
    """Foreign keys of a contract, with the contract each refers to."""
    return {
        given: target
        for given, target in LISTS.items()
        if set(given) <= set(columns)
        and given != KEYS.get(table)
        # an index's version is that of its own method, not of its indicators'
        and not (target == "pub_method_v1" and "index_method" in columns)
    }
