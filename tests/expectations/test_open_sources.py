"""Each expectation on appeals, statistics and territories sees the defect that it is there for.

The defect is seeded into the batch of a sample that is otherwise sound; only the one expectation judges it.
"""

from __future__ import annotations

import csv
import json
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from pipelines.declarations.origins import FileOrigin
from pipelines.declarations.sources import SOURCES, load_sources
from pipelines.deliveries import Batch, Delivery, parse_slice
from pipelines.formats import read
from pipelines.loading.gate import evaluate
from pipelines.loading.quarantine import READABLE
from pipelines.loading.suites import load_suite
from tests.support.gate_context import beside

# feed: the sample that the defects are seeded into
POLLUTANTS = ("pm25", "pm10", "no2", "so2", "o3")

SAMPLES: dict[str, tuple[str, str | None, str | None]] = {
    "appeals_115.requests": ("requests/barysau/opendata-115-2025-05-01.csv", "2025-05", None),
    "belstat.wages": ("wages/wage_10218000003_2020-2026.json", "2020-2026", None),
    "belstat.employment": ("wages/empl_person_10102000017_2020-2026.json", "2020-2026", None),
    "belstat.grp_per_capita": ("wages/grp_pc_10202100055_2020-2026.json", "2020-2026", None),
    "belstat.population_by_age": ("population/dataportal_age5_2019-2026.json", "2019-2026", None),
    "belstat.migration": ("migration/belstat_arrivals_oblast_2018-2019.json", "2018-2019", "arrivals_oblast"),
    "territory_register.territories": ("territories/territories.csv", None, None),
    "territory_register.changes": ("territories/changes.csv", None, None),
    "territory_register.population": ("territories/population.csv", None, None),
    "territory_register.town_districts": ("territories/city_raion.csv", None, None),
    "territory_register.town_areas": ("territories/admin_areas.csv", None, None),
    "territory_register.boundaries": ("geo/adm1.geojson", None, "adm1"),
    "nca_register.changes": ("changes/changes.geojson", None, None),
    "city_context.air_quality": ("air_quality/barysau/air-quality-2026-10.json", "2026-10", None),
    "netbox.interfaces": ("interfaces/interfaces-2026-10.json", "2026-10", None),
    "netbox.cables": ("cables/cables-2026-10.json", "2026-10", None),
    "netbox.devices": ("devices/devices-2026-10.json", "2026-10", None),
    "metering.readings": ("readings/brest/readings-2026-10.parquet", "2026-10", None),
}

# whose delivery it is, where that matters: else the first instance's
INSTANCE = {"appeals_115.requests": "barysau"}


def put(assignment: str, where: str = "row_no = 3") -> str:
    return f"update batch set {assignment} where {where}"


def again(row_no: int = 3) -> str:
    """The row once more, at the end."""
    return f"insert into batch select * replace (1000000 as row_no) from batch where row_no = {row_no}"


ANSWER = {
    "territory_known": (put("territory = 'Ненайденский'"), 1),
    "period_is_year": (put("period = '2024 год'"), 1),
    "cell_unique": (again(), 2),
    "some_value_published": (put("value = null", "true"), None),
}


def a_code(column: str) -> dict[str, tuple[str, int | None]]:
    return {
        f"{column}_given": (put(f"{column} = null"), 1),
        # Cyrillic «с» looks like Latin «c»
        f"{column}_is_code": (put(f"{column} = 'с-minsk'"), 1),
    }


def a_listed_code(column: str) -> dict[str, tuple[str, int | None]]:
    return {**a_code(column), f"{column}_listed": (put(f"{column} = 'r-nowhere'"), 1)}


@cache
def register() -> list[str]:
    """Codes of the sample's register."""
    path = SOURCES / "territory_register" / "sample" / "territories" / "territories.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return [row["territory_id"] for row in csv.DictReader(file)]


