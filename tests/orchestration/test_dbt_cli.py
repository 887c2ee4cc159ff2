"""dbt as Dagster starts it here: at once, with the lines that Dagster reads, dbt's exit code and a log."""

from __future__ import annotations

import json
import os
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from dagster_dbt import DbtCliResource

from assets.dbt_cli import PinnedDbt
from assets.marts import dbt_resource
from pipelines.dbt_project import DBT_PROJECT, dbt_command


def test_what_is_overridden_is_still_there() -> None:
    """Both are private to dagster-dbt: an upgrade that renames one would start dbt twice again, and nothing would fail."""
    own = {name for name in vars(PinnedDbt) if name in ("_cli_version", "_initialize_dbt_core_adapter")}
    assert len(own) == 2
    assert own <= vars(DbtCliResource).keys()


def test_only_the_command_itself_is_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started: list[list[str]] = []
    popen = subprocess.Popen

    class Noted(popen):  # type: ignore[type-arg, valid-type, misc]
        def __init__(self, args: Any, *others: Any, **options: Any) -> None:
            started.append(args)
            super().__init__(args, *others, **options)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    found = dbt_resource()
    invocation = found.cli(["--version"], target_path=tmp_path, raise_on_error=False)
    invocation.process.wait()
    assert started == [[*dbt_command(), "--version"]]
    assert str(found._cli_version) == version("dbt-core")
    assert invocation.adapter is None


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {
        "GOROD_WAREHOUSE_PATH": str(folder / "none.duckdb"),
        "DBT_TARGET_PATH": str(folder),
        "DBT_LOG_PATH": str(folder),
        "DBT_LOG_FORMAT": "json",
        "DBT_PROFILES_DIR": str(DBT_PROJECT),
    }
    return subprocess.run(
        [*dbt_command(), *arguments],
        cwd=DBT_PROJECT,
        env={**os.environ, **given, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_lines_exit_codes_and_log_are_those_of_dbt(tmp_path: Path) -> None:
    done = run(tmp_path, "run-operation", "romanised", "--args", "{what: ''}")
    failed = run(tmp_path, "run-operation", "there_is_no_such_macro")
    assert done.returncode in {0, 1}
    assert failed.returncode in {1, 2}
    lines = [json.loads(line) for line in failed.stdout.splitlines()]
    assert {line["info"]["level"] for line in lines} <= {"info", "warn", "error"}
    assert any("there_is_no_such_macro" in line["info"]["msg"] for line in lines)
    log = (tmp_path / "dbt.log").read_text(encoding="utf-8")
    assert "there_is_no_such_macro" in log
    assert "On none" not in log


@pytest.mark.slow
def test_a_more_detailed_log_is_still_to_be_had(tmp_path: Path) -> None:
    run(tmp_path, "run-operation", "there_is_no_such_macro", DBT_LOG_LEVEL_FILE="debug")
    assert '"debug"' in (tmp_path / "dbt.log").read_text(encoding="utf-8")
