"""Folders that appear whole: one writer at a time, flushed to the disk, read-only, never half there."""

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
    """Make ``folder`` and hold its lock; the kernel frees it when the process dies.

    Raises:
        WarehouseBusyError: another process holds it longer than ``timeout_s``; ``doing`` says what it does.
        OSError: the folder cannot be made.
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
    """Remove what killed runs left half built. Only for the holder of the lock: nobody else is building."""
    for path in folder.glob(f"{BUILDING}*"):
        if path.is_symlink():
            path.unlink()
        else:
            shutil.rmtree(path)


def seal(folder: Path) -> None:
    """Make every file below ``folder`` read-only, and flush files and folders to the disk."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file():
            path.chmod(0o444)
        sync(path)
    sync(folder)


def sync(path: Path) -> None:
    """Flush a file or a folder to the disk."""
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
    """``wanted``, or with a number behind where it is taken: the same content in the same second, the first damaged."""
    names = (wanted if number == 1 else f"{wanted}-{number}" for number in count(1))
    return next(name for name in names if not (folder / name).exists())
