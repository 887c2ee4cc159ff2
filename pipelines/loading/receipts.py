"""The receipt of a landed delivery, and whether a folder still holds what came."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pipelines.deliveries import Delivery, Slice, digest_of
from pipelines.settings import Settings

RECEIPT = "receipt.json"
# a delivery is named by this many digits of its hash
SHORT = 12


def identified(folder: Path, settings: Settings) -> tuple[Delivery | None, list[str]]:
    """Identify the delivery of a folder by its receipt, or say why that is impossible. No payload is read."""
    for parent in (folder, *folder.parents):
        if parent == settings.landing:
            break
        if parent.is_symlink():
            return None, [f"{parent}: is a link"]
    if not folder.is_dir():
        return None, [f"{folder}: is not there"]
    receipt = folder / RECEIPT
    try:
        if receipt.is_symlink():
            return None, [f"{receipt}: is a link"]
        delivery = read_receipt(folder)
        is_placed = folder.parent == slice_folder(delivery, settings) and folder.name in (
            delivery.sha256[:SHORT],
            delivery.sha256,
        )
        is_plain = bool(_receipt_fields(delivery)) and all(isinstance(name, str) for name in delivery.files)
    except FileNotFoundError:
        return None, [f"{receipt}: is not there"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None, [f"{receipt}: is not readable as a receipt"]
    if not is_plain or not is_placed or delivery.delivery_id != delivery_id_of(delivery, folder):
        return None, [f"{receipt}: is of another delivery"]
    return delivery, []


def examined(
    folder: Path, settings: Settings, known: Mapping[str, Any] | None = None
) -> tuple[Delivery | None, list[str]]:
    """The delivery of a folder, and everything that differs from what arrived, with its path; all bytes are read.

    Args:
        folder: the delivery's folder in landing.
        settings: where landing is.
        known: the delivery's row in ``ops.load``, if there is one.
    """
    delivery, faults = identified(folder, settings)
    if delivery is None:
        return None, faults
    receipt = folder / RECEIPT
    faults = [
        f"{receipt}: {name} is not what the ledger says"
        for name, value in _receipt_fields(delivery).items()
        if known is not None and known[name] != value
    ]
    there = {path.name: path for path in folder.iterdir()}
    odd = [name for name in delivery.files if name in there and not _is_file(there[name])]
    absent = [name for name in delivery.files if name not in there]
    faults += [f"{folder / name}: is not there" for name in absent]
    faults += [f"{folder / name}: is no file of its own" for name in odd]
    faults += [
        f"{there[name]}: did not come with it" for name in sorted(there.keys() - {*delivery.files, RECEIPT})
    ]
    if not absent and not odd:
        try:
            if digest_of(folder, delivery.files) != (delivery.sha256, delivery.bytes):
                faults.append(f"{', '.join(str(path) for path in delivery.paths)}: other bytes than came")
        except OSError as error:
            faults.append(f"{error.filename}: cannot be read: {error.strerror}")
    return delivery, faults


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def slice_folder(delivery: Delivery, settings: Settings) -> Path:
    """The folder that holds all deliveries of this slice."""
    return settings.landing / delivery.source / delivery.feed / delivery.instance / delivery.slice.key


def delivery_id_of(delivery: Delivery, folder: Path) -> str:
    return f"{delivery.source}.{delivery.feed}.{delivery.instance}.{delivery.slice.key}.{folder.name}"


def _receipt_fields(delivery: Delivery) -> dict[str, Any]:
    """The fields that the receipt and the ledger share, with the ledger's names and types."""
    return {
        "delivery_id": delivery.delivery_id,
        "source": delivery.source,
        "feed": delivery.feed,
        "instance": delivery.instance,
        "part": delivery.slice.part,
        "first_day": delivery.slice.first_day,
        "last_day": delivery.slice.last_day,
        "sha256": delivery.sha256,
        "files": delivery.files_shown,
        "synthetic": delivery.synthetic,
        "received_at": datetime.fromisoformat(delivery.received_at),
    }


def read_receipt(folder: Path) -> Delivery:
    """The delivery in a landing folder."""
    data: dict[str, Any] = json.loads((folder / RECEIPT).read_text(encoding="utf-8"))
    given = data.pop("slice")
    days = (date.fromisoformat(given[key]) if given[key] else None for key in ("first_day", "last_day"))
    return Delivery(
        **{**data, "files": tuple(data["files"]), "slice": Slice(given["part"], *days), "folder": folder}
    )


def receipt_of(delivery: Delivery) -> dict[str, Any]:
    data = asdict(replace(delivery, folder=Path()))
    del data["folder"]
    data["slice"] = {
        "part": delivery.slice.part,
        "first_day": delivery.slice.first_day.isoformat() if delivery.slice.first_day else None,
        "last_day": delivery.slice.last_day.isoformat() if delivery.slice.last_day else None,
    }
    return data
