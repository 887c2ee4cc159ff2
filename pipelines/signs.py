"""Signs that a terminal, a log or a person would obey or not see, spelled out."""

from __future__ import annotations

from collections.abc import Callable
from unicodedata import category


def _spelled(sign: str) -> str:
    return sign.encode("unicode_escape").decode()


def printable(text: str, keep: str = "", spell: Callable[[str], str] = _spelled) -> str:
    """A text with everything but what is seen spelled out (``\\x1b``), save for the signs of ``keep``.

    Controls, marks of joining and direction, line separators, half characters and what no character is; blanks of any
    width are seen.
    """
    if text.isprintable():
        return text
    return "".join(sign if is_seen(sign) or sign in keep else spell(sign) for sign in text)


def is_seen(sign: str) -> bool:
    """Whether a sign stands where it is written and does nothing else."""
    return sign.isprintable() or category(sign) == "Zs"
