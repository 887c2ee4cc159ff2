"""The drop folder: files that people or other systems put there are taken when they are quiet, and removed once they landed.

``inbox/<source>/<feed>/<instance>/<file>``. Everything else in it is reported: as a fault, if somebody must act, or as
waiting, if it may become a delivery by itself. Nothing behind a link is taken or removed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISDIR

from pipelines.connectors.drop_entries import Look, Waiting
from pipelines.connectors.dropped_file import ASIDE, restore
from pipelines.connectors.files import (
    odd_kind,
    real,
    shown,
)
from pipelines.declarations.common import nearest
from pipelines.declarations.sources import Source, load_sources
from pipelines.deliveries import Candidate
from pipelines.progress import report_progress
from pipelines.settings import Settings

# A run waits at most this long for a file to become quiet; after that, the file waits for the next run.
LONGEST_WAIT_S = 15.0


@dataclass
class Dropped:
    """What a part of the drop folder holds."""

    candidates: list[Candidate] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def not_taken(self) -> list[str]:
        """What has not been taken yet and needs no action: a line each."""
        quiet = (
            f"{candidate.origin}: is quiet, and is taken by the next run" for candidate in self.candidates
        )
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
            # links, and what is behind them, are reported by strays()
            if real(folder) == folder:
                found += _look(folder, source, feed_name, instance, settings)
    return found


def strays(settings: Settings, source: str | None = None, feed: str | None = None) -> Dropped:
    """What lies beside or above the folders of the instances, where nothing is taken. Of one source or feed, if named."""
    found = Dropped()
    sources = load_sources()
    root = real(settings.inbox)
    if os.path.lexists(settings.inbox) and not root.is_dir():
        found.faults.append(f"{shown(settings.inbox)}: is not a folder; nothing can be dropped there")
    for one in _levels(root, sources, "source", source, found):
        feeds = sources[one.name].feeds
        for other in _levels(one, feeds, "feed", feed, found):
            list(_levels(other, sources[one.name].instances, "instance", None, found))
    return found


def survey(
    settings: Settings, source: str | None = None, feed: str | None = None, instance: str | None = None
) -> Dropped:
    """The whole drop folder, or the part that is named."""
    found = strays(settings, source, feed)
    for declared in load_sources().values():
        for name in declared.feeds:
            if source in (None, declared.source) and feed in (None, name):
                found += inbox(declared, name, settings, None if instance is None else [instance])
    return found


def wait_until_quiet(found: Iterable[Dropped]) -> bool:
    """Wait for files that will soon be quiet; true if there were any, so that the caller looks again."""
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
    report_progress(f"waiting: {longest:.0f} s for {shown(soon[0].path)}{others} to stay unchanged")
    time.sleep(longest + 0.01)
    return True


def _levels(
    folder: Path, names: Mapping[str, object], level: str, wanted: str | None, found: Dropped
) -> list[Path]:
    """The declared folders of a level; everything else there is reported."""
    declared = []
    for path in _entries(folder, found):
        if wanted not in (None, path.name):
            continue
        try:
            stat = path.lstat()
        except FileNotFoundError:
            continue
        except OSError as error:
            found.faults.append(f"{shown(path)}: cannot be inspected: {error.strerror}")
            continue
        is_folder = S_ISDIR(stat.st_mode)
        if path.name.startswith("."):
            found.waiting.append(Waiting(path, "is hidden, and is never taken"))
        elif is_folder and path.name in names:
            declared.append(path)
        elif is_folder:
            found.faults.append(
                f"{shown(path)}: no {level} has this name, so nothing in it is taken; "
                + nearest(path.name, names)
            )
        elif problem := odd_kind(stat):
            found.faults.append(f"{shown(path)}: {problem}")
        else:
            found.faults.append(
                f"{shown(path)}: lies above the folders from which files are taken; put it into "
                "inbox/<source>/<feed>/<instance>/"
            )
    return declared


def _entries(folder: Path, found: Dropped) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):  # that it is not a folder is reported by its parent
        return []
    except OSError as error:
        found.faults.append(f"folder {shown(folder)} cannot be read: {error.strerror}")
        return []


def _look(folder: Path, source: Source, feed_name: str, instance: str, settings: Settings) -> Dropped:
    found = Dropped()
    paths = _entries(folder, found)
    if paths and not os.access(folder, os.W_OK):
        found.waiting.append(
            Waiting(folder, "cannot be emptied: loaded files stay here until write access is granted")
        )
    aside = [path for path in paths if path.name.startswith(ASIDE)]
    found.faults += [left for path in aside if (left := restore(path))]
    if aside:
        paths = [path for path in _entries(folder, found) if not path.name.startswith(ASIDE)]
    look = Look(folder, source, feed_name, instance, settings, paths)
    for path in paths:
        match look.examine(path):
            case Candidate() as candidate:
                found.candidates.append(candidate)
            case Waiting() as waiting:
                found.waiting.append(waiting)
            case str(fault):
                found.faults.append(fault)
    look.remember()
    return found
