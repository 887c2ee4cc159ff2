"""Sentences and numbers of a profile in its language."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml

Language = Literal["ru", "be", "en"]
THIN_SPACE = "\u202f"


@cache
def _phrases() -> dict[str, dict[Language, str]]:
    text = files("pipelines.reporting.profiles").joinpath("phrases.yml").read_text(encoding="utf-8")
    phrases: dict[str, dict[Language, str]] = yaml.safe_load(text)
    return phrases


@dataclass(frozen=True)
class Phrases:
    """The catalogue in one language."""

    language: Language

    def __call__(self, key: str, **figures: object) -> str:
        """The sentence; its placeholders are all given."""
        return _phrases()[key][self.language].format(**figures)

    def has(self, key: str) -> bool:
        return key in _phrases()

    def number(self, value: Decimal, decimals: int, *, signed: bool = False) -> str:
        """As it is printed: decimal comma in ru and be, thin spaces between thousands, a real minus."""
        rounded = abs(value).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
        text = f"{rounded:,.{decimals}f}".replace(",", THIN_SPACE)
        if self.language != "en":
            text = text.replace(".", ",")
        if rounded == 0:
            return text
        return f"−{text}" if value < 0 else f"+{text}" if signed else text

    def items(self, texts: list[str], most: int) -> str:
        """A list in one sentence; what does not fit is counted."""
        shown = texts[:most]
        if len(texts) > most:
            shown.append(self("and_more", count=len(texts) - most))
        return "; ".join(shown)
