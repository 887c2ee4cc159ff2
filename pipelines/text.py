"""Invisible and confusable characters: which they are, and where two texts differ by one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from itertools import zip_longest


def signs_where(condition: Callable[[str], bool]) -> str:
    """All characters with this property; the planes in between contain only ideographs, or nothing."""
    return "".join(
        filter(condition, map(chr, (*range(0xD800), *range(0xE000, 0x20000), *range(0xE0000, 0xE1000))))
    )


# spaces of any width; trimming removes these
BLANKS = signs_where(lambda sign: unicodedata.category(sign) == "Zs")
# joiners, direction and byte order marks, control characters, line ends, fillers and variation selectors
INVISIBLE = signs_where(lambda sign: unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp")) + "".join(
    chr(code)
    for low, high in (
        (0x34F, 0x34F),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180D),
        (0x180F, 0x180F),
        (0x2800, 0x2800),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFFA0, 0xFFA0),
        (0xE0100, 0xE01EF),
    )
    for code in range(low, high + 1)
)
# capital Cyrillic and Greek letters that look like Latin ones
LATIN = dict(zip("АВЕЁЅІЇЈКМНОРСТУҮХҺԚԜΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEËSIÏJKMHOPCTYYXHQWABEZHIKMNOPTYX", strict=True))
SCRIPTS = {"LATIN": "латинская", "CYRILLIC": "кириллическая", "GREEK": "греческая"}


def sign_class(signs: Iterable[str]) -> str:
    """The inside of a regular expression's character class, in the syntax that Python and RE2 share."""
    ranges: list[list[int]] = []
    for code in sorted(map(ord, signs)):
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"{_in_class(low)}-{_in_class(high)}" for low, high in ranges)


def _in_class(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x80 else chr(code)


_UNSEEN = re.compile(f"[{sign_class(INVISIBLE)}]")
_SPACES = re.compile(f"[{sign_class(BLANKS)}]+")


def code_of(sign: str) -> str:
    """``U+FEFF``."""
    return f"U+{ord(sign):04X}"


def unseen_sign(text: str) -> str | None:
    """The first invisible character and its position, in Russian; a no-break space counts at the ends. None if there is none."""
    found = _UNSEEN.search(text)
    place = found.start() if found else None
    if place is None and text.strip(" ").strip(BLANKS) != text.strip(" "):
        place = next(place for place, sign in enumerate(text) if sign != " " and sign in BLANKS)
    return None if place is None else f"{_called(text[place])} (знак {place + 1})"


def differing_sign(given: str, expected: str) -> str | None:
    """Where two similar-looking texts differ: the character's code and position, in Russian, and nothing else of them.

    They look alike if they are equal ignoring invisible characters, case, composition (NFC) and extra blanks, and with
    Latin letters in place of similar ones. None if they are equal, or visibly different.
    """
    if given == expected or _looks(given) != _looks(expected):
        return None
    for place, (sign, wanted) in enumerate(zip_longest(given, expected), start=1):
        if sign == wanted:
            continue
        pair = _letter(given, place - 1), _letter(expected, place - 1)
        if pair[0] != pair[1] and normal(pair[0]) == normal(pair[1]):
            return f"знак {place} записан как {_codes(pair[0])}, ожидается {_codes(pair[1])}"
        if wanted is None or (sign is not None and _is_unseen(sign) and not _is_unseen(wanted)):
            return f"лишний {_called(sign)} (знак {place})"
        if sign is None or (_is_unseen(wanted) and not _is_unseen(sign)):
            return f"не хватает знака {place}: {_called(wanted)}"
        return f"знак {place} – {_called(sign)}, ожидается {_called(wanted)}"
    return None


def normal(text: str) -> str:
    """Text in the composed form (NFC)."""
    return unicodedata.normalize("NFC", text)


def _letter(text: str, place: int) -> str:
    """A character with its combining marks."""
    end = place + 1
    while end < len(text) and unicodedata.combining(text[end]):
        end += 1
    return text[place:end]


def _codes(text: str) -> str:
    return " ".join(map(code_of, text))


def _looks(text: str) -> str:
    seen = _SPACES.sub(" ", _UNSEEN.sub("", normal(text))).strip()
    return "".join(LATIN.get(sign, sign) for sign in seen.casefold().upper())


def _is_unseen(sign: str) -> bool:
    return sign in BLANKS or _UNSEEN.match(sign) is not None


def _called(sign: str) -> str:
    if sign in BLANKS:
        return f"пробел {code_of(sign)}"
    if _UNSEEN.match(sign):
        return f"невидимый знак {code_of(sign)}"
    script = SCRIPTS.get(unicodedata.name(sign, "").split(" ")[0])
    case = "строчная" if sign.islower() else "заглавная" if sign.isupper() else ""
    return " ".join(filter(None, [script, case, "буква" if sign.isalpha() else "знак", code_of(sign)]))
