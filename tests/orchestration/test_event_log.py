"""What the command writes into Dagster's event log, Dagster's own classes read, while it is written and afterwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from dagster import (
    AssetCheckResult,
    AssetKey,
    DagsterEventType,
    DagsterInstance,
    EventLogEntry,
    asset,
    asset_check,
    materialize,
)

from pipelines.orchestration import dagster_home
from pipelines.orchestration.event_log import EmbeddedEventLog
from pipelines.settings import get_settings
from tests.conftest import use_home


@asset
def numbers() -> int:
    return 1


@asset_check(asset=numbers)
def numbers_are_positive(numbers: int) -> AssetCheckResult:
    return AssetCheckResult(passed=numbers > 0)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Dagster's home of an embedded warehouse."""
    use_home(monkeypatch, tmp_path / "home", None)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return dagster_home.prepare_dagster_home(get_settings())


@pytest.fixture
def command(home: Path) -> Iterator[DagsterInstance]:
    """Dagster as ``gorod run`` uses it."""
    with DagsterInstance.from_config(str(home), dagster_home.COMMAND_CONFIG) as instance:
        assert isinstance(instance.event_log_storage, EmbeddedEventLog)
        yield instance


def _read(home: Path, run_id: str) -> tuple[list[str], int]:
    """Events of a run and materializations of the asset, as the UI's own instance finds them."""
    with DagsterInstance.from_config(str(home)) as ui:
        assert not isinstance(ui.event_log_storage, EmbeddedEventLog)
        kinds = [entry.dagster_event.event_type_value for entry in ui.all_logs(run_id) if entry.dagster_event]
        found = ui.fetch_materializations(AssetKey("numbers"), limit=10).records
    return kinds, len(found)


def test_the_ui_reads_what_the_command_writes(home: Path, command: DagsterInstance) -> None:
    for number in (1, 2, 3):
        run = materialize([numbers, numbers_are_positive], instance=command)
        # the command has its files open
        kinds, materialized = _read(home, run.run_id)
        assert materialized == number
        for expected in (
            DagsterEventType.ASSET_MATERIALIZATION,
            DagsterEventType.ASSET_CHECK_EVALUATION,
            DagsterEventType.RUN_SUCCESS,
        ):
            assert kinds.count(expected.value) == 1
    command.dispose()
    assert _read(home, run.run_id) == (kinds, 3)


def test_the_file_of_each_run_is_as_dagster_makes_it(home: Path, command: DagsterInstance) -> None:
    """That of a command's second run is copied from the first, and holds nothing of it."""
    runs = [materialize([numbers], instance=command).run_id for _ in range(2)]
    with DagsterInstance.from_config(str(home)) as ui:
        runs.append(materialize([numbers], instance=ui).run_id)
    forms = []
    for run_id in runs:
        with closing(sqlite3.connect(home / "history" / "runs" / f"{run_id}.db")) as connection:
            forms.append(set(connection.execute("select type, name, sql from sqlite_master")))
            assert connection.execute("select distinct run_id from event_logs").fetchall() == [(run_id,)]
            assert connection.execute("pragma journal_mode").fetchone() == ("wal",)
    assert forms[0] == forms[1] == forms[2]


def test_what_a_run_plans_is_stored_together(
    home: Path, command: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: list[int] = []
    store = EmbeddedEventLog.store_event_batch

    def noted(self: EmbeddedEventLog, events: Sequence[EventLogEntry]) -> None:
        stored.append(len(events))
        store(self, events)

    monkeypatch.setattr(EmbeddedEventLog, "store_event_batch", noted)
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "1000")
    run = materialize([numbers, numbers_are_positive], instance=command)
    assert stored == [2]
    kinds, _ = _read(home, run.run_id)
    for expected in (
        DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
        DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
        DagsterEventType.RUN_SUCCESS,
    ):
        assert kinds.count(expected.value) == 1


def test_the_command_goes_on_with_what_the_ui_wrote(home: Path) -> None:
    with DagsterInstance.from_config(str(home)) as ui:
        materialize([numbers, numbers_are_positive], instance=ui)
    with DagsterInstance.from_config(str(home), dagster_home.COMMAND_CONFIG) as command:
        run = materialize([numbers, numbers_are_positive], instance=command)
        assert len(command.fetch_materializations(AssetKey("numbers"), limit=10).records) == 2
    assert _read(home, run.run_id)[1] == 2


def _open_databases(home: Path) -> set[Path]:
    links = [one.readlink() for one in Path("/proc/self/fd").iterdir() if one.exists()]
    return {path for path in links if path.is_relative_to(home / "history" / "runs") and path.suffix == ".db"}


def test_files_of_runs_that_ended_are_closed(home: Path, command: DagsterInstance) -> None:
    for _ in range(4):
        materialize([numbers], instance=command)
    assert len(list((home / "history" / "runs").glob("*.db"))) == 5
    # the index of all runs, and the last run
    assert len(_open_databases(home)) == 2
    command.dispose()
    assert not _open_databases(home)


def test_the_command_does_not_wait_for_the_disk_at_each_event(command: DagsterInstance) -> None:
    """A write-ahead log that is flushed when it is folded in: whoever reads the files finds them whole at any time."""
    storage = command.event_log_storage
    assert isinstance(storage, EmbeddedEventLog)
    with storage.index_connection() as connection:
        settings = [
            connection.exec_driver_sql(f"pragma {name}").scalar() for name in ("journal_mode", "synchronous")
        ]
    assert settings == ["wal", 1]
