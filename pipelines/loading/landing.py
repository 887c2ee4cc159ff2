"""Landing: each delivery as it arrived, in a folder of its own that appears atomically."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pipelines import moments
from pipelines.deliveries import Candidate, Delivery, digest_of
from pipelines.errors import OriginError
from pipelines.loading import pending_markers
from pipelines.loading.receipts import RECEIPT, SHORT, delivery_id_of, examined, receipt_of, slice_folder
from pipelines.settings import Settings

# below landing: damaged deliveries that were moved aside
ASIDE = ".aside"


def land(candidate: Candidate, settings: Settings) -> Delivery:
    """Fetch a candidate into landing; the same bytes for the same slice are the same delivery and land once.

    The payload is fetched next to its final place, synced and renamed; until its load is in the ledger the delivery
    is also marked as pending, so that the next run continues a killed one (:mod:`pending_markers`).

    Raises:
        OriginError: the origin does not deliver it, or its place holds other bytes.
    """
    incoming = settings.landing / ".incoming" / uuid.uuid4().hex
    incoming.mkdir(parents=True, mode=0o700)
    try:
        candidate.fetch(incoming)
        files = tuple(sorted(path.name for path in incoming.iterdir()))
        sha256, size = digest_of(incoming, files)
        delivery = Delivery(
            delivery_id="",
            source=candidate.source,
            feed=candidate.feed,
            instance=candidate.instance,
            slice=candidate.slice,
            folder=Path(),
            files=files,
            sha256=sha256,
            bytes=size,
            origin=candidate.origin,
            received_at=datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds"),
            synthetic=candidate.synthetic,
            fingerprint=candidate.fingerprint,
        )
        folder, landed = _room_for(delivery, settings)
        delivery = replace(delivery, delivery_id=delivery_id_of(delivery, folder), folder=folder)
        pending_markers.mark_pending(delivery, settings)
        if landed is not None:
            return replace(landed, origin=candidate.origin, fingerprint=candidate.fingerprint)
        (incoming / RECEIPT).write_text(
            json.dumps(receipt_of(delivery), ensure_ascii=False, indent=1), encoding="utf-8"
        )
        for name in (*files, RECEIPT):
            _sync(incoming / name)
            (incoming / name).chmod(0o400)
        folder = delivery.folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        incoming.rename(folder)
        _sync(folder.parent)
        return delivery
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def _room_for(delivery: Delivery, settings: Settings) -> tuple[Path, Delivery | None]:
    """The folder for a delivery, and the delivery that is already there, if it is the same.

    If other bytes have a hash with the same first digits, the whole hash names the folder. A damaged delivery in that
    place is moved aside.
    """
    for short in (delivery.sha256[:SHORT], delivery.sha256):
        folder = slice_folder(delivery, settings) / short
        if not folder.exists() and not folder.is_symlink():
            return folder, None
        landed, faults = examined(folder, settings)
        if landed is None or faults:
            _set_aside(folder, settings)
            return folder, None
        if landed.sha256 == delivery.sha256:
            return folder, landed
    raise OriginError(f"{delivery.origin}: {folder} holds other bytes", "Restore landing from the backup.")


def folders(settings: Settings) -> list[Path]:
    """The folders of all landed deliveries."""
    return sorted(receipt.parent for receipt in settings.landing.glob("[!.]*/**/" + RECEIPT))


def _set_aside(folder: Path, settings: Settings) -> None:
    """Move a damaged delivery aside; its retention starts now (``retention``)."""
    aside = settings.landing / ASIDE
    aside.mkdir(exist_ok=True)
    now = moments.now().timestamp()
    os.utime(folder, (now, now), follow_symlinks=False)
    folder.rename(aside / f"{folder.parent.name}-{folder.name}-{uuid.uuid4().hex}")


def in_order(found: Iterable[Delivery]) -> list[Delivery]:
    """Deliveries by time of arrival."""
    return sorted(found, key=lambda delivery: (delivery.received_at, delivery.delivery_id))


def remove_leftovers(settings: Settings) -> None:
    """Remove what killed fetches and validations left behind. Call only if no other process loads."""
    for folder in (settings.landing / ".incoming", settings.work):
        shutil.rmtree(folder, ignore_errors=True)
    for half_written in (settings.landing / ".pending").glob(".*"):
        half_written.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
