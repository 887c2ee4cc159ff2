"""The release calendar as rows of ``catalogue``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.declarations.indicators import IndicatorCatalogue
from pipelines.declarations.releases import CalendarRelease
from pipelines.moments import MINSK

Rows = list[dict[str, Any]]

# name -> columns with their types; the order is the order of the columns
RELEASE_TABLES: dict[str, dict[str, str]] = {
    # ``embargo_until`` is for computing, ``embargo_until_minsk`` for display
    "release": {
        "release": "text",
        "time_period": "text",
        "freq": "text",
        "first_day": "date",
        "last_day": "date",
        "title_ru": "text",
        "title_be": "text",
        "title_en": "text",
        "embargo_until": "moment",
        "embargo_until_minsk": "text",
        "example": "boolean",
        "legal_act": "text",
        "note_ru": "text",
        "note_be": "text",
        "note_en": "text",
    },
    "release_indicator": {"release": "text", "indicator": "text"},
}


def release_rows(releases: Mapping[str, CalendarRelease], catalogue: IndicatorCatalogue) -> dict[str, Rows]:
    """Rows of the tables of ``RELEASE_TABLES``."""
    tables: dict[str, Rows] = {name: [] for name in RELEASE_TABLES}
    for code, release in releases.items():
        first_day, last_day = release.span
        note = release.note.model_dump() if release.note else {}
        tables["release"].append(
            {
                "release": code,
                "time_period": release.period,
                "freq": release.freq,
                "first_day": first_day,
                "last_day": last_day,
                **{f"title_{language}": text for language, text in release.title.model_dump().items()},
                "embargo_until": release.embargo_until,
                "embargo_until_minsk": release.embargo_until.astimezone(MINSK).isoformat(timespec="minutes"),
                "example": release.example,
                "legal_act": release.legal_act,
                **{f"note_{language}": note.get(language) for language in ("ru", "be", "en")},
            }
        )
        tables["release_indicator"] += [
            {"release": code, "indicator": indicator} for indicator in release.covers(catalogue)
        ]
    return tables
