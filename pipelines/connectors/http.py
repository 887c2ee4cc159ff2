"""Files at a public address, by HTTP: looked at cheaply, fetched when they are new.

Each file is asked for with what was last known of it (``If-None-Match``, ``If-Modified-Since``), so a file that has not
changed costs one short answer. Redirects are followed, but never from HTTPS to HTTP, and credentials (``auth``) do not travel to
another host. With ``listing`` the names are those that the server's own page lists: a file of which the server says that it was
written just now waits for the next run.
A proxy and a certificate authority of one's own come from the environment (``HTTPS_PROXY``, ``SSL_CERT_FILE``), or from ``tls``.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, unquote, urljoin, urlsplit

import httpx

from pipelines import moments
from pipelines.connectors.drop_folder import UNFINISHED
from pipelines.connectors.files import is_named_for, odd_name
from pipelines.connectors.http_access import Access, access, is_tls, limited
from pipelines.connectors.http_retry import RETRIED_STATUS, RetryPolicy, TransientError, decoded, retry_after
from pipelines.declarations.feeds import Feed
from pipelines.declarations.origins import MONTH, HttpOrigin
from pipelines.declarations.sources import Source
from pipelines.deliveries import Candidate, LastSeen, parse_slice
from pipelines.errors import OriginError
from pipelines.periods import months_from
from pipelines.settings import Settings

PATIENCE = RetryPolicy(answer_s=3600.0)
MOST_REDIRECTS = 5
HTML = re.compile(rb"(\xef\xbb\xbf)?\s*(<!doctype html|<html)", re.IGNORECASE)
ETAG, MODIFIED = "etag:", "modified:"
LARGEST_LISTING = 10_000_000

T = TypeVar("T")
_log = logging.getLogger(__name__)


class _FileError(OriginError):
    """One file cannot be had; the server itself answers."""


class _AbsentError(_FileError):
    """The server has no such file."""


class _FreshError(Exception):
    """The file was written a moment ago, and may not be whole."""


@dataclass(frozen=True)
class _Server:
    """Where the files of one instance are, and how they are asked for."""

    base_url: str = ""
    access: Access = field(default_factory=Access)
    policy: RetryPolicy = field(default_factory=lambda: PATIENCE)

    def client(self) -> httpx.Client:
        """A client for a few requests."""
        return httpx.Client(
            **self.access.options(),
            # the file itself, byte for byte: what lands is what its hash is of
            headers={"Accept-Encoding": "identity", "User-Agent": "gorod"},
            timeout=self.policy.timeout,
        )


def candidates(
    source: Source,
    feed_name: str,
    feed: Feed,
    origin: HttpOrigin,
    settings: Settings,
    instances: Collection[str] | None,
    known: LastSeen,
) -> Iterator[Candidate]:
    """The files that the server has. One that it refuses does not hold back the others; it is told after them.

    Raises:
        OriginError: the server cannot be reached, or lacks a file that it should have.
    """
    last = {row[2:5]: row[5] for row in known if row[:2] == (source.source, feed_name)}
    found: list[Candidate] = []
    failures: list[_FileError] = []
    for instance in source.instances:
        if (instances is not None and instance not in instances) or origin.instance not in (None, instance):
            continue
        server = _server(origin, instance)
        with server.client() as client:
            listed = _listed(client, server, feed) if origin.listing else ()
            for template in (*origin.files, *listed):
                missing: list[_FileError] = []
                for name in _names(template, feed, origin):
                    candidate = _candidate(source.source, feed_name, feed, origin, server, instance, name)
                    if _is_left(candidate, feed, last):
                        failures += missing
                        missing.clear()
                        continue
                    try:
                        fingerprint = _look(
                            client,
                            server,
                            candidate.origin,
                            last.get((instance, candidate.slice.key, candidate.origin), ""),
                            settings.inbox_quiet_s if origin.listing else 0.0,
                        )
                    except _FreshError:
                        _log.warning(
                            "%s: was written just now, and is taken by the next run", candidate.origin
                        )
                    except _AbsentError as error:
                        missing.append(error)
                    except _FileError as error:
                        failures.append(error)
                    else:
                        found.append(replace(candidate, fingerprint=fingerprint))
                        # missing before one that is there: a hole. After the last one: not published yet.
                        failures += missing
                        missing.clear()
                if origin.last_month is not None or MONTH not in template:
                    failures += missing
    yield from found
    if failures:
        raise OriginError("\n".join(error.message for error in failures), failures[0].remedy)


def _is_left(candidate: Candidate, feed: Feed, last: dict[tuple[str, str, str], str]) -> bool:
    """Whether a slice that was taken here is too old to be asked for again."""
    return (
        feed.refresh is not None
        and (candidate.instance, candidate.slice.key, candidate.origin) in last
        and not feed.is_refreshed(candidate.slice.last_day, moments.today())
    )


def _server(origin: HttpOrigin, instance: str) -> _Server:
    base_url = origin.base_url.replace("{instance}", instance).rstrip("/")
    policy = limited(PATIENCE, origin)
    return _Server(base_url, access(origin, base_url, instance, policy), policy)


def _listed(client: httpx.Client, server: _Server, feed: Feed) -> list[str]:
    """The names on the server's own page that are those of deliveries, in their order.

    Raises:
        OriginError: there is no such page, or it is too large.
    """
    url = server.base_url + "/"

    def once() -> list[str]:
        with _answer(client, server, url, {}) as response:
            if "html" not in response.headers.get("content-type", ""):
                raise OriginError(
                    f"{url}: is no page that lists files",
                    "Turn the listing of the folder on at the server, or name the files: files of the origin.",
                )
            page = b""
            for piece in decoded(response):
                page += piece
                if len(page) > LARGEST_LISTING:
                    raise OriginError(
                        f"{url}: the list of files is larger than {LARGEST_LISTING} bytes",
                        "Let the server keep the files of each year in a folder of its own.",
                    )
            links = _Links(str(response.url))
            links.feed(page.decode("utf-8", "replace"))
            return sorted(links.names)

    names = _asked(server, url, once)
    return [
        name
        for name in names
        if is_named_for(name, feed) and not odd_name(name) and not name.lower().endswith(UNFINISHED)
    ]


class _Links(HTMLParser):
    """The names of what lies right below a page, by its links."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Take the address of a link."""
        for name, value in attributes if tag == "a" else ():
            if name != "href" or not value:
                continue
            try:
                link, page = urlsplit(urljoin(self.url, value)), urlsplit(self.url)
            except ValueError:
                continue
            folder = page.path.rpartition("/")[0] + "/"
            below = link.path.removeprefix(folder)
            is_here = (link.scheme, link.netloc) == (page.scheme, page.netloc) and link.path.startswith(
                folder
            )
            if is_here and below and "/" not in below and not link.query:
                self.names.add(unquote(below))


