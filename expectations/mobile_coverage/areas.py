"""What must hold of covered area and people by unit. Broken and unknown areas are refused by the reader, with their number."""

from typing import Any

import great_expectations.expectations as gxe

from expectations.vocabulary import History, between, code, in_set, load, required, unique

SUITE: list[Any] = [
    required("zone", mostly=1),
    code("zone", "[1-7][0-9]{9}", like="6208501000", mostly=1),
    required("technology", mostly=1),
    in_set("technology", ["LTE", "5G"], mostly=1),
    required("operator", mostly=1),
    code("operator", "_T|[a-z][a-z0-9_]*", like="becloud", mostly=1),
    unique(
        ["zone", "technology", "operator"], says="На единицу, технологию и оператора одна строка.", mostly=1
    ),
    # coverage above 100 % cannot be
    between("covered_km2", 0, "zone_km2", limits="от 0 до площади единицы", mostly=1),
    between("covered_people", 0, "zone_people", limits="от 0 до числа жителей единицы", mostly=1),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select technology as description from {batch} where operator = '_T' group by technology "
            "having sum(covered_km2) = 0 order by technology"
        ),
        name="technologies_present",
        dimension="completeness",
        severity="warning",
        says="У каждой технологии есть зоны покрытия. Нет у:",
        remedy="Если этой сети ещё нет, делать ничего не надо; иначе передайте слой всех технологий.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select lte.zone as description from {batch} as lte join {batch} as nr using (zone, operator) "
            "where lte.technology = 'LTE' and nr.technology = '5G' and operator = '_T' "
            "and nr.covered_km2 > lte.covered_km2 order by lte.zone"
        ),
        name="nr_within_lte",
        dimension="consistency",
        severity="warning",
        says="Зона 5G в единице не больше зоны LTE. Больше в:",
        remedy="Проверьте, не переставлены ли технологии и весь ли слой LTE передан.",
    ),
]

HISTORY = History(
    key=("zone", "technology", "operator"),
    by=("zone", "technology", "operator"),
    quantities={"площадь покрытия, км²": "covered_km2"},
    figures_where="covered_km2 > 0",
    steady=True,
    counted=False,
    least=1,
)
