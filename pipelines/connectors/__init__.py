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
    """The candidates of the chosen origin of a feed, in the order of instances and slices.

    ``known`` is what was last taken from it: a connector may request only what has changed since. A feed without such an
    origin has no candidates: it is delivered through the drop folder.

    Raises:
        OriginError: the origin, or a part of it, cannot be read; the readable candidates come first.
    """
    feed = source.feeds[feed_name]
    assert settings.origin
    origin = feed.origins.get(settings.origin)
    if origin is None:
        return
    connector = importlib.import_module(f"pipelines.connectors.{origin.kind}")
    yield from connector.candidates(source, feed_name, feed, origin, settings, instances, known)
