"""Files in a folder: a mirror of the public origin, the samples, the drop folder."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from pipelines.declarations.sources import SOURCES, Feed, FileOrigin, Source
from pipelines.errors import OriginError
from pipelines.loading.delivery import Known, Offer, parse_slice
from pipelines.settings import Settings


def offers(
    source: Source,
    feed_name: str,
    feed: Feed,
    origin: FileOrigin,
    settings: Settings,
    instances: Collection[str] | None,
    known: Known,  # noqa: ARG001
) -> Iterator[Offer]:
    """The files of an origin that match the feed's pattern."""
    root = settings.mirror if settings.origin == "mirror" else SOURCES / source.source
    if root is None:
        raise OriginError(
            "the origin is 'mirror' and no mirror is set", "Set GOROD_MIRROR to the folder of the mirror."
        )
    for instance in source.instances:
        if instances is not None and instance not in instances:
            continue
        if origin.instance is not None and origin.instance != instance:
            continue
        folder = root / origin.path.format(instance=instance)
        if "{instance}" in origin.path and not folder.exists():
            continue
        yield from _in_folder(folder, source.source, feed_name, feed, instance, origin.synthetic)


def inbox_offers(
    source: Source, feed_name: str, settings: Settings, instances: Collection[str] | None = None
) -> Iterator[Offer]:
    """The files that wait in the drop folder ``inbox/<source>/<feed>/<instance>/``."""
    for instance in source.instances:
        folder = settings.inbox / source.source / feed_name / instance
        if (instances is None or instance in instances) and folder.is_dir():
            yield from _in_folder(
                folder, source.source, feed_name, source.feeds[feed_name], instance, synthetic=False
            )


def _in_folder(
    folder: Path, source: str, feed_name: str, feed: Feed, instance: str, synthetic: bool
) -> Iterator[Offer]:
    pattern = re.compile(feed.file_pattern or r".+")
    try:
        found = sorted((path, path.stat()) for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise OriginError(
            f"folder {folder} cannot be read: {error.strerror}",
            "Mount it or grant read access; other sources go on meanwhile.",
        ) from error
    for path, stat in found:
        match = pattern.fullmatch(path.name)
        if match is None:
            continue
        groups = match.groupdict()
        yield Offer(
            source=source,
            feed=feed_name,
            instance=instance,
            slice=parse_slice(groups.get("period"), groups.get("part") or feed.part),
            origin=path.as_uri(),
            fingerprint=f"{stat.st_size}-{stat.st_mtime_ns}",
            synthetic=synthetic,
            fetch=_copy(path),
        )


class _copy:  # noqa: N801 - reads as the function that it is
    """Copy one file into a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, folder: Path) -> None:
        try:
            source = self.path.open("rb")
        except OSError as error:
            raise OriginError(
                f"file {self.path} cannot be read: {error.strerror}",
                "Put it back or grant read access; other files go on meanwhile.",
            ) from error
        # it is open only to know that it can be read: copyfile leaves the copying to the kernel
        with source:
            shutil.copyfile(self.path, folder / self.path.name)
