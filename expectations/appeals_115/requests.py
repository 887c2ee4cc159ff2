"""What must hold of a month of requests of the portal 115.бел.

A row with a point outside the country goes to quarantine: once the address is dropped, only the point
shows the city of a request. Rating 0 is valid and means "not rated".
"""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe

from expectations.vocabulary import History, load, row, rule

# The towns of the register in force: a request lies near the town of its portal.
CONTEXT = {
    "towns": "select territory_id, max(lat) as lat, max(lon) as lon "
    "from raw.territory_register__territories join ops.effective_load using (load_id) "
    "where lat is not null and lon is not null group by territory_id"
}
CENTRE = "(select {} from towns, delivery where territory_id = ref_area)"
# A degree of latitude is 111.2 km, one of longitude less by the cosine of the latitude.
FROM_CENTRE_KM = (
    f"111.2 * sqrt(pow(lat - {CENTRE.format('lat')}, 2) "
    f"+ pow((lng - {CENTRE.format('lon')}) * cos(radians({CENTRE.format('lat')})), 2))"
)
# 99.98 % of Minsk's requests of four years lie within 40 km of its centre, and the next town with a portal is 71 km away.
FARTHEST_KM = 40
# The longest term in four years was 1327 days.
LONGEST_TERM_DAYS = 4 * 365 + 1
# The groups of the portal's classifier that occur in requests of 2015 to 2019.
GROUPS = ("6", "7", "9", "10", "11", "12", "13", "14", "20", "21", "22", "23")

