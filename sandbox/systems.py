"""The simulated systems by name, and how Gorod is told to ask them instead of the real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sandbox import beltelecom_services, city_context, geoportal, netbox, open311, sensor_things, tmf639
from sandbox.samples.open311 import requests_between
from sandbox.server import System


@dataclass(frozen=True)
class Simulated:
    """A simulated system.

    ``source`` is the source of Gorod that reads it, ``address`` what stands behind its host, ``more`` further variables.
    """

    title: str
    source: str
    address: str
    make: Callable[[float], System]
    more: Mapping[str, str] = field(default_factory=dict)

    def environment(self, url: str) -> dict[str, str]:
        """The variables that lead the source to it."""
        prefix = f"GOROD_{self.source.upper()}"
        return {f"{prefix}_URL": url + self.address, f"{prefix}_SYNTHETIC": "1", **self.more}


SYSTEMS: Mapping[str, Simulated] = {
    "tmf639": Simulated(
        "Resource inventory, TM Forum TMF639 v4 and v5",
        "beltelecom_inventory",
        "/{instance}/tmf-api/resourceInventoryManagement/{version}",
        lambda scale: tmf639.Inventory(tmf639.sample_inventories(tmf639.SAMPLE, scale)),
    ),
    "tmf638": Simulated(
        "Services and sites, TM Forum TMF638 and TMF674 v4",
        "beltelecom_services",
        f"/{{instance}}/{beltelecom_services.API}",
        lambda scale: beltelecom_services.Operator(beltelecom_services.sample_lists(scale)),
    ),
    "city_context": Simulated(
        "Context broker of the cities, NGSI-LD",
        "city_context",
        f"/{city_context.API}",
        lambda scale: city_context.ContextBroker(city_context.sample_entities(scale)),
    ),
    "sensor_things": Simulated(
        "Sensors of air and noise, OGC SensorThings 1.1",
        "sensor_things",
        f"/{{instance}}/{sensor_things.API}",
        lambda scale: sensor_things.SensorThings(sensor_things.sample_observations(scale)),
    ),
    "open311": Simulated(
        "Citizens' requests, Open311 GeoReport v2",
        "open311",
        "",
        # as many requests as the portal of the same cities has
        lambda _scale: open311.Open311(requests_between),
    ),
    "geoportal": Simulated(
        "Register of territorial units, OGC WFS 2",
        "nca_register",
        f"/{geoportal.API}",
        lambda scale: geoportal.Geoportal(geoportal.sample_layers(scale)),
    ),
    "netbox": Simulated(
        "Network of an operator, NetBox REST",
        "netbox",
        "/api",
        lambda scale: netbox.NetBox(netbox.sample_lists(scale)),
        {"GOROD_NETBOX_AUTHORIZATION": "Token of-the-sandbox"},
    ),
}
