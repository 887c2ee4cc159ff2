"""Russian wording for figures and missing figures."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

NO_DATA = "нет данных"

MISSING = {
    "not_delivered": "не предоставлено",
    "not_published": "не опубликовано",
    "not_retained": "не сохранено",
    "not_applicable": "не применимо",
    "suppressed": "скрыто",
    "held_back": "удержано",
    "not_yet": "ещё не наступило",
}
MISSING_EXPLAINED = {
    "not_delivered": "источник не передал данные за период",
    "not_published": "источник ведёт учёт, но показатель за период не обнародовал",
    "not_retained": "данные существовали, но источник их удалил",
    "not_applicable": "показатель для территории не имеет смысла",
    "suppressed": "малое число случаев, не раскрывается",
    "held_back": "данные противоречат друг другу, значение удержано до выяснения",
    "not_yet": "период ещё не закончился",
    None: "показатель для территории или периода не рассчитывался",
}

# letters after a figure: SDMX status as letters of the report
STATUS = {
    "P": ("п", "предварительные данные"),
    "E": ("о", "оценка"),
    "U": ("н", "низкая надёжность"),
    "I": ("в", "пропуск восполнен по правилу"),
    "B": ("р", "разрыв ряда"),
}

REVISED = ("у", "уточнено: раньше было опубликовано другое значение")

SYNTHETIC = "СИНТЕТИЧЕСКИЕ ДАННЫЕ – не для использования"
SYNTHETIC_MARK = "◊"

FREQ = {"M": "месяц", "Q": "квартал", "S": "полугодие", "A": "год"}
NOT_BY = {
    "M": "по месяцам нет",
    "Q": "по кварталам нет",
    "S": "по полугодиям нет",
    "A": "по годам нет",
}
STATE = {
    "accepted": "принята",
    "waived": "принята по решению",
    "rejected": "отклонена",
    "unapproved": "ожидает согласования",
    "superseded": "заменена",
    "conflicting": "не учитывается: пересекается с принятой",
}

# steps of approval
STEP = {"town": "город (район)", "region": "область", "ministry": "министерство"}

THIN_SPACE = "\u202f"


def number(value: float, decimals: int) -> str:
    """Decimal comma, thin spaces between thousands, a real minus: ``-1234.5`` is ``−1 234,5``.

    Halves are rounded away from zero, as spreadsheets show them.
    """
    rounded = Decimal(repr(abs(value))).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    text = f"{rounded:,.{decimals}f}".replace(",", THIN_SPACE).replace(".", ",")
    is_zero = not any(digit in text for digit in "123456789")
    return text if value >= 0 or is_zero else f"−{text}"


def step_ru(step: str) -> str:
    """A step of approval, in words."""
    return STEP.get(step, step)


def missing(reason: str | None) -> str:
    """Why there is no figure, in words."""
    return MISSING.get(reason or "", NO_DATA)


def banner(synthetic: bool, partly: bool) -> str:
    """The warning above invented figures; empty if there are none."""
    if not synthetic:
        return ""
    return f"{SYNTHETIC}: показатели, отмеченные {SYNTHETIC_MARK}" if partly else SYNTHETIC
