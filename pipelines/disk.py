"""What a disk refuses, in words."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.errors import WarehouseError

# What is said where the disk is full: by DuckDB, by Linux, by SQLite (Dagster's event log).
FULL = re.compile(
    r"no space left|disk full|disk is full|could not write|failed to write|ENOSPC", re.IGNORECASE
)


def full_disk(text: str) -> WarehouseError | None:
    """What a library or a programme says of a full disk, as an error that tells what to do; None if of something else."""
    for line in text.splitlines():
        if FULL.search(line):
            return WarehouseError(
                f"the disk is full: {line.strip()}", "Free space and run again; nothing was half written."
            )
    return None


@contextmanager
def disk_errors(home: Path) -> Iterator[None]:
    """A full disk or an unwritable folder, told as such."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise WarehouseError(
                f"the disk of {home} is full", "Free space and run again; nothing was half written."
            ) from error
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise WarehouseError(
                f"{error.filename or home} cannot be written: {error.strerror}", "Grant write access."
            ) from error
        raise
