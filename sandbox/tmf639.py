"""A simulated resource inventory: list and retrieve of TMF639 v4 over HTTP, on loopback only.

The data are invented (see :mod:`sandbox.inventory`); every answer says so in the header ``X-Synthetic-Data``.
Try it: ``python -m sandbox.tmf639 --port 8639``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

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
OTHER_PARAMETERS = {"fields", "offset", "limit"}

Inventories = Callable[[str], Sequence[Resource] | None]


@dataclass(frozen=True)
class Inventory:
    """Inventories at ``/<instance>/tmf-api/resourceInventoryManagement/v4``.

    ``inventories`` gives the resources of an instance; None: there is no such instance.
    """

    inventories: Inventories
    largest_limit: int = LARGEST_LIMIT

    def answer(self, request: Request, fault: Fault | None) -> Answer:
        instance, identifier = _route(request.parts)
        resources = self.inventories(instance)
        if resources is None:
            raise Refusal(404, "Not Found", f"no inventory {instance!r}")
        if identifier is not None:
            return Answer(_retrieve(resources, identifier, request.query))
        offset = request.whole_number("offset", 0, 0)
        limit = min(request.whole_number("limit", DEFAULT_LIMIT, 1), self.largest_limit)
        matching = _matching(resources, request.query)
        page = page_of(matching, offset, limit, fault, _of_v5, _with_a_person)
        headers = {"X-Result-Count": str(len(page.records))}
        if page.total is not None:
            headers["X-Total-Count"] = str(page.total)
        status = 200 if len(page.records) == len(matching) else 206
        return Answer([_chosen(one, request.query) for one in page.records], status, headers)

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


def _of_v5(resource: Resource) -> Resource:
    """The same resource as v5 writes it."""
    states = {"enable": "enabled", "disable": "disabled"}
    state = str(resource.get("operationalState"))
    return {**resource, "operationalState": states.get(state, state), "place": [resource.get("place")]}


def _with_a_person(resource: Resource) -> Resource:
    """A resource whose name holds whom to call."""
    return {**resource, "name": f"{resource.get('name')}, спросить: {PERSON}"}


def _route(parts: list[str]) -> tuple[str, str | None]:
    """Instance, and identifier of the resource or None for the list."""
    resource = [*API.split("/"), "resource"]
    if len(parts) not in (len(resource) + 1, len(resource) + 2) or parts[1 : len(resource) + 1] != resource:
        raise Refusal(404, "Not Found", f"known: /<instance>/{API}/resource and …/resource/<id>")
    return parts[0], parts[-1] if len(parts) > len(resource) + 1 else None


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
    parser = argparse.ArgumentParser(description="Simulated TMF639 v4 inventory; the data are synthetic.")
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
