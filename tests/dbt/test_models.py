"""What the models make of the small warehouse; every expected number is worked out from its rows."""

from __future__ import annotations

import copy
import re
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from expectations.beltelecom_inventory.resources import SUITE
from pipelines.catalogue.definition import definitions_hash


def test_requests_per_inhabitant_of_a_city_and_of_what_reports(small: Any) -> None:
    city = small.value("appeals_per_1000", "c-minsk", "2019-04")
    assert (city["obs_value"], city["numerator"], city["denominator"]) == (40, 8, 200)
    assert city["coverage_population_pct"] == 100
    country = small.value("appeals_per_1000", "BY", "2019-04")
    assert (country["numerator"], country["denominator"]) == (11, 380)  # Minsk 8 of 200, Brest 3 of 180
    assert country["obs_value"] == Decimal("28.947368")  # a ratio of sums, not the mean of 40 and 16.67
    assert country["coverage_population_pct"] == 38
    assert small.value("appeals_per_1000", "BY-BR", "2019-04")["coverage_population_pct"] == 36


def test_low_coverage_never_looks_normal(small: Any) -> None:
    """Below half of the people the status is U, and the note says whose figure it is, in three languages."""
    region = small.value("appeals_per_1000", "BY-BR", "2019-04")  # Brest alone: 180 of 500
    assert (region["obs_status"], region["missing_reason"], region["coverage_population_pct"]) == (
        "U",
        None,
        36,
    )
    assert "Низкий охват, только 36 % населения: г. c-brest." in region["note_ru"]
    assert "Нізкі ахоп, толькі 36 % насельніцтва: г. c-brest." in region["note_be"]
    assert "Low coverage, only 36 % of the population: Brest." in region["note_en"]
    assert "Охват населения" not in region["note_ru"]
    country = small.value("appeals_per_1000", "BY", "2019-04")  # the larger first
    assert country["obs_status"] == "U"
    assert "только 38 % населения: г. c-minsk, г. c-brest." in country["note_ru"]
    part = small.value("appeals_per_1000", "BY", "2019-04", "G20")
    assert part["obs_status"] == "U" or part["missing_reason"] == "suppressed"
    whole = small.value("appeals_per_1000", "BY-HM", "2019-04")
    assert (whole["coverage_population_pct"], whole["obs_status"]) == (100, "A")
    assert "охват" not in (whole["note_ru"] or "")
    missing = small.value(
        "appeals_per_1000", "BY-MI", "2019-04"
    )  # nobody there: no figure that stands for anybody
    assert missing["obs_status"] == "O"
    assert "охват" not in (missing["note_ru"] or "")


def test_zero_not_retained_and_not_delivered_stay_different(small: Any) -> None:
    zero = small.value("appeals_per_1000", "c-minsk", "2019-04", "G20")
    assert (zero["obs_value"], zero["obs_status"], zero["missing_reason"]) == (0, "A", None)
    gone = small.value("appeals_per_1000", "c-minsk", "2019-02")
    assert (gone["obs_value"], gone["obs_status"], gone["missing_reason"]) == (None, "L", "not_retained")
    absent = small.value("appeals_per_1000", "c-brest", "2019-05")
    assert (absent["obs_value"], absent["obs_status"], absent["missing_reason"]) == (
        None,
        "O",
        "not_delivered",
    )
    nobody = small.value("appeals_per_1000", "BY-MI", "2019-04")
    assert (nobody["obs_value"], nobody["missing_reason"]) == (None, "not_delivered")


def test_minsk_is_a_region_and_a_city_with_one_figure(small: Any) -> None:
    """Whichever of the two a source names: statistics the region, requests the city; the register both."""
    for indicator, period, figure in (
        ("wage_nominal_byn", "2016", 700),
        ("wage_to_country_pct", "2016", 140),  # of 500
        ("appeals_per_1000", "2019-04", 40),
        ("population", "2019", 200),
    ):
        region, city = (small.value(indicator, area, period) for area in ("BY-HM", "c-minsk"))
        assert (region["obs_value"], city["obs_value"]) == (figure, figure), indicator
        assert city["coverage_population_pct"] == region["coverage_population_pct"] == 100
    (apart,) = small.query(
        "select count(*) from published.pub_indicator_value_v1 as region"
        " inner join published.pub_indicator_value_v1 as city using (indicator, time_period, breakdown)"
        " where region.ref_area = 'BY-HM' and city.ref_area = 'c-minsk'"
        " and (region.obs_value is distinct from city.obs_value or region.missing_reason is distinct from city.missing_reason)"
    )
    assert apart == (0,)
    cities = small.query(
        "select ref_area, obs_value from published.pub_indicator_value_v1 join published.pub_territory_v1 using (ref_area)"
        " where indicator = 'wage_nominal_byn' and time_period = '2016' and level = 'city' and obs_value is not null"
    )
    assert cities == [("c-minsk", 700)]  # a ranking of cities has its capital, once
    country = small.value("appeals_per_1000", "BY", "2019-04")
    assert country["numerator"] == 11  # and the country counts it once: 8 of Minsk, 3 of Brest


