"""Progress reports of long work, independent of who listens."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

Listener = Callable[[str], None]

_listener: ContextVar[Listener | None] = ContextVar("watcher", default=None)


def on_progress(listener: Listener | None) -> None:
    """Send each step of this process to ``listener`` from now on."""
    _listener.set(listener)


def report_progress(step: str) -> None:
    """Report a finished step, or ``waiting: …`` with what it waits for."""
    listener = _listener.get()
    if listener is not None:
        listener(step)
