"""The sample of the operator's services and sites: what two branches answer in a month. None of it is real."""

from __future__ import annotations

import json

from sandbox.beltelecom_services import records_of

MONTH = "2026-10"
KEPT = {
    "services": ("service", {"id", "category", "state", "startDate", "serviceCharacteristic"}),
    "sites": (
        "geographicSite",
        {"id", "@type", "status", "soato", "homesPassed", "homesConnected", "portsEquipped", "portsActive"},
    ),
}


def files() -> dict[str, bytes]:
    """Bytes by path within the sample's folder."""
    return {
        f"{feed}/{branch}/{feed}-{MONTH}.json": _written(branch, kind, fields)
        for branch in ("brest", "mogilev")
        for feed, (kind, fields) in KEPT.items()
    }


def _written(branch: str, kind: str, fields: set[str]) -> bytes:
    lines = (
        json.dumps({name: value for name, value in one.items() if name in fields}, ensure_ascii=False)
        for one in records_of(branch, kind)
    )
    return ("[\n" + ",\n".join(lines) + "\n]\n").encode()
