"""Each model says by which columns its rows are told apart, by a test that the build runs."""

from __future__ import annotations

import yaml

from pipelines.settings import PROJECT

MODELS = PROJECT / "dbt" / "models"
UNIQUE = {"unique", "unique_combination"}

# Not said yet; this list only shrinks. Large ones wait for a form that looks at what has changed alone.
NOT_YET = {
    "int_contributions", "int_indicator_believed",
    "int_indicator_decided", "int_indicator_imputed", "int_indicator_percentile", "int_indicator_rolled_up",
    "int_indicator_unallocated", "int_indicator_unit", "int_load_scope", "int_observations_by_load",
    "int_observations_counted", "int_observations_reported", "int_territory_ancestor", "int_territory_parent",
    "int_territory_register__population__contributions", "int_territory_register__territories__contributions",
    "int_territory_register__town_areas__contributions", "int_territory_today", "mart_indicator_value",
    "mart_open_indicator_value", "mart_region_indicator_value", "mart_trace_donor", "mart_trace_observation",
    "mart_trace_row", "mart_trace_term", "pub_observation", "pub_trace", "stg_appeals_115__requests",
    "stg_belstat__employment", "stg_belstat__grp_per_capita", "stg_belstat__migration",
    "stg_belstat__population_by_age", "stg_belstat__wages", "stg_beltelecom_inventory__resources",
}  # fmt: skip


def told_apart() -> dict[str, bool]:
    """Every model of the project, and whether it has a test of uniqueness."""
    found = {path.stem.removesuffix("_v1"): False for path in MODELS.rglob("*.sql")}
    for file in MODELS.rglob("*.yml"):
        for model in yaml.safe_load(file.read_text(encoding="utf-8")).get("models") or []:
            given = [model, *model.get("columns", [])]
            tests = [test for one in given for test in one.get("data_tests", [])]
            names = {test if isinstance(test, str) else next(iter(test)) for test in tests}
            found[model["name"]] = bool(names & UNIQUE)
    return found


def test_each_model_says_by_what_its_rows_are_told_apart() -> None:
    found = told_apart()
    assert len(found) > 100
    assert {name for name, is_told in found.items() if not is_told} == NOT_YET