SUITE: list[Any] = [
    row(
        gxe.ExpectColumnValuesToNotBeNull,
        column="id",
        mostly=0.95,
        name="id_given",
        dimension="completeness",
        says="У каждого обращения есть номер.",
        remedy="Впишите номер обращения из портала в столбец id.",
    ),
    row(
        gxe.ExpectColumnValuesToMatchRegex,
        column="id",
        regex=r"^[0-9]{1,12}$",
        mostly=0.95,
        name="id_is_code",
        dimension="validity",
        says="Номер обращения – от 1 до 12 цифр и ничего кроме них; это текст, а не число.",
        remedy="Выгрузите столбец id как текст: Excel превращает длинный номер в 1,04E+05.",
    ),
    row(
        gxe.ExpectColumnValuesToBeUnique,
        column="id",
        mostly=0.95,
        name="id_unique",
        dimension="uniqueness",
        says="Номер обращения не повторяется.",
        remedy="Уберите повторные строки; обычно они появляются при склейке выгрузок.",
    ),
    row(
        gxe.ExpectColumnValuesToNotBeNull,
        column="category",
        mostly=0.95,
        name="category_given",
        dimension="completeness",
        says="У каждого обращения есть категория.",
        remedy="Укажите код категории вида «группа.тема».",
    ),
    row(
        gxe.ExpectColumnValuesToMatchRegex,
        column="category",
        regex=r"^[0-9]{1,3}\.[0-9]{1,4}$",
        mostly=0.95,
        name="category_is_code",
        dimension="validity",
        says="Категория – код «группа.тема»: до 3 цифр, точка, до 4 цифр, например 6.30; это текст, а не число.",
        remedy="Выгрузите столбец category как текст: Excel превращает 6.30 в 6,3 и теряет тему.",
    ),
    rule(
        "case when regexp_full_match(category, '[0-9]{1,3}\\.[0-9]{1,4}') "
        f"then split_part(category, '.', 1) in {GROUPS} end",
        columns=["category"],
        name="category_group_known",
        dimension="validity",
        says="Группа категории (цифры до точки) известна хранилищу.",
        remedy="Проверьте код. Если группа новая, сообщите её название: до этого она показана только кодом.",
        severity="warning",
        mostly=0.95,
    ),
    row(
        gxe.ExpectColumnValuesToNotBeNull,
        column="status",
        mostly=0.95,
        name="status_given",
        dimension="completeness",
        says="У каждого обращения есть состояние.",
        remedy="Укажите код состояния в столбце status.",
    ),
    row(
        gxe.ExpectColumnValuesToBeInSet,
        column="status",
        value_set=["1", "3", "4", "5", "7"],
        mostly=0.95,
        name="status_known",
        dimension="validity",
        says="Состояние – один из кодов портала: 1, 3, 4, 5, 7.",
        remedy="Исправьте код или сообщите о новом: сначала он вносится в справочник.",
    ),
    row(
        gxe.ExpectColumnValuesToNotBeNull,
        column="opened",
        mostly=0.95,
        name="opened_given",
        dimension="completeness",
        says="У каждого обращения есть день приёма.",
        remedy="Укажите дату в столбце opened, как её пишет портал: 2019-05-31 2019.",
    ),
    row(
        gxe.ExpectColumnPairValuesAToBeGreaterThanB,
        column_A="planned",
        column_B="opened",
        or_equal=True,
        mostly=0.95,
        name="planned_not_before_opened",
        dimension="consistency",
        says="Плановый срок не раньше дня приёма обращения.",
        remedy="Проверьте обе даты: planned должна быть не раньше opened.",
    ),
    rule(
        f"planned <= opened + {LONGEST_TERM_DAYS}",
        columns=["planned"],
        name="planned_soon",
        dimension="validity",
        says=f"Плановый срок – не позже {LONGEST_TERM_DAYS} дней после дня приёма обращения.",
        remedy="Исправьте planned; если срока нет, оставьте поле пустым.",
        mostly=0.95,
    ),
    rule(
        "opened <= (select today from delivery)",
        columns=["opened"],
        name="opened_has_been",
        dimension="validity",
        says="День приёма обращения уже наступил.",
        remedy="Исправьте дату в столбце opened.",
        mostly=0.95,
    ),
    rule(
        f"{FROM_CENTRE_KM} <= {FARTHEST_KM}",
        columns=["lat", "lng"],
        name="point_near_city",
        dimension="accuracy",
        says=f"Точка находится не дальше {FARTHEST_KM} км от центра города, чей это портал.",
        remedy="Проверьте, того ли города выгрузка и в его ли папке она лежит; исправьте координаты.",
        mostly=0.95,
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select ref_area as description from (select count(*) from {batch}) as given, delivery "
            "where ref_area not in (select territory_id from towns)"
        ),
        severity="warning",
        name="city_has_a_place",
        dimension="accuracy",
        says="Центр города есть в действующем реестре территорий: без него не проверить, в этом ли городе находятся точки.",
        remedy="Передайте реестр территорий (territories.csv), затем эту выгрузку снова.",
    ),
    row(
        gxe.ExpectColumnValuesToNotBeNull,
        column="lat",
        mostly=0.5,
        severity="warning",
        name="point_given",
        dimension="completeness",
        says="У обращения есть точка на карте.",
        remedy="Укажите координаты: без них обращение не попадёт на карту.",
    ),
    row(
        gxe.ExpectColumnValuesToMatchRegex,
        column="organisation_id",
        regex=r"^[0-9]{1,12}$",
        mostly=0.95,
        name="organisation_is_code",
        dimension="validity",
        says="Код организации – от 1 до 12 цифр и ничего кроме них; это текст, а не число.",
        remedy="Выгрузите столбец organisation_id как текст; если организации нет, оставьте поле пустым.",
    ),
    row(
        gxe.ExpectColumnValuesToBeBetween,
        column="opened",
        min_value={"$PARAMETER": "first_day"},
        max_value={"$PARAMETER": "last_day"},
        mostly=0.95,
        name="opened_in_month",
        dimension="consistency",
        says="Обращение принято в том месяце, который указан в имени файла.",
        remedy="Выгрузите каждый месяц отдельным файлом: файл заменяет свой месяц целиком.",
    ),
]

# Numbers of two cities may be equal, and people write about the same place again: a request is identified by its place,
# its theme, its organisation and the time it allows.
HISTORY = History(
    key=("id",),
    row=("category", "lat", "lng", "organisation_id", "planned - opened"),
    shares={
        "группа": "split_part(category, '.', 1)",
        "тема": "category",
        "треть месяца": "least((day(opened) - 1) // 10 + 1, 3)",
    },
    quantities={"срок, дней": "planned - opened"},
    volume=True,
    may_jump=3.0,
)
