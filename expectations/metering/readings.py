"""What must hold of hourly readings: cheap enough for millions of rows, and comparable with the register of meters."""

from typing import Any

import great_expectations.expectations as gxe

from expectations.metering import KINDS, REGISTERED, in_its_unit, of_resource
from expectations.vocabulary import History, in_set, load, required, rule, unique

CONTEXT = {"registered": REGISTERED}

BEFORE = "lag({}) over (partition by meter_id order by hour_started_at, row_no)"
# registers are rounded to the last place of their display
ROUNDING = 0.01

SUITE: list[Any] = [
    required("meter_id"),
    *of_resource(),
    required("consumer_kind"),
    in_set("consumer_kind", KINDS),
    in_set("reading_kind", ["measured", "estimated"], named="quality"),
    required("hour_started_at"),
    required("register"),
    required("consumed"),
    in_its_unit(),
    unique(["meter_id", "hour_started_at"], says="На счётчик и час приходится одно показание."),
    rule(
        "meter_id is null or (meter_id, resource, consumer_kind) in (select (meter_id, resource, consumer_kind) from registered)",
        columns=["meter_id", "resource", "consumer_kind"],
        name="meter_registered",
        dimension="consistency",
        says="Счётчик есть в реестре, с тем же ресурсом и видом потребителя.",
        remedy="Передайте реестр счётчиков (meters) с этим счётчиком или исправьте его код.",
        mostly=0.95,
    ),
    rule(
        "hour_started_at = date_trunc('hour', hour_started_at)",
        columns=["hour_started_at"],
        name="hour_is_whole",
        dimension="validity",
        says="Время показания – начало часа.",
        remedy="Передайте показания по часам: 10:00, 11:00.",
        mostly=0.95,
    ),
    rule(
        "hour_started_at < (select today + interval 1 day from delivery)",
        columns=["hour_started_at"],
        name="hour_has_been",
        dimension="validity",
        says="Показания не из будущего.",
        remedy="Проверьте часы счётчика или концентратора и часовой пояс: время минское.",
        mostly=0.95,
    ),
    rule(
        f"register >= {BEFORE.format('register')}",
        columns=["register", "meter_id", "hour_started_at"],
        name="register_grows",
        dimension="consistency",
        says="Показание счётчика не меньше, чем часом раньше.",
        remedy="Проверьте показание; новый счётчик передаётся под новым кодом точки учёта.",
        mostly=0.95,
    ),
    rule(
        f"case when {BEFORE.format('hour_started_at')} = hour_started_at - interval 1 hour "
        f"and register >= {BEFORE.format('register')} "
        f"then abs(register - {BEFORE.format('register')} - consumed) <= {ROUNDING} + 0.001 * consumed end",
        columns=["consumed", "register", "meter_id"],
        name="consumed_fits_register",
        dimension="accuracy",
        says="Потребление за час равно приросту показания.",
        remedy="Проверьте коэффициент трансформации и единицу: показание передаётся уже умноженным на коэффициент.",
        severity="warning",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select strftime(day, '%d.%m.%Y') as description from "
            "(select unnest(generate_series(first_day::timestamp, last_day::timestamp, interval 1 day))::date as day "
            "from delivery) "
            "where day not in (select distinct hour_started_at::date from {batch} where hour_started_at is not null)"
        ),
        name="days_present",
        dimension="completeness",
        says="Показания есть за каждый день выгрузки.",
        remedy="Передайте и остальные дни, или назовите файл днём, за который есть показания.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select found || ' из ' || expected as description from (select count(*) as found, "
            "count(distinct meter_id) * (select 24 * (last_day - first_day + 1) from delivery) as expected from {batch}) "
            "where found < 0.98 * expected"
        ),
        name="hours_present",
        dimension="completeness",
        says="Часов без показаний у переданных счётчиков не больше 2 %.",
        remedy="Опросите счётчики ещё раз и передайте выгрузку снова.",
        severity="warning",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select absent || ' из ' || smart as description from (select count(*) as smart, "
            "count(*) filter (where meter_id not in (select distinct meter_id from {batch} where meter_id is not null)) "
            "as absent "
            "from registered where is_smart) where absent > 0.05 * smart"
        ),
        name="meters_present",
        dimension="completeness",
        says="Показания есть не меньше чем у 95 % дистанционно опрашиваемых счётчиков реестра.",
        remedy="Проверьте связь со счётчиками и передайте выгрузку снова; снятые счётчики уберите из реестра.",
        severity="warning",
    ),
]

# no keys: hashing a day of a city would cost more than all that is asked of it
HISTORY = History(shares={"ресурсы": "resource", "потребители": "consumer_kind"}, volume=True)
