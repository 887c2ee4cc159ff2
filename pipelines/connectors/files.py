"""Files in a folder that stands in for the public origin, or holds the samples. They are read, and never touched."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISBLK, S_ISCHR, S_ISDIR, S_ISFIFO, S_ISLNK, S_ISREG
from typing import BinaryIO
from urllib.parse import quote

from pipelines.declarations.feeds import Feed
from pipelines.declarations.origins import FileOrigin
from pipelines.declarations.sources import SOURCES, Source
from pipelines.deliveries import CONFIRMATION, Candidate, LastSeen, Slice, parse_slice
from pipelines.errors import OriginError
from pipelines.settings import Settings
from pipelines.signs import printable

# What is amiss in a folder of files, and what to do.
HOW_TO_REPAIR = (
    "Mount it, grant read access, rename the file or move it away; everything else goes on meanwhile."
)
CHUNK = 1 << 20


def candidates(
    source: Source,
    feed_name: str,
    feed: Feed,
    origin: FileOrigin,
    settings: Settings,
    instances: Collection[str] | None,
    known: LastSeen,  # noqa: ARG001
) -> Iterator[Candidate]:
    """The files of an origin that match the feed's pattern."""
    root = settings.mirror if settings.origin == "mirror" else SOURCES
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
        own = root if settings.origin == "mirror" else root / source.source
        folder = own / origin.path.format(instance=instance)
        if real(folder).is_relative_to(real(settings.inbox)):
            raise OriginError(
                f"folder {folder} of the origin lies in the drop folder {settings.inbox}, which is emptied",
                "Move the mirror beside it and set GOROD_MIRROR; nothing was taken or removed.",
            )
        found = _look(folder, source.source, feed_name, feed, instance, origin, settings, root)
        if "{instance}" not in origin.path or not found.is_missing:
            faults += found.faults
        yield from found.candidates
    if faults:
        raise OriginError("\n".join(faults), HOW_TO_REPAIR)


@dataclass
class Found:
    """What a folder holds: offers, and what is amiss. One thing amiss stops nothing else."""

    candidates: list[Candidate] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    is_missing: bool = False


def _look(
    folder: Path,
    source: str,
    feed_name: str,
    feed: Feed,
    instance: str,
    origin: FileOrigin,
    settings: Settings,
    root: Path,
) -> Found:
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        said = f"folder {folder} cannot be read: {error.strerror}"
        return Found(faults=[said], is_missing=isinstance(error, FileNotFoundError))
    found = Found()
    for name in names:
        path = folder / name
        # files of several feeds may lie in one folder: other names are not this feed's business
        if not is_named_for(name, feed) or name.endswith(CONFIRMATION):
            continue
        beside = path.with_name(name + CONFIRMATION) if name + CONFIRMATION in names else None
        try:
            stat = path.stat()
            confirmed = beside.stat() if beside else None
            covered = slice_of(name, feed)
        except OSError as error:
            found.faults.append(f"{shown(path)}: cannot be read: {error.strerror}")
            continue
        except OriginError as error:
            found.faults.append(f"{shown(path)}: {error.message}")
            continue
        if amiss := odd_kind(stat) or odd_name(name) or (confirmed and odd_kind(confirmed)):
            found.faults.append(f"{shown(path)}: {amiss}")
            continue
        found.candidates.append(
            Candidate(
                source=source,
                feed=feed_name,
                instance=instance,
                slice=covered,
                origin=address(str(settings.origin), path.relative_to(root)),
                fingerprint=fingerprint(stat, confirmed),
                synthetic=origin.synthetic,
                fetch=_Fetch(path, beside),
            )
        )
    return found


def fingerprint(stat: os.stat_result, confirmation: os.stat_result | None) -> str:
    """Size and time of a file, and of its confirmation: with one, it is another delivery."""
    return "+".join(f"{one.st_size}-{one.st_mtime_ns}" for one in (stat, confirmation) if one)


def is_named_for(name: str, feed: Feed) -> bool:
    """Whether a file's name is that of a delivery of the feed."""
    return re.fullmatch(feed.file_pattern or r".+", name) is not None


def slice_of(name: str, feed: Feed) -> Slice:
    """The slice that a file's name tells.

    Raises:
        OriginError: its period is none.
    """
    match = re.fullmatch(feed.file_pattern or r".+", name)
    groups = match.groupdict() if match else {}
    return parse_slice(groups.get("period"), groups.get("part") or feed.part)


def address(kind: str, path: Path) -> str:
    """The address of a file by its path below the folder of its origin: it outlives a move of that folder."""
    return f"{kind}:{quote(os.fsencode(path))}"


def real(path: Path) -> Path:
    """Where a path leads to in the end; of a ring of links, some link of it."""
    return Path(os.path.realpath(path))


def shown(path: Path) -> str:
    """A path as one line of text, whatever bytes its names are made of."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return printable(text)


def odd_kind(stat: os.stat_result) -> str:
    """What is wrong with something that should be a file, in words; nothing of a file."""
    mode = stat.st_mode
    if S_ISREG(mode):
        return ""
    kinds = (
        (S_ISLNK, "a link; what it leads to is neither taken nor removed: put the file itself here"),
        (
            S_ISDIR,
            "a folder where a file is expected: nothing in it is looked at; put its files one level up",
        ),
        (S_ISFIFO, "a named pipe, not a file"),
        (S_ISCHR, "a device, not a file"),
        (S_ISBLK, "a device, not a file"),
    )
    return next((said for is_kind, said in kinds if is_kind(mode)), "not a file")


def odd_name(name: str) -> str:
    """What is wrong with a name that cannot be written down as text; nothing of others."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return "the name is not UTF-8: rename it"
    return "" if name.isprintable() else "the name has signs that cannot be printed: rename it"


@contextmanager
def opened(path: Path, follow: bool) -> Iterator[BinaryIO]:
    """A file to read. Anything else is never waited for: to open a pipe would last until somebody writes.

    Raises:
        OSError: it is not there, no file, or a link that is not to be followed.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    descriptor = os.open(path, flags)
    if not S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a file", str(path))
    with os.fdopen(descriptor, "rb") as stream:
        yield stream


def identity(stat: os.stat_result) -> tuple[int, int, int, int]:
    """What a file is and what state it is in, as cheaply as that can be known."""
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns


class ChangingError(OriginError):
    """A file is not what was looked at a moment ago: somebody writes it, or has put another in its place."""


@dataclass(frozen=True)
class _Fetch:
    """Copy one file, and its confirmation if there is one, into a folder."""

    path: Path
    confirmation: Path | None = None

    def __call__(self, folder: Path) -> None:
        for path in (self.path, self.confirmation):
            if path is not None:
                copy(path, folder / path.name, follow=True)


def copy(path: Path, target: Path, *, follow: bool, expected: os.stat_result | None = None) -> None:
    """Copy a file that stays the same meanwhile.

    Raises:
        ChangingError: it did not, or is not the ``expected`` one.
        OriginError: it cannot be read.
    """
    try:
        with opened(path, follow) as source, target.open("wb") as out:
            before = os.fstat(source.fileno())
            shutil.copyfileobj(source, out, CHUNK)
            changed = identity(os.fstat(source.fileno())) != identity(before)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise OriginError(
            f"file {shown(path)} cannot be read: {error.strerror}",
            "Put it back or grant read access; other files go on meanwhile.",
        ) from error
    if changed or (expected is not None and identity(expected) != identity(before)):
        raise ChangingError(
            f"file {shown(path)} is being written", "Nothing was taken of it; the next run looks again."
        )
