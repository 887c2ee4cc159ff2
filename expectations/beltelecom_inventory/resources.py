"""What must hold of a branch's network resources (TMF639 v4; the reader gives those of v5 the words of v4)."""

from __future__ import annotations

from typing import Any

import great_expectations.expectations as gxe
from great_expectations.expectations.row_conditions import Column

from expectations.soato import regions, units
from expectations.vocabulary import History, load, row, rule

# Enumerations of TMF639 v4.0.0. v5 writes enabled, disabled, shuttingDown: the reader translates them if v5 is declared.
ADMINISTRATIVE = ["locked", "unlocked", "shutdown"]
OPERATIONAL = ["enable", "disable"]
USAGE = ["idle", "active", "busy"]
STATUS = ["standby", "alarm", "available", "reserved", "unknown", "suspended"]

CATEGORIES = ["OLT", "xPON.Port", "FibreLine", "WiFi.AccessPoint", "Splitter", "ONT", "Cabinet", "Rack"]
PON = ["GPON", "XGS-PON"]
FIBRE = ["G.652.D", "G.657.A1"]
WIFI = ["Wi-Fi 4", "Wi-Fi 5", "Wi-Fi 6"]
SPLIT_RATIOS = [f"1:{2**power}" for power in range(1, 9)]

# What spreadsheets and number types turn a code of digits into: 1.04E+05, 1e+16. The operator's own codes may contain an E
# between digits (12e4), so only a sign or a mantissa's point shows a conversion.
BECAME_A_NUMBER = r"^-?[0-9]+([.,][0-9]+[eE][+-]?|[eE][+-])[0-9]+$"

# What soato_ten_digits reports is not reported again as an unknown unit.
NO_CODE = ".{0,9}|.{11,}|[^1-7].*|.*[^0-9].*"

# A section ends at the next node, and a line across a district has several nodes.
MEAN_SECTION_KM = 20

PON_PORTS = Column("category") == "xPON.Port"
FIBRE_LINES = Column("category") == "FibreLine"


def _still_a_code(column: str, field: str) -> Any:
    """A code that was converted to a number has lost digits, and no longer identifies anything."""
    return row(
        gxe.ExpectColumnValuesToNotMatchRegex,
        column=column,
        regex=BECAME_A_NUMBER,
        name=f"{column}_is_code",
        dimension="validity",
        says=f"Код {field} записан числом со степенью (например, 1.04E+05): знаки кода потеряны.",
        remedy=f"Передавайте {field} текстом, не числом.",
        mostly=0.95,
    )


