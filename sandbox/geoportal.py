"""A simulated geoportal: OGC WFS 2.0 (GetFeature as GeoJSON) of the register of territorial units. Everything is invented.

Lists are paged by ``startIndex`` and ``count``. ``srsName=urn:ogc:def:crs:EPSG::4326`` is answered with north before east, as the
URN says; every other name of WGS 84 with east before north.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.samples.nca_register import changes, record, units
from sandbox.server import PERSON, Answer, Fault, Record, Refusal, Request, page_of

API = "ows"
DEFAULT_COUNT = 10
NORTH_FIRST = "urn:ogc:def:crs:EPSG::4326"
EAST_FIRST = ("EPSG:4326", "CRS:84", "urn:ogc:def:crs:OGC:1.3:CRS84", "")

# name of a layer: its features, in degrees, east before north; None: there is no such layer
Layers = Callable[[str], Sequence[Record] | None]


@dataclass(frozen=True)
class Geoportal:
    """``layers`` gives the features of a layer."""

    layers: Layers

    def answer(self, request: Request, fault: Fault | None) -> Answer:
        query = {name.lower(): value for name, value in request.query.items()}
        if request.path != API:
            raise Refusal(404, "NotFound", f"known: /{API}")
        if query.get("service") != "WFS" or query.get("request") != "GetFeature":
            raise Refusal(400, "OperationNotSupported", f"known: /{API}?service=WFS&request=GetFeature")
        if query.get("version") != "2.0.0" or query.get("outputformat") != "application/json":
            raise Refusal(
                400, "InvalidParameterValue", "version 2.0.0 and outputFormat application/json alone"
            )
        name, system = query.get("typenames", ""), query.get("srsname", "")
        if system not in (NORTH_FIRST, *EAST_FIRST):
            raise Refusal(400, "InvalidParameterValue", f"srsName {system!r}")
        found = self.layers(name)
        if found is None:
            raise Refusal(400, "InvalidParameterValue", f"no layer {name!r}")
        start = request.whole_number("startIndex", 0, 0)
        size = request.whole_number("count", DEFAULT_COUNT, 1)
        page = page_of(found, start, size, fault, _of_another_schema, _with_a_person)
        records = [_north_first(one) for one in page.records] if system == NORTH_FIRST else page.records
        matched = {} if page.total is None else {"numberMatched": page.total}
        # a server counts what it sends: only a page that was changed on its way contradicts itself
        return Answer(
            {"type": "FeatureCollection", **matched, "numberReturned": len(records), "features": records}
        )

    def error(self, refusal: Refusal) -> dict[str, Any]:
        return {"version": "2.0.0", "exceptions": [{"code": refusal.reason, "text": refusal.message}]}


def _north_first(feature: Record) -> Record:
    def turned(value: Any) -> Any:
        return [value[1], value[0]] if isinstance(value[0], float | int) else [turned(one) for one in value]

    geometry = feature["geometry"]
    return {
        **feature,
        "geometry": geometry and {**geometry, "coordinates": turned(geometry["coordinates"])},
    }


def _of_another_schema(feature: Record) -> Record:
    """The same feature under names in lower case, as another server writes them."""
    return {**feature, "properties": {name.lower(): value for name, value in feature["properties"].items()}}


def _with_a_person(feature: Record) -> Record:
    return {**feature, "properties": {**feature["properties"], "SURVEYOR": PERSON}}


def sample_layers(_scale: float = 1) -> Layers:
    """The layers of the sample."""
    layers: dict[str, Sequence[Record]] = {
        "nca:units": [
            {
                "type": "Feature",
                "id": f"units.{number}",
                "geometry": {
                    "type": "Polygon",
                    "coordinates": [[list(p) for p in ring] for ring in one["rings"]],
                },
                "properties": record(one, number),
            }
            for number, one in enumerate(units())
        ],
        "nca:unit_changes": [
            {"type": "Feature", "id": f"changes.{number}", "geometry": None, "properties": one}
            for number, one in enumerate(changes())
        ],
    }
    return lambda name: layers.get(name)
