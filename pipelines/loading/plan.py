"""What there is to load: offers that the ledger does not know yet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fcntl import LOCK_EX, LOCK_NB, flock
from os import getpid

from pipelines import connectors, moments
from pipelines.connectors.drop_folder import inbox, strays, wait_until_quiet
from pipelines.connectors.files import HOW_TO_REPAIR
from pipelines.declarations.feeds import Feed
from pipelines.declarations.sources import Source, load_sources
from pipelines.deliveries import Candidate, LastSeen
from pipelines.disk import disk_errors
from pipelines.errors import GorodError, OriginError, WarehouseBusyError
from pipelines.loading.candidates import is_known, last_seen
from pipelines.settings import Settings
from pipelines.warehouse import open_warehouse
from pipelines.warehouse.base import Warehouse


@dataclass(frozen=True)
class Wanted:
    """Which part of all offers is wanted; None means all.

    ``again``: also what was taken already, and looks unchanged; whether its bytes are new is then for the ledger to say.
    """

    source: str | None = None
    feed: str | None = None
    instance: str | None = None
    slice: str | None = None
    again: bool = False

    def feeds(self) -> Iterator[tuple[Source, str, Feed]]:
        """The wanted feeds.

        Raises:
            GorodError: the source, feed or instance does not exist, or all of them are wanted again.
        """
        sources = load_sources()
        if self.again and self.source is None:
            raise GorodError(
                "everything of every source would be fetched again", "Name the one that is meant: --source."
            )
        if self.source is not None and self.source not in sources:
            raise GorodError(f"no source {self.source!r}", f"Declared: {', '.join(sources)}.")
        found = False
        for source in sources.values():
            if self.source in (None, source.source) and self.instance in (None, *source.instances):
                for name, feed in source.feeds.items():
                    if self.feed in (None, name):
                        found = True
                        yield source, name, feed
        if not found:
            raise GorodError(
                f"nothing is declared for feed {self.feed!r}, instance {self.instance!r}",
                "See assets/sources/.",
            )


@dataclass(frozen=True)
class Plan:
    """New offers by feed, and the origins that could not be read (everything else goes on).

    ``without_origin`` are the feeds that declare no origin of the chosen kind. ``faults`` are what lies
    in the drop folder where nobody takes it, ``waiting`` what lies there and is not taken yet.
    """

    candidates: dict[tuple[str, str], list[Candidate]]
    failures: dict[tuple[str, str], OriginError]
    without_origin: list[tuple[str, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)


def make_plan(wanted: Wanted, settings: Settings, warehouse: Warehouse, *, patient: bool = True) -> Plan:
    """Look at every wanted origin and the drop folder, and keep what is new.

    What was dropped comes after what the origin has: of two that are new at once, it has the last word. ``patient``
    waits for files that will be quiet in a moment.
    """
    known = frozenset() if wanted.again else last_seen(warehouse)
    only = None if wanted.instance is None else [wanted.instance]
    candidates: dict[tuple[str, str], list[Candidate]] = {}
    failures: dict[tuple[str, str], OriginError] = {}
    without_origin: list[tuple[str, str]] = []
    feeds = list(wanted.feeds())
    dropped = [inbox(source, name, settings, only) for source, name, _ in feeds]
    if patient and wait_until_quiet(dropped):
        dropped = [inbox(source, name, settings, only) for source, name, _ in feeds]
    beside = strays(settings, wanted.source, wanted.feed)
    for (source, name, feed), lying in zip(feeds, dropped, strict=True):
        new: list[Candidate] = []
        faults = lying.faults
        try:
            for candidate in connectors.candidates(source, name, settings, only, known):
                if wanted.slice in (None, candidate.slice.key) and not _is_known(
                    candidate, known, wanted, feed
                ):
                    new.append(candidate)  # noqa: PERF401 - what came before an error is kept
        except OriginError as error:
            failures[source.source, name] = error
            faults = [*faults, error.message]
        if lying.faults:
            failures[source.source, name] = OriginError("\n".join(faults), HOW_TO_REPAIR)
        new += [candidate for candidate in lying.candidates if wanted.slice in (None, candidate.slice.key)]
        if new:
            candidates[source.source, name] = new
        if settings.origin not in feed.origins:
            without_origin.append((source.source, name))
    waiting = [str(one) for lying in (*dropped, beside) for one in lying.waiting]
    return Plan(candidates, failures, without_origin, beside.faults, waiting)


def all_candidates(
    source: Source,
    feed: str,
    settings: Settings,
    instances: Collection[str] | None = None,
    known: LastSeen = frozenset(),
    note: Callable[[str], None] = lambda _: None,
) -> Iterator[Candidate]:
    """Everything that the feed's origin and, after it, the drop folder hold; of what is known, only what tells cheaply.

    ``note`` receives what lies in the drop folder and is not taken.

    Raises:
        OriginError: the origin cannot be read, or a part of it; what can be read, and what was dropped, comes before.
    """
    failure: OriginError | None = None
    try:
        yield from connectors.candidates(source, feed, settings, instances, known)
    except OriginError as error:
        failure = error
    lying = inbox(source, feed, settings, instances)
    if wait_until_quiet([lying]):
        lying = inbox(source, feed, settings, instances)
    for message in (*lying.faults, *lying.waiting):
        note(f"in the drop folder: {message}")
    yield from lying.candidates
    if failure is not None:
        raise failure


def _is_known(candidate: Candidate, known: LastSeen, wanted: Wanted, feed: Feed) -> bool:
    """Known by fingerprint; or a candidate that only fetching could tell, whose slice has been fetched already.

    Such a pull is made once for each slice, and again when it is asked for by its slice or instance, or as long as the feed
    is refreshed.
    """
    if candidate.fingerprint is not None:
        return is_known(candidate, known)
    asked_for = wanted.slice is not None or wanted.instance is not None
    asked_for |= feed.is_refreshed(candidate.slice.last_day, moments.today())
    slice_ = (candidate.source, candidate.feed, candidate.instance, candidate.slice.key)
    return not asked_for and any(seen[:4] == slice_ for seen in known)


@contextmanager
def run_lock(settings: Settings) -> Iterator[None]:
    """One run at a time in a home folder; the lock dies with its process.

    Raises:
        WarehouseBusyError: another run holds it.
    """
    with disk_errors(settings.home):
        settings.home.mkdir(parents=True, exist_ok=True)
        handle = (settings.home / "run.lock").open("a+", encoding="utf-8")
    with handle:
        try:
            flock(handle, LOCK_EX | LOCK_NB)
        except BlockingIOError as error:
            handle.seek(0)
            holder = handle.read().strip()
            raise WarehouseBusyError(
                f"another run is going on in {settings.home}" + (f" (process {holder})" if holder else ""),
                "Wait until it ends; nothing was changed.",
            ) from error
        handle.truncate(0)
        handle.write(str(getpid()))
        handle.flush()
        # another home may write the same warehouse
        with open_warehouse(settings).writing():
            yield
