"""Periods as SDMX writes them: 2026, 2026-S1, 2026-Q3, 2026-10."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from datetime import date, timedelta

from pipelines.errors import GorodError

PERIOD = r"\d{4}(-(S[12]|Q[1-4]|(0[1-9]|1[0-2])))?"
MONTHS = {"M": 1, "Q": 3, "S": 6, "A": 12}


def freq_of(period: str) -> str:
    """SDMX frequency of a period: A, S, Q, M."""
    rest = period[5:6]
    return rest if rest in ("S", "Q") else "M" if rest else "A"


def number_of(period: str) -> int:
    """Sequence number of a period within its frequency.

    Raises:
        GorodError: it is not a period.
    """
    if not re.fullmatch(PERIOD, period):
        raise GorodError(
            f"{period!r} is not a period", "Write it as in SDMX: 2026, 2026-S1, 2026-Q3, 2026-10."
        )
    in_a_year = 12 // MONTHS[freq_of(period)]
    return int(period[:4]) * in_a_year + int(period[5:].lstrip("SQ") or 1) - 1


def span_of(period: str) -> tuple[date, date]:
    """First and last day of a period.

    Raises:
        GorodError: it is not a period.
    """
    number, months = number_of(period), MONTHS[freq_of(period)]
    year, part = divmod(number, 12 // months)
    last = months * (part + 1)
    return date(year, last - months + 1, 1), date(year, last, calendar.monthrange(year, last)[1])


def months_from(first: date, today: date, last: date | None = None) -> Iterator[date]:
    """First days of the months from ``first`` to ``last``, or to the last finished month."""
    last = last or today.replace(day=1) - timedelta(days=1)
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = date(month.year + month.month // 12, month.month % 12 + 1, 1)


def running_period(cadence: str, today: date) -> tuple[date, date] | tuple[None, None]:
    """First and last day of the current period; none if there are no periods."""
    months = {"monthly": 1, "quarterly": 3, "half-yearly": 6, "yearly": 12}.get(cadence)
    if cadence == "daily":
        return today, today
    if months is None:
        return None, None
    first = (today.month - 1) // months * months + 1
    last = first + months - 1
    return date(today.year, first, 1), date(today.year, last, calendar.monthrange(today.year, last)[1])
