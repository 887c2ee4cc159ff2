"""The sample of Belstat's answers: the portal's table JSON with its peculiarities and traps, and invented values.

Kept from the real answers: numbers as texts with U+00A0 and a decimal comma, null where not published, wages
up to 2015 in old roubles, districts without their towns, totals beside parts, the row that belongs to no
district, migration that was not published for 2020 to 2023, domestic net migration of the country that is at
first null and later "0".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from sandbox.samples.country import DISTRICTS, REGIONS, TOWNS, populations, split
from sandbox.samples.workbooks import workbook

COUNTRY = "Республика Беларусь"
TERRITORY = "Территория Республики Беларусь"
OLD_ROUBLES = 10_000  # redenomination of 1 July 2016
LAST_OLD_YEAR = 2015
UNALLOCATED = "Не распределено по районам Минской области"

Row = list[tuple[str, int]]
Value = float | int | None


@dataclass(frozen=True)
class Place:
    """A territory of the third level: a district without its town of oblast subordination, or such a town."""

    name: str
    region: str
    people: dict[int, int]


def files() -> dict[str, str | bytes]:
    """Text by path within the sample's folder."""
    return {
        "wages/wage_10218000003_2015-2019.json": _wages(range(2015, 2020)),
        "wages/wage_10218000003_2020-2026.json": _wages(range(2020, 2027)),
        "wages/empl_person_10102000017_2015-2019.json": _employment(range(2015, 2020)),
        "wages/empl_person_10102000017_2020-2026.json": _employment(range(2020, 2027)),
        "wages/grp_pc_10202100055_2015-2019.json": _grp(range(2015, 2020)),
        "wages/grp_pc_10202100055_2020-2026.json": _grp(range(2020, 2027)),
        "population/dataportal_age5_2019-2026.json": _ages(range(2019, 2027)),
        **_migration(range(2018, 2020), by_country=True),
        **_migration(range(2024, 2026), by_country=False),
        **_wages_of_month(),
    }


def number(value: Value, decimals: int) -> str | None:
    """As the portal writes it: ``1 254,6`` with U+00A0."""
    return None if value is None else f"{value:,.{decimals}f}".replace(",", "\u00a0").replace(".", ",")


def answer(
    title: str, years: range, titles: list[str], rows: list[tuple[Row, list[Value]]], decimals: int
) -> str:
    """The portal's answer. A row is its dimension cells (text, level), then its values."""
    return json.dumps(
        {
            "tableName": title,
            "tableHeader": [[str(year) for year in years]],
            "tableHeaderDimColumns": titles,
            "tableRows": [
                [
                    *({"value": text, "level": level} for text, level in cells),
                    *({"value": number(value, decimals), "level": 0} for value in values),
                ]
                for cells, values in rows
            ],
        },
        ensure_ascii=False,
    )


def places() -> list[Place]:
    """Districts, then towns, of each region in turn: they never overlap."""
    people = populations()
    years = sorted({year for _, year in people})
    found: list[Place] = []
    for region in REGIONS:
        own = {town.district: town for town in TOWNS if town.own}
        districts = [district for district in DISTRICTS if district.region == region.code]
        for district in districts:
            town = own.get(district.code)
            rest = {
                year: people[district.code, year] - (people[town.code, year] if town else 0) for year in years
            }
            found.append(Place(district.belstat, region.code, rest))
        found += [
            Place(f"г. {without_yo(own[district.code].name_ru)}", region.code,
                  {year: people[own[district.code].code, year] for year in years})
            for district in districts
            if district.code in own
        ]  # fmt: skip
    return found


def without_yo(name: str) -> str:
    """The portal writes «г. Могилев» for Могилёв."""
    return name.replace("ё", "е")


def _employed(place: Place, year: int) -> int:
    share = 0.42 + 0.08 * Random(f"employment {place.name}").random()
    return round(place.people[year] * share)


def _wage(place: Place, year: int) -> float:
    """Roubles of today: grows by about a tenth a year, towns and the south of Minsk oblast pay more."""
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


AGES = [*(f"в возрасте {low}-{low + 4} лет" for low in range(0, 80, 5)), "в возрасте 80 лет и старше"]
AGE_WEIGHTS = [4.6, 5.7, 6.1, 5.2, 4.7, 5.6, 7.6, 8.4, 7.6, 7.1, 6.6, 6.9, 7.3, 6.4, 4.6, 2.3, 3.9]
MEN_WEIGHTS = [
    0.51,
    0.51,
    0.51,
    0.51,
    0.51,
    0.51,
    0.5,
    0.49,
    0.49,
    0.48,
    0.47,
    0.46,
    0.44,
    0.41,
    0.37,
    0.31,
    0.24,
]
SEXES = (("Оба пола", 0), ("мужчины", 1), ("женщины", 1))
LOCALITIES = (("Всего по типам местности", 0), ("городская местность", 1), ("сельская местность", 1))


def _ages(years: range) -> str:
    """Every total is the sum of its parts, in each direction; Minsk has no rural rows."""
    leaves = {
        (region.belstat, year): _leaves(region.code, region.urban, year)
        for region in REGIONS
        for year in years
    }
    rows: list[tuple[Row, list[Value]]] = []
    for name, level, within in [
        (COUNTRY, 0, [region.belstat for region in REGIONS]),
        *((region.belstat, 1, [region.belstat]) for region in REGIONS),
    ]:
        for age_no, age in enumerate(AGES):
            for sex in SEXES:
                for locality in LOCALITIES:
                    if within == ["г. Минск"] and locality[0] == LOCALITIES[2][0]:
                        continue
                    values: list[Value] = [
                        sum(
                            people
                            for one in within
                            for (leaf_age, leaf_sex, leaf_locality), people in leaves[one, year].items()
                            if leaf_age == age_no
                            and sex[0] in (SEXES[0][0], leaf_sex)
                            and locality[0] in (LOCALITIES[0][0], leaf_locality)
                        )
                        for year in years
                    ]
                    rows.append(([(name, level), (age, 0), sex, locality], values))
    title = "Численность населения на начало периода по территории Республики Беларусь"
    return answer(title, years, [TERRITORY, "Возрастной состав", "Пол", "Тип местности"], rows, 0)


