"""A layer of a GeoPackage (OGC 12-128): an SQLite file of geometries in WKB. Each row becomes a feature of GeoJSON in WGS 84."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import shapely
from shapely.geometry import mapping

from pipelines.declarations.feeds import Feed
from pipelines.declarations.files import AnyLayer, GeoPackageFormat
from pipelines.deliveries import Batch, Delivery
from pipelines.errors import DeliveryError, Reason
from pipelines.formats.geojson import GEOMETRY, write_features
from pipelines.formats.positions import UnknownSystemError, to_wgs84
from pipelines.formats.shapefile import _lists
from pipelines.formats.workbook_cells import cell_text
from pipelines.sql import quoted

AGAIN = "Сохраните слой как GeoPackage заново и передайте целиком."
# bytes of the box of a geometry by the code in its header (12-128, 2.1.3)
ENVELOPES = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}


def read(delivery: Delivery, feed: Feed, fmt: GeoPackageFormat, out: Path, pseudonym_key: str) -> Batch:
    """Read one layer. ``row_no`` counts its rows from 1, in the order of their key.

    Raises:
        DeliveryError: it is not a complete GeoPackage, has no such layer, or its coordinate system is unknown.
    """
    features, file = features_of(delivery, feed, fmt)
    return write_features(features, file, feed, fmt, out, pseudonym_key, by_field=True)


def features_of(
    delivery: Delivery, feed: Feed, fmt: GeoPackageFormat | AnyLayer
) -> tuple[list[dict[str, Any]], str]:
    """The features of the layer as GeoJSON in WGS 84, and the name of the file.

    Raises:
        DeliveryError: as :func:`read`.
    """
    path = delivery.paths[0]
    if path.stat().st_size > feed.max_delivery_bytes:
        message = f"Файл слишком велик: принимается не больше {feed.max_delivery_bytes} байт."
        raise _refused(path.name, "file.size", message, "Разделите выгрузку.")
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)) as book:
            # an untrusted file: its views and triggers may not call functions, and nothing is written
            book.execute("pragma trusted_schema = off")
            book.execute("pragma query_only = on")
            layer, column, system = _layer(book, fmt, path.name)
            try:
                moved = to_wgs84(fmt, system)
            except UnknownSystemError:
                message = "Система координат слоя неизвестна."
                raise _refused(
                    path.name, "geojson.crs", message, "Сохраните слой в WGS 84 (EPSG:4326)."
                ) from None
            return list(_features(book, layer, column, moved, feed, path.name)), path.name
    except sqlite3.Error:
        raise _refused(path.name, "file.whole", "Это не GeoPackage, или файл повреждён.", AGAIN) from None


def _layer(
    book: sqlite3.Connection, fmt: GeoPackageFormat | AnyLayer, file: str
) -> tuple[str, str, str | None]:
    found = book.execute(
        "select c.table_name, c.column_name, s.organization, s.organization_coordsys_id "
        "from gpkg_geometry_columns as c join gpkg_contents as t on t.table_name = c.table_name and t.data_type = 'features' "
        "join gpkg_spatial_ref_sys as s on s.srs_id = c.srs_id order by 1"
    ).fetchall()
    fitting = [row for row in found if fmt.layer in (None, row[0])]
    if len(fitting) != 1:
        said = f"слой {fmt.layer}" if fmt.layer else "один слой"
        raise _refused(file, "geopackage.layer", f"Ожидается {said}, в файле слоёв: {len(found)}.", AGAIN)
    table, column, organization, number = fitting[0]
    known = str(organization).upper() not in ("NONE", "")
    return str(table), str(column), f"{organization}:{number}" if known else None


def _features(
    book: sqlite3.Connection, layer: str, column: str, moved: Callable[[Any], Any], feed: Feed, file: str
) -> Iterator[dict[str, Any]]:
    rows = book.execute(f"select * from {quoted(layer)} order by rowid")
    names = [described[0] for described in rows.description]
    reasons = [
        Reason(
            "file.columns",
            f"Нет поля «{about.from_path or name}».",
            f"Поля слоя: {', '.join(names[:30])}.",
            0,
            name,
        )
        for name, about in feed.kept_columns.items()
        if about.required and name not in GEOMETRY and (about.from_path or name) not in names
    ]
    if reasons:
        raise DeliveryError(file, reasons)
    for row in rows:
        given = dict(zip(names, row, strict=True))
        blob = given.pop(column, None)
        properties = {
            name: None if isinstance(value, bytes) else cell_text(value) for name, value in given.items()
        }
        yield {"type": "Feature", "geometry": _geometry(blob, moved), "properties": properties}


def _geometry(blob: Any, moved: Callable[[Any], Any]) -> Any:
    """The geometry of a cell; an invalid one is reported by the check of geometries."""
    if blob is None:
        return None
    try:
        magic, version, flags = struct.unpack_from("<2sBB", blob)
        if magic != b"GP" or version != 0:
            raise ValueError
        if flags & 0b10000:  # empty
            return None
        shape = shapely.from_wkb(bytes(blob[8 + ENVELOPES[(flags >> 1) & 0b111] :]))
        return moved(_lists(mapping(shape)))
    except (ValueError, KeyError, TypeError, struct.error, shapely.errors.ShapelyError):
        return {"type": "", "coordinates": []}


def _refused(file: str, expectation: str, message: str, remedy: str) -> DeliveryError:
    return DeliveryError(file, [Reason(expectation, message, remedy)])
