"""Other processes, a full disk, folders that may not be touched: a clear message, and a sound state."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from pipelines.errors import WarehouseBusyError, WarehouseError
from pipelines.loading.plan import run_lock
from pipelines.progress import on_progress
from pipelines.settings import Settings
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.pipeline.conftest import environment_of, gorod
from tests.support import forked
from tests.support import writing_run as writing_run_of
from tests.support.portal import Portal

HOLD = """
import sys
import duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(portal: Portal) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the warehouse."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, portal.settings.warehouse],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.communicate("")


def test_a_held_warehouse_is_told_with_its_holder(holder: subprocess.Popen[str], portal: Portal) -> None:
    warehouse = DuckDBWarehouse(Path(portal.settings.warehouse), busy_timeout_s=0.2)
    with pytest.raises(WarehouseBusyError) as caught:
        warehouse.prepare()
    assert f"process {holder.pid}" in caught.value.message
    assert caught.value.exit_code == 4
    portal.put("2024-01", portal.rows("2024-01", 3))
    done = gorod(portal.settings.home, "run", "--source", "appeals_115", GOROD_BUSY_TIMEOUT_S="0.2")
    assert done.returncode == 4
    assert str(holder.pid) in done.stderr
    assert "Traceback" not in done.stderr
    holder.communicate("")
    assert portal.states() == {}
    assert [candidate.slice.key for candidate in portal.candidates()] == ["2024-01"]


def test_a_second_run_is_turned_away(portal: Portal) -> None:
    with run_lock(portal.settings):
        done = gorod(portal.settings.home, "run", "--source", "appeals_115")
    assert done.returncode == 4
    assert "another run is going on" in done.stderr
    assert f"process {os.getpid()}" in done.stderr
    with run_lock(portal.settings):
        pass


@pytest.mark.slow
def test_readers_of_the_snapshot_are_not_blocked(country: Portal) -> None:
    current = country.settings.published / "current" / "gorod.duckdb"
    with (
        run_lock(country.settings),
        duckdb.connect(country.settings.warehouse) as writer,
        duckdb.connect(str(current), read_only=True) as reader,
    ):
        writer.execute("begin")
        writer.execute("delete from ops.load")
        done = gorod(country.settings.home, "sql", "select count(*) as rows from pub_load_v1", "--csv")
        assert done.returncode == 0, done.stderr
        (expected,) = reader.execute("select count(*) from published.pub_load_v1").fetchone() or (None,)
        assert done.stdout.splitlines()[-1] == str(expected)


def _mount(folder: Path, size: str) -> None:
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "gorod-tests", str(folder)],
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip("a small disk cannot be mounted here: " + done.stderr.decode().strip())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MB."""
    with _disk(tmp_path / "disk", "24m") as folder:
        yield folder


@pytest.fixture
def disk_of_a_home(tmp_path: Path) -> Iterator[Path]:
    """A disk that holds a small country's home and some more."""
    with _disk(tmp_path / "disk", "300m") as folder:
        yield folder


@contextmanager
def _disk(folder: Path, size: str) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("a small disk is mounted as root")
    _mount(folder, size)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def _fill(disk: Path, leave: int) -> Path:
    """Fill a disk up to some free bytes."""
    filler = disk / "filler"
    room = os.statvfs(disk)
    filler.write_bytes(b"\0" * max(room.f_bavail * room.f_frsize - leave, 0))
    return filler


@pytest.mark.parametrize("leave_kb", [0, 16, 64, 200, 600])
def test_a_full_disk_is_told_and_the_next_load_goes_on(
    leave_kb: int, portal: Portal, small_disk: Path
) -> None:
    settings = Settings(
        home=small_disk / "home", mirror=portal.settings.mirror, origin="mirror", busy_timeout_s=1
    )
    crowded = Portal(settings, portal.folder)
    crowded.warehouse.prepare()
    crowded.put("2024-01", crowded.rows("2024-01", 3))
    crowded.load()
    before = crowded.states()
    # a hundred thousand bytes of file, more of batch, more of warehouse
    crowded.put("2024-02", crowded.rows("2024-02", 3_000))
    filler = _fill(small_disk, leave_kb * 1024)
    try:
        crowded.load()
    except WarehouseError as error:
        assert error.exit_code == 5
        assert error.message
        assert error.remedy
    else:
        assert leave_kb >= 600
    filler.unlink()
    states = crowded.states()
    assert set(before.items()) <= set(states.items())
    crowded.load()
    assert list(crowded.states().values()) == ["accepted", "accepted"]
    rows = crowded.warehouse.query(
        "select load_id, count(*) as rows from raw.appeals_115__requests group by 1 order by 1"
    )
    assert [row["rows"] for row in rows] == [3, 3_000]
    assert not list((settings.landing / ".incoming").glob("*"))


