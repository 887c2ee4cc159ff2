"""What must hold of a month of requests of the portal 115.бел.

A point outside the country takes the whole row out: it is the only thing that ties a request to its city once
the address is dropped. Rating 0 is lawful, it means "not rated".
"""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe

from expectations.vocabulary import History, row

# the country's bounds in degrees, a hundredth wider than its outline
SOUTH, NORTH, WEST, EAST = 51.25, 56.19, 23.16, 32.79

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
        gxe.ExpectColumnValuesToBeBetween,
        column="rating",
        min_value=0,
        max_value=5,
        mostly=0.95,
        name="rating_in_scale",
        dimension="validity",
        says="Оценка – целое от 0 до 5; 0 означает «не оценено».",
        remedy="Исправьте оценку; если её нет, поставьте 0.",
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
    row(
        gxe.ExpectColumnValuesToBeBetween,
        column="lat",
        min_value=SOUTH,
        max_value=NORTH,
        mostly=0.95,
        name="lat_in_country",
        dimension="accuracy",
        says="Точка лежит в Беларуси: широта от 51,25 до 56,19.",
        remedy="Исправьте координаты; проверьте, не переставлены ли широта и долгота.",
    ),
    row(
        gxe.ExpectColumnValuesToBeBetween,
        column="lng",
        min_value=WEST,
        max_value=EAST,
        mostly=0.95,
        name="lng_in_country",
        dimension="accuracy",
        says="Точка лежит в Беларуси: долгота от 23,16 до 32,79.",
        remedy="Исправьте координаты; проверьте, не переставлены ли широта и долгота.",
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
        says="Обращение принято в том месяце, который стоит в имени файла.",
        remedy="Выгрузите каждый месяц отдельным файлом: файл заменяет свой месяц целиком.",
    ),
]

# Numbers of two cities are alike, and people write about one place again: a request is known by where it is, what it is
# about, whom it went to and how long they were given.
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
