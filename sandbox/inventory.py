"""Invented network resources in the shape of TMF639 v4: without any real port, person or address.

The counts of a city are in ``cities.csv``; the rest (states, splitting, lengths, dates) is drawn from a
random generator seeded by the city's code: the same counts and seed give the same bytes on any machine.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

Resource = dict[str, Any]

# A reserved name (RFC 2606): a link followed by mistake leads nowhere. Without a port, so that an inventory
# served on another port has the same bytes.
PUBLIC_ADDRESS = "https://inventory.invalid"
CATALOGUE = "tmf-api/resourceCatalog/v4"
API = "tmf-api/resourceInventoryManagement/v4"
MADE_UP = "Вымышленные данные / synthetic data"
PORTS_OF_AN_OLT = 16
FIRST_DAY, LAST_DAY = date(2012, 1, 1), date(2025, 12, 31)
SURNAMES = ("Примеров", "Образцова", "Шаблонов", "Макетова", "Тестович", "Учебная")
STREETS = ("Вымышленная", "Примерная", "Образцовая", "Учебная")


@dataclass(frozen=True)
class City:
    """The counts of a city."""

    instance: str
    city: str
    soato: str
    olts: int
    pon_ports: int
    fibre_sections: int
    wifi_points: int

    @property
    def short(self) -> str:
        """The city's part of identifiers: the first four digits, or seven for a town of a district."""
        return self.soato[:4] if self.soato[4:] == "000000" else self.soato[:7]


def read_cities(path: Path, scale: float = 1) -> list[City]:
    """The cities of ``cities.csv``, each count multiplied by ``scale``, at least 1."""
    with path.open(encoding="utf-8", newline="") as stream:
        return [
            City(
                row["instance"],
                row["city"],
                row["soato"],
                *(
                    max(1, round(int(row[name]) * scale))
                    for name in ("olts", "pon_ports", "fibre_sections", "wifi_points")
                ),
            )
            for row in csv.DictReader(stream)
        ]


def inventory(cities: list[City], instance: str, seed: int = 639) -> list[Resource]:
    """All resources of one branch, in a stable order."""
    return [
        resource
        for city in cities
        if city.instance == instance
        for resource in _city_resources(city, instance, seed)
    ]


