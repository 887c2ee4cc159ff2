"""Code lists in three languages: the codes of SDMX, the contracts and the declarations.

Names of SDMX codes follow the cross-domain code lists of SDMX (CL_FREQ, CL_OBS_STATUS); the descriptions say what
the code means here.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.publishing.exports.snapshot import Row


@dataclass(frozen=True)
class Text:
    """One text in Russian, Belarusian, English."""

    ru: str
    be: str
    en: str

    def get(self, language: str) -> str:
        """The text in ``ru``, ``be`` or ``en``."""
        return {"ru": self.ru, "be": self.be, "en": self.en}[language]


def text_of(row: Row, prefix: str) -> Text | None:
    """The text in columns ``<prefix>_ru``, ``_be``, ``_en``; untranslated text stays Russian."""
    russian = row.get(f"{prefix}_ru")
    if russian is None:
        return None
    return Text(russian, row.get(f"{prefix}_be") or russian, row.get(f"{prefix}_en") or russian)


SYNTHETIC = Text(
    "СИНТЕТИЧЕСКИЕ ДАННЫЕ – не для использования",
    "СІНТЭТЫЧНЫЯ ДАНЫЯ – не для выкарыстання",
    "SYNTHETIC DATA – not for use",
)

FREQUENCIES = {
    "A": Text("Год", "Год", "Annual"),
    "S": Text("Полугодие", "Паўгоддзе", "Half-yearly"),
    "Q": Text("Квартал", "Квартал", "Quarterly"),
    "M": Text("Месяц", "Месяц", "Monthly"),
}

STATUSES = {
    "A": Text("Обычное значение", "Звычайнае значэнне", "Normal value"),
    "B": Text("Разрыв ряда", "Разрыў рада", "Time series break"),
    "E": Text("Оценка", "Ацэнка", "Estimated value"),
    "I": Text("Пропуск восполнен по правилу", "Пропуск запоўнены па правіле", "Imputed value"),
    "P": Text("Предварительное значение", "Папярэдняе значэнне", "Provisional value"),
    "U": Text("Низкая надёжность", "Нізкая надзейнасць", "Low reliability"),
    "O": Text(
        "Нет значения: не предоставлено или не опубликовано",
        "Няма значэння: не прадастаўлена або не апублікавана",
        "Missing value: not delivered or not published",
    ),
    "L": Text(
        "Нет значения: данные были, но не сохранены",
        "Няма значэння: даныя былі, але не захаваныя",
        "Missing value: data existed and were not retained",
    ),
    "M": Text("Значения быть не может", "Значэння быць не можа", "Missing value: data cannot exist"),
    "Q": Text("Значение скрыто", "Значэнне схавана", "Missing value: suppressed"),
}

MISSING = {
    "not_delivered": Text("не предоставлено", "не прадастаўлена", "not delivered"),
    "not_published": Text("не опубликовано", "не апублікавана", "not published"),
    "not_retained": Text("не сохранено", "не захавана", "not retained"),
    "not_applicable": Text("не применимо", "не прымяняецца", "not applicable"),
    "suppressed": Text("скрыто (мало случаев)", "схавана (мала выпадкаў)", "suppressed (few cases)"),
    "held_back": Text("удержано до выяснения", "утрымана да высвятлення", "held back"),
    "not_yet": Text("период ещё не закончился", "перыяд яшчэ не скончыўся", "period has not ended yet"),
}

IMPUTATIONS = {
    "carry_forward": Text(
        "перенос последнего значения", "перанос апошняга значэння", "last value carried forward"
    ),
    "linear": Text("линейная интерполяция", "лінейная інтэрпаляцыя", "linear interpolation"),
    "group_mean": Text("среднее по группе", "сярэдняе па групе", "mean of the group"),
    "survey": Text("по данным обследования", "паводле даных абследавання", "based on a survey"),
}


ROLL_UPS = {
    "ratio_of_sums": Text(
        "отношение сумм по территориям, от которых есть данные",
        "адносіна сум па тэрыторыях, ад якіх ёсць даныя",
        "ratio of sums over the territories that report",
    ),
    "percentile": Text(
        "процентиль значений нижних территорий",
        "працэнтыль значэнняў ніжніх тэрыторый",
        "percentile of the values of lower territories",
    ),
}

DIRECTIONS = {
    "up": Text("чем больше, тем лучше", "чым больш, тым лепш", "more is better"),
    "down": Text("чем меньше, тем лучше", "чым менш, тым лепш", "less is better"),
    "none": Text("не оценивается", "не ацэньваецца", "neither is better"),
    "mixed": Text("зависит от случая", "залежыць ад выпадку", "it depends"),
    "to_be_checked": Text("надо сверить с документом", "трэба зверыць з дакументам", "to be checked"),
}

TOTALS = {
    "_T": Text("Всего", "Усяго", "Total"),
    "_U": Text("Не распределено", "Не размеркавана", "Not allocated"),
    "_Z": Text("Не применимо", "Не прымяняецца", "Not applicable"),
}
