"""A simulated resource inventory: list and retrieve of TMF639 v4 over HTTP, on loopback only.

The data are invented (see :mod:`sandbox.inventory`); every answer says so in the header ``X-Synthetic-Data``.
Try it: ``python -m sandbox.tmf639 --port 8639``.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from sandbox.inventory import API, Resource, inventory, read_cities

SAMPLE = Path(__file__).resolve().parent.parent / "assets" / "sources" / "beltelecom_inventory" / "sample"
DEFAULT_LIMIT = 100
LARGEST_LIMIT = 1000
OTHER_PARAMETERS = {"fields", "offset", "limit"}


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one list request.

    * ``status``: an error answer, with ``Retry-After`` if given;
    * ``hang``: no answer for ``seconds``;
    * ``close``: the connection ends without an answer; ``cut``: it ends in the middle of the body;
    * ``truncate``: a complete answer whose JSON is cut short; ``html``: a web page, with status 200;
    * ``total``: ``X-Total-Count`` is off by ``by``; ``no_total``: the header is missing;
    * ``duplicate``: the page begins with the last resource of the page before;
    * ``empty``: no resources, although there are some.
    """

    kind: Literal[
        "status", "hang", "close", "cut", "truncate", "html", "total", "no_total", "duplicate", "empty"
    ]
    status: int = 500
    retry_after: str | None = None
    seconds: float = 5.0
    by: int = 1


FaultOf = Callable[[int], Fault | None]


@dataclass
class Sandbox:
    """A running simulated inventory. ``requests``: the list requests so far, path with query, and headers."""

    url: str
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)


Inventories = Callable[[str], Sequence[Resource] | None]


@contextmanager
def serve(
    inventories: Inventories | Path = SAMPLE,
    faults: FaultOf = lambda _: None,
    port: int = 0,
    largest_limit: int = LARGEST_LIMIT,
) -> Iterator[Sandbox]:
    """Serve inventories at ``<url>/<instance>/tmf-api/resourceInventoryManagement/v4``.

    ``inventories`` returns the resources of an instance (None: there is no such instance), or is a sample
    folder with ``cities.csv``. ``faults`` returns the fault of the n-th list request, from 1. Port 0 chooses a
    free one.
    """
    resources = sample_inventories(inventories) if isinstance(inventories, Path) else inventories
    sandbox = Sandbox("")
    over = threading.Event()
    server = ThreadingHTTPServer(
        ("127.0.0.1", port), _handler(resources, faults, sandbox, largest_limit, over)
    )
    server.daemon_threads = True
    sandbox.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield sandbox
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def sample_inventories(folder: Path, scale: float = 1, seed: int = 639) -> Inventories:
    """The invented inventories of ``cities.csv`` in ``folder``, by instance."""

    def of(instance: str) -> Sequence[Resource] | None:
        return _sample(folder, instance, scale, seed) or None

    return of


@lru_cache(maxsize=16)
def _sample(folder: Path, instance: str, scale: int, seed: int) -> list[Resource]:
    return inventory(read_cities(folder / "cities.csv", scale), instance, seed)


