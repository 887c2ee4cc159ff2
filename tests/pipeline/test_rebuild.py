"""What `gorod run` builds and publishes follows what has changed."""

from __future__ import annotations

import re

import pytest
from dagster import AssetCheckKey, AssetKey, DagsterInstance

from pipelines.exit_codes import ExitCode
from pipelines.publishing.publication import current_publication
from tests.pipeline.conftest import gorod
from tests.support.portal import Portal

OF_A_VIEW = AssetCheckKey(
    AssetKey(["intermediate", "int_observations"]),
    "unique_combination_int_observations_measure__ref_area__freq__time_period__breakdown__load_id",
)


def totals(country: Portal) -> list[int]:
    """How many models, snapshots and tests each dbt build ran."""
    log = country.settings.home / "dbt" / "target-duckdb" / "dbt.log"
    return [int(total) for total in re.findall(r"Done\. PASS=.*? TOTAL=(\d+)", log.read_text("utf-8"))]


def builds(country: Portal) -> list[tuple[bool, bool]]:
    """Whether each build went well, and counts as one of the whole project."""
    rows = country.warehouse.query("select ok, whole from ops.build_state order by build_no")
    return [(row["ok"], row["whole"]) for row in rows]


def run_that_checked(country: Portal, key: AssetCheckKey) -> str:
    """The run whose result the UI shows for a check."""
    home = country.settings.home / "dagster"
    with DagsterInstance.from_config(str(home)) as instance:
        records = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    (record,) = records
    assert record.status.name == "SUCCEEDED"
    return record.run_id


@pytest.mark.slow
def test_a_refused_load_starts_no_dbt_and_the_next_one_builds_a_part(country: Portal) -> None:
    home, (first,) = country.settings.home, totals(country)
    before = current_publication(country.settings)
    assert before is not None
    assert builds(country) == [(True, True)]
    first_run = run_that_checked(country, OF_A_VIEW)

    # the rows of another month: all in quarantine
    country.put("2024-05", country.rows("2024-04", 45, first=1000))
    done = gorod(home, "run", "--source", "appeals_115")
    assert done.returncode == ExitCode.LOADS_REFUSED, done.stdout + done.stderr
    assert builds(country) == [(True, True)]
    assert totals(country) == [first]
    assert current_publication(country.settings) == before
    assert [path.name for path in country.settings.published.glob("2*")] == [before.folder.name]

    country.put("2024-05", country.rows("2024-05", 9, first=2000))
    done = gorod(home, "run", "--source", "appeals_115")
    assert done.returncode == 0, done.stdout + done.stderr
    assert builds(country) == [(True, True), (True, True)]
    part = totals(country)[-1]
    assert 0 < part < first * 2 / 3
    # a view is not created again, its tests run, and the UI shows what came of them
    assert run_that_checked(country, OF_A_VIEW) != first_run
    after = current_publication(country.settings)
    assert after is not None
    assert after.id != before.id
    # what was refused is shown with the next publication
    assert after.row_counts["pub_data_quality_v1"] == before.row_counts["pub_data_quality_v1"] + 2
