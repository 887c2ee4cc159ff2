"""Districts that merge, split and move: the past stays as it was, and is told in the borders of today.

What cannot be true is held back, and nothing else.
"""

from __future__ import annotations

import copy
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipelines.publishing.held_back import differences, held_back_by_rule
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.support.borders import (
    BY,
    UNITS,
    deliver_before,
    deliver_change,
    deliver_contradictions,
    receive,
    register,
    towns,
)
from tests.support.small_warehouse import requests


def copied(warehouse: Any, folder: Path) -> Any:
    again = copy.copy(warehouse)
    again.folder, again.path = folder, folder / warehouse.path.name
    shutil.copy(warehouse.path, again.path)
    return again


def build(warehouse: Any) -> None:
    """Without dbt's tests: ``postgres/test_parity.py`` runs all of them on these deliveries, on both engines."""
    done = warehouse.dbt("build", "--exclude", "resource_type:unit_test", "resource_type:test")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def numbers(warehouse: Any, table: str, indicator: str, period: str) -> dict[str, Decimal | None]:
    rows = warehouse.query(
        f"select ref_area, obs_value from published.{table} where indicator = ? and time_period = ? and breakdown = '_T'",
        indicator, period,
    )  # fmt: skip
    return dict(rows)


@pytest.fixture(scope="module")
def before(small: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A first register with Barysau in the district of Minsk, and requests of its inhabitants; not built."""
    warehouse = copied(small, tmp_path_factory.mktemp("before"))
    deliver_before(warehouse)
    return warehouse


@pytest.fixture(scope="module")
def changed(before: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A merger and a split at once, with the changes told, and the population that goes with them."""
    warehouse = copied(before, tmp_path_factory.mktemp("changed"))
    deliver_change(warehouse)
    build(warehouse)
    return warehouse


@pytest.mark.slow
def test_the_past_stays_as_it_was(changed: Any) -> None:
    was = numbers(changed, "pub_indicator_value_v1", "population", "2018")
    # a district is without its city: 300 - 180, 200 - 120
    assert (was["r-brescki"], was["r-pinski"], was["r-minski"]) == (120, 80, 100)
    assert "r-novy" not in was
    density = numbers(changed, "pub_indicator_value_v1", "population_density_per_km2", "2018")
    # 120 / (100 - 40), 80 / (60 - 10), 100 / 50, 500 / 160
    assert (density["r-brescki"], density["r-pinski"]) == (2, Decimal("1.6"))
    assert (density["r-minski"], density["BY-BR"]) == (2, Decimal("3.125"))
    ends = "select ref_area, valid_from, valid_to from published.pub_territory_v1 where ref_area in ('r-pinski', 'r-novy')"
    assert sorted(changed.query(ends)) == [
        ("r-novy", date(2021, 1, 1), None),
        ("r-pinski", date(2018, 1, 1), date(2020, 6, 30)),
    ]


@pytest.mark.slow
def test_after_the_change_the_new_borders_count(changed: Any) -> None:
    now = numbers(changed, "pub_indicator_value_v1", "population", "2021")
    # 500 without both cities, 60 of Minsk, 40 of Novy; the city that lay in Pinsk lies in Brest now
    assert (now["r-brescki"], now["r-minski"], now["r-novy"], now.get("r-pinski")) == (200, 60, 40, None)
    density = numbers(changed, "pub_indicator_value_v1", "population_density_per_km2", "2021")
    assert density["r-brescki"] == Decimal("1.818182")  # 200 / (160 - 40 - 10)
    assert density["r-minski"] == 2  # 60 / 30
    assert changed.query("select * from published.pub_held_back_v1") == []


@pytest.mark.slow
def test_the_past_is_told_in_the_borders_of_today(changed: Any) -> None:
    today = numbers(changed, "pub_indicator_value_today_v1", "population", "2018")
    # 120 + 80; 0.6 and 0.4 of 100
    assert today == {"r-brescki": 200, "r-minski": 60, "r-novy": 40}
    density = numbers(changed, "pub_indicator_value_today_v1", "population_density_per_km2", "2018")
    assert density["r-brescki"] == Decimal("1.818182")  # 200 / (60 + 50)
    employed = numbers(changed, "pub_indicator_value_today_v1", "employed_persons", "2018")
    assert employed["r-brescki"] == 90  # 60 + 30
    assert numbers(changed, "pub_indicator_value_today_v1", "population", "2021") == {}
    made_of = changed.query(
        "select distinct made_of from published.pub_indicator_value_today_v1 where ref_area = 'r-brescki'"
    )
    assert made_of == [("r-brescki, r-pinski",)]
    # what is no sum of territories has no such value
    assert (
        changed.query("select 1 from published.pub_indicator_value_today_v1 where indicator like 'wage%'")
        == []
    )


@pytest.mark.slow
def test_a_town_that_moves_within_a_year_takes_its_people_along(changed: Any, tmp_path: Path) -> None:
    """People are counted on 1 January: 40 in Novy, 60 in the district of Minsk, 50 of them in Barysau."""
    warehouse = copied(changed, tmp_path)
    listed = towns(biaroza="brescki", barysau="novy", pinsk="brescki")
    moved = warehouse.load("territory_register.town_districts", None, listed, **BY)
    receive(warehouse, moved, "2021-04-15")
    warehouse.load("appeals_115.requests", "2021-02", requests(["6"] * 3, "2021-02"), instance="barysau")
    build(warehouse)
    assert warehouse.query("select * from published.pub_held_back_v1") == []

    def told(area: str, month: str) -> tuple[Any, ...]:
        value = warehouse.value("appeals_per_1000", area, month)
        return value["numerator"], value["denominator"], value["coverage_population_pct"]

    assert told("r-minski", "2021-02") == (3, 50, Decimal("83.33"))  # 50 of 60
    assert told("r-novy", "2021-04") == (9, 50, Decimal("55.56"))  # 50 of 40 + 50
    # both lie in one oblast, which nobody left
    assert told("BY-MI", "2021-02")[2] == told("BY-MI", "2021-04")[2] == Decimal("16.67")  # 50 of 300


@pytest.mark.slow
def test_what_cannot_be_true_is_held_back_and_nothing_else(changed: Any, tmp_path: Path) -> None:
    """A town moves before its inhabitants do, the districts of an oblast miss it, and another by rounding."""
    warehouse = copied(changed, tmp_path)
    moved, counted = deliver_contradictions(warehouse)
    build(warehouse)
    # the country's regions add up; those of Brest do not: the oblast and its parts, in that year alone
    held = "select ref_area, loads from published.pub_held_back_v1 where rule = 'hierarchy' and time_period = '2021'"
    assert sorted(warehouse.query(held)) == [
        (code, counted) for code in ("BY-BR", "c-brest", "c-pinsk", "r-brescki")
    ]
    value = warehouse.value("population", "BY-BR", "2021")
    assert (value["obs_value"], value["obs_status"], value["missing_reason"]) == (None, "O", "held_back")
    assert "удержано" in value["note_ru"]
    assert warehouse.value("population", "BY-BR", "2019")["obs_value"] == 500
    assert warehouse.value("population", "BY-MI", "2021")["obs_value"] == 300
    # 50 inhabitants of a district of 40, in the period after the move; before it the town lay in another
    too_many = warehouse.value("appeals_per_1000", "r-novy", "2021-04")
    assert (too_many["obs_value"], too_many["missing_reason"]) == (None, "held_back")
    stays = warehouse.value("appeals_per_1000", "r-minski", "2019-04")
    assert (stays["numerator"], stays["denominator"], stays["coverage_population_pct"]) == (9, 90, 90)
    rules = {rule for (rule,) in warehouse.query("select distinct rule from published.pub_held_back_v1")}
    assert rules == {"hierarchy", "more_people_than_the_whole"}
    # off by one in 300,000
    assert warehouse.value("population", "BY-MI", "2017")["obs_value"] == 300_000
    ledger = DuckDBWarehouse(warehouse.path)
    (off,) = [line for line in differences(ledger) if "2017" in line]
    assert "population of BY-MI, 2017" in off
    told = held_back_by_rule(ledger)
    assert len(told) == 2
    assert "BY-BR" in told[0] and counted in told[0] and "2021" in told[0]
    assert "r-novy" in told[1] and moved in told[1] and counted in told[1]


@pytest.mark.slow
def test_a_district_that_leaves_untold_ends_and_its_past_stays(before: Any, tmp_path: Path) -> None:
    """No changes.csv, and no new population: who took Pinsk over is not known, so nothing is told of today's borders."""
    warehouse = copied(before, tmp_path)
    areas = {u[0]: u[3] for u in UNITS if u[0] != "r-pinski"}
    second = warehouse.load("territory_register.territories", None, register(areas), **BY)
    receive(warehouse, second, "2020-11-20")
    build(warehouse)
    population = numbers(warehouse, "pub_indicator_value_v1", "population", "2018")
    assert (population["r-pinski"], population["r-brescki"], population["BY-BR"]) == (80, 120, 500)
    density = numbers(warehouse, "pub_indicator_value_v1", "population_density_per_km2", "2018")
    assert (density["r-pinski"], density["r-brescki"], density["BY-BR"]) == (
        Decimal("1.6"),
        2,
        Decimal("3.125"),
    )
    (end,) = warehouse.query("select valid_to from published.pub_territory_v1 where ref_area = 'r-pinski'")
    assert end == (date(2020, 11, 19),)
    assert warehouse.query("select * from published.pub_indicator_value_today_v1") == []