def _names(template: str, feed: Feed, origin: HttpOrigin) -> Iterator[str]:
    """The names that a template stands for, months in order."""
    if MONTH not in template:
        yield template
        return
    assert feed.first_month is not None  # the declaration holds to it
    for month in months_from(feed.first_month, moments.today(), origin.last_month):
        yield template.replace(MONTH, f"{month:%Y-%m}")


def _candidate(
    source: str, feed_name: str, feed: Feed, origin: HttpOrigin, server: _Server, instance: str, name: str
) -> Candidate:
    match = re.fullmatch(feed.file_pattern or r".+", name)
    groups = match.groupdict() if match else {}
    url = f"{server.base_url}/{quote(name)}"
    return Candidate(
        source=source,
        feed=feed_name,
        instance=instance,
        slice=parse_slice(groups.get("period"), groups.get("part") or feed.part),
        origin=url,
        fingerprint=None,
        synthetic=origin.synthetic,
        fetch=_Fetch(url, name, feed.max_delivery_bytes, server),
    )


def _look(client: httpx.Client, server: _Server, url: str, last: str, quiet_s: float) -> str | None:
    """The file's fingerprint now; ``last`` itself if the server says that nothing has changed, None if it cannot tell.

    Raises:
        _FreshError: by the server's own clock, it was written less than ``quiet_s`` ago.
    """
    headers = {}
    if last.startswith(ETAG):
        headers = {"If-None-Match": last.removeprefix(ETAG)}
    elif last.startswith(MODIFIED):
        headers = {"If-Modified-Since": last.removeprefix(MODIFIED)}

    def once() -> str | None:
        with _answer(client, server, url, headers) as response:
            if response.status_code == httpx.codes.NOT_MODIFIED and last:
                return last
            if _age_s(response) < quiet_s:
                raise _FreshError
            if "html" in response.headers.get("content-type", ""):
                _refuse_page(url, next(decoded(response), b""))
            for header, kind in (("etag", ETAG), ("last-modified", MODIFIED)):
                if given := response.headers.get(header):
                    return f"{kind}{given}"
            return None

    return _asked(server, url, once)


def _age_s(response: httpx.Response) -> float:
    """How long ago a file was changed, by the server's clock alone; without end if it does not say."""
    try:
        now, changed = (parsedate_to_datetime(response.headers[name]) for name in ("date", "last-modified"))
        return (now - changed).total_seconds()
    except (KeyError, ValueError, TypeError):
        return float("inf")


