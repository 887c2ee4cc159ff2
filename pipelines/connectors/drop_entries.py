"""An entry of the drop folder: a candidate, something to wait for, or a fault.

A file is quiet if it has not changed for ``GOROD_INBOX_QUIET_S``. Its time of modification alone is not enough: a copy may
set the time of the original on a file that is still growing, and clocks differ. So the time of the last change of its
directory entry, which cannot be set, and what this process has seen itself count too.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pipelines.connectors.dropped_file import DroppedFile, files_being_written
from pipelines.connectors.files import (
    address,
    fingerprint,
    identity,
    is_named_for,
    odd_kind,
    odd_name,
    real,
    shown,
    slice_of,
)
from pipelines.declarations.feeds import Feed
from pipelines.declarations.sources import Source
from pipelines.deliveries import CONFIRMATION, DROPPED, Candidate
from pipelines.errors import OriginError
from pipelines.settings import Settings

# How programs name a file that they are still writing.
UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload")


# By folder: when each file was first seen in its present state, by this process's own clock. A renamed file
# remains the same file.
_first_seen: dict[Path, dict[tuple[int, int, int, int], float]] = {}


@dataclass(frozen=True)
class Waiting:
    """Something that is not taken yet, and why. ``seconds`` until it is quiet; None if that depends on others."""

    path: Path
    why: str
    seconds: float | None = None

    def __str__(self) -> str:
        return f"{shown(self.path)}: {self.why}"


@dataclass
class Look:
    """One look into the folder of an instance."""

    folder: Path
    source: Source
    feed_name: str
    instance: str
    settings: Settings
    paths: list[Path]
    seen: dict[tuple[int, int, int, int], float] = field(default_factory=dict)

    def examine(self, path: Path) -> Candidate | Waiting | str | None:
        """What an entry is: a candidate, something to wait for, a fault in words, or nothing if it has just gone."""
        try:
            stat = path.lstat()
        except FileNotFoundError:
            return None
        except OSError as error:
            return f"{shown(path)}: cannot be inspected: {error.strerror}"
        now = time.monotonic()
        self.seen[identity(stat)] = self._first_seen(stat, now)
        if path.name.startswith("."):
            return Waiting(path, "is hidden, and is taken when its name no longer begins with a dot")
        if problem := odd_kind(stat) or odd_name(path.name):
            return f"{shown(path)}: {problem}"
        if path.name.endswith(CONFIRMATION):
            confirmed_file = path.with_name(path.name.removesuffix(CONFIRMATION))
            if confirmed_file in self.paths:
                return None
            return Waiting(path, f"is a confirmation, and is taken with {shown(Path(confirmed_file.name))}")
        if path.name.lower().endswith(UNFINISHED):
            return Waiting(path, "is unfinished by its name, and is taken when it is renamed")
        if problem := _unfit(path, self.source.source, self.feed_name, self.source.feeds[self.feed_name]):
            return f"{shown(path)}: {problem}"
        beside = path.with_name(path.name + CONFIRMATION)
        try:
            confirmed = beside.lstat() if beside in self.paths else None
        except OSError as error:
            return f"{shown(beside)}: cannot be inspected: {error.strerror}"
        if confirmed and (problem := odd_kind(confirmed)):
            return f"{shown(beside)}: {problem}"
        return self._busy(path, [stat, *([confirmed] if confirmed else [])], now) or self._candidate(
            path, stat, confirmed
        )

    def remember(self) -> None:
        """Keep what was seen for the next look."""
        _first_seen[self.folder] = self.seen

    def _busy(self, path: Path, stats: list[os.stat_result], now: float) -> Waiting | None:
        """Why a file, or its confirmation, is not quiet yet."""
        if any((stat.st_dev, stat.st_ino) in self._being_written for stat in stats):
            return Waiting(path, "is being written, and is taken afterwards")
        watched_s = min(now - self._first_seen(stat, now) for stat in stats)
        quiet_s = self.settings.inbox_quiet_s
        left_s = max(_restless(stat, watched_s, quiet_s) for stat in stats)
        if left_s <= 0:
            return None
        why = (
            f"has just changed, and is taken when it has not changed for {quiet_s:g} s ({left_s:.0f} s more)"
        )
        return Waiting(path, why, left_s)

    def _first_seen(self, stat: os.stat_result, now: float) -> float:
        return _first_seen.get(self.folder, {}).get(identity(stat), now)

    @cached_property
    def _being_written(self) -> set[tuple[int, int]]:
        return files_being_written()

    def _candidate(self, path: Path, stat: os.stat_result, confirmed: os.stat_result | None) -> Candidate:
        file = DroppedFile(path, stat, confirmed)
        return Candidate(
            source=self.source.source,
            feed=self.feed_name,
            instance=self.instance,
            slice=slice_of(path.name, self.source.feeds[self.feed_name]),
            origin=address(DROPPED, path.relative_to(real(self.settings.inbox))),
            # identifies the act of dropping; only the hash shows whether the bytes are new
            fingerprint=f"{fingerprint(stat, confirmed)}-{stat.st_ino}",
            # beside samples nothing is real: an indicator would divide real figures by invented people
            synthetic=self.settings.origin == "sample",
            fetch=file.fetch,
            remove=file.remove,
        )


def _unfit(path: Path, source: str, feed_name: str, feed: Feed) -> str:
    """Why a file cannot be a delivery of the feed, in words; empty if it can."""
    if not is_named_for(path.name, feed):
        return f"the name does not match deliveries of {source}.{feed_name}: {feed.file_pattern}"
    try:
        slice_of(path.name, feed)
    except OriginError as error:
        return str(error).replace("\n", " ")
    return "" if os.access(path, os.R_OK) else "cannot be read: grant read access"


def _restless(stat: os.stat_result, watched_s: float, quiet_s: float) -> float:
    """How many seconds longer a file must stay unchanged. A time in the future says nothing: then only what was seen counts."""
    unchanged_s = time.time() - max(stat.st_mtime, stat.st_ctime)
    return quiet_s - max(unchanged_s, watched_s)
