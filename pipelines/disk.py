"""Disk errors in words."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import TextIO

from pipelines.errors import WarehouseError

# Messages about a full disk: from DuckDB, Linux, SQLite (Dagster's event log).
FULL = re.compile(
    r"no space left|disk full|disk is full|could not write|failed to write|ENOSPC", re.IGNORECASE
)

# SQLite's message if it cannot create the files beside a database. That may have other causes.
UNCLEAR = re.compile(r"disk I/O error|unable to open database file", re.IGNORECASE)
LEAST_ROOM = 1 << 20


def full_disk(text: str) -> WarehouseError | None:
    """Translate a message about a full disk into an error with a remedy; None if it is about something else."""
    for line in text.splitlines():
        if FULL.search(line):
            return WarehouseError(
                f"the disk is full: {line.strip()}", "Free space and run again; nothing was half written."
            )
    return None


# These failures are not the delivery's fault: the disk is full, or access is denied.
OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EPERM)


def chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what caused it."""
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in seen:
        seen.append(current)
        yield current
        current = current.__cause__ or current.__context__


def raise_if_of_the_machine(error: Exception) -> None:
    """Raise if the machine, not the delivery, caused the error: the supplier must not be blamed for it."""
    import duckdb

    for one in chain(error):
        if isinstance(one, OSError) and one.errno in OF_THE_MACHINE:
            raise one
        if isinstance(one, duckdb.IOException) and (full := full_disk(str(one))):
            raise full from error


def no_room(text: str, folder: Path) -> WarehouseError | None:
    """The same for an error that does not say why a file could not be written, if the disk of ``folder`` is full."""
    if UNCLEAR.search(text) is None or not folder.exists() or shutil.disk_usage(folder).free > LEAST_ROOM:
        return None
    return full_disk(f"no space left on the disk of {folder}")


def make_sure_of_room(stream: TextIO, size: int) -> None:
    """Test at the end of a file whether this many bytes can still be written; the file stays unchanged."""
    file = stream.fileno()
    end = os.fstat(file).st_size
    try:
        if os.pwrite(file, b" " * size, end) < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.ftruncate(file, end)


def require_room(folder: Path) -> None:
    """Test whether a little can still be written into a folder. Without the right to write there, nothing is said.

    Raises:
        WarehouseError: the disk is full.
    """
    try:
        with TemporaryFile("w", dir=folder) as stream:
            make_sure_of_room(stream, LEAST_ROOM)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            with disk_errors(folder):
                raise


@contextmanager
def disk_errors(home: Path) -> Iterator[None]:
    """Translate errors of a full disk or an unwritable folder."""
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
