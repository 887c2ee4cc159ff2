"""The gate on the real data of others: every row is accounted for, twice as well, and sums agree to the person."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.declarations.sources import load_sources
from pipelines.deliveries import Candidate
from pipelines.loading.candidates import load_candidate
from pipelines.loading.plan import Wanted, all_candidates, make_plan
from pipelines.settings import Settings
from pipelines.warehouse import open_warehouse
from pipelines.warehouse.duckdb import DuckDBWarehouse

MIRROR = os.environ.get("GOROD_MIRROR")

pytestmark = [pytest.mark.slow, pytest.mark.mirror]

REQUESTS = 105_097  # as the collector of the exports counted them


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, DuckDBWarehouse]:
    """All requests and the people by age, through the gate."""
    settings = Settings(home=tmp_path_factory.mktemp("real"), mirror=Path(str(MIRROR)), origin="mirror")
    warehouse = open_warehouse(settings)
    warehouse.prepare()
    for wanted in (Wanted(source="appeals_115"), Wanted(source="belstat", feed="population_by_age")):
        for candidates in make_plan(wanted, settings, warehouse).candidates.values():
            for candidate in candidates:
                load_candidate(candidate, settings, warehouse)
    return settings, warehouse


def accounts(warehouse: DuckDBWarehouse) -> tuple[int, int, int, int]:
    (row,) = warehouse.query(
        "select sum(rows_delivered)::bigint as delivered, sum(rows_accepted + rows_quarantined)::bigint as accounted, "
        "count(*) filter (where state = 'accepted') as loads, count(*) filter (where not_retained) as gone "
        "from ops.load_state where source = 'appeals_115'"
    )
    return row["delivered"], row["accounted"], row["loads"], row["gone"]


def test_all_requests_are_accounted_for(real: tuple[Settings, DuckDBWarehouse]) -> None:
    _, warehouse = real
    assert accounts(warehouse) == (REQUESTS, REQUESTS, 45, 20)
    (counted,) = warehouse.query(
        "select (select count(*) from raw.appeals_115__requests) as raw, (select count(*) from ops.quarantine) as kept_back"
    )
    assert counted["raw"] + counted["kept_back"] == REQUESTS
    (unexplained,) = warehouse.query(
        "select count(*) as rows from ops.quarantine where coalesce(json_array_length(reasons), 0) = 0"
    )
    assert unexplained["rows"] == 0
    (states,) = warehouse.query(
        "select count(distinct id) as ids, count(*) filter (where status = '5') as five from raw.appeals_115__requests"
    )
    assert states["ids"] == counted["raw"]


def test_loaded_twice_they_are_still_as_many(real: tuple[Settings, DuckDBWarehouse]) -> None:
    settings, warehouse = real
    assert make_plan(Wanted(source="appeals_115"), settings, warehouse).candidates == {}
    candidates: list[Candidate] = list(all_candidates(load_sources()["appeals_115"], "requests", settings))
    assert len(candidates) == 45
    for candidate in candidates:
        assert not load_candidate(candidate, settings, warehouse).new
    assert accounts(warehouse) == (REQUESTS, REQUESTS, 45, 20)


def test_people_of_the_regions_add_up_to_the_person(real: tuple[Settings, DuckDBWarehouse]) -> None:
    _, warehouse = real
    differences = warehouse.query(
        """
        with people as (
            select rows.* from raw.belstat__population_by_age as rows
            join ops.effective_load using (load_id) where value is not null
        )
        select period, age, sex, locality,
            sum(value) filter (where territory_level = 0) as country,
            sum(value) filter (where territory_level = 1) as regions
        from people group by all
        having country is not null and regions is not null and country <> regions
        """
    )
    assert differences == []
    (compared,) = warehouse.query(
        "select count(distinct period) as years from raw.belstat__population_by_age where territory_level = 1"
    )
    assert compared["years"] >= 5
