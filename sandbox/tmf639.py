"""A simulated resource inventory: list and retrieve of TMF639 v4 and v5 over HTTP, on loopback only.

The data are invented (see :mod:`sandbox.inventory`); every answer says so in the header ``X-Synthetic-Data``.
Try it: ``python -m sandbox.tmf639 --port 8639``.
"""

from __future__ import annotations

import argparse
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sandbox.inventory import API, Resource, inventory, read_cities
from sandbox.server import (
    PERSON,
    Answer,
    Fault,
    FaultOf,
    Refusal,
    Request,
    Sandbox,
    no_faults,
    page_of,
    running,
)

SAMPLE = Path(__file__).resolve().parent.parent / "assets" / "sources" / "beltelecom_inventory" / "sample"
DEFAULT_LIMIT = 100
LARGEST_LIMIT = 1000
OTHER_PARAMETERS = {"fields", "offset", "limit", "after"}

Inventories = Callable[[str], Sequence[Resource] | None]


@dataclass(frozen=True)
class Inventory:
    """Inventories at ``/<instance>/tmf-api/resourceInventoryManagement/v4``, and the same as v5 writes them at ``…/v5``.

    ``inventories`` gives the resources of an instance; None: there is no such instance. A page of v5 links to the next one
    by an opaque cursor.
    """

    inventories: Inventories
    largest_limit: int = LARGEST_LIMIT

    def answer(self, request: Request, fault: Fault | None) -> Answer:
        instance, version, identifier = _route(request.parts)
        resources = self.inventories(instance)
        if resources is None:
            raise Refusal(404, "Not Found", f"no inventory {instance!r}")
        if identifier is not None:
            found = _retrieve(resources, identifier, request.query)
            return Answer(of_v5(found) if version == "v5" else found)
        after = request.query.get("after") if version == "v5" else None
        offset = request.whole_number("offset", 0, 0) if after is None else _place_of(after)
        limit = min(request.whole_number("limit", DEFAULT_LIMIT, 1), self.largest_limit)
        matching = _matching(resources, request.query)
        # the form of another version: of v4 it is v5, of v5 it is v4
        other = of_v5 if version == "v4" else dict
        page = page_of(matching, offset, limit, fault, other, _with_a_person)
        headers = {"X-Result-Count": str(len(page.records))}
        if page.total is not None:
            headers["X-Total-Count"] = str(page.total)
        status = 200 if len(page.records) == len(matching) else 206
        chosen = [_chosen(one, request.query) for one in page.records]
        if version == "v5":
            if fault is None or fault.kind != "schema":
                chosen = [of_v5(one) for one in chosen]
            if offset + limit < len(matching):
                kept = {name: one for name, one in request.query.items() if name not in ("after", "offset")}
                query = urlencode({**kept, "after": _cursor_of(offset + limit)})
                headers["Link"] = f'<?{query}>; rel="next"'
        return Answer(chosen, status, headers)

    def error(self, refusal: Refusal) -> dict[str, str]:
        return {
            "code": str(refusal.status),
            "reason": refusal.reason,
            "message": refusal.message,
            "status": str(refusal.status),
            "@type": "Error",
        }


@contextmanager
def serve(
    inventories: Inventories | Path = SAMPLE,
    faults: FaultOf = no_faults,
    port: int = 0,
    largest_limit: int = LARGEST_LIMIT,
) -> Iterator[Sandbox]:
    """Serve inventories, or those of a sample folder with ``cities.csv``."""
    resources = sample_inventories(inventories) if isinstance(inventories, Path) else inventories
    with running(Inventory(resources, largest_limit), faults, port) as sandbox:
        yield sandbox


def sample_inventories(folder: Path, scale: float = 1, seed: int = 639) -> Inventories:
    """The invented inventories of ``cities.csv`` in ``folder``, by instance."""

    def of(instance: str) -> Sequence[Resource] | None:
        return _sample(folder, instance, scale, seed) or None

    return of


