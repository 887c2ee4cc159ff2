"""An invented country: the real names and codes of some territories, with made-up people.

Only the generator of the samples uses this; the product reads territories from the register.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

Point = tuple[float, float]
YEARS = range(2015, 2027)
MINSK_DISTRICT = "r-minski"


@dataclass(frozen=True)
class Region:
    """A region: ``people`` and ``yearly`` growth are invented; ``outline`` names nodes of :mod:`sandbox.samples.outlines`."""

    code: str
    name_ru: str
    name_be: str
    belstat: str
    people: int
    yearly: float
    urban: float
    outline: str


@dataclass(frozen=True)
class District:
    """A district; ``share`` of its region's people, with the town of oblast subordination in it."""

    code: str
    region: str
    adjective: str
    name_be: str
    share: float
    centre: Point

    @property
    def name_ru(self) -> str:
        """The name as in the register."""
        return f"{self.adjective} район"

    @property
    def belstat(self) -> str:
        """As in Belstat's answers: without the word for district, without ё."""
        return self.adjective.replace("ё", "е")


@dataclass(frozen=True)
class Town:
    """A town; ``share`` of its district's people; ``own``: of oblast subordination, beside its district."""

    code: str
    district: str
    name_ru: str
    name_be: str
    share: float
    centre: Point
    flags: str
    own: bool = False


REGIONS = (
    Region(
        "BY-BR",
        "Брестская область",
        "Брэсцкая вобласць",
        "Брестская область",
        1_230_000,
        -0.006,
        0.70,
        "BR0 BR1 BR2 BR3 BR4 S1 A1 A2 A3 A4 J1 B1 B2 J5 C1 S4 BR5 BR6 BR7 BR8",
    ),
    Region(
        "BY-VI",
        "Витебская область",
        "Віцебская вобласць",
        "Витебская область",
        1_010_000,
        -0.011,
        0.77,
        "S2 VI0 VI1 VI2 VI3 VI4 VI5 VI6 VI7 VI8 S3 D2 D1 J3 E4 E3 E2 E1 J2",
    ),
    Region(
        "BY-HO",
        "Гомельская область",
        "Гомельская вобласць",
        "Гомельская область",
        1_280_000,
        -0.008,
        0.76,
        "J5 F1 J4 G1 G2 G3 G4 S5 HO0 HO1 HO2 HO3 HO4 HO5 HO6 HO7 S4 C1",
    ),
    Region(
        "BY-HR",
        "Гродненская область",
        "Гродзенская вобласць",
        "Гродненская область",
        940_000,
        -0.007,
        0.75,
        "S1 HR0 HR1 HR2 HR3 HR4 HR5 HR6 S2 J2 H4 H3 H2 H1 J1 A4 A3 A2 A1",
    ),
    Region("BY-HM", "г. Минск", "г. Мінск", "г. Минск", 1_870_000, 0.002, 1.0, "M0 M1 M2 M3 M4 M5 M6 M7"),
    Region(
        "BY-MI",
        "Минская область",
        "Мінская вобласць",
        "Минская область",
        1_510_000,
        0.004,
        0.56,
        "J1 H1 H2 H3 H4 J2 E1 E2 E3 E4 J3 K1 K2 K3 K4 J4 F1 J5 B2 B1",
    ),
    Region(
        "BY-MA",
        "Могилёвская область",
        "Магілёўская вобласць",
        "Могилевская область",
        920_000,
        -0.010,
        0.79,
        "J3 D1 D2 S3 MA0 MA1 MA2 MA3 S5 G4 G3 G2 G1 J4 K4 K3 K2 K1",
    ),
)

