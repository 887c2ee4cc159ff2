"""A layer as a zipped Shapefile: each record becomes a feature of GeoJSON in WGS 84, checked as one.

``row_no`` counts the records from 1 (a GIS counts from 0).
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import shapefile

from pipelines.declarations.feeds import Feed
from pipelines.declarations.files import AnyLayer, ShapefileFormat
from pipelines.deliveries import Batch, Delivery
from pipelines.errors import DeliveryError, Reason
from pipelines.formats.archive import PACK, extract, names_in
from pipelines.formats.geojson import write_features
from pipelines.formats.positions import UnknownSystemError, to_wgs84
from pipelines.formats.workbook_cells import cell_text

PARTS = (".shp", ".dbf", ".shx", ".prj", ".cpg")
NEEDED = (".shp", ".dbf")
BYTES = "latin-1"
# errors of pyshp on a broken layer; it does not wrap those of unpacking
BROKEN = (
    shapefile.ShapefileException, ValueError, IndexError, TypeError, ArithmeticError, OSError, EOFError, AttributeError,
    struct.error,
)  # fmt: skip


def read(delivery: Delivery, feed: Feed, fmt: ShapefileFormat, out: Path, pseudonym_key: str) -> Batch:
    """Read one layer.

    Raises:
        DeliveryError: the zip contains no complete layer, or its coordinate system or encoding is unknown.
    """
    features, file = features_of(delivery, feed, fmt, out.parent)
    return write_features(features, file, feed, fmt, out, pseudonym_key, by_field=True)


def features_of(
    delivery: Delivery, feed: Feed, fmt: ShapefileFormat | AnyLayer, scratch: Path
) -> tuple[list[dict[str, Any]], str]:
    """The features of the layer as GeoJSON in WGS 84, and the name of the file; unpacked within ``scratch``.

    Raises:
        DeliveryError: as :func:`read`.
    """
    path = delivery.paths[0]
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        layer = _unpacked(path, Path(folder), feed.max_delivery_bytes)
        system = _system(layer, fmt, path.name)
        encoding = fmt.encoding or _encoding(layer)
        layer.with_suffix(".cpg").unlink(
            missing_ok=True
        )  # otherwise pyshp warns that it is not the number of bytes requested
        try:
            moved = to_wgs84(fmt, system)
        except UnknownSystemError:
            raise _unknown_system(path.name) from None
        try:
            # texts as raw bytes: they are decoded here, with an error that does not quote them
            with shapefile.Reader(str(layer), encoding=BYTES) as reader:
                _refuse_other_fields(
                    path.name, [_decoded(field.name, encoding) for field in reader.fields[1:]], feed
                )
                return list(_features(reader, moved, encoding)), path.name
        except (UnicodeError, LookupError):
            message = f"Тексты слоя не в кодировке {encoding}."
            remedy = "Приложите файл .cpg с названием кодировки."
            raise _refused(path.name, "file.encoding", message, remedy) from None
        except BROKEN as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise _refused(path.name, "file.whole", "Слой повреждён: его записи не читаются.", PACK) from None


def _unpacked(path: Path, folder: Path, largest: int) -> Path:
    """Unpack the only layer of a zip, its parts side by side under a plain name."""
    names = names_in(path)
    layers = [name for name in names if name.lower().endswith(".shp")]
    if len(layers) != 1:
        said = "нет слоя (.shp)" if not layers else f"несколько слоёв: {len(layers)}"
        raise _refused(path.name, "zip.members", f"В архиве {said}, ожидается один.", PACK)
    stem = layers[0][:-4]
    for part in PARTS:
        inside = next((name for name in names if name.lower() == (stem + part).lower()), None)
        if inside is None:
            if part in NEEDED:
                raise _refused(path.name, "zip.members", f"В архиве нет файла {part} слоя.", PACK)
            continue
        extract(path, inside, folder / f"layer{part}", largest)
    return folder / "layer.shp"


def _system(layer: Path, fmt: ShapefileFormat | AnyLayer, file: str) -> str | None:
    if fmt.crs is not None:
        return None
    described = layer.with_suffix(".prj")
    if not described.exists():
        raise _unknown_system(file)
    return described.read_text("utf-8", "replace").strip()


def _unknown_system(file: str) -> DeliveryError:
    message = "Система координат слоя неизвестна: нет файла .prj, или она в нём не описана."
    remedy = "Приложите .prj или согласуйте систему координат (crs в описании источника)."
    return _refused(file, "geojson.crs", message, remedy)


def _encoding(layer: Path) -> str:
    described = layer.with_suffix(".cpg")
    if not described.exists():
        return "utf-8"
    name = described.read_text("ascii", "replace").strip().lower()
    # ESRI writes only the number of a code page
    return f"cp{name}" if name.isdigit() else name.replace("ansi ", "cp")


def _refuse_other_fields(file: str, names: list[str], feed: Feed) -> None:
    from pipelines.formats.geojson import GEOMETRY

    reasons = [
        Reason(
            "file.columns",
            f"Нет поля «{column.from_path or name}».",
            f"Поля слоя: {', '.join(names[:30])}.",
            0,
            name,
        )
        for name, column in feed.kept_columns.items()
        if column.required and name not in GEOMETRY and (column.from_path or name) not in names
    ]
    if reasons:
        raise DeliveryError(file, reasons)


def _decoded(text: str, encoding: str) -> str:
    return text.encode(BYTES).decode(encoding)


def _features(reader: Any, moved: Any, encoding: str) -> Iterator[dict[str, Any]]:
    for one in reader.iterShapeRecords():
        geometry = None
        if one.shape.shapeType != shapefile.NULL and one.shape.points:
            geometry = moved(_lists(dict(one.shape.__geo_interface__)))
        properties = {
            _decoded(name, encoding): _decoded(value, encoding)
            if isinstance(value, str)
            else cell_text(value)
            for name, value in one.record.as_dict().items()
        }
        yield {"type": "Feature", "geometry": geometry, "properties": properties}


def _lists(value: Any) -> Any:
    """Tuples as lists, as in JSON."""
    if isinstance(value, dict):
        return {key: _lists(item) for key, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, list | tuple) else value


def _refused(file: str, expectation: str, message: str, remedy: str) -> DeliveryError:
    return DeliveryError(file, [Reason(expectation, message, remedy)])
