"""Code that the catalogue's modules share."""

from __future__ import annotations

from typing import Any

Rows = list[dict[str, Any]]


def titles(given: Any) -> dict[str, str]:
    """Columns ``title_ru``, ``title_be``, ``title_en``."""
    return names(given, "title")


def names(given: Any, prefix: str = "name") -> dict[str, str]:
    """Columns of a name in the three languages: ``<prefix>_ru``, ``<prefix>_be``, ``<prefix>_en``."""
    return {f"{prefix}_ru": given.ru, f"{prefix}_be": given.be, f"{prefix}_en": given.en}
