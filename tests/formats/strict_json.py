"""An oracle: strict JSON read letter by letter, and defects put into documents. It shares no code with the readers."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

DEEPEST = 100
HALF = "\0"


class NotStrictError(Exception):
    """The text is no strict JSON."""


class Number(str):
    """A number as it is written."""


def strict(content: bytes) -> Any:
    """The document, numbers as they are written; a half of a surrogate pair is U+0000."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise NotStrictError from None
    reading = _Reading(text.removeprefix("\ufeff"))
    value = reading.value(0)
    reading.blanks()
    if reading.here < len(reading.text):
        raise NotStrictError
    return value


class _Reading:
    def __init__(self, text: str) -> None:
        self.text, self.here = text, 0

    def peek(self) -> str:
        return self.text[self.here : self.here + 1]

    def blanks(self) -> None:
        while self.peek() and self.peek() in " \t\r\n":
            self.here += 1

    def take(self, word: str) -> None:
        if not self.text.startswith(word, self.here):
            raise NotStrictError
        self.here += len(word)

    def value(self, depth: int) -> Any:
        self.blanks()
        sign = self.peek()
        if sign == '"':
            return self.string()
        if sign and sign in "{[":
            if depth == DEEPEST:
                raise NotStrictError
            return self.object(depth + 1) if sign == "{" else self.array(depth + 1)
        for word, meant in (("true", True), ("false", False), ("null", None)):
            if self.text.startswith(word, self.here):
                self.take(word)
                return meant
        return self.number()

    def object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self.take("{")
        self.blanks()
        if self.peek() == "}":
            self.take("}")
            return found
        while True:
            self.blanks()
            key = self.string()
            if key in found:
                raise NotStrictError
            self.blanks()
            self.take(":")
            found[key] = self.value(depth)
            self.blanks()
            if self.peek() == "}":
                self.take("}")
                return found
            self.take(",")

    def array(self, depth: int) -> list[Any]:
        found: list[Any] = []
        self.take("[")
        self.blanks()
        if self.peek() == "]":
            self.take("]")
            return found
        while True:
            found.append(self.value(depth))
            self.blanks()
            if self.peek() == "]":
                self.take("]")
                return found
            self.take(",")

    def string(self) -> str:
        self.take('"')
        units: list[int] = []
        while True:
            sign = self.peek()
            if not sign or ord(sign) < 0x20:
                raise NotStrictError
            self.here += 1
            if sign == '"':
                break
            if sign != "\\":
                units.append(ord(sign))
                continue
            escape = self.peek()
            self.here += 1
            if escape == "u":
                digits = self.text[self.here : self.here + 4]
                if len(digits) < 4 or any(digit not in "0123456789abcdefABCDEF" for digit in digits):
                    raise NotStrictError
                self.here += 4
                units.append(-int(digits, 16))  # below zero: escaped, so that halves may pair
            elif escape and escape in '"\\/bfnrt':
                units.append(ord(dict(zip('"\\/bfnrt', '"\\/\b\f\n\r\t', strict=True))[escape]))
            else:
                raise NotStrictError
        return "".join(_signs(units))

    def number(self) -> Number:
        start = self.here
        if self.peek() == "-":
            self.here += 1
        whole = self.digits()
        if not whole or (len(whole) > 1 and whole[0] == "0"):
            raise NotStrictError
        if self.peek() == ".":
            self.here += 1
            if not self.digits():
                raise NotStrictError
        if self.peek() and self.peek() in "eE":
            self.here += 1
            if self.peek() and self.peek() in "+-":
                self.here += 1
            if not self.digits():
                raise NotStrictError
        written = self.text[start : self.here]
        if not math.isfinite(float(written)):
            raise NotStrictError
        return Number(written)

    def digits(self) -> str:
        start = self.here
        while self.peek() and self.peek() in "0123456789":
            self.here += 1
        return self.text[start : self.here]


def _signs(units: list[int]) -> Iterator[str]:
    place = 0
    while place < len(units):
        unit = -units[place] if units[place] < 0 else units[place]
        after = -units[place + 1] if place + 1 < len(units) and units[place + 1] < 0 else 0
        place += 1
        if units[place - 1] < 0 and 0xD800 <= unit < 0xDC00 and 0xDC00 <= after < 0xE000:
            yield chr(0x10000 + ((unit - 0xD800) << 10) + (after - 0xDC00))
            place += 1
        elif units[place - 1] < 0 and 0xD800 <= unit < 0xE000:
            yield HALF
        else:
            yield chr(unit)


