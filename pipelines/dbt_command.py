"""``dbt`` as Dagster runs it: the same commands and the same lines, without those that nobody reads.

dbt composes a line of its log for each of some 25 events of every node, twice, and drops all but the few that are as
important as the log's level: a fifth of a build. Here only those are composed, by dbt's own means (``dbtRunner``).
"""

from __future__ import annotations

import logging
import os
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from dbt.cli.main import dbtRunner
from dbt_common.events.base_types import EventMsg
from dbt_common.events.functions import env_scrubber, msg_to_json

READ = {"info", "warn", "error"}
# dbt's own exit codes
FAILED, BROKEN = 1, 2
# as dbt keeps its own log
LOG_BYTES, LOGS_KEPT = 10 << 20, 5

_log = logging.getLogger("gorod.dbt")


def main() -> int:
    """Run dbt: JSON lines to stdout, where Dagster reads them, and a log to ``$DBT_LOG_PATH``."""
    _log.propagate = False
    quiet = ["--log-level", "none"]
    # a more detailed log is for dbt to write
    if os.environ.get("DBT_LOG_LEVEL_FILE", "info") == "info":
        quiet += ["--log-level-file", "none"]
        _log.addHandler(_log_file(Path(os.environ["DBT_LOG_PATH"])))
        _log.setLevel(logging.INFO)
    result = dbtRunner(callbacks=[_tell]).invoke([*quiet, *sys.argv[1:]])
    if result.success:
        return 0
    return BROKEN if result.exception else FAILED


def _log_file(folder: Path) -> logging.Handler:
    folder.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(
        folder / "dbt.log", maxBytes=LOG_BYTES, backupCount=LOGS_KEPT, encoding="utf-8"
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    return handler


def _tell(event: EventMsg) -> None:
    info: Any = event.info
    if info.level in READ:
        print(env_scrubber(msg_to_json(event)), flush=True)
        _log.info("[%-5s] %s", info.level, env_scrubber(info.msg))


if __name__ == "__main__":
    sys.exit(main())
