"""Formats of whole files: tables in Parquet, XML by path, layers of spatial data, timetables in GTFS."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from pipelines.declarations.common import Declaration, PlacedError


class ParquetFormat(Declaration):
    """A table in Apache Parquet. `from_path` of a column is its name in the file, absent: the column's name."""

    kind: Literal["parquet"] = Field(default="parquet", description="a table in Apache Parquet")


class XmlFormat(Declaration):
    """Records in XML, one row each, in files of any size: SOAP answers, DATEX II, ESPI, NeTEx.

    Names are compared without namespaces. `from_path` of a column begins at the record, as in `json_records`:
    `location.point.latitude`; an attribute is `location.@id`, the text of an element with attributes is `price.$`; for repeated
    elements, `phone[0]` or `value[@type=count].$`. Files with a document type (and so with entities) are refused.
    """

    kind: Literal["xml"] = Field(default="xml", description="records in XML")
    records: str = Field(
        pattern=r"^/?[^/\s@\[\]]+(/[^/\s@\[\]]+)*$",
        description="path of the elements that are records: `Envelope/Body/answer/item` from the root, or the end of it: `item`",
    )
    above: dict[str, str] = Field(
        default={},
        description="column → path, from the root, of an element or attribute (`header/@date`) before the records, "
        "whose value holds for all of them",
    )

    @property
    def steps(self) -> tuple[str, ...]:
        """The element names of the path of a record."""
        return tuple(self.records.strip("/").split("/"))


CRS = r"^EPSG:[0-9]{4,6}$"


class Spatial(Declaration):
    """The coordinate reference system of a layer."""

    crs: str | None = Field(
        default=None,
        pattern=CRS,
        description="EPSG code of the coordinate reference system, e.g. `EPSG:20005` (СК-95, zone 5); absent: that of the file "
        "itself, or WGS 84",
    )
    axis_order: Literal["xy", "yx"] = Field(
        default="xy",
        description="order of coordinates in the file: east before north, or north before east, as in WFS 2 for EPSG:4326",
    )
    within: tuple[float, float, float, float] | None = Field(
        default=None,
        description="west, south, east, north in degrees: the box of all positions; if they lie in it only with swapped axes, "
        "the wrong axis order is reported",
    )

    @model_validator(mode="after")
    def _is_a_box(self) -> Spatial:
        if self.within is not None:
            west, south, east, north = self.within
            if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
                raise PlacedError((("within",), "must be west, south, east, north in degrees"))
        return self


def _known_encoding(encoding: str | None) -> str | None:
    if encoding is not None:
        try:
            "".encode(encoding)
        except LookupError as error:
            raise ValueError(str(error)) from error
    return encoding


class ShapefileFormat(Spatial):
    """A layer as a zipped Shapefile (.shp, .shx, .dbf, .prj, .cpg), one row a feature; the geometry becomes GeoJSON in WGS 84.

    `from_path` of a column is the name of the field, absent: the column's name.
    """

    kind: Literal["shapefile"] = Field(default="shapefile", description="a zipped Shapefile")
    encoding: str | None = Field(
        default=None, description="encoding of the texts; absent: that of the .cpg file, or UTF-8"
    )

    _is_known = field_validator("encoding")(_known_encoding)


class GeoPackageFormat(Spatial):
    """A layer of a GeoPackage, one row a feature; the geometry becomes GeoJSON in WGS 84."""

    kind: Literal["geopackage"] = Field(default="geopackage", description="a layer of a GeoPackage")
    layer: str | None = Field(default=None, description="name of the layer; absent: the only one")


class AnyLayer(Spatial):
    """A layer in any of the spatial formats, recognised by the end of the file's name."""

    axis_order: Literal["xy", "yx"] = Field(
        default="xy",
        description="order of coordinates in pulled pages, `yx` as WFS 2 answers for EPSG:4326; a file has east before north",
    )
    crs: str | None = Field(
        default=None,
        pattern=CRS,
        description="EPSG code of the coordinate reference system of a Shapefile or GeoPackage, e.g. `EPSG:20005` (СК-95, zone "
        "5); absent: the one that it names itself. GeoJSON is WGS 84",
    )
    encoding: str | None = Field(
        default=None,
        description="encoding of the texts of a Shapefile; absent: that of the .cpg file, or UTF-8",
    )
    layer: str | None = Field(
        default=None, description="name of the layer of a GeoPackage; absent: the only one"
    )

    _is_known = field_validator("encoding")(_known_encoding)


class LayerFormat(AnyLayer):
    """A layer as GeoJSON (a file, or pages of WFS 2 and OGC API Features), zipped Shapefile or GeoPackage, by the file's name.

    One row a feature; the geometry becomes GeoJSON in WGS 84. `from_path` of a column is the name of the field or property,
    absent: the column's name.
    """

    kind: Literal["layer"] = Field(
        default="layer", description="a layer as GeoJSON, Shapefile or GeoPackage, whichever arrives"
    )


class OverlayFormat(AnyLayer):
    """A layer of areas (as of `layer`), intersected with territorial units and points of people: a row for each unit and class.

    Columns to declare: `zone`, `zone_km2`, `covered_km2`, `zone_people`, `covered_people`, `areas` (number of delivered areas
    that touch the unit), and the columns named in `classes` and `each`. Overlapping areas of a class count once. A unit is
    taken without the finer units that lie in it, so rows of different units may be added up.
    """

    kind: Literal["overlay"] = Field(
        default="overlay",
        description="areas that are intersected with territorial units and points of people",
    )
    classes: dict[str, tuple[str, ...]] = Field(
        min_length=1,
        max_length=1,
        description="column → its possible values; a unit without areas of a class has a row with zeros",
    )
    each: str = Field(
        description="column by whose values the areas of a class are counted separately too; `_T` are all together"
    )
    zones: str = Field(
        description="SELECT on the warehouse of the units: `zone` (code), `rank` (a finer unit has a greater one), `geometry` "
        "(GeoJSON in WGS 84)"
    )
    points: str = Field(description="SELECT on the warehouse of the points: `lon`, `lat` (WGS 84), `people`")

    @property
    def beside(self) -> dict[str, str]:
        """The tables of the warehouse that the reader needs."""
        return {"zones": self.zones, "points": self.points}


class GtfsFormat(Declaration):
    """One table of a timetable in GTFS: a zip with CSV files. Undeclared columns are ignored, as GTFS requires.

    `header` of a column is its name there, absent: the column's name.
    """

    kind: Literal["gtfs"] = Field(default="gtfs", description="a table of a GTFS zip")
    table: str = Field(pattern=r"^[a-z_]+$", description="name of the table: `stops` is the file stops.txt")
    optional: bool = Field(default=False, description="the zip may lack the file: then there are no rows")


def same_name(name: str) -> str:
    """A name of an element without its namespace."""
    return re.sub(r"^(\{[^}]*\}|[^:]*:)", "", name)
