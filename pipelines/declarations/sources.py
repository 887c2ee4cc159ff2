"""What a source is: the model of ``assets/sources/<source>/source.yml``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from pipelines.declarations.common import Declaration, Names, PlacedError, Problem, at, nearest, read_yaml
from pipelines.declarations.http_access import HttpAccess
from pipelines.declarations.sftp import SftpOrigin
from pipelines.encodings import Encoding
from pipelines.errors import DeclarationError
from pipelines.json_path import PathError, parse_path
from pipelines.settings import PROJECT
from pipelines.text import normal, unseen_sign

SOURCES = PROJECT / "assets" / "sources"

ColumnType = Literal["text", "integer", "decimal", "date", "timestamp", "boolean"]
PersonalData = Literal["none", "drop", "pseudonymise", "coarsen"]


NUMBERS = ("integer", "decimal")


class Bound(Declaration):
    """Between which values a number of a column lies, in the rows that ``where`` takes.

    A value beyond it is kept back; if fewer than ``mostly`` of the values lie within, the delivery is refused.
    """

    where: str = Field(
        default="true",
        description="SQL condition over the kept columns: the rows that the bound is for; all when absent",
    )
    rows: str = Field(default="", description="which rows these are, in Russian, as the supplier reads it")
    min: float = Field(description="least value that can be")
    max: float = Field(description="greatest value that can be")
    remedy: str = Field(
        default="Проверьте значение, его единицу измерения и то, к чему оно относится.",
        description="what the supplier has to do, in Russian",
    )
    severity: Literal["critical", "warning"] = Field(
        default="critical", description="whether a value beyond is kept back or let in with a mark"
    )
    mostly: float = Field(
        default=0.95, gt=0, le=1, description="share of values within, below which the delivery is refused"
    )

    @model_validator(mode="after")
    def _is_a_span(self) -> Bound:
        if self.min > self.max:
            raise ValueError(f"min {self.min} is greater than max {self.max}")
        return self


class Uncounted(Declaration):
    """Rows that are accepted though no measure takes them, and why."""

    where: str = Field(description="SQL condition over the kept columns")
    why: Names = Field(description="why no measure takes these rows; stands in the answer to the supplier")


def _or_one_text(schema: dict[str, Any]) -> None:
    """A list of texts may be written as one text."""
    schema.pop("type")
    schema["anyOf"] = [{"type": "string"}, {"type": "array", "items": schema.pop("items")}]


class Column(Declaration):
    """One column of a feed, as it is delivered.

    ``personal_data`` says what the format reader does before anybody sees a row: ``drop`` leaves the column
    out of the batch, ``pseudonymise`` replaces it by a keyed hash, ``coarsen`` rounds a coordinate in degrees to
    ``coarsen_decimals`` places; what is none (text, metres) is not kept.
    """

    type: ColumnType = Field(
        description="what the reader makes of the text; what cannot be read as it goes to quarantine"
    )
    description: str = Field(description="what the column holds, in English")
    required: bool = Field(default=True, description="the delivery must have this column")
    unit: str | None = Field(default=None, description="unit of measurement of a number")
    bounds: dict[str, Bound] = Field(
        default={},
        description="what a number can be, by name: an expectation `<column>_<name>` for each, made by itself",
    )
    unbounded: str | None = Field(default=None, description="why a number has no bounds")
    rounded: bool = Field(
        default=False, description="a decimal of more than six places is rounded to six; else it is not read"
    )
    format: str | None = Field(
        default=None, description="strptime pattern of a date or timestamp; ISO 8601 when absent"
    )
    time_zone: Literal["Europe/Minsk", "UTC"] = Field(
        default="Europe/Minsk",
        description="the clock on which a timestamp is kept; one without an offset is of this clock, one with an offset is "
        "converted to it",
    )
    missing: tuple[str, ...] = Field(default=("",), description="texts that mean: no value")
    header: tuple[str, ...] = Field(
        default=(),
        json_schema_extra=_or_one_text,
        description="the name of the column in the header of a delivered CSV, in any script, or a list of the names that it may "
        "have there; its own name when absent",
    )
    from_path: str | None = Field(
        default=None, description="where the value stands in a nested record; its name when absent"
    )
    personal_data: PersonalData = Field(
        default="none", description="what the format reader does to the column"
    )
    coarsen_decimals: int = Field(
        default=3, ge=0, le=4, description="decimal places that a coarsened coordinate keeps"
    )
    why_personal: str | None = Field(
        default=None, description="what personal data the column holds, and the ground"
    )

    @field_validator("header", mode="before")
    @classmethod
    def _one_or_several(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given

    @field_validator("header")
    @classmethod
    def _can_be_seen(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        """A name that is compared sign by sign is written so that a reader of source.yml sees every sign of it."""
        for name in names:
            if not name or name != normal(name).strip() or unseen_sign(name):
                raise ValueError(
                    f"{name!r} is no name of a column: write it composed (NFC), without blanks around it and "
                    "without signs that nobody sees"
                )
        return names

    def named(self, name: str) -> tuple[str, ...]:
        """The names that the column called ``name`` may have in a header; the first is what a supplier is told."""
        return self.header or (name,)

    @model_validator(mode="after")
    def _can_be_coarsened(self) -> Column:
        if self.personal_data == "coarsen" and self.type != "decimal":
            problem = (
                f"coarsen rounds a decimal, and the type is {self.type}; declare type: decimal, or drop it"
            )
            raise PlacedError((("personal_data",), problem))
        return self

    @field_validator("format")
    @classmethod
    def _holds_no_offset(cls, pattern: str | None) -> str | None:
        if pattern is not None and re.search(r"(?<!%)(?:%%)*%[zZ]", pattern):
            raise ValueError(
                "a pattern holds no offset or zone; without a pattern, ISO 8601 with an offset is read"
            )
        return pattern

    @model_validator(mode="after")
    def _bounds_fit(self) -> Column:
        if self.bounds and self.type not in NUMBERS:
            raise ValueError(f"bounds are for numbers; the type is {self.type}")
        return self


# the longest that a period of each cadence is, in days
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


class FileOrigin(Declaration):
    """Files in a folder. ``{instance}`` in the path stands for the instance's code."""

    kind: Literal["files"] = Field(default="files", description="files in a folder")
    path: str = Field(
        description="folder: of a sample below the source's own, of a mirror below `GOROD_MIRROR`"
    )
    instance: str | None = Field(default=None, description="the one instance that all files belong to")
    synthetic: bool = Field(
        default=False, description="the data are invented; every page that shows them says so"
    )


