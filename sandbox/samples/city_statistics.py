"""The sample of city statistics: a yearly workbook of two cities for international frameworks. No number is real."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from pipelines.declarations.indicator_catalogue import load_catalogue
from sandbox.samples.workbooks import workbook

YEAR = 2025
CITIES = {"brest": 340_000, "barysau": 140_000}
# What a city of a thousand has, where the default (of people) is far off.
PER_1000 = {
    "_km2": 0.4,
    "_km": 3.0,
    "_gj": 20_000,
    "_kwh": 2_000_000,
    "_t": 400,
    "_ha": 20,
    "_m2": 1_500,
    "_m3": 60_000,
}
MONEY = ("city_budget", "city_product", "household_income", "revenue_own")
FEW = (
    "deaths",
    "disaster",
    "crimes",
    "police",
    "firefighters",
    "physicians",
    "beds",
    "patents",
    "institutions",
    "stations",
)


def files() -> dict[str, bytes]:
    """Bytes by path within the sample's folder."""
    return {f"inputs/{city}/city-inputs-{YEAR}.xlsx": workbook("Данные", _written(city)) for city in CITIES}


def _names() -> dict[str, str]:
    measures = load_catalogue().measures.values()
    return {
        code: names.ru
        for measure in measures
        if measure.source == "city_statistics"
        for code, names in sorted(measure.members.items())
    }


def _written(city: str) -> Callable[[Workbook, Worksheet], None]:
    # the suite knows units and parts, from the declarations
    from expectations.city_statistics.inputs import QUALITY, parts, units

    def write(book: Workbook, page: Worksheet) -> None:  # noqa: ARG001
        names, unit_of = _names(), units()
        figures = _figures(city, parts(), unit_of)
        page.write(0, 0, f"Данные города для международных методик за {YEAR} год (вымышленные)")
        page.write_row(
            2, 0, ("Код", "Показатель", "Единица", "Значение", "Качество данных", "Источник данных")
        )
        for row, (code, name) in enumerate(names.items(), start=3):
            page.write_row(row, 0, (code, name, unit_of[code]))
            # one in twenty is not counted by the city
            if Random(f"city_statistics {city} {code}").random() < 0.05:
                page.write_row(row, 3, ("–", "–"))
            else:
                page.write_row(row, 3, (figures[code], QUALITY[len(code) % 3], "вымышлено"))
        page.write(len(names) + 4, 0, "Справочно: данные вымышлены")

    return write


def _figures(city: str, whole_of: dict[str, str], unit_of: dict[str, str]) -> dict[str, float]:
    made: dict[str, float] = {}

    def figure(code: str) -> float:
        if code not in made:
            rng = Random(f"city_statistics figure {city} {code}")
            amount = (
                figure(whole_of[code]) * rng.uniform(0.05, 0.95)
                if code in whole_of
                else CITIES[city] / 1000 * _of_1000(code) * rng.uniform(0.8, 1.2)
            )
            made[code] = round(amount, 0 if unit_of[code] in ("ед.", "человек") else 2)
        return made[code]

    for code in _names():
        figure(code)
    return made


def _of_1000(code: str) -> float:
    if code in MONEY:
        return 5_000_000
    if any(word in code for word in FEW):
        return 2
    return next((amount for ending, amount in PER_1000.items() if code.endswith(ending)), 350)
