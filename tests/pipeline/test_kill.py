"""A run killed at any moment: the next one ends in the state of a run that was left alone."""

from __future__ import annotations

import os
import random
import signal
import time
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.loading.pending_markers import has_pending
from pipelines.publishing.publication import current_publication
from pipelines.settings import Settings
from tests.pipeline.conftest import copy_country, environment_of
from tests.support import crash, forked
from tests.support.portal import Portal

pytestmark = pytest.mark.slow

# where a run dies while it loads; the second of three deliveries is the one that is hit
PLACES = [
    ("pipelines.loading.landing:_sync", "after", 6),  # the folder stands in its place
    ("pipelines.warehouse.ledger_rows:insert_batch", "after", 2),
]
OTHER_PLACES = [
    ("pipelines.loading.pending_markers:clear_pending", "before", 2),
    ("pipelines.connectors.files:shutil.copyfileobj", "before", 2),
    ("pipelines.loading.pending_markers:mark_pending", "after", 2),
    ("pipelines.loading.validate:formats.read", "after", 2),
    ("pipelines.loading.validate:gate.evaluate", "after", 2),
    ("pipelines.loading.pending_markers:clear_pending", "after", 2),
]


def new_deliveries(portal: Path) -> None:
    """A correction, a new month with a bad row, a month that is refused."""
    given = Portal(Settings(home=portal.parent / "unused"), portal)
    given.put("2024-02", given.rows("2024-02", 35))
    given.put("2024-05", [*given.rows("2024-05", 44), given.row(45, "2024-05", category="6,30")])
    given.put("2024-06", given.rows("2024-05", 20))


def country_of(built: Path, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    copy_country(built, folder)
    new_deliveries(folder / "mirror" / "appeals_115")
    return folder / "home"


def run(home: Path, builds: bool = True, death: tuple[str, str, int] | None = None) -> int:
    """Exit code of a run in a process of its own."""
    said = home.parent / "said.txt"
    process = forked.start(said, environment_of(home), crash.main, builds, death)
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL), said.read_text(encoding="utf-8")[-5000:]
    return process.exitcode


