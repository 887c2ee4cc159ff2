"""Records that are pulled page by page: what to pull, from the declaration and the environment.

Environment, by the source's name in capitals: ``GOROD_<SOURCE>_URL`` is the address of the real system (with ``{instance}`` in
it, if the source has several), ``GOROD_<SOURCE>_TOKEN`` a bearer token where the origin declares no ``auth``; further secrets
as the origin declares. ``GOROD_<SOURCE>_SYNTHETIC=1`` says that this address answers with invented data: the loads are marked.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import quote

from pipelines.connectors.addresses import check_address, split_login
from pipelines.connectors.http_access import access, limited
from pipelines.connectors.page_client import Pull, RetryPolicy
from pipelines.connectors.paged_snapshot import take_snapshot
from pipelines.declarations.feeds import Feed
from pipelines.declarations.files import AnyLayer
from pipelines.declarations.formats import GeoJsonFormat, JsonRecordsFormat
from pipelines.declarations.origins import PagedOrigin
from pipelines.declarations.sources import Source
from pipelines.deliveries import Candidate, LastSeen, Slice, month_span
from pipelines.errors import OriginError
from pipelines.moments import today
from pipelines.periods import months_from, running_period
from pipelines.settings import Settings

# Makes the system reachable while the block runs: for a simulated origin, a server on loopback.
Reach = Callable[[Pull], AbstractContextManager[Pull]]


def candidates(
    source: Source,
    feed_name: str,
    feed: Feed,
    origin: PagedOrigin,
    settings: Settings,  # noqa: ARG001 - all connectors are called alike
    instances: Collection[str] | None,
    known: LastSeen,  # noqa: ARG001 - only fetching shows what is new
    reach: Reach | None = None,
    address_hint: str = "it ends before the path that the origin declares",
    version: str = "",
) -> Iterator[Candidate]:
    """A candidate for each instance and slice: the current period of the feed, or each month that the parameters name.

    ``reach`` starts a simulated system; it is not used if the environment names a real one. ``version`` is what
    ``{version}`` in the address stands for.

    Raises:
        OriginError: the address from the environment is unusable, or a secret is missing there.
    """
    prefix = f"GOROD_{source.source.upper()}"
    address = os.environ.get(f"{prefix}_URL", "").strip()
    real = bool(address)
    template = (address or origin.base_url).replace("{version}", version)
    check_address(template, source, origin, real)
    simulated = reach is not None and not real
    invented = os.environ.get(f"{prefix}_SYNTHETIC", "").strip() == "1" if real else origin.synthetic
    secrets = {} if simulated else _secrets(origin)
    for instance in source.instances:
        if instances is not None and instance not in instances:
            continue
        base_url, login = split_login(template.replace("{instance}", quote(instance)))
        for slice_ in _slices(feed, origin):
            pull = Pull(
                paging=origin,
                base_url=base_url,
                origin=base_url,
                source=source.source,
                records=_records_of(feed),
                parameters=_filled(origin.parameters, instance, slice_),
                headers=_filled(origin.headers, instance, slice_),
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
                synthetic=invented,
                fetch=_Fetch(pull, reach if simulated else None),
            )


def _records_of(feed: Feed) -> str:
    """The path of the list of records in a page."""
    match feed.format:
        case JsonRecordsFormat(records=path):
            return path
        case GeoJsonFormat() | AnyLayer():
            return "features"
        case _:
            return ""


def _slices(feed: Feed, origin: PagedOrigin) -> Iterator[Slice]:
    """The months that are requested one by one, or the current period, in Minsk time."""
    part = feed.part or ""
    if not origin.by_month:
        yield Slice(part, *running_period(feed.cadence, today()))
        return
    assert feed.first_month is not None  # the declaration is checked for it
    for month in months_from(feed.first_month, today()):
        yield Slice(part, *month_span(month))


def _filled(texts: dict[str, str], instance: str, slice_: Slice) -> dict[str, str]:
    """Parameters or headers with what stands for the instance and the slice."""
    first, last = slice_.first_day or date.min, slice_.last_day or date.max
    values = {"instance": instance, "month": f"{first:%Y-%m}", "first_day": str(first), "last_day": str(last)}

    def filled(text: str) -> str:
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    return {name: filled(text) for name, text in texts.items()}


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
    """Pull one snapshot into a folder."""

    pull: Pull
    reach: Reach | None

    def __call__(self, folder: Path) -> None:
        with self.reach(self.pull) if self.reach else nullcontext(self.pull) as pull:
            take_snapshot(pull, folder)
