"""Dagster's event log on a server, as the command writes it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from dagster import AssetKey, DagsterInstance, asset, materialize

from pipelines.orchestration import environment
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
    home = str(environment.prepare_dagster_home(get_settings()))
    with DagsterInstance.from_config(home, environment.COMMAND_CONFIG) as command:
        assert isinstance(command.event_log_storage, ServerEventLog)
        for number in (1, 2):
            materialize([numbers], instance=command)
            with DagsterInstance.from_config(home) as ui:
                assert not isinstance(ui.event_log_storage, ServerEventLog)
                assert len(ui.fetch_materializations(AssetKey("numbers"), limit=10).records) == number
            cut = session.execute(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            ).fetchone()
            # it was open
            assert cut is not None
            assert cut[0] >= 1
    left = session.execute(
        "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    ).fetchone()
    assert left == (0,)
