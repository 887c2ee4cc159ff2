"""How long work tells whoever watches what it has done, without knowing who watches."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

Watcher = Callable[[str], None]

_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


def watch(watcher: Watcher | None) -> None:
    """Let ``watcher`` hear each step of this process from now on."""
    _watcher.set(watcher)


def tell(step: str) -> None:
    """A step is done; or ``waiting: …``, for whom."""
    watcher = _watcher.get()
    if watcher is not None:
        watcher(step)
