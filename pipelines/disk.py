"""What a disk refuses, in words."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.errors import WarehouseError


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
