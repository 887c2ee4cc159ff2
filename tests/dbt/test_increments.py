"""What a second build costs and changes: new loads alone, corrected slices, changed definitions."""

from __future__ import annotations

import copy
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipelines.settings import PROJECT
from tests.support import forked
from tests.support import small_warehouse as helper


@pytest.mark.slow
def test_corrections_refusals_and_new_definitions(small: Any, tmp_path: Path) -> None:
    again = small.copy(tmp_path)
    ids = again.ids
    whole = ("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
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
    assert again.dbt(*whole).returncode == 0
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
def test_a_model_that_fails_leaves_what_was_there(small: Any, tmp_path: Path) -> None:
    """A table, a view, one that follows its inputs and that of each region: none is dropped before its like is made."""
    broken = copy.copy(small)
    broken.folder, broken.path = tmp_path, tmp_path / small.path.name
    shutil.copy(small.path, broken.path)
    built = {
        "int_delivered_month": "intermediate.int_delivered_month",
        "int_observations_reported": "intermediate.int_observations_reported",
        "int_measure_period": "intermediate.int_measure_period",
        "mart_region_indicator_value": "mart_by_br.indicator_value",
    }
    comments = "select table_name, comment from duckdb_tables() union all select view_name, comment from duckdb_views()"

    def held() -> dict[str, list[tuple[Any, ...]]]:
        return {table: broken.query(f"select * from {table} order by all") for table in built.values()}

    before, commented = held(), sorted(broken.query(comments), key=str)
    assert all(before.values())
    for declared in ("measure", "indicator"):
        with broken.connect() as connection:
            connection.execute(f"alter table catalogue.{declared} rename to away")
        for model in list(built)[:3] if declared == "measure" else list(built)[3:]:
            done = broken.dbt("run", "--full-refresh", "--select", model)
            assert done.returncode == 1
            assert f"Table with name {declared} does not exist" in done.stdout
        with broken.connect() as connection:
            connection.execute(f"alter table catalogue.away rename to {declared}")
    assert held() == before
    assert sorted(broken.query(comments), key=str) == commented


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


MODELS = ("--select", "+mart_indicator_value")
COMPARED = {
    "intermediate.int_observations": "measure, ref_area, freq, time_period, breakdown, obs_value, obs_status, "
    "missing_reason, load_id, source_rows, has_warnings, control_share_pct",
    "intermediate.int_measure_period": "* exclude (last_update)",
    "intermediate.int_indicator_member": "*",
    "intermediate.int_plausibility": "*",
    "marts.mart_indicator_value": "*",
}


def _run(small: Any, *options: str) -> None:
    done = small.dbt("run", *MODELS, *options)
    assert done.returncode == 0, done.stdout[-3000:]
    with (
        small.connect() as connection
    ):  # as after a build of the whole project, which the next one may go on from
        connection.execute("update ops.build set whole = true")


def _figures(small: Any) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table: small.query(f"select {columns} from {table} order by all")
        for table, columns in COMPARED.items()
    }


