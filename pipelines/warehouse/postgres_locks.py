"""The writer's lock and the preparer's on a server: tables that only their owner and loaders can lock."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from pipelines.errors import WarehouseBusyError
from pipelines.progress import report_progress
from pipelines.warehouse.server import Server

# The writer's lock: tables that only their owner and loaders can lock. Any reader could take an advisory lock.
TURNS = {
    "writer": "Locked by the session that loads, builds and publishes; holds no rows.",
    "preparer": "Locked by the session that changes tables or access; holds no rows.",
}


# Lock for creating these tables: Gorod's own number, "gorod" in ASCII.
TURNS_LOCK = 0x676F726F64_02
# An idle transaction keeps the lock: no timeout for forgotten transactions may end it.
KEPT_OPEN = ("idle_in_transaction_session_timeout", "transaction_timeout")


def take_turn(session: psycopg.Connection[Any]) -> None:
    """Take the lock for changing tables or access, until the session's transaction ends."""
    if session.execute("select to_regclass('ops.preparer')").fetchone() == (None,):
        _make_turns(session)
    session.execute("lock table ops.preparer in exclusive mode")


def _make_turns(session: psycopg.Connection[Any]) -> None:
    """The tables that are locked; created in a separate transaction, or in the caller's."""
    session.execute("select pg_advisory_xact_lock(%s)", [TURNS_LOCK])
    session.execute("create schema if not exists ops")
    for name, text in TURNS.items():
        if session.execute("select to_regclass(%s)", [f"ops.{name}"]).fetchone() == (None,):
            table = sql.Identifier("ops", name)
            session.execute(sql.SQL("create table {} (nothing boolean)").format(table))
            session.execute(sql.SQL("comment on table {} is {}").format(table, sql.Literal(text)))


def is_my_turn(session: psycopg.Connection[Any]) -> bool:
    """Take the writer's lock if it is free; the session's transaction then stays open and holds it."""
    try:
        for name in KEPT_OPEN:
            session.execute(
                "select set_config(%s, '0', false) from pg_settings where name = %s", [name, name]
            )
        session.execute("lock table ops.writer in exclusive mode nowait")
    except psycopg.errors.LockNotAvailable:
        session.rollback()
        return False
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        session.rollback()
        # an empty database, or an older one
        _make_turns(session)
        session.commit()
        return False
    return True


def lock_holder(session: psycopg.Connection[Any]) -> str:
    """Who holds the writer's lock."""
    row = session.execute(
        "select a.pid, a.application_name, coalesce(host(a.client_addr), 'local'), a.usename"
        " from pg_locks as l join pg_stat_activity as a on l.pid = a.pid"
        " where l.locktype = 'relation' and l.granted and l.mode = 'ExclusiveLock'"
        " and a.datname = current_database() and l.database = a.datid and l.relation = to_regclass('ops.writer')"
    ).fetchone()
    session.rollback()
    if row is None:
        return "it has just ended"
    pid, name, client, user = row
    return f"session {pid}, {name or 'unnamed'}, user {user}, from {client}"


@dataclass
class _Held:
    """The writer's lock of this process on one database."""

    depth: int = 0
    session: psycopg.Connection[Any] | None = None

    def __post_init__(self) -> None:
        self.guard = threading.RLock()

    def is_lost(self) -> bool:
        """Whether the session, and with it the lock, is gone: the server was restarted."""
        if self.session is None:
            return True
        try:
            self.session.execute("select 1")
        except psycopg.Error:
            self.session.close()
            return True
        return False


_HELD: dict[str, _Held] = {}


@contextmanager
def writer_lock(server: Server) -> Iterator[None]:
    """Hold the writer's lock of a database; may be nested within a process.

    Raises:
        WarehouseBusyError: another process writes for longer than ``busy_timeout_s``; the message names it.
    """
    held = _HELD.setdefault(server.dsn, _Held())
    with held.guard:
        if held.depth == 0 or held.is_lost():
            held.session = _locked(server)
        held.depth += 1
    try:
        yield
    finally:
        with held.guard:
            held.depth -= 1
            if held.depth == 0 and held.session is not None:
                held.session.close()
                held.session = None


def _locked(server: Server) -> psycopg.Connection[Any]:
    """A session that holds the writer's lock."""
    session = server.connect("is the writer")
    deadline = time.monotonic() + server.busy_timeout_s
    announced = False
    try:
        while True:
            if is_my_turn(session):
                return session
            busy = f"PostgreSQL {server.name} is being written by another process ({lock_holder(session)})"
            if time.monotonic() >= deadline:
                raise WarehouseBusyError(busy, "Wait until it ends, then try again; nothing was changed.")
            if not announced:
                report_progress(f"waiting: {busy}")
                announced = True
            time.sleep(0.2)
    except psycopg.Error as error:
        session.close()
        raise server.translate_error(error) from error
    except BaseException:
        session.close()
        raise