TOTAL = "flow = 'Всего по всем потокам миграции'"
NET = "update delivery set part = 'net_oblast'; update batch set value = 0; "
REGION = "territory = 'Минская область'"

# the sound batch is in force, one change was announced
CHANGES = (
    "select 'rename' as kind, 'c-horki' as territory_id, null::varchar as from_id, null::varchar as to_id, "
    "date '2001-01-01' as valid_from"
)
IN_FORCE = {
    "territory_register.territories": {
        "in_force": "select territory_id, level, name_ru, name_be, parent_id from sound",
        "announced": CHANGES,
        "ever_listed": "select 'BY' as territory_id",
        "referred_to": "select 'r-lidski' as territory_id, 'список городов' as by_what",
    },
    "territory_register.town_districts": {
        "in_force": "select city_id, raion_id from sound",
        "announced": f"select territory_id, from_id, to_id from ({CHANGES}) where kind = 'move'",
        "ended": f"select territory_id as raion_id from ({CHANGES}) where kind = 'merge'",
        "names": "select 'c-horki' as territory_id, 'Горки' as name_ru",
    },
    "nca_register.changes": {
        "known": "select '6208501000' as soato, 'c-barysau' as ref_area, 'rename' as kind, date '2000-01-01' as valid_from"
    },
    "metering.readings": {
        "registered": "select distinct meter_id, resource, consumer_kind, true as is_smart from sound"
    },
}
# where there is none of the kind in force yet
AT_FIRST = {"first_list_whole": "in_force"}


def in_force(name: str, expectation: str, sound: Path) -> dict[str, pa.Table]:
    """Tables beside the batch that are made from the sound one."""
    with duckdb.connect() as connection:
        connection.execute(f"create view sound as select * from '{sound}'")
        return {
            table: connection.sql(
                query + (" limit 0" if AT_FIRST.get(expectation) == table else "")
            ).to_arrow_table()
            for table, query in IN_FORCE.get(name, {}).items()
        }