def _city_resources(city: City, instance: str, seed: int) -> Iterator[Resource]:
    dice = random.Random(f"{seed}/{city.soato}")
    make = _Maker(city, instance, dice)
    technologies = dice.choices(("GPON", "XGS-PON"), weights=(9, 1), k=city.olts)
    for number, technology in enumerate(technologies, start=1):
        yield make.olt(number, technology)
    for index in range(city.pon_ports):
        olt, port = index % city.olts + 1, index // city.olts + 1
        yield make.port(olt, port, technologies[olt - 1])
    for number in range(1, city.fibre_sections + 1):
        yield make.fibre(number)
    for number in range(1, city.wifi_points + 1):
        yield make.wifi(number)
    # dice of their own: what stands above stays as it is
    make.dice = random.Random(f"{seed}/{city.soato}/passive")
    for number in range(1, 2 * city.olts + 1):
        capacity = make.dice.choice((8, 16, 32))
        yield make.filled("sp", "Splitter", number, capacity, {"technology": "GPON"})
    for number in range(1, 2 * city.olts + 1):
        yield make.terminal(number)
    for number in range(1, city.olts + 1):
        yield make.filled("cb", "Cabinet", number, make.dice.choice((96, 144, 288)), {})
    for number in range(1, city.olts // 3 + 2):
        yield make.filled("rk", "Rack", number, 42, {})


class _Maker:
    """Generates the resources of one city."""

    def __init__(self, city: City, instance: str, dice: random.Random) -> None:
        self.city = city
        self.dice = dice
        self.root = f"{PUBLIC_ADDRESS}/{instance}/{API}"
        self.sites = max(1, city.olts // 2)

    def olt(self, number: int, technology: str) -> Resource:
        name = f"{self.city.city} OLT-{number}"
        return self._resource(self._olt_id(number), "OLT", name, "active", {"technology": technology})

    def port(self, olt: int, port: int, technology: str) -> Resource:
        slot, place_in_slot = divmod(port - 1, PORTS_OF_AN_OLT)
        capacity = self.dice.choice((64, 64, 64, 128) if technology == "GPON" else (64, 128))
        enabled = self.dice.random() > 0.03
        connected = min(capacity, round(capacity * self.dice.betavariate(5, 3))) if enabled else 0
        usage = "idle" if connected == 0 else "busy" if connected == capacity else "active"
        resource = self._resource(
            f"{self._olt_id(olt)}-{slot + 1}-{place_in_slot + 1}",
            "xPON.Port",
            f"{self.city.city} OLT-{olt} slot{slot + 1} port{place_in_slot + 1}",
            usage,
            {"technology": technology, "splitRatio": f"1:{capacity}", "onuConnected": connected},
            enabled,
        )
        olt_id = self._olt_id(olt)
        resource["resourceRelationship"] = [
            {
                "relationshipType": "containedIn",
                "resource": {"id": olt_id, "href": f"{self.root}/resource/{olt_id}"},
            }
        ]
        return resource

    def fibre(self, number: int) -> Resource:
        length = round(self.dice.uniform(0.3, 9.0), 3)
        fibres = self.dice.choice((8, 16, 24, 48, 96))
        kind = self.dice.choice(("G.652.D", "G.652.D", "G.657.A1"))
        return self._resource(
            f"fl-{self.city.short}-{number:04}",
            "FibreLine",
            f"{self.city.city} ВОЛС-{number}",
            "active",
            {"technology": kind, "lengthKm": length, "fibreCount": fibres},
        )

    def wifi(self, number: int) -> Resource:
        kind = self.dice.choice(("Wi-Fi 4", "Wi-Fi 5", "Wi-Fi 5", "Wi-Fi 6"))
        speed = self.dice.choice((50, 100, 100, 300, 1000))
        working = self.dice.random() > 0.04
        return self._resource(
            f"wf-{self.city.short}-{number:04}",
            "WiFi.AccessPoint",
            f"{self.city.city} Wi-Fi-{number}",
            "active" if working else "idle",
            {"technology": kind, "speedMbps": speed},
            working,
        )

    def filled(
        self, prefix: str, category: str, number: int, capacity: int, characteristics: dict[str, Any]
    ) -> Resource:
        """A resource with places, of which some are occupied."""
        occupied = round(capacity * self.dice.betavariate(4, 3))
        usage = "idle" if occupied == 0 else "busy" if occupied == capacity else "active"
        name = f"{self.city.city} {category}-{number}"
        places = {**characteristics, "capacity": capacity, "occupied": occupied}
        return self._resource(f"{prefix}-{self.city.short}-{number:04}", category, name, usage, places)

    def terminal(self, number: int) -> Resource:
        """An optical terminal at a subscriber's; whose it is, no resource says."""
        name = f"{self.city.city} ONT-{number}"
        identifier = f"ont-{self.city.short}-{number:04}"
        return self._resource(identifier, "ONT", name, "active", {"technology": "GPON"})

    def _olt_id(self, number: int) -> str:
        return f"olt-{self.city.short}-{number:03}"

    def _resource(
        self,
        identifier: str,
        category: str,
        name: str,
        usage: str,
        characteristics: dict[str, Any],
        enabled: bool = True,
    ) -> Resource:
        day = FIRST_DAY + timedelta(days=self.dice.randrange((LAST_DAY - FIRST_DAY).days))
        site = f"site-{self.city.short}-{self.dice.randint(1, self.sites):03}"
        return {
            "id": identifier,
            "href": f"{self.root}/resource/{identifier}",
            "@type": "PhysicalResource",
            "@baseType": "Resource",
            "category": category,
            "name": name,
            "description": MADE_UP,
            "startOperatingDate": f"{day}T00:00:00+03:00",
            "administrativeState": "unlocked" if enabled else "locked",
            "operationalState": "enable" if enabled else "disable",
            "usageState": usage,
            "resourceStatus": "available" if enabled else self.dice.choice(("alarm", "suspended")),
            "place": {
                "id": site,
                "href": f"{PUBLIC_ADDRESS}/tmf-api/geographicSiteManagement/v4/geographicSite/{site}",
                "name": f"{self.city.city}, ул. {self.dice.choice(STREETS)}, {self.dice.randint(1, 150)}",
                "role": "installationSite",
                "@referredType": "GeographicSite",
            },
            "relatedParty": self._parties(),
            "resourceCharacteristic": [
                {"name": key, "valueType": _value_type(value), "value": value}
                for key, value in {**characteristics, "soato": self.city.soato}.items()
            ],
            "resourceSpecification": {
                "id": f"spec-{category.lower()}",
                "href": f"{PUBLIC_ADDRESS}/{CATALOGUE}/resourceSpecification/spec-{category.lower()}",
                "@referredType": "ResourceSpecification",
            },
        }

    def _parties(self) -> list[dict[str, str]]:
        number = self.dice.randint(1, 40)
        parties = f"{PUBLIC_ADDRESS}/tmf-api/partyManagement/v4"
        return [
            {
                "id": f"org-{self.city.instance}",
                "href": f"{parties}/organization/org-{self.city.instance}",
                "name": "Вымышленный филиал",
                "role": "owner",
                "@referredType": "Organization",
            },
            {
                "id": f"person-{number}",
                "href": f"{parties}/individual/person-{number}",
                "name": f"{SURNAMES[number % len(SURNAMES)]} А. Б.",
                "role": "responsible",
                "@referredType": "Individual",
            },
        ]


def _value_type(value: Any) -> str:
    return {str: "string", int: "integer", float: "number"}[type(value)]
