"""One small HTTP server for all simulated systems: on loopback only, every answer marked as synthetic, with faults on demand.

A simulator is a :class:`System`: it turns a request into an answer. Whatever goes wrong between two machines (no answer, half of
one, an error) is done here; what is wrong with the records of a page is done by :func:`page_of`, which all simulators use.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

Record = dict[str, Any]

# nobody: the names stand for themselves, and the number belongs to no network
PERSON = "Примеров Иван Тестович, +375 29 000-00-00"

FaultKind = Literal[
    "status", "slow", "hang", "close", "cut", "truncate", "html", "total", "no_total", "duplicate", "missing", "drift", "empty",
    "schema", "person",
]  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request.

    * ``status``: an error answer, with ``Retry-After`` if given;
    * ``slow``: the answer comes after ``seconds``; ``hang``: no answer for ``seconds``, then the connection ends;
    * ``close``: the connection ends without an answer; ``cut``: it ends in the middle of the body;
    * ``truncate``: a complete answer whose JSON is cut short; ``html``: a web page, with status 200;
    * ``total``: the stated total is off by ``by``; ``no_total``: it is missing;
    * ``duplicate``: the page begins with the last record of the page before; ``missing``: it lacks its last record;
    * ``drift``: a record was added at the front since the page before: all records have moved on by one;
    * ``empty``: no records, although there are some;
    * ``schema``: the records have the form of another version of the interface;
    * ``person``: free text holds a name and a telephone number, where no personal data should be.
    """

    kind: FaultKind
    status: int = 500
    retry_after: str | None = None
    seconds: float = 5.0
    by: int = 1


FaultOf = Callable[[int], Fault | None]


def no_faults(_number: int) -> Fault | None:
    """Nothing goes wrong."""
    return None


def always(fault: Fault) -> FaultOf:
    """Every request meets the fault."""
    return lambda _number: fault


@dataclass(frozen=True)
class Request:
    """What is asked: the decoded path without slashes at its ends, parameters, headers (names in lower case)."""

    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def parts(self) -> list[str]:
        return self.path.split("/")

    def whole_number(self, name: str, default: int, least: int) -> int:
        """A parameter that is a whole number.

        Raises:
            Refusal: it is none, or too small.
        """
        text = self.query.get(name, str(default))
        if not (text.isascii() and text.isdigit()) or int(text) < least:
            raise Refusal(400, "Bad Request", f"{name} must be a whole number of at least {least}")
        return int(text)


@dataclass
class Answer:
    """What is answered; ``body`` is written as JSON."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An error answer; each system has a form of its own for it."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message


class System(Protocol):
    """A simulated system."""

    def answer(self, request: Request, fault: Fault | None) -> Answer:
        """Answer a GET; ``fault`` is for :func:`page_of`."""
        ...

    def error(self, refusal: Refusal) -> Any:
        """The body of an error answer."""
        ...


@dataclass
class Page:
    """A part of a list, as a fault may leave it; ``total`` is what the system says that there are in all, None: nothing."""

    records: list[Record]
    total: int | None


def page_of(
    records: Sequence[Record],
    start: int,
    size: int,
    fault: Fault | None,
    drifted: Callable[[Record], Record] = lambda record: record,
    personal: Callable[[Record], Record] = lambda record: record,
) -> Page:
    """Records from ``start`` on, ``size`` at most.

    ``drifted`` and ``personal`` are how the records of the system meet these faults.
    """
    page = Page(list(records[start : start + size]), len(records))
    match fault:
        case Fault(kind="duplicate") if start:
            page.records = [records[start - 1], *page.records[1:]]
        case Fault(kind="drift") if start:
            page.records = list(records[start - 1 : start - 1 + size])
            page.total = len(records) + 1
        case Fault(kind="missing"):
            page.records = page.records[:-1]
        case Fault(kind="empty"):
            page.records = []
        case Fault(kind="total"):
            page.total = len(records) + fault.by
        case Fault(kind="no_total"):
            page.total = None
        case Fault(kind="schema"):
            page.records = [drifted(one) for one in page.records]
        case Fault(kind="person"):
            page.records = [personal(one) for one in page.records]
    return page


@dataclass
class Sandbox:
    """A running simulated system.

    ``requests`` are the requests since the faults were planned: path with query, and headers.
    """

    url: str
    faults: FaultOf = no_faults
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def plan(self, faults: FaultOf = no_faults) -> None:
        """Let other things go wrong from now on, counting requests from 1 again."""
        self.faults = faults
        self.requests.clear()


@contextmanager
def running(system: System, faults: FaultOf = no_faults, port: int = 0) -> Iterator[Sandbox]:
    """Serve a system on 127.0.0.1 while the block runs.

    ``faults`` gives the fault of the n-th request. Port 0 takes a free one.
    """
    sandbox = Sandbox("", faults)
    over = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(system, sandbox, over))
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


def _handler(system: System, sandbox: Sandbox, over: threading.Event) -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body are sent as two packets; without this, each answer waits for a delayed acknowledgement.
        disable_nagle_algorithm = True
        timeout = 30

        def do_GET(self) -> None:
            with lock:
                sandbox.requests.append((self.path, dict(self.headers.items())))
                fault = sandbox.faults(len(sandbox.requests))
            match fault:
                case Fault(kind="status"):
                    refusal = Refusal(
                        fault.status, "Simulated fault", "requested by the caller of the sandbox"
                    )
                    self._refuse(
                        refusal, {"Retry-After": fault.retry_after} if fault.retry_after is not None else {}
                    )
                case Fault(kind="hang" | "close"):
                    if fault.kind == "hang":
                        over.wait(fault.seconds)
                    self.close_connection = True
                case _:
                    if fault is not None and fault.kind == "slow":
                        over.wait(fault.seconds)
                    self._answer(fault)

        def _answer(self, fault: Fault | None) -> None:
            address = urlsplit(self.path)
            request = Request(
                unquote(address.path).strip("/"),
                dict(parse_qsl(address.query)),
                {name.lower(): value for name, value in self.headers.items()},
            )
            try:
                answer = system.answer(request, fault)
            except Refusal as refusal:
                self._refuse(refusal, {})
            else:
                self._send(answer, fault)

        def do_POST(self) -> None:
            self._refuse(Refusal(405, "Method Not Allowed", "this system is read only"), {})

        do_PUT = do_PATCH = do_DELETE = do_POST  # noqa: N815

        def _refuse(self, refusal: Refusal, headers: dict[str, str]) -> None:
            # An unread body would be taken for the next request of a kept connection.
            self.close_connection = True
            self._send(Answer(system.error(refusal), refusal.status, headers), None)

        def _send(self, answer: Answer, fault: Fault | None) -> None:
            data = json.dumps(answer.body, ensure_ascii=False).encode()
            content_type = "application/json;charset=utf-8"
            kind = fault.kind if fault is not None else None
            if kind == "truncate":
                data = data[: len(data) // 2]
            if kind == "html":
                data, content_type = b"<!DOCTYPE html><html><body>Sign in</body></html>", "text/html"
            self.send_response(answer.status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("X-Synthetic-Data", "true")
            for name, value in answer.headers.items():
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
            """Say nothing: the caller has ``Sandbox.requests``."""

    return Handler
