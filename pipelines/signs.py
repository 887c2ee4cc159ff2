"""Escape characters that a terminal or log would interpret, or that people cannot see."""

from __future__ import annotations

from collections.abc import Callable
from unicodedata import category


def _spelled(sign: str) -> str:
    return sign.encode("unicode_escape").decode()


def printable(text: str, keep: str = "", spell: Callable[[str], str] = _spelled) -> str:
    """Text with all invisible characters escaped (``\\x1b``), except those in ``keep``.

    These are control characters, joiners and direction marks, line separators, lone surrogates and noncharacters; spaces of any
    width count as visible.
    """
    if text.isprintable():
        return text
    return "".join(sign if is_seen(sign) or sign in keep else spell(sign) for sign in text)


def is_seen(sign: str) -> bool:
    """Whether a character is visible and has no other effect."""
    return sign.isprintable() or category(sign) == "Zs"
