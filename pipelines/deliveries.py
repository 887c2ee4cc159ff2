"""Basic types of loading: slice, candidate, receipt, batch, and expectation result."""

from __future__ import annotations

import hashlib
import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pipelines.errors import OriginError, Reason
from pipelines.periods import span_of

# An earlier year in a file name is a typing error.
EARLIEST = date(1900, 1, 1)

# Suffix of a delivery's side file, after the name of its file.
CONFIRMATION = ".confirm.yml"
CHUNK = 1 << 20


@dataclass(frozen=True, order=True)
class Slice:
    """The part of a feed that a delivery replaces: a range of days (both ends included), of a ``part`` if it has one.

    A snapshot of data without periods has no days.
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
        elif part := _part_of_year(self.first_day, self.last_day):
            span = part
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


def _part_of_year(first: date, last: date) -> str | None:
    """The half-year or quarter that begins and ends on these days."""
    for letter, months in (("S", 6), ("Q", 3)):
        period = f"{first.year}-{letter}{(first.month - 1) // months + 1}"
        if (first, last) == span_of(period):
            return period
    return None


def month_span(day: date) -> tuple[date, date]:
    """First and last day of the month of ``day``."""
    return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])


def parse_slice(period: str | None, part: str | None) -> Slice:
    """The slice given by a file name.

    Raises:
        OriginError: ``period`` is none of YYYY, YYYY-YYYY, YYYY-S1, YYYY-Q1, YYYY-MM, YYYY-MM-DD, or is implausibly early.
    """
    name = part or ""
    if not period:
        return Slice(name)
    try:
        found = _spanned(period)
        if found is not None and EARLIEST <= found[0] <= found[1]:
            return Slice(name, *found)
    except ValueError:
        pass
    raise OriginError(
        f"period {period!r} in a file name is not a period",
        f"Use YYYY, YYYY-YYYY, YYYY-S1, YYYY-Q1, YYYY-MM or YYYY-MM-DD, from {EARLIEST.year} on.",
    )


def named_slice(groups: Mapping[str, str | None], part: str | None) -> Slice:
    """The slice given by the groups of a file's name: ``period``, or ``year`` (two digits: from 2000 on) and ``month``; ``part``.

    Raises:
        OriginError: as :func:`parse_slice`.
    """
    period, year, month = (groups.get(name) for name in ("period", "year", "month"))
    if year and month:
        period = f"{'20' if len(year) == 2 else ''}{year}-{month}"
    return parse_slice(period, groups.get("part") or part)


def _spanned(period: str) -> tuple[date, date] | None:
    """First and last day of a period; None if its format is unknown. ``\\d`` would match digits of any script."""
    if re.fullmatch(r"[0-9]{4}(-[0-9]{4})?", period):
        return date(int(period[:4]), 1, 1), date(int(period[-4:]), 12, 31)
    if re.fullmatch(r"[0-9]{4}-(S[12]|Q[1-4])", period):
        return span_of(period)
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}", period):
        return month_span(date.fromisoformat(f"{period}-01"))
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", period):
        day = date.fromisoformat(period)
        return day, day
    return None


@dataclass(frozen=True)
class Candidate:
    """Something in an origin that may be new.

    ``origin`` is its address: ``https://…`` if public, ``mirror:…``, ``sample:…`` and ``inbox:…`` with a path
    below that folder, so that it stays the same if the folder is moved.
    ``fingerprint`` is cheap to get and changes when the content does (size and modification time of a file);
    None if only fetching can show that. ``fetch`` writes the payload files into an empty folder. ``remove`` deletes a dropped
    file, once its load is in the ledger, if its bytes still have this SHA-256; None if an origin keeps
    its files.
    """

    source: str
    feed: str
    instance: str
    slice: Slice
    origin: str
    fingerprint: str | None
    synthetic: bool
    fetch: Callable[[Path], None]
    remove: Callable[[str], None] | None = None


DROPPED = "inbox"


def origin_kind(address: str) -> str:
    """The kind of origin of an address: ``inbox``, ``mirror``, ``sample``, ``http``.

    The bytes last taken are compared within a kind: a mirror that was moved is the same origin.
    """
    kind, _, rest = address.partition(":")
    match kind:
        case "https":
            return "http"
        case "file":  # in the ledger of an older Gorod
            folders = rest.split("/")
            return (
                DROPPED if DROPPED in folders[-5:-4] else "sample" if "/assets/sources/" in rest else "mirror"
            )
        case _:
            return kind


# source, feed, instance, slice, origin, and the fingerprint last taken there ("" if there is none)
LastSeen = frozenset[tuple[str, str, str, str, str, str]]


@dataclass(frozen=True)
class Delivery:
    """The files that arrived, unchanged, with their receipt. ``files`` are the payload's names within ``folder``.

    ``origin`` and ``fingerprint`` are those of the candidate from which it was last taken.
    """

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
    fingerprint: str | None = None

    @property
    def files_shown(self) -> str:
        """The payload's names; only the first and the last if there are many."""
        names = self.files if len(self.files) <= 3 else (self.files[0], "…", self.files[-1])
        return ", ".join(names)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The payload files, without the confirmation."""
        return tuple(self.folder / name for name in self.files if not name.endswith(CONFIRMATION))

    @property
    def confirmation(self) -> Path | None:
        """The side file that confirms what the delivery lacks."""
        return next((self.folder / name for name in self.files if name.endswith(CONFIRMATION)), None)


@dataclass(frozen=True)
class Batch:
    """A delivery as typed rows in one Parquet file.

    Columns: ``row_no`` BIGINT (data row of the delivery, from 1), ``row_place`` VARCHAR where the number alone does not locate
    a row (sheet and row of a workbook, line of an XML file), the feed's kept columns, and ``parse_errors``
    VARCHAR: NULL, or a JSON list of ``{"column", "value", "expected"}`` for what could not be read (the typed
    value is then NULL). ``facts`` describe the whole delivery and are used by load-level expectations; ``findings``
    are the reader's notes to the supplier that do not refuse the delivery.
    """

    path: Path
    rows: int
    facts: dict[str, Any]
    findings: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class ExpectationResult:
    """The result of one expectation. Counts are rows for level ``row``; 1 and 0 or 1 for level ``load``."""

    expectation: str
    level: Literal["row", "load"]
    severity: str
    dimension: str
    column: str | None
    success: bool
    evaluated_count: int
    unexpected_count: int
    says: str
    remedy: str
    sample_rows: tuple[int, ...] = ()

    @property
    def refuses(self) -> bool:
        """Whether this result alone refuses the load."""
        return not self.success and self.severity == "critical"


@dataclass(frozen=True)
class ValidationResult:
    """The gate's decision on a batch.

    ``quarantine`` is a Parquet file of ``row_no``, ``reasons`` (JSON list), ``record`` (JSON object); ``flagged`` one of
    ``row_no``, ``expectation`` for rows that are accepted with a warning. None if there are no such rows.
    """

    results: tuple[ExpectationResult, ...]
    quarantine: Path | None = None
    quarantined: int = 0
    flagged: Path | None = None

    @property
    def accepted(self) -> bool:
        """Whether the load is accepted: something was evaluated, and nothing critical failed."""
        return bool(self.results) and not any(result.refuses for result in self.results)

    @property
    def warnings(self) -> int:
        """How many expectations of severity ``warning`` found something."""
        return sum(
            1 for r in self.results if r.severity == "warning" and (not r.success or r.unexpected_count > 0)
        )


def digest_of(folder: Path, files: tuple[str, ...]) -> tuple[str, int]:
    """SHA-256 of one file; for several, that of the list of their names and SHA-256s."""
    digests, size = [], 0
    for name in files:
        digest = hashlib.sha256()
        with (folder / name).open("rb") as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
        digests.append(digest.hexdigest())
    if len(digests) == 1:
        return digests[0], size
    listing = "".join(f"{name} {digest}\n" for name, digest in zip(files, digests, strict=True))
    return hashlib.sha256(listing.encode()).hexdigest(), size