HEADER = "header:"
SECRETS = ("authorization", "cookie", "proxy-authorization", "x-api-key", "x-auth-token")
OF_MONTH = ("{month}", "{first_day}", "{last_day}")
PLACE = "a path in the answer (`meta.total`), or `header:` and the name of a header"


class PagedOrigin(HttpAccess):
    """Records in JSON that are pulled page by page, over HTTP: a whole snapshot or nothing.

    The list of the records is where the feed's format (`json_records`) says. `base_url` and `parameters` may hold `{instance}`.
    Where a parameter holds `{month}`, `{first_day}` or `{last_day}`, each month from the feed's `first_month` to the last one
    that has ended is a slice of its own; else the slice is the running period of the feed's cadence. `GOROD_<SOURCE>_TOKEN` in
    the environment is sent as a bearer token, user and password of `GOROD_<SOURCE>_URL` as a login.
    """

    kind: Literal["paged"] = Field(
        default="paged", description="records that are pulled page by page, over HTTP"
    )
    base_url: str = Field(
        pattern=r"^https?://[^/?#@]+(/[^?#@]*)?$",
        description="address that is asked, without user and parameters; `GOROD_<SOURCE>_URL` in the environment goes before it",
    )
    path: str = Field(default="", pattern=r"^(/[^?#@]*)?$", description="what stands behind the address")
    paging: Literal["offset", "page", "cursor", "link"] = Field(
        description="how the next page is asked for: by the number of records that came, by its own number, by the cursor that a "
        "page names, by the address that it names"
    )
    position_parameter: str | None = Field(
        default=None,
        description="parameter of the offset, the number or the cursor; `offset`, `page`, `cursor` when absent",
    )
    first_page: Literal[0, 1] = Field(default=1, description="number of the first page")
    size_parameter: str | None = Field(
        default="limit", description="parameter of the page's size; null: none is sent"
    )
    page_size: int = Field(default=500, gt=0, le=50_000, description="records asked for in one page")
    fields: tuple[str, ...] = Field(default=(), description="fields to ask for; all when absent")
    fields_parameter: str = Field(
        default="fields", description="parameter that the fields are named in, by commas"
    )
    parameters: dict[str, str] = Field(default={}, description="further parameters of each request")
    headers: dict[str, str] = Field(default={}, description="headers of each request; no secrets")
    secret_headers: dict[str, str] = Field(
        default={},
        description="header → variable of the environment that its value is in, e.g. `X-Api-Key: GOROD_PARKING_KEY`",
    )
    total: str | None = Field(
        default=None,
        description=f"where each page says how many records there are in all: {PLACE}; absent: nowhere",
    )
    count: str | None = Field(
        default=None, description=f"where a page says how many records it holds: {PLACE}"
    )
    next: str | None = Field(
        default=None,
        description=f"where a page names the next one, by cursor or address: {PLACE}; for `link`, the header Link when absent",
    )
    identifier: str | None = Field(
        default="id", description="path of what no two pages may both have in a record; null: nothing"
    )
    snapshots: int = Field(
        default=3,
        ge=1,
        le=20,
        description="how often it is taken from the start before it is refused as torn",
    )
    synthetic: bool = Field(
        default=False, description="the data are invented; every page that shows them says so"
    )

    @property
    def by_month(self) -> bool:
        """Whether the months are asked for one by one."""
        return any(word in text for text in self.parameters.values() for word in OF_MONTH)

    @model_validator(mode="after")
    def _can_be_paged(self) -> PagedOrigin:
        problems: list[Problem] = [
            (("headers", name), "is a secret: name its variable of the environment in secret_headers")
            for name in self.headers
            if name.lower() in SECRETS
        ]
        if self.paging == "cursor" and self.next is None:
            problems.append((("next",), "is needed: where a page names its cursor"))
        if self.paging in ("offset", "page") and self.next is not None:
            problems.append((("next",), f"paging by {self.paging} has no next; leave it out"))
        for key in ("total", "count", "next", "identifier"):
            text = getattr(self, key)
            if text is not None and not text.startswith(HEADER):
                try:
                    if not parse_path(text).words:
                        raise PathError(f"{text!r} names no key")
                except PathError as error:
                    problems.append(((key,), str(error)))
        if problems:
            raise PlacedError(*problems)
        return self


