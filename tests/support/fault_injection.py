"""``gorod`` in a separate process that injects a server fault at a chosen place, as in a data centre."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from sandbox.postgres import Instance
from tests.support import forked
from tests.support.crash import act_at

ROOM = 400 << 20

# every Gorod session, for whatever purpose, including dbt's and Dagster's
DROP = "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'gorod %'"


@dataclass(frozen=True)
class Fault:
    """A server fault and its place: before or after the ``nth`` call of ``module:name``.

    ``killed``: SIGKILL to its main process. ``stopped``: an immediate shutdown. ``dropped``: every Gorod session is
    terminated. ``full``: its disk is full. ``paused``: nothing, but the run pauses.
    """

    kind: str
    place: str = ""
    when: str = "before"
    nth: int = 1

    def inject(self, instance: Instance, mark: Path) -> None:
        """Inject the fault once: a run that continues is not hit again."""
        if mark.exists():
            return
        mark.touch()
        match self.kind:
            case "killed":
                instance.kill()
            case "stopped":
                instance.stop("immediate")
            case "dropped":
                with psycopg.connect(instance.dsn("postgres"), autocommit=True) as session:
                    session.execute(DROP)
            case "full":
                _remount(instance.data.parent / "small", None)
            case "paused":
                # until the test removes the mark
                while mark.exists():
                    time.sleep(0.05)


@dataclass(frozen=True)
class Done:
    """How a process ended, and its output."""

    code: int
    said: str
    fault_was_injected: bool


class Running:
    """A started ``gorod``; ``wait`` returns how it ended."""

    def __init__(
        self,
        instance: Instance,
        environment: dict[str, str],
        arguments: list[str],
        fault: Fault | None,
        builds: bool,
        folder: Path,
    ) -> None:
        self.said = folder / "said.txt"
        self.mark = folder / "fault-was-injected"
        self.mark.unlink(missing_ok=True)
        self.process = forked.start(
            self.said, environment, _gorod, arguments, builds, fault, instance, self.mark
        )

    def wait_for_fault(self) -> None:
        """Wait until the fault has been injected."""
        while not self.mark.exists():
            assert self.process.is_alive(), self.said.read_text(encoding="utf-8")[-3000:]
            time.sleep(0.05)

    def wait_until_it_says(self, text: str) -> None:
        """Wait until it has written a text."""
        while text not in (self.said.read_text(encoding="utf-8") if self.said.exists() else ""):
            assert self.process.is_alive(), self.said.read_text(encoding="utf-8")[-3000:]
            time.sleep(0.05)

    def wait(self, timeout_s: float = 900) -> Done:
        """Wait for its end.

        Raises:
            AssertionError: it did not end on its own.
        """
        self.process.join(timeout_s)
        ended = self.process.exitcode
        if ended is None:
            self.process.kill()
            self.process.join()
        said = self.said.read_text(encoding="utf-8")
        assert ended is not None, "it waits for ever:\n" + said[-3000:]
        return Done(ended, said, self.mark.exists())


def _gorod(arguments: list[str], builds: bool, fault: Fault | None, instance: Instance, mark: Path) -> None:
    from pipelines.cli import main
    from pipelines.publishing import staleness

    if not builds:
        staleness.stale_since = lambda _: None  # type: ignore[assignment]
        staleness.is_unpublished = lambda *_: False  # type: ignore[assignment]
    if fault is not None:
        act_at(fault.place, fault.when, fault.nth, lambda: fault.inject(instance, mark))
    sys.argv = ["gorod", *arguments]
    main()


def restart(instance: Instance) -> None:
    """Start a server that may be down, after ending what a killed one left running. Its small disk is emptied again."""
    small = instance.data.parent / "small"
    if small.exists():
        _remount(small, ROOM)
    for _ in range(100):
        if _answers(instance):
            return
        try:
            instance.start()
        except subprocess.CalledProcessError:
            time.sleep(0.2)
    raise AssertionError((instance.data / "server.log").read_text(encoding="utf-8")[-2000:])


def _answers(instance: Instance) -> bool:
    try:
        with psycopg.connect(instance.dsn("postgres"), connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


@contextmanager
def small_disk(instance: Instance) -> Iterator[bool]:
    """Create a tablespace ``small`` on a separate disk that a fault can fill; return False if none can be mounted."""
    folder = instance.data.parent / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "gorod-tests", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        folder.rmdir()
        yield False
        return
    try:
        if instance.system_user:
            shutil.chown(folder, instance.system_user)
        with psycopg.connect(instance.dsn("postgres"), autocommit=True) as session:
            session.execute(sql.SQL("create tablespace small location {}").format(sql.Literal(str(folder))))
        yield True
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _remount(folder: Path, size: int | None) -> None:
    """Resize a disk; by default to exactly its contents."""
    for _ in range(100):
        room = os.statvfs(folder)
        held = (room.f_blocks - room.f_bfree) * room.f_frsize
        command = ["mount", "-o", f"remount,size={held if size is None else size}", str(folder)]
        # the server may have written meanwhile: a disk cannot be made smaller than its contents
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return
    raise AssertionError(f"{folder} cannot be given another size")
