"""Output files named by a user: never over an input or Gorod's own state, and written completely or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pipelines.disk import disk_errors
from pipelines.errors import GorodError
from pipelines.settings import PROJECT, Settings

ANOTHER = "Name another file; nothing was written."


def refuse_to_overwrite(path: Path, inputs: Mapping[Path, str], settings: Settings) -> None:
    """Refuse to write a file that is an input under any name, a folder, or inside Gorod's own folders.

    Args:
        inputs: files that are read (or written for another purpose), with descriptions.

    Raises:
        GorodError: the message says what it is.
    """
    refuse_the_same(path, inputs)
    if _is(path, stat.S_ISDIR):
        raise GorodError(f"{path}: is a folder", "Name a file in it.")
    refuse_own_state(path, settings)
    if "://" not in settings.warehouse:
        for suffix in ("", ".wal"):
            if _same(path, Path(settings.warehouse + suffix)):
                raise GorodError(f"{path}: is the warehouse", ANOTHER)


def refuse_the_same(path: Path, inputs: Mapping[Path, str]) -> None:
    """Refuse a path that is an input under any name.

    Raises:
        GorodError: the message says what it is.
    """
    for given, called in inputs.items():
        if _same(path, given):
            raise GorodError(f"{path}: is the same file as {given}, {called}", ANOTHER)


def refuse_own_state(path: Path, settings: Settings) -> None:
    """Refuse to write into Gorod's own folders: deliveries, publications, releases, declarations.

    Raises:
        GorodError: the message says what it is.
    """
    kept = {
        settings.landing: "the deliveries",
        settings.inbox: "the drop folder",
        settings.work: "the gate",
        settings.published: "the publications",
        settings.releases: "the releases",
        settings.reports: "the reports",
        settings.dagster_home: "Dagster",
        PROJECT / "assets": "the declarations",
        **({settings.mirror: "the mirror of the origins"} if settings.mirror else {}),
    }
    real = _real(path)
    for folder, called in kept.items():
        if real.is_relative_to(_real(folder)):
            raise GorodError(f"{path}: is in {folder}, the folder of {called}", ANOTHER)


def refuse_what_is_no_workbook(path: Path) -> None:
    """Refuse a workbook path with another format's suffix, or that already contains something else.

    Raises:
        GorodError: the message says what it is.
    """
    if path.suffix.lower() != ".xlsx":
        raise GorodError(f"{path}: a workbook is written as .xlsx", "Name such a file.")
    if is_passed_on(path) or not path.is_file() or not path.stat().st_size:
        return
    with path.open("rb") as stream:
        if not stream.read(4).startswith(b"PK"):
            raise GorodError(f"{path}: already exists, and is not a workbook", ANOTHER)


def is_passed_on(path: Path) -> bool:
    """Whether data written there is passed on: a pipe, a device, a file held open by a process."""
    absolute = str(path.absolute())
    # /dev/stdout may be a file; what lies in shared memory is one
    return (absolute.startswith(("/dev/", "/proc/")) and not absolute.startswith("/dev/shm/")) or (
        _is(path, lambda mode: not stat.S_ISREG(mode) and not stat.S_ISDIR(mode))
    )


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A path to write to. When the file is complete, it replaces ``path``; otherwise ``path`` stays.

    A link's target is replaced, not the link; a pipe or a device is written to directly.

    Raises:
        GorodError: it cannot be written there.
        WarehouseError: the disk is full, or the location may not be written to.
    """
    try:
        with disk_errors(path.parent):
            if is_passed_on(path):
                yield path
                return
            real = _real(path)
            if real.exists() and not os.access(real, os.W_OK):
                raise PermissionError(13, "it is write-protected", str(path))
            beside = real.with_name(f".gorod-{os.getpid()}.part")
            try:
                try:
                    yield beside
                except Exception as error:
                    # a library may wrap a disk error in its own error
                    wrapped = next((one for one in error.args if isinstance(one, OSError)), None)
                    if wrapped is not None:
                        raise wrapped from error
                    raise
                with beside.open("rb") as stream:
                    os.fsync(stream.fileno())
                if real.exists():
                    beside.chmod(stat.S_IMODE(real.stat().st_mode))
                beside.replace(real)
            finally:
                beside.unlink(missing_ok=True)
    except OSError as error:
        raise GorodError(
            f"{path}: cannot be written: {error.strerror or error}",
            "Name a file in an existing folder that you may write to.",
        ) from error


def _same(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same file, or would if it existed: links and kernel names (/proc) are followed."""
    try:
        return one.samefile(other)
    except OSError:
        return _real(one) == _real(other)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _is(path: Path, kind: Callable[[int], bool]) -> bool:
    try:
        return kind(path.stat().st_mode)
    except OSError:
        return False
