"""What a second build costs and changes: new loads alone, corrected slices, changed definitions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.slow
def test_corrections_refusals_and_new_definitions(tmp_path: Path) -> None:
    helper = sys.modules["small_warehouse"]
    again = helper.SmallWarehouse(tmp_path)
    ids = helper.fill(again)
    upstream = "+mart_open_indicator_value"
    assert again.dbt("run", "--select", f"{upstream} pub_indicator_value").returncode == 0
    before = again.query("select count(*), sum(obs_value) from intermediate.int_observations_by_load")

    # a stored load is not computed again: a mark put on it survives the next build
    with again.connect() as connection:
        connection.execute(
            "update intermediate.int_observations_by_load set source_rows = 999 where load_id = ?",
            [ids["minsk-04"]],
        )
    corrected = again.load(
        "appeals_115.requests", "2019-06", helper.requests(["6"] * 7, "2019-06"), instance="minsk"
    )
    refused = again.load(
        "appeals_115.requests",
        "2019-04",
        helper.requests(["6"] * 99, "2019-04"),
        instance="minsk",
        outcome="rejected",
    )
    assert again.dbt("run", "--select", f"{upstream} pub_indicator_value").returncode == 0
    marked = "select distinct source_rows from intermediate.int_observations_by_load where load_id = ?"
    assert again.query(marked, ids["minsk-04"]) == [(999,)]
    assert again.value("appeals_per_1000", "c-minsk", "2019-06")["numerator"] == 7
    assert again.value("appeals_per_1000", "c-minsk", "2019-04")["numerator"] == 8
    held = "select distinct load_id from intermediate.int_observations where ref_area = 'c-minsk' and load_id is not null"
    loads = {load for (load,) in again.query(held)}
    assert corrected in loads
    assert not {refused, ids["minsk-06"]} & loads
    # what was superseded stays readable
    assert again.query(marked.replace("source_rows", "load_id"), ids["minsk-06"]) == [(ids["minsk-06"],)]

    # other definitions: everything is computed anew, and the mark is gone
    with again.connect() as connection:
        connection.execute("update catalogue.definition set definitions_hash = 'changed'")
    assert again.dbt("run", "--select", "int_observations_by_load").returncode == 0
    assert (999,) not in again.query(marked, ids["minsk-04"])
    after = again.query(
        "select count(*), sum(obs_value) from intermediate.int_observations_by_load where load_id not in (?, ?)",
        corrected, refused,
    )  # fmt: skip
    superseded = again.query(
        "select count(*) from intermediate.int_observations_by_load where load_id = ?", ids["minsk-06"]
    )
    assert superseded == [(0,)]  # staging knows effective loads only
    assert after[0][0] < before[0][0]


@pytest.mark.slow
def test_the_project_parses_without_a_warehouse(small: Any) -> None:
    here = small.path
    small.path = here.with_name("nowhere.duckdb")
    try:
        done = small.dbt("parse")
        exists = small.path.exists()
    finally:
        small.path = here
    assert done.returncode == 0, done.stdout[-2000:]
    assert not exists
