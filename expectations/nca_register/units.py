"""What must hold of the register of territorial units; and what it and the declared territories disagree on, as warnings."""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe

from expectations.soato import declared
from expectations.vocabulary import History, code, in_set, load, required, row, rule, unique

CATEGORIES = [
    "область", "район", "город республиканского подчинения", "город областного подчинения", "город районного подчинения",
    "район в городе", "городской посёлок", "курортный посёлок", "рабочий посёлок", "сельсовет",
]  # fmt: skip
# by how many per cent an area may differ: the register's own from its outline, ours from the register's
OUTLINE_PCT = 2
DECLARED_PCT = 5

CONTEXT = {
    "declared": (
        "select codes.ref_area, codes.soato, listed.name_ru, coalesce(towns.admin_area_km2, listed.area_km2) as area_km2 "
        f"from (values {declared()}) as codes (ref_area, soato) "
        "left join (select territory_id, name_ru, area_km2 from raw.territory_register__territories "
        "join ops.effective_load using (load_id)) as listed on codes.ref_area = listed.territory_id "
        "left join (select city_id, admin_area_km2 from raw.territory_register__town_areas "
        "join ops.effective_load using (load_id)) as towns on codes.ref_area = towns.city_id"
    ),
    "changed": "select distinct soato from raw.nca_register__changes join ops.effective_load using (load_id)",
}


def _plain(name: str) -> str:
    """A name without its category, and ё as е: the register writes the category apart."""
    return f"replace(lower(regexp_replace({name}, '^г\\. ?| область$| район$', '')), 'ё', 'е')"


def _disagreement(query: str, name: str, says: str, remedy: str) -> Any:
    return load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=query,
        severity="warning",
        name=name,
        dimension="consistency",
        says=says,
        remedy=remedy,
    )


IN_FORCE = "(select * from {batch} where valid_to is null)"

SUITE: list[Any] = [
    required("unit_id", named="ID_ATE", mostly=1),
    required("soato", named="SOATO", mostly=1),
    code("soato", "[1-7][0-9]{9}", like="6208501000", named="SOATO", mostly=1),
    required("category", named="CATEGORY"),
    in_set("category", CATEGORIES, named="CATEGORY"),
    required("name_ru", named="NAME_RU"),
    required("valid_from", named="DATE_FROM"),
    unique(["soato", "valid_from"], says="Единица с одного дня записана один раз.", mostly=1),
    rule(
        "valid_to >= valid_from",
        columns=["valid_to"],
        name="ended_after_start",
        dimension="consistency",
        says="День окончания (DATE_TO) не раньше дня начала (DATE_FROM).",
        remedy="Исправьте даты.",
        mostly=0.95,
    ),
    rule(
        "valid_to is not null or geometry is not null",
        columns=["geometry"],
        name="geometry_given",
        dimension="completeness",
        says="У действующей единицы есть контур, и он без ошибок.",
        remedy="Добавьте контур или исправьте его: причина и место названы у строки.",
        mostly=0.95,
    ),
    row(
        gxe.ExpectColumnValuesToBeInSet,
        column="geometry_type",
        value_set=["Polygon", "MultiPolygon"],
        name="geometry_is_area",
        dimension="validity",
        says="Контур – Polygon или MultiPolygon.",
        remedy="Передайте слой площадей, а не линий или точек.",
    ),
    rule(
        f"abs(outline_km2 * 100 - area_ha) <= area_ha * {OUTLINE_PCT} / 100",
        columns=["area_ha", "outline_km2"],
        name="area_fits_outline",
        dimension="accuracy",
        severity="warning",
        says=f"Площадь (AREA_HA) отличается от площади внутри контура не больше чем на {OUTLINE_PCT} %.",
        remedy="Проверьте площадь, её единицу (гектары) и контур.",
        mostly=0.9,
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            f"select soato as description from {IN_FORCE} as units group by soato having count(*) > 1 order by soato"
        ),
        name="in_force_once",
        dimension="uniqueness",
        says="У каждого кода СОАТО одна действующая единица. Несколько:",
        remedy="Впишите день окончания (DATE_TO) прежней единицы.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select digit || '000000000' as description from (select unnest(range(1, 8)) as digit) as regions "
            f"where digit || '000000000' not in (select soato from {IN_FORCE} as units) order by digit"
        ),
        name="regions_whole",
        dimension="completeness",
        says="В реестре есть шесть областей и г. Минск. Нет:",
        remedy="Передайте реестр целиком.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            f"select name_ru || ' (' || soato || ')' as description from {IN_FORCE} as units "
            "where soato[2] = '2' and substr(soato, 1, 4) || '000000' not in "
            f"(select soato from {IN_FORCE} as above) order by soato"
        ),
        name="districts_whole",
        dimension="completeness",
        says="У единицы, которая подчинена району, есть в реестре и сам район. Без района:",
        remedy="Передайте реестр целиком; проверьте код СОАТО.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select name_ru || ' (' || soato || '), ' || valid_to as description from {batch} "
            "where valid_to is not null and soato not in (select soato from changed) "
            f"and soato not in (select soato from {IN_FORCE} as units) order by soato"
        ),
        severity="warning",
        name="ends_explained",
        dimension="consistency",
        says="Об окончании каждой единицы есть запись в истории изменений. Нет о:",
        remedy="Сначала передайте историю изменений (changes) с этими единицами.",
    ),
    _disagreement(
        "select distinct declared.ref_area || ': ' || declared.soato as description from declared "
        f"where declared.soato not in (select soato from {IN_FORCE} as units) order by description",
        "declared_codes_in_force",
        "Коды СОАТО территорий, объявленных здесь (assets/territories/codes.csv), действуют в реестре. Не действуют:",
        "Сверьте код с реестром: исправьте codes.csv (soato, soato_status) или передайте недостающую единицу.",
    ),
    _disagreement(
        "select distinct declared.ref_area || ' (' || declared.soato || '): в реестре НКА «' || units.name_ru || '», здесь «' "
        f"|| declared.name_ru || '»' as description from declared join {IN_FORCE} as units on declared.soato = units.soato "
        f"where {_plain('declared.name_ru')} <> {_plain('units.name_ru')} order by description",
        "declared_names_agree",
        "Под кодом СОАТО в реестре НКА и здесь – одна и та же территория. Названия расходятся:",
        "Проверьте код в codes.csv: он может быть кодом другой территории. Если территория переименована, передайте новый список "
        "территорий.",
    ),
    _disagreement(
        "select distinct declared.ref_area || ': в реестре НКА ' || (units.area_ha / 100)::decimal(12, 2) || ' км², здесь ' || "
        f"declared.area_km2::decimal(12, 2) || ' км²' as description from declared join {IN_FORCE} as units "
        "on declared.soato = units.soato "
        f"where abs(units.area_ha / 100 - declared.area_km2) > declared.area_km2 * {DECLARED_PCT} / 100 "
        "order by description",
        "declared_areas_agree",
        f"Площади в реестре НКА и здесь отличаются не больше чем на {DECLARED_PCT} %. Расходятся:",
        "Проверьте, не изменилась ли граница: о переходе земель говорит история изменений; обновите площади в списке территорий.",
    ),
]

HISTORY = History(
    key=("soato", "valid_from"),
    by=("soato",),
    shares={"категория": "category"},
    quantities={"площадь, га": "area_ha"},
    figures_where="valid_to is null",
    counted=False,
    least=0,
)
