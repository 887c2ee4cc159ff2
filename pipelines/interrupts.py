"""Interrupts that libraries mishandle: Dagster loses some, DuckDB reports them as errors, a pool is left half started."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def interrupts_noted() -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether an interrupt has come since.

    Dagster replaces the signal handlers, and loses an interrupt that comes after the last step of a run. It does
    not replace the file descriptor to which Python first writes each signal.
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
    """Raise the interrupt that came during a DuckDB statement.

    DuckDB turns it into a RuntimeError. Great Expectations would treat that as an error in the suite and refuse a valid
    load; Dagster would treat it as temporary and retry.
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
    """Delay an interrupt until the body, which must not be left halfway, is done."""
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
