"""Files in a folder: a mirror of the public origin, the samples, the drop folder."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.declarations.sources import SOURCES, Feed, FileOrigin, Source
from pipelines.errors import OriginError
from pipelines.loading.delivery import Known, Offer, parse_slice
from pipelines.settings import Settings

# What is amiss in a folder of files, and what to do.
AMISS = "Mount it, grant read access, or rename the file; everything else goes on meanwhile."
# What programmes call a file that they have not finished to write.
UNFINISHED = {".part", ".tmp", ".filepart", ".crdownload"}


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
    faults: list[str] = []
    for instance in source.instances:
        if instances is not None and instance not in instances:
            continue
        if origin.instance is not None and origin.instance != instance:
            continue
        folder = root / origin.path.format(instance=instance)
        found = _look(folder, source.source, feed_name, feed, instance, origin.synthetic)
        if "{instance}" not in origin.path or not found.is_missing:
            faults += found.faults
        yield from found.offers
    if faults:
        raise OriginError("\n".join(faults), AMISS)


def inbox(
    source: Source, feed_name: str, settings: Settings, instances: Collection[str] | None = None
) -> Found:
    """What waits in the drop folders ``inbox/<source>/<feed>/<instance>/``.

    Its faults are what nobody will take: names that fit no delivery, folders that cannot be read.
    """
    feed, all_of_it = source.feeds[feed_name], Found()
    for instance in source.instances:
        if instances is None or instance in instances:
            folder = settings.inbox / source.source / feed_name / instance
            found = _look(folder, source.source, feed_name, feed, instance, synthetic=False)
            if found.is_missing:
                continue
            all_of_it.offers += found.offers
            all_of_it.faults += found.faults
            all_of_it.faults += [
                f"{path}: the name fits no delivery of {source.source}.{feed_name}, which are named {feed.file_pattern}"
                for path in found.strangers
                if not path.name.startswith(".") and path.suffix not in UNFINISHED
            ]
    return all_of_it


@dataclass
class Found:
    """What a folder holds: offers, files of other names, and what is amiss. One thing amiss stops nothing else."""

    offers: list[Offer] = field(default_factory=list)
    strangers: list[Path] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    is_missing: bool = False


def _look(folder: Path, source: str, feed_name: str, feed: Feed, instance: str, synthetic: bool) -> Found:
    pattern = re.compile(feed.file_pattern or r".+")
    try:
        listed = sorted((path, path.stat()) for path in folder.iterdir() if path.is_file())
    except OSError as error:
        said = f"folder {folder} cannot be read: {error.strerror}"
        return Found(faults=[said], is_missing=isinstance(error, FileNotFoundError))
    found = Found()
    for path, stat in listed:
        match = pattern.fullmatch(path.name)
        if match is None:
            found.strangers.append(path)
            continue
        groups = match.groupdict()
        try:
            covered = parse_slice(groups.get("period"), groups.get("part") or feed.part)
        except OriginError as error:
            found.faults.append(f"{path}: {error.message}")
            continue
        found.offers.append(
            Offer(
                source=source,
                feed=feed_name,
                instance=instance,
                slice=covered,
                origin=path.as_uri(),
                fingerprint=f"{stat.st_size}-{stat.st_mtime_ns}",
                synthetic=synthetic,
                fetch=_Fetch(path),
            )
        )
    return found


class _Fetch:
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
