"""A run in a separate process that can be killed by SIGKILL at a chosen place."""

from __future__ import annotations

import importlib
import os
import signal
from collections.abc import Callable
from functools import wraps
from typing import Any


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def act_at(place: str, when: str, nth: int, act: Callable[[], None]) -> None:
    """Make this process ``act`` before or after the ``nth`` call of ``module:name`` (or ``module:Class.name``)."""
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
            act()
        result = original(*arguments, **options)
        if calls == nth and when == "after":
            act()
        return result

    setattr(owner, name, wrapper)


def main(builds: bool, death: tuple[str, str, int] | None) -> None:
    """``gorod run`` on the requests; without ``builds`` it ends when everything is loaded."""
    from pipelines.loading.plan import Wanted
    from pipelines.orchestration import run
    from pipelines.publishing import staleness
    from pipelines.settings import get_settings

    if not builds:
        staleness.stale_since = lambda _: None  # type: ignore[assignment]
        staleness.is_unpublished = lambda *_: False  # type: ignore[assignment]
    if death is not None:
        act_at(*death, die)
    summary = run.run(Wanted(source="appeals_115"), get_settings())
    if summary.failures:
        raise SystemExit("\n".join(summary.failures))
