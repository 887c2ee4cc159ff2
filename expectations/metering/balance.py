"""What must hold of the monthly balance of networks."""

from expectations.metering import in_its_unit, of_resource
from expectations.vocabulary import History, code, required, rule, unique

SUITE = [
    required("month_started_on"),
    required("zone"),
    code("zone", "[A-Z0-9-]{1,20}", like="Z-01"),
    *of_resource(),
    in_its_unit(),
    required("network_input"),
    required("billed_household"),
    required("billed_other"),
    unique(["zone", "resource", "month_started_on"], says="На зону, ресурс и месяц приходится одна строка."),
    rule(
        "billed_household + billed_other <= network_input",
        columns=["network_input", "billed_household", "billed_other"],
        name="billed_within_input",
        dimension="consistency",
        says="Полезный отпуск не больше отпуска в сеть.",
        remedy="Проверьте единицы и то, что обе величины за один месяц и одну зону.",
        mostly=0.9,
    ),
]

HISTORY = History(key=("zone", "resource"), shares={"ресурсы": "resource"}, steady=True, volume=True)