def test_every_declared_territory_and_period_has_a_row_with_its_reason(small: Any) -> None:
    """Requests: from the first month of any city to the last that has begun, gaps and towns without a system too."""
    declared = small.query(
        "select count(*) from marts.dim_territory where level in ('country', 'region', 'district', 'city')"
    )
    for freq, periods in (("M", 12), ("Q", 4), ("S", 2), ("A", 1)):  # of 2019
        rows = small.query(
            "select ref_area, time_period, obs_value, missing_reason from published.pub_indicator_value_v1"
            " where indicator = 'appeals_per_1000' and breakdown = '_T' and freq = ?",
            freq,
        )
        assert len({row[:2] for row in rows}) == len(rows) == declared[0][0] * periods
        assert all((value is None) != (reason is None) for _, _, value, reason in rows)
    silent = small.value("appeals_per_1000", "c-zhodzina", "2019-04")  # a town that never reported
    assert (silent["obs_value"], silent["obs_status"], silent["missing_reason"]) == (
        None,
        "O",
        "not_delivered",
    )
    gap = small.value("appeals_per_1000", "c-minsk", "2019-11")  # after the last delivery of all
    assert (gap["missing_reason"], gap["coverage_time_pct"]) == ("not_delivered", 0)
    wages = small.value("wage_nominal_byn", "r-pinski", "2016")  # statistics are not delivered, but published
    assert wages["missing_reason"] == "not_published"
    parts = small.query(
        "select distinct level from published.pub_indicator_value_v1 join published.pub_territory_v1 using (ref_area)"
        " where indicator = 'appeals_per_1000' and breakdown <> '_T' and obs_value is null"
        " and missing_reason = 'not_delivered' and ref_area not in ('c-minsk', 'c-brest')"
    )
    assert {level for (level,) in parts} <= {"country", "region"}, "parts have no rows of what never reported"


def test_an_incomplete_period_has_no_value_and_says_why(small: Any) -> None:
    whole = small.value("appeals_per_1000", "c-minsk", "2019-Q2")
    assert (whole["numerator"], whole["obs_value"], whole["coverage_time_pct"]) == (20, 100, 100)
    gap = small.value("appeals_per_1000", "c-minsk", "2019-Q1")
    assert (gap["obs_value"], gap["obs_status"], gap["missing_reason"]) == (None, "L", "not_retained")
    assert gap["numerator"] is None
    assert gap["coverage_time_pct"] == Decimal("66.67")
    brest = small.value("appeals_per_1000", "c-brest", "2019-Q2")
    assert (brest["obs_status"], brest["missing_reason"]) == ("O", "not_delivered")
    assert small.value("appeals_per_1000", "c-minsk", "2019")["obs_value"] is None
    country = small.value("appeals_per_1000", "BY", "2019-Q2")  # Minsk alone is complete
    assert (country["numerator"], country["denominator"], country["coverage_population_pct"]) == (20, 200, 20)


def test_zero_is_not_a_rating(small: Any) -> None:
    assert small.value("appeals_rated_pct", "c-minsk", "2019-Q2")["obs_value"] == 40  # 8 of 20
    assert small.value("appeals_rating_mean", "c-minsk", "2019-Q2")["obs_value"] == 5
    unrated = small.value("appeals_rating_mean", "c-minsk", "2019-05")
    assert (unrated["obs_value"], unrated["obs_status"], unrated["missing_reason"]) == (
        None,
        "M",
        "not_applicable",
    )
    mixed = small.value("appeals_rating_mean", "BY", "2019-06")  # only Brest rated: 6 times 3
    assert (mixed["numerator"], mixed["denominator"], mixed["obs_value"]) == (18, 6, 3)
    assert small.value("appeals_planned_days_mean", "c-minsk", "2019-04")["obs_value"] == 10


