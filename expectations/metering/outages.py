"""What must hold of the interruptions of supply of a city."""

from expectations.metering import of_resource
from expectations.vocabulary import History, code, required, rule, unique

LONGEST_DAYS = 30

SUITE = [
    required("outage_id"),
    code("outage_id", "[A-Z0-9-]{1,24}", like="OUT-2026-0001"),
    unique(["outage_id"], says="Каждое отключение передано один раз."),
    *of_resource(),
    required("is_planned"),
    required("started_at"),
    required("ended_at"),
    required("customers"),
    rule(
        "ended_at >= started_at",
        columns=["started_at", "ended_at"],
        name="ended_after_start",
        dimension="consistency",
        says="Отключение закончилось не раньше, чем началось.",
        remedy="Исправьте время начала или конца.",
        mostly=0.95,
    ),
    rule(
        f"ended_at <= started_at + interval {LONGEST_DAYS} day",
        columns=["started_at", "ended_at"],
        name="ended_soon",
        dimension="validity",
        says=f"Отключение длилось не больше {LONGEST_DAYS} дней.",
        remedy="Проверьте дату конца; отключение без конца передаётся, когда оно закончилось.",
        mostly=0.95,
    ),
    rule(
        "ended_at < (select today + interval 1 day from delivery)",
        columns=["ended_at"],
        name="ended_has_been",
        dimension="validity",
        says="Отключение уже закончилось.",
        remedy="Передайте отключение, когда оно закончится.",
        mostly=0.95,
    ),
]

HISTORY = History(key=("outage_id",), shares={"ресурсы": "resource"})
