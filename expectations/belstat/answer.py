"""What holds of every answer of the portal, whatever its table."""

from __future__ import annotations

import csv
from typing import Any

import great_expectations.expectations as gxe

from expectations.vocabulary import load, row
from pipelines.settings import PROJECT

NAMES = PROJECT / "assets" / "territories" / "names.csv"
COUNTRY = "Республика Беларусь"
REGIONS = [
    "Брестская область",
    "Витебская область",
    "Гомельская область",
    "Гродненская область",
    "г. Минск",
    "Минская область",
    "Могилевская область",
]


def known_names() -> list[str]:
    """The names that Belstat's answers use, from the list of names."""
    with NAMES.open(encoding="utf-8", newline="") as stream:
        return [line["name"] for line in csv.DictReader(stream) if line["source"] == "belstat"]


def rows_of_an_answer(levels: list[int], dimensions: list[str]) -> list[Any]:
    """What tables share: known territories of ``levels``, years, one value a cell, some value at all."""
    return [
        row(
            gxe.ExpectColumnValuesToBeInSet,
            column="territory",
            value_set=known_names(),
            mostly=0.9,
            name="territory_known",
            dimension="validity",
            says="Территория названа, как в справочнике названий (районы без слова «район», города с «г. »).",
            remedy="Исправьте название; новую территорию сначала внесите в assets/territories/names.csv.",
        ),
        row(
            gxe.ExpectColumnValuesToBeInSet,
            column="territory_level",
            value_set=levels,
            name="level_expected",
            dimension="consistency",
            says=f"Уровень территории: {', '.join(map(str, levels))} (0 страна, 1 область, 2 район).",
            remedy="Запросите таблицу с теми же уровнями территорий, что и прежде.",
        ),
        row(
            gxe.ExpectColumnValuesToMatchRegex,
            column="period",
            regex="^(19|20)[0-9]{2}$",
            name="period_is_year",
            dimension="validity",
            says="Период – год из четырёх цифр, от 1900 до 2099.",
            remedy="Запросите годовые данные.",
        ),
        row(
            gxe.ExpectCompoundColumnsToBeUnique,
            column_list=["territory", *dimensions, "period"],
            mostly=0.9,
            name="cell_unique",
            dimension="uniqueness",
            says="Для территории, разреза и года есть только одно значение.",
            remedy="Уберите повторную строку: в справочнике портала есть двойники с пробелом на конце.",
        ),
        load(
            gxe.UnexpectedRowsExpectation,
            unexpected_rows_query="select count(*) as cells from {batch} having count(value) = 0",
            name="some_value_published",
            dimension="completeness",
            says="В таблице есть хотя бы одно значение.",
            remedy="Проверьте единицу измерения в запросе: с чужой единицей портал отдаёт пустую таблицу.",
        ),
    ]


def regions_present(territories: list[str]) -> Any:
    """Each of ``territories`` has a row."""
    return load(
        gxe.ExpectColumnDistinctValuesToContainSet,
        column="territory",
        value_set=territories,
        name="regions_present",
        dimension="completeness",
        says="В таблице есть все области и г. Минск (и страна, если таблица её содержит).",
        remedy="Запросите таблицу по всем областям, г. Минску и стране.",
    )


def regions_add_up(dimensions: list[str]) -> Any:
    """Where the country and all seven regions have a value, the regions' sum is the country's."""
    return load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=regions_differ_query(dimensions),
        name="regions_add_up",
        dimension="consistency",
        says="Сумма по областям и г. Минску равна значению по стране.",
        remedy="Запросите таблицу заново; если расхождение остаётся, сообщите Белстату.",
    )


def regions_differ_query(dimensions: list[str], where: str = "true") -> str:
    """Cells, of those that ``where`` takes, whose seven regions do not add up to the country."""
    cell = ", ".join(["period", *dimensions])
    country = "max(value) filter (where territory_level = 0)"
    regions = "filter (where territory_level = 1)"
    return (
        f"select {cell}, {country} as of_country, sum(value) {regions} as of_regions "
        f"from {{batch}} where territory_level in (0, 1) and {where} group by {cell} "
        f"having count(value) {regions} = 7 and {country} <> sum(value) {regions}"
    )


def value_between(lowest: float, highest: float, says: str) -> Any:
    """Each published value lies within what can be."""
    return row(
        gxe.ExpectColumnValuesToBeBetween,
        column="value",
        min_value=lowest,
        max_value=highest,
        mostly=0.95,
        name="value_possible",
        dimension="validity",
        says=says,
        remedy="Проверьте значение и единицу измерения в запросе к порталу.",
    )
