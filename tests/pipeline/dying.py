"""A run in a process of its own, that may die by SIGKILL at a chosen place."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying_at(place: str, when: str, nth: int) -> None:
    """Let this process die before or after the ``nth`` call of ``module:name`` (or ``module:Class.name``)."""
    module, _, name = place.partition(":")
    owner: Any = importlib.import_module(module)
    *path, name = name.split(".")
    for step in path:
        owner = getattr(owner, step)
    original: Callable[..., Any] = getattr(owner, name)
    calls = 0

    @wraps(original)
    def wrapper(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth and when == "before":
            die()
        result = original(*arguments, **options)
        if calls == nth and when == "after":
            die()
        return result

    setattr(owner, name, wrapper)


def main(builds: str, place: str = "", when: str = "", nth: str = "1") -> None:
    """``gorod run`` on the requests; without ``builds`` it ends when all is loaded."""
    from pipelines.loading.plan import Wanted
    from pipelines.orchestration import run, stale
    from pipelines.settings import get_settings

    if builds != "builds":
        stale.stale_since = lambda _: None
        stale.is_unpublished = lambda *_: False
    if place:
        dying_at(place, when, int(nth))
    summary = run.run(Wanted(source="appeals_115"), get_settings())
    if summary.failures:
        raise SystemExit("\n".join(summary.failures))


if __name__ == "__main__":
    main(*sys.argv[1:])
