"""Dagster's event log on a server, as the command writes it."""

from __future__ import annotations

import time
from pathlib import Path

import psycopg
import pytest
from dagster import AssetKey, DagsterInstance, asset, materialize

from pipelines.orchestration import dagster_home
from pipelines.orchestration.event_log_server import ServerEventLog
from pipelines.settings import get_settings
from tests.conftest import use_home


@asset
def numbers() -> int:
    return 1


def test_sessions_that_are_cut_are_opened_anew_and_the_ui_reads_it_all(
    dsn: str, session: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_home(monkeypatch, tmp_path / "home", None, warehouse=dsn)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    home = str(dagster_home.prepare_dagster_home(get_settings()))
    with DagsterInstance.from_config(home, dagster_home.COMMAND_CONFIG) as command:
        assert isinstance(command.event_log_storage, ServerEventLog)
        for number in (1, 2):
            materialize([numbers], instance=command)
            with DagsterInstance.from_config(home) as ui:
                assert not isinstance(ui.event_log_storage, ServerEventLog)
                assert len(ui.fetch_materializations(AssetKey("numbers"), limit=10).records) == number
            # It was open; a session that is told to end takes a moment to do so, on a busy machine a long one.
            assert others(session, "pg_terminate_backend(pid)") >= 1
            assert goes_to_nothing(session)
        materialize([numbers], instance=command)
        assert others(session) >= 1
    assert goes_to_nothing(session)


def others(session: psycopg.Connection, done: str = "pid") -> int:
    """How many sessions there are beside our own, after something was done to each."""
    counted = session.execute(
        f"select count({done}) from pg_stat_activity"
        # a worker of autovacuum is none
        " where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
    ).fetchone()
    assert counted is not None
    return int(counted[0])


def goes_to_nothing(session: psycopg.Connection) -> bool:
    """Whether within a minute no session is left beside our own."""
    deadline = time.monotonic() + 60
    while others(session) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not others(session)
