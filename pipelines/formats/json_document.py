"""JSON from outside, always read equally strictly: RFC 8259 and the additions of RFC 7493.

A key occurs once in an object, a number is finite, nothing is nested deeper than ``DEEPEST``. A problem is reported by its
place alone: line and column, and a path in which only ``words``, the keys that a format knows, are spelled out.

Half of a surrogate pair (``\\ud83d`` alone) is not a character, and no file can contain it: it is read as U+0000, which no
warehouse stores either. So a reader checks the texts that it keeps for one thing only (:func:`is_kept`), and the texts that
it does not keep do no harm.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

from pipelines.encodings import encoding_of, looks_like, utf16_of
from pipelines.errors import DeliveryError, Reason

DEEPEST = 100
NEW_LINE = "\n"
MANY_REASONS = 20
ARCHIVES = {b"PK\x03\x04": "ZIP", b"\x1f\x8b": "GZIP", b"7z\xbc\xaf": "7-Zip", b"Rar!": "RAR"}
AGAIN = "Запросите данные заново и передайте ответ целиком, без правки."
KEPT_TEXT = "текст без знака U+0000 и без половин суррогатных пар (\\ud800…\\udfff поодиночке)"

# a whole pair, one half of it, or any other escape
ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+', re.DOTALL)


class JsonError(Exception):
    """The content is not JSON, or not strict. ``document`` is what could be read nevertheless, or None."""

    def __init__(self, reasons: list[Reason], document: Any = None) -> None:
        super().__init__(reasons[0].message)
        self.reasons = reasons
        self.document = document


def is_kept(text: str) -> bool:
    """Whether a text that was read here can be stored: it has no U+0000, and had no half of a surrogate pair."""
    return "\0" not in text


def read_document(path: Path, max_bytes: int, words: Collection[str] = ()) -> Any:
    """The parsed document.

    Raises:
        DeliveryError: empty, too large, an archive, a web page, not UTF-8, cut off, or not strict JSON.
    """
    size = path.stat().st_size
    if size > max_bytes:
        message = f"Файл слишком велик: {size} байт, принимается не больше {max_bytes}."
        refuse(path.name, Reason("file.size", message, "Разделите выгрузку."))
    try:
        return parse(path.read_bytes(), words)
    except JsonError as error:
        raise DeliveryError(path.name, error.reasons) from None


def refuse(file: str, reason: Reason) -> NoReturn:
    """Refuse the file for one reason."""
    raise DeliveryError(file, [reason])


class Digits(float):
    """A number that is not an integer, with its digits as written."""

    __slots__ = ("digits",)
    digits: str


def parse(content: bytes, words: Collection[str] = ()) -> Any:
    """The document in ``content``; halves of surrogate pairs in it are U+0000, fractions are :class:`Digits`.

    Raises:
        JsonError: it is not strict JSON; the reasons quote nothing but ``words``.
    """
    text = _text(content)
    strictness = _Strictness()
    try:
        document = json.loads(
            text,
            object_pairs_hook=strictness.object,
            parse_float=strictness.number,
            parse_int=strictness.integer,
            parse_constant=strictness.number,
        )
    except json.JSONDecodeError as error:
        raise JsonError([_syntax_error(text, error)]) from None
    except RecursionError:
        document, strictness.is_violated = None, True
    if strictness.is_violated or _is_deep(document):
        raise JsonError(list(islice(_faults(text, words), MANY_REASONS)), document)
    return document


def _text(content: bytes) -> str:
    """The text of a document.

    Raises:
        JsonError: it is not the text of a JSON document.
    """
    start = content[:64].removeprefix(codecs.BOM_UTF8).lstrip()
    if not start:
        raise JsonError([Reason("file.not_empty", "Файл пуст.", AGAIN)])
    for magic, name in ARCHIVES.items():
        if start.startswith(magic):
            message = f"Это архив {name}, а не JSON; архивы не распаковываются."
            raise JsonError([Reason("file.format", message, "Передайте сам файл JSON.")])
    if start.startswith(b"<"):
        message = "Файл начинается со знака «<», как страница HTML или XML; JSON с него не начинается."
        remedy = (
            "Откройте файл в блокноте: там может быть сказано, что помешало. Затем выгрузите данные снова."
        )
        raise JsonError([Reason("file.format", message, remedy)])
    if (
        utf16_of(content[:64]) is not None
    ):  # without a byte order mark, UTF-16 text is valid UTF-8 too, with every other byte zero
        message = f"Файл не в кодировке UTF-8{looks_like('utf-16')}."
        raise JsonError([Reason("file.encoding", message, "Сохраните файл в UTF-8.")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = error.start + 1
        if error.reason == "unexpected end of data":
            message = f"Файл обрывается посреди знака UTF-8 (байт {byte})."
            raise JsonError([Reason("file.whole", message, AGAIN)]) from None
        message = (
            f"Файл не в кодировке UTF-8: байт {byte} в ней невозможен{looks_like(encoding_of(content))}."
        )
        raise JsonError([Reason("file.encoding", message, "Сохраните файл в UTF-8.")]) from None
    return _without_halves(text) if SURROGATE.search(content) else text


def _without_halves(text: str) -> str:
    return ESCAPE.sub(lambda escape: "\\u0000" if escape["half"] else escape[0], text)


@dataclass
class _Strictness:
    """Finds what the parser of the standard library accepts though it is not strict."""

    is_violated: bool = False

    def object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        self.is_violated |= len(found) < len(pairs)
        return found

    def number(self, digits: str) -> Digits:
        number = Digits(digits)
        number.digits = digits
        self.is_violated |= not math.isfinite(number)
        return number

    def integer(self, digits: str) -> float:
        # as a float it would be infinite; with more than 4300 digits Python refuses to read it
        return int(digits) if len(digits) < 309 or math.isfinite(float(digits)) else self.number(digits)


def _is_deep(document: Any) -> bool:
    level = [document] if isinstance(document, dict | list) else []
    for _ in range(DEEPEST):
        if not level:
            return False
        level = [
            part
            for whole in level
            for part in (whole.values() if isinstance(whole, dict) else whole)
            if part.__class__ is dict or part.__class__ is list
        ]
    return bool(level)


def _syntax_error(text: str, error: json.JSONDecodeError) -> Reason:
    where = f"строка {error.lineno}, знак {error.colno}"
    if error.msg.startswith("Unterminated string"):
        return Reason("file.whole", f"Файл обрывается: текст в кавычках ({where}) не закрыт до конца.", AGAIN)
    if not text[error.pos :].strip():
        return Reason("file.whole", f"Файл обрывается ({where}): JSON не закончен.", AGAIN)
    return Reason("file.format", f"Это не JSON: ошибка записи ({where}).", AGAIN)


@dataclass
class _Open:
    """An object or array that is open; ``part`` is the current key or index."""

    is_object: bool
    part: str | int = 0
    keys: dict[str, int] = field(default_factory=dict)
    at_key: bool = True


def _faults(text: str, words: Collection[str]) -> Iterator[Reason]:
    """What is not strict in a JSON text, in order, up to where it is nested too deep."""
    within: list[_Open] = []

    def sign(position: int) -> str:
        return f"строка {text.count(NEW_LINE, 0, position) + 1}, знак {position - text.rfind(NEW_LINE, 0, position)}"

    def where(position: int) -> str:
        path = "".join(
            f"[{one.part}]" if isinstance(one.part, int) else f".{one.part if one.part in words else '*'}"
            for one in within
        )
        return f"{sign(position)}, путь ${path}"

    for match in TOKEN.finditer(text):
        token, position, inner = match[0], match.start(), within[-1] if within else None
        if token in "{[":
            if len(within) == DEEPEST:
                message = f"JSON вложен глубже {DEEPEST} уровней ({sign(position)})."
                yield Reason("json.depth", message, "Передайте ответ в описанной форме, без лишних скобок.")
                return
            within.append(_Open(token == "{"))
        elif token in "}]":
            within.pop()
        elif token == ",":
            assert inner is not None
            inner.at_key = True
            if isinstance(inner.part, int):
                inner.part += 1
        elif token == ":":
            assert inner is not None
            inner.at_key = False
        elif inner is not None and inner.is_object and inner.at_key:
            key = json.loads(token)
            inner.part = key
            if key in inner.keys:
                named = f"Ключ «{key}»" if key in words else "Один и тот же ключ"
                yield Reason(
                    "json.repeated_key",
                    f"{named} стоит в объекте дважды ({where(position)}; впервые: {sign(inner.keys[key])}).",
                    "Каждый ключ объекта должен стоять один раз: которое из значений верно, решить нельзя.",
                )
            inner.keys.setdefault(key, position)
        elif token[0] not in '"tfn' and not math.isfinite(float(token)):
            yield Reason(
                "json.number",
                f"Число не конечное или больше 1,8·10³⁰⁸ по модулю ({where(position)}).",
                "Передайте обычное число; если значения нет, передайте null.",
            )
