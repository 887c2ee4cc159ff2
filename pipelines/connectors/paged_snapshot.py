"""A whole snapshot, or nothing: the pages are requested in turn, checked against each other, and written as they were received.

A snapshot is trusted only if every page declares the same total (where the origin declares one), no identifier is on two
pages, no page contradicts its own count, no cursor repeats, and there are as many records as the total says. Otherwise the
pull starts again, a declared number of times, and is then refused.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx

from pipelines.connectors.http_access import limited
from pipelines.connectors.page_client import Pull, RetryPolicy, new_client, request_page
from pipelines.declarations.origins import HEADER
from pipelines.errors import OriginError
from pipelines.formats.json_document import JsonError, parse
from pipelines.formats.snapshot import SNAPSHOT, Snapshot, page_name
from pipelines.json_path import ShapeError, parse_path, scalar_text

NOT_JSON = {
    "file.whole": "not complete JSON",
    "file.encoding": "not in UTF-8",
    "json.depth": "nested too deep",
}
# How many empty pages in a row are accepted from a server that always names a next page.
MOST_EMPTY = 20
MOST_PAGES = 1_000_000


class _InconsistentError(Exception):
    """The pages are not one consistent snapshot."""


def take_snapshot(pull: Pull, folder: Path, policy: RetryPolicy | None = None) -> Snapshot:
    """Write the pages of one whole snapshot and ``snapshot.json`` into ``folder``.

    The pages hold the exact bytes of the answers (after content decoding), in the server's order. If the pull fails,
    nothing is left in the folder.

    Raises:
        OriginError: the server does not answer, refuses, or its pages are never consistent.
    """
    policy = policy or limited(RetryPolicy(), pull.paging)
    tries = policy.snapshots or pull.paging.snapshots
    problem = ""
    with new_client(pull, policy) as client:
        for attempt in range(tries):
            if attempt:
                time.sleep(min(policy.first_wait_s * 2**attempt, policy.longest_wait_s))
            try:
                pages, total = _Attempt(client, pull, folder, policy).run()
            except _InconsistentError as error:
                problem = str(error)
                _clear(folder)
                continue
            except BaseException:
                _clear(folder)
                raise
            snapshot = Snapshot(base_url=pull.origin, pages=pages, total=total)
            text = json.dumps(snapshot.model_dump(), ensure_ascii=False, indent=1, sort_keys=True)
            (folder / SNAPSHOT).write_text(text + "\n", encoding="utf-8")
            return snapshot
    raise OriginError(
        f"{pull.origin}: no consistent snapshot in {tries} tries: {problem}",
        "Pull again when the system is quiet; if it happens again, ask its owner for a stable order of records.",
    )


@dataclass
class _Attempt:
    """One pull from start to end."""

    client: httpx.Client
    pull: Pull
    folder: Path
    policy: RetryPolicy
    total: int | None = None
    received: int = 0
    pages: int = 0
    size: int = 0
    empty: int = 0
    seen: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)

    def run(self) -> tuple[int, int]:
        """Write the pages; return the number of pages and of records.

        Raises:
            _InconsistentError: they are not one snapshot.
        """
        url: str | None = self.pull.base_url + self.pull.paging.path
        parameters: dict[str, str] | None = self._parameters(self._first())
        while url is not None:
            answer = request_page(
                self.client, self.pull, self.policy, url, parameters, self.pull.largest_bytes - self.size
            )
            body = _document(answer)
            records = self._records(body)
            self._check(answer, body, records)
            self.pages += 1
            self.size += len(answer.content)
            (self.folder / page_name(self.pages)).write_bytes(answer.content)
            url, parameters = self._next(url, answer, body, bool(records))
        if self.total is not None and self.received != self.total:
            raise _InconsistentError(
                f"{self.received} records were received, {self._name_of('total')} says {self.total}"
            )
        return self.pages, self.received

    def _first(self) -> str | None:
        match self.pull.paging.paging:
            case "offset":
                return "0"
            case "page":
                return str(self.pull.paging.first_page)
            case _:
                return None

    def _parameters(self, position: str | None) -> dict[str, str]:
        """The parameters of a request; ``position`` is the offset, the page number or the cursor."""
        paging = self.pull.paging
        given = dict(self.pull.parameters)
        if paging.fields:
            given[paging.fields_parameter] = ",".join(paging.fields)
        if position is not None:
            given[paging.position_parameter or paging.paging] = position
        if paging.size_parameter:
            given[paging.size_parameter] = str(paging.page_size)
        return given

    def _next(
        self, url: str, answer: httpx.Response, body: Any, has_records: bool
    ) -> tuple[str | None, dict[str, str] | None]:
        """Address and parameters of the next page; no address after the last one."""
        paging = self.pull.paging
        self.empty = 0 if has_records else self.empty + 1
        if self.pages >= MOST_PAGES or self.empty > MOST_EMPTY:
            raise _InconsistentError(
                f"page {self.pages} names a next one, though {self.empty} pages in a row were empty"
            )
        if paging.paging in ("offset", "page"):
            # A server may send less than was requested and still have more: only an empty page is the end.
            if not has_records or (self.total is not None and self.received >= self.total):
                return None, None
            at = self.received if paging.paging == "offset" else paging.first_page + self.pages
            return url, self._parameters(str(at))
        target = (
            self._link(answer, body) if paging.paging == "link" else self._text(paging.next, answer, body)
        )
        if not target:
            return None, None
        if target in self.asked:
            raise _InconsistentError(f"page {self.pages} leads back to an earlier page")
        self.asked.add(target)
        if paging.paging == "cursor":
            return url, self._parameters(target)
        next_url = urljoin(str(answer.request.url), target)
        try:
            self._refuse_elsewhere(next_url)
        except httpx.InvalidURL:
            raise _InconsistentError(
                f"the address of the next page, on page {self.pages}, cannot be read"
            ) from None
        return next_url, None

    def _link(self, answer: httpx.Response, body: Any) -> str:
        if self.pull.paging.next is not None:
            return self._text(self.pull.paging.next, answer, body)
        return str(answer.links.get("next", {}).get("url", ""))

    def _refuse_elsewhere(self, url: str) -> None:
        """A token must not travel to an undeclared address."""
        given, declared = httpx.URL(url), httpx.URL(self.pull.base_url)
        if (given.scheme, given.netloc, given.userinfo) != (declared.scheme, declared.netloc, b""):
            raise OriginError(
                f"{self.pull.origin}: page {self.pages} leads to another server ({given.scheme}://{given.host})",
                "No request was sent there. If the system has moved, correct its address.",
            )

    def _records(self, body: Any) -> list[Any]:
        try:
            found = parse_path(self.pull.records).find(body)
        except ShapeError:
            found = []
        if not (found and isinstance(found[0], list)):
            where = f" at {self.pull.records}" if self.pull.records else ""
            raise _InconsistentError(f"a page has no JSON array{where}")
        return found[0]

    def _check(self, answer: httpx.Response, body: Any, records: list[Any]) -> None:
        """Check a page against the earlier ones and against its own count."""
        paging, page = self.pull.paging, self.pages + 1
        if paging.total is not None:
            total = self._count("total", answer, body)
            if total is None:
                raise OriginError(
                    f"{self.pull.origin}: no {self._name_of('total')}, so it is unknown whether the snapshot is complete",
                    "Turn it on in the system, or let the proxy pass it; if the system has no total, do not declare one.",
                )
            if self.total is None:
                self.total = total
            if total != self.total:
                raise _InconsistentError(f"the total changed from {self.total} to {total} on page {page}")
        count = self._count("count", answer, body) if paging.count is not None else None
        if count is not None and count != len(records):
            raise _InconsistentError(
                f"page {page} holds {len(records)} records, {self._name_of('count')} says {count}"
            )
        identifiers = set(self._identifiers(records))
        if repeated := identifiers & self.seen:
            raise _InconsistentError(
                f"{len(repeated)} identifiers of page {page} were already on an earlier page"
            )
        self.seen |= identifiers
        self.received += len(records)
        if self.total is not None and self.received > self.total:
            raise _InconsistentError(
                f"{self.received} records were received, {self._name_of('total')} says {self.total}"
            )

    def _identifiers(self, records: list[Any]) -> Iterator[str]:
        if self.pull.paging.identifier is None:
            return
        path = parse_path(self.pull.paging.identifier)
        for record in records:
            try:
                found = path.find(record)
            except ShapeError:
                continue
            if found and (text := scalar_text(found[0])) is not None:
                yield text

    def _name_of(self, which: str) -> str:
        """The header or path of a declared count, for messages."""
        place = str(getattr(self.pull.paging, which))
        return f"header {place.removeprefix(HEADER)}" if place.startswith(HEADER) else place

    def _text(self, place: str | None, answer: httpx.Response, body: Any) -> str:
        """The text in a header or at a path; empty if there is none, or an object."""
        if place is None:
            return ""
        if place.startswith(HEADER):
            return str(answer.headers.get(place.removeprefix(HEADER), ""))
        try:
            found = parse_path(place).find(body)
        except ShapeError:
            return ""
        return (scalar_text(found[0]) or "") if found else ""

    def _count(self, which: str, answer: httpx.Response, body: Any) -> int | None:
        text = self._text(getattr(self.pull.paging, which), answer, body)
        if not text:
            return None
        if not (text.isascii() and text.isdigit()):
            if which == "count":
                return None
            raise OriginError(
                f"{self.pull.origin}: {self._name_of(which)} is not a whole number",
                "Repair the system, or the proxy in front of it.",
            )
        return int(text)


def _document(answer: httpx.Response) -> Any:
    try:
        return parse(answer.content)
    except JsonError as error:
        # a readable page that is not strict JSON lands: the gate refuses it and says what is wrong where
        if error.document is not None:
            return error.document
        html = answer.content.lstrip()[:1] == b"<"
        said = "HTML instead of JSON" if html else NOT_JSON.get(error.reasons[0].expectation, "not JSON")
        raise _InconsistentError(f"a page is {said}") from None


def _clear(folder: Path) -> None:
    """Remove the pages of a failed pull."""
    for path in folder.glob("page-*.json"):
        path.unlink()