@pytest.mark.slow
def test_a_period_that_has_not_ended_is_not_missing_and_ends_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In May 2019 what is to come is not yet; when the month is over it is missing, with nothing else delivered."""
    small = helper.SmallWarehouse(tmp_path)
    helper.fill(small)

    def reasons(day: str) -> dict[tuple[str, str], str | None]:
        monkeypatch.setenv("GOROD_TODAY", day)
        _run(small)
        return {
            (area, period): reason
            for area, period, reason in small.query(
                "select ref_area, time_period, missing_reason from marts.mart_indicator_value"
                " where indicator = 'appeals_per_1000' and breakdown = '_T' and ref_area in ('c-brest', 'c-minsk', 'BY-MI')"
            )
        }

    before = reasons("2019-05-31")
    assert before["c-brest", "2019-05"] == before["BY-MI", "2019-05"] == "not_yet"
    assert (
        before["c-brest", "2019-Q2"] == before["c-brest", "2019-S1"] == before["c-brest", "2019"] == "not_yet"
    )
    assert before["c-minsk", "2019-S1"] == "not_retained"  # February is gone for ever
    assert before["c-brest", "2019-03"] == before["BY-MI", "2019-04"] == "not_delivered"
    assert ("c-brest", "2019-07") not in before  # has not begun
    after = reasons("2019-06-01")
    assert after["c-brest", "2019-05"] == after["BY-MI", "2019-05"] == "not_delivered"
    assert after["c-brest", "2019-Q2"] == "not_yet"
    assert reasons("2019-07-01")["c-brest", "2019-Q2"] == "not_delivered"


def _withdraw(small: Any, load_id: str) -> None:
    """As when a waiver has ended: the load is in force no more."""
    with small.connect() as connection:
        connection.execute("update ops.load set outcome = 'rejected' where load_id = ?", [load_id])


@pytest.mark.slow
@pytest.mark.parametrize("at_once", [7, pytest.param(1, marks=pytest.mark.long)])
def test_after_whatever_came_the_figures_are_those_from_scratch(
    at_once: int, small: Any, tmp_path: Path
) -> None:
    small = small.copy(tmp_path)
    ids = small.ids
    requests, people = "appeals_115.requests", "territory_register.population"
    by_year = [
        ("BY", 1000),
        ("BY-BR", 500),
        ("BY-HM", 200),
        ("BY-MI", 300),
        ("c-minsk", 200),
        ("c-brest", 150),
    ]
    events: list[tuple[str, Any]] = [
        ("a new month", lambda: small.load(requests, "2019-07", helper.requests(["6"] * 4, "2019-07"), instance="minsk")),
        ("a corrected month", lambda: small.load(requests, "2019-04", helper.requests(["6"], "2019-04"), instance="brest")),
        ("a category of its own", lambda: small.load(requests, "2019-08", helper.requests(["77"], "2019-08"), instance="minsk")),
        ("a load withdrawn", lambda: _withdraw(small, ids["minsk-05"])),
        ("a month that was deleted", lambda: small.load(requests, "2019-09", [], instance="minsk", not_retained=True)),
        ("a first year of another city", lambda: small.load(requests, "2018-03", helper.requests(["6"], "2018-03"), instance="brest")),  # noqa: E501
        ("another population", lambda: small.load(
            people, None,
            [
                {"territory_id": code, "year": year, "population": count * 2, "status": "e"}
                for year in (2018, 2019) for code, count in by_year
            ],
            instance="by",
        )),
    ]  # fmt: skip
    for number in range(0, len(events), at_once):
        names = []
        for name, happen in events[number : number + at_once]:
            happen()
            names.append(name)
        _run(small)
        followed = _figures(small)
        _run(small, "--full-refresh")
        anew = _figures(small)
        for table in COMPARED:
            assert followed[table] == anew[table], f"{table} after {', '.join(names)}"


@pytest.mark.slow
def test_what_has_not_changed_is_left_and_a_part_by_hand_is_not_trusted(small: Any, tmp_path: Path) -> None:
    small = small.copy(tmp_path)
    marked = "select distinct time_period from intermediate.int_indicator_unit where months_expected = 999"
    with small.connect() as connection:
        connection.execute(
            "update intermediate.int_indicator_unit set months_expected = 999 where indicator = 'appeals_per_1000'"
        )
    before = {period for (period,) in small.query(marked)}
    small.load("appeals_115.requests", "2019-06", helper.requests(["6"], "2019-06"), instance="brest")
    _run(small)
    after = {period for (period,) in small.query(marked)}
    # June and the longer periods that it lies in, and nothing else, was computed again
    assert before - after == {"2019-06", "2019-Q2", "2019-S1", "2019"}
    assert after
    # one model by hand: somebody may have left out what it stands on, so that the next build trusts nothing
    assert small.dbt("run", "--select", "int_indicator_unit").returncode == 0
    assert small.dbt("run", *MODELS).returncode == 0
    assert small.query(marked) == []


def test_a_model_whose_marks_are_gone_is_not_built(tmp_path: Path, small: Any) -> None:
    """Without the mark of what has changed, each build would add all rows once more."""
    project = tmp_path / "project"
    shutil.copytree(PROJECT / "dbt", project, ignore=shutil.ignore_patterns("target", "logs"))
    marks = project / "macros" / "sql" / "changed_inputs.sql"
    marks.write_text(
        marks.read_text(encoding="utf-8").replace("true /* not held */", "true"), encoding="utf-8"
    )
    shutil.copy(small.path, tmp_path)
    environment = os.environ | {
        "GOROD_WAREHOUSE_PATH": small.path.name,
        "DBT_TARGET_PATH": str(tmp_path / "target"),
        "DBT_LOG_PATH": str(tmp_path / "logs"),
    }
    done = forked.dbt(environment, tmp_path, "run", "--select", "int_measure_period", project=project)
    assert done.returncode != 0
    assert "finds no mark" in done.stdout
