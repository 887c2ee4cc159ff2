"""A status after a failed build says so: which model, and where to look."""

from __future__ import annotations

import json
from collections.abc import Iterator

import dagster as dg
import pytest
from typer.testing import CliRunner

from pipelines.catalogue.definition import definitions_hash
from pipelines.cli import app
from pipelines.exit_codes import ExitCode
from pipelines.orchestration.dagster_home import BUILD_JOB, prepare_dagster_home
from pipelines.orchestration.orphans import KILLED
from tests.support.portal import Portal

LOG = "/somewhere/dbt/target-duckdb/dbt.log"
SAID = f"""The dbt CLI process failed. See {LOG}.

  Failure in test every_value_leads_back (tests/every_value_leads_back.sql)
    Got 3 results, configured to fail if != 0

  Runtime Error in model int_hierarchy (models/intermediate/observations/int_hierarchy.sql)
"""
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dg.op
def marts() -> None:
    raise dg.Failure(SAID)


@dg.op
def sound() -> None:
    """A build that goes well."""


@dg.job(name=BUILD_JOB)
def failing() -> None:
    marts()


@dg.job(name=BUILD_JOB)
def mended() -> None:
    sound()


@pytest.fixture
def instance(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """Dagster beside a ledger that no build knows."""
    monkeypatch.setenv("DAGSTER_HOME", "")
    portal.take("2024-01", portal.rows("2024-01", 3))
    with dg.DagsterInstance.from_config(str(prepare_dagster_home(portal.settings))) as found:
        yield found


def test_the_model_and_the_log_are_named(instance: dg.DagsterInstance) -> None:
    run = failing.execute_in_process(instance=instance, raise_on_error=False, run_config=QUIET)
    done = CliRunner().invoke(app, ["status"])
    assert done.exit_code == ExitCode.REFUSED  # it is graver than that cities are late
    assert "build failed" in done.stdout
    assert "test every_value_leads_back: 3 rows; model int_hierarchy: cannot be computed" in done.stdout
    assert LOG in done.stdout
    assert f"run {run.run_id[:8]}" in done.stdout
    answer = json.loads(CliRunner().invoke(app, ["status", "--json"]).stdout)
    assert answer["failed_build"]["run_id"] == run.run_id
    mended.execute_in_process(instance=instance, run_config=QUIET)
    assert "build failed" not in CliRunner().invoke(app, ["status"]).stdout


def test_a_killed_build_is_told_as_such(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(failing, status=dg.DagsterRunStatus.STARTED)
    assert "build failed" not in CliRunner().invoke(app, ["status"]).stdout  # it goes on
    instance.report_run_failed(run, KILLED)
    done = CliRunner().invoke(app, ["status"])
    assert done.exit_code == ExitCode.REFUSED
    assert KILLED in done.stdout


def test_a_build_by_dbt_itself_is_told_too(portal: Portal) -> None:
    portal.take("2024-01", portal.rows("2024-01", 3))
    with portal.warehouse.connection() as connection:
        connection.execute(
            "insert into ops.build select 'by-hand', now(), false, true, ?, 0", [definitions_hash()]
        )
    done = CliRunner().invoke(app, ["status"])
    assert done.exit_code == ExitCode.REFUSED
    assert "a build by dbt itself" in done.stdout


def test_a_failure_of_before_is_over_when_the_marts_are_up_to_date(
    portal: Portal, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing.execute_in_process(instance=instance, raise_on_error=False, run_config=QUIET)
    with portal.warehouse.connection() as connection:
        connection.execute(
            "insert into ops.build select 'sound', now(), true, true, ?, count(load_id) from ops.deciding_event",
            [definitions_hash()],
        )
    monkeypatch.setattr("pipelines.operations.status.is_unpublished", lambda *_: False)
    assert "build failed" not in CliRunner().invoke(app, ["status"]).stdout
