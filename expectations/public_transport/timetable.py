"""What must hold of a timetable: of the checks of the canonical GTFS validator, those that figures depend on.

Dates that cannot be read, rows with other columns and missing tables are found by the reader.
"""

from typing import Any

import great_expectations.expectations as gxe

from expectations.vocabulary import History, between, in_set, load, required, rule, unique

# Vehicles of a city and its surroundings; timetables on whole minutes are given a minute more.
FASTEST_KMH = 150
# Routes of a city lead into its surroundings.
FARTHEST_KM = 60

SUITE: list[Any] = [
    in_set("object", ["stop", "route", "trip", "call"]),
    required("code"),
    unique(["object", "code"], says="Идентификатор остановки, маршрута или рейса встречается один раз."),
    rule(
        "missing_reference is null",
        columns=["missing_reference"],
        name="references_found",
        dimension="consistency",
        says="Маршрут, календарь и остановки, на которые ссылается рейс, есть в расписании.",
        remedy="Добавьте недостающее в архив или исправьте ссылку: такой рейс не считается.",
        mostly=0.95,
    ),
    rule(
        "time_fault is null",
        columns=["time_fault"],
        name="times_possible",
        dimension="validity",
        says="У рейса не меньше двух остановок; время не убывает, у первой и последней остановки оно есть.",
        remedy="Исправьте время в stop_times.txt; после полуночи часы больше 24.",
        mostly=0.95,
    ),
    between(
        "fastest_kmh", 0, FASTEST_KMH, limits=f"не больше {FASTEST_KMH} км/ч между двумя остановками рейса"
    ),
    between(
        "km_from_centre",
        0,
        FARTHEST_KM,
        limits=f"не больше {FARTHEST_KM} км: остановка в городе или рядом с ним",
    ),
    rule(
        "object not in ('stop', 'route') or service_days > 0",
        columns=["service_days", "code"],
        name="used",
        dimension="consistency",
        says="Остановкой и маршрутом в этом месяце пользуется хотя бы один рейс.",
        remedy="Проверьте, нужны ли они в расписании: неиспользуемые не считаются.",
        severity="warning",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select 'нет отправлений' as description from "
            "(select count(*) as calls from {batch} where object = 'call' and departures > 0) where calls = 0"
        ),
        name="service_in_month",
        dimension="timeliness",
        says="В месяце, который назван в имени файла, ходит хотя бы один рейс.",
        remedy="Календарь расписания истёк или относится к другому месяцу: передайте действующее расписание.",
    ),
    load(
        gxe.UnexpectedRowsExpectation,
        unexpected_rows_query=(
            "select strftime(ends, '%d.%m.%Y') as description from "
            "(select max(calendar_ends) as ends from {batch} where service_days > 0) where ends < (select last_day from delivery)"
        ),
        name="calendar_covers_month",
        dimension="timeliness",
        severity="warning",
        says="Календарь расписания действует до конца месяца.",
        remedy="Расписание истекает раньше конца месяца: передайте следующее.",
    ),
]

HISTORY = History(
    key=("object", "code"),
    row=("object", "code"),
    shares={"объекты": "object"},
    steady=True,
    volume=True,
)