def test_a_run_on_a_full_disk_leaves_with_5(portal: Portal, small_disk: Path) -> None:
    portal.put("2024-01", portal.rows("2024-01", 3))
    _fill(small_disk, 0)
    home = small_disk / "home"
    done = gorod(home, "run", "--source", "appeals_115", GOROD_MIRROR=str(portal.folder.parent))
    assert done.returncode == 5, done.stdout + done.stderr
    assert "full" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_full_disk_is_told_by_who_looks_and_what_is_amiss_once_there_is_room(
    portal: Portal, small_disk: Path
) -> None:
    home, mirror = small_disk / "home", {"GOROD_MIRROR": str(portal.folder.parent)}
    portal.put("2024-01", portal.rows("2024-02", 20))  # of another month: refused
    assert gorod(home, "run", "--source", "appeals_115", **mirror).returncode == 6
    for leave in (0, 30_000):
        filler = _fill(small_disk, leave)
        for command in ("status", "watch"):
            done = gorod(home, command, **mirror)
            assert done.returncode == 5, (leave, command, done.stdout + done.stderr)
            assert "full" in done.stderr
            assert "Traceback" not in done.stderr
        assert not (home / "alerts.jsonl").exists() or (home / "alerts.jsonl").read_bytes() == b""
        filler.unlink()
    # all was refused: there is nothing that could be up to date
    assert "not built yet" in gorod(home, "status", **mirror).stdout
    done = gorod(home, "watch", **mirror)
    assert done.returncode == 0, done.stderr
    assert "new: load_refused/appeals_115.requests.minsk.2024-01" in done.stdout


# in the midst of dbt; in the long form at the first writes and at other places too
# the short forms: a full disk while loading (loading/test_poison.py), while publishing (publishing/test_publication.py)
@pytest.mark.long
@pytest.mark.parametrize("leave_kb", [500, 2_000, 6_000, 14_000])
def test_a_disk_that_fills_while_marts_are_built_is_told_and_the_next_run_goes_on(
    leave_kb: int, country: Portal, disk_of_a_home: Path
) -> None:
    home = disk_of_a_home / "home"
    shutil.copytree(country.settings.home, home, symlinks=True)
    mirror = {"GOROD_MIRROR": str(country.folder.parent)}
    country.put("2024-05", country.rows("2024-05", 3_000))
    filler = _fill(disk_of_a_home, leave_kb * 1024)
    done = gorod(home, "run", "--source", "appeals_115", **mirror)
    assert done.returncode == 5, done.stdout + done.stderr
    assert "full" in done.stderr
    assert "Traceback" not in done.stderr
    filler.unlink()
    done = gorod(home, "run", "--source", "appeals_115", **mirror)
    assert done.returncode == 0, done.stdout + done.stderr
    with duckdb.connect(str(home / "published" / "current" / "gorod.duckdb"), read_only=True) as snapshot:
        (count,) = snapshot.execute(
            "select obs_value from published.pub_observation_v1 where measure = 'appeals_registered'"
            " and ref_area = 'c-minsk' and time_period = '2024-05' and breakdown = '_T'"
        ).fetchone() or (None,)
    assert count == 3_000


# root may read and write everything; without these two capabilities it is bound by the modes of its files as all are
BOUND = """
import ctypes
libc, header, sets = ctypes.CDLL(None), (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
assert libc.capget(header, sets) == 0
sets[0] &= ~0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
assert libc.capset(header, sets) == 0
"""


def _bound(portal: Portal, code: str) -> subprocess.CompletedProcess[str]:
    """Some code in a process that may not pass over the modes of files."""
    # nobody is still writing into the drop folder
    return forked.python(environment_of(portal.settings.home, GOROD_INBOX_QUIET_S="0"), BOUND + code)


RUN = """
import sys
from pipelines.cli import main
sys.argv = ["gorod", "run", "--source", "appeals_115"]
main()
"""