DISTRICTS = (
    District("r-baranavicki", "BY-BR", "Барановичский", "Баранавіцкі", 0.23, (26.02, 53.13)),
    District("r-brescki", "BY-BR", "Брестский", "Брэсцкі", 0.40, (23.85, 52.10)),
    District("r-kobrynski", "BY-BR", "Кобринский", "Кобрынскі", 0.15, (24.36, 52.22)),
    District("r-pinski", "BY-BR", "Пинский", "Пінскі", 0.22, (26.09, 52.12)),
    District("r-hlybocki", "BY-VI", "Глубокский", "Глыбоцкі", 0.10, (27.69, 55.14)),
    District("r-arshanski", "BY-VI", "Оршанский", "Аршанскі", 0.20, (30.42, 54.60)),
    District("r-polacki", "BY-VI", "Полоцкий", "Полацкі", 0.26, (28.77, 55.49)),
    District("r-viciebski", "BY-VI", "Витебский", "Віцебскі", 0.44, (30.20, 55.19)),
    District("r-homielski", "BY-HO", "Гомельский", "Гомельскі", 0.55, (30.98, 52.43)),
    District("r-mazyrski", "BY-HO", "Мозырский", "Мазырскі", 0.18, (29.25, 52.05)),
    District("r-rechycki", "BY-HO", "Речицкий", "Рэчыцкі", 0.13, (30.39, 52.36)),
    District("r-zhlobinski", "BY-HO", "Жлобинский", "Жлобінскі", 0.14, (30.03, 52.89)),
    District("r-hrodzienski", "BY-HR", "Гродненский", "Гродзенскі", 0.54, (23.85, 53.68)),
    District("r-lidski", "BY-HR", "Лидский", "Лідскі", 0.20, (25.30, 53.89)),
    District("r-navahrudski", "BY-HR", "Новогрудский", "Навагрудскі", 0.11, (25.83, 53.60)),
    District("r-slonimski", "BY-HR", "Слонимский", "Слонімскі", 0.15, (25.32, 53.09)),
    District("r-barysauski", "BY-MI", "Борисовский", "Барысаўскі", 0.19, (28.51, 54.23)),
    District("r-maladziechanski", "BY-MI", "Молодечненский", "Маладзечанскі", 0.15,
             (26.85, 54.31)),
    District("r-minski", "BY-MI", "Минский", "Мінскі", 0.33, (27.56, 53.90)),
    District("r-salihorski", "BY-MI", "Солигорский", "Салігорскі", 0.19, (27.54, 52.79)),
    District("r-smalavicki", "BY-MI", "Смолевичский", "Смалявіцкі", 0.14, (28.10, 54.03)),
    District("r-asipovicki", "BY-MA", "Осиповичский", "Асіповіцкі", 0.08, (28.65, 53.30)),
    District("r-babrujski", "BY-MA", "Бобруйский", "Бабруйскі", 0.30, (29.22, 53.14)),
    District("r-horacki", "BY-MA", "Горецкий", "Горацкі", 0.09, (30.98, 54.29)),
    District("r-mahilouski", "BY-MA", "Могилёвский", "Магілёўскі", 0.53, (30.34, 53.91)),
)  # fmt: skip

