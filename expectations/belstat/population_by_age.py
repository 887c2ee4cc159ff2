"""What must hold of an answer with population by age and sex: totals are listed beside their parts and are their sums."""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe

from expectations.belstat.answer import (
    COUNTRY,
    REGIONS,
    WHOLE_PERSONS,
    regions_add_up,
    regions_present,
    rows_of_an_answer,
    totals_present,
)
from expectations.vocabulary import History, load, row

AGES = [*(f"в возрасте {low}-{low + 4} лет" for low in range(0, 80, 5)), "в возрасте 80 лет и старше"]
BOTH, MEN, WOMEN = "Оба пола", "мужчины", "женщины"
ANYWHERE, URBAN, RURAL = "Всего по типам местности", "городская местность", "сельская местность"


def _parts_add_up(column: str, total: str, parts: list[str], others: list[str]) -> str:
    """Rows where the total of ``column`` is not the sum of its parts; a missing part counts as 0."""
    key = ", ".join(["territory", "period", *others])
    listed = ", ".join(f"'{part}'" for part in parts)
    return (
        f"select {key}, max(value) filter (where {column} = '{total}') as total, "
        f"sum(value) filter (where {column} in ({listed})) as parts from {{batch}} group by {key} "
        f"having max(value) filter (where {column} = '{total}') <> "
        f"sum(value) filter (where {column} in ({listed}))"
    )


SUITE: list[Any] = [
    *rows_of_an_answer(dimensions=["age", "sex", "locality"], mostly=1),
    WHOLE_PERSONS,
    totals_present(f"sex = '{BOTH}' and locality = '{ANYWHERE}'"),
    row(
        gxe.ExpectColumnValuesToBeInSet,
        column="age",
        value_set=AGES,
        name="age_known",
        dimension="validity",
        says="Возраст – одна из 17 пятилетних групп, последняя – 80 лет и старше.",
        remedy="Запросите таблицу по пятилетним возрастным группам.",
    ),
    row(
        gxe.ExpectColumnValuesToBeInSet,
        column="sex",
        value_set=[BOTH, MEN, WOMEN],
        name="sex_known",
        dimension="validity",
        says=f"Пол – одно из: {BOTH}, {MEN}, {WOMEN}.",
        remedy="Запросите таблицу с разрезом по полу.",
    ),
    row(
        gxe.ExpectColumnValuesToBeInSet,
        column="locality",
        value_set=[ANYWHERE, URBAN, RURAL],
        name="locality_known",
        dimension="validity",
        says=f"Тип местности – одно из: {ANYWHERE}, {URBAN}, {RURAL}.",
        remedy="Запросите таблицу с разрезом по типу местности.",
    ),
    load(
        gxe.ExpectColumnDistinctValuesToContainSet,
        column="age",
        value_set=AGES,
        name="ages_complete",
        dimension="completeness",
        says="В таблице есть все 17 возрастных групп.",
        remedy="Запросите таблицу по всем пятилетним группам.",
    ),
    regions_present([COUNTRY, *REGIONS]),
    regions_add_up(["age", "sex", "locality"]),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=_parts_add_up("sex", BOTH, [MEN, WOMEN], ["age", "locality"]),
        name="sexes_add_up",
        dimension="consistency",
        says="Мужчины и женщины вместе дают значение «Оба пола».",
        remedy="Запросите таблицу заново; если расхождение остаётся, сообщите Белстату.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=_parts_add_up("locality", ANYWHERE, [URBAN, RURAL], ["age", "sex"]),
        name="localities_add_up",
        dimension="consistency",
        says="Городская и сельская местность вместе дают значение «Всего по типам местности».",
        remedy="Запросите таблицу заново; если расхождение остаётся, сообщите Белстату.",
    ),
]

HISTORY = History(
    key=("territory", "age", "sex", "locality", "period"),
    by=("territory", "age", "sex", "locality"),
    period="period",
    quantities={"человек": "value"},
)
