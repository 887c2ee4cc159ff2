"""Requests for the pages of a snapshot: retried where that may help, limited in size and time, with secrets in headers only."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import httpx

from pipelines.connectors import http_retry
from pipelines.connectors.http_access import Access
from pipelines.connectors.http_retry import RETRIED_STATUS, TransientError, decoded, retry_after
from pipelines.connectors.tls import is_tls
from pipelines.declarations.http_access import variables
from pipelines.declarations.origins import PagedOrigin
from pipelines.errors import OriginError
from pipelines.formats.snapshot import LARGEST_PAGE


@dataclass(frozen=True)
class RetryPolicy(http_retry.RetryPolicy):
    """The retries of a request, and how often a whole snapshot is tried; None: as often as the origin declares."""

    snapshots: int | None = None


@dataclass(frozen=True)
class Pull:
    """What to pull: one instance of an origin, for one slice.

    ``token``, ``login`` and ``secrets`` (headers) are used in requests and written nowhere. ``base_url`` is the address of the
    requests, ``origin`` the address that is recorded. A page is held in memory while it is checked, so
    its size has a separate limit, ``largest_page`` bytes.
    """

    paging: PagedOrigin
    base_url: str
    origin: str
    source: str
    records: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    largest_bytes: int = 2_000_000_000
    largest_page: int = LARGEST_PAGE
    token: str = field(default="", repr=False)
    login: tuple[str, str] | None = field(default=None, repr=False)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    access: Access | None = field(default=None, repr=False)
    loopback: bool = False
    address_hint: str = ""


def new_client(pull: Pull, policy: RetryPolicy) -> httpx.Client:
    """A client that sends the declared headers and the secrets."""
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        **pull.paging.headers,
        **pull.headers,
        **pull.secrets,
    }
    if pull.token and pull.paging.auth is None:
        headers["Authorization"] = f"Bearer {pull.token}"
    options = pull.access.options() if pull.access is not None else {}
    if options.get("auth") is None:
        options["auth"] = pull.login if not pull.token else None
    return httpx.Client(
        **options,
        headers=headers,
        timeout=policy.timeout,
        # On this machine's own loopback, neither a proxy from the environment nor a .netrc may be used.
        trust_env=not pull.loopback,
        # Redirects are not followed: a token must not travel to an undeclared address.
        follow_redirects=False,
    )


def request_page(
    client: httpx.Client,
    pull: Pull,
    policy: RetryPolicy,
    url: str,
    parameters: dict[str, str] | None,
    bytes_left: int,
) -> httpx.Response:
    """One page, decoded; retried after failures that may pass. ``bytes_left`` is what the snapshot may still grow by.

    Raises:
        OriginError: the server does not answer, refuses, or sends too much.
    """
    try:
        return policy.retrying()(_request_once, client, pull, policy, url, parameters, bytes_left)
    except TransientError as error:
        raise OriginError(
            f"{pull.origin}: {error}, {policy.tries} times in a row",
            "Check that the system runs and can be reached from here; the next run tries again.",
        ) from error


def _request_once(
    client: httpx.Client,
    pull: Pull,
    policy: RetryPolicy,
    url: str,
    parameters: dict[str, str] | None,
    bytes_left: int,
) -> httpx.Response:
    deadline = time.monotonic() + policy.answer_s
    try:
        with client.stream("GET", url, params=parameters) as response:
            chunks: list[bytes] = []
            size = 0
            for chunk in decoded(response):
                size += len(chunk)
                if size > pull.largest_page:
                    raise OriginError(
                        f"{pull.origin}: a page is larger than {pull.largest_page} bytes",
                        "If that is right, lower page_size of the origin, or make the system respect it.",
                    )
                if size > bytes_left:
                    raise OriginError(
                        f"{pull.origin}: the snapshot is larger than {pull.largest_bytes} bytes",
                        "If that is right, raise max_delivery_bytes of the feed.",
                    )
                if time.monotonic() > deadline:
                    raise TransientError(f"an answer took longer than {policy.answer_s:g} s")
                chunks.append(chunk)
    except httpx.TransportError as error:
        if is_tls(error):
            raise OriginError(
                f"{pull.origin}: no secure connection ({type(error).__name__})",
                "Check the address and the clock; your own certificate authority, and a client certificate: tls.",
            ) from None
        raise TransientError(f"the server does not answer ({type(error).__name__})") from error
    except (httpx.InvalidURL, httpx.DecodingError) as error:
        raise OriginError(
            f"{pull.origin}: the answer cannot be read ({error})",
            "Check the address, and how the answers are compressed.",
        ) from error
    _check_status(pull, response)
    return httpx.Response(
        response.status_code,
        headers=_decoded_headers(response.headers),
        content=b"".join(chunks),
        request=response.request,
    )


def _check_status(pull: Pull, response: httpx.Response) -> None:
    """Accept 200 and 206; separate what may pass by itself from what a person must repair."""
    status = response.status_code
    if status in (200, 206):
        return
    if pull.access is not None:
        pull.access.raise_if_renewed(status)
    if status in RETRIED_STATUS:
        raise TransientError(f"the server answers {status}", retry_after(response))
    name = f"GOROD_{pull.source.upper()}"
    auth = pull.paging.auth
    own = [f"{name}_TOKEN"] if auth is None else variables(auth)
    secrets = ", ".join([*own, *sorted(pull.paging.secret_headers.values())])
    remedies = {
        401: f"Set {secrets} to a valid value.",
        403: f"Ask the owner of the system to give the holder of {secrets} read access.",
        404: f"Check {name}_URL: {pull.address_hint}.",
    }
    raise OriginError(
        f"{pull.origin}: the server answers {status}",
        remedies.get(status, "Check the address and ask the owner; the request is not repeated."),
    )


def _decoded_headers(headers: httpx.Headers) -> list[tuple[str, str]]:
    """The headers without those that describe the encoded content."""
    encoded = ("content-encoding", "content-length", "transfer-encoding")
    return [(name, value) for name, value in headers.multi_items() if name.lower() not in encoded]
