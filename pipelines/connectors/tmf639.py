"""A resource inventory of TM Forum TMF639: pages by offset and limit (v4) or by links (v5), with the counts in headers."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from pkgutil import resolve_name
from urllib.parse import urlsplit

from pipelines.connectors import paged
from pipelines.connectors.page_client import Pull
from pipelines.declarations.feeds import Feed
from pipelines.declarations.formats import Tmf639Format
from pipelines.declarations.origins import Tmf639Origin
from pipelines.declarations.sources import SOURCES, Source
from pipelines.deliveries import Candidate, LastSeen
from pipelines.errors import OriginError
from pipelines.settings import Settings


def candidates(
    source: Source,
    feed_name: str,
    feed: Feed,
    origin: Tmf639Origin,
    settings: Settings,
    instances: Collection[str] | None,
    known: LastSeen,
) -> Iterator[Candidate]:
    """One candidate for each instance: its inventory as it is now, for the current month in Belarus.

    Raises:
        OriginError: the address from the environment is unusable.
    """
    simulated = (
        None if origin.simulator is None else _simulated(origin.simulator, SOURCES / source.source / "sample")
    )
    for instance in source.instances:
        if instances is None or instance in instances:
            spoken = feed.format if isinstance(feed.format, Tmf639Format) else Tmf639Format()
            version = spoken.version_of(instance)
            yield from paged.candidates(
                source,
                feed_name,
                feed,
                origin.paged(version),
                settings,
                [instance],
                known,
                reach=simulated,
                address_hint=f"it ends in …/resourceInventoryManagement/{version}",
                version=version,
            )


def _simulated(simulator: str, sample: Path) -> paged.Reach:
    """Run a sample's simulator on a free port of the loopback interface.

    ``origin``, which is recorded, keeps the declared address: the port differs from pull to pull.
    """

    @contextmanager
    def reach(pull: Pull) -> Iterator[Pull]:
        try:
            serve = resolve_name(simulator)
        except (ImportError, AttributeError) as error:
            raise OriginError(
                f"{pull.origin}: the simulator {simulator} is not there: {error}",
                "Run from a checkout, which has the simulators, or give the address of the real system: docs/connectors.md.",
            ) from error
        with serve(sample) as server:
            yield replace(pull, base_url=server.url + urlsplit(pull.base_url).path, loopback=True)

    return reach
