"""Files at a public address, by HTTP: checked cheaply, fetched when they are new.

Each request carries what was last known of the file (``If-None-Match``, ``If-Modified-Since``), so a file that has not
changed costs one short answer. With ``listing`` the names are those that the server's own page lists: a file that the server says
was written just now waits for the next run.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import quote

import httpx

from pipelines import moments
from pipelines.connectors import http_client
from pipelines.connectors.http_access import access, limited
from pipelines.connectors.http_client import (
    AbsentError,
    FileError,
    Server,
    new_client,
    open_response,
    refuse_web_page,
    with_retries,
)
from pipelines.connectors.http_listing import listed_names
from pipelines.connectors.http_retry import decoded
from pipelines.declarations.feeds import Feed
from pipelines.declarations.origins import MONTH, HttpOrigin
from pipelines.declarations.sources import Source
from pipelines.deliveries import Candidate, LastSeen, named_slice
from pipelines.errors import OriginError
from pipelines.periods import months_from
from pipelines.settings import Settings

ETAG, MODIFIED = "etag:", "modified:"
_log = logging.getLogger(__name__)


class _FreshError(Exception):
    """The file was written a moment ago, and may be incomplete."""


def candidates(
    source: Source,
    feed_name: str,
    feed: Feed,
    origin: HttpOrigin,
    settings: Settings,
    instances: Collection[str] | None,
    known: LastSeen,
) -> Iterator[Candidate]:
    """The files that the server has. The files that it refuses are reported after the others.

    Raises:
        OriginError: the server cannot be reached, or lacks a file that it should have.
    """
    last = {row[2:5]: row[5] for row in known if row[:2] == (source.source, feed_name)}
    found: list[Candidate] = []
    failures: list[FileError] = []
    for instance in source.instances:
        if (instances is not None and instance not in instances) or origin.instance not in (None, instance):
            continue
        base_url = origin.base_url.replace("{instance}", instance).rstrip("/")
        policy = limited(http_client.RETRY_POLICY, origin)
        server = Server(access(origin, base_url, instance, policy), policy)
        with new_client(server) as client:
            listed = listed_names(client, base_url, feed, server) if origin.listing else ()
            for template in (*origin.files, *listed):
                missing: list[FileError] = []
                for name in _names(template, feed, origin):
                    candidate = _candidate(
                        source.source,
                        feed_name,
                        feed,
                        origin,
                        instance,
                        f"{base_url}/{quote(name)}",
                        name,
                        server,
                    )
                    if _is_settled(candidate, feed, last):
                        failures += missing
                        missing.clear()
                        continue
                    try:
                        fingerprint = _look(
                            client,
                            candidate.origin,
                            last.get((instance, candidate.slice.key, candidate.origin), ""),
                            server,
                            settings.inbox_quiet_s if origin.listing else 0.0,
                        )
                    except _FreshError:
                        _log.warning("%s: was written just now; the next run takes it", candidate.origin)
                    except AbsentError as error:
                        missing.append(error)
                    except FileError as error:
                        failures.append(error)
                    else:
                        found.append(replace(candidate, fingerprint=fingerprint))
                        # Missing before an existing file: a hole. After the last one: not published yet.
                        failures += missing
                        missing.clear()
                if origin.last_month is not None or MONTH not in template:
                    failures += missing
    yield from found
    if failures:
        raise OriginError("\n".join(error.message for error in failures), failures[0].remedy)


def _is_settled(candidate: Candidate, feed: Feed, last: dict[tuple[str, str, str], str]) -> bool:
    """Whether a slice was taken from here and is too old to be requested again."""
    return (
        feed.refresh is not None
        and (candidate.instance, candidate.slice.key, candidate.origin) in last
        and not feed.is_refreshed(candidate.slice.last_day, moments.today())
    )


def _names(template: str, feed: Feed, origin: HttpOrigin) -> Iterator[str]:
    """The file names of a template, months in order."""
    if MONTH not in template:
        yield template
        return
    assert feed.first_month is not None  # the declaration is checked for it
    for month in months_from(feed.first_month, moments.today(), origin.last_month):
        yield template.replace(MONTH, f"{month:%Y-%m}")


def _candidate(
    source: str,
    feed_name: str,
    feed: Feed,
    origin: HttpOrigin,
    instance: str,
    url: str,
    name: str,
    server: Server,
) -> Candidate:
    match = re.fullmatch(feed.file_pattern or r".+", name)
    groups = match.groupdict() if match else {}
    return Candidate(
        source=source,
        feed=feed_name,
        instance=instance,
        slice=named_slice(groups, feed.part),
        origin=url,
        fingerprint=None,
        synthetic=origin.synthetic,
        fetch=_Fetch(url, name, feed.max_delivery_bytes, server),
    )


def _look(client: httpx.Client, url: str, last: str, server: Server, quiet_s: float) -> str | None:
    """The file's fingerprint now: ``last`` if the server says that nothing has changed, None if it gives no fingerprint.

    Raises:
        _FreshError: by the server's own clock, it was written less than ``quiet_s`` ago.
    """
    headers = {}
    if last.startswith(ETAG):
        headers = {"If-None-Match": last.removeprefix(ETAG)}
    elif last.startswith(MODIFIED):
        headers = {"If-Modified-Since": last.removeprefix(MODIFIED)}

    def once() -> str | None:
        with open_response(client, url, headers, server) as response:
            if response.status_code == httpx.codes.NOT_MODIFIED and last:
                return last
            if _age_s(response) < quiet_s:
                raise _FreshError
            if "html" in response.headers.get("content-type", ""):
                refuse_web_page(url, next(decoded(response), b""))
            for header, kind in (("etag", ETAG), ("last-modified", MODIFIED)):
                if given := response.headers.get(header):
                    return f"{kind}{given}"
            return None

    return with_retries(url, once, server)


def _age_s(response: httpx.Response) -> float:
    """How long ago a file was changed, by the server's clock alone; infinite if it does not say."""
    try:
        now, changed = (parsedate_to_datetime(response.headers[name]) for name in ("date", "last-modified"))
        return (now - changed).total_seconds()
    except (KeyError, ValueError, TypeError):
        return float("inf")


@dataclass(frozen=True)
class _Fetch:
    """Stream one file into a folder; nothing is left there if the transfer fails."""

    url: str
    name: str
    largest_bytes: int
    server: Server = field(default_factory=Server)

    def __call__(self, folder: Path) -> None:
        path = folder / self.name
        try:
            with new_client(self.server) as client:
                with_retries(self.url, lambda: self._once(client, path), self.server)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def _once(self, client: httpx.Client, path: Path) -> None:
        answer_s = self.server.policy.answer_s
        deadline = time.monotonic() + answer_s
        size = 0
        with open_response(client, self.url, {}, self.server) as response, path.open("wb") as out:
            announced = response.headers.get("content-length", "")
            if announced.isdigit():
                self._refuse_large(int(announced))
            for chunk in decoded(response):
                if size == 0:
                    refuse_web_page(self.url, chunk)
                size += len(chunk)
                self._refuse_large(size)
                if time.monotonic() > deadline:
                    raise FileError(
                        f"{self.url}: the file was not complete after {answer_s:g} s",
                        "Try again when the connection is faster, or put the file into the drop folder.",
                    )
                out.write(chunk)

    def _refuse_large(self, size: int) -> None:
        if size > self.largest_bytes:
            raise FileError(
                f"{self.url}: the file is larger than {self.largest_bytes} bytes",
                "If that is right, raise max_delivery_bytes of the feed.",
            )