def test_small_parts_are_suppressed_and_totals_are_not(small: Any) -> None:
    part = small.value("appeals_per_1000", "c-minsk", "2019-01", "G20")  # one request
    assert (part["obs_value"], part["numerator"], part["obs_status"], part["missing_reason"]) == (
        None, None, "Q", "suppressed",
    )  # fmt: skip
    assert small.value("appeals_per_1000", "c-minsk", "2019-05")["numerator"] == 2
    # the total less the five of the only other part would tell it
    assert small.value("appeals_per_1000", "c-minsk", "2019-01")["numerator"] == 6
    assert small.value("appeals_per_1000", "c-minsk", "2019-01", "G6")["missing_reason"] == "suppressed"
    hidden = small.query(
        "select obs_value, obs_status, source_rows from published.pub_observation_v1 "
        "where measure = 'appeals_registered' and ref_area = 'c-minsk' and time_period = '2019-01' and breakdown <> '_T'"
    )
    assert hidden == [(None, "Q", None)] * 2


def test_wages_cross_the_redenomination(small: Any) -> None:
    growth = small.value("wage_growth_pct", "BY-BR", "2016")
    assert (growth["numerator"], growth["denominator"], growth["obs_value"]) == (450, 300, 150)
    assert small.value("wage_to_country_pct", "BY-BR", "2016")["obs_value"] == 90
    assert small.value("wage_nominal_byn", "BY", "2015")["obs_value"] == 400
    unpublished = small.value("wage_nominal_byn", "r-brescki", "2016")
    assert (unpublished["obs_value"], unpublished["missing_reason"]) == (None, "not_published")
    first = small.value("wage_growth_pct", "BY-MI", "2016")  # its 2015 is not there
    assert (first["obs_value"], first["missing_reason"]) == (None, "not_published")


def test_a_district_is_without_the_city_of_oblast_subordination(small: Any) -> None:
    assert small.value("population", "r-brescki", "2019")["obs_value"] == 120  # 300 - 180
    density = small.value("population_density_per_km2", "r-brescki", "2019")
    assert (density["denominator"], density["obs_value"]) == (60, 2)  # 100 - 40 km2
    assert small.value("population_density_per_km2", "BY-BR", "2019")["denominator"] == 160
    assert (
        small.value("population_density_per_km2", "BY-HM", "2019")["denominator"] == 20
    )  # not the outline's 7
    assert small.value("population_density_per_km2", "BY", "2019")["denominator"] == 280
    parents = dict(small.query("select ref_area, parent from published.pub_territory_v1"))
    assert parents["c-brest"] == "BY-BR"
    assert parents["c-biaroza"] == "r-brescki"


def test_a_district_is_called_one_once(small: Any) -> None:
    """The register says «район» in Russian and leaves the word out in Belarusian."""
    names = small.query(
        "select name_ru, name_be from published.pub_territory_v1 where ref_area in ('r-pinski', 'c-pinsk') order by 1"
    )
    assert names == [("c-pinsk", "c-pinsk"), ("Пинский район", "Пінскі раён")]


def test_a_region_adds_its_unallocated_part_and_a_gap_is_told(small: Any) -> None:
    whole = small.value("employed_persons", "BY-MI", "2018")
    assert whole["obs_value"] == 150  # 50 + 20 + 70, and 10 in no district
    assert small.value("employed_per_100", "BY-MI", "2018")["obs_value"] == 50
    partial = small.value("employed_persons", "BY-BR", "2018")  # Pinsk is not published: no sum
    assert (partial["obs_value"], partial["missing_reason"]) == (None, "not_published")
    share = small.value("employed_per_100", "BY-BR", "2018")  # over 380 of 500 people
    assert (share["numerator"], share["denominator"], share["coverage_population_pct"]) == (180, 380, 76)


def test_a_total_is_not_added_to_its_parts(small: Any) -> None:
    assert small.value("net_migration_per_1000", "BY-BR", "2018")["obs_value"] == -10


