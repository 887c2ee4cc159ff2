"""What must hold of the roll-out of the platform: dates and stages that fit each other."""

from expectations.vocabulary import History, in_set, required, rule, unique

STAGES = ("не начат", "проектирование", "внедрение", "опытная эксплуатация", "в эксплуатации")

SUITE = [
    required("city", named="Город"),
    required("module", named="Модуль"),
    required("stage", named="Стадия"),
    required("planned_on", named="Ввод в эксплуатацию: план"),
    in_set("stage", STAGES, named="Стадия"),
    rule(
        "(started_on is not null) = (stage = 'в эксплуатации')",
        columns=["started_on", "stage"],
        name="started_if_operating",
        dimension="consistency",
        says="Дата ввода по факту стоит у модулей в эксплуатации, и только у них.",
        remedy="Исправьте стадию или дату ввода.",
        mostly=0.95,
    ),
    rule(
        "started_on <= (select last_day from delivery)",
        columns=["started_on"],
        name="started_by_then",
        dimension="timeliness",
        says="Дата ввода по факту не позже месяца реестра.",
        remedy="Проверьте дату: ДД.ММ.ГГГГ.",
        mostly=0.95,
    ),
    rule(
        "planned_on between date '2019-01-01' and date '2035-12-31'",
        columns=["planned_on"],
        name="planned_in_programme",
        dimension="validity",
        says="Плановая дата ввода – с 2019 по 2035 год.",
        remedy="Проверьте дату: ДД.ММ.ГГГГ.",
        mostly=0.95,
    ),
    rule(
        "planned_on > (select last_day from delivery) or stage = 'в эксплуатации' or deviation_reason is not null",
        columns=["planned_on", "stage"],
        name="delay_explained",
        dimension="completeness",
        says="У модуля, не введённого в срок, указана причина отклонения.",
        remedy="Впишите причину в столбец «Причина отклонения».",
        severity="warning",
    ),
    unique(["city", "module"], says="На город и модуль приходится одна строка."),
]

HISTORY = History(key=("city", "module"), row=("city", "module"), shares={"стадии": "stage"}, steady=True)
