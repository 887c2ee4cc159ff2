"""How text must look to be a number, and what it is if it is not one: one grammar, in Python and in SQL.

A number is written in ASCII digits with an optional sign. Nothing is guessed: ambiguous text is not a number.
Patterns use the syntax that Python's ``re`` and DuckDB's RE2 share, and match a whole text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Literal

from pipelines.text import BLANKS, INVISIBLE, code_of, sign_class, signs_where

MINUS = "\u2212"
BETWEEN_GROUPS = " \u00a0\u2009\u202f"
DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\ufe63\uff0d"
MARKS = "*†‡§¶#^\u00b9\u00b2\u00b3\u2070\u2074-\u2079\u2080-\u2089\u2460-\u2473"
LIKE_DIGITS = "OoОоΟοIlІіЗзб"
_S = f"[+{MINUS}-]?"
_BLANK = f"[{sign_class(BLANKS)}]"
_GROUPS = f"[1-9][0-9]{{0,2}}(?:[{BETWEEN_GROUPS}][0-9]{{3}})+"
_ANY = rf"{_S}(?:{_GROUPS}|[0-9]+)(?:[.,][0-9]+)?"
_NOTE = rf"(?:[{MARKS}]+[0-9]{{0,2}}|[(\[][0-9A-Za-zА-яЁё*]{{1,2}}[)\]]|[0-9A-Za-zА-яЁё*]{{0,2}}[)\]])"


class Kind(Enum):
    """A kind of text that is not a number: its name, and its description in Russian and in English."""

    EMPTY = "число не указано", "nothing is there"
    INVISIBLE = "среди цифр стоит невидимый знак", "there is an invisible character in it"
    ERROR = "ошибка или формула таблицы, а не число", "an error or a formula of a spreadsheet"
    DIGITS = "цифры другого письма, нужны 0–9", "digits of another script; 0-9 are needed"
    WORD = "слово или знак вместо числа", "a word or a symbol, not digits"
    EXPONENT = "число записано со степенью (E)", "written with an exponent (E)"
    PARENTHESES = "число стоит в скобках", "is in parentheses"
    LOOKALIKE = "буква, похожая на цифру, среди цифр", "a letter that looks like a digit among the digits"
    FOOTNOTE = "за числом стоит знак сноски", "a footnote mark follows the number"
    DASH = "тире вместо минуса", "a dash instead of a minus"
    RANGE = "несколько чисел в одном значении", "several numbers in one value"
    OTHER = (
        "кроме числа стоят другие знаки: буквы, единица, валюта, процент",
        "other characters beside the number: letters, a unit, a currency, a percent sign",
    )
    BOTH = "и точка, и запятая в одном числе", "a point and a comma in one number"
    REPEATED = "несколько точек или запятых в одном числе", "several points or commas in one number"
    THOUSANDS = "тысячи отделены пробелом; число пишется слитно", "a space between thousands; remove it"
    BLANK = "пробел внутри числа не между тысячами", "a space inside that does not separate thousands"
    AMBIGUOUS = (
        "неясно, тысячи или дробь: за точкой или запятой три цифры",
        "a thousand or a fraction: three digits after the point or comma",
    )
    FRACTION = "дробь вместо целого числа", "a fraction instead of a whole number"
    COMMA = "дробь отделена запятой, нужна точка", "a decimal comma instead of a point"
    POINT = "дробь отделена точкой, нужна запятая", "a decimal point instead of a comma"
    BARE = "с одной стороны точки или запятой нет цифр", "no digit on one side of the point or comma"
    SIGN = "знак числа стоит не перед ним или не один", "several signs, or the sign is not before the number"
    PLACES = "знаков после запятой больше, чем хранится", "more decimal places than are stored"
    LARGE = "число больше, чем хранится", "larger than can be stored"

    @property
    def ru(self) -> str:
        """In Russian, without a full stop."""
        return self.value[0]

    @property
    def en(self) -> str:
        """In English, without a full stop."""
        return self.value[1]


@dataclass(frozen=True)
class NotANumber:
    """Text that is not a number: what it is instead, and the code of the offending character, if there is one."""

    kind: Kind
    sign: str | None = None

    @property
    def ru(self) -> str:
        """In Russian, without a full stop; repeats nothing of the text but a character's code."""
        return self.kind.ru + (f": {self.sign}" if self.sign else "")

    @property
    def en(self) -> str:
        """In English, without a full stop; repeats nothing of the text but a character's code."""
        return self.kind.en + (f": {self.sign}" if self.sign else "")


