"""Fetching bytes: a module for each protocol, chosen by what the origin declares."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterator

from pipelines.declarations.sources import Source
from pipelines.deliveries import Candidate, LastSeen
from pipelines.errors import GorodError
from pipelines.settings import Settings


def candidates(
    source: Source,
    feed_name: str,
    settings: Settings,
    instances: Collection[str] | None = None,
    known: LastSeen = frozenset(),
) -> Iterator[Candidate]:
    """What the chosen origin of a feed has to offer, in the order of instances and slices.

    ``known`` is what was last taken of it: a connector may ask only for what has changed since. Nothing is public of
    a feed that declares no public origin.

    Raises:
        OriginError: the origin cannot be read, or a part of it; what can be read comes before.
        GorodError: the feed has no such origin.
    """
    feed = source.feeds[feed_name]
    assert settings.origin
    origin = feed.origins.get(settings.origin)
    if origin is None and settings.origin == "public":
        return
    if origin is None:
        raise GorodError(
            f"feed {source.source}.{feed_name} declares no origin {settings.origin!r}",
            f"Declared: {', '.join(feed.origins)}; see assets/sources/{source.source}/source.yml.",
        )
    connector = importlib.import_module(f"pipelines.connectors.{origin.kind}")
    yield from connector.candidates(source, feed_name, feed, origin, settings, instances, known)
