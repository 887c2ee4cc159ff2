"""The sample of Belstat's answers: the portal's table JSON with its peculiarities and traps, and invented values.

As in the real answers: numbers as texts with U+00A0 and a decimal comma, null where not published, wages
up to 2015 in old roubles, districts without their towns, totals beside parts, the row that belongs to no
district, migration not published for 2020 to 2023, domestic net migration of the country first null and later "0".
"""

from __future__ import annotations

from random import Random

from sandbox.samples.belstat_ages import ages_table
from sandbox.samples.belstat_migration import migration_tables
from sandbox.samples.belstat_table import COUNTRY, TERRITORY, Place, Row, Value, answer, places
from sandbox.samples.belstat_workbooks import wage_workbooks
from sandbox.samples.country import REGIONS, populations

OLD_ROUBLES = 10_000  # redenomination of 1 July 2016
LAST_OLD_YEAR = 2015
UNALLOCATED = "Не распределено по районам Минской области"


def files() -> dict[str, str | bytes]:
    """Text by path within the sample's folder."""
    return {
        "wages/wage_10218000003_2015-2019.json": _wages(range(2015, 2020)),
        "wages/wage_10218000003_2020-2026.json": _wages(range(2020, 2027)),
        "wages/empl_person_10102000017_2015-2019.json": _employment(range(2015, 2020)),
        "wages/empl_person_10102000017_2020-2026.json": _employment(range(2020, 2027)),
        "wages/grp_pc_10202100055_2015-2019.json": _grp(range(2015, 2020)),
        "wages/grp_pc_10202100055_2020-2026.json": _grp(range(2020, 2027)),
        "population/dataportal_age5_2019-2026.json": ages_table(range(2019, 2027)),
        **migration_tables(range(2018, 2020), by_country=True),
        **migration_tables(range(2024, 2026), by_country=False),
        **wage_workbooks(),
    }


def _employed(place: Place, year: int) -> int:
    share = 0.42 + 0.08 * Random(f"employment {place.name}").random()
    return round(place.people[year] * share)


def _wage(place: Place, year: int) -> float:
    """In today's roubles: grows by about a tenth a year; higher in towns and in the south of Minsk oblast."""
    rng = Random(f"wage {place.name}")
    level = (0.85 + 0.25 * rng.random()) * (1.1 if place.name.startswith("г. ") else 1.0)
    return 640 * level * 1.115 ** (year - 2015) * (1 + 0.01 * (Random(f"{place.name}{year}").random() - 0.5))


def _minsk_wage(year: int) -> float:
    return 950 * 1.115 ** (year - 2015)


def _published_wage(wage: float, year: int) -> float:
    return float(round(wage * OLD_ROUBLES)) if year <= LAST_OLD_YEAR else round(wage, 1)


def _wages(years: range) -> str:
    people = populations()
    minsk_employed = {year: round(people["BY-HM", year] * 0.55) for year in years}
    paid = {(place.name, year): _wage(place, year) for place in places() for year in years}

    def mean(region: str, year: int) -> tuple[float, int]:
        if region == "BY-HM":
            return _minsk_wage(year), minsk_employed[year]
        own = [place for place in places() if place.region == region]
        employed = sum(_employed(place, year) for place in own)
        return sum(paid[place.name, year] * _employed(place, year) for place in own) / employed, employed

    def published(wage: float, year: int) -> Value:
        return None if year == 2026 else _published_wage(wage, year)

    means = {(region.code, year): mean(region.code, year) for region in REGIONS for year in years}
    country = {
        year: sum(means[region.code, year][0] * means[region.code, year][1] for region in REGIONS)
        / sum(means[region.code, year][1] for region in REGIONS)
        for year in years
    }
    rows: list[tuple[Row, list[Value]]] = [
        ([(COUNTRY, 0)], [published(country[year], year) for year in years])
    ]
    for region in REGIONS:
        rows.append(([(region.belstat, 1)], [published(means[region.code, year][0], year) for year in years]))
        rows += [
            ([(place.name, 2)], [published(paid[place.name, year], year) for year in years])
            for place in places()
            if place.region == region.code
        ]
        if region.code == "BY-MI" and years[-1] >= 2024:
            unallocated: list[Value] = [
                round(means[region.code, year][0] * 1.05, 1) if year in (2024, 2025) else None
                for year in years
            ]
            rows.append(([(UNALLOCATED, 2)], unallocated))
    title = "Номинальная начисленная среднемесячная заработная плата по территории Республики Беларусь"
    return answer(title, years, [TERRITORY], rows, 1)


def _employment(years: range) -> str:
    rows: list[tuple[Row, list[Value]]] = [
        ([(place.name, 2)], [_employed(place, year) if year <= 2024 else None for year in years])
        for place in places()
    ]
    title = "Численность занятого населения в среднем за период по территории Республики Беларусь"
    return answer(title, years, [TERRITORY], rows, 1)


def _grp(years: range) -> str:
    def published(region: str, year: int) -> Value:
        if year <= LAST_OLD_YEAR or year > 2024:
            return None
        start = 14_000 if region == "BY-HM" else 6_500 + 2_500 * Random(f"grp {region}").random()
        return round(start * 1.12 ** (year - 2016), 1)

    rows: list[tuple[Row, list[Value]]] = [
        ([(region.belstat, 1)], [published(region.code, year) for year in years]) for region in REGIONS
    ]
    title = "Валовой региональный продукт на душу населения в текущих ценах по территории Республики Беларусь"
    return answer(title, years, [TERRITORY], rows, 1)
