"""What must hold of a city's inputs: known codes, no negative figure, and no part greater than its whole.

Codes and units are those of the measures. Which input is part of which follows from the indicators: the numerator of a
percentage, where both sides are one input each.
"""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe

from expectations.vocabulary import History, in_set, load, required, rule, unique
from pipelines.declarations.indicator_catalogue import load_catalogue
from pipelines.sql import literal

# Classes of the U4SSC KPIs Verification Manual (2022), p. 163, in a working translation.
QUALITY = (
    "точные измерения",
    "экстраполяция опроса жителей",
    "экстраполяция данных более высокого уровня",
    "оценка по допущениям",
    "личная оценка",
    "методика неизвестна",
)
# Not parts of their whole: a household may have several subscriptions; losses and stores may exceed a year's figure.
MAY_EXCEED = {"fixed_broadband_subscriptions", "disaster_losses", "energy_storage_gj"}


def units() -> dict[str, str]:
    """Input → the unit in which it is asked for, in Russian."""
    return {
        code: measure.unit.ru
        for measure in load_catalogue().measures.values()
        if (measure.source, measure.feed) == ("city_statistics", "inputs")
        for code in measure.members
    }


def parts() -> dict[str, str]:
    """Input → the input that it is part of."""
    found = {}
    inputs = units()
    for indicator in load_catalogue().indicators.values():
        above, below = (
            [term.members[0] for side, term in indicator.terms if side == name and term.members[0] in inputs]
            for name in ("numerator", "denominator")
        )
        if indicator.unit.code == "PCT" and len(above) == len(below) == 1 and above[0] not in MAY_EXCEED:
            found[above[0]] = below[0]
    return found


UNITS = units()
LISTED = ", ".join(literal(f"{code}, {unit}") for code, unit in sorted(UNITS.items()))
PAIRS = ", ".join(f"({literal(part)}, {literal(whole)})" for part, whole in sorted(parts().items()))

SUITE: list[Any] = [
    required("input", named="Код"),
    required("unit", named="Единица"),
    in_set("input", sorted(UNITS), named="Код"),
    unique(["input"], says="Код встречается в таблице один раз."),
    rule(
        f"input || ', ' || unit in ({LISTED})",
        columns=["unit", "input"],
        name="unit_as_asked",
        dimension="consistency",
        says="Единица – та, что в форме.",
        remedy="Пересчитайте значение в единицу формы и оставьте её в столбце «Единица».",
    ),
    rule(
        "value >= 0",
        columns=["value"],
        name="value_not_negative",
        dimension="validity",
        says="Значение не отрицательное.",
        remedy="Проверьте число и знак.",
        mostly=0.95,
    ),
    rule(
        "value is null or quality is not null",
        columns=["value", "quality"],
        name="quality_given",
        dimension="completeness",
        says="У каждого значения указано качество данных.",
        remedy="Выберите класс качества из списка.",
        mostly=0.95,
    ),
    in_set("quality", QUALITY, named="Качество данных"),
    rule(
        "year = (select year(first_day)::varchar from delivery)",
        columns=["year"],
        name="year_is_named",
        dimension="consistency",
        says="Год в заголовке таблицы – тот, что в имени файла.",
        remedy="Переименуйте файл по образцу city-inputs-2025.xlsx, если год в таблице верный.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select part.input || ': ' || part.value || ' больше, чем ' || whole.input || ': ' || whole.value as description "
            f"from (values {PAIRS}) as pairs (part, whole) "
            "inner join {batch} as part on part.input = pairs.part inner join {batch} as whole on whole.input = pairs.whole "
            "where part.value > whole.value"
        ),
        name="part_within_whole",
        dimension="consistency",
        says="Часть не больше целого: например, домашних хозяйств с доступом к Интернету не больше, чем всех.",
        remedy="Проверьте оба числа и их единицы.",
    ),
]  # fmt: skip

HISTORY = History(
    key=("input",),
    row=("input", "value"),
    by=("input",),
    quantities={"исходные данные": "value"},
    counted=False,
    steady=True,
    may_move=1.1,
)
