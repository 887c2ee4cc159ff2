"""Files at a public address, by HTTP: checked cheaply, fetched when they are new.

Each request carries what was last known of the file (``If-None-Match``, ``If-Modified-Since``), so a file that has not
changed costs one short answer.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import httpx

from pipelines import moments
from pipelines.connectors import http_client
from pipelines.connectors.http_client import (
    AbsentError,
    FileError,
    new_client,
    open_response,
    refuse_web_page,
    with_retries,
)
from pipelines.connectors.http_retry import decoded
from pipelines.declarations.feeds import Feed
from pipelines.declarations.origins import MONTH, HttpOrigin
from pipelines.declarations.sources import Source
from pipelines.deliveries import Candidate, LastSeen, parse_slice
from pipelines.errors import OriginError
from pipelines.periods import months_from
from pipelines.settings import Settings

ETAG, MODIFIED = "etag:", "modified:"


def candidates(
    source: Source,
    feed_name: str,
    feed: Feed,
    origin: HttpOrigin,
    settings: Settings,  # noqa: ARG001 - all connectors are called alike
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
    with new_client() as client:
        for instance in source.instances:
            if (instances is not None and instance not in instances) or origin.instance not in (
                None,
                instance,
            ):
                continue
            for template in origin.files:
                missing: list[FileError] = []
                for name in _names(template, feed, origin):
                    candidate = _candidate(source.source, feed_name, feed, origin, instance, name)
                    if _is_settled(candidate, feed, last):
                        failures += missing
                        missing.clear()
                        continue
                    try:
                        fingerprint = _look(
                            client,
                            candidate.origin,
                            last.get((instance, candidate.slice.key, candidate.origin), ""),
                        )
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
    source: str, feed_name: str, feed: Feed, origin: HttpOrigin, instance: str, name: str
) -> Candidate:
    match = re.fullmatch(feed.file_pattern or r".+", name)
    groups = match.groupdict() if match else {}
    url = origin.base_url.replace("{instance}", instance).rstrip("/") + "/" + quote(name)
    return Candidate(
        source=source,
        feed=feed_name,
        instance=instance,
        slice=parse_slice(groups.get("period"), groups.get("part") or feed.part),
        origin=url,
        fingerprint=None,
        synthetic=False,
        fetch=_Fetch(url, name, feed.max_delivery_bytes),
    )


def _look(client: httpx.Client, url: str, last: str) -> str | None:
    """The file's fingerprint now: ``last`` if the server says that nothing has changed, None if it gives no fingerprint."""
    headers = {}
    if last.startswith(ETAG):
        headers = {"If-None-Match": last.removeprefix(ETAG)}
    elif last.startswith(MODIFIED):
        headers = {"If-Modified-Since": last.removeprefix(MODIFIED)}

    def once() -> str | None:
        with open_response(client, url, headers) as response:
            if response.status_code == httpx.codes.NOT_MODIFIED and last:
                return last
            if "html" in response.headers.get("content-type", ""):
                refuse_web_page(url, next(decoded(response), b""))
            for header, kind in (("etag", ETAG), ("last-modified", MODIFIED)):
                if given := response.headers.get(header):
                    return f"{kind}{given}"
            return None

    return with_retries(url, once)


@dataclass(frozen=True)
class _Fetch:
    """Stream one file into a folder; nothing is left there if the transfer fails."""

    url: str
    name: str
    largest_bytes: int

    def __call__(self, folder: Path) -> None:
        path = folder / self.name
        try:
            with new_client() as client:
                with_retries(self.url, lambda: self._once(client, path))
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def _once(self, client: httpx.Client, path: Path) -> None:
        deadline = time.monotonic() + http_client.RETRY_POLICY.answer_s
        size = 0
        with open_response(client, self.url, {}) as response, path.open("wb") as out:
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
                        f"{self.url}: the file was not complete after {http_client.RETRY_POLICY.answer_s:g} s",
                        "Try again when the connection is faster, or put the file into the drop folder.",
                    )
                out.write(chunk)

    def _refuse_large(self, size: int) -> None:
        if size > self.largest_bytes:
            raise FileError(
                f"{self.url}: the file is larger than {self.largest_bytes} bytes",
                "If that is right, raise max_delivery_bytes of the feed.",
            )
