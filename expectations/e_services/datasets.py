"""What must hold of a city's list of data sets."""

from expectations.vocabulary import History, in_set, required, rule, unique

SUITE = [
    required("name", named="наименование набора"),
    required("published", named="опубликован"),
    in_set("published", ["да", "нет", "Да", "Нет"], named="опубликован"),
    unique(["name"], says="Набор данных встречается в списке один раз."),
    rule(
        "updated_on between date '2010-01-01' and (select last_day from delivery) + 31",
        columns=["updated_on"],
        name="updated_before",
        dimension="timeliness",
        says="Дата обновления набора не раньше 2010 года и уже наступила.",
        remedy="Проверьте дату: ДД.ММ.ГГГГ.",
        mostly=0.95,
    ),
]

HISTORY = History(key=("name",), row=("name",), shares={"опубликованы": "published"}, steady=True)
