"""Processes of their own that cost no imports: forked from one that has imported everything."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

PRELOADED = [
    "dagster_dbt",
    "great_expectations",
    "pipelines.cli",
    "pipelines.definitions",
    "pipelines.orchestration.run",
    "tests.pipeline.dying",
    "tests.postgres.striking",
]


def start(
    said: Path, environment: Mapping[str, str], target: Callable[..., None], *arguments: Any
) -> BaseProcess:
    """Call ``target`` in a process group of its own; what it says goes into the file ``said``."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    process = context.Process(target=_child, args=(said, dict(environment), target, arguments))
    process.start()
    return process


def _child(
    said: Path, environment: dict[str, str], target: Callable[..., None], arguments: tuple[Any, ...]
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.setsid()
    # a shell's background jobs, and their children, ignore it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with said.open("w", encoding="utf-8") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    target(*arguments)
