"""A build of what hangs on the feeds that changed ends where one from scratch does, and nothing else counts as whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.publishing.rebuild import Rebuild, hanging_on, plan_rebuild
from pipelines.publishing.staleness import staleness
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.support import small_warehouse as helper
from tests.support.small_warehouse import SmallWarehouse

REQUESTS, PEOPLE = "appeals_115.requests", "territory_register.population"
# what is kept of loads that are not in force any more, and in which build it was computed
OF_FORMER_LOADS = {"int_observations_by_load", "int_load_scope"}


def planned(small: SmallWarehouse) -> Rebuild | None:
    manifest = small.folder / "target" / "manifest.json"
    return plan_rebuild(DuckDBWarehouse(small.path), lambda: json.loads(manifest.read_bytes()))


def build(small: SmallWarehouse) -> Rebuild | None:
    """What ``gorod run`` has dbt do; the plan, if it was of a part."""
    plan = planned(small)
    options = () if plan is None else plan.selection
    environment = {} if plan is None else plan.environment
    done = small.dbt("build", "--exclude-resource-type", "unit_test", *options, more=environment)
    assert done.returncode == 0, done.stdout[-3000:]
    return plan


def newest_build(small: SmallWarehouse) -> tuple[bool, bool]:
    """Whether it went well, and whether it counts as one of the whole project."""
    ((ok, whole),) = small.query("select ok, whole from ops.build_state order by build_no desc limit 1")
    return ok, whole


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All that is built, by table; views too."""
    small = SmallWarehouse.__new__(SmallWarehouse)
    small.path = path
    tables = small.query(
        "select table_schema || '.' || table_name from information_schema.tables"
        " where table_schema in ('intermediate', 'marts', 'published', 'history') or table_schema like 'mart_%'"
    )
    names = {name for (name,) in tables if name.split(".")[1] not in OF_FORMER_LOADS}
    assert len(names) > 80
    return {name: small.query(f"select * from {name} order by all") for name in sorted(names)}


