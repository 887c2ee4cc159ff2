"""What must hold of what vehicles reported in real time."""

from expectations.vocabulary import History, between, in_set, required, rule, unique

# Whoever is two hours late is another trip, or its clock is wrong.
LATEST_S = 7200

SUITE = [
    in_set("object", ["trip", "stop", "route"]),
    required("code"),
    unique(["object", "code"], says="Рейс дня, остановка и маршрут встречаются один раз."),
    between("delay_s", -LATEST_S, LATEST_S, limits="отклонение от расписания не больше двух часов"),
    # a trip that began before midnight is reported after it
    rule(
        "started_on between (select first_day from delivery) - 1 and (select last_day from delivery)",
        columns=["started_on"],
        name="trip_in_month",
        dimension="timeliness",
        says="День рейса относится к месяцу, который назван в имени файла.",
        remedy="Проверьте start_date рейса: ГГГГММДД.",
        mostly=0.95,
    ),
]

HISTORY = History(key=("object", "code"), row=("object", "code"), shares={"объекты": "object"})
