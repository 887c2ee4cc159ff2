"""Invented population by age, sex and locality, as the portal's answer."""

from __future__ import annotations

from random import Random

from sandbox.samples.belstat_table import COUNTRY, TERRITORY, Row, Value, answer
from sandbox.samples.country import REGIONS, populations, split

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


def ages_table(years: range) -> str:
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
            # older people live in villages more often
            town = urban if urban == 1 else urban - 0.006 * (age - 8)
            for locality, of_locality in (("городская местность", town), ("сельская местность", 1 - town)):
                keys.append((age, sex, locality))
                weights.append(weight * tilt[age] * of_sex * of_locality)
    return dict(zip(keys, split(populations()[region, year], weights), strict=True))
