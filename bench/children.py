"""Run a module of the benchmark in a process of its own, and measure that process from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
KIB_IN_MIB = 1024  # Linux gives the peak in KiB

# Nothing is sent anywhere by what is measured.
QUIET = {
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
}


class BenchError(Exception):
    """A measured process failed; the message ends with what it said."""


@dataclass(frozen=True)
class Measured:
    """One process: seconds of wall time and of CPU, peak resident memory in MiB, and what it reported."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    output: dict[str, Any]


def measure(module: str, *arguments: object, environment: dict[str, str] | None = None) -> Measured:
    """Run ``python -m <module> <arguments>`` to its end.

    The last line of its standard output is a JSON object with its own report. Linux counts into the peak what
    the process was before ``exec``, which is this one: so this one stays small, it loads neither DuckDB nor pandas.

    Raises:
        BenchError: the process failed.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    os.sync()  # writes of earlier processes are not a cost of this one
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        started = time.monotonic()
        process = subprocess.Popen(
            command, cwd=PROJECT, env={**os.environ, **QUIET, **(environment or {})}, stdout=out, stderr=err
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        wall_s = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            raise BenchError(f"{' '.join(command[2:])} failed:\n{err.read()[-2000:]}{out.read()[-2000:]}")
        output = json.loads(out.read().splitlines()[-1])
    return Measured(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / KIB_IN_MIB, output)
