"""What Dagster and dbt need around them: Dagster's home with its one-writer pool, dbt's manifest and paths."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.disk import disk_errors
from pipelines.settings import PROJECT, Settings
from pipelines.warehouse import server_of, translated_errors

if TYPE_CHECKING:
    from dagster import DagsterInstance

BUILD_JOB = "build_and_publish"

# read from here by `dagster` and `dg` too, where they are started by hand
DAGSTER_YAML = (PROJECT / "dagster.yaml").read_text(encoding="utf-8")

# With the warehouse on a server, Dagster keeps its runs there too, in a schema of its own: every host that works on
# the warehouse sees them, and the pool's limit holds for all. The address is in the environment alone.
DAGSTER_SCHEMA = "dagster"
DAGSTER_STORAGE = "GOROD_DAGSTER_POSTGRES"
SERVER_YAML = f"""\
storage:
  postgres:
    postgres_url:
      env: {DAGSTER_STORAGE}
"""

# The command keeps a log of its own; Dagster's capture would start four more processes for each step, which print
# stack traces of their own at Ctrl-C.
COMMAND_CONFIG = "gorod-run.yaml"
COMMAND_YAML = """\
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
"""


# The command writes the same event log faster (event_log.py).
EMBEDDED_COMMAND_YAML = """\
event_log_storage:
  module: pipelines.orchestration.event_log
  class: EmbeddedEventLog
  config:
    base_dir: {}
"""
SERVER_COMMAND_YAML = "".join(
    f"""\
{storage}:
  module: {module}
  class: {name}
  config:
    postgres_url:
      env: {DAGSTER_STORAGE}
"""
    for storage, module, name in (
        ("run_storage", "dagster_postgres.run_storage", "PostgresRunStorage"),
        ("event_log_storage", "pipelines.orchestration.event_log_server", "ServerEventLog"),
        ("schedule_storage", "dagster_postgres.schedule_storage", "PostgresScheduleStorage"),
    )
)


def prepare_dagster_home(settings: Settings) -> Path:
    """Make Dagster's home, once, and point this process at it."""
    home = settings.dagster_home
    server = server_of(settings)
    if server is None:
        storage, faster = "", EMBEDDED_COMMAND_YAML.format(json.dumps(str(home / "history" / "runs")))
    else:
        with server.session("prepares") as session:
            session.execute(f"create schema if not exists {DAGSTER_SCHEMA}")
        os.environ[DAGSTER_STORAGE] = server.url(search_path=DAGSTER_SCHEMA)
        storage, faster = SERVER_YAML, SERVER_COMMAND_YAML
    with disk_errors(settings.home):
        home.mkdir(parents=True, exist_ok=True)
        for name, text in (
            ("dagster.yaml", DAGSTER_YAML + storage),
            (COMMAND_CONFIG, DAGSTER_YAML + COMMAND_YAML + faster),
        ):
            config = home / name
            if not config.exists() or config.read_text(encoding="utf-8") != text:
                config.write_text(text, encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home)
    return home


@contextmanager
def dagster_instance(settings: Settings) -> Iterator[DagsterInstance | None]:
    """Dagster's storage as the UI and the daemon have it; None where nothing ran yet."""
    if not (settings.dagster_home / "dagster.yaml").exists():
        yield None
        return
    from dagster import DagsterInstance

    home = prepare_dagster_home(settings)
    with translated_errors(settings), DagsterInstance.from_config(str(home)) as instance:
        yield instance