OBL_CENTRE = "oblCenter|oblCity|raionCenter|top7"
OBL_TOWN = "oblCity|raionCenter"
CENTRE = "raionCenter"
TOWNS = (
    Town("c-minsk", "", "Минск", "Мінск", 1.0, (27.56, 53.90), "oblCenter|top7"),
    Town("c-baranavichy", "r-baranavicki", "Барановичи", "Баранавічы", 0.83, (26.01, 53.13), OBL_TOWN, True),
    Town("c-brest", "r-brescki", "Брест", "Брэст", 0.88, (23.72, 52.11), OBL_CENTRE, True),
    Town("c-kobryn", "r-kobrynski", "Кобрин", "Кобрын", 0.62, (24.36, 52.21), CENTRE),
    Town("c-pinsk", "r-pinski", "Пинск", "Пінск", 0.75, (26.07, 52.12), OBL_TOWN, True),
    Town("c-hlybokaje", "r-hlybocki", "Глубокое", "Глыбокае", 0.55, (27.69, 55.14), CENTRE),
    Town("c-navapolack", "r-polacki", "Новополоцк", "Наваполацк", 0.43, (28.64, 55.53), "oblCity", True),
    Town("c-orsha", "r-arshanski", "Орша", "Орша", 0.72, (30.41, 54.51), OBL_TOWN),
    Town("c-polack", "r-polacki", "Полоцк", "Полацк", 0.38, (28.79, 55.49), OBL_TOWN),
    Town("c-viciebsk", "r-viciebski", "Витебск", "Віцебск", 0.89, (30.20, 55.19), OBL_CENTRE, True),
    Town("c-homiel", "r-homielski", "Гомель", "Гомель", 0.87, (30.98, 52.43), OBL_CENTRE, True),
    Town("c-mazyr", "r-mazyrski", "Мозырь", "Мазыр", 0.78, (29.25, 52.05), CENTRE),
    Town("c-rechyca", "r-rechycki", "Речица", "Рэчыца", 0.68, (30.39, 52.36), CENTRE),
    Town("c-zhlobin", "r-zhlobinski", "Жлобин", "Жлобін", 0.74, (30.03, 52.89), CENTRE),
    Town("c-hrodna", "r-hrodzienski", "Гродно", "Гродна", 0.86, (23.83, 53.68), OBL_CENTRE, True),
    Town("c-lida", "r-lidski", "Лида", "Ліда", 0.76, (25.30, 53.89), CENTRE),
    Town("c-navahrudak", "r-navahrudski", "Новогрудок", "Навагрудак", 0.66, (25.83, 53.60), CENTRE),
    Town("c-slonim", "r-slonimski", "Слоним", "Слонім", 0.77, (25.32, 53.09), CENTRE),
    Town("c-barysau", "r-barysauski", "Борисов", "Барысаў", 0.77, (28.51, 54.23), CENTRE),
    Town("c-maladziechna", "r-maladziechanski", "Молодечно", "Маладзечна", 0.71, (26.85, 54.31), CENTRE),
    Town("c-salihorsk", "r-salihorski", "Солигорск", "Салігорск", 0.75, (27.54, 52.79), CENTRE),
    Town("c-smalavichy", "r-smalavicki", "Смолевичи", "Смалявічы", 0.17, (28.09, 54.03), CENTRE),
    Town("c-zhodzina", "r-smalavicki", "Жодино", "Жодзіна", 0.58, (28.33, 54.10), "oblCity", True),
    Town("c-asipovichy", "r-asipovicki", "Осиповичи", "Асіповічы", 0.66, (28.64, 53.30), CENTRE),
    Town("c-babrujsk", "r-babrujski", "Бобруйск", "Бабруйск", 0.92, (29.22, 53.14), f"{OBL_TOWN}|top7", True),
    Town("c-horki", "r-horacki", "Горки", "Горкі", 0.72, (30.98, 54.29), CENTRE),
    Town("c-mahilou", "r-mahilouski", "Могилёв", "Магілёў", 0.90, (30.34, 53.91), OBL_CENTRE, True),
)  # fmt: skip


def split(total: int, weights: list[float]) -> list[int]:
    """Whole numbers in the proportion of ``weights`` that add up to ``total`` (largest remainders)."""
    exact = [total * weight / sum(weights) for weight in weights]
    parts = [math.floor(value) for value in exact]
    order = sorted(range(len(parts)), key=lambda index: (parts[index] - exact[index], index))
    for index in order[: total - sum(parts)]:
        parts[index] += 1
    return parts


def populations() -> dict[tuple[str, int], int]:
    """People by territory and year: districts add up to regions, regions to the country."""
    people: dict[tuple[str, int], int] = {}
    rng = Random("populations")
    for region in REGIONS:
        for year in YEARS:
            wobble = 1 + (rng.random() - 0.5) * 0.002
            total = round(region.people * (1 + region.yearly) ** (year - YEARS[0]) * wobble)
            people[region.code, year] = total
            own = [district for district in DISTRICTS if district.region == region.code]
            for district, part in zip(
                own, split(total, [one.share for one in own]) if own else [], strict=True
            ):
                people[district.code, year] = part
    for year in YEARS:
        people["BY", year] = sum(people[region.code, year] for region in REGIONS)
        for town in TOWNS:
            within = people[town.district or "BY-HM", year]
            people[town.code, year] = round(within * town.share)
    return people


def region_of(district: str) -> str:
    """The region of a district; Minsk is its own."""
    return next((one.region for one in DISTRICTS if one.code == district), "BY-HM")