# feed, expectation: the defect, and the rows that it makes (None: the load as a whole)
DEFECTS: dict[str, dict[str, tuple[str, int | None]]] = {
    "metering.readings": {
        "meter_id_given": (put("meter_id = null"), 1),
        "resource_given": (put("resource = null"), 1),
        "resource_known": (put("resource = 'gas'"), 1),
        "consumer_kind_given": (put("consumer_kind = null"), 1),
        "consumer_kind_known": (put("consumer_kind = 'dacha'"), 1),
        "reading_kind_known": (put("reading_kind = 'guessed'"), 1),
        "hour_started_at_given": (put("hour_started_at = null"), 1),
        "hour_started_at_in_period": (put("hour_started_at = '2026-09-30 23:00'"), 1),
        "register_given": (put("register = null"), 1),
        "consumed_given": (put("consumed = null"), 1),
        "register_possible": (put("register = -1"), 1),
        "consumed_household": (put("consumed = 300"), 1),  # watt-hours
        "consumed_bounded": (put("consumer_kind = null"), 1),
        "consumed_other": (put("consumed = 300000, consumer_kind = 'other'"), 1),
        "unit_fits_resource": (put("unit = 'MWh'"), 1),
        "row_unique": (again(), 2),
        "meter_registered": (put("meter_id = 'E-1401-999999'"), 1),
        "hour_is_whole": (put("hour_started_at = hour_started_at + interval 30 minute"), 1),
        "hour_has_been": (put("hour_started_at = '2027-01-01 10:00'"), 1),
        "register_grows": (put("register = register - 1"), 1),
        # a ratio of transformers that was not applied, in this and the next difference
        "consumed_fits_register": (put("consumed = consumed * 10"), 1),
        "days_present": ("delete from batch where hour_started_at::date = date '2026-10-15'", None),
        "hours_present": ("delete from batch where extract(hour from hour_started_at) = 3", None),
        "meters_present": (
            "insert into registered select 'E-' || n, 'electricity', 'other', true from range(9) t(n)",
            None,
        ),
    },
    "nca_register.changes": {
        "change_id_given": (put("change_id = null"), 1),
        "kind_given": (put("kind = null"), 1),
        "kind_known": (put("kind = 'слияние'"), 1),
        "soato_given": (put("soato = null"), 1),
        # a zero was lost
        **{
            f"{one}_is_code": (put(f"{one} = '620850100'"), 1)
            for one in ("soato", "from_soato", "to_soato", "new_soato")
        },
        "valid_from_given": (put("valid_from = null"), 1),
        "act_given": (put("act = null"), 1),
        "share_possible": (put("share = 35"), 1),  # per cent
        "row_unique": (again(), 2),
        "successor_given": (put("to_soato = null"), 1),
        "former_given": (put("from_soato = null"), 1),
        "shares_whole": (put("kind = 'разделение', share = 0.4"), None),
        "known_changes_agree": (put("kind = 'переименование', new_soato = '6208501000'"), None),
    },
    "netbox.interfaces": {
        "netbox_id_given": (put("netbox_id = null"), 1),
        "row_unique": (again(), 2),
        "interface_type_given": (put("interface_type = null"), 1),
        "row.counts": (put("interface_type = null"), 1),
        "soato_given": (put("soato = null"), 1),
        "soato_is_territory": (put("soato = '1401'"), 1),  # zeros were lost
        "onu_capacity_possible": (put("onu_capacity = 0, onu_connected = null"), 1),
        "onu_connected_possible": (put("onu_connected = 257, onu_capacity = null"), 1),
        "onu_connected_between": (put("onu_connected = 65, onu_capacity = 64"), 1),
    },
    "netbox.cables": {
        "netbox_id_given": (put("netbox_id = null"), 1),
        "row_unique": (again(), 2),
        "status_given": (put("status = null"), 1),
        "status_known": (put("status = 'laid'"), 1),
        "row.counts": (put("cable_type = 'straw', status = 'connected', length = 1, length_unit = 'km'"), 1),
        "length_unit_known": (put("length_unit = 'верста'"), 1),
        "length_possible": (put("length = 9000, length_unit = 'km'"), 1),  # metres
        "soato_given": (put("soato = null"), 1),
        "soato_is_territory": (put("soato = '1401'"), 1),
    },
    "netbox.devices": {
        "netbox_id_given": (put("netbox_id = null"), 1),
        "row_unique": (again(), 2),
        "role_given": (put("role = null"), 1),
        "row.counts": (put("role = null, status = 'active'"), 1),
        "status_given": (put("status = null"), 1),
        "status_known": (put("status = 'lost'"), 1),
        "soato_given": (put("soato = null"), 1),
        "soato_is_territory": (put("soato = '1401'"), 1),
    },
    "city_context.air_quality": {
        "entity_id_given": (put("entity_id = null"), 1),
        "entity_type_known": (put("entity_type = 'NoiseLevelObserved'"), 1),
        "station_given": (put("station = null"), 1),
        "station_is_code": (put("station = 'ул. Примерная, 1'"), 1),
        "observed_at_given": (put("observed_at = null"), 1),
        "zone_told": (put("observed_zone = null"), 1),
        "row_unique": (again(), 2),
        "observed_on_in_period": (put("observed_on = '2026-09-30'"), 1),
        **{f"{name}_unit_known": (put(f"{name}_unit = '59'"), 1) for name in POLLUTANTS},
        # grams where micrograms are meant
        **{f"{name}_possible": (put(f"{name} = 19000"), 1) for name in POLLUTANTS},
    },
    "appeals_115.requests": {
        "id_given": (put("id = null"), 1),
        "id_is_code": (put("id = '1.04E+05'"), 1),
        "id_unique": (again(), 2),
        "category_given": (put("category = null"), 1),
        "category_is_code": (put("category = '6,30'"), 1),
        "status_given": (put("status = null"), 1),
        "status_known": (put("status = '2'"), 1),
        "rating_in_scale": (put("rating = 6"), 1),
        "category_group_known": (put("category = '99.1'"), 1),
        "opened_given": (put("opened = null"), 1),
        "planned_not_before_opened": (put("planned = opened - interval 1 day"), 1),
        "planned_soon": (put("planned = '2099-12-31'"), 1),
        "opened_has_been": (put("opened = '2027-01-01'"), 1),
        "point_near_city": (put("lat = 52.084, lng = 23.657"), 1),  # Brest among requests of Minsk
        "city_has_a_place": ("delete from towns", None),
        "lat_in_country": (put("lat = lng, lng = lat"), 1),
        "lng_in_country": (put("lng = 19.445"), 1),
        "point_given": (put("lat = null"), 1),
        "organisation_is_code": (put("organisation_id = '1.04E+05'"), 1),
        "opened_in_month": (put("opened = '2025-06-01'"), 1),
    },
    "belstat.wages": {
        **ANSWER,
        "value_old_roubles": (
            "insert into batch select * replace (100000 as row_no, '2015' as period) from batch where row_no = 3",
            1,
        ),
        "value_roubles": (put("value = 0"), 1),
        "value_bounded": (put("period = null"), 1),
        "growth_possible": (put("value = 1.8 * value", "territory_level = 0 and period = '2023'"), None),
        "regions_present": ("delete from batch where territory = 'г. Минск'", None),
        "one_rouble_a_year": (put("value = value * 10000"), None),
        "country_within_regions": (put("value = value / 2", "territory_level = 0 and period = '2023'"), None),
    },
    "belstat.employment": {
        **ANSWER,
        "value_possible": (put("value = 17.6"), 1),  # thousands
        "year_whole": (put("value = null"), None),
    },
    "belstat.grp_per_capita": {
        **ANSWER,
        "value_roubles": (put("value = 10.7", "row_no = 2"), 1),  # thousands
        "value_bounded": (put("period = '2015'"), 1),
        "growth_possible": (put("value = 1.8 * value", f"{REGION} and period = '2023'"), None),
        "regions_present": ("delete from batch where territory = 'г. Минск'", None),
        "year_whole": (put("value = null"), None),
    },
    "belstat.population_by_age": {
        **ANSWER,
        "value_country": (put("value = 190", "row_no = 3"), 1),  # thousands
        "value_region": (put("value = 19", f"row_no = (select min(row_no) from batch where {REGION})"), 1),
        "value_bounded": (put("territory_level = 2"), 1),
        "row.counts": (put("sex = 'оба'"), 1),
        "persons_whole": (put("value = value + 0.5"), 1),
        "totals_present": ("delete from batch where sex = 'Оба пола' and territory = 'г. Минск'", None),
        "age_known": (put("age = 'в возрасте 0-6 лет'"), 1),
        "sex_known": (put("sex = 'не указан'"), 1),
        "locality_known": (put("locality = 'посёлок'"), 1),
        "ages_complete": ("delete from batch where age like '%80 лет%'", None),
        "regions_present": ("delete from batch where territory = 'г. Минск'", None),
        "regions_add_up": (put("value = value + 1", f"{REGION} and period = '2024'"), None),
        "sexes_add_up": (put("value = value + 1", f"{REGION} and sex = 'мужчины' and period = '2024'"), None),
        "localities_add_up": (
            put("value = value + 1", f"{REGION} and locality = 'сельская местность' and period = '2024'"),
            None,
        ),
    },
    "belstat.migration": {
        **ANSWER,
        "value_arrivals_country": (
            put(
                "value = 226.9",
                f"row_no = (select min(row_no) from batch where {TOTAL} and territory_level = 0)",
            ),
            1,
        ),
        "value_arrivals_region": (
            put("value = 25.6", f"row_no = (select min(row_no) from batch where {TOTAL} and {REGION})"),
            1,
        ),
        "value_arrivals_district": (put("territory_level = 2, value = 1", "row_no = 3"), 1),
        "value_arrivals_flow": (
            put("value = -5", f"row_no = (select min(row_no) from batch where not {TOTAL})"),
            1,
        ),
        "value_net_country": (NET + put("value = 226933"), 1),
        "value_net_region": (NET + put("territory_level = 1, value = 226933"), 1),
        "value_net_district": (NET + put("territory_level = 2, value = 226933"), 1),
        "value_bounded": (put("territory_level = 3"), 1),
        "row.counts": (put("country = 'Все страны'", "row_no = 1"), 1),
        "persons_whole": (put("value = 226.5"), 1),
        "totals_present": (put("country = 'Все страны'", f"{TOTAL} and territory = 'г. Минск'"), None),
        "flow_known": (put("flow = 'Внешняя'"), 1),
        "regions_add_up": (put("value = value + 1", f"{REGION} and country = 'Всего по странам'"), None),
        "regions_add_up_by_country": (put("value = value + 1", f"{REGION} and country = 'УКРАИНА'"), None),
        "flows_add_up": (put("value = value + 1", f"{REGION} and flow = 'Международная миграция'"), None),
    },
    "territory_register.territories": {
        **a_code("territory_id"),
        "territory_unique": (again(), 2),
        "level_known": (put("level = 'district'"), 1),
        "name_ru_given": (put("name_ru = null"), 1),
        "name_be_given": (put("name_be = null"), 1),
        "name_be_cyrillic": (put("name_be = 'Мiнск'"), 1),  # Latin i
        "lat_in_country": (put("lat = lon, lon = lat"), 1),
        "lon_in_country": (put("lon = 2.76"), 1),
        "area_possible": (put("area_km2 = 0"), 1),
        "row.counts": (put("level = 'district'"), 1),
        "parent_exists": (put("parent_id = 'BY-XX'"), None),
        "all_rows_readable": (put("parse_errors = '[{}]'"), None),
        "code_fits_level": (put("level = 'raion'"), None),
        # three districts, of which the changes know nothing
        "list_whole": ("delete from batch where territory_id in ('r-lidski', 'r-minski', 'r-pinski')", None),
        "first_list_whole": ("delete from batch where territory_id = 'r-lidski'", None),
        "territories_ended": ("delete from batch where territory_id = 'r-lidski'", None),
        "territories_new": (put("territory_id = 'r-novy'", "territory_id = 'r-lidski'"), None),
        "territories_moved": (put("parent_id = 'BY-MI'", "territory_id = 'r-lidski'"), None),
        "territories_renamed": (put("name_ru = 'Иной район'", "territory_id = 'r-lidski'"), None),
        "changes_name_listed": ("delete from batch where territory_id = 'c-horki'", None),
        "one_country_seven_regions": ("delete from batch where territory_id = 'BY-HM'", None),
        "areas_add_up": (put("area_km2 = area_km2 + 10", "territory_id = 'BY-HO'"), None),
    },
    "territory_register.population": {
        **a_listed_code("territory_id"),
        "row_unique": (again(), 2),
        "year_possible": (put("year = 20226"), 1),
        "year_given": (put("year = null"), 1),
        "population_given": (put("population = null"), 1),
        "population_country": (put("population = 8757", "territory_id = 'BY' and year = 2024"), 1),
        "population_region": (put("population = 1388", "territory_id = 'BY-MI' and year = 2024"), 1),
        "population_region_before": (
            put("year = 1939, population = 90", "territory_id = 'BY-MI' and year = 2024"),
            1,
        ),
        "population_district": (put("population = 65", "territory_id = 'r-brescki' and year = 2024"), 1),
        "population_town": (put("population = 0", "territory_id = 'c-brest' and year = 2024"), 1),
        "population_bounded": (
            put("territory_id = 'x-brest'", "territory_id = 'c-brest' and year = 2024"),
            1,
        ),
        # a town in thousands, one year of many
        "population_like_other_years": (
            put("population = population / 1000", "territory_id = 'c-brest' and year = 2024"),
            1,
        ),
        "population_like_in_force": (
            "insert into in_force select territory_id, year, population * 1000 from batch where row_no = 3",
            1,
        ),
        "status_known": (put("status = 'x'"), 1),
        "regions_add_up": (
            put("population = population + 1", "territory_id = 'BY-MI' and year = 2024"),
            None,
        ),
        "last_year_whole": ("delete from batch where territory_id = 'BY-MI' and year = 2026", None),
    },
    "territory_register.changes": {
        "territory_id_given": (put("territory_id = null", "row_no = 1"), 1),
        "territory_id_is_code": (put("territory_id = 'с-minsk'", "row_no = 1"), 1),
        "kind_known": (put("kind = 'rise'", "row_no = 1"), 1),
        "kind_given": (put("kind = null", "row_no = 1"), 1),
        "from_id_is_code": (put("from_id = 'Минск'", "row_no = 1"), 1),
        "to_id_is_code": (put("to_id = 'Минск'", "row_no = 1"), 1),
        "valid_from_given": (put("valid_from = null", "row_no = 1"), 1),
        "valid_from_possible": (put("valid_from = '1026-01-01'", "row_no = 1"), 1),
        "weight_possible": (put("weight = 35", "row_no = 1"), 1),
        "row_unique": (put("to_id = 'r-lidski'", "row_no = 1") + "; " + again(1), 2),
        # a merger without a successor
        "kind_complete": (put("kind = 'merge'", "row_no = 1"), None),
        "merged_once": (put("kind = 'merge', to_id = 'r-lidski'", "row_no = 1") + "; " + again(1), None),
        "weights_add_up": (put("kind = 'split', to_id = 'r-lidski', weight = 0.4", "row_no = 1"), None),
        "no_circle": (
            put("kind = 'merge', territory_id = 'r-lidski', to_id = 'r-minski'", "row_no = 1")
            + "; insert into batch select * replace (2 as row_no, to_id as territory_id, territory_id as to_id) from batch",
            None,
        ),
    },
    "territory_register.town_districts": {
        **a_listed_code("city_id"),
        **a_listed_code("raion_id"),
        "row_unique": (again(), 2),
        "method_known": (put("method = 'guess'"), 1),
        "few_towns_move": (put("raion_id = 'r-minski'", "row_no <= 3"), None),
        "towns_moved": (put("raion_id = 'r-minski'"), None),
    },
    "territory_register.town_areas": {
        **a_listed_code("city_id"),
        "row_unique": (again(), 2),
        "area_given": (put("admin_area_km2 = null"), 1),
        "admin_area_km2_possible": (put("admin_area_km2 = 9999"), 1),  # hectares
        "osm_relation_is_code": (put("osm_relation_id = '6.72E+06'"), 1),
        "admin_level_known": (put("admin_level = '2'"), 1),
    },
    "territory_register.boundaries": {
        **a_listed_code("feature_id"),
        "row_unique": (again(), 2),
        "geometry_given": (put("geometry = null"), 1),
        "geometry_is_area": (put("geometry_type = 'LineString'"), 1),
        "west_in_country": (put("west = 12.5"), 1),
        "south_in_country": (put("south = 12.5"), 1),
        "east_in_country": (put("east = 53.9"), 1),
        "north_in_country": (put("north = 90"), 1),
        "layer_whole": ("delete from batch where row_no = 3", None),
    },
}


