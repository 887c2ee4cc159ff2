"""Each model says by which columns its rows are told apart, by a test that the build runs and that can fail."""

from __future__ import annotations

import copy
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.catalogue.staging import UNIQUE_KEYS
from pipelines.settings import PROJECT
from tests.support import small_warehouse as helper

FOLDERS = (PROJECT / "dbt" / "models", PROJECT / "dbt" / "generated" / "models")
UNIQUE = {"unique", "unique_combination"}
SINGULAR = ("each_load_is_summed_once", Path(UNIQUE_KEYS).stem)


def told_apart() -> dict[str, bool]:
    """Every model of the project, and whether it has a test of uniqueness."""
    found = {path.stem.removesuffix("_v1"): False for folder in FOLDERS for path in folder.rglob("*.sql")}
    for file in (path for folder in FOLDERS for path in folder.rglob("*.yml")):
        for model in yaml.safe_load(file.read_text(encoding="utf-8")).get("models") or []:
            given = [model, *model.get("columns", [])]
            tests = [test for one in given for test in one.get("data_tests", [])]
            names = {test if isinstance(test, str) else next(iter(test)) for test in tests}
            found[model["name"]] = bool(names & UNIQUE)
    # the keys of the declarations' tables have one test
    keys = (PROJECT / "dbt" / "generated" / UNIQUE_KEYS).read_text(encoding="utf-8")
    return found | dict.fromkeys(re.findall(r"ref\('(\w+)'\)", keys), True)


def test_each_model_says_by_what_its_rows_are_told_apart() -> None:
    found = told_apart()
    assert len(found) > 100
    assert [name for name, is_told in found.items() if not is_told] == []


def _own(small: Any, folder: Path) -> Any:
    """The small warehouse, built and tested, to be spoiled."""
    own = copy.copy(small)
    own.folder, own.path = folder, folder / small.path.name
    shutil.copy(small.path, own.path)
    return own


def _failed(given: Any) -> set[str]:
    """Which tests of grain fail, by the model that they are of."""
    done = given.dbt("test", "--select", "test_name:unique_combination", *SINGULAR)
    names = re.findall(r"FAIL \d+ (?!in )(\w+)", done.stdout)
    assert (done.returncode != 0) == bool(names), done.stdout[-3000:]
    models = sorted(told_apart(), key=len, reverse=True)
    return {
        next((model for model in models if f"_{model}_" in f"{name}_".replace("_v1_", "_")), name)
        for name in names
    }


@pytest.mark.slow
def test_a_row_that_stands_twice_is_seen_by_each_kind_of_test(small: Any, tmp_path: Path) -> None:
    """In a table of figures, in one that grows by loads, in a published one, and in the rows of a new delivery."""
    given = _own(small, tmp_path)  # where none of these tests fails
    twice = (
        "intermediate.int_indicator_decided",
        "intermediate.int_load_scope",
        "intermediate.int_observations_by_load",
        "published.pub_observation_v1",
    )
    with given.connect() as connection:
        for table in twice:
            # what is allocated to no part or to no territory is no figure of its own, and is not counted
            whole = "ref_area is not null and breakdown <> '_U'" if table.endswith("by_load") else "true"
            if table.endswith("scope"):
                # beside a figure that stands twice, its period counted twice would tell the same number
                whole = "axis <> 'period'"
            connection.execute(
                f"insert into {table} select * from {table} where rowid = (select min(rowid) from {table} where {whole})"
            )
    figures = {f"mart_{kind}indicator_value" for kind in ("", "open_", "region_")}
    # a load that a sound build has tested is not tested again, but it cannot grow
    spoiled = {"int_indicator_decided", "int_indicator_believed", "int_load_scope", "pub_observation"}
    observed = {"int_observations", "each_load_is_summed_once"}
    assert spoiled | observed | figures <= (failed := _failed(given))
    assert not {name for name in failed if name.startswith(("stg_", "int_appeals", "int_contributions"))}

    requests = helper.requests(["6"] * 4, "2019-07")
    load_id = given.load("appeals_115.requests", "2019-07", requests, instance="minsk")
    with given.connect() as connection:
        connection.execute(
            "insert into raw.appeals_115__requests select * from raw.appeals_115__requests where load_id = ? and row_no = 1",
            [load_id],
        )
    by_load = {
        "stg_appeals_115__requests",
        "int_appeals_115__requests__contributions",
        "int_contributions_given",
        "int_contributions",
        "mart_trace_row",
    }
    assert _failed(given) - failed == by_load


