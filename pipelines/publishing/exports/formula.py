"""A method's formula in readable form."""

from __future__ import annotations

from decimal import Decimal

from pipelines.publishing.exports.snapshot import Row
from pipelines.publishing.exports.words import text_of


def in_words(method: Row, language: str) -> str:
    """``1000 × (number of requests) / (population)`` for a row of ``pub_method_v1`` or ``pub_indicator_v1``."""
    numerator, denominator = text_of(method, "numerator"), text_of(method, "denominator")
    scale = "" if method["scale"] == 1 else f"{plain(method['scale'])} × "
    above = "" if numerator is None else numerator.get(language)
    if denominator is None:
        return f"{scale}({above})" if scale else above
    return f"{scale}({above}) / ({denominator.get(language)})"


def plain(number: Decimal | float) -> str:
    """A number without trailing zeros: ``1000``, ``0.5``."""
    text = format(Decimal(str(number)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
