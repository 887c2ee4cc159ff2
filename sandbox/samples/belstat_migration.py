"""Invented migration, as the portal's answers: arrivals and net, of regions by flow and of districts in total."""

from __future__ import annotations

from random import Random

from sandbox.samples.belstat_table import COUNTRY, TERRITORY, Row, Value, answer, places
from sandbox.samples.country import REGIONS, populations, split

TITLES = [
    TERRITORY,
    "Страны мира / Группы стран",
    "Уровень образования",
    "Потоки миграции",
    "Возрастной состав",
    "Пол",
    "Тип местности",
]
ALL_COUNTRIES = ("Всего по странам", 0)
TOTAL = "Всего по всем потокам миграции"
ABROAD, CIS, BEYOND = "Международная миграция", "Миграция со странами СНГ", "Миграция со странами вне СНГ"
DOMESTIC, BETWEEN = "Внутриреспубликанская миграция", "Межобластная миграция"
WITHIN, DISTRICTS_FLOW, IN_DISTRICT = (
    "Внутриобластная миграция",
    "межрайонная миграция",
    "внутрирайонная миграция",
)
FLOWS = {
    TOTAL: 0,
    ABROAD: 1,
    CIS: 2,
    BEYOND: 2,
    DOMESTIC: 1,
    BETWEEN: 2,
    WITHIN: 2,
    DISTRICTS_FLOW: 3,
    IN_DISTRICT: 3,
}
COUNTRIES = {"АЗЕРБАЙДЖАН": 0.08, "КАЗАХСТАН": 0.09, "РОССИЙСКАЯ ФЕДЕРАЦИЯ": 0.6, "УКРАИНА": 0.23}
CIS_GROUP = "СТРАНЫ СОДРУЖЕСТВА НЕЗАВИСИМЫХ ГОСУДАРСТВ (СНГ)"


def migration_tables(years: range, by_country: bool) -> dict[str, str]:
    """Four tables: arrivals and net migration, of regions by flow and of districts in total."""
    arrivals = {(region.code, year): _arrivals(region.code, year) for region in REGIONS for year in years}
    net = _net(years)
    tables = {
        "arrivals": ("Число прибывших лиц по территории Республики Беларусь", arrivals),
        "net": ("Миграционный прирост, убыль (-) по территории Республики Беларусь", net),
    }
    files_: dict[str, str] = {}
    for kind, (title, flows) in tables.items():
        span = f"{years[0]}-{years[-1]}"
        files_[f"migration/belstat_{kind}_oblast_{span}.json"] = answer(
            title, years, TITLES, _region_rows(kind, flows, years, by_country), 0
        )
        files_[f"migration/belstat_{kind}_raion_{span}.json"] = answer(
            title, years, TITLES, _district_rows(kind, flows, years), 0
        )
    return files_


def _arrivals(region: str, year: int) -> dict[str, int]:
    """People who came to a region, by flow; each flow is the sum of those below it."""
    rng = Random(f"arrivals {region} {year}")
    people = populations()[region, year]

    def some(per_thousand: float) -> int:
        return round(people * per_thousand / 1000 * (0.8 + 0.4 * rng.random()))

    cis, beyond, between, in_district = some(2.0), some(0.7), some(11), some(3.5)
    districts = 0 if region == "BY-HM" else some(12)
    in_district = 0 if region == "BY-HM" else in_district
    within = districts + in_district
    return {
        TOTAL: cis + beyond + between + within,
        ABROAD: cis + beyond,
        CIS: cis,
        BEYOND: beyond,
        DOMESTIC: between + within,
        BETWEEN: between,
        WITHIN: within,
        DISTRICTS_FLOW: districts,
        IN_DISTRICT: in_district,
    }


def _net(years: range) -> dict[tuple[str, int], dict[str, int]]:
    """Net migration of the regions; what one region loses to others, the others gain."""
    flows: dict[tuple[str, int], dict[str, int]] = {}
    for year in years:
        rng = Random(f"net {year}")
        moved = {region.code: -round(region.people / 1000 * (1 + 2 * rng.random())) for region in REGIONS}
        moved["BY-HM"] = moved["BY-MI"] = 0
        moved["BY-HM"], moved["BY-MI"] = split(-sum(moved.values()), [0.45, 0.55])
        for region in REGIONS:
            cis = round(region.people / 1000 * (0.8 + 0.6 * rng.random()))
            beyond = -round(region.people / 1000 * 0.4 * rng.random())
            flows[region.code, year] = {
                TOTAL: cis + beyond + moved[region.code],
                ABROAD: cis + beyond,
                CIS: cis,
                BEYOND: beyond,
                DOMESTIC: moved[region.code],
                BETWEEN: moved[region.code],
            }
    return flows


def _region_rows(
    kind: str, flows: dict[tuple[str, int], dict[str, int]], years: range, by_country: bool
) -> list[tuple[Row, list[Value]]]:
    rows: list[tuple[Row, list[Value]]] = []
    for name, level, codes in [
        (COUNTRY, 0, [region.code for region in REGIONS]),
        *((region.belstat, 1, [region.code]) for region in REGIONS),
    ]:
        for flow, flow_level in FLOWS.items():
            if flow not in flows[codes[0], years[0]]:
                continue
            values: list[Value] = [sum(flows[code, year][flow] for code in codes) for year in years]
            if kind == "net" and by_country and level == 0 and flow in (DOMESTIC, BETWEEN):
                values = [None] * len(values)
            rows.append((_cells((name, level), ALL_COUNTRIES, (flow, flow_level)), values))
        if by_country:
            rows += _country_rows(
                (name, level), [[flows[code, year][CIS] for code in codes] for year in years]
            )
    return rows


def _country_rows(territory: tuple[str, int], cis: list[list[int]]) -> list[tuple[Row, list[Value]]]:
    """The flow with the CIS by country; ``cis`` holds, for each year, the flow of each region within."""
    shares = [
        [
            sum(parts)
            for parts in zip(
                *(split(of_region, list(COUNTRIES.values())) for of_region in of_year), strict=True
            )
        ]
        for of_year in cis
    ]
    rows: list[tuple[Row, list[Value]]] = [
        (_cells(territory, (country, 1), (CIS, 2)), [of_year[number] for of_year in shares])
        for number, country in enumerate(COUNTRIES)
    ]
    rows.append((_cells(territory, (CIS_GROUP, 2), (CIS, 2)), [sum(of_year) for of_year in cis]))
    return rows


def _district_rows(
    kind: str, flows: dict[tuple[str, int], dict[str, int]], years: range
) -> list[tuple[Row, list[Value]]]:
    """Districts and towns add up to their region; Minsk has none."""
    rows: list[tuple[Row, list[Value]]] = []
    for region in REGIONS:
        own = [place for place in places() if place.region == region.code]
        if not own:
            continue
        by_year = []
        for year in years:
            weights = [
                place.people[year] * (0.7 + 0.6 * Random(f"{kind} {place.name}").random()) for place in own
            ]
            by_year.append(split(flows[region.code, year][TOTAL], weights))
        rows += [
            (_cells((place.name, 2), ALL_COUNTRIES, (TOTAL, 0)), [of_year[index] for of_year in by_year])
            for index, place in enumerate(own)
        ]
    return rows


def _cells(territory: tuple[str, int], country: tuple[str, int], flow: tuple[str, int]) -> Row:
    return [
        territory,
        country,
        ("всего по уровням образования", 0),
        flow,
        ("По всем возрастам", 0),
        ("Оба пола", 0),
        ("Всего по типам местности", 0),
    ]
