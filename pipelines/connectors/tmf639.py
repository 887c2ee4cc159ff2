"""A resource inventory of TM Forum TMF639 v4: pages by offset and limit, with the counts in headers."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from pipelines.connectors import paged
from pipelines.connectors.page_client import Pull
from pipelines.declarations.feeds import Feed
from pipelines.declarations.origins import Tmf639Origin
from pipelines.declarations.sources import SOURCES, Source
from pipelines.deliveries import Candidate, LastSeen
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
    return paged.candidates(
        source,
        feed_name,
        feed,
        origin.paged,
        settings,
        instances,
        known,
        reach=_simulated(SOURCES / source.source / "sample") if origin.sandbox else None,
        address_hint="it ends in …/resourceInventoryManagement/v4",
    )


def _simulated(sample: Path) -> paged.Reach:
    """Run the simulated inventory of a sample on a free port of the loopback interface.

    ``origin``, which is recorded, keeps the declared address: the port differs from pull to pull.
    """

    @contextmanager
    def reach(pull: Pull) -> Iterator[Pull]:
        from sandbox.tmf639 import serve

        with serve(sample) as sandbox:
            yield replace(pull, base_url=sandbox.url + urlsplit(pull.base_url).path, loopback=True)

    return reach