class Tmf639Origin(Declaration):
    """A TM Forum resource inventory (TMF639), pulled as `kind: paged` is: by offset and limit, with the counts in headers.

    ``base_url`` may hold ``{instance}``. ``sandbox`` starts the simulated inventory of this repository on
    loopback for the length of the pull.
    """

    kind: Literal["tmf639"] = Field(default="tmf639", description="a TMF639 v4 inventory over HTTP")
    base_url: str = Field(
        description="address up to and with the version; `GOROD_<SOURCE>_URL` in the environment goes before it"
    )
    sandbox: bool = Field(
        default=False,
        description="start the simulated inventory of this repository for the length of the pull",
    )
    page_size: int = Field(default=500, gt=0, le=5000, description="resources asked for in one page")
    synthetic: bool = Field(
        default=False, description="the data are invented; every page that shows them says so"
    )

    @property
    def paged(self) -> PagedOrigin:
        """How an inventory is paged."""
        return PagedOrigin(
            base_url=self.base_url,
            path="/resource",
            paging="offset",
            page_size=self.page_size,
            total="header:X-Total-Count",
            count="header:X-Result-Count",
            synthetic=self.synthetic,
        )


MONTH = "{month}"


class HttpOrigin(HttpAccess):
    """Files at a public address. ``{instance}`` in the address stands for the instance's code.

    ``{month}`` in a name stands for each month (YYYY-MM) from the feed's ``first_month`` to ``last_month``. Without
    ``last_month`` the series goes on to the last month that has ended, and the newest ones may be not out yet.
    """

    kind: Literal["http"] = Field(default="http", description="files at a public address, by HTTP")
    base_url: str = Field(
        pattern=r"^https?://[^/?#@]+(/[^?#@]*)?$",
        description="address that the names are below; it is written down, so it holds no user and no parameters",
    )
    files: tuple[str, ...] = Field(
        default=(), description="names of the files; each must match `file_pattern`; may hold `{month}`"
    )
    listing: bool = Field(
        default=False,
        description="take what the page at `base_url` lists, as web servers list a folder, and `file_pattern` fits",
    )
    last_month: date | None = Field(
        default=None, description="first day of the last month there, where no more will come"
    )
    instance: str | None = Field(default=None, description="the one instance that all files belong to")
    synthetic: bool = Field(
        default=False, description="the data are invented; every page that shows them says so"
    )

    @model_validator(mode="after")
    def _names_files(self) -> HttpOrigin:
        if bool(self.files) == self.listing:
            raise PlacedError((("files",), "name the files, or say `listing: true`: one of both"))
        return self


