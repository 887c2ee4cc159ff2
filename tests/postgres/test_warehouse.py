"""The warehouse on a server: it prepares itself, one writer at a time, a load whole or not at all, clear errors."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any

import duckdb
import psycopg
import pytest

from pipelines.declarations.sources import load_sources
from pipelines.errors import GorodError, WarehouseBusyError, WarehouseError
from pipelines.settings import PROJECT
from pipelines.warehouse import migrations, warehouse_at
from pipelines.warehouse.postgres import PostgresWarehouse
from pipelines.warehouse.server import Server, is_away
from tests.support import forked
from tests.support.databases import Databases
from tests.support.portal import Portal


def test_it_prepares_a_raw_table_for_each_feed_and_no_column_of_a_person(
    warehouse: PostgresWarehouse, session: psycopg.Connection[Any]
) -> None:
    warehouse.prepare()
    for source in load_sources().values():
        for name, feed in source.feeds.items():
            columns = [
                column
                for (column,) in session.execute(
                    "select column_name from information_schema.columns where table_schema = 'raw' and table_name = %s"
                    " order by ordinal_position",
                    [f"{source.source}__{name}"],
                )
            ]
            assert columns == ["load_id", "row_no", *feed.kept_columns]
            dropped = {one for one, column in feed.columns.items() if column.personal_data == "drop"}
            assert not dropped & set(columns)


def test_preparing_again_locks_nothing(
    warehouse: PostgresWarehouse, session: psycopg.Connection[Any], dsn: str
) -> None:
    with psycopg.connect(dsn) as reader:  # a transaction that has read the ledger and stays open
        reader.execute("select count(*) from ops.load_state")
        warehouse.prepare()
    assert session.execute("select version from ops.version").fetchall() == [(migrations.SCHEMA_VERSION,)]


def test_a_column_that_a_feed_gains_is_added_and_old_rows_keep_their_values(
    warehouse: PostgresWarehouse, session: psycopg.Connection[Any]
) -> None:
    session.execute("insert into raw.appeals_115__requests (load_id, row_no, id) values ('l', 1, '7')")
    session.execute("alter table raw.appeals_115__requests drop column status cascade")
    warehouse.prepare()
    assert warehouse.query("select id, status from raw.appeals_115__requests") == [
        {"id": "7", "status": None}
    ]


def test_numbers_keep_their_six_decimals(warehouse: PostgresWarehouse) -> None:
    kinds = warehouse.query(
        "select distinct data_type from duckdb_columns() where database_name = current_database()"
        " and schema_name = 'raw' and starts_with(data_type, 'DECIMAL')"
    )
    assert kinds == [{"data_type": "DECIMAL(18,6)"}]


def test_reading_before_there_is_a_warehouse_makes_none(dsn: str, session: psycopg.Connection[Any]) -> None:
    assert PostgresWarehouse(dsn).query("select * from ops.load") == []
    assert session.execute("select to_regnamespace('ops')").fetchone() == (None,)


def test_a_query_cannot_write(warehouse: PostgresWarehouse) -> None:
    with pytest.raises(Exception, match="read-only"):
        warehouse.query("delete from ops.load")


def test_a_ledger_of_a_newer_form_is_left_alone(
    warehouse: PostgresWarehouse, session: psycopg.Connection[Any]
) -> None:
    session.execute("insert into ops.version values (%s, now())", [migrations.SCHEMA_VERSION + 1])
    with pytest.raises(WarehouseError, match="another version") as caught:
        warehouse.prepare()
    assert "newer Gorod" in caught.value.remedy


def test_a_database_that_sorts_by_a_language_is_refused(server: str, databases: Databases) -> None:
    with psycopg.connect(server, autocommit=True) as session:
        known = {
            name for (name,) in session.execute("select collname from pg_collation where collprovider = 'c'")
        }
        other = next((name for name in ("en_US.utf8", "ru_RU.utf8") if name in known), None)
        encoding = "UTF8" if other else "SQL_ASCII"
        name = "gorod_other_order"
        databases.made.append(name)
        order = other or "C"
        session.execute(
            f"create database {name} template template0 encoding '{encoding}' lc_collate '{order}' lc_ctype '{order}'"
        )
    address = databases.new().replace(databases.made[-1], name)
    with pytest.raises(WarehouseError, match="a warehouse needs C and UTF8") as caught:
        PostgresWarehouse(address).prepare()
    assert "template0" in caught.value.remedy


def test_an_address_that_is_none_is_told_without_its_password() -> None:
    with pytest.raises(GorodError, match="is not the address") as caught:
        warehouse_at("postgresql://gorod:secret@h/d?nonsense=1", 1)
    assert "secret" not in str(caught.value)
    with pytest.raises(GorodError, match="neither") as caught:
        warehouse_at("oracle://gorod:secret@h/d", 1)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("password", ["s3cret!", "зима+лето=1%"])
def test_a_server_that_is_away_is_waited_for_and_told_without_the_password(password: str) -> None:
    from urllib.parse import quote

    away = f"postgresql://gorod:{quote(password)}@127.0.0.1:1/gorod"
    started = time.monotonic()
    for call in (
        lambda: PostgresWarehouse(away, 0.5).prepare(),
        lambda: PostgresWarehouse(away, 0.5).query("select 1"),
    ):
        with pytest.raises(WarehouseError, match="cannot be reached") as caught:
            call()
        assert password not in str(caught.value)
        assert quote(password) not in str(caught.value)
    assert time.monotonic() - started >= 1
    assert password not in repr(Server(away))


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (
            psycopg.OperationalError(
                'connection failed: connection to server at "127.0.0.1", port 5432 failed: '
                'root certificate file "/etc/gorod/ca.pem" does not exist'
            ),
            "/etc/gorod/ca.pem",
        ),
        (
            duckdb.IOException(
                'Unable to connect to Postgres at "": could not open certificate file "/etc/gorod/us.pem": Permission denied'
            ),
            "/etc/gorod/us.pem",
        ),
        (
            psycopg.OperationalError("server does not support SSL, but SSL was required"),
            "does not support SSL",
        ),
    ],
)
def test_no_encryption_is_told_with_a_remedy_and_not_waited_for(error: Exception, why: str) -> None:
    assert not is_away(error)
    told = Server("postgresql://gorod@h/d?sslmode=verify-full").translate_error(error)
    assert isinstance(told, WarehouseError)
    assert "no encrypted connection" in told.message
    assert why in told.message
    assert "sslrootcert" in told.remedy


def test_a_server_that_goes_away_under_an_encrypted_connection_is_away() -> None:
    error = psycopg.OperationalError("consuming input failed: SSL error: unexpected eof while reading")
    assert is_away(error)
    told = Server("postgresql://gorod@h/d?sslmode=verify-full").translate_error(error)
    assert isinstance(told, WarehouseError)
    assert "cannot be reached" in told.message


def test_two_processes_cannot_write_at_once_and_the_message_says_who(
    warehouse: PostgresWarehouse, dsn: str
) -> None:
    hold = (
        "import sys, time; from pipelines.warehouse import warehouse_at\n"
        "with warehouse_at(sys.argv[1], 5).writing():\n"
        "    print('held', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", hold, dsn], stdout=subprocess.PIPE, text=True, cwd=PROJECT
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(WarehouseBusyError, match="written by another process") as caught,
            warehouse.writing(),
        ):
            pass
        assert f"gorod is the writer {other.pid}@" in caught.value.message
        other.send_signal(signal.SIGKILL)
        other.wait()
        with warehouse.writing(), warehouse.writing():  # the dead hold nothing; one process may nest
            assert warehouse.query("select 1 as one") == [{"one": 1}]
    finally:
        other.kill()
        other.wait()


def test_a_connection_that_breaks_while_a_load_enters_is_tried_again(
    portal: Portal, session: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.warehouse import ledger_rows

    insert, broken = ledger_rows.insert_batch, []

    def breaking(*arguments: Any) -> None:
        insert(*arguments)
        if not broken:
            broken.append(True)
            session.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
                " and pid <> pg_backend_pid()"
            )

    monkeypatch.setattr(ledger_rows, "insert_batch", breaking)
    load = portal.take("2024-01", portal.rows("2024-01", 5))
    assert broken
    assert portal.states() == {load.load_id: "accepted"}
    assert portal.scalar("select count(*) from raw.appeals_115__requests") == 5
    assert portal.scalar("select count(*) from ops.load_event") == 2


DYING = """
import os, signal, sys
from pipelines.loading.candidates import load_candidate
from pipelines.loading.plan import Wanted, make_plan
from pipelines.settings import get_settings
from pipelines.warehouse import ledger_rows, open_warehouse

