"""Markers of deliveries that landed and whose load is not in the ledger yet."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.deliveries import Delivery
from pipelines.loading.receipts import identified
from pipelines.settings import Settings


def pending_deliveries(settings: Settings, source: str, feed: str) -> list[Delivery]:
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


def marker_faults(settings: Settings, source: str, feed: str) -> list[str]:
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
