"""A guard before Dagster's UI, which knows no users.

The UI listens on the loopback interface, and yet any page in the engineer's browser could send it requests, under any
``Host`` (DNS rebinding) and from any ``Origin``, and so could every other user of the machine. The guard lets in only who
has the token, asks under a known host, and comes from the UI's own pages.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

ASGI = Callable[[Any, Any, Any], Awaitable[None]]

COOKIE = "gorod_ui"
TOKEN = "token"


@dataclass(frozen=True)
class Refusal:
    """Why a request is not passed on, as an HTTP status and a sentence."""

    status: int
    says: str


@dataclass(frozen=True)
class Asked:
    """What the guard looks at of a request. ``headers`` are by their names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    is_websocket: bool = False

    @property
    def is_visit(self) -> bool:
        """Whether somebody opens a page: follows a link or types an address. It changes nothing and reads nothing for others."""
        return (
            self.method == "GET"
            and not self.is_websocket
            and not self.path.rstrip("/").endswith("/graphql")
            and self.headers.get("sec-fetch-mode") == "navigate"
            and self.headers.get("sec-fetch-dest") == "document"
        )


@dataclass(frozen=True)
class Guard:
    """What is let through to an ASGI application: requests under ``hosts`` that bring ``token``."""

    app: ASGI
    token: str
    hosts: Collection[str]

    def refusal(self, asked: Asked) -> Refusal | None:
        """Why a request is refused, or None. Whoever has the token is still refused if another site sends for him."""
        given = asked.headers
        host = given.get("host", "").lower()
        if host not in self.hosts:
            return Refusal(421, "This host is not known here. It is named in GOROD_UI_HOSTS.")
        if "origin" in given and urlsplit(given["origin"].lower()).netloc != host:
            return Refusal(403, "Another site sent this request.")
        if given.get("sec-fetch-site") in ("cross-site", "same-site") and not asked.is_visit:
            return Refusal(403, "Another site sent this request.")
        if asked.is_websocket:
            # a browser always says where a socket comes from; what says nothing is no browser, and brings the token
            return None if self.is_known(asked) else self._unknown()
        if asked.path.rstrip("/").endswith("/graphql") and asked.method not in ("POST", "OPTIONS"):
            return Refusal(405, "GraphQL is asked by POST alone.")
        kind = given.get("content-type", "").split(";")[0].strip().lower()
        if asked.method not in ("GET", "HEAD", "OPTIONS") and kind != "application/json":
            return Refusal(415, "What is sent here is JSON: a form of another page cannot send it unasked.")
        return None if self.is_known(asked) else self._unknown()

    def is_known(self, asked: Asked) -> bool:
        """Whether the request brings the token: as a cookie, as a bearer, or once in the address."""
        scheme, _, bearer = asked.headers.get("authorization", "").partition(" ")
        given = [
            bearer.strip() if scheme.lower() == "bearer" else "",
            _cookie(asked.headers.get("cookie", "")),
        ]
        if asked.method == "GET" and not asked.is_websocket:
            given += [value for name, value in parse_qsl(asked.query) if name == TOKEN]
        return any(hmac.compare_digest(one.encode(), self.token.encode()) for one in given if one)

    def entry(self, asked: Asked) -> str | None:
        """Where a request goes on whose address holds the token: the same address without it, so that no history keeps it."""
        given = parse_qsl(asked.query, keep_blank_values=True)
        if asked.method != "GET" or TOKEN not in dict(given):
            return None
        left = urlencode([(name, value) for name, value in given if name != TOKEN])
        # no second slash at the start: a browser would take what follows for a host
        return "/" + asked.path.lstrip("/\\") + (f"?{left}" if left else "")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on, or answer it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        asked = _asked(scope)
        refused = self.refusal(asked)
        if refused is not None and asked.is_websocket:
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": refused.says})
        elif refused is not None:
            await _answer(send, refused.status, refused.says)
        elif (there := self.entry(asked)) is not None:
            cookie = f"{COOKIE}={self.token}; Path=/; HttpOnly; SameSite=Strict"
            await _answer(send, 303, "", {"location": there, "set-cookie": cookie})
        else:
            await self.app(scope, receive, send)

    @staticmethod
    def _unknown() -> Refusal:
        return Refusal(401, "Open the address that gorod ui shows: it holds the token.")


def _asked(scope: Any) -> Asked:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    is_websocket = scope["type"] == "websocket"
    return Asked(
        "GET" if is_websocket else scope["method"],
        scope["path"],
        scope["query_string"].decode("latin-1"),
        headers,
        is_websocket,
    )


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""


async def _answer(send: Any, status: int, says: str, headers: Mapping[str, str] | None = None) -> None:
    given = {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store", **(headers or {})}
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        }
    )
    await send({"type": "http.response.body", "body": says.encode()})
