"""How long work tells whoever watches what it has done, without knowing who watches."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

Listener = Callable[[str], None]

_listener: ContextVar[Listener | None] = ContextVar("watcher", default=None)


def on_progress(listener: Listener | None) -> None:
    """Let ``listener`` hear each step of this process from now on."""
    _listener.set(listener)


def report_progress(step: str) -> None:
    """A step is done; or ``waiting: …``, for whom."""
    listener = _listener.get()
    if listener is not None:
        listener(step)
