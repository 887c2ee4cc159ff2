"""A feed: what a source delivers, how often, from where, in which format and columns."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Literal

from pydantic import Field, field_validator, model_validator

from pipelines.declarations.columns import Column
from pipelines.declarations.common import Declaration, Names, PlacedError, Problem
from pipelines.declarations.databases import SqlOrigin
from pipelines.declarations.files import GtfsFormat, ParquetFormat, XmlFormat
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
    """Rows that are accepted though no measure takes them, and why."""

    where: str = Field(description="SQL condition over the kept columns")
    why: Names = Field(description="why no measure takes these rows; stands in the answer to the supplier")


# the longest period of each cadence, in days
PERIOD_DAYS = {"daily": 1, "monthly": 31, "quarterly": 92, "half-yearly": 184, "yearly": 366}


class Freshness(Declaration):
    """When a feed is late: days after the end of the period that the next delivery covers."""

    expected_within_days: int = Field(
        gt=0, le=10_000, description="days within which the next delivery is expected"
    )
    late_after_days: int = Field(gt=0, le=10_000, description="days after which the feed is late")


class Refresh(Declaration):
    """How far back slices that were taken already are asked again: sources mend their newest figures for a while."""

    months: int = Field(
        gt=0,
        le=1200,
        description="the running month and so many before it are asked again by each run; older slices only when they are new, "
        "or with `--again`",
    )


class ControlTotal(Declaration):
    """A count that the source itself published for a span of time; the delivered rows are held against it."""

    instance: str = Field(description="the instance that the count is of")
    period_from: str = Field(description="first day, YYYY-MM-DD")
    period_to: str = Field(description="last day, YYYY-MM-DD")
    rows: int = Field(description="rows that the source says it has")
    reference: str = Field(description="where the source says so")


Provides = Literal["territories", "borders", "outlines"]


class Feed(Declaration):
    """One table-like thing that a source gives.

    ``file_pattern`` has named groups: ``period`` (``YYYY``, ``YYYY-MM``, ``YYYY-MM-DD`` or ``YYYY-YYYY``), or ``year`` and
    ``month`` (both absent for a snapshot), and ``part`` (a piece of the feed with slices of its own). The slice of a delivery is
    made of them.
    """

    title: Names = Field(description="what the feed is called")
    description: str = Field(
        description="what one row is, what a delivery replaces, and what a reader has to know"
    )
    cadence: Literal["daily", "monthly", "quarterly", "half-yearly", "yearly", "once"] = Field(
        description="how often the source gives it"
    )
    freshness: Freshness | None = Field(
        default=None, description="when it is expected and when it is late; a feed without it is never late"
    )
    public_origin: PublicOrigin | None = Field(
        default=None, description="where it is published, if not where the rest of the source is"
    )
    first_month: date | None = Field(
        default=None, description="first month that the source has; for feeds by month"
    )
    first_year: int | None = Field(
        default=None, description="first year that is taken from the source; for feeds by year"
    )
    file_pattern: str | None = Field(
        default=None,
        description="regular expression of the whole file name; groups: `period`, or `year` (two digits: from 2000 on) and "
        "`month`; `part`",
    )
    part: str | None = Field(default=None, description="fixed part, where files do not name one")
    origins: dict[Literal["sample", "mirror", "public"], Origin] = Field(
        description="where deliveries are taken from: invented samples, a folder with the real files, or the public address"
    )
    format: Format = Field(description="how the bytes are read")
    refresh: Refresh | None = Field(
        default=None,
        description="which slices that were taken are asked again; when absent, files at an address are all looked at, and pages "
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
        description="days after which a delivery leaves landing; its rows stay in the warehouse, and it cannot be judged again",
    )
    columns: dict[str, Column] = Field(description="the columns as they are delivered, by name")
    counted: str = Field(
        default="true",
        description="SQL condition over the kept columns: the rows that some measure takes; all when absent",
    )
    uncounted: tuple[Uncounted, ...] = Field(
        default=(),
        description="rows that no measure takes, and why; a row that is neither counted nor named here is kept back",
    )
    provides: Provides | None = Field(
        default=None,
        description="what the feed is for beside measures: the list of territories, what else tells which territory is "
        "part of which, or outlines for maps; a feed that no measure takes needs it",
    )
    territory: str | None = Field(
        default=None,
        description="column that says of which territory a row is: by a name of `territories`, or, where the source "
        "declares none, by the code of the register; absent: the territory of the instance",
    )
    time_period: str | None = Field(
        default=None,
        description="date column that says of which period a row is; absent: the period that the file names",
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
                    problems.append((place, f"{name!r} is a name of column {owners[name]!r} already"))
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
                (("origins", "public", "kind"), "no folder is public; allowed: http, paged, tmf639")
            )
        for which, origin in self.origins.items():
            if isinstance(origin, SqlOrigin):
                if not isinstance(self.format, ParquetFormat):
                    told = f"rows of a database are read by parquet; the format is {self.format.kind}"
                    problems.append((("origins", which, "kind"), told))
                if origin.time_column is not None and self.first_month is None:
                    told = "runs over months, and the feed has no first_month"
                    problems.append((("origins", which, "time_column"), told))
            if isinstance(origin, PagedOrigin) and not isinstance(
                self.format, JsonRecordsFormat | GeoJsonFormat
            ):
                problems.append(
                    (
                        ("origins", which, "kind"),
                        f"pages are read by json_records or geojson; the format is {self.format.kind}",
                    )
                )
            if isinstance(origin, PagedOrigin) and origin.by_month and self.first_month is None:
                problems.append(
                    (("origins", which, "parameters"), "run over months, and the feed has no first_month")
                )
            for number, name in enumerate(origin.files if isinstance(origin, HttpOrigin) else ()):
                place = ("origins", which, "files", number)
                if MONTH in name and self.first_month is None:
                    problems.append((place, f"{name!r} runs over months, and the feed has no first_month"))
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
                (("format", "above", name), "is no column of the feed")
                for name in self.format.above
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
        """First day that the source has."""
        return self.first_month or (date(self.first_year, 1, 1) if self.first_year else None)

    def is_refreshed(self, last_day: date | None, today: date) -> bool:
        """Whether each run fetches an already loaded slice again; one without days has no age, so always."""
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
    def headers(self) -> dict[str, str]:
        """Header name → column, for all names that a delivery's header may use."""
        return {name: column for column, about in self.columns.items() for name in about.named(column)}

    @property
    def kept_columns(self) -> dict[str, Column]:
        """The columns that the format reader keeps."""
        return {name: column for name, column in self.columns.items() if column.personal_data != "drop"}