@lru_cache(maxsize=16)
def _sample(folder: Path, instance: str, scale: int, seed: int) -> list[Resource]:
    return inventory(read_cities(folder / "cities.csv", scale), instance, seed)


def of_v5(resource: Resource) -> Resource:
    """The same resource as v5 writes it."""
    states = {"enable": "enabled", "disable": "disabled", "shutdown": "shuttingDown"}
    given = {name: one for name, one in resource.items() if name != "resourceStatus"}
    for name in {"operationalState", "administrativeState"} & given.keys():
        given[name] = states.get(given[name], given[name])
    if "operationalState" in given:
        given["availabilityStatus"] = "online" if given["operationalState"] == "enabled" else "offline"
    if "place" in given:
        place = given["place"]
        role = {"role": place["role"], "@type": "RelatedPlaceRef"}
        given["place"] = [{**role, "place": {name: one for name, one in place.items() if name != "role"}}]
    if "relatedParty" in given:
        given["relatedParty"] = [
            {"role": one["role"], "@type": "RelatedPartyRefOrPartyRoleRef", "partyOrPartyRole": one}
            for one in given["relatedParty"]
        ]
    return given


def _cursor_of(place: int) -> str:
    return urlsafe_b64encode(f"resource {place}".encode()).decode()


def _place_of(cursor: str) -> int:
    try:
        return int(urlsafe_b64decode(cursor).decode().removeprefix("resource "))
    except ValueError:
        raise Refusal(400, "Bad Request", "no such cursor") from None


def _with_a_person(resource: Resource) -> Resource:
    """A resource whose name holds whom to call."""
    return {**resource, "name": f"{resource.get('name')}, спросить: {PERSON}"}


def _route(parts: list[str]) -> tuple[str, str, str | None]:
    """Instance, version, and identifier of the resource or None for the list."""
    match parts:
        case [instance, "tmf-api", "resourceInventoryManagement", "v4" | "v5" as version, "resource", *rest]:
            if len(rest) < 2:
                return instance, version, rest[0] if rest else None
    raise Refusal(404, "Not Found", f"known: /<instance>/{API}/resource and …/resource/<id>; and those of v5")


def _matching(resources: Sequence[Resource], query: Mapping[str, str]) -> Sequence[Resource]:
    """The resources that match all attribute filters; values joined by commas are alternatives."""
    filters = {name: set(value.split(",")) for name, value in query.items() if name not in OTHER_PARAMETERS}
    if not filters:
        return resources
    return [
        one for one in resources if all(_attribute(one, name) in allowed for name, allowed in filters.items())
    ]


def _attribute(resource: Resource, path: str) -> str | None:
    value: Any = resource
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return None if value is None else str(value)


def _chosen(resource: Resource, query: Mapping[str, str]) -> Resource:
    """The asked-for fields of a resource; those that the specification requires are always there."""
    if "fields" not in query:
        return resource
    names = {"id", "href", *query["fields"].split(",")}
    return {name: value for name, value in resource.items() if name in names}


def _retrieve(resources: Sequence[Resource], identifier: str, query: Mapping[str, str]) -> Resource:
    for one in resources:
        if one.get("id") == identifier:
            return _chosen(one, query)
    raise Refusal(404, "Not Found", f"no resource {identifier!r}")


def main() -> None:
    """Serve the sample until interrupted."""
    parser = argparse.ArgumentParser(
        description="Simulated TMF639 inventory, v4 and v5; the data are synthetic."
    )
    parser.add_argument("--port", type=int, default=8639, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--sample", type=Path, default=SAMPLE, help="folder with cities.csv")
    parser.add_argument("--scale", type=float, default=1, help="times as many resources")
    parser.add_argument("--seed", type=int, default=639)
    arguments = parser.parse_args()
    inventories = sample_inventories(arguments.sample, arguments.scale, arguments.seed)
    with serve(inventories, port=arguments.port) as sandbox, suppress(KeyboardInterrupt):
        print("Synthetic data / вымышленные данные. Ctrl-C to stop.")
        print(f"{sandbox.url}/<instance>/{API}/resource", flush=True)
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
