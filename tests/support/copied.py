"""A copy of the repository that a test may change, and the command in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from pipelines.settings import PROJECT

ROOMS = ("assets", "expectations", "pipelines", "sandbox", "dbt")


def copy_of_the_repository(folder: Path) -> Path:
    """What the command needs, as it is in this checkout."""
    for room in ROOMS:
        shutil.copytree(
            PROJECT / room,
            folder / room,
            ignore=shutil.ignore_patterns("__pycache__", "target", "logs", "generated"),
        )
    shutil.copy2(PROJECT / "dagster.yaml", folder / "dagster.yaml")
    return folder


def gorod(project: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command of the copy, on a home of its own, with the samples as origin."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GOROD_", "DAGSTER_"))}
    return subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *arguments],
        cwd=project, capture_output=True, text=True, check=False, timeout=1400,
        env={**kept, "PYTHONPATH": str(project), "GOROD_HOME": str(home), "GOROD_ORIGIN": "sample", "COLUMNS": "200"},
    )  # fmt: skip


def files_of(project: Path) -> dict[str, bytes]:
    """Every file of the rooms but what is generated, by its path."""
    return {
        path.relative_to(project).as_posix(): path.read_bytes()
        for room in ROOMS
        for path in sorted((project / room).rglob("*"))
        if path.is_file() and not {"__pycache__", "generated", "target", "logs"} & set(path.parts)
    }
