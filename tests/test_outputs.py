"""Files that a user names: nothing that is read, kept or somebody else's is written over, by any command."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.errors import GorodError, WarehouseError
from pipelines.outputs import is_passed_on, written_whole
from pipelines.settings import PROJECT
from tests.support.portal import use_home

BYTES = b"a delivery"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    use_home(monkeypatch, folder, None)
    for name in ("landing", "inbox", "published", "releases", "reports"):
        (folder / name).mkdir(parents=True)
        (folder / name / "kept.xlsx").write_bytes(BYTES)
    (folder / "warehouse.duckdb").write_bytes(BYTES)
    return folder


COMMANDS = {
    "answer": ["explain", "any", "--xlsx"],
    "difference": ["release", "diff", "one", "other", "--xlsx"],
    "copy": ["warehouse", "copy", "{folder}/source.duckdb"],
}


@pytest.mark.parametrize("command", sorted(COMMANDS))
@pytest.mark.parametrize("place", ["landing", "inbox", "published", "releases", "reports"])
@pytest.mark.parametrize("way", ["plain", "dots", "link"])
def test_no_command_writes_into_what_is_kept(
    home: Path, tmp_path: Path, command: str, place: str, way: str
) -> None:
    kept = home / place / "kept.xlsx"
    link = tmp_path / "link.xlsx"
    link.symlink_to(kept)
    target = {"plain": kept, "dots": home / "no" / ".." / place / "kept.xlsx", "link": link}[way]
    arguments = [one.format(folder=tmp_path) for one in COMMANDS[command]]
    done = CliRunner().invoke(app, [*arguments, str(target)])
    assert (done.exit_code, "is in" in done.stderr) == (1, True), done.output
    assert kept.read_bytes() == BYTES


def test_exports_stay_out_of_what_is_kept(home: Path) -> None:
    done = CliRunner().invoke(app, ["export", "all", "-o", str(home / "landing" / "new")])
    assert (done.exit_code, "is in" in done.stderr) == (1, True), done.output
    assert not (home / "landing" / "new").exists()


def test_declarations_are_no_place_for_an_answer(home: Path) -> None:
    target = PROJECT / "assets" / "methods" / "answer.xlsx"
    done = CliRunner().invoke(app, ["explain", "any", "--xlsx", str(target)])
    assert (done.exit_code, "the declarations" in done.stderr) == (1, True), done.output
    assert not target.exists()
    assert (home / "warehouse.duckdb").read_bytes() == BYTES


@pytest.mark.parametrize("command", ["answer", "difference"])
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("home/warehouse.duckdb", "is the warehouse"),
        ("somebody.xlsx", "already exists, and is not a workbook"),
        ("table.csv", "a workbook is written as .xlsx"),
        ("folder.xlsx", "is a folder"),
    ],
)
def test_a_workbook_replaces_workbooks_alone(
    home: Path, tmp_path: Path, command: str, name: str, told: str
) -> None:
    (tmp_path / "somebody.xlsx").write_bytes(BYTES)
    (tmp_path / "folder.xlsx").mkdir()
    done = CliRunner().invoke(app, [*COMMANDS[command], str(tmp_path / name)])
    assert (done.exit_code, told in done.stderr) == (1, True), done.output
    assert (tmp_path / "somebody.xlsx").read_bytes() == BYTES
    assert (home / "warehouse.duckdb").read_bytes() == BYTES


def test_a_warehouse_is_copied_into_nothing_else(home: Path, tmp_path: Path) -> None:
    source, linked, foreign, table = (
        tmp_path / name for name in ("w.duckdb", "l.duckdb", "f.duckdb", "t.csv")
    )
    for path in (source, foreign):
        with duckdb.connect(str(path)) as connection:
            connection.execute("create table mine as select 1 as one")
    linked.hardlink_to(source)
    table.write_text("one\n1\n", encoding="utf-8")
    for target, told in (
        (source, "is the same file as"),
        (linked, "is the same file as"),
        (foreign, "is not a Gorod warehouse"),
        (table, "is not a Gorod warehouse"),
    ):
        before = target.read_bytes()
        done = CliRunner().invoke(app, ["warehouse", "copy", str(source), str(target)])
        assert (done.exit_code, told in done.stderr) == (1, True), done.output
        assert target.read_bytes() == before
    assert (home / "warehouse.duckdb").read_bytes() == BYTES


def test_what_is_written_is_there_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_bytes(b"old")
    path.chmod(0o640)
    for error, told in (
        (OSError(errno.ENOSPC, "No space left on device"), WarehouseError),
        (RuntimeError(OSError(errno.ENOSPC, "No space left on device")), WarehouseError),
        (OSError(errno.EIO, "Input/output error"), GorodError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ):
        with pytest.raises(told), written_whole(path) as whole:
            whole.write_bytes(b"half")
            raise error
        assert (path.read_bytes(), names(tmp_path)) == (b"old", ["out.csv"])
    with written_whole(path) as whole:
        whole.write_bytes(b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777, names(tmp_path)) == (
        b"new",
        0o640,
        ["out.csv"],
    )


def test_a_link_stays_a_link_and_a_pipe_a_pipe(tmp_path: Path) -> None:
    real, link, pipe = tmp_path / "real.csv", tmp_path / "link.csv", tmp_path / "pipe"
    real.write_bytes(b"old")
    link.symlink_to(real)
    with written_whole(link) as whole:
        whole.write_bytes(b"new")
    assert (link.is_symlink(), real.read_bytes()) == (True, b"new")
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with written_whole(pipe) as whole:
        assert whole == pipe
        whole.open("wb").close()
    os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["no/such/out.csv", "file/out.csv", "x" * 300 + ".csv"])
def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(GorodError, match="cannot be written"), written_whole(tmp_path / name) as whole:
        whole.write_bytes(b"new")


def test_a_file_in_shared_memory_is_a_file_and_a_device_is_none() -> None:
    assert not is_passed_on(Path("/dev/shm/answer.csv"))
    assert all(is_passed_on(Path(one)) for one in ("/dev/stdout", "/dev/full", "/proc/self/fd/1"))
