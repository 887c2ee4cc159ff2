"""What must hold of the register of meters of a city."""

from expectations.metering import KINDS, of_resource
from expectations.vocabulary import History, code, in_set, required, rule, unique

SUITE = [
    required("meter_id"),
    code("meter_id", "[A-Z0-9]{1,8}(-[A-Z0-9]{1,12}){0,3}", like="E-000123"),
    unique(["meter_id"], says="Каждый счётчик (точка учёта) передан один раз."),
    *of_resource(),
    required("consumer_kind"),
    in_set("consumer_kind", KINDS),
    required("is_smart"),
    required("installed_on"),
    rule(
        "installed_on between date '1950-01-01' and (select least(last_day, today) from delivery)",
        columns=["installed_on"],
        name="installed_before_end",
        dimension="validity",
        says="Счётчик установлен не позже конца месяца.",
        remedy="Исправьте дату установки; будущие счётчики в реестр не входят.",
        mostly=0.95,
    ),
]

HISTORY = History(
    key=("meter_id",),
    shares={"ресурсы": "resource", "потребители": "consumer_kind"},
    steady=True,
    volume=True,
)