@cache
def sound(name: str, folder: Path) -> Path:
    """The batch of the feed's sample."""
    source, feed = name.split(".")
    declared = load_sources()[source].feeds[feed]
    file, period, part = SAMPLES[name]
    path = SOURCES / source / "sample" / file
    origin = declared.origins["sample"]
    assert isinstance(origin, FileOrigin)
    delivery = Delivery(
        "d",
        source,
        feed,
        "one",
        parse_slice(period, part),
        path.parent,
        (path.name,),
        "",
        0,
        "",
        "",
        synthetic=True,
    )
    return read(delivery, declared, folder / f"{name}.parquet").path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("batches")


@pytest.mark.parametrize("name", SAMPLES)
def test_each_expectation_has_its_defect(name: str) -> None:
    suite = load_suite(*name.split("."))
    assert {expectation.meta["name"] for expectation in suite} == set(DEFECTS[name])


@pytest.mark.parametrize(
    ("name", "expectation"),
    [(name, expectation) for name, defects in DEFECTS.items() for expectation in defects],
)
def test_a_seeded_defect_is_seen(name: str, expectation: str, folder: Path, tmp_path: Path) -> None:
    statement, rows = DEFECTS[name][expectation]
    spoilt = tmp_path / "spoilt.parquet"
    days = parse_slice(*SAMPLES[name][1:])
    known = beside(*name.split("."), days, INSTANCE.get(name)) | in_force(
        name, expectation, sound(name, folder)
    )
    with duckdb.connect() as connection:
        connection.execute(f"create table batch as select * from '{sound(name, folder)}'")
        for table, rows_of in known.items():
            connection.register("given", rows_of)
            connection.execute(f"create table {table} as from given")
        connection.execute(statement)
        known = {table: connection.execute(f"from {table}").to_arrow_table() for table in known}
        connection.execute(f"copy batch to '{spoilt}' (format parquet)")
        (count,) = connection.execute("select count(*) from batch").fetchone() or (0,)
    suite = load_suite(*name.split("."))
    alone = [one for one in suite if one.meta["name"] == expectation]
    parameters = {
        "first_day": str(days.first_day), "last_day": str(days.last_day), "territories": register(),
    }  # fmt: skip
    validation = evaluate(Batch(spoilt, count, {}), alone, parameters, tmp_path, known)
    (result,) = (result for result in validation.results if result.expectation != READABLE)
    critical = result.severity == "critical"
    if rows is None:
        assert not result.success
        assert validation.accepted != critical
    else:
        assert result.unexpected_count == rows
        assert validation.quarantined == (rows if critical else 0)
        assert (validation.flagged is None) == critical


