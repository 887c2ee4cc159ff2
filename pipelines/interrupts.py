"""Interrupts that libraries do not bear: Dagster forgets some, DuckDB tells them as faults, a pool is left half started."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def interrupts_noted() -> Iterator[Callable[[], bool]]:
    """What is given tells whether an interrupt has come since.

    Dagster takes over the handlers of signals, and forgets an interrupt that comes after the last step of a run. It does
    not take over the file descriptor to which Python writes each signal first.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    reader, writer = socket.socketpair()
    with reader, writer:
        for end in (reader, writer):
            end.setblocking(False)
        before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)

        def interrupted() -> bool:
            try:
                return not {signal.SIGINT, signal.SIGTERM}.isdisjoint(reader.recv(4096))
            except BlockingIOError:
                return False

        try:
            yield interrupted
        finally:
            signal.set_wakeup_fd(before)


@contextmanager
def interrupts_raised() -> Iterator[None]:
    """Raise the interrupt that came during a statement of DuckDB.

    DuckDB makes a RuntimeError of it. Great Expectations would take that for a fault of the suite, and refuse a sound
    load; Dagster for a passing one, and try again.
    """
    try:
        yield
    except RuntimeError as error:
        cause = error.__cause__
        if cause is None or isinstance(cause, Exception):
            raise
        raise cause from None


@contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Let an interrupt come once the body is done, for what must not be left halfway."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        signal.raise_signal(came[0])