def _leaves(region: str, urban: float, year: int) -> dict[tuple[int, str, str], int]:
    """People of a region by age, sex and locality; they add up to its population."""
    rng = Random(f"ages {region}")
    tilt = [
        1 + 0.1 * (rng.random() - 0.5) + 0.004 * (year - 2019) * (age - 8) / 8 for age in range(len(AGES))
    ]
    keys, weights = [], []
    for age, (weight, men) in enumerate(zip(AGE_WEIGHTS, MEN_WEIGHTS, strict=True)):
        for sex, of_sex in (("мужчины", men), ("женщины", 1 - men)):
            # the old live in villages more often
            town = urban if urban == 1 else urban - 0.006 * (age - 8)
            for locality, of_locality in (("городская местность", town), ("сельская местность", 1 - town)):
                keys.append((age, sex, locality))
                weights.append(weight * tilt[age] * of_sex * of_locality)
    return dict(zip(keys, split(populations()[region, year], weights), strict=True))


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


def _migration(years: range, by_country: bool) -> dict[str, str]:
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
    """People who came to a region, by flow; each flow is the sum of the flows below it."""
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
    """Net migration of the regions; what one region loses to the others, the others gain."""
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


# --- wages of a month by activity: workbooks in the layouts as they are published

ACTIVITIES = {
    "Сельское, лесное и рыбное хозяйство": ("agriculture, forestry and fishery", 0.8),
    "растениеводство": ("crop production", 0.77),
    "Промышленность": ("industry", 1.05),
    "обрабатывающая промышленность": ("manufacturing", 1.04),
    "Информация и связь": ("information and communication", 2.4),
    "Образование": ("education", 0.7),
    "Здравоохранение и социальные услуги": ("health and social work activities", 0.86),
}
TITLE = (
    "Номинальная начисленная и реальная заработная плата", "работников Республики Беларусь",
    "по видам экономической деятельности",
)  # fmt: skip
WAGE = "Номинальная начисленная\nсреднемесячная\nзаработная плата,\nрублей"
REAL = "Реальная заработная\nплата,\u00a0в\u00a0процентах\nк\u00a0соответствующему\nпериоду предыдущего\nгода"
WAGE_BOTH = "Номинальная начисленная\nсредняя заработная\nплата, рублей / Nominal gross\naverage monthly earnings, BYN"
REAL_BOTH = (
    "Реальная заработная\nплата,\u00a0в\u00a0процентах к\nсоответствующему периоду\nпредыдущего года / Real\nearnings, as % of "
    "corresponding\nperiod  of previous year  "
)


def _wages_of_month() -> dict[str, bytes]:
    """August: texts with a decimal comma; September: formulas with their saved values; October: in two languages."""
    return {
        "workbooks/nach_sr_zarplata-2608.xlsx": _workbook("По видам эконом. деят.", "август", 2610.4, 2502.8, "text"),
        "workbooks/nach_sr_zarplata-2609.xlsx": _workbook("Лист1", "сентябрь", 2655.7, 2519.8, "formula"),
        "workbooks/nach_sr_zarplata-2610.xlsx": _workbook("Лист1", "Октябрь / October", 2702.3, None, "number"),
    }  # fmt: skip


def _workbook(sheet: str, month: str, total: float, to_date: float | None, written: str) -> bytes:
    rng = Random(f"belstat wages of {month}")
    both = to_date is None
    rows = [("Всего", "Total", total, to_date, 108.4)]
    for activity, (english, share) in ACTIVITIES.items():
        of_month = round(total * share * rng.uniform(0.98, 1.02), 1)
        rows.append(
            (
                activity,
                english,
                of_month,
                to_date and round(to_date * share, 1),
                round(rng.uniform(101, 112), 1),
            )
        )

    def write(book: Workbook, page: Worksheet) -> None:
        merged = book.add_format({"text_wrap": True})
        for row, text in enumerate(TITLE):
            page.write(row, 1, text)
        tops = [(WAGE_BOTH, [month]), (REAL_BOTH, [month])] if both else [
            (WAGE, [month, f"январь\u00a0– \n{month}"]), (REAL, [month, f"январь – \n{month}"]),
        ]  # fmt: skip
        column = 2
        for top, periods in tops:
            if len(periods) > 1:
                page.merge_range(4, column, 4, column + 1, top, merged)
            else:
                page.write(4, column, top)
            for period in periods:
                page.write(5, column, period)
                page.write(6, column, "2026 г.")
                column += 1
        for row, (activity, english, of_month, so_far, real) in enumerate(rows, start=7):
            page.write(row, 1, f"{activity} / {english}" if both else activity)
            figures = [of_month, real] if so_far is None else [of_month, so_far, real, real]
            for place, figure in enumerate(figures, start=2):
                if written == "text":
                    page.write_string(row, place, number(figure, 1) or "")
                elif written == "formula":
                    page.write_formula(row, place, f"={figure}*1", None, figure)
                else:
                    page.write_number(row, place, figure)

    return workbook(sheet, write)
