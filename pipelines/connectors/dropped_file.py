"""A file in the drop folder: copied as it was seen, removed only if it is still exactly what landed.

"Exactly" means the same inode, size, time and bytes, and no process that writes it.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pipelines.connectors.files import (
    copy,
    identity,
    odd_kind,
    real,
    shown,
)
from pipelines.deliveries import CONFIRMATION, digest_of

# Prefix of a folder beside the file: there it is compared with what landed, before it is removed.
ASIDE = ".gorod-aside-"


def files_being_written() -> set[tuple[int, int]]:
    """Device and inode of the files that processes of this machine have open for writing, as far as that is visible."""
    found = set()
    for info in Path("/proc").glob("[0-9]*/fdinfo/*"):
        with suppress(OSError):
            flags = re.search(r"^flags:\s*([0-7]+)", info.read_text(), re.MULTILINE)
            if flags is not None and int(flags.group(1), 8) & os.O_ACCMODE:
                stat = (info.parent.parent / "fd" / info.name).stat()
                found.add((stat.st_dev, stat.st_ino))
    return found


@dataclass(frozen=True)
class DroppedFile:
    """A file in the state in which it was seen, and its confirmation if there was one."""

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
            ChangingError: it has been replaced or is being written.
            OriginError: it cannot be read.
        """
        for path, seen in self._parts:
            copy(path, folder / path.name, follow=False, expected=seen)

    def remove(self, sha256: str) -> None:
        """Remove it if it still is what landed. Another file that now has its name stays, and the next run takes it.

        It is compared with what landed under a name that no other process knows: otherwise another file could take its place
        between the comparison and the removal.
        """
        folder = self.path.parent
        try:
            if real(folder) != folder:
                return
            aside = Path(tempfile.mkdtemp(prefix=ASIDE, dir=folder))
        except OSError as error:
            _log(f"{shown(self.path)} landed, but cannot be removed: {error.strerror}")
            return
        try:
            for path, _ in self._parts:
                path.rename(aside / path.name)
            if self._is_what_landed(aside, sha256):
                for path, _ in self._parts:
                    (aside / path.name).unlink()
        except FileNotFoundError:
            pass  # another process has removed it
        except OSError as error:
            _log(f"{shown(self.path)} landed, but cannot be removed: {error.strerror}")
        finally:
            if left := restore(aside):
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
        written = files_being_written()
        return all(
            identity(now[path.name]) == identity(seen)
            and (now[path.name].st_dev, now[path.name].st_ino) not in written
            for path, seen in self._parts
        )


def restore(aside: Path) -> str:
    """Give what was put aside its name back, also after a kill. Returns what could not be moved, in words."""
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
        f"{shown(aside)}: holds a file whose name is now used by another: "
        "move it back when the other one has landed, or delete it"
    )


def _log(said: str) -> None:
    logging.getLogger(__name__).warning("%s", said)