SUITE: list[Any] = [
    # --- identity
    row(
        gxe.ExpectColumnValuesToNotBeNull,
        column="resource_id",
        name="resource_id_present",
        dimension="completeness",
        says="У ресурса нет идентификатора (id).",
        remedy="Заполните id: по нему ресурс узнают от снимка к снимку.",
        mostly=0.99,
    ),
    row(
        gxe.ExpectColumnValuesToBeUnique,
        column="resource_id",
        name="resource_id_unique",
        dimension="uniqueness",
        says="Идентификатор ресурса (id) повторяется: ресурс был бы посчитан дважды.",
        remedy="Оставьте одну запись о ресурсе или дайте ресурсам разные id.",
        mostly=0.99,
    ),
    _still_a_code("resource_id", "id"),
    _still_a_code("place_id", "place.id"),
    _still_a_code("contained_in", "resourceRelationship.resource.id"),
    row(
        gxe.ExpectColumnValuesToNotBeNull,
        column="category",
        name="category_present",
        dimension="completeness",
        says="У ресурса нет класса (category).",
        remedy="Укажите category: OLT, xPON.Port, FibreLine, WiFi.AccessPoint, Splitter, ONT, Cabinet или Rack.",
        mostly=0.95,
    ),
    row(
        gxe.ExpectColumnValuesToBeInSet,
        column="category",
        value_set=CATEGORIES,
        name="category_known",
        dimension="validity",
        says="Класс ресурса (category) не из согласованного перечня.",
        remedy=f"Допустимы {', '.join(CATEGORIES)}; новый класс сначала согласуйте.",
        mostly=0.95,
    ),
    # --- place
    row(
        gxe.ExpectColumnValuesToNotBeNull,
        column="place_id",
        name="place_present",
        dimension="completeness",
        says="Не указана площадка, где стоит ресурс (place.id).",
        remedy="Заполните place.id; адрес и координаты не нужны.",
        severity="warning",
        mostly=0.95,
    ),
    row(
        gxe.ExpectColumnValuesToNotBeNull,
        column="soato",
        name="soato_present",
        dimension="completeness",
        says="Нет кода СОАТО: неизвестно, к какой территории отнести ресурс.",
        remedy="Добавьте характеристику soato, десять цифр текстом.",
        mostly=0.95,
    ),
    row(
        gxe.ExpectColumnValuesToMatchRegex,
        column="soato",
        regex=r"^[1-7][0-9]{9}$",
        name="soato_ten_digits",
        dimension="validity",
        says="Код СОАТО – не десять цифр, первая от 1 до 7 (например, 1.41E+09 вместо 1410000000).",
        remedy="Передавайте soato текстом, не числом: число в дороге получает степень и теряет знаки.",
        mostly=0.95,
    ),
    row(
        gxe.ExpectColumnValuesToMatchRegex,
        column="soato",
        regex=f"(?s)^({units()}|{NO_CODE})$",
        name="soato_listed",
        dimension="consistency",
        says="Код СОАТО не из списка территорий: ресурс учтён только в области филиала, без района и города.",
        remedy="Проверьте код. Если он верен, сообщите администратору хранилища: территорию внесут в список.",
        severity="warning",
        mostly=0.95,
    ),
    rule(
        f"case {' '.join(regions())} end",
        columns=["soato"],
        name="soato_of_branch",
        dimension="consistency",
        says="Код СОАТО начинается с цифры области филиала (Брестская 1, Витебская 2, Гомельская 3, Гродненская 4, "
        "Минск 5, Минская 6, Могилёвская 7).",
        remedy="Проверьте, того ли филиала выгрузка: ресурсы другой области передаёт её филиал.",
        mostly=0.95,
    ),
    # --- states
    row(
        gxe.ExpectColumnValuesToBeInSet,
        column="administrative_state",
        value_set=ADMINISTRATIVE,
        name="administrative_state_known",
        dimension="validity",
        says="administrativeState не из перечня TMF639.",
        remedy="Допустимы locked, unlocked, shutdown (в v5 – shuttingDown).",
        mostly=0.95,
    ),
    row(
        gxe.ExpectColumnValuesToBeInSet,
        column="operational_state",
        value_set=OPERATIONAL,
        name="operational_state_known",
        dimension="validity",
        says="operationalState не из перечня TMF639.",
        remedy="Допустимы enable и disable (в v5 – enabled и disabled).",
        mostly=0.95,
    ),
    row(
        gxe.ExpectColumnValuesToNotBeNull,
        column="operational_state",
        name="operational_state_present",
        dimension="completeness",
        says="Не сказано, работает ли ресурс (operationalState).",
        remedy="Передайте enable или disable.",
        mostly=0.95,
    ),
    row(
        gxe.ExpectColumnValuesToBeInSet,
        column="usage_state",
        value_set=USAGE,
        name="usage_state_known",
        dimension="validity",
        says="usageState не из перечня TMF639.",
        remedy="Допустимы idle, active, busy.",
        mostly=0.95,
    ),
    row(
        gxe.ExpectColumnValuesToBeInSet,
        column="resource_status",
        value_set=STATUS,
        name="resource_status_known",
        dimension="validity",
        says="resourceStatus не из перечня TMF639 v4.",
        remedy="Допустимы standby, alarm, available, reserved, unknown, suspended.",
        mostly=0.95,
    ),
    row(
        gxe.ExpectColumnValuesToBeBetween,
        column="start_operating_date",
        min_value="1990-01-01",
        max_value={"$PARAMETER": "last_day"},
        name="start_operating_date_plausible",
        dimension="accuracy",
        says="Дата начала эксплуатации раньше 1990 года или позже месяца снимка.",
        remedy="Проверьте startOperatingDate; неизвестную или ещё не наступившую дату не передавайте.",
        severity="warning",
        mostly=0.9,
    ),
    # --- PON ports
    row(
        gxe.ExpectColumnValuesToBeInSet,
        column="technology",
        value_set=PON + FIBRE + WIFI,
        name="technology_known",
        dimension="validity",
        says="Технология (technology) не из согласованного перечня.",
        remedy=f"Допустимы {', '.join(PON + FIBRE + WIFI)}.",
        mostly=0.95,
    ),
    row(
        gxe.ExpectColumnValuesToBeInSet,
        column="technology",
        value_set=PON,
        name="pon_technology",
        dimension="consistency",
        says="У порта PON указана технология не PON.",
        remedy=f"Для класса xPON.Port допустимы {', '.join(PON)}.",
        mostly=0.95,
        row_condition=PON_PORTS,
    ),
    row(
        gxe.ExpectColumnValuesToNotBeNull,
        column="split_ratio",
        name="split_ratio_present",
        dimension="completeness",
        says="У порта PON нет коэффициента деления (splitRatio).",
        remedy="Передайте splitRatio вида 1:64: по нему считается ёмкость порта.",
        mostly=0.95,
        row_condition=PON_PORTS,
    ),
    row(
        gxe.ExpectColumnValuesToBeInSet,
        column="split_ratio",
        value_set=SPLIT_RATIOS,
        name="split_ratio_known",
        dimension="validity",
        says="Коэффициент деления порта PON (splitRatio) не вида 1:2, 1:4 … 1:256.",
        remedy="Передайте полное деление порта одним отношением, например 1:64.",
        mostly=0.95,
    ),
    row(
        gxe.ExpectColumnValuesToNotBeNull,
        column="onu_connected",
        name="onu_connected_present",
        dimension="completeness",
        says="У порта PON не указано, сколько подключено ONU (onuConnected).",
        remedy="Передайте onuConnected; если не подключён никто, передайте 0.",
        mostly=0.95,
        row_condition=PON_PORTS,
    ),
    row(
        gxe.ExpectColumnPairValuesAToBeGreaterThanB,
        column_A="onu_capacity",
        column_B="onu_connected",
        or_equal=True,
        ignore_row_if="either_value_is_missing",
        name="onu_within_capacity",
        dimension="consistency",
        says="К порту PON подключено больше ONU, чем позволяет его деление (splitRatio).",
        remedy="Сверьте onuConnected и splitRatio порта: при делении 1:64 подключено не больше 64.",
        mostly=0.95,
    ),
    row(
        gxe.ExpectColumnValuesToBeInSet,
        column="usage_state",
        value_set=["active", "busy"],
        name="used_port_is_not_idle",
        dimension="consistency",
        says="К порту подключены ONU, а его usageState – idle.",
        remedy="Сверьте usageState и onuConnected.",
        severity="warning",
        mostly=0.8,
        row_condition=Column("onu_connected") > 0,
    ),
    row(
        gxe.ExpectColumnValuesToNotBeNull,
        column="contained_in",
        name="port_in_olt",
        dimension="completeness",
        says="Не указано, в каком OLT стоит порт PON.",
        remedy="Передайте связь resourceRelationship с relationshipType containedIn и id этого OLT.",
        severity="warning",
        mostly=0.8,
        row_condition=PON_PORTS,
    ),
    # --- splitters, cabinets, racks
    row(
        gxe.ExpectColumnPairValuesAToBeGreaterThanB,
        column_A="capacity",
        column_B="occupied",
        or_equal=True,
        ignore_row_if="either_value_is_missing",
        name="occupied_within_capacity",
        dimension="consistency",
        says="Занято больше мест, чем есть (сплиттер, шкаф, стойка).",
        remedy="Сверьте occupied и capacity: занято не больше, чем мест всего.",
        mostly=0.9,
    ),
    # --- fibre lines and Wi-Fi
    row(
        gxe.ExpectColumnValuesToNotBeNull,
        column="length_km",
        name="length_present",
        dimension="completeness",
        says="У участка ВОЛС нет длины (lengthKm).",
        remedy="Передайте длину трассы участка в километрах.",
        mostly=0.95,
        row_condition=FIBRE_LINES,
    ),
    # --- the snapshot as a whole
    load(
        gxe.ExpectColumnDistinctValuesToContainSet,
        column="category",
        value_set=["OLT", "xPON.Port"],
        name="classes_delivered",
        dimension="completeness",
        says="В снимке нет портов PON или OLT: выгружена лишь часть учёта.",
        remedy="Выгрузите учёт филиала целиком, без фильтров.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "SELECT 'СОАТО ' || left(soato, 4) || ': ' || round(avg(length_km), 1) || ' км' AS description FROM {batch} "
            "WHERE category = 'FibreLine' AND length_km > 0 GROUP BY left(soato, 4) "
            f"HAVING count(*) >= 5 AND avg(length_km) > {MEAN_SECTION_KM}"
        ),
        name="sections_short",
        dimension="accuracy",
        says=f"Средняя длина участка ВОЛС в районе или городе – не больше {MEAN_SECTION_KM} км.",
        remedy="Передайте длину трассы в километрах.",
        severity="warning",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "SELECT row_no FROM {batch} WHERE category = 'xPON.Port' AND contained_in NOT IN "
            "(SELECT resource_id FROM {batch} WHERE category = 'OLT' AND resource_id IS NOT NULL)"
        ),
        name="olt_of_port_delivered",
        dimension="consistency",
        says="Порты PON ссылаются на OLT, которых в снимке нет.",
        remedy="Передайте эти OLT или исправьте связь containedIn.",
        severity="warning",
    ),
]

HISTORY = History(
    key=("resource_id",),
    row=("resource_id", "category", "soato", "technology"),
    shares={
        "класс": "category",
        "технология": "technology",
        "деление": "split_ratio",
        "состояние": "resource_status",
        "СОАТО": "soato",
    },
    quantities={
        "линии, км": "length_km",
        "абонентских окончаний подключено": "onu_connected",
        "абонентских окончаний всего": "onu_capacity",
        "волокон": "fibre_count",
        "скорость, Мбит/с": "speed_mbps",
    },
    by=("soato", "category"),
    steady=True,
    volume=True,
)