def test_the_denominator_names_its_vintage(small: Any) -> None:
    assert small.value("appeals_per_1000", "c-minsk", "2019-04")["denominator_period"] == "2019"
    years = small.query(
        "select year, time_period from intermediate.int_vintage where measure = 'population' and ref_area = 'BY' order by 1"
    )
    assert years == [(2018, "2018"), (2019, "2019")]


def test_inventory_counts_ports_by_place(small: Any) -> None:
    assert small.value("pon_ports_per_100", "c-brest", "2019-06")["obs_value"] == 5  # 9 ports, 180 people
    used = small.value("pon_port_utilisation_pct", "c-brest", "2019-06")
    assert (used["numerator"], used["denominator"]) == (5, 9)
    region = small.value("pon_ports_per_100", "BY-BR", "2019-06")
    # ten ports in Brest and Pinsk over their 300 people; the port without a known place waits for full coverage
    assert (region["numerator"], region["denominator"], region["coverage_population_pct"]) == (10, 300, 60)
    assert small.value("public_wifi_per_10000", "c-pinsk", "2019-06")["obs_value"] == 0
    assert (
        small.value("pon_ports_per_100", "c-brest", "2019-Q2")["obs_value"] == 5
    )  # a stock: as of the last month


def test_the_gate_marks_the_units_that_no_territory_is_found_for(small: Any) -> None:
    (listed,) = (one for one in SUITE if one.meta["name"] == "soato_listed")
    placed = dict(
        small.query("select soato, allocation from staging.stg_beltelecom_inventory__resources group by all")
    )
    assert placed["1299801001"] == "unallocated"
    assert {soato for soato, allocation in placed.items() if allocation == "unallocated"} == {
        soato for soato in placed if not re.search(listed.regex, soato)
    }


def test_each_region_has_a_mart_with_its_own_territories_only(small: Any) -> None:
    schemas = small.query(
        "select table_schema from information_schema.tables where table_name = 'indicator_value' order by 1"
    )
    assert schemas == [("mart_by",), ("mart_by_br",), ("mart_by_hm",), ("mart_by_mi",)]
    own = small.query("select distinct ref_area from mart_by_br.indicator_value")
    assert {area for (area,) in own} <= {"BY-BR", "r-brescki", "r-pinski", "c-brest", "c-pinsk", "c-biaroza"}
    (count,) = small.query("select count(*) from mart_by.indicator_value")[0]
    assert (count,) == small.query("select count(*) from published.pub_indicator_value_v1")[0]


def test_a_region_s_mart_says_what_the_published_table_says(small: Any) -> None:
    """Whether a figure was revised too; and it has names beside the codes, in English as well."""
    alike = "ref_area, indicator, time_period, breakdown, obs_value, obs_status, note_ru, is_revised, value_before"
    assert small.query(f"select {alike} from mart_by.indicator_value order by all") == small.query(
        f"select {alike} from published.pub_indicator_value_v1 order by all"
    )
    named = small.query(
        "select distinct indicator_en, ref_area_en, part_ru, part_en from mart_by_hm.indicator_value"
        " where indicator = 'appeals_per_1000' and ref_area = 'c-minsk' and breakdown in ('_T', 'G20')"
    )
    assert {row[0] for row in named} == {"Requests per 1,000 inhabitants"}
    assert {row[1] for row in named} == {"Minsk"}
    assert ("Всего", "Total") in {row[2:] for row in named} and len(named) == 2
    (nameless,) = small.query(
        "select count(*) from mart_by.indicator_value"
        " where indicator_en is null or ref_area_en is null or part_ru is null or part_en is null"
    )
    assert nameless == (0,)


def test_each_part_of_an_indicator_has_its_names(small: Any) -> None:
    (nameless,) = small.query(
        "select count(*) from published.pub_indicator_value_v1"
        " anti join published.pub_indicator_part_v1 using (indicator, breakdown)"
    )
    assert nameless == (0,)


@pytest.mark.parametrize("table", ["progress", "target", "plausibility", "held_back"])
def test_what_people_read_whole_has_names_beside_codes(small: Any, table: str) -> None:
    codes = small.query(
        f"select * exclude (rows) from (select count(*) as rows, count(*) filter (where indicator is not null and"
        " (indicator_ru is null or indicator_be is null or indicator_en is null)),"
        " count(*) filter (where ref_area in (select ref_area from published.pub_territory_v1) and"
        f" (ref_area_ru is null or ref_area_be is null or ref_area_en is null)) from published.pub_{table}_v1)"
    )
    assert codes == [(0, 0)]


