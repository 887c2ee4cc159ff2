"""Separate processes without import cost: forked from one that has imported everything."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from pipelines.settings import PROJECT
from tests.support import warm_dbt

PRELOADED = [
    "dagster_dbt",
    "dbt.adapters.duckdb",
    "dbt.cli.main",
    "dbt_common.clients.agate_helper",
    "great_expectations",
    "pipelines.cli",
    "pipelines.definitions",
    "pipelines.orchestration.run",
    "tests.support.crash",
    "tests.support.fault_injection",
    "tests.support.preloaded",
]


def start(
    said: Path, environment: Mapping[str, str], target: Callable[..., None], *arguments: Any
) -> BaseProcess:
    """Call ``target`` in its own process group; its output goes into the file ``said``."""
    return _start(said, said, environment, Path.cwd(), target, arguments)


def gorod(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return _run(environment, PROJECT, command, arguments)


def command(*arguments: str) -> None:
    """``gorod`` itself, for ``start``."""
    from pipelines.cli import main

    sys.argv = ["gorod", *arguments]
    main()


def python(environment: Mapping[str, str], code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, as ``python -c`` does, where everything is imported already."""
    return _run(environment, PROJECT, program, (code, *arguments))


def program(code: str, *arguments: str) -> None:
    """The program itself."""
    sys.argv = ["-c", *arguments]
    exec(code, {"__name__": "__main__"})


def dbt(
    environment: Mapping[str, str], folder: Path, *arguments: str, project: Path = PROJECT / "dbt"
) -> subprocess.CompletedProcess[str]:
    """Run dbt on the project to its end in a folder, as people run it by hand."""
    where = ("--project-dir", str(project), "--profiles-dir", str(project))
    return _run(environment, folder, dbt_command, (*arguments, *where))


def _run(
    environment: Mapping[str, str], folder: Path, target: Callable[..., None], arguments: tuple[str, ...]
) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as name:
        out, err = Path(name) / "out", Path(name) / "err"
        process = _start(out, err, environment, folder, target, arguments)
        process.join(1400)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"{' '.join(arguments)}: {out.read_text()[-2000:]}{err.read_text()[-2000:]}")
        said, complained = out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")
        return subprocess.CompletedProcess(arguments, process.exitcode, said, complained)


def _start(
    out: Path,
    err: Path,
    environment: Mapping[str, str],
    folder: Path,
    target: Callable[..., None],
    arguments: tuple[Any, ...],
) -> BaseProcess:
    for path in {out, err}:
        path.unlink(missing_ok=True)
    if forkserver._forkserver._forkserver_pid is None:
        warm_dbt.parse_once()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    process = context.Process(target=_child, args=(out, err, dict(environment), folder, target, arguments))
    process.start()
    return process


def _child(
    out: Path,
    err: Path,
    environment: dict[str, str],
    folder: Path,
    target: Callable[..., None],
    arguments: tuple[Any, ...],
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    os.setsid()
    # a shell's background jobs, and their children, ignore it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for path, descriptor in ((out, 1), (err, 2)):
        with path.open("a", encoding="utf-8") as stream:
            os.dup2(stream.fileno(), descriptor)
    warm_dbt.install()
    try:
        target(*arguments)
    finally:
        # a process started by multiprocessing exits without it
        atexit._run_exitfuncs()


def dbt_command(*arguments: str) -> None:
    """dbt itself, for ``start``."""
    warm_dbt.run(arguments)
