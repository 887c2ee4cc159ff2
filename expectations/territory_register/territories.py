"""What must hold of the list of territories.

A list is accepted only as a whole: a row in quarantine would be a territory that vanished, so no row may fail. Changes
compared with the list in force are reported; more than a few unannounced ends refuse it, since other data refer to them.
"""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe

from expectations.territory_register.codes import ANY, EAST, NORTH, SOUTH, WEST, code
from expectations.vocabulary import History, load, row

# How many districts and towns may be missing from a list although no change (changes.csv) announces their end.
MAY_END_UNANNOUNCED = 2
# By how many per cent the areas of an oblast's districts may differ from its own: their outlines differ by up to 0.7 %.
AREA_TOLERANCE_PCT = 2

CONTEXT = {
    "in_force": (
        "select territory_id, level, name_ru, name_be, parent_id from raw.territory_register__territories "
        "join ops.effective_load using (load_id)"
    ),
    "announced": (
        "select kind, territory_id, from_id, to_id, valid_from from raw.territory_register__changes "
        "join ops.effective_load using (load_id)"
    ),
    "ever_listed": (
        "select distinct territory_id from raw.territory_register__territories join ops.accepted_load using (load_id)"
    ),
    "referred_to": (
        "select distinct raion_id as territory_id, 'список городов' as by_what "
        "from raw.territory_register__town_districts join ops.effective_load using (load_id) "
        "union select distinct territory_id, 'численность населения' "
        "from raw.territory_register__population join ops.effective_load using (load_id) "
        "union select distinct feature_id, 'границы' "
        "from raw.territory_register__boundaries join ops.effective_load using (load_id)"
    ),
}

# those in the list in force that this one leaves out; whether their end was announced, and who refers to them
ENDED = """
    select
        in_force.territory_id,
        in_force.level,
        exists (
            select 1 from announced
            where announced.territory_id = in_force.territory_id and announced.kind in ('merge', 'split')
        ) as is_announced,
        in_force.name_ru || ' (' || in_force.territory_id || coalesce('; упоминает ' || (
            select string_agg(by_what, ', ' order by by_what) from referred_to
            where referred_to.territory_id = in_force.territory_id
        ), '') || ')' as description
    from in_force
    where in_force.territory_id not in (select territory_id from {batch} where territory_id is not null)
"""


def _reported_change(query: str, name: str, says: str, remedy: str) -> Any:
    """A change compared with the list in force: accepted, and reported by name."""
    return load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=query,
        severity="warning",
        name=name,
        dimension="consistency",
        says=says,
        remedy=remedy,
    )


