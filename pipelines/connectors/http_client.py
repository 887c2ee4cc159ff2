"""Requests for files: redirects are followed, but never from HTTPS to HTTP, and never with credentials to another host.

A proxy and a private certificate authority come from the environment (``HTTPS_PROXY``, ``SSL_CERT_FILE``), or from ``tls``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import httpx

from pipelines.connectors.http_access import Access
from pipelines.connectors.http_retry import RETRIED_STATUS, RetryPolicy, TransientError, retry_after
from pipelines.connectors.tls import is_tls
from pipelines.errors import OriginError

RETRY_POLICY = RetryPolicy(answer_s=3600.0)
MOST_REDIRECTS = 5
HTML = re.compile(rb"(\xef\xbb\xbf)?\s*(<!doctype html|<html)", re.IGNORECASE)


T = TypeVar("T")


class FileError(OriginError):
    """One file cannot be fetched; the server itself answers."""


class AbsentError(FileError):
    """The server has no such file."""


@dataclass(frozen=True)
class Server:
    """How the files of one instance are requested: with which credentials and limits."""

    access: Access = field(default_factory=Access)
    policy: RetryPolicy = field(default_factory=lambda: RETRY_POLICY)


def with_retries(url: str, once: Callable[[], T], server: Server) -> T:
    """The result of a request, retried after failures that may pass."""
    try:
        return server.policy.retrying()(once)
    except TransientError as error:
        raise OriginError(
            f"{url}: {error}, {server.policy.tries} times in a row",
            "Check that the address can be reached from here (network, proxy); the next run tries again.",
        ) from error


@contextmanager
def open_response(
    client: httpx.Client, url: str, headers: dict[str, str], server: Server
) -> Iterator[httpx.Response]:
    """A response with a good status and an unread body.

    Raises:
        TransientError: the request, or reading the body, failed in a way that may pass.
        OriginError: a person has to act.
    """
    try:
        with _follow_redirects(client, url, headers) as response:
            server.access.raise_if_renewed(response.status_code)
            _check_response(url, response)
            yield response
    except httpx.UnsupportedProtocol as error:
        raise FileError(f"{url}: {error}", "Correct base_url or files of the origin.") from error
    except httpx.InvalidURL as error:
        raise FileError(f"{url}: is not an address", "Correct base_url or files of the origin.") from error
    except (httpx.TransportError, httpx.DecodingError) as error:
        if is_tls(error):
            raise OriginError(
                f"{url}: no secure connection: {error}",
                "Check the address and the clock. For your own certificate authority, set SSL_CERT_FILE, or declare tls.",
            ) from error
        raise TransientError(_describe(error)) from error


@contextmanager
def _follow_redirects(client: httpx.Client, url: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
    """The response at the end of the redirects. httpx itself would read the body of each redirect into memory, however large."""
    request = client.build_request("GET", url, headers=headers)
    secure = request.url.scheme == "https"
    for _ in range(MOST_REDIRECTS + 1):
        with closing(client.send(request, stream=True)) as response:
            if response.next_request is None:
                yield response
                return
            request = response.next_request
        if secure and request.url.scheme != "https":
            raise FileError(
                f"{url}: redirected from HTTPS to HTTP, where the file could be changed on the way",
                "If the new address can be trusted, declare it.",
            )
    raise FileError(
        f"{url}: redirected more than {MOST_REDIRECTS} times",
        "Open it in a browser; correct the address.",
    )


def _check_response(url: str, response: httpx.Response) -> None:
    """Accept 200 and 304; separate what may pass by itself from what a person must repair."""
    status = response.status_code
    if status in (httpx.codes.OK, httpx.codes.NOT_MODIFIED):
        return
    if status in RETRIED_STATUS:
        raise TransientError(f"the server answers {status}", retry_after(response))
    if status in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
        raise AbsentError(
            f"{url}: the server has no such file ({status})",
            "Find out where the file is now, and correct base_url or files of the origin.",
        )
    raise FileError(
        f"{url}: the server answers {status}",
        "Open the address in a browser; ask the owner. The request is not repeated.",
    )


def refuse_web_page(url: str, beginning: bytes) -> None:
    """Refuse a web page (maintenance, a login) instead of the file."""
    if HTML.match(beginning):
        raise FileError(
            f"{url}: the server sent a web page instead of the file",
            "Open the address in a browser: maintenance, a login, a moved file? The next run tries again.",
        )


def _describe(error: httpx.RequestError) -> str:
    match error:
        case httpx.TimeoutException():
            return "the server takes too long"
        case httpx.ConnectError():
            return f"the server cannot be reached ({error})"
        case httpx.DecodingError():
            return str(error)
        case _:
            # the error's own text may contain the address of a redirect, with its signature
            return f"the answer broke off ({type(error).__name__})"


def new_client(server: Server) -> httpx.Client:
    """A client for files."""
    return httpx.Client(
        **server.access.options(),
        # the file itself, byte for byte: the hash is that of the published file
        headers={"Accept-Encoding": "identity", "User-Agent": "gorod"},
        timeout=server.policy.timeout,
    )
