"""A Dagster run, as the UI would start it, that holds the only writer's slot until it is ended or killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HOLD_SLOT = """
import sys
import dagster as dg

@dg.op(pool="warehouse")
def write():
    print("held", flush=True)
    sys.stdin.read()

@dg.job
def a_long_load():
    write()

with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    a_long_load.execute_in_process(instance=instance, run_config=quiet)
"""


def begin(home: Path) -> subprocess.Popen[str]:
    """Start it in Dagster's home; it holds the slot when this returns. Closing its input ends it."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD_SLOT, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process