def test_a_home_that_may_not_be_written_is_told(portal: Portal) -> None:
    portal.put("2024-01", portal.rows("2024-01", 3))
    portal.settings.home.mkdir(exist_ok=True)
    portal.settings.home.chmod(0o555)
    done = _bound(portal, RUN)
    portal.settings.home.chmod(0o755)
    assert done.returncode == 5, done.stdout + done.stderr
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


PLAN = """
from pipelines.loading.plan import Wanted, make_plan
from pipelines.settings import get_settings
from pipelines.warehouse import open_warehouse
settings = get_settings()
plan = make_plan(Wanted(source="appeals_115"), settings, open_warehouse(settings))
for failure in plan.failures.values():
    print(failure)
print("taken:", *(one.origin.rsplit("/", 1)[-1] for found in plan.candidates.values() for one in found))
"""


@pytest.mark.parametrize("forbidden", ["mirror", "drop folder", "a folder above"])
def test_a_folder_that_may_not_be_read_is_told_and_others_are_taken(portal: Portal, forbidden: str) -> None:
    portal.put("2024-01", portal.rows("2024-01", 3))
    inbox = portal.settings.inbox / "appeals_115" / "requests"
    for instance in ("minsk", "brest"):
        (inbox / instance).mkdir(parents=True)
        shutil.copy(portal.folder / "opendata-115-2024-01-01.csv", inbox / instance)
    closed = {"mirror": portal.folder, "drop folder": inbox / "brest", "a folder above": inbox}[forbidden]
    closed.chmod(0)
    done = _bound(portal, PLAN)
    closed.chmod(0o755)
    assert done.returncode == 0, done.stderr
    *told, taken = done.stdout.splitlines()
    assert f"folder {closed}" in told[0]
    assert "cannot be read: Permission denied" in told[0]
    assert (
        taken.count("opendata-115-2024-01-01.csv")
        == {"mirror": 2, "drop folder": 2, "a folder above": 1}[forbidden]
    )


@pytest.fixture
def writing_run(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Settings], subprocess.Popen[str]]:
    """Another run of the same Dagster, as the UI would start it, that holds the one writer's slot until it is ended."""
    from pipelines.orchestration.dagster_home import prepare_dagster_home

    def start(settings: Settings) -> subprocess.Popen[str]:
        monkeypatch.setenv("DAGSTER_HOME", "")  # put back at the end
        home = prepare_dagster_home(settings)
        process = writing_run_of.begin(home)
        request.addfinalizer(lambda: process.poll() is None and process.communicate(""))
        return process

    return start


@pytest.mark.slow
def test_a_run_says_whom_it_waits_for_and_gives_up(
    writing_run: Callable[[Settings], subprocess.Popen[str]], portal: Portal
) -> None:
    portal.put("2024-01", portal.rows("2024-01", 3))
    writing_run(portal.settings)
    done = gorod(portal.settings.home, "run", "--source", "appeals_115", GOROD_BUSY_TIMEOUT_S="1")
    assert done.returncode == 4, done.stdout + done.stderr
    (waits,) = [line for line in done.stderr.splitlines() if line.startswith("waiting: ")]
    run = waits.removeprefix("waiting: ").removesuffix(" is writing")
    assert run.startswith("run ") and run.endswith(" of a_long_load")
    assert f"{run} is still writing after 1 s" in done.stderr
    assert "GOROD_BUSY_TIMEOUT_S" in done.stderr
    assert "Traceback" not in done.stderr
    assert portal.states() == {}
    assert [candidate.slice.key for candidate in portal.candidates()] == ["2024-01"]


def test_the_wait_ends_with_the_run_that_is_waited_for(
    writing_run: Callable[[Settings], subprocess.Popen[str]], portal: Portal
) -> None:
    from dagster import DagsterInstance

    from pipelines.orchestration.waiting import wait_for_slot

    other = writing_run(portal.settings)
    told: list[str] = []

    def hear(step: str) -> None:
        told.append(step)
        assert other.stdin is not None
        other.stdin.close()

    on_progress(hear)
    try:
        with DagsterInstance.from_config(str(portal.settings.dagster_home)) as instance:
            wait_for_slot(instance, longest_s=120)
            assert len(told) == 1
            wait_for_slot(instance, longest_s=0)
    finally:
        on_progress(None)
    assert other.wait(60) == 0
    assert len(told) == 1