@dataclass(frozen=True)
class Form:
    """A number format.

    ``decimal``: the decimal mark; ``".,"`` allows either, but no comma that may separate thousands (``1,234``).
    ``grouping``: spaces may separate groups of three digits. ``exponent``: ``1e-05`` is also a number. ``places``: how many
    decimal places may be non-zero; 0 allows only whole numbers.
    """

    decimal: Literal[".", ",", ".,"] = "."
    grouping: bool = False
    exponent: bool = False
    places: int | None = None

    @cached_property
    def pattern(self) -> str:
        """Pattern of a number, ignoring surrounding spaces."""
        return _S + self._unsigned(_GROUPS if self.grouping else None)

    @cached_property
    def plain(self) -> str:
        """Pattern of a number that can be cast without rewriting."""
        return "[+-]?" + ("[0-9]+" if "." not in self.decimal else self._unsigned(None, marks="."))

    def _unsigned(self, groups: str | None, marks: str = "") -> str:
        whole = f"(?:{groups}|[0-9]+)" if groups else "[0-9]+"
        digits = "[0-9]+" if self.places is None else f"[0-9]{{1,{self.places}}}0*"
        fraction = rf"(?:{re.escape(marks or self.decimal)}{digits})?"
        if self.places == 0:
            number = whole
        elif (marks or self.decimal) == ".,":
            either = rf"{whole}(?:\.{digits})?|{whole},(?:[0-9]{{1,2}}|[0-9]{{4,}})|(?:0[0-9]*|[0-9]{{4,}}),[0-9]{{3}}"
            number = f"(?:{either}|{groups},[0-9]{{3}})" if groups else f"(?:{either})"
        else:
            number = whole + fraction
        return number + ("(?:[eE][+-]?[0-9]{1,3})?" if self.exponent else "")

    @cached_property
    def faults(self) -> tuple[tuple[Kind, str], ...]:
        """Kinds of text (without surrounding spaces) that is not a number: the first matching pattern decides."""
        wrong = r"\." if self.decimal == "," else ","
        split = rf"{_S}[0-9]+[.,][0-9]+"
        return (
            (Kind.LARGE, self.pattern),
            (Kind.EMPTY, ""),
            (Kind.INVISIBLE, _with(BLAMED[Kind.INVISIBLE])),
            (Kind.ERROR, "[#=].*"),
            (Kind.DIGITS, _with(BLAMED[Kind.DIGITS])),
            (Kind.WORD, "[^0-9]*"),
            (Kind.EXPONENT, rf"{_ANY}{_BLANK}?[eEеЕ]{_S}[0-9]+"),
            (Kind.PARENTHESES, rf"{_S}\([^()]*\)"),
            (Kind.LOOKALIKE, rf"{_S}[0-9.,]*[{LIKE_DIGITS}][0-9{LIKE_DIGITS}.,]*"),
            (Kind.FOOTNOTE, f"{_ANY}{_BLANK}*{_NOTE}(?:[{BETWEEN_GROUPS},]*{_NOTE})*"),
            (Kind.FOOTNOTE, rf"{_S}(?:{_GROUPS}|[0-9]+)[.,][0-9]+{_BLANK}+[0-9]{{1,2}}"),
            (Kind.DASH, f"[{DASHES}]{_BLANK}*{_ANY}"),
            (Kind.RANGE, f"{_ANY}(?:{_BLANK}*[:;/…{DASHES}{MINUS}-]+{_BLANK}*{_ANY})+"),
            (Kind.OTHER, f".*[^0-9.,+{MINUS}{sign_class(BLANKS)}-].*"),
            (Kind.BOTH, r"(?:.*\..*,.*|.*,.*\..*)"),
            (Kind.REPEATED, r"(?:.*\..*\..*|.*,.*,.*)"),
            (Kind.BLANK if self.grouping else Kind.THOUSANDS, rf"{_S}{_GROUPS}(?:[.,][0-9]+)?"),
            (Kind.BLANK, _with(sign_class(BLANKS))),
            (Kind.AMBIGUOUS, rf"{_S}[1-9][0-9]{{0,2}}{wrong}[0-9]{{3}}"),
            *([(Kind.FRACTION, split)] if self.places == 0 else []),
            (Kind.POINT if self.decimal == "," else Kind.COMMA, rf"{_S}[0-9]+{wrong}[0-9]+"),
            (Kind.PLACES, split),
            (Kind.BARE, rf"{_S}(?:[.,][0-9]+|[0-9]+[.,])"),
            (Kind.SIGN, ".*"),
        )


def read_number(text: str, form: Form = Form()) -> str | NotANumber:
    """The number as ``Decimal``, ``float`` and a cast accept it (``-1234.5``), or what the text is instead."""
    given = text.strip(BLANKS)
    if re.fullmatch(form.pattern, given):
        return given.translate(str.maketrans({MINUS: "-", ",": ".", **dict.fromkeys(BETWEEN_GROUPS)}))
    return fault(given, form)


def fault(text: str, form: Form = Form()) -> NotANumber:
    """What a text is that is not a number in this format; ``LARGE`` if it is one that is too large to store."""
    given = text.strip(BLANKS)
    for kind, pattern in form.faults:
        if re.fullmatch(pattern, given):
            sign = re.search(f"[{BLAMED[kind]}]", given) if kind in BLAMED else None
            return NotANumber(kind, code_of(sign[0]) if sign else None)
    return NotANumber(Kind.OTHER)


def number_sql(text: str, form: Form = Form()) -> str:
    """SQL of :func:`read_number` for an expression without surrounding spaces: NULL if it is not a number."""
    return (
        f"case when regexp_full_match({text}, '{form.pattern}') "
        f"then translate({text}, '{MINUS},{BETWEEN_GROUPS}', '-.') end"
    )


def fault_sql(text: str, form: Form = Form()) -> str:
    """SQL of :func:`fault` in Russian, for an expression without surrounding spaces."""
    cases = " ".join(
        f"when regexp_full_match({text}, '{pattern}') then "
        + (
            f"printf('{kind.ru}: U+%04X', unicode(regexp_extract({text}, '[{BLAMED[kind]}]')))"
            if kind in BLAMED
            else f"'{kind.ru}'"
        )
        for kind, pattern in form.faults
    )
    return f"case {cases} else '{Kind.OTHER.ru}' end"


def _with(signs: str) -> str:
    return f"(?s).*[{signs}].*"


# kinds that name the offending character: the inside of its character class
BLAMED = {
    Kind.INVISIBLE: sign_class(INVISIBLE),
    Kind.DIGITS: sign_class(signs_where(lambda sign: sign.isdecimal() and not "0" <= sign <= "9")),
    Kind.LOOKALIKE: LIKE_DIGITS,
}
