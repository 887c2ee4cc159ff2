"""What must hold for every answer of the portal, whatever its table."""

from __future__ import annotations

import csv
from typing import Any

import great_expectations.expectations as gxe

from expectations.declared import number
from expectations.vocabulary import load, row, rule
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

# Thousands are published with a decimal, persons never are.
WHOLE_PERSONS = rule(
    "value = trunc(value)",
    columns=["value"],
    name="persons_whole",
    dimension="validity",
    says="Значение – целое число человек.",
    remedy="Запросите таблицу в человеках, а не в тысячах.",
)


def known_names() -> list[str]:
    """The names that Belstat's answers use, from the list of names."""
    with NAMES.open(encoding="utf-8", newline="") as stream:
        return [line["name"] for line in csv.DictReader(stream) if line["source"] == "belstat"]


def rows_of_an_answer(dimensions: list[str], mostly: float = 0.9) -> list[Any]:
    """Common to all tables: known territories, years, one value for each cell, at least one value.

    ``mostly`` is 1 where figures are sums of cells, so that none of them may go to quarantine.
    """
    return [
        row(
            gxe.ExpectColumnValuesToBeInSet,
            column="territory",
            value_set=known_names(),
            mostly=mostly,
            name="territory_known",
            dimension="validity",
            says="Территория названа, как в справочнике названий (районы без слова «район», города с «г. »).",
            remedy="Исправьте название; новую территорию сначала внесите в assets/territories/names.csv.",
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
            mostly=mostly,
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
    """Cells selected by ``where`` whose seven regions do not add up to the country."""
    cell = ", ".join(["period", *dimensions])
    country = "max(value) filter (where territory_level = 0)"
    regions = "filter (where territory_level = 1)"
    return (
        f"select {cell}, {country} as of_country, sum(value) {regions} as of_regions "
        f"from {{batch}} where territory_level in (0, 1) and {where} group by {cell} "
        f"having count(value) {regions} = 7 and {country} <> sum(value) {regions}"
    )


def totals_present(total: str) -> Any:
    """Each territory and year has a row with the total of every dimension, from which figures are made."""
    return load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select territory || ', ' || period as description from {batch} group by territory, period "
            f"having count(*) filter (where {total}) = 0"
        ),
        name="totals_present",
        dimension="completeness",
        says="По каждой территории и году есть итог по всем разрезам.",
        remedy="Запросите таблицу с итогом каждого разреза. Если портал назвал итог по-новому, название сначала вносят в "
        "описание источника.",
    )


def neighbours(feed: str) -> dict[str, str]:
    """``CONTEXT`` of a suite with :func:`growth`: the years in force of the country and the regions."""
    return {
        "in_force": "select period, territory, territory_level, value "
        f"from raw.belstat__{feed} join ops.effective_load using (load_id) where territory_level < 2"
    }


def growth(
    lowest: float, highest: float, *, value: str = "value", odd: dict[str, float] | None = None
) -> Any:
    """From one year to the next, the country and each region grow by a plausible factor.

    ``odd`` holds a greater ``highest`` for single years. The first and last years are compared with those in force.
    """
    upper = " ".join(f"when '{year}' then {factor}" for year, factor in (odd or {}).items())
    highest_of_year = f"case period {upper} else {highest} end" if upper else str(highest)
    return load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select territory || ', ' || before || '–' || period || ': в ' || round(grown, 3) || ' раза' as description from ("
            "select territory, period, given, lag(given) over years as given_before, "
            "lag(period) over years as before, value / nullif(lag(value) over years, 0) as grown from ("
            f"select territory, period, true as given, {value} as value from {{batch}} "
            "where territory_level < 2 and value is not null union all "
            f"select territory, period, false, {value} from in_force where value is not null "
            "and period not in (select period from {batch})"
            ") as figures window years as (partition by territory order by period)) as growing "
            "where (given or given_before) and try_cast(period as integer) = try_cast(before as integer) + 1 "
            f"and not grown between {lowest} and {highest_of_year}"
        ),
        name="growth_possible",
        dimension="consistency",
        says=f"За год значение страны и области меняется не меньше чем в {number(lowest)} и не больше чем в "
        f"{number(highest)} раза.",
        remedy="Проверьте единицу измерения и год значения.",
    )
