"""Two loads that give the same observation are never added up, unless they are pieces of a flow."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import pytest

ARRIVALS = "Число прибывших по территории Республики Беларусь"


def total(table_name: str, persons: int) -> list[dict[str, Any]]:
    """The row of a table of migration that is the total of everything."""
    return [
        {
            "table_name": table_name, "territory": "Брестская область", "period": "2018", "value": persons,
            "country": "Всего по странам", "education": "всего по уровням образования",
            "flow": "Всего по всем потокам миграции", "age": "По всем возрастам", "sex": "Оба пола",
            "locality": "Всего по типам местности",
        }
    ]  # fmt: skip


def port(number: int) -> dict[str, Any]:
    return {
        "resource_id": f"p{number}",
        "category": "xPON.Port",
        "usage_state": "active",
        "soato": "1401000000",
    }


def request(number: int, day: str) -> dict[str, Any]:
    return {"id": f"d{number}", "category": "6.1", "status": "5", "rating": 0, "opened": day, "planned": day}


@pytest.mark.slow
def test_of_two_loads_that_say_the_same_one_counts(small: Any, tmp_path: Path) -> None:
    given = copy.copy(small)
    given.folder, given.path = tmp_path, tmp_path / small.path.name
    shutil.copy(small.path, given.path)
    migration = {"feed": "belstat.migration", "period": "2010-2019", "instance": "by"}
    requests = {"feed": "appeals_115.requests", "instance": "minsk"}
    ports = {"feed": "beltelecom_inventory.resources", "instance": "brest"}
    right, wrong, _, _, first, last, _, _ = given.load_all(
        [
            {**migration, "part": "arrivals_oblast", "rows": total(ARRIVALS, 20)},
            # the answer with arrivals, saved under another name
            {**migration, "part": "net_raion", "rows": total(ARRIVALS, 20)},
            # a flow, day by day: these are other requests
            {**requests, "period": "2019-10-01", "rows": [request(n, "2019-10-01") for n in range(3)]},
            {**requests, "period": "2019-10-02", "rows": [request(n, "2019-10-02") for n in range(10, 14)]},
            # a stock, day by day: these are the same ports
            {**ports, "period": "2019-10-01", "rows": [port(n) for n in range(5)]},
            {**ports, "period": "2019-10-02", "rows": [port(n) for n in range(6)]},
            # what was gone in a year, and then in a month of it, is gone once
            {**requests, "period": "2018", "rows": [], "not_retained": True},
            {**requests, "period": "2018-05", "rows": [], "not_retained": True},
        ]
    )
    done = given.dbt("run", "--select", "+int_observations")
    assert done.returncode == 0, done.stdout[-3000:]

    def observed(measure: str, ref_area: str, time_period: str) -> list[tuple[Any, ...]]:
        return [
            (int(value) if value is not None else None, load_id)
            for value, load_id in given.query(
                "select obs_value, load_id from intermediate.int_observations where measure = ? and ref_area = ?"
                " and time_period = ? and breakdown = '_T' order by load_id",
                measure, ref_area, time_period,
            )
        ]  # fmt: skip

    assert observed("arrivals", "BY-BR", "2018") == [(20, right)]
    assert sum(value for value, _ in observed("appeals_registered", "c-minsk", "2019-10")) == 3 + 4
    assert observed("pon_ports_equipped", "c-brest", "2019-10") == [(6, last)]
    assert [value for value, _ in observed("appeals_registered", "c-minsk", "2018-05")] == [None]
    repeated = given.query("select load_id, kept_load_id from intermediate.int_observation_repeated")
    assert {load for load, _ in repeated} == {wrong, first}
    assert {wrong, first}.isdisjoint(kept for _, kept in repeated)
    assert (first, last) in repeated

    told = given.dbt("test", "--select", "an_observation_has_one_load no_day_counts_twice")
    assert told.returncode == 0, told.stdout[-3000:]
    assert "Warning in test an_observation_has_one_load" in told.stdout
    with given.connect() as connection:
        connection.execute("create or replace view ops.effective_load as select * from ops.accepted_load")
        given.loads += 1
        connection.execute(
            "insert into ops.load by name select * replace ('load-999' as load_id, 999 as load_no,"
            " date '2018-12-31' as first_day) from ops.load where load_id = ?",
            [right],
        )
    twice = given.dbt("test", "--select", "no_day_counts_twice")
    assert twice.returncode == 1
    assert "Failure in test no_day_counts_twice" in twice.stdout
