"""A clock that is set, for whole processes and all that they start: see ``set_clock.c``."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import time
from datetime import datetime
from pathlib import Path

SOURCE = Path(__file__).with_name("set_clock.c")
VARIABLE = "TEST_CLOCK"
SECOND = 1_000_000_000


def build(folder: Path) -> Path:
    """The library, compiled.

    Raises:
        FileNotFoundError: there is no C compiler.
    """
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise FileNotFoundError("no C compiler")
    library = folder / "set_clock.so"
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl", "-lpthread"]
    subprocess.run(command, check=True)
    return library


def environment(library: Path, file: Path, moment: datetime) -> dict[str, str]:
    """What a process has to be started with; its clock begins with ``moment``."""
    file.write_bytes(struct.pack("q", int(moment.timestamp() * SECOND) - time.time_ns()))
    return {"LD_PRELOAD": str(library), VARIABLE: str(file)}


class Clock:
    """The clock of this process, which was started with it."""

    def __init__(self) -> None:
        self._file = os.open(os.environ[VARIABLE], os.O_RDWR)

    def _ahead(self) -> int:
        (ahead,) = struct.unpack("q", os.pread(self._file, 8, 0))
        return int(ahead)

    def real(self) -> float:
        """What the machine says, and the files that are written."""
        return time.time() - self._ahead() / SECOND

    def move_to(self, moment: datetime) -> None:
        """It never goes back: what took longer than it was meant to has made it later."""
        by = int(moment.timestamp() * SECOND) - time.time_ns()
        if by > 0:
            os.pwrite(self._file, struct.pack("q", self._ahead() + by), 0)
