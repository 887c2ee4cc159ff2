"""Formats of whole files: tables in Parquet, XML by path, layers of spatial data, timetables in GTFS."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from pipelines.declarations.common import Declaration, PlacedError
from pipelines.json_path import parse_path


class ParquetFormat(Declaration):
    """A table in Apache Parquet. `from_path` of a column is its name in the file, its own name when absent."""

    kind: Literal["parquet"] = Field(default="parquet", description="a table in Apache Parquet")


class XmlFormat(Declaration):
    """Records in XML, one row each, however large the file: an answer of SOAP, DATEX II, ESPI, NeTEx.

    Names are compared without their namespaces. `from_path` of a column leads on from the record, as in `json_records`:
    `location.point.latitude`, an attribute is `location.@id`, the text of an element that has attributes `price.$`, of several
    elements of one name `phone[0]` or `value[@type=count].$`. Document types, and so their own entities, are refused.
    """

    kind: Literal["xml"] = Field(default="xml", description="records in XML")
    records: str = Field(
        pattern=r"^/?[^/\s@\[\]]+(/[^/\s@\[\]]+)*$",
        description="path of the elements that are records: `Envelope/Body/answer/item` from the root, or the end of it: `item`",
    )
    above: dict[str, str] = Field(
        default={},
        description="column → path, from the root, of an element or attribute (`header/@date`) that stands before the records "
        "and holds for all behind it",
    )

    @property
    def steps(self) -> tuple[str, ...]:
        """The names on the way to a record."""
        return tuple(self.records.strip("/").split("/"))


CRS = r"^EPSG:[0-9]{4,6}$"


class Spatial(Declaration):
    """What coordinates mean."""

    crs: str | None = Field(
        default=None,
        pattern=CRS,
        description="coordinate reference system of the file by its EPSG code, e.g. `EPSG:20005` (СК-95, zone 5); absent: what "
        "the file itself says, or WGS 84",
    )
    axis_order: Literal["xy", "yx"] = Field(
        default="xy",
        description="order of two numbers in the file: east before north, or north before east, as WFS 2 gives it for EPSG:4326",
    )
    within: tuple[float, float, float, float] | None = Field(
        default=None,
        description="west, south, east, north in degrees: where all positions lie; what lies there with its numbers exchanged is "
        "told as the other axis order",
    )

    @model_validator(mode="after")
    def _is_a_box(self) -> Spatial:
        if self.within is not None:
            west, south, east, north = self.within
            if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
                raise PlacedError((("within",), "is west, south, east, north in degrees"))
        return self


class ShapefileFormat(Spatial):
    """A layer as a zipped Shapefile (.shp, .shx, .dbf, .prj, .cpg), one row a feature; the geometry becomes GeoJSON in WGS 84.

    `from_path` of a column is the name of the field, its own name when absent.
    """

    kind: Literal["shapefile"] = Field(default="shapefile", description="a zipped Shapefile")
    encoding: str | None = Field(
        default=None, description="encoding of the texts; absent: what the .cpg file says, or UTF-8"
    )

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, encoding: str | None) -> str | None:
        if encoding is not None:
            try:
                "".encode(encoding)
            except LookupError as error:
                raise ValueError(str(error)) from error
        return encoding


class GeoPackageFormat(Spatial):
    """A layer of a GeoPackage, one row a feature; the geometry becomes GeoJSON in WGS 84."""

    kind: Literal["geopackage"] = Field(default="geopackage", description="a layer of a GeoPackage")
    layer: str | None = Field(default=None, description="name of the layer; absent: the only one")


class GtfsFormat(Declaration):
    """One table of a timetable in GTFS: a zip with CSV files. Columns that are not declared are left out, as GTFS says.

    `header` of a column is its name there, its own name when absent.
    """

    kind: Literal["gtfs"] = Field(default="gtfs", description="a table of a GTFS zip")
    table: str = Field(pattern=r"^[a-z_]+$", description="name of the table: `stops` is the file stops.txt")
    optional: bool = Field(default=False, description="the zip may lack the file: then there are no rows")


def path_problem(path: str) -> str | None:
    """Why a path of a column cannot be read; None if it can."""
    try:
        return None if parse_path(path).words else f"{path!r} names nothing"
    except ValueError as error:
        return str(error)


def same_name(name: str) -> str:
    """A name of an element without its namespace."""
    return re.sub(r"^(\{[^}]*\}|[^:]*:)", "", name)
