"""A spatial layer in whichever format arrives: pages or a file of GeoJSON, a zipped Shapefile, a GeoPackage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines.declarations.feeds import Feed
from pipelines.declarations.files import AnyLayer, LayerFormat, Spatial
from pipelines.deliveries import Batch, Delivery
from pipelines.errors import DeliveryError, Reason
from pipelines.formats import geojson, geopackage, shapefile
from pipelines.formats.snapshot import is_snapshot


def read(delivery: Delivery, feed: Feed, fmt: LayerFormat, out: Path, pseudonym_key: str) -> Batch:
    """Read one layer. ``row_no`` counts its features from 1.

    Raises:
        DeliveryError: it is none of these formats, or the layer cannot be read.
    """
    features, file = features_of(delivery, feed, fmt, out.parent)
    return geojson.write_features(features, file, feed, fmt, out, pseudonym_key, by_field=True)


def features_of(delivery: Delivery, feed: Feed, fmt: AnyLayer, scratch: Path) -> tuple[list[Any], str]:
    """The features as GeoJSON in WGS 84, and the name of the file.

    Raises:
        DeliveryError: as :func:`read`.
    """
    if is_snapshot(delivery):
        return geojson.features_of(delivery, feed, Spatial(axis_order=fmt.axis_order))
    path = delivery.paths[0]
    fmt = fmt.model_copy(update={"axis_order": "xy"})
    match path.suffix.lower():
        case ".geojson" | ".json":
            return geojson.features_of(delivery, feed, Spatial())
        case ".zip":
            return shapefile.features_of(delivery, feed, fmt, scratch)
        case ".gpkg":
            return geopackage.features_of(delivery, feed, fmt)
        case _:
            message = "Ожидается слой: GeoJSON (.geojson), Shapefile в архиве (.zip) или GeoPackage (.gpkg)."
            raise DeliveryError(
                path.name, [Reason("file.format", message, "Сохраните слой в одном из этих форматов.")]
            )
