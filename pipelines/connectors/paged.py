"""Records that are pulled page by page: what to pull, from the declaration and the environment.

Environment, by the source's name in capitals: ``GOROD_<SOURCE>_URL`` is the address of the real system (with ``{instance}`` in
it, if the source has several), ``GOROD_<SOURCE>_TOKEN`` a bearer token; further secrets as the origin declares.
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
from pipelines.connectors.page_client import Pull
from pipelines.connectors.paged_snapshot import take_snapshot
from pipelines.declarations.feeds import Feed
from pipelines.declarations.formats import JsonRecordsFormat
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
) -> Iterator[Candidate]:
    """A candidate for each instance and slice: the current period of the feed, or each month that the parameters name.

    ``reach`` starts a simulated system; it is not used if the environment names a real one.

    Raises:
        OriginError: the address from the environment is unusable, or a secret is missing there.
    """
    prefix = f"GOROD_{source.source.upper()}"
    address = os.environ.get(f"{prefix}_URL", "").strip()
    real = bool(address)
    template = address or origin.base_url
    check_address(template, source, origin, real)
    simulated = reach is not None and not real
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
                records=feed.format.records if isinstance(feed.format, JsonRecordsFormat) else "",
                parameters={
                    name: _filled(text, instance, slice_) for name, text in origin.parameters.items()
                },
                largest_bytes=feed.max_delivery_bytes,
                token="" if simulated else os.environ.get(f"{prefix}_TOKEN", "").strip(),
                login=None if simulated else login,
                secrets=secrets,
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


def _slices(feed: Feed, origin: PagedOrigin) -> Iterator[Slice]:
    """The months that are requested one by one, or the current period, in Minsk time."""
    part = feed.part or ""
    if not origin.by_month:
        yield Slice(part, *running_period(feed.cadence, today()))
        return
    assert feed.first_month is not None  # the declaration is checked for it
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
    """Pull one snapshot into a folder."""

    pull: Pull
    reach: Reach | None

    def __call__(self, folder: Path) -> None:
        with self.reach(self.pull) if self.reach else nullcontext(self.pull) as pull:
            take_snapshot(pull, folder)
