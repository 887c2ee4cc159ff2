"""Files in a folder: a mirror of the public origin, or the samples. They are only read."""

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
from pipelines.deliveries import CONFIRMATION, Candidate, LastSeen, Slice, named_slice
from pipelines.errors import OriginError
from pipelines.settings import Settings
from pipelines.signs import printable

# What to do about a problem in a folder of files.
HOW_TO_REPAIR = (
    "Mount it, grant read access, rename the file or move it away; everything else continues meanwhile."
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
            "the origin is 'mirror', but no mirror is set", "Set GOROD_MIRROR to the folder of the mirror."
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
                "Move the mirror out of it and set GOROD_MIRROR; nothing was taken or removed.",
            )
        found = _look(folder, source.source, feed_name, feed, instance, origin, settings, root)
        if "{instance}" not in origin.path or not found.is_missing:
            faults += found.faults
        yield from found.candidates
    if faults:
        raise OriginError("\n".join(faults), HOW_TO_REPAIR)


@dataclass
class Found:
    """The content of a folder: candidates and faults. A fault does not stop anything else."""

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
        # a folder may hold files of several feeds: other names do not concern this one
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
        if problem := odd_kind(stat) or odd_name(name) or (confirmed and odd_kind(confirmed)):
            found.faults.append(f"{shown(path)}: {problem}")
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
    """Whether a file's name is a name of the feed's deliveries."""
    return re.fullmatch(feed.file_pattern or r".+", name) is not None


def slice_of(name: str, feed: Feed) -> Slice:
    """The slice that a file's name says.

    Raises:
        OriginError: the period in it is not a period.
    """
    match = re.fullmatch(feed.file_pattern or r".+", name)
    groups = match.groupdict() if match else {}
    return named_slice(groups, feed.part)


def address(kind: str, path: Path) -> str:
    """The address of a file, by its path below the origin's folder: it stays the same if that folder is moved."""
    return f"{kind}:{quote(os.fsencode(path))}"


def real(path: Path) -> Path:
    """Where a path finally leads; for a ring of links, one of them."""
    return Path(os.path.realpath(path))


def shown(path: Path) -> str:
    """A path as one line of text, whatever bytes its names contain."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return printable(text)


def odd_kind(stat: os.stat_result) -> str:
    """What is wrong with something that should be a file, in words; empty for a file."""
    mode = stat.st_mode
    if S_ISREG(mode):
        return ""
    kinds = (
        (S_ISLNK, "a link; what it leads to is neither taken nor removed: put the file itself here"),
        (
            S_ISDIR,
            "a folder where a file is expected: nothing in it is taken; put its files one level up",
        ),
        (S_ISFIFO, "a named pipe, not a file"),
        (S_ISCHR, "a device, not a file"),
        (S_ISBLK, "a device, not a file"),
    )
    return next((said for is_kind, said in kinds if is_kind(mode)), "not a file")


def odd_name(name: str) -> str:
    """What is wrong with a name that cannot be recorded as text; empty for other names."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return "the name is not UTF-8: rename it"
    return "" if name.isprintable() else "the name contains characters that cannot be printed: rename it"


@contextmanager
def opened(path: Path, follow: bool) -> Iterator[BinaryIO]:
    """A file opened for reading. Never blocks: opening a pipe would otherwise wait until somebody writes.

    Raises:
        OSError: it is missing, not a file, or a link that must not be followed.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    descriptor = os.open(path, flags)
    if not S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a file", str(path))
    with os.fdopen(descriptor, "rb") as stream:
        yield stream


def identity(stat: os.stat_result) -> tuple[int, int, int, int]:
    """A file and its state, as cheaply as they can be known."""
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns


class ChangingError(OriginError):
    """A file is no longer what was seen: it is being written, or another is in its place."""


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
    """Copy a file that does not change meanwhile.

    Raises:
        ChangingError: it did change, or is not the ``expected`` one.
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
            "Put it back or grant read access; other files continue meanwhile.",
        ) from error
    if changed or (expected is not None and identity(expected) != identity(before)):
        raise ChangingError(
            f"file {shown(path)} is being written", "Nothing of it was taken; the next run looks again."
        )
