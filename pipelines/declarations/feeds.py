"""A feed: what a source delivers, how often, from where, in which format and columns."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Literal

from pydantic import Field, field_validator, model_validator

from pipelines.declarations.columns import Column
from pipelines.declarations.common import Declaration, Names, PlacedError, Problem
from pipelines.declarations.databases import SqlOrigin
from pipelines.declarations.files import AnyLayer, GtfsFormat, OverlayFormat, ParquetFormat, XmlFormat
from pipelines.declarations.formats import (
    CsvFormat,
    Format,
    GeoJsonFormat,
    JsonRecordsFormat,
    Tmf639Format,
)
from pipelines.declarations.origins import MONTH, FileOrigin, HttpOrigin, Origin, PagedOrigin, PublicOrigin
from pipelines.declarations.timetables import GtfsRealtimeFormat, TimetableFormat
from pipelines.declarations.workbooks import WorkbookFormat
from pipelines.json_path import PathError, parse_path


class Uncounted(Declaration):
    """Rows that are accepted although no measure uses them, and why."""

    where: str = Field(description="SQL condition over the kept columns")
    why: Names = Field(description="why no measure uses these rows; shown in the answer to the supplier")


# the longest period of each cadence, in days
PERIOD_DAYS = {"daily": 1, "monthly": 31, "quarterly": 92, "half-yearly": 184, "yearly": 366}


class Freshness(Declaration):
    """When a feed is late: days after the end of the period that the next delivery covers."""

    expected_within_days: int = Field(
        gt=0, le=10_000, description="days within which the next delivery is expected"
    )
    late_after_days: int = Field(gt=0, le=10_000, description="days after which the feed is late")


class Refresh(Declaration):
    """How far back loaded slices are requested again: sources revise their newest figures for a while."""

    months: int = Field(
        gt=0,
        le=1200,
        description="each run requests the current month and this many before it again; older slices only if they are new, "
        "or with `--again`",
    )


class ControlTotal(Declaration):
    """A count that the source itself published for a range of days; the delivered rows are compared with it."""

    instance: str = Field(description="instance that the count is for")
    period_from: str = Field(description="first day, YYYY-MM-DD")
    period_to: str = Field(description="last day, YYYY-MM-DD")
    rows: int = Field(description="number of rows according to the source")
    reference: str = Field(description="where the source says so")


Provides = Literal["territories", "borders", "outlines", "places"]


class Feed(Declaration):
    """One table-like data set of a source.

    ``file_pattern`` has named groups: ``period`` (``YYYY``, ``YYYY-S1``, ``YYYY-Q1``, ``YYYY-MM``, ``YYYY-MM-DD`` or
    ``YYYY-YYYY``), or ``year`` and ``month`` (both absent for a snapshot), and ``part`` (a piece of the feed with its own
    slices). Together they make the slice of a delivery.
    """

    title: Names = Field(description="name of the feed")
    description: str = Field(
        description="what one row is, what a delivery replaces, and what a reader must know"
    )
    cadence: Literal["daily", "monthly", "quarterly", "half-yearly", "yearly", "once"] = Field(
        description="how often the source delivers it"
    )
    freshness: Freshness | None = Field(
        default=None, description="when it is expected and when it is late; absent: never late"
    )
    public_origin: PublicOrigin | None = Field(
        default=None, description="where it is published, if not where the rest of the source is"
    )
    first_month: date | None = Field(
        default=None, description="first month that the source has; for feeds by month"
    )
    first_year: int | None = Field(default=None, description="first year that is loaded; for feeds by year")
    file_pattern: str | None = Field(
        default=None,
        description="regular expression of the whole file name; groups: `period`, or `year` (two digits: from 2000 on) and "
        "`month`; `part`",
    )
    part: str | None = Field(default=None, description="fixed part, if the file names have none")
    origins: dict[Literal["sample", "mirror", "public"], Origin] = Field(
        description="where deliveries are taken from: invented samples, a folder with the real files, or the public address"
    )
    format: Format = Field(description="how the bytes are read")
    refresh: Refresh | None = Field(
        default=None,
        description="which loaded slices are requested again; absent: all files at an address are checked for changes, and pages "
        "are pulled once for each slice",
    )
    empty_delivery: Literal["not_retained", "zero", "reject"] = Field(
        default="reject",
        description="what a delivery without rows means: the source no longer has them, there were none, or a mistake",
    )
    max_delivery_bytes: int = Field(
        default=2_000_000_000, gt=0, description="a larger delivery is refused unread"
    )
    landing_days: int | None = Field(
        default=None,
        ge=1,
        description="days after which a delivery leaves landing; its rows stay in the warehouse, but it cannot be replayed",
    )
    columns: dict[str, Column] = Field(description="the columns as they are delivered, by name")
    counted: str = Field(
        default="true",
        description="SQL condition over the kept columns: the rows that some measure uses; absent: all",
    )
    uncounted: tuple[Uncounted, ...] = Field(
        default=(),
        description="rows that no measure uses, and why; a row that is neither counted nor listed here goes to quarantine",
    )
    provides: Provides | None = Field(
        default=None,
        description="what else the feed is for: the list of territories, other information on which territory is part of "
        "which, outlines for maps, or places with their people; required for a feed that no measure uses",
    )
    territory: str | None = Field(
        default=None,
        description="column with the territory of a row: a name of `territories` or, if the source declares none, "
        "a code of the register; absent: the territory of the instance",
    )
    time_period: str | None = Field(
        default=None,
        description="date column with the period of a row; absent: the period in the file name",
    )
    approval: tuple[str, ...] = Field(
        default=(),
        description="steps by which people approve each load, in order; until it has all of them, no figure uses it",
    )
    control_totals: tuple[ControlTotal, ...] = Field(
        default=(), description="counts that the source itself published"
    )

    @field_validator("file_pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                unknown = set(re.compile(pattern).groupindex) - {"period", "year", "month", "part"}
            except re.error as error:
                raise ValueError(f"is not a regular expression: {error}") from error
            if unknown:
                raise ValueError(f"unknown group {sorted(unknown)}; allowed: period, or year and month; part")
        return pattern

    @field_validator("approval")
    @classmethod
    def _steps_differ(cls, steps: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(steps)) < len(steps):
            raise ValueError("names a step twice")
        if wrong := [step for step in steps if not re.fullmatch("[a-z][a-z0-9_]*", step)]:
            raise ValueError(f"{wrong[0]!r} is not a code: lower-case letters, digits, underscores")
        return steps

    @model_validator(mode="after")
    def _headers_fit(self) -> Feed:
        problems: list[Problem] = []
        owners: dict[str, str] = {}
        for column, about in self.columns.items():
            if about.header and not isinstance(self.format, CsvFormat | GtfsFormat):
                problems.append(
                    (
                        ("columns", column, "header"),
                        f"only a CSV has a header; the kind is {self.format.kind}",
                    )
                )
            for name in about.named(column):
                if name in owners:
                    place = ("columns", column, "header") if about.header else ("columns", column)
                    problems.append((place, f"{name!r} is already a name of column {owners[name]!r}"))
                owners[name] = column
        if problems:
            raise PlacedError(*problems)
        return self

    @model_validator(mode="after")
    def _paths_fit(self) -> Feed:
        problems: list[Problem] = []
        for name, column in self.columns.items():
            if column.from_path is not None and isinstance(
                self.format, JsonRecordsFormat | Tmf639Format | XmlFormat
            ):
                try:
                    if not parse_path(column.from_path).words:
                        raise PathError(f"{column.from_path!r} names no key")
                except PathError as error:
                    problems.append((("columns", name, "from_path"), str(error)))
        if problems:
            raise PlacedError(*problems)
        return self

    @model_validator(mode="after")
    def _files_fit(self) -> Feed:
        problems: list[Problem] = []
        if isinstance(self.origins.get("public"), FileOrigin):
            problems.append(
                (("origins", "public", "kind"), "a folder is not public; allowed: http, paged, tmf639")
            )
        for which, origin in self.origins.items():
            if isinstance(origin, SqlOrigin):
                if not isinstance(self.format, ParquetFormat):
                    message = f"rows of a database are read by parquet; the format is {self.format.kind}"
                    problems.append((("origins", which, "kind"), message))
                if origin.time_column is not None and self.first_month is None:
                    message = "is by month, but the feed has no first_month"
                    problems.append((("origins", which, "time_column"), message))
            if isinstance(origin, PagedOrigin) and not isinstance(
                self.format, JsonRecordsFormat | GeoJsonFormat | AnyLayer
            ):
                problems.append(
                    (
                        ("origins", which, "kind"),
                        f"pages are read by json_records, geojson, layer or overlay; the format is {self.format.kind}",
                    )
                )
            if isinstance(origin, PagedOrigin) and origin.by_month and self.first_month is None:
                problems.append(
                    (("origins", which, "parameters"), "are by month, but the feed has no first_month")
                )
            for number, name in enumerate(origin.files if isinstance(origin, HttpOrigin) else ()):
                place = ("origins", which, "files", number)
                if MONTH in name and self.first_month is None:
                    problems.append((place, f"{name!r} is by month, but the feed has no first_month"))
                elif "/" in name or not re.fullmatch(
                    self.file_pattern or ".+", name.replace(MONTH, "2000-01")
                ):
                    problems.append(
                        (place, f"{name!r} does not match file_pattern ({self.file_pattern or '.+, no /'})")
                    )
        if problems:
            raise PlacedError(*problems)
        return self

    @model_validator(mode="after")
    def _format_fits(self) -> Feed:
        kept = {name: column.required for name, column in self.kept_columns.items()}
        problems: list[Problem] = []
        if isinstance(self.format, WorkbookFormat):
            problems = self.format.problems(kept)
        if isinstance(self.format, XmlFormat):
            problems = [
                (("format", "above", name), "is not a column of the feed")
                for name in self.format.above
                if name not in kept
            ]
        if isinstance(self.format, OverlayFormat):
            given = {"zone", "zone_km2", "covered_km2", "zone_people", "covered_people", "areas"}
            given |= {*self.format.classes, self.format.each}
            problems = [
                (("columns", name), f"an overlay has no such column; it has {', '.join(sorted(given))}")
                for name in kept
                if name not in given
            ]
            problems += [
                (("format", "classes", name), "is not a column of the feed")
                for name in (*self.format.classes, self.format.each)
                if name not in kept
            ]
        if isinstance(self.format, TimetableFormat):
            problems = list(self.format.problems(self.columns, self.names_its_period))
        if isinstance(self.format, GtfsRealtimeFormat):
            problems = list(self.format.problems(self.columns))
        if problems:
            raise PlacedError(*problems)
        return self

    @property
    def names_its_period(self) -> bool:
        """Whether its file names contain the period."""
        groups = set(re.compile(self.file_pattern).groupindex) if self.file_pattern is not None else set()
        return "period" in groups or groups >= {"year", "month"}

    @property
    def first_day(self) -> date | None:
        """The first day for which the source has data."""
        return self.first_month or (date(self.first_year, 1, 1) if self.first_year else None)

    def is_refreshed(self, last_day: date | None, today: date) -> bool:
        """Whether each run fetches an already loaded slice again; always for one without days, which has no age."""
        if self.refresh is None:
            return False
        month = today.year * 12 + today.month - 1 - self.refresh.months
        return last_day is None or last_day.year * 12 + last_day.month - 1 >= month

    @property
    def lateness(self) -> tuple[timedelta, timedelta] | None:
        """How long after the end of the last delivered period the next delivery is expected, and is late.

        A period must end before it can be delivered, so its length is added to the declared days. None if the feed is
        never late.
        """
        if self.freshness is None or self.cadence not in PERIOD_DAYS:
            return None
        period = PERIOD_DAYS[self.cadence]
        days = (self.freshness.expected_within_days, self.freshness.late_after_days)
        return timedelta(days=period + days[0]), timedelta(days=period + days[1])

    @property
    def beside(self) -> dict[str, str]:
        """The tables of the warehouse that its reader needs, by name: the SELECT of each."""
        return self.format.beside if isinstance(self.format, OverlayFormat) else {}

    @property
    def headers(self) -> dict[str, str]:
        """Header name → column, for all names that a delivery's header may use."""
        return {name: column for column, about in self.columns.items() for name in about.named(column)}

    @property
    def kept_columns(self) -> dict[str, Column]:
        """The columns that the format reader keeps."""
        return {name: column for name, column in self.columns.items() if column.personal_data != "drop"}
