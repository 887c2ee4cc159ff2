"""Fetching bytes: a module for each protocol, chosen by what the origin declares."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterator

from pipelines.declarations.sources import Source
from pipelines.deliveries import Candidate, LastSeen
from pipelines.settings import Settings


def candidates(
    source: Source,
    feed_name: str,
    settings: Settings,
    instances: Collection[str] | None = None,
    known: LastSeen = frozenset(),
) -> Iterator[Candidate]:
    """What the chosen origin of a feed has to offer, in the order of instances and slices.

    ``known`` is what was last taken of it: a connector may ask only for what has changed since. A feed that declares no
    such origin has nothing to offer: it is delivered by the drop folder.

    Raises:
        OriginError: the origin cannot be read, or a part of it; what can be read comes before.
    """
    feed = source.feeds[feed_name]
    assert settings.origin
    origin = feed.origins.get(settings.origin)
    if origin is None:
        return
    connector = importlib.import_module(f"pipelines.connectors.{origin.kind}")
    yield from connector.candidates(source, feed_name, feed, origin, settings, instances, known)
