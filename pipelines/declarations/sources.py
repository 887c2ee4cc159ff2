"""What a source is: the model of ``assets/sources/<source>/source.yml``."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from pipelines.declarations.common import Declaration, Names, read_yaml
from pipelines.errors import DeclarationError
from pipelines.settings import PROJECT

SOURCES = PROJECT / "assets" / "sources"

ColumnType = Literal["text", "integer", "decimal", "date", "timestamp", "boolean"]
PersonalData = Literal["none", "drop", "pseudonymise", "coarsen"]


class Column(Declaration):
    """One column of a feed, as it is delivered.

    ``personal_data`` says what the format reader does before anybody sees a row: ``drop`` leaves the column
    out of the batch, ``pseudonymise`` replaces it by a keyed hash, ``coarsen`` rounds a coordinate to
    ``coarsen_decimals`` places.
    """

    type: ColumnType
    description: str
    required: bool = Field(default=True, description="the delivery must have this column")
    unit: str | None = None
    format: str | None = Field(
        default=None, description="strptime pattern of a date or timestamp; ISO 8601 when absent"
    )
    missing: tuple[str, ...] = Field(default=("",), description="texts that mean: no value")
    from_path: str | None = Field(default=None, description="where the value stands in a nested record; its name when absent")
    personal_data: PersonalData = "none"
    coarsen_decimals: int = 3
    why_personal: str | None = Field(default=None, description="what personal data the column holds, and the ground")


class Freshness(Declaration):
    """When a feed is late: days after the end of the period that a delivery covers."""

    expected_within_days: int = Field(gt=0)
    late_after_days: int = Field(gt=0)


class FileOrigin(Declaration):
    """Files in a folder. ``{instance}`` in the path stands for the instance's code."""

    kind: Literal["files"] = "files"
    path: str
    instance: str | None = Field(default=None, description="the one instance that all files belong to")
    synthetic: bool = Field(default=False, description="the data are invented; every page that shows them says so")


class Tmf639Origin(Declaration):
    """A TM Forum resource inventory (TMF639) that is pulled page by page.

    ``base_url`` may hold ``{instance}``. ``sandbox`` starts the simulated inventory of this repository on
    loopback for the length of the pull.
    """

    kind: Literal["tmf639"] = "tmf639"
    base_url: str
    sandbox: bool = False
    page_size: int = Field(default=500, gt=0, le=5000)
    synthetic: bool = False


Origin = Annotated[FileOrigin | Tmf639Origin, Field(discriminator="kind")]


class PublicOrigin(Declaration):
    """Where the data are published, and on what terms."""

    address: str
    licence: str
    attribution: str


class CsvFormat(Declaration):
    """Delimited text with a header line."""

    kind: Literal["csv"] = "csv"
    delimiter: str = ","
    encoding: Literal["utf-8", "cp1251"] = "utf-8"
    decimal_comma: bool = False


class PivotJsonFormat(Declaration):
    """A statistical portal's table answer: header of periods, rows of dimension cells and value cells.

    Read into one row for each value cell. ``dimensions`` maps our column names to the portal's titles.
    """

    kind: Literal["pivot_json"] = "pivot_json"
    dimensions: dict[str, str]


class GeoJsonFormat(Declaration):
    """A GeoJSON FeatureCollection, one row a feature; the geometry stays GeoJSON text."""

    kind: Literal["geojson"] = "geojson"


class Tmf639Format(Declaration):
    """Pages of TMF639 v4 ``Resource`` objects as they were answered."""

    kind: Literal["tmf639"] = "tmf639"


Format = Annotated[CsvFormat | PivotJsonFormat | GeoJsonFormat | Tmf639Format, Field(discriminator="kind")]


class ControlTotal(Declaration):
    """A count that the source itself published for a span of time; the delivered rows are held against it."""

    instance: str
    period_from: str
    period_to: str
    rows: int
    reference: str


class Feed(Declaration):
    """One table-like thing that a source gives.

    ``file_pattern`` has named groups: ``period`` (``YYYY``, ``YYYY-MM``, ``YYYY-MM-DD`` or ``YYYY-YYYY``; absent for a
    snapshot) and ``part`` (a piece of the feed with slices of its own). The slice of a delivery is made of both.
    """

    title: Names
    description: str
    cadence: Literal["daily", "monthly", "quarterly", "half-yearly", "yearly", "once"]
    freshness: Freshness | None = None
    public_origin: PublicOrigin | None = None
    first_month: date | None = Field(default=None, description="first month that the source has; for feeds by month")
    file_pattern: str | None = None
    part: str | None = Field(default=None, description="fixed part, where files do not name one")
    origins: dict[Literal["sample", "mirror"], Origin]
    format: Format
    empty_delivery: Literal["not_retained", "zero", "reject"] = "reject"
    max_delivery_bytes: int = Field(default=2_000_000_000, gt=0)
    columns: dict[str, Column]
    control_totals: tuple[ControlTotal, ...] = ()

    @field_validator("file_pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            unknown = set(re.compile(pattern).groupindex) - {"period", "part"}
            if unknown:
                raise ValueError(f"unknown group {sorted(unknown)}; allowed: period, part")
        return pattern

    @property
    def kept_columns(self) -> dict[str, Column]:
        """The columns that pass the format reader."""
        return {name: column for name, column in self.columns.items() if column.personal_data != "drop"}


class Instance(Declaration):
    """One installation of the source, and the territory that it answers for."""

    title: Names
    ref_area: str


class Source(Declaration):
    """A system of record outside."""

    source: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: Names
    owner: str
    public_origin: PublicOrigin
    instances: dict[str, Instance]
    feeds: dict[str, Feed]

    @model_validator(mode="after")
    def _instances_exist(self) -> Source:
        for name, feed in self.feeds.items():
            for origin in feed.origins.values():
                if isinstance(origin, FileOrigin) and origin.instance and origin.instance not in self.instances:
                    raise ValueError(f"feeds.{name}: instance {origin.instance!r} is not declared")
        return self


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
                f"{path}: source is {source.source!r}, its folder is {path.parent.name!r}", "Give both one name."
            )
        sources[source.source] = source
    return sources
