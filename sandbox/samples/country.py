"""An invented country: the real names and codes of some territories, with made-up people and coarse outlines.

Only the generator of the samples uses this; the product reads territories from the register.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from random import Random

Point = tuple[float, float]
YEARS = range(2015, 2027)
MINSK_DISTRICT = "r-minski"


@dataclass(frozen=True)
class Region:
    """A region: ``people`` and ``yearly`` growth are invented; ``outline`` names nodes of :data:`NODES`."""

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

# Nodes of the outlines, drawn by hand: degrees, longitude first. Neighbours share nodes, so nothing overlaps.
NODES: dict[str, Point] = {
    "BR0": (23.60, 51.52),
    "BR1": (23.68, 52.08),
    "BR2": (23.20, 52.28),
    "BR3": (23.62, 52.60),
    "BR4": (23.94, 52.68),
    "S1": (23.92, 52.78),
    "A1": (24.50, 52.80),
    "A2": (25.10, 52.86),
    "A3": (25.62, 52.98),
    "A4": (26.00, 53.34),
    "J1": (26.30, 53.36),
    "B1": (26.60, 53.02),
    "B2": (26.90, 52.75),
    "J5": (27.30, 52.46),
    "C1": (27.38, 52.00),
    "S4": (27.72, 51.56),
    "BR5": (27.20, 51.74),
    "BR6": (26.40, 51.84),
    "BR7": (25.30, 51.92),
    "BR8": (24.30, 51.74),
    "S2": (26.16, 55.04),
    "VI0": (26.60, 55.32),
    "VI1": (26.58, 55.68),
    "VI2": (27.60, 55.80),
    "VI3": (28.20, 56.13),
    "VI4": (29.40, 55.76),
    "VI5": (30.20, 55.84),
    "VI6": (30.90, 55.58),
    "VI7": (30.92, 55.02),
    "VI8": (30.80, 54.80),
    "S3": (31.10, 54.62),
    "D2": (30.60, 54.42),
    "D1": (30.00, 54.40),
    "J3": (29.40, 54.34),
    "E4": (29.20, 54.46),
    "E3": (28.70, 54.62),
    "E2": (28.00, 54.68),
    "E1": (27.20, 54.98),
    "J2": (26.30, 54.90),
    "F1": (27.90, 52.56),
    "J4": (28.30, 52.74),
    "G1": (29.00, 52.76),
    "G2": (29.50, 52.92),
    "G3": (30.10, 53.20),
    "G4": (30.80, 53.18),
    "S5": (31.40, 53.20),
    "HO0": (31.34, 53.00),
    "HO1": (31.56, 52.84),
    "HO2": (31.78, 52.12),
    "HO3": (30.96, 52.06),
    "HO4": (30.58, 51.34),
    "HO5": (29.30, 51.42),
    "HO6": (28.60, 51.56),
    "HO7": (28.10, 51.60),
    "HR0": (23.60, 53.50),
    "HR1": (23.54, 53.94),
    "HR2": (24.30, 53.92),
    "HR3": (25.20, 54.24),
    "HR4": (25.60, 54.16),
    "HR5": (25.74, 54.78),
    "HR6": (25.90, 54.94),
    "H4": (26.22, 54.64),
    "H3": (26.30, 54.38),
    "H2": (26.20, 54.02),
    "H1": (26.40, 53.70),
    "K1": (29.20, 53.92),
    "K2": (28.70, 53.60),
    "K3": (28.34, 53.40),
    "K4": (28.10, 53.02),
    "MA0": (31.32, 54.22),
    "MA1": (31.80, 53.80),
    "MA2": (32.66, 53.44),
    "MA3": (32.20, 53.12),
    "M0": (27.40, 53.90),
    "M1": (27.44, 53.96),
    "M2": (27.56, 53.98),
    "M3": (27.68, 53.96),
    "M4": (27.72, 53.90),
    "M5": (27.68, 53.84),
    "M6": (27.56, 53.82),
    "M7": (27.44, 53.84),
}

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


def outline(region: Region) -> list[Point]:
    """The region's ring, closed. Minsk oblast has Minsk as a hole: see :func:`rings`."""
    nodes = [NODES[name] for name in region.outline.split()]
    return [*nodes, nodes[0]]


def rings(region: Region) -> list[list[Point]]:
    """Outer ring and holes."""
    if region.code != "BY-MI":
        return [outline(region)]
    minsk = next(other for other in REGIONS if other.code == "BY-HM")
    return [outline(region), outline(minsk)[::-1]]


def area_km2(rings_: list[list[Point]]) -> float:
    """Area of a polygon in degrees: the shoelace formula on an equirectangular plane (111.32 km a degree)."""
    return round(abs(_shoelace(rings_[0])) - sum(abs(_shoelace(hole)) for hole in rings_[1:]), 1)


def _shoelace(ring: list[Point]) -> float:
    scale = 111.32 * math.cos(math.radians(sum(lat for _, lat in ring) / len(ring))) * 111.32
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(ring)) / 2 * scale


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
