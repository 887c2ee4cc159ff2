"""Landing: deliveries as they came, each in a folder of its own that appears whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pipelines import moments
from pipelines.deliveries import Candidate, Delivery, Slice, digest_of
from pipelines.errors import OriginError
from pipelines.settings import Settings

RECEIPT = "receipt.json"
# below landing: what lay where a delivery belongs, and was not it
ASIDE = ".aside"
# so many digits of its hash name a delivery
SHORT = 12


def land(candidate: Candidate, settings: Settings) -> Delivery:
    """Fetch a candidate into landing; the same bytes for the same slice are the same delivery and land once.

    The payload is fetched beside its place, synced, and renamed into it; until its load is in the ledger the delivery
    is also listed as pending, so that a killed run is taken up again (:func:`pending`).

    Raises:
        OriginError: the origin does not give it, or what landed before in its place is broken.
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
        delivery = replace(delivery, delivery_id=_id(delivery, folder), folder=folder)
        mark_pending(delivery, settings)
        if landed is not None:
            return replace(landed, origin=candidate.origin, fingerprint=candidate.fingerprint)
        (incoming / RECEIPT).write_text(
            json.dumps(_receipt(delivery), ensure_ascii=False, indent=1), encoding="utf-8"
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
    """Where a delivery belongs, and the delivery if it landed there before.

    Other bytes may begin with the same digits: then the whole hash names the folder. What lies there and is not as it
    came makes way.
    """
    for short in (delivery.sha256[:SHORT], delivery.sha256):
        folder = _place(delivery, settings) / short
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
    """The folder of every delivery that landed."""
    return sorted(receipt.parent for receipt in settings.landing.glob("[!.]*/**/" + RECEIPT))


def identified(folder: Path, settings: Settings) -> tuple[Delivery | None, list[str]]:
    """The delivery of a folder by its receipt; or why that cannot be told, with the path. No payload is read."""
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
        is_placed = folder.parent == _place(delivery, settings) and folder.name in (
            delivery.sha256[:SHORT],
            delivery.sha256,
        )
        is_plain = bool(_receipt_fields(delivery)) and all(isinstance(name, str) for name in delivery.files)
    except FileNotFoundError:
        return None, [f"{receipt}: is not there"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None, [f"{receipt}: is not readable as a receipt"]
    if not is_plain or not is_placed or delivery.delivery_id != _id(delivery, folder):
        return None, [f"{receipt}: is of another delivery"]
    return delivery, []


def examined(
    folder: Path, settings: Settings, known: Mapping[str, Any] | None = None
) -> tuple[Delivery | None, list[str]]:
    """The delivery of a folder, and what is not as it came, each with its path; all bytes are read.

    Args:
        folder: its place in landing.
        settings: they say where landing is.
        known: what the ledger says of the delivery (a row of ``ops.load``), if it knows it.
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


def _place(delivery: Delivery, settings: Settings) -> Path:
    """Where the deliveries of its slice lie."""
    return settings.landing / delivery.source / delivery.feed / delivery.instance / delivery.slice.key


def _id(delivery: Delivery, folder: Path) -> str:
    return f"{delivery.source}.{delivery.feed}.{delivery.instance}.{delivery.slice.key}.{folder.name}"


def _receipt_fields(delivery: Delivery) -> dict[str, Any]:
    """What receipt and ledger both say of a delivery, as the ledger says it."""
    return {
        "delivery_id": delivery.delivery_id,
        "source": delivery.source,
        "feed": delivery.feed,
        "instance": delivery.instance,
        "part": delivery.slice.part,
        "first_day": delivery.slice.first_day,
        "last_day": delivery.slice.last_day,
        "sha256": delivery.sha256,
        "files": delivery.files_told,
        "synthetic": delivery.synthetic,
        "received_at": datetime.fromisoformat(delivery.received_at),
    }


def _set_aside(folder: Path, settings: Settings) -> None:
    """What lies where a delivery belongs and is not it makes way; its days begin (``retention``)."""
    aside = settings.landing / ASIDE
    aside.mkdir(exist_ok=True)
    now = moments.now().timestamp()
    os.utime(folder, (now, now), follow_symlinks=False)
    folder.rename(aside / f"{folder.parent.name}-{folder.name}-{uuid.uuid4().hex}")


def pending(settings: Settings, source: str, feed: str) -> list[Delivery]:
    """Deliveries that landed and never reached the ledger, in the order in which they came: a run was killed between."""
    found = []
    for marker, about in _marked(settings, source, feed):
        if about is None:
            continue
        target = settings.landing / about["folder"]
        delivery, _ = identified(target, settings)
        if delivery is not None:
            given = replace(
                delivery, origin=about.get("origin", delivery.origin), fingerprint=about.get("fingerprint")
            )
            found.append((about.get("at", delivery.received_at), delivery.delivery_id, given))
        elif not target.exists():
            marker.unlink(missing_ok=True)
    return [delivery for *_, delivery in sorted(found, key=lambda one: one[:2])]


def unknowable(settings: Settings, source: str, feed: str) -> list[str]:
    """What keeps a pending delivery from being taken up: nobody can say what it is. It stays pending."""
    faults = []
    for marker, about in _marked(settings, source, feed):
        if about is None:
            faults.append(f"{marker}: is not readable")
        elif (target := settings.landing / about["folder"]).exists():
            faults += identified(target, settings)[1]
    return faults


def _marked(settings: Settings, source: str, feed: str) -> list[tuple[Path, dict[str, Any] | None]]:
    """The marker of each pending delivery of a feed, and what it says, if it can be read."""
    folder = settings.landing / ".pending"
    markers = sorted(folder.glob(f"{source}.{feed}.*")) if folder.is_dir() else []
    return [(marker, _about(marker)) for marker in markers]


def _about(marker: Path) -> dict[str, Any] | None:
    """What a marker says; that of an older Gorod holds the folder alone. None where it cannot be read."""
    try:
        text = marker.read_text(encoding="utf-8")
        about: dict[str, Any] = json.loads(text) if text.startswith("{") else {"folder": text}
        return about if isinstance(about["folder"], str) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def in_order(found: Iterable[Delivery]) -> list[Delivery]:
    """In the order in which they came."""
    return sorted(found, key=lambda delivery: (delivery.received_at, delivery.delivery_id))


def pending_feeds(settings: Settings) -> list[tuple[str, str]]:
    """Source and feed of every pending delivery."""
    folder = settings.landing / ".pending"
    markers = folder.glob("[!.]*") if folder.is_dir() else ()
    names = {tuple(marker.name.split(".")[:2]) for marker in markers}
    return [(source, feed) for source, feed in sorted(names)]


def has_pending(settings: Settings) -> bool:
    """Whether some delivery landed and never reached the ledger."""
    return bool(pending_feeds(settings))


def take_up(delivery: Delivery, settings: Settings) -> int:
    """Note that a pending delivery is being loaded; how often that was begun before, and came to no end."""
    marker = settings.landing / ".pending" / delivery.delivery_id
    about = _about(marker) or {"folder": str(delivery.folder.relative_to(settings.landing))}
    before = int(about.get("taken_up", 0))
    _mark(marker, {**about, "taken_up": before + 1})
    return before


def clear_pending(delivery: Delivery, settings: Settings) -> None:
    """The delivery's load is in the ledger."""
    (settings.landing / ".pending" / delivery.delivery_id).unlink(missing_ok=True)


def remove_leftovers(settings: Settings) -> None:
    """Remove what killed fetches and judgements left behind. Call only where no other process loads."""
    for folder in (settings.landing / ".incoming", settings.work):
        shutil.rmtree(folder, ignore_errors=True)
    for half_written in (settings.landing / ".pending").glob(".*"):
        half_written.unlink(missing_ok=True)


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


def mark_pending(delivery: Delivery, settings: Settings) -> None:
    """The next run takes the delivery up, unless its load is entered before."""
    about = {
        "folder": str(delivery.folder.relative_to(settings.landing)),
        "origin": delivery.origin,
        "fingerprint": delivery.fingerprint,
        "at": delivery.received_at,
    }
    _mark(settings.landing / ".pending" / delivery.delivery_id, about)


def _mark(marker: Path, about: dict[str, Any]) -> None:
    """Whole or not at all: one that was half written would name nothing."""
    marker.parent.mkdir(parents=True, exist_ok=True)
    made = marker.with_name(f".{uuid.uuid4().hex}")
    made.write_text(json.dumps(about), encoding="utf-8")
    made.rename(marker)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
