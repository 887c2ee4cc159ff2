"""The sample of an operator's NetBox: its lists of one month. No device, interface or cable is real."""

from __future__ import annotations

import json

from sandbox.netbox import objects_of

MONTH = "2026-10"


def files() -> dict[str, bytes]:
    """Bytes by path within the sample's folder."""
    return {f"{feed}/{feed}-{MONTH}.json": _written(feed) for feed in ("interfaces", "cables", "devices")}


def _written(feed: str) -> bytes:
    found = objects_of(f"dcim/{feed}")
    lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in found)
    return f'{{"count": {len(found)}, "next": null, "previous": null, "results": [\n{lines}\n]}}\n'.encode()