def state(home: Path) -> dict[str, Any]:
    """What a home holds, but for moments, the order of entry and the names of runs."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:

        def rows(sql: str) -> list[tuple[Any, ...]]:
            return connection.execute(sql).fetchall()

        found = {
            "loads": rows(
                "select * exclude (load_no, received_at, decided_at, seconds, origin) from ops.load_state order by load_id"
            ),
            "events": rows(
                "select load_id, event_no, event, by_whom, why, until from ops.load_event order by all"
            ),
            "results": rows("select * from ops.load_result order by all"),
            "quarantine": rows("select * from ops.quarantine order by all"),
            "flagged": rows("select * from ops.flagged_row order by all"),
            "raw": rows("select * from raw.appeals_115__requests order by all"),
        }
    landing = home / "landing"
    found["landed"] = sorted(
        str(path.relative_to(landing))
        for path in landing.rglob("*")
        if path.is_file() and path.name[0] != "."
    )
    publication = current_publication(Settings(home=home))
    assert publication is not None
    found["published"] = publication.content_hash
    assert not has_pending(Settings(home=home))
    assert not list(landing.glob(".incoming/*"))
    assert not list(home.glob("work/*"))
    return found


@pytest.fixture(scope="module")
def loaded(built: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """State after an undisturbed run that only loads."""
    home = country_of(built, tmp_path_factory.mktemp("loaded"))
    assert run(home, builds=False) == 0
    return state(home)


def test_the_undisturbed_run_loads_what_is_new(loaded: dict[str, Any]) -> None:
    outcomes = {row[0].split(".")[3]: row for row in loaded["loads"] if ".requests." in row[0]}
    assert set(outcomes) == {f"2024-0{month}" for month in range(1, 7)}
    assert len(loaded["quarantine"]) == 1 + 20
    # 35 requests of the correction, 44 of the new month, beside the 120 that were there
    assert len(loaded["raw"]) == 120 + 35 + 44


@pytest.mark.parametrize(
    "death",
    [*PLACES, *(pytest.param(place, marks=pytest.mark.long) for place in OTHER_PLACES)],
    ids=[" ".join(map(str, place)) for place in (*PLACES, *OTHER_PLACES)],
)
def test_a_run_killed_while_it_loads(
    death: tuple[str, str, int], built: Path, loaded: dict[str, Any], tmp_path: Path
) -> None:
    home = country_of(built, tmp_path)
    assert run(home, builds=False, death=death) == -signal.SIGKILL
    assert run(home, builds=False) == 0
    assert state(home) == loaded


def start(home: Path) -> BaseProcess:
    """``gorod run`` in a process group of its own."""
    return forked.start(
        home.parent / "said.txt", environment_of(home), forked.command, "run", "--source", "appeals_115"
    )


def kill(process: BaseProcess, with_children: bool = True) -> None:
    assert process.pid is not None
    (os.killpg if with_children else os.kill)(process.pid, signal.SIGKILL)
    process.join()


def kill_when_compiled(home: Path, model: str, with_dbt: bool = True) -> None:
    """Kill a run, and its dbt unless that is to live on, as soon as dbt begins with a model."""
    begun = time.time()
    process = start(home)
    target = home / "dbt" / "target-duckdb"
    while process.is_alive():
        if any(path.stat().st_mtime > begun for path in target.rglob(f"run/**/{model}.sql")):
            kill(process, with_dbt)
            return
        time.sleep(0.02)
    raise AssertionError(f"the run ended with {process.exitcode} before dbt came to {model}")


@pytest.fixture(scope="module")
def finished(built: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """State after an undisturbed run that builds and publishes too."""
    home = country_of(built, tmp_path_factory.mktemp("finished"))
    assert run(home) == 0
    return state(home)


def test_a_run_killed_while_it_builds_and_publishes(
    built: Path, finished: dict[str, Any], tmp_path: Path
) -> None:
    """Killed while dbt builds, and with the snapshot made, before it is shown."""
    home = country_of(built, tmp_path)
    before = current_publication(Settings(home=home))
    kill_when_compiled(home, "int_observations_by_load")
    assert current_publication(Settings(home=home)) == before
    place = ("pipelines.publishing.publish:seal", "before", 1)
    assert run(home, death=place) == -signal.SIGKILL
    assert current_publication(Settings(home=home)) == before
    assert run(home) == 0
    assert state(home) == finished
    assert current_publication(Settings(home=home)) != before


@pytest.mark.long
def test_a_run_killed_wherever_it_builds_and_publishes(
    built: Path, finished: dict[str, Any], tmp_path: Path
) -> None:
    home = country_of(built, tmp_path)
    before = current_publication(Settings(home=home))
    for model in ("int_observations_by_load", "mart_region_indicator_value"):
        kill_when_compiled(home, model)
        assert current_publication(Settings(home=home)) == before
    for place in (
        "pipelines.publishing.index_contract:evaluate_methods",
        "pipelines.publishing.publish:seal",
    ):
        assert run(home, death=(place, "before", 1)) == -signal.SIGKILL
        assert current_publication(Settings(home=home)) == before
    assert run(home) == 0
    assert state(home) == finished
    assert current_publication(Settings(home=home)) != before


@pytest.mark.long
def test_a_run_killed_while_its_dbt_lives_on(built: Path, finished: dict[str, Any], tmp_path: Path) -> None:
    home = country_of(built, tmp_path)
    kill_when_compiled(home, "int_observations_by_load", with_dbt=False)
    assert run(home) == 0
    assert state(home) == finished


@pytest.mark.repeated
@pytest.mark.long
def test_a_run_killed_at_random_moments(built: Path, finished: dict[str, Any], tmp_path: Path) -> None:
    home = country_of(built, tmp_path)
    moments = random.Random(20240229)
    killed = 0
    for _ in range(5):
        process = start(home)
        process.join(moments.uniform(0.1, 12.0))
        if process.is_alive():
            kill(process)
            killed += 1
    # a fast machine may come to the end between two
    assert killed >= 2
    assert run(home) == 0
    assert state(home) == finished


def test_a_run_interrupted_from_the_keyboard_says_so(
    built: Path, tmp_path: Path, loaded: dict[str, Any]
) -> None:
    home = country_of(built, tmp_path)
    process = start(home)
    while process.is_alive() and not list(
        (home / "landing" / "appeals_115").glob("requests/minsk/2024-05/*")
    ):
        time.sleep(0.02)
    assert process.pid is not None
    os.killpg(process.pid, signal.SIGINT)
    process.join()
    told = (home.parent / "said.txt").read_text(encoding="utf-8")
    assert process.exitcode == 130
    assert "interrupted" in told
    assert "Traceback" not in told
    assert run(home, builds=False) == 0
    assert state(home) == loaded
