"""What Dagster and dbt need around them: Dagster's home with its one-writer pool, dbt's manifest and paths."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.catalogue.definition import definitions_hash
from pipelines.disk import disk_errors
from pipelines.errors import GorodError
from pipelines.moments import today
from pipelines.settings import PROJECT, Settings
from pipelines.warehouse import engine_of, heard, server_of, telling

if TYPE_CHECKING:
    from dagster import DagsterInstance

DBT_PROJECT = PROJECT / "dbt"
WRITER_POOL = "warehouse"
BUILD_JOB = "build_and_publish"

# A pool without a limit limits nothing: DuckDB has one writer. Sensors tick each minute, and mostly find nothing; runs are
# removed by retention.py.
DAGSTER_YAML = """\
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  pools:
    default_limit: 1
run_monitoring:
  enabled: true
  free_slots_after_run_end_seconds: 30
retention:
  schedule:
    purge_after_days: 60
  sensor:
    purge_after_days:
      skipped: 2
      success: 60
      failure: 60
      started: 60
"""

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
    with telling(settings), DagsterInstance.from_config(str(home)) as instance:
        yield instance


def dbt_environment(settings: Settings) -> dict[str, str]:
    """The environment that dbt is run in."""
    server = server_of(settings)
    reached = {"GOROD_WAREHOUSE_PATH": settings.warehouse} if server is None else dict(server.environment)
    return {
        **reached,
        "GOROD_DBT_TARGET": engine_of(settings),
        "GOROD_TODAY": today().isoformat(),
        "GOROD_DEFINITIONS_HASH": definitions_hash(),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_TARGET_PATH": str(dbt_target(settings)),
        "DBT_LOG_PATH": str(settings.home / "dbt" / "logs"),
        # every statement in the log costs a tenth of a build; the statements themselves are in target*/run
        "DBT_LOG_LEVEL_FILE": os.environ.get("DBT_LOG_LEVEL_FILE", "info"),
        "DBT_PROFILES_DIR": str(DBT_PROJECT),
    }


def dbt_target(settings: Settings) -> Path:
    """Where dbt keeps its manifest and compiled SQL: of its own for each warehouse engine."""
    return settings.home / "dbt" / f"target-{engine_of(settings)}"


def dbt_executable() -> str:
    """The dbt of this interpreter's environment, on PATH or not."""
    return str(Path(sys.executable).with_name("dbt"))


def ensure_manifest(settings: Settings) -> Path:
    """Path of dbt's manifest; parses the dbt project if its files changed since.

    Raises:
        GorodError: the project does not parse.
    """
    with manifest_ahead(settings) as manifest:
        return manifest()


@contextmanager
def manifest_ahead(settings: Settings) -> Iterator[Callable[[], Path]]:
    """Let dbt parse its project, if files of it changed since, beside what the body does; who needs it calls for it.

    What is given is :func:`ensure_manifest`, which waits for what has been begun.
    """
    target = dbt_target(settings)
    # a copy: each build writes manifest.json anew, and may be killed or find the disk full meanwhile
    kept = target / f"parsed-{definitions_hash()[:16]}.json"
    if kept.exists():
        yield lambda: kept
        return
    with disk_errors(settings.home):
        target.mkdir(parents=True, exist_ok=True)
    project = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    with subprocess.Popen(
        [dbt_executable(), "--no-use-colors", "--quiet", "parse", *project],
        env={**os.environ, **dbt_environment(settings)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as parsing:

        def ensured() -> Path:
            if kept.exists():
                return kept
            said, _ = parsing.communicate()
            if parsing.returncode != 0:
                raise heard(settings, said) or GorodError(
                    f"the dbt project does not parse: {said.strip()}", "Run `dbt parse` in dbt/ and mend it."
                )
            for older in target.glob("parsed-*"):
                older.unlink()
            with disk_errors(settings.home):
                part = kept.with_suffix(".part")
                shutil.copyfile(target / "manifest.json", part)
                part.replace(kept)
            return kept

        try:
            yield ensured
        finally:
            # nobody called for it
            if parsing.poll() is None:
                parsing.terminate()
