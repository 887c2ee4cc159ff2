"""What must hold of the measures of the programme and their funds."""

from expectations.vocabulary import History, in_set, required, rule, unique

SUITE = [
    required("action", named="№ мероприятия"),
    required("title", named="Мероприятие"),
    required("region", named="Область, г. Минск"),
    required("due_on", named="Срок"),
    required("state", named="Состояние"),
    required("funds_planned", named="план на год"),
    required("funds_spent", named="освоено с начала года"),
    in_set("state", ["не начато", "выполняется", "выполнено"], named="Состояние"),
    rule(
        "due_on between date '2019-01-01' and date '2035-12-31'",
        columns=["due_on"],
        name="due_in_programme",
        dimension="validity",
        says="Срок мероприятия – с 2019 по 2035 год.",
        remedy="Проверьте дату: ДД.ММ.ГГГГ.",
        mostly=0.95,
    ),
    rule(
        "funds_spent <= funds_planned",
        columns=["funds_spent", "funds_planned"],
        name="funds_within_plan",
        dimension="consistency",
        says="Освоено не больше, чем предусмотрено на год.",
        remedy="Проверьте сумму и её единицу; уточнённый план впишите в столбец «план на год».",
        mostly=0.95,
    ),
    rule(
        "funds_spent = 0 or state <> 'не начато'",
        columns=["funds_spent", "state"],
        name="spent_if_begun",
        dimension="consistency",
        says="По неначатому мероприятию средства не освоены.",
        remedy="Исправьте состояние или сумму.",
        mostly=0.95,
    ),
    rule(
        "due_on > (select last_day from delivery) or state = 'выполнено' or deviation_reason is not null",
        columns=["due_on", "state"],
        name="delay_explained",
        dimension="completeness",
        says="У мероприятия, не выполненного в срок, указана причина отклонения.",
        remedy="Впишите причину в столбец «Причина отклонения».",
        severity="warning",
    ),
    unique(["action", "region"], says="На мероприятие и область приходится одна строка."),
]

HISTORY = History(
    key=("action", "region"),
    row=("action", "region"),
    by=("region",),
    quantities={"план на год": "funds_planned"},
    counted=False,
    steady=True,
)
