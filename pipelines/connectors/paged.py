"""Records that are pulled page by page: the whole snapshot or nothing.

No such protocol has snapshots: pages are cut out of a list that may change meanwhile. A pull is trusted only if every page
names the same total, where one is declared, no identifier comes on two pages, no page says of itself that it holds other than
it does, no cursor comes twice, and there are as many records as the total says. Otherwise it is taken again from the start, a
declared number of times, then refused. Pages land as they were answered, byte for byte.

Environment, by the source's name in capitals: ``GOROD_<SOURCE>_URL`` is the address of the real system (with ``{instance}`` in
it, if the source has several), ``GOROD_<SOURCE>_TOKEN`` a bearer token where the origin declares no ``auth``; further secrets
as the origin declares.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

import httpx

from pipelines.connectors import http_retry
from pipelines.connectors.http_access import Access, access, is_tls, limited
from pipelines.connectors.http_retry import RETRIED_STATUS, TransientError, decoded, retry_after
from pipelines.declarations.feeds import Feed
from pipelines.declarations.formats import GeoJsonFormat, JsonRecordsFormat
from pipelines.declarations.http_access import variables
from pipelines.declarations.origins import HEADER, PagedOrigin
from pipelines.declarations.sources import Source
from pipelines.deliveries import Candidate, LastSeen, Slice, month_span
from pipelines.errors import OriginError
from pipelines.formats.json_document import JsonError, parse
from pipelines.formats.snapshot import LARGEST_PAGE, SNAPSHOT, Snapshot, page_name
from pipelines.json_path import ShapeError, parse_path, scalar_text
from pipelines.moments import today
from pipelines.periods import months_from, running_period
from pipelines.settings import Settings

NO_JSON = {"file.whole": "no complete JSON", "file.encoding": "not in UTF-8", "json.depth": "nested too deep"}
# pages without a record, one behind the other, after which a server that always names a next one is given up
MOST_EMPTY = 20
MOST_PAGES = 1_000_000


@dataclass(frozen=True)
class RetryPolicy(http_retry.RetryPolicy):
    """How long to bear with a server, and how often a whole snapshot is tried; None: as often as the origin declares."""

    snapshots: int | None = None


@dataclass(frozen=True)
class Pull:
    """What one snapshot is asked of: an origin of one instance, for one slice.

    ``token``, ``login`` and ``secrets`` (headers) never leave the request. A page is held in memory while it is checked, so it
    has a limit of its own: ``largest_page``, in bytes. ``base_url`` is where it is asked, ``origin`` what is written down.
    """

    paging: PagedOrigin
    base_url: str
    origin: str
    source: str
    records: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    largest_bytes: int = 2_000_000_000
    largest_page: int = LARGEST_PAGE
    token: str = field(default="", repr=False)
    login: tuple[str, str] | None = field(default=None, repr=False)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    access: Access | None = field(default=None, repr=False)
    loopback: bool = False
    address_hint: str = ""


# gives the system as it can be reached while the block runs: another one on loopback, where the origin is simulated
Reach = Callable[[Pull], AbstractContextManager[Pull]]


class _TornError(Exception):
    """The pages do not make one snapshot."""


def candidates(
    source: Source,
    feed_name: str,
    feed: Feed,
    origin: PagedOrigin,
    settings: Settings,  # noqa: ARG001 - all connectors are called alike
    instances: Collection[str] | None,
    known: LastSeen,  # noqa: ARG001 - only fetching tells what is new
    reach: Reach | None = None,
    address_hint: str = "it ends before the path that the origin declares",
) -> Iterator[Candidate]:
    """A candidate for each instance and slice: the running period of the feed, or each month that parameters ask for.

    ``reach`` reaches a simulated system, unless the environment names a real one.

    Raises:
        OriginError: the address from the environment is unusable, or a secret is missing there.
    """
    prefix = f"GOROD_{source.source.upper()}"
    address = os.environ.get(f"{prefix}_URL", "").strip()
    real = bool(address)
    template = address or origin.base_url
    _check_address(template, source, origin, real)
    simulated = reach is not None and not real
    secrets = {} if simulated else _secrets(origin)
    for instance in source.instances:
        if instances is not None and instance not in instances:
            continue
        base_url, login = _without_secrets(template.replace("{instance}", quote(instance)))
        for slice_ in _slices(feed, origin):
            pull = Pull(
                paging=origin,
                base_url=base_url,
                origin=base_url,
                source=source.source,
                records=_records_of(feed),
                parameters={
                    name: _filled(text, instance, slice_) for name, text in origin.parameters.items()
                },
                largest_bytes=feed.max_delivery_bytes,
                token="" if simulated else os.environ.get(f"{prefix}_TOKEN", "").strip(),
                login=None if simulated else login,
                secrets=secrets,
                access=None
                if simulated
                else access(origin, base_url, instance, limited(RetryPolicy(), origin)),
                address_hint=address_hint,
            )
            yield Candidate(
                source=source.source,
                feed=feed_name,
                instance=instance,
                slice=slice_,
                origin=base_url,
                fingerprint=None,
                synthetic=origin.synthetic and not real,
                fetch=_Fetch(pull, reach if simulated else None),
            )


def _records_of(feed: Feed) -> str:
    """Where the list of records stands in a page."""
    match feed.format:
        case JsonRecordsFormat(records=path):
            return path
        case GeoJsonFormat():
            return "features"
        case _:
            return ""


def _slices(feed: Feed, origin: PagedOrigin) -> Iterator[Slice]:
    """The months that are asked for one by one, or the running period, by the clock of Minsk."""
    part = feed.part or ""
    if not origin.by_month:
        yield Slice(part, *running_period(feed.cadence, today()))
        return
    assert feed.first_month is not None  # the declaration holds to it
    for month in months_from(feed.first_month, today()):
        yield Slice(part, *month_span(month))


def _filled(text: str, instance: str, slice_: Slice) -> str:
    first, last = slice_.first_day or date.min, slice_.last_day or date.max
    values = {"instance": instance, "month": f"{first:%Y-%m}", "first_day": str(first), "last_day": str(last)}
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _secrets(origin: PagedOrigin) -> dict[str, str]:
    missing = [name for name in origin.secret_headers.values() if not os.environ.get(name, "").strip()]
    if missing:
        raise OriginError(
            f"the environment has no {', '.join(missing)}",
            "Set it: the origin declares it in secret_headers.",
        )
    return {header: os.environ[name].strip() for header, name in origin.secret_headers.items()}


@dataclass(frozen=True)
class _Fetch:
    """Take a snapshot into a folder."""

    pull: Pull
    reach: Reach | None

    def __call__(self, folder: Path) -> None:
        with self.reach(self.pull) if self.reach else nullcontext(self.pull) as pull:
            take_snapshot(pull, folder)


def take_snapshot(pull: Pull, folder: Path, policy: RetryPolicy | None = None) -> Snapshot:
    """Write the pages of one whole snapshot and ``snapshot.json`` into ``folder``.

    The pages hold the exact bytes of the answers (after content decoding), in the server's order. If no whole
    snapshot can be had, nothing is left in the folder.

    Raises:
        OriginError: the server does not answer, refuses, or its pages never make one snapshot.
    """
    policy = policy or limited(RetryPolicy(), pull.paging)
    tries = policy.snapshots or pull.paging.snapshots
    torn = ""
    with _client(pull, policy) as client:
        for attempt in range(tries):
            if attempt:
                time.sleep(min(policy.first_wait_s * 2**attempt, policy.longest_wait_s))
            try:
                pages, total = _Attempt(client, pull, folder, policy).run()
            except _TornError as error:
                torn = str(error)
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
        f"{pull.origin}: no whole snapshot in {tries} tries: {torn}",
        "Pull again when the system is quiet; if it goes on, ask its owner for a stable order.",
    )


@dataclass
class _Attempt:
    """One pull from the start to the end."""

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
        """Write the pages; their count, and that of the records.

        Raises:
            _TornError: they do not make one snapshot.
        """
        url: str | None = self.pull.base_url + self.pull.paging.path
        parameters: dict[str, str] | None = self._parameters(self._first())
        while url is not None:
            answer = self._ask(url, parameters)
            body = _document(answer)
            records = self._records(body)
            self._check(answer, body, records)
            self.pages += 1
            self.size += len(answer.content)
            (self.folder / page_name(self.pages)).write_bytes(answer.content)
            url, parameters = self._following(url, answer, body, bool(records))
        if self.total is not None and self.received != self.total:
            raise _TornError(f"{self.received} records came, {self._named('total')} says {self.total}")
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
        """The parameters of a request; ``position`` is the offset, the number of the page or the cursor."""
        paging = self.pull.paging
        given = dict(self.pull.parameters)
        if paging.fields:
            given[paging.fields_parameter] = ",".join(paging.fields)
        if position is not None:
            given[paging.position_parameter or paging.paging] = position
        if paging.size_parameter:
            given[paging.size_parameter] = str(paging.page_size)
        return given

    def _following(
        self, url: str, answer: httpx.Response, body: Any, has_records: bool
    ) -> tuple[str | None, dict[str, str] | None]:
        """Where the next page is: address and parameters; no address behind the last one."""
        paging = self.pull.paging
        self.empty = 0 if has_records else self.empty + 1
        if self.pages >= MOST_PAGES or self.empty > MOST_EMPTY:
            raise _TornError(f"page {self.pages} is not the last one, though {self.empty} pages were empty")
        if paging.paging in ("offset", "page"):
            # A server may give less than was asked for and still have more: only an empty page is an end.
            if not has_records or (self.total is not None and self.received >= self.total):
                return None, None
            at = self.received if paging.paging == "offset" else paging.first_page + self.pages
            return url, self._parameters(str(at))
        named = self._link(answer, body) if paging.paging == "link" else self._text(paging.next, answer, body)
        if not named:
            return None, None
        if named in self.asked:
            raise _TornError(f"page {self.pages} leads back to a page that was there before")
        self.asked.add(named)
        if paging.paging == "cursor":
            return url, self._parameters(named)
        following = urljoin(str(answer.request.url), named)
        try:
            self._refuse_elsewhere(following)
        except httpx.InvalidURL:
            raise _TornError(f"page {self.pages} names a next one whose address cannot be read") from None
        return following, None

    def _link(self, answer: httpx.Response, body: Any) -> str:
        if self.pull.paging.next is not None:
            return self._text(self.pull.paging.next, answer, body)
        return str(answer.links.get("next", {}).get("url", ""))

    def _refuse_elsewhere(self, url: str) -> None:
        """A token must not travel to an address that nobody wrote down."""
        given, declared = httpx.URL(url), httpx.URL(self.pull.base_url)
        if (given.scheme, given.netloc, given.userinfo) != (declared.scheme, declared.netloc, b""):
            raise OriginError(
                f"{self.pull.origin}: page {self.pages} names a next one elsewhere ({given.scheme}://{given.host})",
                "Nothing is asked there. If the system has moved, correct its address.",
            )

    def _records(self, body: Any) -> list[Any]:
        try:
            found = parse_path(self.pull.records).find(body)
        except ShapeError:
            found = []
        if not (found and isinstance(found[0], list)):
            where = f" at {self.pull.records}" if self.pull.records else ""
            raise _TornError(f"a page has no JSON array{where}")
        return found[0]

    def _check(self, answer: httpx.Response, body: Any, records: list[Any]) -> None:
        """Hold a page against those before it, and against what it says of itself."""
        paging, page = self.pull.paging, self.pages + 1
        if paging.total is not None:
            total = self._count("total", answer, body)
            if total is None:
                raise OriginError(
                    f"{self.pull.origin}: no {self._named('total')}, so whether a snapshot is whole is unknown",
                    "Turn it on in the system, or let the proxy pass it; if it never names a total, declare none.",
                )
            if self.total is None:
                self.total = total
            if total != self.total:
                raise _TornError(f"the total changed from {self.total} to {total} on page {page}")
        count = self._count("count", answer, body) if paging.count is not None else None
        if count is not None and count != len(records):
            raise _TornError(f"page {page} holds {len(records)}, {self._named('count')} says {count}")
        identifiers = set(self._identifiers(records))
        if repeated := identifiers & self.seen:
            raise _TornError(f"{len(repeated)} identifiers of page {page} were on an earlier page")
        self.seen |= identifiers
        self.received += len(records)
        if self.total is not None and self.received > self.total:
            raise _TornError(f"{self.received} records came, {self._named('total')} says {self.total}")

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

    def _named(self, which: str) -> str:
        """The header or path that a declared count stands in."""
        place = str(getattr(self.pull.paging, which))
        return f"header {place.removeprefix(HEADER)}" if place.startswith(HEADER) else place

    def _text(self, place: str | None, answer: httpx.Response, body: Any) -> str:
        """What stands in a header or at a path; nothing where there is nothing, or an object."""
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
                f"{self.pull.origin}: {self._named(which)} is no whole number",
                "Mend the system or the proxy before it.",
            )
        return int(text)

    def _ask(self, url: str, parameters: dict[str, str] | None) -> httpx.Response:
        """One page, asked for again while what fails may pass."""
        try:
            return self.policy.retrying()(self._ask_once, url, parameters)
        except TransientError as error:
            raise OriginError(
                f"{self.pull.origin}: {error}, {self.policy.tries} times in a row",
                "Check that the system runs and can be reached from here; the next run tries again.",
            ) from error

    def _ask_once(self, url: str, parameters: dict[str, str] | None) -> httpx.Response:
        pull, bytes_left = self.pull, self.pull.largest_bytes - self.size
        deadline = time.monotonic() + self.policy.answer_s
        try:
            with self.client.stream("GET", url, params=parameters) as response:
                chunks: list[bytes] = []
                size = 0
                for chunk in decoded(response):
                    size += len(chunk)
                    if size > pull.largest_page:
                        raise OriginError(
                            f"{pull.origin}: a page is larger than {pull.largest_page} bytes",
                            "If that is right, lower page_size of the origin, or let the system keep to it.",
                        )
                    if size > bytes_left:
                        raise OriginError(
                            f"{pull.origin}: the snapshot is larger than {pull.largest_bytes} bytes",
                            "If that is right, raise max_delivery_bytes of the feed.",
                        )
                    if time.monotonic() > deadline:
                        raise TransientError(f"an answer took longer than {self.policy.answer_s:g} s")
                    chunks.append(chunk)
        except httpx.TransportError as error:
            if is_tls(error):
                raise OriginError(
                    f"{pull.origin}: no secure connection ({type(error).__name__})",
                    "Check the address and the clock; a certificate authority of one's own, and a client certificate: tls.",
                ) from None
            raise TransientError(f"the server does not answer ({type(error).__name__})") from error
        except (httpx.InvalidURL, httpx.DecodingError) as error:
            raise OriginError(
                f"{pull.origin}: the answer cannot be read ({error})",
                "Check the address and what compresses the answers.",
            ) from error
        self._refuse_status(response)
        return httpx.Response(
            response.status_code,
            headers=_of_decoded(response.headers),
            content=b"".join(chunks),
            request=response.request,
        )

    def _refuse_status(self, response: httpx.Response) -> None:
        """Let 200 and 206 pass; tell what may pass by itself from what a person must mend."""
        status = response.status_code
        if status in (200, 206):
            return
        if self.pull.access is not None:
            self.pull.access.raise_if_renewed(status)
        if status in RETRIED_STATUS:
            raise TransientError(f"the server answers {status}", retry_after(response))
        name = f"GOROD_{self.pull.source.upper()}"
        auth = self.pull.paging.auth
        own = [f"{name}_TOKEN"] if auth is None else variables(auth)
        secrets = ", ".join([*own, *sorted(self.pull.paging.secret_headers.values())])
        remedies = {
            401: f"Set {secrets} to what is valid now.",
            403: f"Ask the owner of the system to let the holder of {secrets} read.",
            404: f"Check {name}_URL: {self.pull.address_hint}.",
        }
        raise OriginError(
            f"{self.pull.origin}: the server answers {status}",
            remedies.get(status, "Check the address and ask the owner; the request is not repeated."),
        )


def _of_decoded(headers: httpx.Headers) -> list[tuple[str, str]]:
    """Headers of the decoded content."""
    encoded = ("content-encoding", "content-length", "transfer-encoding")
    return [(name, value) for name, value in headers.multi_items() if name.lower() not in encoded]


def _document(answer: httpx.Response) -> Any:
    try:
        return parse(answer.content)
    except JsonError as error:
        # a page that can be read but is not strict lands: the gate refuses it, and names what and where
        if error.document is not None:
            return error.document
        html = answer.content.lstrip()[:1] == b"<"
        said = "HTML instead of JSON" if html else NO_JSON.get(error.reasons[0].expectation, "no JSON")
        raise _TornError(f"a page is {said}") from None


def _client(pull: Pull, policy: RetryPolicy) -> httpx.Client:
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        **pull.paging.headers,
        **pull.secrets,
    }
    if pull.token and pull.paging.auth is None:
        headers["Authorization"] = f"Bearer {pull.token}"
    given = pull.access.options() if pull.access is not None else {}
    if given.get("auth") is None:
        given["auth"] = pull.login if not pull.token else None
    return httpx.Client(
        **given,
        headers=headers,
        timeout=policy.timeout,
        # A proxy of the environment must not be asked for this machine's own loopback, nor a .netrc.
        trust_env=not pull.loopback,
        # Redirects are not followed: a token must not travel to an address that nobody wrote down.
        follow_redirects=False,
    )


def _check_address(template: str, source: Source, origin: PagedOrigin, real: bool) -> None:
    named = f"GOROD_{source.source.upper()}_URL" if real else f"base_url of {source.source}"
    if not _is_address(template):
        raise OriginError(
            f"{named} is no address",
            "Write https://host/path, without parameters; in a user and a password, write / ? # @ as %2F %3F %23 %40.",
        )
    asked = [template, *origin.parameters.values()]
    if len(source.instances) > 1 and not any("{instance}" in text for text in asked):
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