place = sys.argv[1]
original = getattr(ledger_rows, place)
def dying(*arguments):
    original(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(ledger_rows, place, dying)
settings = get_settings()
warehouse = open_warehouse(settings)
for found in make_plan(Wanted(source="appeals_115"), settings, warehouse).candidates.values():
    for candidate in found:
        load_candidate(candidate, settings, warehouse)
"""


@pytest.mark.slow
@pytest.mark.parametrize("place", ["insert_candidate", "insert_events", "insert_results", "insert_batch"])
def test_a_load_that_is_killed_leaves_nothing_and_the_next_run_enters_it_once(
    portal: Portal, place: str
) -> None:
    portal.put("2024-01", portal.rows("2024-01", 5))
    died = forked.python(os.environ, DYING, place)
    assert died.returncode == -signal.SIGKILL
    for table in (
        "ops.load", "ops.load_event", "ops.load_result", "ops.candidate", "ops.quarantine", "raw.appeals_115__requests",
    ):  # fmt: skip
        assert portal.scalar(f"select count(*) from {table}") == 0
    portal.load()
    assert list(portal.states().values()) == ["accepted"]
    assert portal.scalar("select count(*) from raw.appeals_115__requests") == 5


def test_a_raw_table_finds_a_load_by_a_small_index(portal: Portal, session: psycopg.Connection[Any]) -> None:
    for month in ("2024-01", "2024-02"):
        load = portal.take(month, portal.rows(month, 5))
    with session.transaction():
        session.execute("set local enable_seqscan = off")
        plan = session.execute(
            "explain select * from raw.appeals_115__requests where load_id = %s and row_no = 3",
            [load.load_id],
        ).fetchall()
    assert "appeals_115__requests_range" in str(plan)
    assert portal.scalar("select count(*) from raw.appeals_115__requests") == 10


def test_migrating_gives_raw_tables_of_an_older_gorod_the_small_index(
    portal: Portal, session: psycopg.Connection[Any]
) -> None:
    portal.take("2024-01", portal.rows("2024-01", 5))
    session.execute("drop index raw.appeals_115__requests_range")
    session.execute("create index appeals_115__requests_load on raw.appeals_115__requests (load_id, row_no)")
    session.execute("alter table raw.appeals_115__requests reset (autovacuum_freeze_min_age)")
    portal.warehouse.prepare()  # nothing is changed unasked
    indexes = (
        "select indexname from pg_indexes where schemaname = 'raw' and tablename = 'appeals_115__requests'"
    )
    assert session.execute(indexes).fetchall() == [("appeals_115__requests_load",)]
    for _ in range(2):
        portal.warehouse.migrate()
        assert session.execute(indexes).fetchall() == [("appeals_115__requests_range",)]
        assert session.execute(
            "select 'autovacuum_freeze_min_age=0' = any(reloptions) from pg_class"
            " where oid = 'raw.appeals_115__requests'::regclass"
        ).fetchall() == [(True,)]
    assert portal.scalar("select count(*) from raw.appeals_115__requests") == 5


@pytest.mark.parametrize(
    ("said", "means"),
    [
        (
            'Database Error in model x\n  could not extend file "base/1/2": No space left on device',
            "disk is full",
        ),
        ("Database Error\n  server closed the connection unexpectedly", "went away"),
        ('connection to server on socket "/run/x" failed: No such file or directory', "went away"),
        ("[Errno 2] No such file or directory: 'a.csv'", None),
        ("IO Error: could not write all bytes: No space left on device", None),
        ("Compilation Error in model x", None),
    ],
)
def test_what_others_say_of_the_server_is_told_with_a_remedy(said: str, means: str | None) -> None:
    error_from_log = Server("postgresql://gorod@h/d").error_from_log(said)
    if means is None:
        assert error_from_log is None
    else:
        assert error_from_log is not None
        assert means in error_from_log.message
        assert "run again" in error_from_log.remedy
        assert error_from_log.exit_code == 5
