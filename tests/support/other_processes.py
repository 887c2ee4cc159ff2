"""What tests run in separate processes: publishing, dying while publishing, reading."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import duckdb

from pipelines.publishing.publish import publish
from pipelines.settings import Settings

WRITES = {"os.mkdir", "os.rename", "os.symlink", "os.chmod", "os.remove", "os.rmdir"}


def settings_of(home: Path) -> Settings:
    return Settings(home=home, busy_timeout_s=20)


def publish_in(home: Path) -> None:
    publish(settings_of(home))


def publish_dying_at_write(home: Path, write: int) -> None:
    """Publish; die by SIGKILL just before the ``write``-th file-system change."""
    seen = 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if event in WRITES or (
            event == "open" and str(arguments[0]).startswith(str(home)) and arguments[1] == "w"
        ):
            seen += 1
            if seen == write:
                os.kill(os.getpid(), signal.SIGKILL)

    settings = settings_of(home)
    sys.addaudithook(hook)
    publish(settings)


def publish_dying_after(home: Path, seconds: float) -> None:
    """Publish; die by SIGKILL after some time, whatever DuckDB is doing."""
    settings = settings_of(home)
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL))
    timer.daemon = True
    timer.start()
    publish(settings)


def read_until(home: Path, stop: Any, results: Any) -> None:
    """Open the current publication repeatedly; report what was seen, or the error."""
    seen = set()
    reads = 0
    try:
        while not stop.is_set() or reads == 0:
            with duckdb.connect(
                str(home / "published" / "current" / "gorod.duckdb"), read_only=True
            ) as connection:
                row = connection.execute(
                    "select (select content_hash from published.publication),"
                    " (select string_agg(distinct obs_value::varchar) from published.pub_observation_v1)"
                ).fetchone()
            seen.add(row)
            reads += 1
        results.put((reads, seen, None))
    except Exception as error:
        results.put((reads, seen, repr(error)))
