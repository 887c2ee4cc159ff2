"""One small country, built once for all tests of the whole way; each test works on a copy of its home."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.declarations.sources import SOURCES
from pipelines.loading.load import load_candidate
from pipelines.loading.plan import Wanted, make_plan
from pipelines.settings import Settings, get_settings
from tests.conftest import made_once
from tests.support import forked
from tests.support.portal import Portal, use_home

# what a month of Minsk holds in the small country: month, number of requests
MONTHS = {"2024-01": 40, "2024-02": 30, "2024-03": 0, "2024-04": 50}


def gorod(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, on a small country's home."""
    return forked.gorod(environment_of(home, **environment), *arguments)


def environment_of(home: Path, **changes: str) -> dict[str, str]:
    """Environment of a process on a small country's home; its portal lies beside it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GOROD_", "DAGSTER_"))}
    given = {
        "GOROD_HOME": str(home),
        "GOROD_MIRROR": str(home.parent / "mirror"),
        "GOROD_BUSY_TIMEOUT_S": "30",
    }
    return {**kept, **given, **changes}


def _lay_mirror(mirror: Path) -> None:
    """The samples under the names of the public origins; the portal is filled by the tests."""
    register, statistics = SOURCES / "territory_register" / "sample", SOURCES / "belstat" / "sample"
    shutil.copytree(register / "territories", mirror / "territories")
    shutil.copytree(register / "geo", mirror / "geo")
    for folder in ("wages", "population", "migration"):
        shutil.copytree(statistics / folder, mirror / "belstat" / folder)


def _build(folder: Path) -> None:
    """Load territories, people and four months of requests; build and publish."""
    mirror, home = folder / "mirror", folder / "home"
    _lay_mirror(mirror)
    with pytest.MonkeyPatch.context() as monkeypatch:
        settings = use_home(monkeypatch, home, mirror)
        portal = Portal(settings, mirror / "appeals_115")
        portal.warehouse.prepare()
        for month, count in MONTHS.items():
            portal.put(month, portal.rows(month, count))
        for wanted in (
            Wanted(source="territory_register"),
            Wanted(source="belstat", feed="population_by_age"),
        ):
            for candidates in make_plan(wanted, settings, portal.warehouse).candidates.values():
                for candidate in candidates:
                    assert load_candidate(candidate, settings, portal.warehouse).state == "accepted"
    get_settings.cache_clear()
    done = gorod(home, "run", "--source", "appeals_115")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with ``home`` and ``mirror`` of the small country; shared by all workers, never changed."""
    return made_once(tmp_path_factory, "small-country", _build)


def copy_country(built: Path, to: Path) -> Settings:
    """A copy of the small country with its portal."""
    shutil.copytree(built / "home", to / "home", symlinks=True)
    shutil.copytree(built / "mirror", to / "mirror", copy_function=shutil.copy2)
    # offers are known by their address: it moves with the copy
    import duckdb

    with duckdb.connect(str(to / "home" / "warehouse.duckdb")) as connection:
        connection.execute(
            "update ops.candidate set origin = replace(origin, ?, ?)", [built.as_uri(), to.as_uri()]
        )
    return Settings(home=to / "home", mirror=to / "mirror", origin="mirror")


@pytest.fixture
def country(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    """A country of one's own."""
    copy_country(built, tmp_path)
    settings = use_home(monkeypatch, tmp_path / "home", tmp_path / "mirror", busy_timeout_s="30")
    yield Portal(settings, tmp_path / "mirror" / "appeals_115")
    get_settings.cache_clear()