def test_a_missing_month_of_a_sum_is_filled_in_as_declared(small: Any) -> None:
    """Wi-Fi points of Brest: one in June, no delivery for July. A sum asks for the whole; a gap is no thin sum."""
    june, july = (small.value("public_wifi_points", "c-brest", month) for month in ("2019-06", "2019-07"))
    assert (june["obs_value"], june["imputed_by"]) == (1, None)
    assert (july["obs_value"], july["imputed_by"], july["obs_status"]) == (1, "carry_forward", "I")
    assert july["imputed_from"] == "2019-06"
    # what covers too few is not published, and not filled in either
    thin = [small.value("public_wifi_points", "BY-BR", month) for month in ("2019-06", "2019-07")]
    assert [(one["obs_value"], one["imputed_by"]) for one in thin] == [(None, None)] * 2
    assert thin[0]["missing_reason"] == "not_published" and "Сумма не публикуется" in thin[0]["note_ru"]


@pytest.mark.parametrize(
    "table", ["staging.stg_appeals_115__requests", "intermediate.int_observations_by_load"]
)
def test_no_row_of_a_refused_load_gets_past_raw(small: Any, table: str) -> None:
    refused = small.ids["refused"]
    assert small.query("select count(*) from raw.appeals_115__requests where load_id = ?", refused) == [(50,)]
    assert small.query(f"select count(*) from {table} where load_id = ?", refused) == [(0,)]


def test_all_that_dbt_builds_carries_comments(small: Any) -> None:
    found = small.query("select distinct schema_name from duckdb_columns() where not internal")
    # the ledger, what came, and the declarations are not dbt's
    built = {schema for (schema,) in found} - {"ops", "raw", "catalogue"}
    # the marts of the regions that the small register has, and of the country
    regions = {"mart_by_br", "mart_by_hm", "mart_by_mi", "mart_by"}
    assert built == {"staging", "intermediate", "marts", "history", "published"} | regions
    places = ", ".join(f"'{schema}'" for schema in sorted(built))
    bare = small.query(
        f"""
        select schema_name, table_name, column_name from duckdb_columns()
        where schema_name in ({places}) and comment is null
        union all
        select schema_name, table_name, '' from duckdb_tables() where schema_name in ({places}) and comment is null
        union all
        select schema_name, view_name, '' from duckdb_views() where schema_name in ({places}) and comment is null
        order by all
        """
    )
    assert bare == []


def test_the_build_is_recorded(small: Any) -> None:
    rows = small.query(
        "select ended, ok, whole, ledger_version, definitions_hash from ops.build_state order by build_no"
    )
    # what was refused decides nothing
    ((accepted,),) = small.query("select count(*) from ops.load where outcome = 'accepted'")
    assert accepted < small.loads
    assert rows[0] == (True, True, True, accepted, definitions_hash())


@pytest.mark.slow
def test_a_country_that_is_not_the_sum_of_its_regions_is_held_back(small: Any, tmp_path: Path) -> None:
    wrong = copy.copy(small)
    wrong.folder, wrong.path = tmp_path, tmp_path / small.path.name
    shutil.copy(small.path, wrong.path)
    population = (
        "select ref_area, obs_value, missing_reason from intermediate.int_observations"
        " where measure = 'population' and time_period = '2018' and ref_area in ('BY', 'BY-BR', 'r-pinski')"
    )
    known = [("BY", 1000, None), ("BY-BR", 500, None), ("r-pinski", 80, None)]
    assert sorted(wrong.query(population)) == known
    with wrong.connect() as connection:
        connection.execute(
            "update intermediate.int_observations_by_load set obs_value = obs_value + 10"
            " where ref_area = 'BY' and measure = 'population'"
        )
    models = "int_hierarchy int_observation_held int_observations hierarchy_adds_up"
    done = wrong.dbt("build", "--select", models, "--exclude", "resource_type:unit_test")
    assert done.returncode == 0, done.stdout[-2000:]
    # the country, and the regions that should make it; their districts are not touched
    assert sorted(wrong.query(population)) == [
        ("BY", None, "held_back"), ("BY-BR", None, "held_back"), ("r-pinski", 80, None),
    ]  # fmt: skip