@dataclass(frozen=True)
class _Fetch:
    """Stream one file into a folder; nothing is left there when it cannot be had whole."""

    url: str
    name: str
    largest_bytes: int
    server: _Server = field(default_factory=_Server)

    def __call__(self, folder: Path) -> None:
        path = folder / self.name
        try:
            with self.server.client() as client:
                _asked(self.server, self.url, lambda: self._once(client, path))
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def _once(self, client: httpx.Client, path: Path) -> None:
        answer_s = self.server.policy.answer_s
        deadline = time.monotonic() + answer_s
        size = 0
        with _answer(client, self.server, self.url, {}) as response, path.open("wb") as out:
            announced = response.headers.get("content-length", "")
            if announced.isdigit():
                self._refuse_large(int(announced))
            for chunk in decoded(response):
                if size == 0:
                    _refuse_page(self.url, chunk)
                size += len(chunk)
                self._refuse_large(size)
                if time.monotonic() > deadline:
                    raise _FileError(
                        f"{self.url}: the file has not come whole in {answer_s:g} s",
                        "Try again when the line is faster, or bring the file by the drop folder.",
                    )
                out.write(chunk)

    def _refuse_large(self, size: int) -> None:
        if size > self.largest_bytes:
            raise _FileError(
                f"{self.url}: the file is larger than {self.largest_bytes} bytes",
                "If that is right, raise max_delivery_bytes of the feed.",
            )


def _asked(server: _Server, url: str, once: Callable[[], T]) -> T:
    """The answer to a request that is made again while what fails may pass."""
    try:
        return server.policy.retrying()(once)
    except TransientError as error:
        raise OriginError(
            f"{url}: {error}, {server.policy.tries} times in a row",
            "Check that the address can be reached from here (network, proxy); the next run tries again.",
        ) from error


@contextmanager
def _answer(
    client: httpx.Client, server: _Server, url: str, headers: dict[str, str]
) -> Iterator[httpx.Response]:
    """An answer whose status is good, its body unread.

    Raises:
        TransientError: it failed in a way that may pass, while asking or while the body was read.
        OriginError: somebody has to mend it.
    """
    try:
        with _followed(client, url, headers) as response:
            server.access.raise_if_renewed(response.status_code)
            _check_response(url, response)
            yield response
    except httpx.UnsupportedProtocol as error:
        raise _FileError(f"{url}: {error}", "Correct base_url or files of the origin.") from error
    except httpx.InvalidURL as error:
        raise _FileError(f"{url}: is no address", "Correct base_url or files of the origin.") from error
    except (httpx.TransportError, httpx.DecodingError) as error:
        if is_tls(error):
            raise OriginError(
                f"{url}: no secure connection: {error}",
                "Check the address and the clock. A certificate authority of one's own: SSL_CERT_FILE, or tls of the origin.",
            ) from error
        raise TransientError(_told(error)) from error


@contextmanager
def _followed(client: httpx.Client, url: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
    """The answer that the redirects lead to. httpx would read the body of each of them into memory, however large."""
    request = client.build_request("GET", url, headers=headers)
    secure = request.url.scheme == "https"
    for _ in range(MOST_REDIRECTS + 1):
        with closing(client.send(request, stream=True)) as response:
            if response.next_request is None:
                yield response
                return
            request = response.next_request
        if secure and request.url.scheme != "https":
            raise _FileError(
                f"{url}: redirected from HTTPS to HTTP, where anybody could change the file",
                "Declare the address that the file has now, if it is to be trusted.",
            )
    raise _FileError(
        f"{url}: redirected more than {MOST_REDIRECTS} times",
        "Open it in a browser; correct the address.",
    )


def _check_response(url: str, response: httpx.Response) -> None:
    """Let 200 and 304 pass; tell what may pass by itself from what a person must mend."""
    status = response.status_code
    if status in (httpx.codes.OK, httpx.codes.NOT_MODIFIED):
        return
    if status in RETRIED_STATUS:
        raise TransientError(f"the server answers {status}", retry_after(response))
    if status in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
        raise _AbsentError(
            f"{url}: the server has no such file ({status})",
            "Look where the file is now, and correct base_url or files of the origin.",
        )
    raise _FileError(
        f"{url}: the server answers {status}",
        "Open the address in a browser; ask its owner. The request is not repeated.",
    )


def _refuse_page(url: str, beginning: bytes) -> None:
    """A page for people (maintenance, a login) must not be taken for a delivery."""
    if HTML.match(beginning):
        raise _FileError(
            f"{url}: a web page came instead of the file",
            "Open the address in a browser: maintenance, a login, a moved file? The next run tries again.",
        )


def _told(error: httpx.RequestError) -> str:
    match error:
        case httpx.TimeoutException():
            return "the server takes too long"
        case httpx.ConnectError():
            return f"the server cannot be reached ({error})"
        case httpx.DecodingError():
            return str(error)
        case _:
            # the words of the error may hold an address that the server redirects to, with what signs it
            return f"the answer broke off ({type(error).__name__})"
