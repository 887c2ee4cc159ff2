"""What tests of every area share."""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from pipelines import moments
from pipelines.dbt_project import write_generated_files
from pipelines.settings import PROJECT, get_settings
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.support import forked, small_warehouse, warm_dbt
from tests.support.databases import databases, dsn, server, session
from tests.support.examples import is_long, register_profiles
from tests.support.portal import Portal, use_home
from tests.support.small_warehouse import SmallWarehouse

__all__ = ["databases", "dsn", "server", "session"]

register_profiles()


def pytest_configure() -> None:
    """What a shell puts into the background ignores interrupts; tests are about who hears them."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


# The files that take longest, in that order, by seconds of a processor (tests/README.md says how to measure them):
# two processes that begin with these end at about the same time. What makes the samples and what does not take turns, so
# that nobody waits for what another is making.
LONGEST = (
    "pipeline/test_samples.py",
    "postgres/test_server_crashes.py",
    "dbt/test_increments.py",
    "pipeline/test_no_way_around.py",
    "publishing/test_embargo.py",
    "pipeline/test_kill.py",
    "postgres/test_parity.py",
    "pipeline/test_persons.py",
    "loading/test_seeded_faults.py",
    "dbt/test_rebuild.py",
    "orchestration/test_services.py",
    "dbt/test_territories.py",
    "postgres/test_restore.py",
    "dbt/test_builds.py",
    "loading/test_prefetch.py",
    "pipeline/test_rebuild.py",
    "operations/test_new.py",
    "postgres/test_vintages.py",
    "postgres/test_copy.py",
)
# what is made for these, or done with them (loads through the whole gate), is costly: who uses them is slow
COSTLY = {"samples", "built", "built_small", "databases", "doubtful", "portal", "world", "instance"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with tests that take long come first: then two processes end at about the same time.

    A test of something costly is slow. Every property belongs to the long forms too, where it is tried on more examples.

    Tests on the real data of others (marker ``mirror``) need their folder.
    """
    if not Path(os.environ.get("GOROD_MIRROR") or "no such folder").is_dir():
        for item in items:
            if item.get_closest_marker("mirror"):
                item.add_marker(pytest.mark.skip(reason="GOROD_MIRROR names no folder of real data"))
    if is_long():
        for item in items:
            if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
                item.add_marker(pytest.mark.long)
                item.add_marker(pytest.mark.repeated)
    for item in items:
        given = getattr(item, "callspec", None)
        on_server = given is not None and "postgres" in map(str, given.params.values())
        if on_server or COSTLY & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
    tests = Path(__file__).parent
    order = {tests / name: number for number, name in enumerate(LONGEST)}
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (order.get(item.path, len(order)), item.path not in slow))


def pytest_collection_finish() -> None:
    """What is imported by now stays: nobody has to look again and again whether it has become garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def dbt_project(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What follows from the declarations of this checkout, and a folder for what dbt has parsed of it."""
    write_generated_files()
    parsed = shared_folder(tmp_path_factory) / "parsed-dbt-projects"
    parsed.mkdir(exist_ok=True)
    os.environ[warm_dbt.PARSED] = str(parsed)
    warm_dbt.install()


def environment_on_samples(home: Path, **changes: str) -> dict[str, str]:
    """Environment of a process on a home that takes the samples of the repository."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GOROD_", "DAGSTER_"))}
    return {**kept, "GOROD_HOME": str(home), **changes}


def run_on_samples(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, on a home that takes the samples of the repository."""
    return forked.gorod(environment_on_samples(home, **environment), *arguments)


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """The folder of a session of tests, one for all workers."""
    folder = factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that whichever worker comes first makes, for all."""
    shared = shared_folder(factory)
    folder = shared / name
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            (folder / "done").touch()
    return folder


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the main job done on all samples, by the real command; shared by all workers."""

    def make(home: Path) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "pipelines.cli", "run", "--report"],
            cwd=PROJECT, env=environment_on_samples(home), capture_output=True, text=True, check=False, timeout=1400,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]

    return made_once(tmp_path_factory, "samples", make)


@pytest.fixture(scope="session")
def built_small(tmp_path_factory: pytest.TempPathFactory) -> SmallWarehouse:
    """The small warehouse, built once for all workers; to be copied and never changed."""

    def make(folder: Path) -> None:
        folder.mkdir()
        small_warehouse.template(folder)

    return small_warehouse.template(made_once(tmp_path_factory, "small-warehouse", make))


@pytest.fixture(scope="session")
def empty_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a warehouse that is prepared and holds nothing; to be copied and never changed."""

    def make(folder: Path) -> None:
        DuckDBWarehouse(folder / "warehouse.duckdb").prepare()

    return made_once(tmp_path_factory, "empty-warehouse", make) / "warehouse.duckdb"


@pytest.fixture
def portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_warehouse: Path) -> Iterator[Portal]:
    """An empty warehouse and an empty portal."""
    mirror = tmp_path / "mirror"
    found = Portal(use_home(monkeypatch, tmp_path / "home", mirror), mirror / "appeals_115")
    found.settings.home.mkdir()
    shutil.copyfile(empty_warehouse, found.settings.warehouse)
    yield found
    get_settings.cache_clear()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Move Gorod's clock on."""
    ahead = timedelta()

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + ahead

    def move(by: timedelta) -> None:
        nonlocal ahead
        ahead += by

    monkeypatch.setattr(moments, "datetime", Clock)
    return move