# the short form: other definitions compute every load anew (test_increments.py)
@pytest.mark.long
def test_other_definitions_make_every_load_untested(small: Any, tmp_path: Path) -> None:
    """A name that is listed twice doubles the rows of old loads, too: the lists are definitions."""
    given = _own(small, tmp_path)
    with given.connect() as connection:
        connection.execute(
            "insert into catalogue.territory_name select * from catalogue.territory_name where name = 'г. Жодино'"
        )
        connection.execute("update catalogue.definition set definitions_hash = 'changed'")
    done = given.dbt("run", "--select", "int_observations_by_load", "int_load_scope")
    assert done.returncode == 0, done.stdout[-3000:]
    assert {
        "catalogue_keys_are_unique",
        "stg_belstat__employment",
        "int_belstat__employment__contributions",
    } <= _failed(given)


@pytest.mark.slow
def test_what_comes_by_several_ways_stands_once(small: Any, tmp_path: Path) -> None:
    """What is missing is told once; equal shares that came by two ways are added up, and not taken for one."""
    given = _own(small, tmp_path)
    given.load(
        "territory_register.changes", None,
        [
            {"kind": kind, "territory_id": of, "to_id": to, "valid_from": day, "weight": share}
            for kind, of, to, day, share in (
                # a half each, and then both together
                ("split", "r-old", "r-one", "2012-01-01", 0.5), ("split", "r-old", "r-two", "2012-01-01", 0.5),
                ("merge", "r-one", "r-pinski", "2014-01-01", 1), ("merge", "r-two", "r-pinski", "2014-01-01", 1),
            )
        ], instance="by",
    )  # fmt: skip
    people = given.load(
        "territory_register.population", None,
        [
            # of the city that lies in the district there is no figure
            {"territory_id": code, "year": 2020, "population": count, "status": "e"}
            for code, count in (("BY", 1000), ("BY-BR", 1000), ("r-brescki", 300), ("r-pinski", 200), ("c-pinsk", 120))
        ], instance="by",
    )  # fmt: skip
    with given.connect() as connection:
        # two parts lie beside the district, and neither is delivered
        connection.execute(
            "insert into catalogue.measure_part values "
            "('employed_persons', 'r-brescki', 'c-one'), ('employed_persons', 'r-brescki', 'c-two')"
        )
        connection.execute("update catalogue.definition set definitions_hash = 'changed'")
    done = given.dbt("run", "--select", "+mart_trace_row", "+int_territory_today")
    assert done.returncode == 0, done.stdout[-3000:]
    assert not {"int_contributions", "mart_trace_row", "int_territory_today"} & _failed(given)
    assert given.query(
        "select target, share from intermediate.int_territory_today where member = 'r-old' and changed_on = '2012-01-01'"
    ) == [("r-pinski", 1)]
    told = "select value from intermediate.int_contributions where measure = ? and ref_area = ? and time_period = ? "
    told += "order by value nulls last"
    assert given.query(told, "employed_persons", "r-brescki", "2018") == [(60,), (None,)]
    assert given.query(told, "population", "r-brescki", "2020") == [(300,), (None,)]
    held = "select obs_value from intermediate.int_observations_by_load where measure = ? and ref_area = ? and time_period = ?"
    assert given.query(held, "employed_persons", "r-brescki", "2018") == [(None,)]
    assert given.query(held + f" and load_id = '{people}'", "population", "r-brescki", "2020") == [(None,)]


@pytest.mark.slow
def test_the_rows_of_some_loads_are_those_of_the_view(small: Any) -> None:
    """Sums and tests of new loads read the models of their feeds alone, and find what the views over all feeds hold."""
    loads = [
        load_id
        for (load_id,) in small.query(
            "select max(load_id) from ops.effective_load where source in ('appeals_115', 'territory_register')"
            " group by source, feed order by all"
        )
    ]
    listed = "('" + "', '".join(loads) + "')"
    views = {
        "int_contributions_given": "intermediate",
        "int_contributions": "intermediate",
        "mart_trace_row": "marts",
    }
    asked = " union all ".join(
        f"select '{view}' as of_view, measure, load_id, row_no, value"
        f" from {{{{ rows_of_loads(ref('{view}'), \"{listed}\") }}}} as told"
        for view in views
    )
    done = small.dbt("--quiet", "compile", "--inline", asked)
    assert done.returncode == 0, done.stdout[-3000:]
    compiled = done.stdout[done.stdout.index("select '") :]
    assert "int_appeals_115__requests__contributions" in compiled
    assert not any(f'"{view}"' in compiled for view in views)
    held = " union all ".join(
        f"select '{view}', measure, load_id, row_no, value from {schema}.{view} where load_id in {listed}"
        for view, schema in views.items()
    )
    rows = sorted(small.query(compiled), key=repr)
    assert len({row[0] for row in rows}) == len(views)
    assert rows == sorted(small.query(held), key=repr)