POISON = [
    "null", "true", "false", "0", "-1", "1e5", "1E400", "-1e999", "NaN", "-Infinity", "9" * 401, "9" * 30, "1.5", "[]", "{}",
    '""', '" "', '"\\u0000"', '"\\ud83d"', '"\\udc00x"', '"\\ud83d\\ude00"', '"г. Mинск"', '"Секретова"', '"\\u00a0"',
    '"1\\u00a0234,5"', '"1.234"', '"12 34"', '"1e5"', '"12*"', '"01"', '"' + "9" * 401 + '"', '"\u0661"', '"и\u0306"',
    "[" * 150 + "]" * 150, "[" * 99 + "]" * 99, "[[1,2],[1,2]]", '{"value":"5","level":0}', '[{"id":"x"}]', "01", "+1",
    ".5", "5.", "'a'",
    '{"Секретова":1,"Секретова":2}', "[27.5,53.5]", "[200,53]", "[27,53,1e300]",
]  # fmt: skip


def mutant(document: Any, chance: random.Random) -> bytes:
    """``document`` with one to three defects, as bytes."""
    nodes = [path for path, _ in _paths(document)]
    swaps: dict[tuple[Any, ...], str] = {}
    for _ in range(chance.randint(1, 3)):
        swaps[chance.choice(nodes)] = chance.choice(
            ["poison", "drop", "twice", "rename", "reorder", "wrap", "text"]
        )
    text = _written(document, (), swaps, chance).encode()
    if chance.random() < 0.35:
        text = _bytes_changed(text, chance)
    return text


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _paths(item, (*path, key))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _written(
    value: Any, path: tuple[Any, ...], swaps: dict[tuple[Any, ...], str], chance: random.Random
) -> str:
    how = swaps.get(path)
    if how == "poison":
        return chance.choice(POISON)
    if isinstance(value, dict):
        parts = []
        for key, item in value.items():
            inner = swaps.get((*path, key))
            if inner == "drop":
                continue
            name = (
                key
                if inner != "rename"
                else chance.choice([key + " ", key.upper(), "Секретова", key + "\\ud800"])
            )
            name = name.replace("\\ud800", "\x01")
            pair = f"{_quoted(name)}:{_written(item, (*path, key), swaps, chance)}".replace("\x01", "\\ud800")
            parts += [pair] * (2 if inner == "twice" else 1)
        if how == "reorder":
            chance.shuffle(parts)
        text = "{" + ",".join(parts) + "}"
    elif isinstance(value, list):
        items = []
        for number, item in enumerate(value):
            inner = swaps.get((*path, number))
            items += [_written(item, (*path, number), swaps, chance)] * (
                0 if inner == "drop" else 2 if inner == "twice" else 1
            )
        if how == "reorder":
            chance.shuffle(items)
        text = "[" + ",".join(items) + "]"
    elif isinstance(value, str):
        text = _quoted(value)
        if how == "text":
            place = chance.randint(1, len(text) - 1)
            sign = chance.choice(["\\u0000", "\\ud83d", "\\u00a0", "M", "\\u200b", "u\\u0306", "\\n", "  "])
            text = text[:place] + sign + text[place:]
    else:
        text = (
            {None: "null", True: "true", False: "false"}.get(value, str(value))
            if value is None or isinstance(value, bool)
            else str(value)
        )
    return f"[{text}]" if how == "wrap" else text


def _bytes_changed(text: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(text) + 1)
    to = min(len(text), at + chance.randint(1, 12))
    match chance.randrange(6):
        case 0:
            return text[:at]
        case 1:
            return text[:at] + text[to:]
        case 2:
            return text[:to] + text[at:]
        case 3:
            return text[:at] + bytes([chance.randrange(256)]) + text[at + 1 :]
        case 4:
            return (
                text[:at]
                + chance.choice([b",", b'"', b"\\", b"]", b"}", b"\x00", b"\xed\xa0\x80", b"\xff"])
                + text[at:]
            )
        case _:
            return b"\xef\xbb\xbf" * chance.randint(1, 2) + text