Origin = Annotated[
    FileOrigin | PagedOrigin | Tmf639Origin | HttpOrigin | SftpOrigin, Field(discriminator="kind")
]


class PublicOrigin(Declaration):
    """Where the data are published, and on what terms."""

    address: str = Field(description="where the data are published")
    licence: str = Field(description="the terms, by their name")
    attribution: str = Field(description="the words that the terms ask for, as they stand in reports")


class CsvFormat(Declaration):
    """Delimited text with a header line."""

    kind: Literal["csv"] = Field(default="csv", description="delimited text with a header line")
    delimiter: Literal[",", ";", "\t", "|"] = Field(
        default=",", description="the one character between fields"
    )
    encoding: Encoding = Field(
        default="utf-8",
        description="encoding of the file; a file in another one is refused, and the answer says in which it seems to be",
    )
    decimal_comma: bool = Field(default=False, description="numbers are written with a decimal comma")


class PivotTable(Declaration):
    """What an answer says of itself: the titles that its table may have, and the levels of its territories."""

    parts: str = Field(default="", description="regular expression of the parts of the feed that this is")
    titles: tuple[str, ...] = Field(
        min_length=1,
        description="`tableName` to the letter; where the source words it anew, the new wording is added",
    )
    levels: dict[str, tuple[int, ...]] = Field(
        default={}, description="column of a dimension → the levels that its cells have, each of them"
    )


class PivotJsonFormat(Declaration):
    """A statistical portal's table answer: header of periods, rows of dimension cells and value cells.

    Read into one row for each value cell. ``dimensions`` maps our column names to the portal's titles.
    """

    kind: Literal["pivot_json"] = Field(
        default="pivot_json", description="a statistical portal's table in JSON"
    )
    dimensions: dict[str, str] = Field(
        description="column of the feed → title of the dimension in the portal's answer"
    )
    tables: tuple[PivotTable, ...] = Field(
        default=(),
        description="what the answers say of themselves, by part of the feed; a source must say it",
    )

    def table(self, part: str) -> PivotTable | None:
        """What an answer of this part says of itself; None where nothing is declared for it."""
        return next((one for one in self.tables if re.fullmatch(one.parts, part)), None)


class GeoJsonFormat(Declaration):
    """A GeoJSON FeatureCollection, one row a feature; the geometry stays GeoJSON text."""

    kind: Literal["geojson"] = Field(default="geojson", description="a GeoJSON FeatureCollection")


