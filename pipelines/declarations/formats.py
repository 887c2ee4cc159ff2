"""How the bytes of a delivery are read: delimited text, a pivot table, GeoJSON, records in JSON."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator

from pipelines.declarations.common import Declaration
from pipelines.declarations.files import (
    GeoPackageFormat,
    GtfsFormat,
    LayerFormat,
    OverlayFormat,
    ParquetFormat,
    ShapefileFormat,
    Spatial,
    XmlFormat,
)
from pipelines.declarations.timetables import GtfsRealtimeFormat, TimetableFormat
from pipelines.declarations.workbooks import WorkbookFormat
from pipelines.encodings import Encoding
from pipelines.json_path import parse_path


class CsvFormat(Declaration):
    """Delimited text with a header line."""

    kind: Literal["csv"] = Field(default="csv", description="delimited text with a header line")
    delimiter: Literal[",", ";", "\t", "|"] = Field(default=",", description="the character between fields")
    encoding: Encoding = Field(
        default="utf-8",
        description="encoding of the file; a file in another one is refused, and the answer names the likely one",
    )
    decimal_comma: bool = Field(default=False, description="numbers are written with a decimal comma")


class PivotTable(Declaration):
    """What identifies an answer: the possible titles of its table, and the levels of its territories."""

    parts: str = Field(
        default="", description="regular expression of the parts of the feed to which this applies"
    )
    titles: tuple[str, ...] = Field(
        min_length=1,
        description="exact `tableName`; if the source changes the wording, the new one is added",
    )
    levels: dict[str, tuple[int, ...]] = Field(
        default={}, description="column of a dimension → the levels of its cells, all of them"
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
        description="what identifies the answers, by part of the feed; required in a source",
    )

    def table(self, part: str) -> PivotTable | None:
        """The declared table of a part; None if there is none."""
        return next((one for one in self.tables if re.fullmatch(one.parts, part)), None)


class GeoJsonFormat(Spatial):
    """A GeoJSON FeatureCollection, or pages of one, one row a feature; the geometry stays GeoJSON text, in WGS 84."""

    kind: Literal["geojson"] = Field(default="geojson", description="a GeoJSON FeatureCollection")


class JsonRecordsFormat(Declaration):
    """Records in JSON, one row each: a file with a list of them, or pulled pages (`kind: paged`).

    `from_path` of a column says where its value is in a record: `place.id`, `phones[0]`,
    `characteristic[name=lengthKm].value` (of the item whose `name` is `lengthKm`), `first.path | second.path` (the first
    that has a value), each optionally followed by ` ~ ^1:([0-9]+)$` to keep only what the group matches.
    """

    kind: Literal["json_records"] = Field(default="json_records", description="records in JSON")
    records: str = Field(
        default="",
        description="path of the list of records, e.g. `data.items`; absent: the file itself is the list",
    )
    decimal_comma: bool = Field(
        default=False, description="a number that is written as a text may have a decimal comma"
    )

    @field_validator("records")
    @classmethod
    def _is_a_path(cls, path: str) -> str:
        parse_path(path)
        return path


Tmf639Version = Literal["v4", "v5"]


class Tmf639Format(Declaration):
    """Pages of TMF639 ``Resource`` objects as they were received; those of v5 are read as v4."""

    kind: Literal["tmf639"] = Field(default="tmf639", description="pages of TMF639 v4 or v5")
    version: Tmf639Version = Field(default="v4", description="version of the interface")
    versions: dict[str, Tmf639Version] = Field(
        default={}, description="instance → its version, where it is another one"
    )

    def version_of(self, instance: str) -> Tmf639Version:
        """The version that an instance speaks."""
        return self.versions.get(instance, self.version)


Format = Annotated[
    CsvFormat
    | PivotJsonFormat
    | GeoJsonFormat
    | JsonRecordsFormat
    | Tmf639Format
    | WorkbookFormat
    | ParquetFormat
    | XmlFormat
    | ShapefileFormat
    | GeoPackageFormat
    | LayerFormat
    | OverlayFormat
    | GtfsFormat
    | TimetableFormat
    | GtfsRealtimeFormat,
    Field(discriminator="kind"),
]
