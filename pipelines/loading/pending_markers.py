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
    """Deliveries that landed but are not in the ledger because a run was killed, in order of arrival."""
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
    """Why pending deliveries cannot be loaded: nothing says what they are. They stay pending."""
    faults = []
    for marker, about in _marked(settings, source, feed):
        if about is None:
            faults.append(f"{marker}: is not readable")
        elif (target := settings.landing / about["folder"]).exists():
            faults += identified(target, settings)[1]
    return faults


def _marked(settings: Settings, source: str, feed: str) -> list[tuple[Path, dict[str, Any] | None]]:
    """Each pending marker of a feed with its contents, or None if it cannot be read."""
    folder = settings.landing / ".pending"
    markers = sorted(folder.glob(f"{source}.{feed}.*")) if folder.is_dir() else []
    return [(marker, _about(marker)) for marker in markers]


def _about(marker: Path) -> dict[str, Any] | None:
    """The contents of a marker, None if it cannot be read. Older versions wrote the folder alone."""
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
    """Whether any delivery landed without reaching the ledger."""
    return bool(pending_feeds(settings))


def take_up(delivery: Delivery, settings: Settings) -> int:
    """Record that loading starts; return how many earlier attempts did not finish."""
    marker = settings.landing / ".pending" / delivery.delivery_id
    about = _about(marker) or {"folder": str(delivery.folder.relative_to(settings.landing))}
    before = int(about.get("taken_up", 0))
    _mark(marker, {**about, "taken_up": before + 1})
    return before


def clear_pending(delivery: Delivery, settings: Settings) -> None:
    """Remove the marker: the delivery's load is in the ledger."""
    (settings.landing / ".pending" / delivery.delivery_id).unlink(missing_ok=True)


def mark_pending(delivery: Delivery, settings: Settings) -> None:
    """Write the marker: the next run loads the delivery unless its load is entered first."""
    about = {
        "folder": str(delivery.folder.relative_to(settings.landing)),
        "origin": delivery.origin,
        "fingerprint": delivery.fingerprint,
        "at": delivery.received_at,
    }
    _mark(settings.landing / ".pending" / delivery.delivery_id, about)


def _mark(marker: Path, about: dict[str, Any]) -> None:
    """Write the marker atomically: a partial one would name no delivery."""
    marker.parent.mkdir(parents=True, exist_ok=True)
    made = marker.with_name(f".{uuid.uuid4().hex}")
    made.write_text(json.dumps(about), encoding="utf-8")
    made.rename(marker)