class _ProblemError(Exception):
    """An error answer in the form of the specification."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message


def _handler(
    inventories: Inventories, faults: FaultOf, sandbox: Sandbox, largest_limit: int, over: threading.Event
) -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body are sent as two packets; without this, each answer waits for a delayed acknowledgement.
        disable_nagle_algorithm = True
        timeout = 30

        def do_GET(self) -> None:
            try:
                instance, identifier, query = _route(self.path)
                resources = inventories(instance)
                if resources is None:
                    raise _ProblemError(404, "Not Found", f"no inventory {instance!r}")
                if identifier is not None:
                    self._json(200, _retrieve(resources, identifier, query), {})
                else:
                    self._list(resources, query)
            except _ProblemError as problem:
                self._problem(problem)

        def do_POST(self) -> None:
            self._problem(_ProblemError(405, "Method Not Allowed", "this inventory is read only"))

        do_PUT = do_PATCH = do_DELETE = do_POST  # noqa: N815

        def _list(self, resources: Sequence[Resource], query: dict[str, str]) -> None:
            with lock:
                sandbox.requests.append((self.path, dict(self.headers.items())))
                fault = faults(len(sandbox.requests))
            if fault is not None and fault.kind in ("status", "hang", "close"):
                self._no_answer(fault)
                return
            offset = _whole_number(query, "offset", 0, 0)
            limit = min(_whole_number(query, "limit", DEFAULT_LIMIT, 1), largest_limit)
            matching = _matching(resources, query)
            page = list(matching[offset : offset + limit])
            total = len(matching)
            match fault:
                case Fault(kind="duplicate") if offset:
                    page = [matching[offset - 1], *page[1:]]
                case Fault(kind="empty"):
                    page = []
                case Fault(kind="total"):
                    total += fault.by
            headers = {"X-Result-Count": str(len(page)), "X-Total-Count": str(total)}
            if fault is not None and fault.kind == "no_total":
                del headers["X-Total-Count"]
            status = 200 if len(page) == len(matching) else 206
            self._json(status, [_chosen(one, query) for one in page], headers, fault)

        def _no_answer(self, fault: Fault) -> None:
            if fault.kind == "hang":
                over.wait(fault.seconds)
            if fault.kind == "status":
                headers = {"Retry-After": fault.retry_after} if fault.retry_after is not None else {}
                self._problem(
                    _ProblemError(fault.status, "Simulated fault", "requested by the test"), headers
                )
            else:
                self.close_connection = True

        def _problem(self, problem: _ProblemError, headers: dict[str, str] | None = None) -> None:
            # An unread body would be taken for the next request of a kept connection.
            self.close_connection = True
            body = {
                "code": str(problem.status),
                "reason": problem.reason,
                "message": problem.message,
                "status": str(problem.status),
                "@type": "Error",
            }
            self._json(problem.status, body, headers or {})

        def _json(self, status: int, body: Any, headers: dict[str, str], fault: Fault | None = None) -> None:
            data = json.dumps(body, ensure_ascii=False).encode()
            content_type = "application/json;charset=utf-8"
            kind = fault.kind if fault is not None else None
            if kind == "truncate":
                data = data[: len(data) // 2]
            if kind == "html":
                data, content_type = b"<!DOCTYPE html><html><body>Sign in</body></html>", "text/html"
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("X-Synthetic-Data", "true")
            for name, value in headers.items():
                self.send_header(name, value)
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            if kind == "cut":
                data, self.close_connection = data[: len(data) // 2], True
            # The client has closed the connection because it stopped waiting; that is not an error.
            with suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Log nothing: the caller has ``Sandbox.requests``."""

    return Handler


def _route(target: str) -> tuple[str, str | None, dict[str, str]]:
    """Instance, identifier of the resource or None for the list, and parameters of a request."""
    address = urlsplit(target)
    parts = address.path.strip("/").split("/")
    resource = [*API.split("/"), "resource"]
    if len(parts) not in (len(resource) + 1, len(resource) + 2) or parts[1 : len(resource) + 1] != resource:
        raise _ProblemError(404, "Not Found", f"known: /<instance>/{API}/resource and …/resource/<id>")
    return parts[0], parts[-1] if len(parts) > len(resource) + 1 else None, dict(parse_qsl(address.query))


def _whole_number(query: dict[str, str], name: str, default: int, least: int) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit()) or int(text) < least:
        raise _ProblemError(400, "Bad Request", f"{name} must be a whole number of at least {least}")
    return int(text)


def _matching(resources: Sequence[Resource], query: dict[str, str]) -> Sequence[Resource]:
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


def _chosen(resource: Resource, query: dict[str, str]) -> Resource:
    """The requested fields of a resource; those that the specification requires are always included."""
    if "fields" not in query:
        return resource
    names = {"id", "href", *query["fields"].split(",")}
    return {name: value for name, value in resource.items() if name in names}


def _retrieve(resources: Sequence[Resource], identifier: str, query: dict[str, str]) -> Resource:
    for one in resources:
        if one.get("id") == identifier:
            return _chosen(one, query)
    raise _ProblemError(404, "Not Found", f"no resource {identifier!r}")


def main() -> None:
    """Serve the sample until interrupted."""
    parser = argparse.ArgumentParser(description="Simulated TMF639 v4 inventory; the data are synthetic.")
    parser.add_argument("--port", type=int, default=8639, help="port on 127.0.0.1; 0 chooses a free one")
    parser.add_argument("--sample", type=Path, default=SAMPLE, help="folder with cities.csv")
    parser.add_argument("--scale", type=float, default=1, help="factor of the number of resources")
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
