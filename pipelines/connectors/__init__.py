"""Fetching bytes: a module for each protocol, chosen by what the origin declares."""

from __future__ import annotations

import importlib
import os
from collections.abc import Collection, Iterator
from dataclasses import replace

from pipelines.declarations.databases import SqlOrigin
from pipelines.declarations.messages import ImapOrigin, MqttOrigin
from pipelines.declarations.origins import Origin
from pipelines.declarations.sftp import SftpOrigin
from pipelines.declarations.sources import Source
from pipelines.deliveries import Candidate, LastSeen
from pipelines.errors import OriginError
from pipelines.settings import Settings


def candidates(
    source: Source,
    feed_name: str,
    settings: Settings,
    instances: Collection[str] | None = None,
    known: LastSeen = frozenset(),
) -> Iterator[Candidate]:
    """The candidates of the chosen origin of a feed, in the order of instances and slices.

    Instead of the mirror, an instance that declares an origin of its own is asked there, after the others.

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
    others = {
        instance: about.origin
        for instance, about in source.instances.items()
        if about.origin is not None and settings.origin == "mirror"
    }
    if not others:
        yield from _asked(origin, source, feed_name, settings, instances, known)
        return
    wanted = source.instances.keys() if instances is None else instances
    asked: list[tuple[Origin, list[str]]] = [(origin, [one for one in wanted if one not in others])]
    asked += [(own, [instance]) for instance, own in others.items() if instance in wanted]
    failures: list[OriginError] = []
    for one, by_it in asked:
        try:
            if by_it:
                yield from _asked(one, source, feed_name, settings, by_it, known)
        except OriginError as error:
            failures.append(error)
    if failures:
        raise OriginError.of_several(failures)


def _asked(
    origin: Origin,
    source: Source,
    feed_name: str,
    settings: Settings,
    instances: Collection[str] | None,
    known: LastSeen,
) -> Iterator[Candidate]:
    """The candidates of one origin. ``GOROD_<SOURCE>_SYNTHETIC=1`` says that databases, hosts and brokers hold invented data."""
    connector = importlib.import_module(f"pipelines.connectors.{origin.kind}")
    invented = os.environ.get(f"GOROD_{source.source.upper()}_SYNTHETIC", "").strip() == "1"
    elsewhere = isinstance(origin, SftpOrigin | SqlOrigin | ImapOrigin | MqttOrigin)
    feed = source.feeds[feed_name]
    for candidate in connector.candidates(source, feed_name, feed, origin, settings, instances, known):
        yield replace(candidate, synthetic=True) if invented and elsewhere else candidate