class JsonRecordsFormat(Declaration):
    """Records in JSON, one row each: a file with a list of them, or pages that were pulled (`kind: paged`).

    `from_path` of a column says where its value stands in a record: `place.id`, `phones[0]`,
    `characteristic[name=lengthKm].value` (of the item whose `name` is `lengthKm`), `first.path | second.path` (what the
    first of them finds), each with ` ~ ^1:([0-9]+)$` behind it for the part of the text that the group matches.
    """

    kind: Literal["json_records"] = Field(default="json_records", description="records in JSON")
    records: str = Field(
        default="",
        description="path of the list of records, e.g. `data.items`; the file itself is the list when absent",
    )

    @field_validator("records")
    @classmethod
    def _is_a_path(cls, path: str) -> str:
        parse_path(path)
        return path


class Tmf639Format(Declaration):
    """Pages of TMF639 v4 ``Resource`` objects as they were answered."""

    kind: Literal["tmf639"] = Field(default="tmf639", description="pages of TMF639 v4")


Format = Annotated[
    CsvFormat | PivotJsonFormat | GeoJsonFormat | JsonRecordsFormat | Tmf639Format,
    Field(discriminator="kind"),
]


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

    ``file_pattern`` has named groups: ``period`` (``YYYY``, ``YYYY-MM``, ``YYYY-MM-DD`` or ``YYYY-YYYY``; absent for a
    snapshot) and ``part`` (a piece of the feed with slices of its own). The slice of a delivery is made of both.
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
        default=None, description="regular expression of the whole file name; groups: `period`, `part`"
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
                unknown = set(re.compile(pattern).groupindex) - {"period", "part"}
            except re.error as error:
                raise ValueError(f"is not a regular expression: {error}") from error
            if unknown:
                raise ValueError(f"unknown group {sorted(unknown)}; allowed: period, part")
        return pattern

    @model_validator(mode="after")
    def _headers_fit(self) -> Feed:
        problems: list[Problem] = []
        owners: dict[str, str] = {}
        for column, about in self.columns.items():
            if about.header and not isinstance(self.format, CsvFormat):
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
            if column.from_path is not None and isinstance(self.format, JsonRecordsFormat | Tmf639Format):
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
            if isinstance(origin, PagedOrigin) and not isinstance(self.format, JsonRecordsFormat):
                problems.append(
                    (
                        ("origins", which, "kind"),
                        f"pages are read by json_records; the format is {self.format.kind}",
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

    @property
    def names_its_period(self) -> bool:
        """Whether the names of its files say which period they are of."""
        return self.file_pattern is not None and "period" in re.compile(self.file_pattern).groupindex

    @property
    def first_day(self) -> date | None:
        """First day that the source has."""
        return self.first_month or (date(self.first_year, 1, 1) if self.first_year else None)

    def is_refreshed(self, last_day: date | None, today: date) -> bool:
        """Whether a slice that was taken already is asked again by each run; one without days has no age."""
        if self.refresh is None:
            return False
        month = today.year * 12 + today.month - 1 - self.refresh.months
        return last_day is None or last_day.year * 12 + last_day.month - 1 >= month

    @property
    def lateness(self) -> tuple[timedelta, timedelta] | None:
        """How long after the end of what was delivered last the next delivery is expected, and is late.

        A period has to pass before it can be delivered, so its length is added to the declared days. None for a feed
        that is never late.
        """
        if self.freshness is None or self.cadence not in PERIOD_DAYS:
            return None
        period = PERIOD_DAYS[self.cadence]
        days = (self.freshness.expected_within_days, self.freshness.late_after_days)
        return timedelta(days=period + days[0]), timedelta(days=period + days[1])

    @property
    def headers(self) -> dict[str, str]:
        """The column that is meant by each name which may stand in the header of a delivery."""
        return {name: column for column, about in self.columns.items() for name in about.named(column)}

    @property
    def kept_columns(self) -> dict[str, Column]:
        """The columns that pass the format reader."""
        return {name: column for name, column in self.columns.items() if column.personal_data != "drop"}


class Instance(Declaration):
    """One installation of the source, and the territory that it answers for."""

    title: Names = Field(description="what the installation is called")
    ref_area: str = Field(description="code of the territory that it answers for")


class Source(Declaration):
    """A system of record outside."""

    source: str = Field(
        pattern=r"^[a-z][a-z0-9_]*$", description="code of the source; its folder has the same name"
    )
    title: Names = Field(description="what the source is called")
    owner: str = Field(description="who answers for it")
    public_origin: PublicOrigin = Field(description="where the data are published, and on what terms")
    instances: dict[str, Instance] = Field(description="its installations by code; one is enough")
    territories: dict[str, str] = Field(
        default={},
        description="names by which its rows call territories → code of the territory in the register",
    )
    feeds: dict[str, Feed] = Field(description="what it gives, by code")

    @model_validator(mode="after")
    def _is_whole(self) -> Source:
        problems: list[Problem] = [
            (
                ("feeds", name, "origins", which, "instance"),
                f"instance {origin.instance!r} is not declared; {nearest(origin.instance, self.instances)}",
            )
            for name, feed in self.feeds.items()
            for which, origin in feed.origins.items()
            if isinstance(origin, FileOrigin | HttpOrigin | SftpOrigin)
            and origin.instance
            and origin.instance not in self.instances
        ]
        for name, feed in self.feeds.items():
            problems += _misplaced_columns(name, feed)
            problems += [
                (
                    ("feeds", name, "columns", column),
                    "a number needs bounds, or unbounded with the reason why not",
                )
                for column, about in feed.kept_columns.items()
                if about.type in NUMBERS and not about.bounds and not about.unbounded
            ]
            if isinstance(feed.format, PivotJsonFormat) and not feed.format.tables:
                problems.append(
                    (("feeds", name, "format"), "tables: its answers need a title to be known by")
                )
        if problems:
            raise PlacedError(*problems)
        return self


def _misplaced_columns(name: str, feed: Feed) -> Iterator[Problem]:
    """``territory`` and ``time_period`` name kept columns of the right type."""
    wanted = {
        "territory": (feed.territory, ("text",)),
        "time_period": (feed.time_period, ("date", "timestamp")),
    }
    for key, (column, types) in wanted.items():
        known = [one for one, about in feed.kept_columns.items() if about.type in types]
        if column is not None and column not in known:
            told = f"{column!r} is no kept column of type {' or '.join(types)}; {nearest(column, known)}"
            yield ("feeds", name, key), told


@lru_cache(maxsize=1)
def load_sources(folder: Path = SOURCES) -> dict[str, Source]:
    """All declared sources by name, in the order of their names.

    Raises:
        DeclarationError: a file is wrong, or a folder's name is not its source's.
    """
    sources: dict[str, Source] = {}
    for path in sorted(folder.glob("*/source.yml")):
        source = read_yaml(path, Source)
        if source.source != path.parent.name:
            raise DeclarationError(
                f"{at(path, 'source')}: is {source.source!r}, its folder is {path.parent.name!r}",
                "Give both one name.",
            )
        sources[source.source] = source
    return sources


def provider_of(what: Provides) -> tuple[str, str]:
    """Source and feed that provide something of which there is one: the register of territories.

    Raises:
        DeclarationError: none does, or several do.
    """
    found = [
        (name, feed)
        for name, source in load_sources().items()
        for feed, declared in source.feeds.items()
        if declared.provides == what
    ]
    if len(found) != 1:
        told = ", ".join(f"{source}.{feed}" for source, feed in found) or "none"
        raise DeclarationError(
            f"{SOURCES}: one feed provides the {what}, and declared are: {told}",
            f"Say `provides: {what}` in the source.yml of one feed.",
        )
    return found[0]
