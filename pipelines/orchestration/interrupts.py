"""Interrupts that Dagster does not pass on."""

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
