"""What only the server's superuser can take away or enforce: each way is tried by a login that only reads."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from psycopg import sql

from pipelines.settings import PROJECT
from tests.postgres.access.conftest import Served

POSTGRESQL = PROJECT / "deploy" / "postgresql"
COUNTS = (
    "select n_tup_ins from pg_stat_user_tables where relname = 'load'",
    "select n_live_tup, n_mod_since_analyze from pg_stat_all_tables where relname = 'load'",
    "select pg_stat_get_tuples_inserted('ops.load'::regclass)",
)
WRITES = (
    "create temporary table theirs as select 1",
    "select lo_create(0)",
    "select lo_creat(-1)",
    "select lo_from_bytea(0, 'x')",
    "set transaction read write; select lo_from_bytea(0, 'x')",
)


@pytest.fixture(scope="module")
def hardened(served: Served) -> Iterator[Served]:
    """The server after the recipe, which may be repeated; afterwards as it was."""
    before = served.owner.execute(
        "select oid::regprocedure::text, proacl::text from pg_proc where pronamespace = 'pg_catalog'::regnamespace"
        " order by 1"
    ).fetchall()
    for _ in range(2):
        served.owner.execute(text("harden.sql"))
    yield served
    after = served.owner.execute(
        "select oid::regprocedure::text, proacl::text from pg_proc where pronamespace = 'pg_catalog'::regnamespace"
        " order by 1"
    ).fetchall()
    for (name, acl), (_, was) in zip(after, before, strict=True):
        # no list of rights is that of the default: everybody's
        if acl != was and (was is None or re.search(r"[{,]=X/", was)):
            served.owner.execute(sql.SQL("grant execute on function {} to public").format(sql.SQL(name)))


def text(name: str) -> sql.SQL:
    return sql.SQL((POSTGRESQL / name).read_text(encoding="utf-8"))  # type: ignore[arg-type]


@pytest.mark.parametrize("statement", WRITES + COUNTS)
def test_a_login_that_reads_is_refused(hardened: Served, statement: str) -> None:
    with hardened.session("test_brest") as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute(statement)


def test_the_loader_still_gathers_statistics(hardened: Served) -> None:
    assert hardened.rows("test_loader", COUNTS[0])
    assert hardened.rows("test_brest", "select count(*) from published.pub_indicator_value_v1")


def wait_until(asked: Any, state: str, pid: int) -> None:
    for _ in range(200):
        if asked.execute("select state from pg_stat_activity where pid = %s", [pid]).fetchone() == (state,):
            return
        time.sleep(0.02)
    raise AssertionError(f"never {state}")


def test_a_session_that_lifts_its_own_limit_is_ended(hardened: Served) -> None:
    """The limit stands with the role; what the session says of it changes nothing."""
    owner = hardened.owner
    owner.execute("alter role test_brest set statement_timeout = '1s'")
    owner.execute("alter role test_brest set idle_in_transaction_session_timeout = '1s'")
    with (
        hardened.session("test_brest") as runs,
        hardened.session("test_brest") as idles,
        hardened.session("test_minsk") as within,
    ):
        for session in (runs, idles, within):
            session.autocommit = True
            session.execute("set statement_timeout = 0; set idle_in_transaction_session_timeout = 0")
        # Asked for while they live: a connection that the server has ended has no process any more.
        overrunning = {runs.info.backend_pid, idles.info.backend_pid}
        idles.execute("begin")
        asked = ThreadPoolExecutor(1).submit(runs.execute, "select pg_sleep(60)")
        within.execute("select 1")
        wait_until(owner, "active", runs.info.backend_pid)
        time.sleep(1.2)
        ended = {row[0] for row in owner.execute(text("end-overrun.sql")).fetchall()}
        assert ended == overrunning
        with pytest.raises(psycopg.OperationalError):
            asked.result(timeout=30)
        with pytest.raises(psycopg.OperationalError):
            idles.execute("select 1")
        assert within.execute("select 1").fetchone() == (1,)
    owner.execute("alter role test_brest set statement_timeout = '5min'")
    owner.execute("alter role test_brest set idle_in_transaction_session_timeout = '10min'")
