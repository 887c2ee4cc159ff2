"""Names of columns, units and periods as they are compared, and the nearest known one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import zip_longest

from pipelines.declarations.common import nearest
from pipelines.text import INVISIBLE, LATIN, code_of, sign_class

UNSEEN = re.compile(f"[{sign_class(INVISIBLE)}]")


def normal(text: str) -> str:
    """A name normalised for comparison: one form of each letter, single plain spaces, none at the ends."""
    return " ".join(UNSEEN.sub("", " ".join(unicodedata.normalize("NFC", text).split())).split())


def looks(text: str) -> str:
    """A name by its visual appearance: without case, ё as е, Latin letters for similar ones of other scripts."""
    return "".join(LATIN.get(sign, sign) for sign in normal(text).casefold().replace("ё", "е").upper())


def difference(given: str, expected: str) -> str:
    """Where two similar-looking names differ: the position and the characters, by their names."""
    for place, pair in enumerate(zip_longest(given, expected), start=1):
        if pair[0] != pair[1]:
            one, other = (
                "missing" if sign is None else unicodedata.name(sign, code_of(sign)) for sign in pair
            )
            return f"character {place} is {one}, not {other}"
    return "they are equal"


def nearest_name(name: str, known: Iterable[str]) -> str:
    """The nearest known name and, if it looks the same, the differing character; otherwise all known names."""
    names = list(filter(None, dict.fromkeys(known)))
    alike = next((one for one in names if looks(one) == looks(name)), None)
    return nearest(name, names) if alike is None else f"did you mean {alike!r}? {difference(name, alike)}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The same as a sentence."""
    message = nearest_name(name, known)
    return message[0].upper() + message[1:] + ("" if message.endswith("?") else ".")
