"""dbt that anybody starts by hand is possible and harmless: what it leaves is not taken for a build of the whole."""

from __future__ import annotations

import copy
import os
import shutil
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.publishing.staleness import stale_since
from pipelines.settings import PROJECT
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.support import forked

pytestmark = pytest.mark.slow

LAST = "select ended, ok, whole from ops.build_state order by build_no desc limit 1"


@pytest.fixture
def own(small: Any, tmp_path: Path) -> Iterator[Any]:
    """A copy of the small warehouse, built as a whole and up to date."""
    mine = copy.copy(small)
    mine.folder, mine.path = tmp_path, tmp_path / small.path.name
    shutil.copy(small.path, mine.path)
    assert stale_since(DuckDBWarehouse(mine.path)) is None
    yield mine


@pytest.mark.parametrize(
    ("command", "left"),
    [
        (["build", "--resource-type", "snapshot"], (True, True, False)),
        (["snapshot"], (True, True, False)),
        (["build", "--select", "mart_plausibility"], (True, True, False)),
        (["run", "--select", "mart_plausibility", "--empty"], (True, True, False)),
    ],
    ids=lambda given: " ".join(map(str, given)),
)
def test_a_part_is_no_whole(command: list[str], left: tuple[bool, ...], own: Any) -> None:
    done = own.dbt(*command, of_gorod=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert own.query(LAST) == [left]
    assert stale_since(DuckDBWarehouse(own.path)) is not None


def test_a_load_that_is_not_built_stays_unbuilt_whatever_dbt_is_started_with(own: Any) -> None:
    """The snapshot alone used to be the build of all that the ledger held by then."""
    own.load("appeals_115.requests", "2031-01", [], instance="minsk", not_retained=True)
    warehouse = DuckDBWarehouse(own.path)
    assert stale_since(warehouse) is not None
    own.dbt("build", "--resource-type", "snapshot", of_gorod=False)
    assert stale_since(warehouse) is not None


@pytest.mark.parametrize("built_again", [False, pytest.param(True, marks=pytest.mark.long)])
def test_a_build_without_rows_is_no_build_and_the_next_has_them_all(built_again: bool, own: Any) -> None:
    figures = "select count(*), count(obs_value) from published.pub_indicator_value_v1"
    before = own.query(figures)
    known = "select count(*) from history.known_indicator_value where known_to is null"
    remembered = own.query(known)
    own.dbt("build", "--empty", "--exclude-resource-type", "unit_test")
    assert own.query(LAST)[0][2] is False
    # what failed has stopped the rest
    assert own.dbt("run", "--empty", "--select", "pub_indicator_value").returncode == 0
    assert own.query(figures) == [(0, 0)]
    assert own.query(LAST)[0][2] is False
    # nor is it remembered that all figures were withdrawn for a moment
    done = own.dbt("snapshot")
    assert done.returncode != 0
    assert "of a whole build alone" in done.stdout
    assert own.query(known) == remembered
    assert stale_since(DuckDBWarehouse(own.path)) is not None
    if not built_again:
        return
    done = own.dbt("build", "--exclude-resource-type", "unit_test")
    assert done.returncode == 0, done.stdout[-3000:]
    assert own.query(figures) == before
    assert own.query(known) == remembered
    assert own.query(LAST) == [(True, True, True)]
    assert stale_since(DuckDBWarehouse(own.path)) is None


def test_what_a_clock_ahead_has_stamped_is_known_by_now(own: Any) -> None:
    with own.connect() as connection:
        connection.execute(
            "update history.known_indicator_value set known_from = timestamp '2099-01-01' where indicator = 'population'"
        )
    assert own.dbt("snapshot").returncode == 0
    ahead = "select count(*) from history.known_indicator_value where known_from > (now() at time zone 'UTC')::timestamp"
    assert own.query(ahead) == [(0,)]
    doubled = "select count(*) from history.known_indicator_value where indicator = 'population' and known_to is not null"
    assert own.query(doubled) == [(0,)]


def end_an_embargo(own: Any) -> None:
    """What was built while figures were held back, now that the embargo is over."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    with own.connect() as connection:
        connection.execute(
            "insert into intermediate.int_embargo_indicator values ('population', '2018', ?::timestamptz)",
            [past.isoformat()],
        )
        connection.execute(
            "delete from published.pub_indicator_value_v1 where indicator = 'population' and time_period = '2018'"
        )


def test_a_build_of_a_part_after_an_embargo_ended_is_not_its_end(own: Any) -> None:
    """The model that says what is held back knows that it is over; what is published still lacks the figures."""
    warehouse = DuckDBWarehouse(own.path)
    end_an_embargo(own)
    assert stale_since(warehouse) is not None
    assert own.dbt("run", "--select", "int_embargo_indicator").returncode == 0
    assert own.query("select count(*) from intermediate.int_embargo_indicator") == [(0,)]
    assert stale_since(warehouse) is not None


@pytest.mark.long
def test_a_build_killed_after_an_embargo_ended_is_done_again(
    own: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed when int_embargo_indicator holds nothing back any more, and what is published still lacks the figures."""
    warehouse = DuckDBWarehouse(own.path)
    end_an_embargo(own)
    assert stale_since(warehouse) is not None
    environment = own.environment()
    begun = time.time()
    where = ("--project-dir", str(PROJECT / "dbt"), "--profiles-dir", str(PROJECT / "dbt"))
    monkeypatch.chdir(own.folder)
    process = forked.start(
        own.folder / "said.txt",
        environment,
        forked.dbt_command,
        "build",
        "--exclude-resource-type",
        "unit_test",
        *where,
    )
    while process.is_alive():
        if any(
            path.stat().st_mtime > begun
            for path in (own.folder / "target").rglob("run/**/mart_open_indicator_value.sql")
        ):
            break
        time.sleep(0.02)
    assert process.is_alive(), (own.folder / "said.txt").read_text(encoding="utf-8")[-3000:]
    assert process.pid is not None
    os.killpg(process.pid, signal.SIGKILL)
    process.join()
    assert own.query("select count(*) from intermediate.int_embargo_indicator") == [(0,)]
    assert stale_since(warehouse) is not None
    assert own.dbt("build", "--exclude-resource-type", "unit_test").returncode == 0
    assert stale_since(warehouse) is None
    assert own.value("population", "BY", "2018")["obs_value"] == 1000
