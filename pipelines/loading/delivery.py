"""The words that loading is written in: slice, offer, receipt, batch."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pipelines.errors import OriginError, Reason


@dataclass(frozen=True, order=True)
class Slice:
    """The part of a feed that a delivery replaces: a span of days (both ends included), of a ``part`` if it has one.

    A snapshot of something without periods has no days.
    """

    part: str = ""
    first_day: date | None = None
    last_day: date | None = None

    @property
    def key(self) -> str:
        """Short text, e.g. ``2018-04``, ``region@2010..2019``, ``snapshot``."""
        if self.first_day is None or self.last_day is None:
            span = "snapshot"
        elif (self.first_day, self.last_day) == month_span(self.first_day):
            span = f"{self.first_day:%Y-%m}"
        elif (self.first_day.month, self.first_day.day, self.last_day.month, self.last_day.day) == (
            1,
            1,
            12,
            31,
        ):
            span = (
                f"{self.first_day:%Y}"
                if self.first_day.year == self.last_day.year
                else f"{self.first_day:%Y}..{self.last_day:%Y}"
            )
        else:
            span = f"{self.first_day}..{self.last_day}"
        return f"{self.part}@{span}" if self.part else span


def month_span(day: date) -> tuple[date, date]:
    """First and last day of the month of ``day``."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def parse_slice(period: str | None, part: str | None) -> Slice:
    """The slice that a file name tells.

    Raises:
        OriginError: ``period`` is none of YYYY, YYYY-YYYY, YYYY-MM, YYYY-MM-DD.
    """
    name = part or ""
    if not period:
        return Slice(name)
    try:
        if re.fullmatch(r"\d{4}", period):
            return Slice(name, date(int(period), 1, 1), date(int(period), 12, 31))
        if re.fullmatch(r"\d{4}-\d{4}", period):
            first, last = (int(year) for year in period.split("-"))
            if first <= last:
                return Slice(name, date(first, 1, 1), date(last, 12, 31))
        elif re.fullmatch(r"\d{4}-\d{2}", period):
            return Slice(name, *month_span(date.fromisoformat(f"{period}-01")))
        elif re.fullmatch(r"\d{4}-\d{2}-\d{2}", period):
            day = date.fromisoformat(period)
            return Slice(name, day, day)
    except ValueError:
        pass
    raise OriginError(
        f"period {period!r} in a file name is no period", "Use YYYY, YYYY-YYYY, YYYY-MM or YYYY-MM-DD."
    )


@dataclass(frozen=True)
class Offer:
    """Something that an origin has and that may be new.

    ``fingerprint`` is cheap to know and changes when the content does (size and modification time of a file);
    None when only fetching tells. ``fetch`` writes the payload files into an empty folder.
    """

    source: str
    feed: str
    instance: str
    slice: Slice
    origin: str
    fingerprint: str | None
    synthetic: bool
    fetch: Callable[[Path], None]


# source, feed, instance, slice, origin, and the fingerprint that was last taken there ("" where there is none)
Known = frozenset[tuple[str, str, str, str, str, str]]


@dataclass(frozen=True)
class Delivery:
    """What arrived, unchanged, with its receipt. ``files`` are the payload's names within ``folder``."""

    delivery_id: str
    source: str
    feed: str
    instance: str
    slice: Slice
    folder: Path
    files: tuple[str, ...]
    sha256: str
    bytes: int
    origin: str
    received_at: str
    synthetic: bool

    @property
    def files_told(self) -> str:
        """The payload's names, the first and the last of many."""
        names = self.files if len(self.files) <= 3 else (self.files[0], "…", self.files[-1])
        return ", ".join(names)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The payload files."""
        return tuple(self.folder / name for name in self.files)


@dataclass(frozen=True)
class Batch:
    """A delivery as typed rows in one Parquet file.

    Columns: ``row_no`` BIGINT (data row of the delivery, from 1), the feed's kept columns, and ``parse_errors``
    VARCHAR: NULL, or a JSON list of ``{"column", "value", "expected"}`` for what could not be read (the typed
    value is then NULL). ``facts`` are readings of the whole delivery that load-level expectations use; ``findings``
    are what the reader tells the supplier, and does not refuse for.
    """

    path: Path
    rows: int
    facts: dict[str, Any]
    findings: tuple[Reason, ...] = ()