SUITE: list[Any] = [
    *code("territory_id", ANY, "BY, BY-XX, r-… или c-…", mostly=1),
    row(
        gxe.ExpectColumnValuesToBeUnique,
        column="territory_id",
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
        name="lat_in_country",
        dimension="accuracy",
        says="Центр находится в Беларуси: широта от 51,25 до 56,19.",
        remedy="Исправьте координаты; проверьте, не переставлены ли широта и долгота.",
    ),
    row(
        gxe.ExpectColumnValuesToBeBetween,
        column="lon",
        min_value=WEST,
        max_value=EAST,
        name="lon_in_country",
        dimension="accuracy",
        says="Центр находится в Беларуси: долгота от 23,16 до 32,79.",
        remedy="Исправьте координаты; проверьте, не переставлены ли широта и долгота.",
    ),
    row(
        gxe.ExpectColumnValuesToBeBetween,
        column="area_km2",
        min_value=0,
        strict_min=True,
        max_value=210_000,
        name="area_possible",
        dimension="validity",
        says="Площадь больше 0 и не больше 210 000 км² (площадь страны).",
        remedy="Исправьте площадь; проверьте единицу (км², а не гектары).",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query="select row_no from {batch} where parse_errors is not null",
        name="all_rows_readable",
        dimension="validity",
        says="Все строки списка читаются: список принимается только целиком.",
        remedy="Исправьте значения по указанным образцам и передайте список снова.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select territory_id as description from {batch} where territory_id is not null and not case level "
            "when 'country' then territory_id = 'BY' "
            "when 'oblast' then territory_id in ('BY-BR', 'BY-VI', 'BY-HO', 'BY-HR', 'BY-HM', 'BY-MI', 'BY-MA') "
            "when 'raion' then territory_id like 'r-%' when 'city' then territory_id like 'c-%' else true end"
        ),
        name="code_fits_level",
        dimension="consistency",
        says="Код подходит к уровню: страна BY, области и г. Минск BY-XX (ISO 3166-2), районы r-…, города c-….",
        remedy="Исправьте код или уровень.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select units.territory_id as description from {batch} as units "
            "left join (select territory_id, level from {batch}) as above on units.parent_id = above.territory_id "
            "where case units.level when 'country' then units.parent_id is not null "
            "when 'oblast' then above.level is distinct from 'country' else above.level is distinct from 'oblast' end"
        ),
        name="parent_exists",
        dimension="consistency",
        says="Вышестоящая территория есть в этом же списке: у области страна, у района и города область, у страны никакой.",
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
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            f"select description from ({ENDED}) where level in ('country', 'oblast') or (not is_announced and "
            f"(select count(*) from ({ENDED}) where not is_announced) > {MAY_END_UNANNOUNCED}) "
            "order by level in ('country', 'oblast') desc, territory_id"
        ),
        name="list_whole",
        dimension="completeness",
        says=(
            "Страна, области и г. Минск остаются в списке; районов и городов, о конце которых ничего не сказано, "
            f"пропадает не больше {MAY_END_UNANNOUNCED}. Пропали:"
        ),
        remedy=(
            "Передайте список целиком. Если территории объединены или разделены, сначала передайте changes.csv "
            "с этими изменениями."
        ),
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select regions.territory_id as description from {batch} as regions left join {batch} as districts "
            "on districts.parent_id = regions.territory_id and districts.level = 'raion' "
            "where regions.level = 'oblast' and regions.territory_id <> 'BY-HM' "
            "and (select count(*) from in_force) = 0 group by regions.territory_id, regions.area_km2 "
            "having abs(coalesce(sum(districts.area_km2), 0) - regions.area_km2) "
            f"> regions.area_km2 * {AREA_TOLERANCE_PCT} / 100"
        ),
        name="first_list_whole",
        dimension="completeness",
        says=(
            "В первом списке районы составляют свою область: сумма их площадей отличается от площади области не больше "
            f"чем на {AREA_TOLERANCE_PCT} %. Не составляют:"
        ),
        remedy="Передайте список со всеми районами; проверьте площади.",
    ),
    _reported_change(
        f"select description from ({ENDED}) order by territory_id",
        "territories_ended",
        "В новом списке есть все прежние территории. Больше нет в реестре:",
        (
            "Если так и есть, делать ничего не надо: прошлые значения остаются, территория заканчивается днём перед "
            "получением списка. День и преемника можно сообщить в changes.csv."
        ),
    ),
    _reported_change(
        (
            "select name_ru || ' (' || territory_id || ')' as description from {batch} "
            "where (select count(*) from in_force) > 0 and territory_id not in (select territory_id from in_force) "
            "order by territory_id"
        ),
        "territories_new",
        "В новом списке нет новых территорий. Появились:",
        "Если так и есть, делать ничего не надо. День и прежнюю территорию можно сообщить в changes.csv.",
    ),
    _reported_change(
        (
            "select units.name_ru || ' (' || units.territory_id || '): теперь в ' || units.parent_id || ', прежде в ' "
            "|| in_force.parent_id as description from {batch} as units join in_force using (territory_id) "
            "where units.parent_id <> in_force.parent_id order by units.territory_id"
        ),
        "territories_moved",
        "Территории остались в прежних областях. Перешли:",
        (
            "Если так и есть, делать ничего не надо: до дня получения списка территория считается в прежней области. "
            "Другой день можно сообщить в changes.csv."
        ),
    ),
    _reported_change(
        (
            "select units.territory_id || ': «' || units.name_ru || '», прежде «' || in_force.name_ru || '»' as description "
            "from {batch} as units join in_force using (territory_id) "
            "where units.name_ru <> in_force.name_ru or units.name_be <> in_force.name_be order by units.territory_id"
        ),
        "territories_renamed",
        "Названия остались прежними. Изменились:",
        "Если так и есть, делать ничего не надо: код прежний, ряды продолжаются.",
    ),
    _reported_change(
        (
            "select kind || ': ' || code as description "
            "from (select kind, unnest([territory_id, from_id, to_id]) as code from announced) "
            "where code is not null and code not in (select territory_id from {batch} where territory_id is not null) "
            "and code not in (select territory_id from ever_listed) order by code"
        ),
        "changes_name_listed",
        "Территории из changes.csv есть в этом или в прежних списках. Неизвестны:",
        "Исправьте коды в changes.csv или передайте список с этими территориями.",
    ),
]

HISTORY = History(
    key=("territory_id",),
    by=("territory_id",),
    shares={"уровень": "level"},
    quantities={"площадь, км²": "area_km2"},
    counted=False,
    least=0,
)
