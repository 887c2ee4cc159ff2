"""What must hold of the register of standard services."""

from expectations.vocabulary import History, required, rule, unique

SUITE = [
    required("service", named="Типовая услуга"),
    required("developed_in", named="Разработана в"),
    required("city", named="Тиражируется в"),
    rule(
        "introduced_on between date '2019-01-01' and (select last_day from delivery)",
        columns=["introduced_on"],
        name="introduced_by_then",
        dimension="timeliness",
        says="Дата внедрения не раньше 2019 года и не позже месяца реестра.",
        remedy="Проверьте дату: ДД.ММ.ГГГГ.",
        mostly=0.95,
    ),
    unique(["service", "city"], says="На услугу и город приходится одна строка."),
]

HISTORY = History(key=("service", "city"), row=("service", "city"), steady=True)
