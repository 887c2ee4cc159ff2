"""What must hold of the list of territories."""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe

from expectations.territory_register.codes import ANY, EAST, NORTH, SOUTH, WEST, code
from expectations.vocabulary import load, row

SUITE: list[Any] = [
    *code("territory_id", ANY, "BY, BY-XX, r-… или c-…"),
    row(
        gxe.ExpectColumnValuesToBeUnique,
        column="territory_id",
        mostly=0.99,
        name="territory_unique",
        dimension="uniqueness",
        says="Код территории не повторяется.",
        remedy="Уберите повторную строку.",
    ),
    row(
        gxe.ExpectColumnValuesToBeInSet,
        column="level",
        value_set=["country", "oblast", "raion", "city"],
        name="level_known",
        dimension="validity",
        says="Уровень – country, oblast, raion или city.",
        remedy="Исправьте уровень территории.",
    ),
    row(
        gxe.ExpectColumnValuesToNotBeNull,
        column="name_ru",
        name="name_ru_given",
        dimension="completeness",
        says="У территории есть название на русском языке.",
        remedy="Впишите название.",
    ),
    row(
        gxe.ExpectColumnValuesToNotBeNull,
        column="name_be",
        name="name_be_given",
        dimension="completeness",
        says="У территории есть название на белорусском языке.",
        remedy="Впишите название.",
    ),
    row(
        gxe.ExpectColumnValuesToMatchRegex,
        column="name_be",
        regex=r"^[ЁІЎА-Яёіўа-я'’ .-]+$",
        severity="warning",
        mostly=0.9,
        name="name_be_cyrillic",
        dimension="validity",
        says="Белорусское название – только буквы кириллицы (не латинская i вместо і), пробел, точка, дефис, апостроф.",
        remedy="Перепишите название кириллицей.",
    ),
    row(
        gxe.ExpectColumnValuesToBeBetween,
        column="lat",
        min_value=SOUTH,
        max_value=NORTH,
        mostly=0.98,
        name="lat_in_country",
        dimension="accuracy",
        says="Центр лежит в Беларуси: широта от 51,25 до 56,19.",
        remedy="Исправьте координаты; проверьте, не переставлены ли широта и долгота.",
    ),
    row(
        gxe.ExpectColumnValuesToBeBetween,
        column="lon",
        min_value=WEST,
        max_value=EAST,
        mostly=0.98,
        name="lon_in_country",
        dimension="accuracy",
        says="Центр лежит в Беларуси: долгота от 23,16 до 32,79.",
        remedy="Исправьте координаты; проверьте, не переставлены ли широта и долгота.",
    ),
    row(
        gxe.ExpectColumnValuesToBeBetween,
        column="area_km2",
        min_value=0,
        strict_min=True,
        max_value=210_000,
        mostly=0.98,
        name="area_possible",
        dimension="validity",
        says="Площадь больше 0 и не больше 210 000 км² (площадь страны).",
        remedy="Исправьте площадь; проверьте единицу (км², а не гектары).",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select territory_id, parent_id from {batch} where level <> 'country' and (parent_id is null "
            "or parent_id not in (select territory_id from {batch} where level in ('country', 'oblast')))"
        ),
        name="parent_exists",
        dimension="consistency",
        says="Вышестоящая территория есть в этом же списке: у области страна, у района и города область.",
        remedy="Исправьте код вышестоящей территории или добавьте её строку.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select count(*) filter (where level = 'country') as countries, "
            "count(*) filter (where level = 'oblast') as regions from {batch} "
            "having count(*) filter (where level = 'country') <> 1 "
            "or count(*) filter (where level = 'oblast') <> 7"
        ),
        name="one_country_seven_regions",
        dimension="completeness",
        says="В списке одна страна и семь регионов: шесть областей и г. Минск.",
        remedy="Передайте список целиком.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select sum(area_km2) filter (where level = 'country') as country, "
            "sum(area_km2) filter (where level = 'oblast') as regions from {batch} "
            "having abs(sum(area_km2) filter (where level = 'country') - "
            "sum(area_km2) filter (where level = 'oblast')) > 1"
        ),
        severity="warning",
        name="areas_add_up",
        dimension="consistency",
        says="Сумма площадей регионов равна площади страны с точностью до 1 км².",
        remedy="Проверьте площади регионов.",
    ),
]
