"""The sample of an operator's NetBox: its lists of one month, in five cities. No device, interface or cable is real."""

from __future__ import annotations

import json

from sandbox.cities import CITIES
from sandbox.netbox import objects_of

MONTH = "2026-10"
NETWORK = {CITIES[code].soato for code in ("brest", "barysau", "pinsk", "lida", "orsha")}


def files() -> dict[str, bytes]:
    """Bytes by path within the sample's folder."""
    return {f"{feed}/{feed}-{MONTH}.json": _written(feed) for feed in ("interfaces", "cables", "devices")}


def _written(feed: str) -> bytes:
    found = [one for one in objects_of(f"dcim/{feed}") if one["custom_fields"]["soato"] in NETWORK]
    lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in found)
    return f'{{"count": {len(found)}, "next": null, "previous": null, "results": [\n{lines}\n]}}\n'.encode()
