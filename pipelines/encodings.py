"""Detects the encoding of a Russian text from its bytes. An 8-bit encoding decodes nearly any bytes, but not to words.

A word counts if it is a word in only one encoding: Russian or Belarusian letters, all lower case, all upper case, or
capitalised. «парковка» in cp866 is not a word in cp1251 (``Ї аЄ®ўЄ``), and in UTF-8 the case changes at every character.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal, get_args

Encoding = Literal["utf-8", "cp1251", "cp866", "utf-16"]

ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)
OLD: tuple[Encoding, ...] = ("cp1251", "cp866")
CALLED: dict[Encoding, str] = {
    "utf-8": "UTF-8",
    "cp1251": "cp1251 (Windows-1251)",
    "cp866": "cp866 (DOS)",
    "utf-16": "UTF-16",
}
# the largest number of words that are examined
ENOUGH = 20_000

HIGH = re.compile(rb"[\x80-\xff]+")
# three Cyrillic letters in UTF-8 in a row, which is not text in an 8-bit encoding. One expression for each first byte:
# a search that begins with a known byte is many times faster
UTF8_WORDS = [
    re.compile(first + rb"[\x80-\xbf](?:[\xd0\xd1][\x80-\xbf]){2}") for first in (rb"\xd0", rb"\xd1")
]
SMALL = "а-яёіўґ"
WORD = re.compile(f"[{SMALL.upper()}]?[{SMALL}]+|[{SMALL.upper()}]+")
# characters next to words that are not letters: quotation marks, dashes, №, spaces, degree and section signs
MARKS = re.compile("[«»„“”‘’–—…№\xa0°§·•±\xad€]+")


@dataclass
class Evidence:
    """The distinct words at the beginning, and whether the whole text is UTF-8."""

    words: set[bytes] = field(default_factory=set)
    looked_at: int = 0
    is_utf8: bool = True
    _decoder: codecs.IncrementalDecoder = field(default_factory=codecs.getincrementaldecoder("utf-8"))

    def take(self, piece: bytes) -> None:
        """Examine a piece of the text; a word cut by its end counts as two."""
        if self.is_utf8:
            try:
                self._decoder.decode(piece)
            except UnicodeDecodeError:
                self.is_utf8 = False
        if self.looked_at < ENOUGH:
            found = [word[0] for word in islice(HIGH.finditer(piece), ENOUGH - self.looked_at)]
            self.looked_at += len(found)
            self.words.update(found)

    def other_than(self, declared: Encoding) -> Encoding | None:
        """The detected encoding, if it is not the declared one."""
        if declared != "utf-8" and self.is_utf8 and self.words:
            return "utf-8"
        found = max(
            (one for one in OLD if one != declared), key=lambda one: _only_in(self.words, one, declared)
        )
        return (
            found if _only_in(self.words, found, declared) > _only_in(self.words, declared, found) else None
        )


def encoding_of(content: bytes) -> Encoding | None:
    """The probable encoding of some bytes; None if they do not show it."""
    if utf16_of(content) is not None:
        return "utf-16"
    evidence = Evidence()
    evidence.take(content)
    return "utf-8" if evidence.is_utf8 else evidence.other_than("utf-8")


def utf16_of(content: bytes) -> str | None:
    """The codec of a text in UTF-16, by its byte order mark; without one, by the bytes 0 (ASCII) and 4 (Cyrillic) at
    nearly all even, or all odd, positions. None: it is in another encoding."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for codec, places in (("utf-16-be", content[::2]), ("utf-16-le", content[1::2])):
        if places.count(0) + places.count(4) > 0.9 * len(places) and len(content) > 3:
            return codec
    return None


def utf8_word(piece: bytes) -> int | None:
    """Where a word in UTF-8 stands in a text that is in an old encoding; None: there is none."""
    found = [word.start() for expression in UTF8_WORDS if (word := expression.search(piece))]
    return min(found, default=None)


def remedy(found: Encoding | None, declared: Encoding) -> str:
    """What to do about a file that is in another encoding than the declared one, in Russian."""
    wanted = "UTF-8 (Excel: «CSV UTF-8»)" if declared == "utf-8" else CALLED[declared]
    asked = f"Сохраните файл в кодировке {wanted}"
    if found is None:
        return f"{asked}."
    return f"{asked}. Если поставщик всегда передаёт {CALLED[found]}, укажите в source.yml: format: {{encoding: {found}}}."


def looks_like(found: Encoding | None) -> str:
    """``; по байтам это cp866 (DOS)``, or nothing."""
    return f"; по байтам это {CALLED[found]}" if found else ""


def _only_in(words: Collection[bytes], one: Encoding, other: Encoding) -> int:
    """How many words are words in one encoding, and neither words nor punctuation in the other."""
    return sum(1 for word in words if _parts(word, one) and _parts(word, other) is None)


def _parts(given: bytes, encoding: Encoding) -> list[str] | None:
    """The words in some bytes, without punctuation around them; None if they are not words."""
    try:
        parts = [part for part in MARKS.split(given.decode(encoding)) if part]
    except UnicodeDecodeError:
        return None
    return parts if all(map(WORD.fullmatch, parts)) else None
