"""Deliveries judged ahead of their turn, in processes beside this one.

Great Expectations spends some 150 ms of Python on a delivery of any size. Where many wait, the gate judges the
next ones while one load is entered. Entering stays here: one load after the other, in the order of the offers.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, wait
from contextlib import closing, contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import TypeVar

from pipelines.errors import GorodError
from pipelines.interrupts import interrupts_deferred
from pipelines.loading.validate import Validated

T = TypeVar("T")
Task = Callable[[Path], Validated]

# So many land ahead of their turn; and where so many wait, processes are worth their start.
MANY = 8
# Larger ones are judged in their turn: DuckDB reads one with all cores, and may need the whole memory for it.
SMALL = 64 << 20


def prefetched(items: Iterable[T], number: int = MANY) -> Iterator[T]:
    """The items, each when ``number`` more have come, or all; what came before an error is given before it is raised."""
    held: deque[T] = deque()
    try:
        for item in items:
            held.append(item)
            if len(held) > number:
                yield held.popleft()
    except GorodError:
        yield from held
        raise
    yield from held


class PendingValidation:
    """What is to be judged in a scratch folder, and, once it is, how. The task is picklable: it is done here or beside.

    Who makes it claims it first, by a file beside the folder. A future must not be cancelled: in Python 3.11 a pool that
    loses a process while one is answers none of the others any more.
    """

    def __init__(self, task: Task, folder: Path) -> None:
        self._task = task
        self._folder = folder
        self._future: Future[Validated | None] | None = None
        self._is_here = False
        self._validated: Validated | None = None

    def begin(self, pool: ProcessPoolExecutor) -> None:
        """Let a process of the pool make it, unless they have died: then it is made in its turn.

        A pool whose start is interrupted halfway never makes anything, and would be waited for without end.
        """
        with suppress(BrokenExecutor), interrupts_deferred():
            self._future = pool.submit(_unless_claimed, self._task, self._folder)

    def call_back(self) -> bool:
        """Whether this process is to make it: it is not made, and nobody beside has begun."""
        self._is_here = self._is_here or self._future is None or _claim(self._folder)
        return self._validated is None and self._is_here

    @property
    def is_made(self) -> bool:
        """Whether there is nothing to wait for."""
        return self._validated is not None or (self._future is not None and self._future.done())

    def make(self) -> Validated:
        """Make it in this process."""
        self._validated = self._task(self._folder)
        return self._validated

    def result(self) -> Validated:
        """The validation; whatever failed before its turn is done again here, where it is reported."""
        if self._validated is None and self._future is not None and not self._is_here:
            with suppress(Exception):
                self._validated = self._future.result()
        return self._validated or self.make()

    def drop(self) -> None:
        """Give it up. What a process beside is at comes to its end first: it writes into the folder."""
        if not self.call_back() and self._future is not None and not self._is_here:
            wait([self._future])
        shutil.rmtree(self._folder, ignore_errors=True)


class Validators:
    """The processes, and what they were given, in order."""

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None
        self._given: list[PendingValidation] = []

    def expect(self, deliveries: int) -> None:
        """Start the processes if so many are worth it; while they import what they need, this one does the work."""
        if self._pool is None and self._processes and deliveries >= MANY:
            spawn = multiprocessing.get_context("spawn")
            with interrupts_deferred():
                self._pool = ProcessPoolExecutor(self._processes, spawn, _attend)
                for _ in range(self._processes):
                    self._pool.submit(_import)

    def give(self, task: Task, folder: Path) -> PendingValidation:
        """Have a delivery judged ahead of its turn."""
        pending = PendingValidation(task, folder)
        self._given.append(pending)
        self.expect(len(self._given))
        if self._pool is not None:
            pending.begin(self._pool)
        return pending

    def take(self, pending: PendingValidation) -> Validated:
        """A judgement whose turn has come; while a process beside is at it, this one makes those that nobody has begun."""
        if not pending.call_back():
            for spare in self._given:
                if pending.is_made:
                    break
                if spare.call_back():
                    with suppress(Exception):
                        spare.make()
        return pending.result()

    def drop(self, pending: PendingValidation) -> None:
        """Its turn is over."""
        pending.drop()
        self._given.remove(pending)

    def drop_all(self) -> None:
        """Give up what still waits for its turn."""
        for pending in tuple(self._given):
            pending.call_back()
        for pending in tuple(self._given):
            self.drop(pending)

    def close(self) -> None:
        """End the processes, each with what it is at; the rest is given up."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


_validators: ContextVar[Validators | None] = ContextVar("judges", default=None)


def apart(task: Task, folder: Path) -> Validated | None:
    """What a process of its own made of a task; None if that died of it, twice."""
    for attempt in ("once", "again"):
        with (
            suppress(BrokenExecutor),
            ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_attend) as pool,
        ):
            with interrupts_deferred():
                validated = pool.submit(task, folder / attempt)
            return validated.result()
    return None


@contextmanager
def validators(processes: int) -> Iterator[Validators]:
    """The judges of whoever opened them first, for everything within."""
    opened = _validators.get()
    if opened is not None:
        yield opened
        return
    with closing(Validators(processes)) as own:
        token = _validators.set(own)
        try:
            yield own
        finally:
            _validators.reset(token)


def _claim(folder: Path) -> bool:
    try:
        folder.with_suffix(".begun").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _unless_claimed(task: Task, folder: Path) -> Validated | None:
    return task(folder) if _claim(folder) else None


def _attend() -> None:
    """Begin a process: an interrupt is for the one that asks, and where that one is killed, this one is to go too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _import() -> None:
    """What judging needs, before the first delivery comes."""
    import great_expectations.expectations  # noqa: F401

    import pipelines.loading.gx_duckdb  # noqa: F401