def from_scratch(small: SmallWarehouse, folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """The contents after everything is computed again, in a copy."""
    folder.mkdir()
    copied = SmallWarehouse.__new__(SmallWarehouse)
    copied.folder, copied.path = folder, folder / small.path.name
    shutil.copy(small.path, copied.path)
    done = copied.dbt("build", "--full-refresh", "--exclude", "resource_type:test", "resource_type:unit_test")
    assert done.returncode == 0, done.stdout[-3000:]
    return contents(copied.path)


def changes(small: SmallWarehouse, ids: dict[str, str]) -> dict[str, Callable[[], object]]:
    """What may happen between two builds, with its name."""

    def change(sql: str, *parameters: object) -> Callable[[], None]:
        def happen() -> None:
            with small.connect() as connection:
                connection.execute(sql, list(parameters))

        return happen

    def load(
        feed: str, period: str | None, rows: list[dict[str, object]], **more: object
    ) -> Callable[[], str]:
        return lambda: small.load(feed, period, rows, **more)  # type: ignore[arg-type]

    def requests(month: str, groups: list[str], instance: str, **more: object) -> Callable[[], str]:
        return load(REQUESTS, month, helper.requests(groups, month), instance=instance, **more)

    minsk_and_all = [
        ("BY", 2000),
        ("BY-BR", 900),
        ("BY-HM", 500),
        ("BY-MI", 600),
        ("c-minsk", 500),
        ("c-brest", 300),
    ]
    people: list[dict[str, object]] = [
        {"territory_id": code, "year": year, "population": count, "status": "e"}
        for year in (2018, 2019)
        for code, count in minsk_and_all
    ]
    waived = "insert into ops.load_event values (?, 2, 'waived', now(), 'x', 'y', ?)"
    return {
        "a new month": requests("2019-07", ["6"] * 4, "minsk"),
        "a corrected month": requests("2019-04", ["6", "20"], "brest"),
        "a refused load let in": change(waived, ids["refused"], "2999-01-01"),
        "an earlier first year": requests("2018-03", ["6"], "brest"),
        "a load revoked": change("update ops.load set outcome = 'rejected' where load_id = ?", ids["minsk-05"]),
        "a month that was deleted": load(REQUESTS, "2019-09", [], instance="minsk", not_retained=True),
        "another population": load(PEOPLE, None, people, instance="by"),
        "a feed that had nothing": load(
            "belstat.grp_per_capita", "2010-2019",
            [dict(row) for row in helper.cells([("Брестская область", "2018", 8000.0)])], instance="by",
        ),
        "other towns' areas": load(
            "territory_register.town_areas", None,
            [{"city_id": "c-brest", "admin_area_km2": 45}, {"city_id": "c-minsk", "admin_area_km2": 21}], instance="by",
        ),
    }  # fmt: skip


@pytest.fixture
def small(built_small: SmallWarehouse, tmp_path: Path) -> SmallWarehouse:
    """The first deliveries, built as a whole."""
    return built_small.copy(tmp_path / "small")


# the short forms: test_increments.py compares with a build from scratch, pipeline/test_rebuild.py builds a part
@pytest.mark.long
@pytest.mark.parametrize("at_once", [1, 3])
def test_whatever_changed_what_was_left_out_is_as_from_scratch(
    at_once: int, small: SmallWarehouse, tmp_path: Path
) -> None:
    """Built and compared after each change; and built after several, and compared at the end."""
    events = list(changes(small, small.ids).items())
    for number in range(0, len(events), at_once):
        names = ", ".join(name for name, _ in events[number : number + at_once])
        for _, happen in events[number : number + at_once]:
            happen()
        plan = build(small)
        assert plan is not None, names
        assert len(plan.left_out) > 60, names
        assert newest_build(small) == (True, True), names
        assert staleness(DuckDBWarehouse(small.path)) is None, names
        if at_once == 1 or number + at_once >= len(events):
            followed, anew = contents(small.path), from_scratch(small, tmp_path / f"scratch-{number}")
            assert followed.keys() == anew.keys()
            for table in anew:
                assert followed[table] == anew[table], f"{table} after {names}"


def test_a_refused_load_makes_nothing_stale_and_is_told_of_with_the_next(
    small: SmallWarehouse,
) -> None:
    warehouse = DuckDBWarehouse(small.path)
    assert staleness(warehouse) is None
    small.load(REQUESTS, "2019-08", helper.requests(["6"], "2019-08"), instance="minsk", outcome="rejected")
    assert staleness(warehouse) is None
    assert planned(small) is None
    small.load(
        PEOPLE, None, [{"territory_id": "BY", "year": 2019, "population": 9, "status": "e"}], instance="by"
    )
    plan = planned(small)
    assert plan is not None
    assert plan.feeds == ("territory_register__population",)
    # the table that tells of refused loads, too
    assert "model.gorod.pub_data_quality.v1" in plan.nodes


def test_other_definitions_and_builds_that_are_not_sound_leave_nothing_out(
    small: SmallWarehouse,
) -> None:
    small.load(REQUESTS, "2019-07", helper.requests(["6"], "2019-07"), instance="minsk")
    assert planned(small) is not None
    begun = (
        "insert into ops.build_begun select 99, 'killed', now(), true, count(load_id) from ops.deciding_event"
    )
    for statement in (
        "update ops.build set definitions_hash = 'others'",
        "update ops.build set ok = false",
        "update ops.build set whole = false",
        "delete from ops.build_input",
        begun,
    ):
        kept = small.path.read_bytes()
        with small.connect() as connection:
            connection.execute(statement)
        assert planned(small) is None, statement
        assert staleness(DuckDBWarehouse(small.path)) is not None
        small.path.write_bytes(kept)
    assert planned(small) is not None


@pytest.mark.slow
def test_a_plan_that_no_longer_holds_is_not_taken_for_the_whole(
    small: SmallWarehouse,
) -> None:
    """Another feed has changed between the plan and the build; or another build has come between."""
    small.load(REQUESTS, "2019-07", helper.requests(["6"], "2019-07"), instance="minsk")
    plan = planned(small)
    assert plan is not None
    wages = helper.cells([("Брестская область", "2016", 999)])
    small.load("belstat.wages", "2010-2019", wages, instance="by")
    arguments = ("build", "--exclude-resource-type", "unit_test", *plan.selection)
    assert small.dbt(*arguments, more=plan.environment).returncode == 0
    assert newest_build(small) == (True, False)
    assert planned(small) is None
    # that build has come between: the same plan is of no use any more, and the history of values is not written by it
    done = small.dbt(*arguments, more=plan.environment)
    assert done.returncode == 1
    assert "the history of values is written of a whole build alone" in done.stdout
    assert newest_build(small) == (False, False)
    # so that the next one is of the whole
    assert planned(small) is None


def test_what_asks_for_the_day_is_always_built(small: SmallWarehouse) -> None:
    nodes = json.loads((small.folder / "target" / "manifest.json").read_bytes())["nodes"]
    hanging = hanging_on(nodes, set())
    for name in ("dim_period", "int_reporting_due"):
        assert f"model.gorod.{name}" in hanging
    # and what hangs on one feed alone is not
    assert "model.gorod.stg_city_parking__occupancy" not in hanging
    assert "model.gorod.stg_city_parking__occupancy" in hanging_on(nodes, {"city_parking__occupancy"})
