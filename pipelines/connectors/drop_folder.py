"""The drop folder: files that somebody has put there are taken when they are quiet, and removed once they landed.

``inbox/<source>/<feed>/<instance>/<file>``. Whatever else lies there is told: with a fault, if somebody must act, or
as waiting, if it may become a delivery by itself. Nothing behind a link is taken or removed. A file is removed only if
it is, at that moment, the one that landed: the same inode, size, time and bytes, and nobody writes it.

Quiet is what has not changed for ``GOROD_INBOX_QUIET_S``. Times of change alone do not tell: a copy may set the time
of the original on a file that is still growing, and clocks differ. So the time of the last change of its entry counts
too, which nobody can set, and what this process has seen itself.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISDIR

from pipelines.connectors.files import (
    address,
    copy,
    fingerprint,
    identity,
    is_named_for,
    odd_kind,
    odd_name,
    real,
    shown,
    slice_of,
)
from pipelines.declarations.common import nearest
from pipelines.declarations.feeds import Feed
from pipelines.declarations.sources import Source, load_sources
from pipelines.deliveries import CONFIRMATION, DROPPED, Candidate, digest_of
from pipelines.errors import OriginError
from pipelines.progress import report_progress
from pipelines.settings import Settings

# What programmes call a file that they have not finished to write.
UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload")
# Begins the name of a folder beside a file that is held against what landed, before it is removed.
ASIDE = ".gorod-aside-"
# Whoever loads waits so long for a file to become quiet; what takes longer waits for the next run.
LONGEST_WAIT_S = 15.0

# By folder: when the files in it were first seen as they are now, by this process's own clock. A file that is renamed
# stays the same one.
_first_seen: dict[Path, dict[tuple[int, int, int, int], float]] = {}


@dataclass(frozen=True)
class Waiting:
    """Something that is not taken yet, and why. ``seconds`` is when it will be quiet; None if that hangs on others."""

    path: Path
    why: str
    seconds: float | None = None

    def __str__(self) -> str:
        return f"{shown(self.path)}: {self.why}"


@dataclass
class Dropped:
    """What a part of the drop folder holds."""

    candidates: list[Candidate] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def not_taken(self) -> list[str]:
        """What has not been taken yet, and nobody has to mend: a line each."""
        quiet = (f"{candidate.origin}: is quiet, and taken by the next run" for candidate in self.candidates)
        return [*map(str, self.waiting), *quiet]

    def __iadd__(self, other: Dropped) -> Dropped:
        self.candidates += other.candidates
        self.waiting += other.waiting
        self.faults += other.faults
        return self


def inbox(
    source: Source, feed_name: str, settings: Settings, instances: Collection[str] | None = None
) -> Dropped:
    """What lies in the drop folders of a feed, ``inbox/<source>/<feed>/<instance>/``."""
    found = Dropped()
    for instance in source.instances:
        if instances is None or instance in instances:
            folder = real(settings.inbox) / source.source / feed_name / instance
            # what is a link, or lies behind one, is told by strays()
            if real(folder) == folder:
                found += _look(folder, source, feed_name, instance, settings)
    return found


def strays(settings: Settings, source: str | None = None, feed: str | None = None) -> Dropped:
    """What lies where nobody takes it: beside and above the folders of the instances. Of one source or feed, if named."""
    found = Dropped()
    sources = load_sources()
    root = real(settings.inbox)
    if os.path.lexists(settings.inbox) and not root.is_dir():
        found.faults.append(f"{shown(settings.inbox)}: leads to no folder; nothing can be dropped there")
    for one in _levels(root, sources, "source", source, found):
        feeds = sources[one.name].feeds
        for other in _levels(one, feeds, "feed", feed, found):
            list(_levels(other, sources[one.name].instances, "instance", None, found))
    return found


def survey(
    settings: Settings, source: str | None = None, feed: str | None = None, instance: str | None = None
) -> Dropped:
    """The whole drop folder, or what of it is named."""
    found = strays(settings, source, feed)
    for declared in load_sources().values():
        for name in declared.feeds:
            if source in (None, declared.source) and feed in (None, name):
                found += inbox(declared, name, settings, None if instance is None else [instance])
    return found


def wait_until_quiet(found: Iterable[Dropped]) -> bool:
    """Wait for files that will be quiet in a moment; whether there were any, so that one should look again."""
    soon = [
        waiting
        for one in found
        for waiting in one.waiting
        if waiting.seconds is not None and waiting.seconds <= LONGEST_WAIT_S
    ]
    if not soon:
        return False
    longest = max(waiting.seconds or 0.0 for waiting in soon)
    others = f" and {len(soon) - 1} more" if len(soon) > 1 else ""
    report_progress(
        f"waiting: {longest:.0f} s, until {shown(soon[0].path)}{others} will not have changed for long enough"
    )
    time.sleep(longest + 0.01)
    return True


def _levels(
    folder: Path, names: Mapping[str, object], level: str, wanted: str | None, found: Dropped
) -> list[Path]:
    """The declared folders of a level; whatever else is there is told."""
    declared = []
    for path in _entries(folder, found):
        if wanted not in (None, path.name):
            continue
        try:
            stat = path.lstat()
        except FileNotFoundError:
            continue
        except OSError as error:
            found.faults.append(f"{shown(path)}: cannot be looked at: {error.strerror}")
            continue
        is_folder = S_ISDIR(stat.st_mode)
        if path.name.startswith("."):
            found.waiting.append(Waiting(path, "is hidden, and never taken"))
        elif is_folder and path.name in names:
            declared.append(path)
        elif is_folder:
            found.faults.append(
                f"{shown(path)}: no {level} has this name, and nothing in it is taken; "
                + nearest(path.name, names)
            )
        elif amiss := odd_kind(stat):
            found.faults.append(f"{shown(path)}: {amiss}")
        else:
            found.faults.append(
                f"{shown(path)}: lies above the folders that are looked at; put it into "
                "inbox/<source>/<feed>/<instance>/"
            )
    return declared


def _entries(folder: Path, found: Dropped) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):  # that it is no folder is told where it stands
        return []
    except OSError as error:
        found.faults.append(f"folder {shown(folder)} cannot be read: {error.strerror}")
        return []


def _look(folder: Path, source: Source, feed_name: str, instance: str, settings: Settings) -> Dropped:
    found = Dropped()
    paths = _entries(folder, found)
    if paths and not os.access(folder, os.W_OK):
        found.waiting.append(
            Waiting(folder, "cannot be emptied: what is taken from it stays, until write access is granted")
        )
    aside = [path for path in paths if path.name.startswith(ASIDE)]
    found.faults += [left for path in aside if (left := _put_back(path))]
    if aside:
        paths = [path for path in _entries(folder, found) if not path.name.startswith(ASIDE)]
    feed = source.feeds[feed_name]
    before, seen = _first_seen.get(folder, {}), {}
    written: set[tuple[int, int]] | None = None
    for path in paths:
        try:
            stat = path.lstat()
        except FileNotFoundError:
            continue
        except OSError as error:
            found.faults.append(f"{shown(path)}: cannot be looked at: {error.strerror}")
            continue
        now = time.monotonic()
        seen[identity(stat)] = before.get(identity(stat), now)
        if path.name.startswith("."):
            found.waiting.append(
                Waiting(path, "is hidden, and taken when it has a name without a dot before it")
            )
            continue
        if amiss := odd_kind(stat) or odd_name(path.name):
            found.faults.append(f"{shown(path)}: {amiss}")
            continue
        if path.name.endswith(CONFIRMATION):
            main = path.with_name(path.name.removesuffix(CONFIRMATION))
            if main not in paths:
                found.waiting.append(
                    Waiting(path, f"is a confirmation, and taken together with {shown(Path(main.name))}")
                )
            continue
        if path.name.lower().endswith(UNFINISHED):
            found.waiting.append(Waiting(path, "is unfinished by its name, and taken when it is renamed"))
            continue
        if amiss := _unfit(path, source.source, feed_name, feed):
            found.faults.append(f"{shown(path)}: {amiss}")
            continue
        beside = path.with_name(path.name + CONFIRMATION)
        try:
            confirmed = beside.lstat() if beside in paths else None
        except OSError as error:
            found.faults.append(f"{shown(beside)}: cannot be looked at: {error.strerror}")
            continue
        if confirmed and (amiss := odd_kind(confirmed)):
            found.faults.append(f"{shown(beside)}: {amiss}")
            continue
        whole = [one for one in (stat, confirmed) if one is not None]
        if written is None:
            written = _open_for_writing()
        if any((one.st_dev, one.st_ino) in written for one in whole):
            found.waiting.append(Waiting(path, "is being written, and taken when that has ended"))
            continue
        watched_s = min(now - before.get(identity(one), now) for one in whole)
        if (left_s := max(_restless(one, watched_s, settings.inbox_quiet_s) for one in whole)) > 0:
            found.waiting.append(
                Waiting(
                    path,
                    f"has changed just now, and is taken when it has not for {settings.inbox_quiet_s:g} s "
                    f"({left_s:.0f} s more)",
                    left_s,
                )
            )
            continue
        file = _File(path, stat, confirmed)
        found.candidates.append(
            Candidate(
                source=source.source,
                feed=feed_name,
                instance=instance,
                slice=slice_of(path.name, feed),
                origin=address(DROPPED, path.relative_to(real(settings.inbox))),
                # which act of dropping it was: whether the bytes are new is told by their hash alone
                fingerprint=f"{fingerprint(stat, confirmed)}-{stat.st_ino}",
                # beside samples nothing is real: an indicator divides what was dropped by invented people
                synthetic=settings.origin == "sample",
                fetch=file.fetch,
                remove=file.remove,
            )
        )
    _first_seen[folder] = seen
    return found


def _unfit(path: Path, source: str, feed_name: str, feed: Feed) -> str:
    """Why a file can be no delivery of the feed, in words; nothing if it can."""
    if not is_named_for(path.name, feed):
        return f"the name fits no delivery of {source}.{feed_name}, which are named {feed.file_pattern}"
    try:
        slice_of(path.name, feed)
    except OriginError as error:
        return str(error).replace("\n", " ")
    return "" if os.access(path, os.R_OK) else "cannot be read: grant read access"


def _restless(stat: os.stat_result, watched_s: float, quiet_s: float) -> float:
    """How many seconds more a file has to stay as it is. A time in the future tells nothing: then it is watched."""
    unchanged_s = time.time() - max(stat.st_mtime, stat.st_ctime)
    return quiet_s - max(unchanged_s, watched_s)


def _open_for_writing() -> set[tuple[int, int]]:
    """Device and inode of what processes of this machine have open to write, as far as one may see that."""
    found = set()
    for info in Path("/proc").glob("[0-9]*/fdinfo/*"):
        with suppress(OSError):
            flags = re.search(r"^flags:\s*([0-7]+)", info.read_text(), re.MULTILINE)
            if flags is not None and int(flags.group(1), 8) & os.O_ACCMODE:
                stat = (info.parent.parent / "fd" / info.name).stat()
                found.add((stat.st_dev, stat.st_ino))
    return found


@dataclass(frozen=True)
class _File:
    """A file as it was when it was looked at, and its confirmation if there was one."""

    path: Path
    seen: os.stat_result
    confirmation: os.stat_result | None = None

    @property
    def _parts(self) -> list[tuple[Path, os.stat_result]]:
        beside = self.path.with_name(self.path.name + CONFIRMATION)
        return [(self.path, self.seen), *([(beside, self.confirmation)] if self.confirmation else [])]

    def fetch(self, folder: Path) -> None:
        """Copy it into a folder.

        Raises:
            ChangingError: it is another one by now, or being written.
            OriginError: it cannot be read.
        """
        for path, seen in self._parts:
            copy(path, folder / path.name, follow=False, expected=seen)

    def remove(self, sha256: str) -> None:
        """Remove it, if it still is what landed. Whatever else has its name by now stays, and the next run takes it.

        It is held against what landed under a name that nobody else knows: else another could take its place between
        the last look and the removal.
        """
        folder = self.path.parent
        try:
            if real(folder) != folder:
                return
            aside = Path(tempfile.mkdtemp(prefix=ASIDE, dir=folder))
        except OSError as error:
            _log(f"{shown(self.path)} landed, and cannot be removed: {error.strerror}")
            return
        try:
            for path, _ in self._parts:
                path.rename(aside / path.name)
            if self._is_what_landed(aside, sha256):
                for path, _ in self._parts:
                    (aside / path.name).unlink()
        except FileNotFoundError:
            pass  # somebody else has taken it away
        except OSError as error:
            _log(f"{shown(self.path)} landed, and cannot be removed: {error.strerror}")
        finally:
            if left := _put_back(aside):
                _log(left)

    def _is_what_landed(self, folder: Path, sha256: str) -> bool:
        names = tuple(sorted(path.name for path, _ in self._parts))
        try:
            if any(odd_kind((folder / name).lstat()) for name in names):
                return False
            if digest_of(folder, names)[0] != sha256:
                return False
            now = {name: (folder / name).lstat() for name in names}
        except OSError:
            return False
        written = _open_for_writing()
        return all(
            identity(now[path.name]) == identity(seen)
            and (now[path.name].st_dev, now[path.name].st_ino) not in written
            for path, seen in self._parts
        )


def _put_back(aside: Path) -> str:
    """Give back its name to what was put aside and is not to be removed, also after a kill; what is left, in words."""
    with suppress(OSError):
        for path in () if aside.is_symlink() else aside.iterdir():
            named = aside.parent / path.name
            with suppress(FileNotFoundError):
                if path.is_dir() and not path.is_symlink():
                    path.rename(named)
                    continue
                try:
                    os.link(path, named, follow_symlinks=False)
                except FileExistsError:
                    raise
                except OSError:  # a file system without hard links
                    if os.path.lexists(named):
                        raise
                    path.rename(named)
                else:
                    path.unlink()
        aside.rmdir()
    if not os.path.lexists(aside):
        return ""
    return (
        f"{shown(aside)}: holds a file whose name another has taken meanwhile: "
        "move it back when that one has landed, or delete it"
    )


def _log(said: str) -> None:
    logging.getLogger(__name__).warning("%s", said)
