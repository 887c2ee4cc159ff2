"""A backup restored into an empty server is the same warehouse: physical to a moment, and logical."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.publishing.index_contract import publish_index
from pipelines.publishing.server import publish_on_server
from pipelines.settings import PROJECT
from pipelines.warehouse.access import sync as access
from pipelines.warehouse.check import check_warehouse
from pipelines.warehouse.copy import copy_warehouse
from pipelines.warehouse.duckdb import DuckDBWarehouse
from pipelines.warehouse.postgres import PostgresWarehouse
from pipelines.warehouse.server import Server
from sandbox import postgres
from tests.postgres.test_copy import rows
from tests.postgres.test_parity import dbt
from tests.support import small_warehouse as small

pytestmark = pytest.mark.slow
ARCHIVE = PROJECT / "deploy" / "postgresql" / "archive-wal"
ABOUT = {
    "publication_id": "p", "created_at": datetime(2026, 1, 1, tzinfo=UTC), "content_hash": "c", "definitions_hash": "d",
    "synthetic": True,
}  # fmt: skip


@dataclass
class Original:
    """A published warehouse on a server that archives its WAL as deploy/ does, and its backups."""

    instance: postgres.Instance
    folder: Path
    moment: datetime = field(init=False)
    ledger: dict[str, list[Any]] = field(init=False)
    shown: dict[str, list[Any]] = field(init=False)

    @property
    def dsn(self) -> str:
        return self.instance.dsn("gorod", "gorod")

    def tool(self, name: str, *arguments: str) -> None:
        """One of PostgreSQL's own programmes."""
        done = subprocess.run(
            [str(self.instance.binaries / name), *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def published(dsn: str) -> dict[str, list[Any]]:
    """Every row that readers see, by table."""
    with psycopg.connect(dsn) as session:
        names = [
            name
            for (name,) in session.execute("select tablename from pg_tables where schemaname = 'published'")
        ]
        return {
            name: sorted(session.execute(f'select t::text from published."{name}" as t').fetchall())
            for name in names
        }


def build(dsn: str, folder: Path) -> dict[str, int]:
    """Build by dbt and publish; rows of the contracts that changed, by table."""
    done = dbt(dsn, folder, "build", "--exclude", "resource_type:test", "resource_type:unit_test")
    assert done.returncode == 0, done.stdout[-3000:]
    with PostgresWarehouse(dsn).connection() as connection:
        publish_index(connection, "test")
    return publish_on_server(Server(dsn), ABOUT)


@pytest.fixture(scope="module")
def original() -> Iterator[Original]:
    folder = Path(tempfile.mkdtemp(prefix="gorod-backup-"))
    folder.chmod(0o755)
    for name in ("wal", "base"):
        (folder / name).mkdir()
        (folder / name).chmod(0o777)  # the server may run as a user of its own
    try:
        with postgres.running(folder / "server", durable=False) as instance:
            with (instance.data / "pg_hba.conf").open("a", encoding="utf-8") as rules:
                rules.write("local replication all trust\n")
            with psycopg.connect(instance.dsn("postgres"), autocommit=True) as session:
                session.execute("alter system set archive_mode = on")
                session.execute(f"alter system set archive_command = '{ARCHIVE} %p %f {folder / 'wal'}'")
                session.execute("create role gorod login createrole")
            instance.stop()
            instance.start()
            postgres.create_database(instance.dsn("postgres"), "gorod", "gorod")
            made = Original(instance, folder)
            fill(made)
            back_up(made)
            spoil(made)
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fill(made: Original) -> None:
    """A warehouse that is whole, published, with its roles and policies."""
    here = small.SmallWarehouse(made.folder)
    loads = small.fill(here)
    # the small warehouse enters the rows of a refused load too, to see that no model reads them
    with here.connect() as connection:
        connection.execute("delete from raw.appeals_115__requests where load_id = ?", [loads["refused"]])
    copy_warehouse(DuckDBWarehouse(here.path), PostgresWarehouse(made.dsn))
    assert sum(build(made.dsn, made.folder).values()) > 100
    access.sync(Server(made.dsn))
    assert check_warehouse(PostgresWarehouse(made.dsn)).findings == []


def back_up(made: Original) -> None:
    """A full copy first; then the ledger goes on, and the logical form is taken; then the moment to come back to."""
    # else it waits for a checkpoint that takes minutes so as not to disturb anybody
    target = str(made.folder / "base" / "full")
    made.tool("pg_basebackup", "--checkpoint=fast", "-d", made.instance.dsn("postgres"), "-D", target)
    with psycopg.connect(made.dsn) as session:
        session.execute(
            "insert into ops.load_event select load_id, 99, 'waived', now(), 'after the full copy', 'w', '2000-01-01'"
            " from ops.load where load_no = 1"
        )
    made.tool(
        "pg_dumpall",
        "--globals-only",
        "-d",
        made.instance.dsn("postgres"),
        "-f",
        str(made.folder / "roles.sql"),
    )
    made.tool("pg_dump", "-Fc", "-d", made.instance.dsn("gorod"), "-f", str(made.folder / "gorod.dump"))
    made.ledger, made.shown = rows(PostgresWarehouse(made.dsn)), published(made.dsn)
    with psycopg.connect(made.dsn) as session:
        ((made.moment,),) = session.execute("select clock_timestamp()").fetchall()


def spoil(made: Original) -> None:
    """What should not have happened, in the archive before this returns."""
    with psycopg.connect(made.dsn) as session:
        session.execute("delete from raw.appeals_115__requests")
        session.execute("update published.pub_indicator_value_v1 set obs_value = 0")
    assert check_warehouse(PostgresWarehouse(made.dsn)).findings
    with psycopg.connect(made.instance.dsn("postgres"), autocommit=True) as session:
        ((segment,),) = session.execute("select pg_walfile_name(pg_switch_wal())").fetchall()
    until(lambda: (made.folder / "wal" / f"{segment}.gz").exists())


def until(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.1)


@contextmanager
def restored_to(made: Original, moment: datetime) -> Iterator[str]:
    """The full copy with the WAL up to a moment, on a server of its own; DSN of the warehouse."""
    with tempfile.TemporaryDirectory(prefix="gorod-restored-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        data, socket = folder / "data", folder / "socket"
        shutil.copytree(made.folder / "base" / "full", data)
        socket.mkdir()
        socket.chmod(0o777)
        with (data / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
            settings.write(
                f"unix_socket_directories = '{socket}'\narchive_mode = off\n"
                f"restore_command = 'gzip --decompress --stdout {made.folder / 'wal'}/%f.gz > %p'\n"
                f"recovery_target_time = '{moment.isoformat()}'\nrecovery_target_action = 'promote'\n"
            )
        (data / "recovery.signal").touch()
        data.chmod(0o700)
        if made.instance.system_user is not None:
            for path in (data, *data.rglob("*")):
                shutil.chown(path, made.instance.system_user)
        instance = replace(made.instance, data=data, socket=socket)
        instance.start()
        try:
            with psycopg.connect(instance.dsn("postgres"), autocommit=True) as session:
                until(lambda: session.execute("select pg_is_in_recovery()").fetchone() == (False,))
            yield instance.dsn("gorod", "gorod")
        finally:
            instance.stop("immediate")


@contextmanager
def restored_from_dump(made: Original) -> Iterator[str]:
    """The logical form in an empty server; DSN of the warehouse."""
    with tempfile.TemporaryDirectory(prefix="gorod-restored-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        with postgres.running(Path(name), durable=False) as instance:
            server = instance.dsn("postgres")
            made.tool("psql", "--quiet", "-d", server, "-f", str(made.folder / "roles.sql"))
            # with the database itself: its order, its owner, who may connect
            dump = str(made.folder / "gorod.dump")
            made.tool("pg_restore", "--exit-on-error", "--create", "-d", server, dump)
            yield instance.dsn("gorod", "gorod")


def is_the_same(made: Original, dsn: str) -> None:
    """Whole, row for row the same, showing the same, closed to whom it was closed."""
    warehouse = PostgresWarehouse(dsn)
    assert check_warehouse(warehouse).findings == []
    assert rows(warehouse) == made.ledger
    assert published(dsn) == made.shown
    assert access.sync(Server(dsn), plan=True) == []


def goes_on(made: Original, dsn: str, folder: Path) -> None:
    """The next build publishes the same."""
    assert set(build(dsn, folder).values()) == {0}
    assert published(dsn) == made.shown


def test_a_full_copy_and_its_wal_come_back_to_a_moment(original: Original, tmp_path: Path) -> None:
    with restored_to(original, original.moment) as dsn:
        is_the_same(original, dsn)
        goes_on(original, dsn, tmp_path)


@pytest.mark.parametrize("built_again", [False, pytest.param(True, marks=pytest.mark.long)])
def test_the_logical_form_comes_back_in_an_empty_server(
    built_again: bool, original: Original, tmp_path: Path
) -> None:
    with restored_from_dump(original) as dsn:
        is_the_same(original, dsn)
        if built_again:
            goes_on(original, dsn, tmp_path)


def test_a_segment_is_archived_whole_and_never_over_another(tmp_path: Path) -> None:
    segment, archive = tmp_path / "segment", tmp_path / "wal"
    archive.mkdir()

    def archived() -> int:
        return subprocess.run([str(ARCHIVE), str(segment), "0001", str(archive)], check=False).returncode

    segment.write_bytes(os.urandom(1 << 20))
    assert archived() == 0
    assert [path.name for path in archive.iterdir()] == ["0001.gz"]
    assert archived() == 0  # the same again, after a crash
    before = (archive / "0001.gz").read_bytes()
    segment.write_bytes(os.urandom(1 << 20))
    assert archived() != 0
    assert (archive / "0001.gz").read_bytes() == before
