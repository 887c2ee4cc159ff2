"""Folders that appear as a whole: one writer at a time, flushed to disk, read-only, never half written."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from pipelines.errors import WarehouseBusyError

BUILDING = ".building-"


@contextmanager
def only_writer(folder: Path, timeout_s: float, doing: str) -> Iterator[None]:
    """Create ``folder`` and hold its lock; the kernel frees the lock when the process dies.

    Raises:
        WarehouseBusyError: another process holds it longer than ``timeout_s``; ``doing`` says what it does.
        OSError: the folder cannot be created.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise WarehouseBusyError(
                        f"{folder}: another process is {doing}", "Wait until it ends, then try again."
                    ) from None
                time.sleep(0.1)
        yield


def remove_leftovers(folder: Path) -> None:
    """Remove what killed runs left half built. Only for the holder of the lock, because nobody else is building then."""
    for path in folder.glob(f"{BUILDING}*"):
        if path.is_symlink():
            path.unlink()
        else:
            shutil.rmtree(path)


def seal(folder: Path) -> None:
    """Make every file below ``folder`` read-only, and flush files and folders to disk."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file():
            path.chmod(0o444)
        sync(path)
    sync(folder)


def sync(path: Path) -> None:
    """Flush a file or a folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def free_name(folder: Path, wanted: str) -> str:
    """``wanted``, with a number appended if it is taken: same content, same second, and the first one damaged."""
    names = (wanted if number == 1 else f"{wanted}-{number}" for number in count(1))
    return next(name for name in names if not (folder / name).exists())
