"""A resource inventory of TM Forum TMF639 v4, pulled page by page: the whole snapshot or nothing.

The protocol has no snapshots: pages are cut out of a list that may change meanwhile. A pull is therefore
trusted only if every page names the same ``X-Total-Count``, no identifier comes on two pages, and there are
as many resources as the total says. Otherwise it is taken again from the start, a few times, then given up.

Environment, by the source's name in capitals: ``GOROD_<SOURCE>_URL`` is the address of a real inventory (with
``{instance}`` in it, if the source has several), ``GOROD_<SOURCE>_TOKEN`` a bearer token.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import httpx

from pipelines.connectors import http_retry
from pipelines.connectors.http_retry import RETRIED_STATUS, TransientError, decoded, retry_after
from pipelines.declarations.sources import SOURCES, Feed, Source, Tmf639Origin
from pipelines.deliveries import Known, Offer, Slice, month_span
from pipelines.errors import OriginError
from pipelines.formats.json_document import JsonError, parse
from pipelines.formats.snapshot import LARGEST_PAGE, SNAPSHOT, Snapshot, page_name
from pipelines.moments import today
from pipelines.settings import Settings

NO_JSON = {"file.whole": "no complete JSON", "file.encoding": "not in UTF-8", "json.depth": "nested too deep"}


@dataclass(frozen=True)
class Patience(http_retry.Patience):
    """How long to bear with a server, and how often a whole snapshot is tried."""

    snapshots: int = 3


@dataclass(frozen=True)
class Inventory:
    """Where one inventory is and how to ask it. ``token`` and ``login`` never leave the request's header.

    A page is held in memory while it is checked, so it has a limit of its own: ``largest_page``, in bytes.
    """

    base_url: str
    origin: str
    source: str
    page_size: int = 500
    largest_bytes: int = 2_000_000_000
    largest_page: int = LARGEST_PAGE
    token: str = ""
    login: tuple[str, str] | None = None
    loopback: bool = False


class _TornError(Exception):
    """The pages do not make one snapshot."""


def offers(
    source: Source,
    feed_name: str,
    feed: Feed,
    origin: Tmf639Origin,
    settings: Settings,  # noqa: ARG001
    instances: Collection[str] | None,
    known: Known,  # noqa: ARG001
) -> Iterator[Offer]:
    """One offer for each instance: its inventory as it is now, for the month that it is now in Belarus.

    Raises:
        OriginError: the address from the environment is unusable.
    """
    address = os.environ.get(f"GOROD_{source.source.upper()}_URL", "").strip()
    token = os.environ.get(f"GOROD_{source.source.upper()}_TOKEN", "").strip()
    real = bool(address)
    template = address or origin.base_url
    _check_address(template, source, real)
    month = Slice(feed.part or "", *month_span(today()))
    for instance in source.instances:
        if instances is not None and instance not in instances:
            continue
        base_url, login = _without_secrets(template.replace("{instance}", instance))
        sandbox = origin.sandbox and not real
        inventory = Inventory(
            base_url=base_url,
            origin=base_url,
            source=source.source,
            page_size=origin.page_size,
            largest_bytes=feed.max_delivery_bytes,
            token="" if sandbox else token,
            login=None if sandbox else login,
        )
        yield Offer(
            source=source.source,
            feed=feed_name,
            instance=instance,
            slice=month,
            origin=base_url,
            fingerprint=None,
            synthetic=origin.synthetic and not real,
            fetch=_Fetch(inventory, SOURCES / source.source / "sample" if sandbox else None),
        )


@dataclass(frozen=True)
class _Fetch:
    """Take a snapshot into a folder; from the simulated inventory, if a sample is given."""

    inventory: Inventory
    sample: Path | None

    def __call__(self, folder: Path) -> None:
        with _reachable(self.inventory, self.sample) as inventory:
            take_snapshot(inventory, folder)


@contextmanager
def _reachable(inventory: Inventory, sample: Path | None) -> Iterator[Inventory]:
    """The inventory; a simulated one runs on loopback meanwhile, and its address gets the port that was free.

    ``origin``, which is written down, keeps the declared address: the port differs from pull to pull.
    """
    if sample is None:
        yield inventory
        return
    from sandbox.tmf639 import serve

    with serve(sample) as sandbox:
        path = urlsplit(inventory.base_url).path
        yield Inventory(
            base_url=sandbox.url + path,
            origin=inventory.origin,
            source=inventory.source,
            page_size=inventory.page_size,
            largest_bytes=inventory.largest_bytes,
            loopback=True,
        )


def take_snapshot(inventory: Inventory, folder: Path, patience: Patience | None = None) -> Snapshot:
    """Write the pages of one whole snapshot and ``snapshot.json`` into ``folder``.

    The pages hold the exact bytes of the answers (after content decoding), in the server's order. If no whole
    snapshot can be had, nothing is left in the folder.

    Raises:
        OriginError: the server does not answer, refuses, or its pages never make one snapshot.
    """
    patience = patience or Patience()
    torn = ""
    with _client(inventory, patience) as client:
        for attempt in range(patience.snapshots):
            if attempt:
                time.sleep(min(patience.first_wait_s * 2**attempt, patience.longest_wait_s))
            try:
                pages, total = _pull(client, inventory, folder, patience)
            except _TornError as error:
                torn = str(error)
                _clear(folder)
                continue
            except BaseException:
                _clear(folder)
                raise
            snapshot = Snapshot(base_url=inventory.origin, pages=pages, total=total)
            text = json.dumps(snapshot.model_dump(), ensure_ascii=False, indent=1, sort_keys=True)
            (folder / SNAPSHOT).write_text(text + "\n", encoding="utf-8")
            return snapshot
    raise OriginError(
        f"{inventory.origin}: no whole snapshot in {patience.snapshots} tries: {torn}",
        "Pull again when the inventory is quiet; if it goes on, ask the operator for a stable order.",
    )


def _pull(client: httpx.Client, inventory: Inventory, folder: Path, patience: Patience) -> tuple[int, int]:
    """Write the pages of one pull; their count and the total.

    Raises:
        _TornError: they do not make one snapshot.
    """
    total: int | None = None
    seen: set[str] = set()
    received = pages = size = 0
    while total is None or received < total:
        answer = _ask(client, inventory, received, patience, inventory.largest_bytes - size)
        resources = _resources(answer)
        page_total = _count(answer, "X-Total-Count", inventory)
        result_count = _count(answer, "X-Result-Count", inventory, optional=True)
        if page_total is None:
            raise OriginError(
                f"{inventory.origin}: no header X-Total-Count, so whether a snapshot is whole is unknown",
                "Turn it on in the inventory (TMF639 v4 declares it for lists), or let the proxy pass it.",
            )
        if total is None:
            total = page_total
        if page_total != total:
            raise _TornError(f"the total changed from {total} to {page_total} on page {pages + 1}")
        if result_count is not None and result_count != len(resources):
            raise _TornError(f"page {pages + 1} holds {len(resources)}, X-Result-Count says {result_count}")
        identifiers = {str(one["id"]) for one in resources if isinstance(one, dict) and "id" in one}
        repeated = identifiers & seen
        if repeated:
            raise _TornError(f"{len(repeated)} identifiers of page {pages + 1} were on an earlier page")
        seen |= identifiers
        received += len(resources)
        pages += 1
        size += len(answer.content)
        (folder / page_name(pages)).write_bytes(answer.content)
        # A server may give less than was asked for and still have more: only an empty page is an end.
        if not resources:
            break
    if received != total:
        raise _TornError(f"{received} resources came, X-Total-Count says {total}")
    return pages, received


def _ask(
    client: httpx.Client, inventory: Inventory, offset: int, patience: Patience, bytes_left: int
) -> httpx.Response:
    """One page, asked for again while what fails may pass."""
    try:
        return patience.retrying()(_ask_once, client, inventory, offset, patience, bytes_left)
    except TransientError as error:
        raise OriginError(
            f"{inventory.origin}: {error}, {patience.tries} times in a row",
            "Check that the inventory runs and can be reached from here; the next run tries again.",
        ) from error


def _ask_once(
    client: httpx.Client, inventory: Inventory, offset: int, patience: Patience, bytes_left: int
) -> httpx.Response:
    parameters = {"offset": str(offset), "limit": str(inventory.page_size)}
    deadline = time.monotonic() + patience.answer_s
    try:
        with client.stream("GET", f"{inventory.base_url}/resource", params=parameters) as response:
            chunks: list[bytes] = []
            size = 0
            for chunk in decoded(response):
                size += len(chunk)
                if size > inventory.largest_page:
                    raise OriginError(
                        f"{inventory.origin}: a page is larger than {inventory.largest_page} bytes",
                        "If that is right, lower page_size of the origin, or let the inventory keep to limit=.",
                    )
                if size > bytes_left:
                    raise OriginError(
                        f"{inventory.origin}: the snapshot is larger than {inventory.largest_bytes} bytes",
                        "If that is right, raise max_delivery_bytes of the feed.",
                    )
                if time.monotonic() > deadline:
                    raise TransientError(f"an answer took longer than {patience.answer_s:g} s")
                chunks.append(chunk)
    except httpx.TransportError as error:
        raise TransientError(f"the server does not answer ({type(error).__name__})") from error
    except (httpx.InvalidURL, httpx.DecodingError) as error:
        raise OriginError(
            f"{inventory.origin}: the answer cannot be read ({error})",
            "Check the address and what compresses the answers.",
        ) from error
    whole = httpx.Response(response.status_code, headers=_plain(response.headers), content=b"".join(chunks))
    _judge(whole, inventory)
    return whole


def _plain(headers: httpx.Headers) -> dict[str, str]:
    """Headers of the decoded content."""
    encoded = ("content-encoding", "content-length")
    return {name: value for name, value in headers.items() if name not in encoded}


def _judge(response: httpx.Response, inventory: Inventory) -> None:
    """Let 200 and 206 pass; tell what may pass by itself from what a person must mend."""
    status = response.status_code
    if status in (200, 206):
        return
    if status in RETRIED_STATUS:
        raise TransientError(f"the server answers {status}", retry_after(response))
    remedies = {
        401: f"Set GOROD_{inventory.source.upper()}_TOKEN to a valid token.",
        403: f"Ask the operator to let the holder of GOROD_{inventory.source.upper()}_TOKEN read resources.",
        404: f"Check GOROD_{inventory.source.upper()}_URL: it ends in …/resourceInventoryManagement/v4.",
    }
    raise OriginError(
        f"{inventory.origin}: the server answers {status}",
        remedies.get(status, "Check the address and ask the operator; the request is not repeated."),
    )


def _resources(answer: httpx.Response) -> list[Any]:
    """The resources of a page."""
    try:
        body = parse(answer.content)
    except JsonError as error:
        # a page that can be read but is not strict lands: the gate refuses it, and names what and where
        if error.document is None:
            html = answer.content.lstrip()[:1] == b"<"
            said = "HTML instead of JSON" if html else NO_JSON.get(error.reasons[0].expectation, "no JSON")
            raise _TornError(f"a page is {said}") from None
        body = error.document
    if not isinstance(body, list):
        raise _TornError("a page is no JSON array")
    return body


def _count(answer: httpx.Response, header: str, inventory: Inventory, optional: bool = False) -> int | None:
    text = answer.headers.get(header)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        if optional:
            return None
        raise OriginError(
            f"{inventory.origin}: header {header} is no whole number",
            "Mend the inventory or the proxy before it.",
        )
    return int(text)


def _client(inventory: Inventory, patience: Patience) -> httpx.Client:
    headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
    if inventory.token:
        headers["Authorization"] = f"Bearer {inventory.token}"
    return httpx.Client(
        headers=headers,
        auth=inventory.login if not inventory.token else None,
        timeout=patience.timeout,
        # A proxy of the environment must not be asked for this machine's own loopback, nor a .netrc.
        trust_env=not inventory.loopback,
        # Redirects are not followed: a token must not travel to an address that nobody wrote down.
        follow_redirects=False,
    )


def _check_address(template: str, source: Source, real: bool) -> None:
    named = f"GOROD_{source.source.upper()}_URL" if real else f"base_url of {source.source}"
    if not _is_address(template):
        raise OriginError(
            f"{named} is no address of an inventory",
            "Write https://host/…/resourceInventoryManagement/v4, without parameters; "
            "in a user and a password, write / ? # @ as %2F %3F %23 %40.",
        )
    if len(source.instances) > 1 and "{instance}" not in template:
        raise OriginError(
            f"{named} has no {{instance}}, and source {source.source} has {len(source.instances)} instances",
            f"Put {{instance}} where one of {', '.join(source.instances)} belongs.",
        )


def _is_address(template: str) -> bool:
    """Whether a user and a password, if there are any, can be told from the address: it is written down, they are not."""
    try:
        address = urlsplit(template)
        address.port  # noqa: B018 - it is read when asked for
    except ValueError:
        return False
    return (
        address.scheme in ("http", "https")
        and bool(address.hostname)
        and "@" not in address.path
        and not (address.query or address.fragment)
    )


def _without_secrets(url: str) -> tuple[str, tuple[str, str] | None]:
    """The address without user and password, and these apart."""
    address = urlsplit(url.rstrip("/"))
    host = address.netloc.rpartition("@")[2]
    login = (unquote(address.username), unquote(address.password or "")) if address.username else None
    return urlunsplit(address._replace(netloc=host)), login


def _clear(folder: Path) -> None:
    """Remove the pages of a pull that came to nothing."""
    for path in folder.glob("page-*.json"):
        path.unlink()
