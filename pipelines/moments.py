"""Moments: in Minsk time if no zone is given."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from pipelines.errors import GorodError

# The time zone of days and people; both engines know this name. UTC+3 all year since 2011, with summer time before.
ZONE = "Europe/Minsk"
MINSK = ZoneInfo(ZONE)


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def utc(moment: datetime) -> datetime:
    """The moment with a zone: UTC if it has none, as in storage."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def today() -> date:
    """Today's date in Minsk, wherever this runs: the ledger's days are the country's."""
    return datetime.now(MINSK).date()


def in_minsk(moment: datetime) -> datetime:
    """The moment with a zone: Minsk if it has none.

    Raises:
        ValueError: this local time does not exist in Minsk, or exists twice.
    """
    if moment.tzinfo is not None:
        return moment
    zoned = moment.replace(tzinfo=MINSK, fold=0)
    if zoned.utcoffset() != zoned.replace(fold=1).utcoffset():
        raise ValueError(f"in Minsk {moment} did not occur, or occurred twice; write its offset, e.g. +03:00")
    return zoned


def parse_as_of(text: str) -> datetime:
    """The moment that ``--as-of`` means, in UTC: the end of a day in Minsk, or a full timestamp.

    Raises:
        GorodError: it is neither.
    """
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            end = datetime.combine(date.fromisoformat(text), time.max, MINSK)
            return end.astimezone(UTC)
        return in_minsk(datetime.fromisoformat(text)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise GorodError(
            f"{text!r} is not a moment",
            "Write a day (2026-11-01: its end in Minsk) or a moment (2026-11-01T10:00, 2026-11-01T07:00Z).",
        ) from None


def format_minsk(moment: datetime) -> str:
    """A moment for people: day and time in Minsk."""
    return f"{in_minsk(moment).astimezone(MINSK):%Y-%m-%d %H:%M} (Minsk)"
