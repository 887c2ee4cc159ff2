"""Landing: deliveries as they came, each in a folder of its own that appears whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pipelines.loading.delivery import Delivery, Offer, Slice
from pipelines.settings import Settings

RECEIPT = "receipt.json"
CHUNK = 1 << 20


def land(offer: Offer, settings: Settings) -> Delivery:
    """Fetch an offer into landing; the same bytes for the same slice are the same delivery and land once.

    The payload is fetched beside its place, synced, and renamed into it; until its load is in the ledger the delivery
    is also listed as pending, so that a killed run is taken up again (:func:`pending`).

    Raises:
        OriginError: the origin does not give it.
    """
    incoming = settings.landing / ".incoming" / uuid.uuid4().hex
    incoming.mkdir(parents=True, mode=0o700)
    try:
        offer.fetch(incoming)
        files = tuple(sorted(path.name for path in incoming.iterdir()))
        sha256, size = _digest(incoming, files)
        folder = settings.landing / offer.source / offer.feed / offer.instance / offer.slice.key / sha256[:12]
        delivery = Delivery(
            delivery_id=f"{offer.source}.{offer.feed}.{offer.instance}.{offer.slice.key}.{sha256[:12]}",
            source=offer.source,
            feed=offer.feed,
            instance=offer.instance,
            slice=offer.slice,
            folder=folder,
            files=files,
            sha256=sha256,
            bytes=size,
            origin=offer.origin,
            received_at=datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds"),
            synthetic=offer.synthetic,
        )
        mark_pending(delivery, settings)
        if (folder / RECEIPT).exists():
            return read_receipt(folder)
        (incoming / RECEIPT).write_text(
            json.dumps(_receipt(delivery), ensure_ascii=False, indent=1), encoding="utf-8"
        )
        for name in (*files, RECEIPT):
            _sync(incoming / name)
            (incoming / name).chmod(0o400)
        folder.parent.mkdir(parents=True, exist_ok=True)
        incoming.rename(folder)
        _sync(folder.parent)
        return delivery
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def deliveries(settings: Settings) -> list[Delivery]:
    """Every delivery that landed, in the order in which they came."""
    return _in_order(read_receipt(receipt.parent) for receipt in settings.landing.glob("[!.]*/**/" + RECEIPT))


def is_whole(delivery: Delivery) -> bool:
    """Whether its bytes are those that came; all of them are read."""
    try:
        return _digest(delivery.folder, delivery.files)[0] == delivery.sha256
    except OSError:
        return False


def pending(settings: Settings, source: str, feed: str) -> list[Delivery]:
    """Deliveries that landed and never reached the ledger, in the order in which they came: a run was killed between."""
    folder = settings.landing / ".pending"
    found = []
    for marker in sorted(folder.glob(f"{source}.{feed}.*")) if folder.is_dir() else []:
        target = settings.landing / marker.read_text(encoding="utf-8")
        if (target / RECEIPT).exists():
            found.append(read_receipt(target))
        else:
            marker.unlink(missing_ok=True)
    return _in_order(found)


def _in_order(found: Iterable[Delivery]) -> list[Delivery]:
    return sorted(found, key=lambda delivery: (delivery.received_at, delivery.delivery_id))


def pending_feeds(settings: Settings) -> list[tuple[str, str]]:
    """Source and feed of every pending delivery."""
    folder = settings.landing / ".pending"
    names = {tuple(marker.name.split(".")[:2]) for marker in folder.iterdir()} if folder.is_dir() else set()
    return [(source, feed) for source, feed in sorted(names)]


def has_pending(settings: Settings) -> bool:
    """Whether some delivery landed and never reached the ledger."""
    return bool(pending_feeds(settings))


def settle(delivery: Delivery, settings: Settings) -> None:
    """The delivery's load is in the ledger."""
    (settings.landing / ".pending" / delivery.delivery_id).unlink(missing_ok=True)


def sweep(settings: Settings) -> None:
    """Remove what killed fetches and judgements left behind. Call only where no other process loads."""
    for folder in (settings.landing / ".incoming", settings.work):
        shutil.rmtree(folder, ignore_errors=True)


def read_receipt(folder: Path) -> Delivery:
    """The delivery that a landing folder holds."""
    data: dict[str, Any] = json.loads((folder / RECEIPT).read_text(encoding="utf-8"))
    given = data.pop("slice")
    days = (date.fromisoformat(given[key]) if given[key] else None for key in ("first_day", "last_day"))
    return Delivery(
        **{**data, "files": tuple(data["files"]), "slice": Slice(given["part"], *days), "folder": folder}
    )


def _receipt(delivery: Delivery) -> dict[str, Any]:
    data = asdict(replace(delivery, folder=Path()))
    del data["folder"]
    data["slice"] = {
        "part": delivery.slice.part,
        "first_day": delivery.slice.first_day.isoformat() if delivery.slice.first_day else None,
        "last_day": delivery.slice.last_day.isoformat() if delivery.slice.last_day else None,
    }
    return data


def _digest(folder: Path, files: tuple[str, ...]) -> tuple[str, int]:
    """SHA-256 of one file; of several, that of the list of their names and SHA-256s."""
    digests, size = [], 0
    for name in files:
        digest = hashlib.sha256()
        with (folder / name).open("rb") as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
        digests.append(digest.hexdigest())
    if len(digests) == 1:
        return digests[0], size
    listing = "".join(f"{name} {digest}\n" for name, digest in zip(files, digests, strict=True))
    return hashlib.sha256(listing.encode()).hexdigest(), size


def mark_pending(delivery: Delivery, settings: Settings) -> None:
    """The next run takes the delivery up, unless its load is entered before."""
    folder = settings.landing / ".pending"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / delivery.delivery_id).write_text(
        str(delivery.folder.relative_to(settings.landing)), encoding="utf-8"
    )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
