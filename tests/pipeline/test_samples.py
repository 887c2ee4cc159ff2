"""The main job on the samples: figures against a computation of their own, region files, persons, a second run."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import pytest

from pipelines.declarations.indicator_catalogue import load_catalogue
from pipelines.declarations.sources import SOURCES
from pipelines.settings import PROJECT
from sandbox.inventory import STREETS, SURNAMES
from tests.conftest import run_on_samples as gorod
from tests.pipeline.test_simple_indicators import BY_SOATO, DECLARED, OF_INPUTS, SIMPLE

pytestmark = pytest.mark.slow

APPEALS = SOURCES / "appeals_115" / "sample" / "requests"
STATISTICS = SOURCES / "belstat" / "sample"
REGISTER = SOURCES / "territory_register" / "sample" / "territories"
TERRITORIES = PROJECT / "assets" / "territories"
REGION = {
    "BY-BR": "Брестская область",
    "BY-VI": "Витебская область",
    "BY-HO": "Гомельская область",
    "BY": "Республика Беларусь",
}
TOTAL = (
    "Всего по странам",
    "всего по уровням образования",
    "Всего по всем потокам миграции",
    "По всем возрастам",
    "Оба пола",
    "Всего по типам местности",
)


@pytest.fixture
def home(samples: Path) -> Path:
    """The main job on all samples."""
    return samples


@pytest.fixture
def published(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(home / "published" / "current" / "gorod.duckdb"), read_only=True) as connection:
        yield connection


def value(
    published: duckdb.DuckDBPyConnection, indicator: str, ref_area: str, period: str
) -> tuple[Any, ...]:
    """Value, numerator and denominator of a published figure."""
    (row,) = published.execute(
        "select obs_value, numerator, denominator from published.pub_indicator_value_v1 "
        "where indicator = ? and ref_area = ? and time_period = ? and breakdown = '_T'",
        [indicator, ref_area, period],
    ).fetchall()
    return tuple(row)


def requests(city: str, *months: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for month in months:
        with (APPEALS / city / f"opendata-115-{month}-01.csv").open(encoding="utf-8", newline="") as stream:
            rows += csv.DictReader(stream)
    return [row for row in rows if is_sound(row)]


def is_sound(row: dict[str, str]) -> bool:
    """Whether the row has none of the faults that the samples hold: the gate keeps such rows back."""
    in_country = not row["lat"] or (51 < float(row["lat"]) < 57 and 23 < float(row["lng"]) < 33)
    has_category, has_status = "." in row["category"], row["status"] in {"1", "3", "4", "5", "7"}
    is_dated = row["opened"][4:5] == "-"
    in_order = row["planned"] >= row["opened"][:10]
    return in_country and has_category and has_status and is_dated and in_order


def cell(table: str, territory: str, year: str) -> Decimal | None:
    """A figure as the statistical portal answered it: the row that is the total of all dimensions; None where empty."""
    for path in STATISTICS.glob(f"*/{table}_*.json"):
        answer = json.loads(path.read_text(encoding="utf-8"))
        years = answer["tableHeader"][0]
        if year not in years:
            continue
        for row in answer["tableRows"]:
            *names, figure = [
                cell["value"] if cell else None
                for cell in (*row[: -len(years)], row[years.index(year) - len(years)])
            ]
            if names[0].strip() == territory and tuple(names[1:]) in ((), TOTAL):
                return None if figure is None else Decimal(figure.replace("\xa0", "").replace(",", "."))
    raise LookupError(f"{table} {territory} {year}")


def wage(territory: str, year: str) -> Decimal:
    figure = cell("wage", territory, year)
    assert figure is not None
    return figure


def parts_of(region: str, year: str) -> list[tuple[Decimal, Decimal]]:
    """Wage and employed persons of each district and city of a region for which both are published."""
    named = {
        row["name"]: row["ref_area"]
        for row in rows_of(TERRITORIES / "names.csv")
        if row["source"] == "belstat"
    }
    places = {row["territory_id"]: row for row in rows_of(REGISTER / "territories.csv")}
    found = []
    for name, code in named.items():
        if code in places and places[code]["parent_id"] == region:
            pay, persons = cell("wage", name, year), cell("empl_person", name, year)
            if pay is not None and persons is not None:
                found.append((pay, persons))
    return found


@cache
def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def registered(code: str, year: str) -> int:
    """People of the register, a district without the city of oblast subordination that it holds there."""
    people = {
        row["territory_id"]: int(row["population"])
        for row in rows_of(REGISTER / "population.csv")
        if row["year"] == year
    }
    beside = [
        row["ref_area"] for row in rows_of(TERRITORIES / "subordination.csv") if row["district"] == code
    ]
    return people[code] - sum(people[city] for city in beside)


@cache
def resources(home: Path, branch: str, month: str) -> list[dict[str, Any]]:
    """What a branch of the operator answered, with its characteristics by name."""
    pages = sorted(
        (home / "landing" / "beltelecom_inventory" / "resources" / branch / month).glob("*/page-*.json")
    )
    delivered = [resource for page in pages for resource in json.loads(page.read_text(encoding="utf-8"))]
    return [
        resource | {one["name"]: one["value"] for one in resource.get("resourceCharacteristic", [])}
        for resource in delivered
    ]


def people(territory: str, year: str, locality: str) -> int:
    """People of both sexes and all ages, added up from the age groups."""
    (path,) = (STATISTICS / "population").glob("dataportal_age5_*.json")
    answer = json.loads(path.read_text(encoding="utf-8"))
    place = 4 + answer["tableHeader"][0].index(year)
    return sum(
        int(row[place]["value"].replace("\xa0", ""))
        for row in answer["tableRows"]
        if (row[0]["value"], row[2]["value"], row[3]["value"]) == (territory, "Оба пола", locality)
    )


def test_rated_requests_of_a_city_in_a_month(published: duckdb.DuckDBPyConnection) -> None:
    rows = requests("viciebsk", "2026-07")
    rated = [row for row in rows if int(row["rating"]) > 0]
    obs_value, numerator, denominator = value(published, "appeals_rated_pct", "c-viciebsk", "2026-07")
    assert (numerator, denominator) == (len(rated), len(rows))
    assert abs(obs_value - Decimal(100 * len(rated)) / len(rows)) < Decimal("0.000001")


def test_rated_requests_of_a_region_in_a_quarter_are_a_ratio_of_sums(
    published: duckdb.DuckDBPyConnection,
) -> None:
    rows = requests("viciebsk", "2026-07", "2026-08", "2026-09")
    rated = [row for row in rows if int(row["rating"]) > 0]
    _, numerator, denominator = value(published, "appeals_rated_pct", "BY-VI", "2026-Q3")
    assert (numerator, denominator) == (len(rated), len(rows))


def test_mean_of_ratings(published: duckdb.DuckDBPyConnection) -> None:
    ratings = [
        int(row["rating"])
        for row in requests("homiel", "2026-07", "2026-08", "2026-09")
        if row["rating"] != "0"
    ]
    obs_value, numerator, denominator = value(published, "appeals_rating_mean", "c-homiel", "2026-Q3")
    assert (numerator, denominator) == (sum(ratings), len(ratings))
    assert abs(obs_value - Decimal(sum(ratings)) / len(ratings)) < Decimal("0.000001")


def test_planned_days(published: duckdb.DuckDBPyConnection) -> None:
    from datetime import date

    days = [
        (date.fromisoformat(row["planned"]) - date.fromisoformat(row["opened"][:10])).days
        for row in requests("barysau", "2026-08")
    ]
    _, numerator, denominator = value(published, "appeals_planned_days_mean", "c-barysau", "2026-08")
    assert (numerator, denominator) == (sum(days), len(days))


@pytest.mark.parametrize("area", ["BY-BR", "BY-HO", "BY"])
def test_wages(area: str, published: duckdb.DuckDBPyConnection) -> None:
    now, before, country = wage(REGION[area], "2025"), wage(REGION[area], "2024"), wage(REGION["BY"], "2025")
    assert value(published, "wage_nominal_byn", area, "2025")[0] == now
    growth, *sides = value(published, "wage_growth_pct", area, "2025")
    assert sides == [now, before]
    assert abs(growth - 100 * now / before) < Decimal("0.000001")
    assert abs(value(published, "wage_to_country_pct", area, "2025")[0] - 100 * now / country) < Decimal(
        "0.000001"
    )


@pytest.mark.parametrize("area", ["BY-VI", "BY"])
def test_urban_share(area: str, published: duckdb.DuckDBPyConnection) -> None:
    urban = people(REGION[area], "2025", "городская местность")
    all_ = people(REGION[area], "2025", "Всего по типам местности")
    obs_value, numerator, denominator = value(published, "urban_share_pct", area, "2025")
    assert (numerator, denominator) == (urban, all_)
    assert abs(obs_value - Decimal(100 * urban) / all_) < Decimal("0.000001")
    assert value(published, "population", area, "2025")[0] == all_


def ages(territory: str, year: str) -> dict[int, int]:
    """People of both sexes and all types of locality by the first year of their group.

    The table has totals beside parts in three of its dimensions, and ages in words.
    """
    (path,) = (STATISTICS / "population").glob("dataportal_age5_*.json")
    answer = json.loads(path.read_text(encoding="utf-8"))
    place = 4 + answer["tableHeader"][0].index(year)
    found = {}
    for row in answer["tableRows"]:
        name, age, sex, locality = (cell["value"] for cell in row[:4])
        if (name, sex, locality) == (territory, "Оба пола", "Всего по типам местности"):
            youngest = int("".join(letter for letter in age.split("-")[0] if letter.isdigit()))
            found[youngest] = int(row[place]["value"].replace("\xa0", ""))
    return found


@pytest.mark.parametrize("area", ["BY-HO", "BY"])
def test_shares_by_age_count_each_age_once(area: str, published: duckdb.DuckDBPyConnection) -> None:
    persons = ages(REGION[area], "2025")
    assert len(persons) == 17
    old = sum(count for youngest, count in persons.items() if youngest >= 65)
    of_working_age = sum(count for youngest, count in persons.items() if 15 <= youngest < 65)
    obs_value, *sides = value(published, "old_age_dependency_pct", area, "2025")
    assert sides == [old, of_working_age]
    assert abs(obs_value - Decimal(100 * old) / of_working_age) < Decimal("0.000001")
    young = persons[15] + persons[20] + persons[25]
    obs_value, *sides = value(published, "youth_share_pct", area, "2025")
    assert sides == [young, sum(persons.values())]
    assert abs(obs_value - Decimal(100 * young) / sum(persons.values())) < Decimal("0.000001")


@pytest.mark.parametrize("period", ["2025-S1", "2026-S1"])
def test_requests_of_a_half_year(period: str, published: duckdb.DuckDBPyConnection) -> None:
    year = period[:4]
    rows = requests("barysau", *(f"{year}-{month:02}" for month in range(1, 7)))
    people = registered("c-barysau", year)
    for area in ("c-barysau", "BY-MI"):
        obs_value, *sides = value(published, "appeals_per_1000", area, period)
        assert sides == [len(rows), people]
        assert abs(obs_value - Decimal(1000 * len(rows)) / people) < Decimal("0.000001")
    ratings = [int(row["rating"]) for row in rows if row["rating"] != "0"]
    obs_value, *sides = value(published, "appeals_rating_mean", "c-barysau", period)
    assert sides == [sum(ratings), len(ratings)]
    assert abs(obs_value - Decimal(sum(ratings)) / len(ratings)) < Decimal("0.000001")


@pytest.mark.parametrize("region", ["BY-BR", "BY-VI", "BY-HO"])
def test_wages_of_districts(region: str, published: duckdb.DuckDBPyConnection) -> None:
    """A mean weighed by the employed, and a median that is not, of an odd and of an even number of districts."""
    parts = parts_of(region, "2024")
    assert len(parts) > 4
    paid, employed = sum(pay * persons for pay, persons in parts), sum(persons for _, persons in parts)
    obs_value, *sides = value(published, "wage_of_districts_mean_byn", region, "2024")
    assert sides == [paid, employed]
    assert abs(obs_value - paid / employed) < Decimal("0.000001")
    assert abs(obs_value - sum(pay for pay, _ in parts) / len(parts)) > Decimal("0.01"), (
        "weights change nothing"
    )
    middle = median(pay for pay, _ in parts)
    assert value(published, "wage_of_districts_median_byn", region, "2024")[0] == middle


def test_employed_persons_of_a_region_are_those_of_its_parts(published: duckdb.DuckDBPyConnection) -> None:
    employed = sum(persons for _, persons in parts_of("BY-BR", "2024"))
    people = registered("BY-BR", "2024")
    assert value(published, "employed_persons", "BY-BR", "2024")[0] == employed
    obs_value, *sides = value(published, "employed_per_100", "BY-BR", "2024")
    assert sides == [employed, people]
    assert abs(obs_value - 100 * employed / people) < Decimal("0.000001")
    # a district that the register counts with its city, and the office without
    persons = cell("empl_person", "Брестский", "2024")
    assert value(published, "employed_per_100", "r-brescki", "2024")[1:] == (
        persons,
        registered("r-brescki", "2024"),
    )


@pytest.mark.parametrize(
    ("area", "name", "kind"),
    [("BY-BR", "Брестская область", "oblast"), ("r-baranavicki", "Барановичский", "raion")],
)
def test_migration(area: str, name: str, kind: str, published: duckdb.DuckDBPyConnection) -> None:
    people = registered(area, "2024")
    for indicator, table in (("arrivals_per_1000", "arrivals"), ("net_migration_per_1000", "net")):
        persons = cell(f"belstat_{table}_{kind}", name, "2024")
        obs_value, *sides = value(published, indicator, area, "2024")
        assert sides == [persons, people]
        assert persons is not None
        assert abs(obs_value - 1000 * persons / people) < Decimal("0.000001")


def test_product_per_head_is_taken_as_published(published: duckdb.DuckDBPyConnection) -> None:
    for area in ("BY-BR", "BY-VI", "BY-HO"):
        assert value(published, "grp_per_capita_byn", area, "2024")[0] == cell("grp_pc", REGION[area], "2024")


def test_density_is_of_people_and_area_of_the_same_territory(published: duckdb.DuckDBPyConnection) -> None:
    places = {row["territory_id"]: row for row in rows_of(REGISTER / "territories.csv")}
    (town,) = [row for row in rows_of(REGISTER / "admin_areas.csv") if row["city_id"] == "c-brest"]
    of_region = [
        Decimal(row["area_km2"])
        for row in places.values()
        if row["parent_id"] == "BY-BR" and row["level"] == "raion"
    ]
    areas = {
        "c-brest": Decimal(town["admin_area_km2"]),
        "r-brescki": Decimal(places["r-brescki"]["area_km2"]) - Decimal(town["admin_area_km2"]),
        "BY-BR": sum(of_region),
    }
    for area, km2 in areas.items():
        people = registered(area, "2025")
        obs_value, *sides = value(published, "population_density_per_km2", area, "2025")
        assert sides == [people, km2]
        assert abs(obs_value - people / km2) < Decimal("0.000001")


def month_of_inventory(published: duckdb.DuckDBPyConnection) -> str:
    """The month in which the samples were loaded: an inventory is taken for the running one."""
    newest = "select max(time_period) from published.pub_observation_v1 where measure = 'pon_ports_equipped'"
    (month,) = published.execute(newest).fetchone() or ("",)
    return str(month)


def test_the_network_of_a_city_and_of_the_cities_of_a_region(
    home: Path, published: duckdb.DuckDBPyConnection
) -> None:
    month = month_of_inventory(published)
    soato = {row["ref_area"]: row["soato"] for row in rows_of(TERRITORIES / "codes.csv")}
    for area, cities in {"c-brest": ["c-brest"], "BY-BR": ["c-brest", "c-baranavichy", "c-pinsk"]}.items():
        found = [
            resource
            for resource in resources(home, "brest", month)
            if resource.get("soato") in {soato[city] for city in cities}
        ]
        people = sum(registered(city, "2026") for city in cities)
        ports = [resource for resource in found if resource["category"] == "xPON.Port"]
        used = sum(port["usageState"] in ("active", "busy") for port in ports)
        points = sum(resource["category"] == "WiFi.AccessPoint" for resource in found)
        km = sum(Decimal(str(one["lengthKm"])) for one in found if one["category"] == "FibreLine")
        for indicator, expected in {
            "pon_ports_per_100": (100, len(ports), people),
            "pon_port_utilisation_pct": (100, used, len(ports)),
            "public_wifi_per_10000": (10_000, points, people),
            "fibre_km_per_1000": (1000, km, people),
        }.items():
            scale, above, below = expected
            obs_value, *sides = value(published, indicator, area, month)
            assert sides == [above, below], indicator
            assert above > 0
            assert abs(obs_value - Decimal(scale * above) / below) < Decimal("0.000001"), indicator
        if area == "c-brest":
            assert value(published, "public_wifi_points", area, month)[0] == points


@pytest.mark.parametrize(
    ("indicator", "period", "least", "most"),
    [
        # Minsk's portal took 1.7 requests a month per 1,000 in its first year, and 3.5 in its third
        ("appeals_per_1000", "2026-10", 1, 4),
        # some 30 of 100 people have a terminal on a passive optical network, and 30 to 80 share a port
        ("pon_ports_per_100", "of the inventory", Decimal("0.35"), 1),
        ("public_wifi_per_10000", "of the inventory", 2, 10),
        ("fibre_km_per_1000", "of the inventory", 1, 10),
    ],
)
def test_figures_per_head_are_of_a_plausible_order(
    indicator: str, period: str, least: Decimal, most: Decimal, published: duckdb.DuckDBPyConnection
) -> None:
    """Of the country and of every region and city that has one."""
    figures = dict(
        published.execute(
            "select ref_area, obs_value from published.pub_indicator_value_v1 where indicator = ? "
            "and time_period = ? and breakdown = '_T' and obs_value is not null",
            [indicator, month_of_inventory(published) if period == "of the inventory" else period],
        ).fetchall()
    )
    assert len(figures) > 14
    assert {area: figure for area, figure in figures.items() if not least <= figure <= most} == {}


def test_the_invented_plan_stands_beside_facts(published: duckdb.DuckDBPyConnection) -> None:
    """2,000 roubles were planned for 2025: green from there on, yellow from 95 % of it."""
    for area in ("BY-BR", "BY-HO", "BY"):
        fact = wage(REGION[area], "2025")
        (found,) = published.execute(
            "select plan_value, obs_value, deviation, rag_status, synthetic from published.pub_progress_v1 "
            "where target = 'wage_2025' and ref_area = ? and time_period = '2025'",
            [area],
        ).fetchall()
        light = "green" if fact >= 2000 else "yellow" if fact >= 1900 else "red"
        assert found == (2000, fact, fact - 2000, light, True)
    lights = published.execute(
        "select distinct rag_status from published.pub_progress_v1 where programme = 'invented_for_samples'"
    ).fetchall()
    assert {light for (light,) in lights} == {"green", "yellow", "red", "grey"}


def test_what_is_invented_of_plans_is_marked_and_the_rest_is_not(
    published: duckdb.DuckDBPyConnection,
) -> None:
    for table in ("pub_programme_v1", "pub_target_v1"):
        marks = dict(
            published.execute(f"select distinct programme, synthetic from published.{table}").fetchall()
        )
        assert {programme for programme, invented in marks.items() if invented} == {"invented_for_samples"}
        assert "digital_belarus_2026_2030" in marks


def test_low_coverage_says_so_and_for_whom_the_figure_stands(published: duckdb.DuckDBPyConnection) -> None:
    """One town of Minsk Region delivers requests: far less than half of its people."""
    (found,) = published.execute(
        "select obs_status, coverage_population_pct, note_ru from published.pub_indicator_value_v1 "
        "where indicator = 'appeals_per_1000' and ref_area = 'BY-MI' and time_period = '2026-10' "
        "and breakdown = '_T'"
    ).fetchall()
    share = Decimal(100 * registered("c-barysau", "2026")) / people(
        "Минская область", "2026", "Всего по типам местности"
    )
    assert found[0] == "U"
    assert abs(found[1] - share) < Decimal("0.01")
    assert f"{share:.2f} %".replace(".", ",") in found[2]
    assert "г. Борисов" in found[2]


def test_no_measured_indicator_is_left_out_here() -> None:
    """Each is recomputed from what was delivered by a test of this file or of a neighbour, or with the simple ones."""
    neighbours = ("pipeline/test_approved_figures.py", "sources/test_mobile_coverage.py")
    text = Path(__file__).read_text(encoding="utf-8")
    text += "".join((PROJECT / "tests" / name).read_text(encoding="utf-8") for name in neighbours)
    measured = [code for code, indicator in load_catalogue().indicators.items() if indicator.is_measured]
    assert [
        code
        for code in measured
        if f'"{code}"' not in text and code not in (*SIMPLE, *DECLARED, *BY_SOATO, *OF_INPUTS)
    ] == []
    assert len(measured) > 20


def test_every_code_has_its_names(published: duckdb.DuckDBPyConnection) -> None:
    """What figures are broken down by, and where they are of, in three languages."""
    unnamed = published.execute(
        "select distinct o.measure, o.breakdown from published.pub_observation_v1 as o"
        " left join published.pub_measure_member_v1 as m using (measure, breakdown)"
        " where (m.name_ru > '' and m.name_be > '' and m.name_en > '') is not true"
        " union all select 'territory', ref_area from published.pub_territory_v1"
        " where (name_ru > '' and name_be > '' and name_en > '') is not true"
        " union all select distinct 'value', breakdown from published.pub_indicator_value_v1"
        " where breakdown not in (select breakdown from published.pub_measure_member_v1)"
    ).fetchall()
    assert unnamed == []
    assert published.execute(
        "select name_en from published.pub_territory_v1 where ref_area = 'r-barysauski'"
    ).fetchone() == ("Barysaŭski District",)


def test_every_delivered_row_is_accounted_for(home: Path) -> None:
    files = sorted(APPEALS.rglob("*.csv"))
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
        found = warehouse.execute(
            "select count(*), sum(rows_delivered), sum(rows_accepted + rows_quarantined) from ops.load "
            "where source = 'appeals_115'"
        ).fetchone()
        unexplained = warehouse.execute(
            "select count(*) from ops.quarantine where json_array_length(reasons) = 0"
        ).fetchone()
    rows = sum(len(path.read_text(encoding="utf-8").splitlines()) - 1 for path in files)
    assert found == (len(files), rows, rows)
    assert unexplained == (0,)


def test_every_published_value_is_made_of_rows_of_delivered_files(home: Path) -> None:
    """All the way for all values: each has terms, each term observations, and rows of files make each observation."""
    key = "indicator, ref_area, freq, time_period, breakdown"
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
        warehouse.execute(
            f"""
            create temp table observed as
            with figures as (
                select {key} from published.pub_indicator_value_v1 where obs_value is not null
            ),

            -- of what was filled in, the terms of the values that it was filled in from
            terms as (
                select own.* from marts.mart_trace_term as own join published.pub_indicator_value_v1 using ({key})
                where imputed_by is null
                union all
                select terms.* replace (donors.indicator as indicator, donors.ref_area as ref_area,
                    donors.time_period as time_period)
                from marts.mart_trace_donor as donors join marts.mart_trace_term as terms
                    on terms.indicator = donors.donor_indicator and terms.ref_area = donors.donor_ref_area
                    and terms.freq = donors.freq and terms.time_period = donors.donor_period
                    and terms.breakdown = donors.breakdown
            ),

            factors as (
                select *, measure as factor, term_breakdown as part from terms
                union all
                select *, times_measure as factor, '_T' as part from terms where times_measure is not null
            )

            select {", ".join(f"figures.{name}" for name in key.split(", "))}, seen.measure, seen.ref_area as place,
                seen.observed_freq, seen.observed_period, seen.breakdown as part, seen.load_id,
                coalesce(seen.reported_value, seen.obs_value) as said
            from figures
            left join factors using ({key})
            left join marts.mart_trace_observation as seen
                on factors.factor = seen.measure and factors.term_ref_area = seen.ref_area
                and factors.term_freq = seen.freq and factors.term_period = seen.time_period
                and factors.part = seen.breakdown
            """
        )
        nowhere = f"select {key}, measure from observed where load_id is null"
        assert warehouse.execute(nowhere).fetchall() == []
        other = """
            with delivered as (
                select measure, ref_area as place, freq as observed_freq, time_period as observed_period, breakdown as part,
                    load_id, sum(value) as total
                from marts.mart_trace_row where sha256 is not null and files <> '[]' group by all
            )

            select distinct observed.measure, place, observed_period, part, load_id, said, total
            from observed left join delivered using (measure, place, observed_freq, observed_period, part, load_id)
            where said <> coalesce(total, 0)
        """
        assert warehouse.execute(other).fetchall() == []
        (traced,), (told,) = (
            warehouse.execute(f"select count(distinct ({key})) from {table}").fetchall()[0]
            for table in (
                "observed",
                "published.pub_indicator_value_v1 where obs_value is not null",
            )
        )
    assert traced == told > 5000


def test_a_region_file_holds_only_its_own(home: Path) -> None:
    regions = sorted((home / "published" / "current" / "regions").glob("*.duckdb"))
    assert [path.stem for path in regions] == ["BY-BR", "BY-HM", "BY-HO", "BY-HR", "BY-MA", "BY-MI", "BY-VI"]
    for path in regions:
        with duckdb.connect(str(path), read_only=True) as connection:
            unmatched = connection.execute(
                "select count(*) filter (where t.region is distinct from $1 and v.ref_area <> $1), count(*) "
                "from published.pub_indicator_value_v1 as v left join published.pub_territory_v1 as t using (ref_area)",
                [path.stem],
            ).fetchone()
            assert unmatched is not None
            assert unmatched[0] == 0
            assert unmatched[1] > 100
            others = connection.execute(
                "select count(*) from published.pub_territory_v1 where region is distinct from $1 and ref_area <> $1",
                [path.stem],
            ).fetchone()
            assert others == (0,)


def test_no_person_is_anywhere_but_in_the_deliveries(home: Path) -> None:
    """Names and addresses of the samples, in every byte that a run leaves behind."""
    secrets = [
        *(f"{surname} А. Б.".encode() for surname in SURNAMES),
        *(f"ул. {street}".encode() for street in STREETS),
        "улица Примерная".encode(),
        requests("barysau", "2026-05")[0]["lat"].encode(),
    ]
    delivered = b"".join(path.read_bytes() for path in (home / "landing").rglob("*.json"))
    assert secrets[0] in delivered, "the test looks for something that was never there"
    searched = 0
    for path in home.rglob("*"):
        if path.is_file() and not path.is_symlink() and "landing" not in path.relative_to(home).parts:
            content = path.read_bytes()
            searched += 1
            for secret in secrets:
                assert secret not in content, f"{secret.decode()} in {path.relative_to(home)}"
    assert searched > 20


def test_no_person_hides_in_compressed_columns(home: Path) -> None:
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
        columns = warehouse.execute(
            "select schema_name, table_name, column_name from duckdb_columns() "
            "where data_type = 'VARCHAR' and not internal and database_name = current_database() "
            "and (schema_name, table_name) in (select schema_name, table_name from duckdb_tables())"
        ).fetchall()
        assert len(columns) > 100
        for schema, table, column in columns:
            found = warehouse.execute(
                f'select count(*) from "{schema}"."{table}" where regexp_matches("{column}", ?)',
                [rf"улица Примерная|({'|'.join(SURNAMES)}) А\. Б\.|ул\. ({'|'.join(STREETS)})"],
            ).fetchone()
            assert found == (0,), f"{schema}.{table}.{column}"


# the short form: test_commands.py, on a small country
@pytest.mark.long
def test_a_second_run_changes_nothing(home: Path) -> None:
    before = (home / "published" / "current").readlink()
    done = gorod(home, "run", "--report")
    assert done.returncode == 0
    assert "Nothing new" in done.stdout
    assert (home / "published" / "current").readlink() == before