def test_a_territory_twice_with_a_blank_at_its_end_is_kept_back(tmp_path: Path) -> None:
    """The portal's dictionary has such doubles; which of the two figures is meant, nobody can tell."""
    path = SOURCES / "belstat" / "sample" / SAMPLES["belstat.wages"][0]
    table = json.loads(path.read_text(encoding="utf-8"))
    number, row = next(
        (n, row) for n, row in enumerate(table["tableRows"]) if row[0]["value"] == "Минская область"
    )
    double = [{**row[0], "value": "Минская область "}, *({**cell, "value": "1,0"} for cell in row[1:])]
    table["tableRows"].insert(number + 1, double)
    (tmp_path / path.name).write_text(json.dumps(table, ensure_ascii=False), encoding="utf-8")
    days = parse_slice(*SAMPLES["belstat.wages"][1:])
    delivery = Delivery("d", "belstat", "wages", "by", days, tmp_path, (path.name,), "", 0, "", "", True)
    batch = read(delivery, load_sources()["belstat"].feeds["wages"], tmp_path / "batch.parquet")
    suite = load_suite("belstat", "wages")
    given = {"first_day": str(days.first_day), "last_day": str(days.last_day), **batch.facts}
    validation = evaluate(batch, suite, given, tmp_path, beside("belstat", "wages", days))
    (found,) = [result for result in validation.results if result.expectation == "cell_unique"]
    years = len(row) - 1
    assert found.unexpected_count == 2 * years
    assert validation.quarantine is not None
    kept = duckdb.sql(f"select record from '{validation.quarantine}'").fetchall()
    assert [json.loads(record)["territory"].strip() for (record,) in kept] == ["Минская область"] * 2 * years
