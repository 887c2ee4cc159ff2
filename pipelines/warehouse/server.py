"""A PostgreSQL server as Gorod uses it: its address, sessions that survive a restart, errors with a remedy."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote, quote_plus

import duckdb
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential_jitter

from pipelines.errors import GorodError, WarehouseBusyError, WarehouseError

# A statement that runs for an hour, or a transaction left open for ten minutes, is a mistake, not work.
STATEMENT_TIMEOUT = "1h"
IDLE_IN_TRANSACTION_TIMEOUT = "10min"

# dbt's models join whole sets. If PostgreSQL underestimates the rows of a chain of joins, it would join them row by
# row; compiling such a query takes longer than running it.
PLANNING = "-c enable_nestloop=off -c jit=off"

# Messages of libpq and the server while the server is away or coming back.
AWAY = re.compile(
    r"connection refused|could not connect|unable to connect|connection (?:to server|failed|is lost|is closed)"
    r"|no such file or directory|server closed the connection|terminating connection|the connection is (?:lost|closed)"
    r"|database system is (?:starting up|shutting down|in recovery|not yet accepting)|connection reset|broken pipe"
    r"|connection timeout|no connection to the server|SSL connection has been closed|SSL error: unexpected eof",
    re.IGNORECASE,
)
# Message of a server whose own disk is full; "no space left" alone may refer to the local disk.
FULL = re.compile(r"disk full|could not extend file|could not write (?:to file|block)", re.IGNORECASE)
# Message of libpq if the two sides do not agree on encryption.
ENCRYPTION = re.compile(r"certificate|private key|does not support SSL", re.IGNORECASE)
# Waiting does not help with these, although libpq prefixes them with "connection failed".
REFUSED = re.compile(
    r"password authentication|no password supplied|no pg_hba.conf entry|does not exist|permission denied"
    rf"|{ENCRYPTION.pattern}",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Server:
    """A database on a PostgreSQL server. The password is never shown.

    ``dsn`` is a libpq address; what it leaves out comes from libpq's own environment (PGPASSWORD, ~/.pgpass).
    """

    dsn: str = field(repr=False)
    busy_timeout_s: float = 20.0

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The parts of the address, as libpq names them.

        Raises:
            GorodError: it is not an address.
        """
        try:
            return {name: str(value) for name, value in conninfo_to_dict(self.dsn).items()}
        except psycopg.Error as error:
            raise GorodError(
                "GOROD_WAREHOUSE is not the address of a PostgreSQL server",
                "It has the form postgresql://user@host:5432/database; the password may be in PGPASSWORD or ~/.pgpass.",
            ) from error

    @property
    def name(self) -> str:
        """Host, port and database, for messages."""
        given = self.parameters
        host = given.get("host") or given.get("hostaddr") or os.environ.get("PGHOST", "localhost")
        port = given.get("port") or os.environ.get("PGPORT", "5432")
        return f"{host}:{port}/{given.get('dbname') or given.get('user') or ''}"

    @property
    def options(self) -> str:
        """Limits of every session: how long it may run, stay idle, and wait for a lock."""
        given = self.parameters.get("options", "")
        lock = max(1, int(self.busy_timeout_s * 1000))
        return (
            f"{given} -c statement_timeout={STATEMENT_TIMEOUT} -c lock_timeout={lock}"
            f" -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_TIMEOUT} -c timezone=UTC"
        ).strip()

    def conninfo(self, purpose: str, *, password: bool = True) -> str:
        """The address with Gorod's own settings; ``purpose`` appears in ``pg_stat_activity``."""
        given = {
            "connect_timeout": "10",
            **self.parameters,
            "options": self.options,
            "application_name": application_name(purpose),
        }
        if not password:
            given.pop("password", None)
        return make_conninfo(**given)

    @contextmanager
    def session(self, purpose: str, *, autocommit: bool = False) -> Iterator[psycopg.Connection[Any]]:
        """A session for what PostgreSQL itself must do: one transaction, committed at the end, or rolled back.

        Raises:
            WarehouseError: the server cannot be reached for ``busy_timeout_s``, or refuses.
            WarehouseBusyError: something is locked.
        """
        connection = self.connect(purpose, autocommit=autocommit)
        try:
            with connection:
                yield connection
        except psycopg.Error as error:
            raise self.translate_error(error) from error

    def connect(self, purpose: str, *, autocommit: bool = False) -> psycopg.Connection[Any]:
        """A session that the caller closes; opening it is retried while the server is away."""
        try:
            for attempt in self.retrying():
                with attempt:
                    return psycopg.connect(self.conninfo(purpose), autocommit=autocommit)
        except psycopg.Error as error:
            raise self.translate_error(error) from error
        raise AssertionError("tenacity raises or returns")

    def retrying(self) -> Retrying:
        """Attempts with growing pauses, up to ``busy_timeout_s``, as long as the server is away."""
        return Retrying(
            retry=retry_if_exception(is_away),
            stop=stop_after_delay(self.busy_timeout_s),
            wait=wait_exponential_jitter(initial=0.1, max=2),
            reraise=True,
        )

    def translate_error(self, error: Exception) -> Exception:
        """Translate an error of the server into one with a remedy, never with the password."""
        text = self.scrubbed(str(error))
        first = text.splitlines()[0] if text else type(error).__name__
        server = f"PostgreSQL {self.name}"
        if FULL.search(text) or "no space left" in text.lower():
            return self._full(first)
        if re.search(r"lock timeout|could not obtain lock|deadlock detected", text, re.IGNORECASE):
            return WarehouseBusyError(
                f"{server}: a lock is held on what has to be written: {first}",
                "Wait until it is released, then run again. Its holder: select * from pg_stat_activity.",
            )
        if "statement timeout" in text:
            return WarehouseError(f"{server}: {first}", f"A statement ran for more than {STATEMENT_TIMEOUT}.")
        if re.search(r"password authentication|no password supplied|no pg_hba.conf entry", text):
            return WarehouseError(
                f"{server} refuses the login: {_reason(text)}",
                "Check the user in GOROD_WAREHOUSE and the password in PGPASSWORD or ~/.pgpass.",
            )
        if re.search(r"database .* does not exist", text):
            return WarehouseError(
                f"{server}: {_reason(text)}",
                "Create it: create database … encoding 'UTF8' lc_collate 'C' lc_ctype 'C.UTF-8' template template0",
            )
        if ENCRYPTION.search(text):
            return WarehouseError(
                f"{server}: no encrypted connection: {_reason(text)}",
                "Check sslmode, sslrootcert, sslcert and sslkey in GOROD_WAREHOUSE, and that this user can read those files.",
            )
        if "permission denied" in text:
            return WarehouseError(f"{server}: {first}", "Log in as the role that owns the warehouse.")
        if is_away(error):
            return WarehouseError(
                f"{server} cannot be reached: {_reason(text)}",
                "Check that the server runs and is reachable, then run again; nothing was half written.",
            )
        if isinstance(error, duckdb.Error | psycopg.Error):
            return type(error)(text)
        return error

    def error_from_log(self, text: str) -> WarehouseError | None:
        """Translate what others (Dagster, dbt) report about the server into an error with a remedy; None if unrelated."""
        for line in self.scrubbed(text).splitlines():
            if FULL.search(line):
                return self._full(line.strip())
            # a missing file is usually a local one; the message for a missing socket is longer
            if AWAY.search(line.replace("No such file or directory", "")):
                return WarehouseError(
                    f"PostgreSQL {self.name} went away: {_reason(line)}",
                    "Check that the server runs and is reachable, then run again: it continues where it stopped.",
                )
        return None

    def _full(self, line: str) -> WarehouseError:
        return WarehouseError(
            f"PostgreSQL {self.name}: the server's disk is full: {line}",
            "Free space on the server, then run again; nothing was half written.",
        )

    def scrubbed(self, text: str) -> str:
        """Text without the password, in any of its spellings."""
        for password in {self.parameters.get("password"), os.environ.get("PGPASSWORD")} - {None, ""}:
            given = str(password)
            escaped = given.replace("\\", "\\\\").replace("'", "\\'")  # as in libpq's keyword form
            spellings = {given, escaped, quote(given, safe=""), quote(given), quote_plus(given)}
            for spelling in sorted(
                spellings | {one.lower() for one in spellings if "%" in one}, key=len, reverse=True
            ):
                text = text.replace(spelling, "…")
        return text.strip()

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment in which dbt uses the same database with the same settings, and set-based joins."""
        given = self.parameters
        named = {
            "host": "PGHOST", "hostaddr": "PGHOSTADDR", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD",
            "dbname": "PGDATABASE", "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT",
            "sslkey": "PGSSLKEY", "passfile": "PGPASSFILE", "service": "PGSERVICE",
        }  # fmt: skip
        return {
            **{variable: given[part] for part, variable in named.items() if part in given},
            "PGOPTIONS": f"{self.options} {PLANNING}",
        }

    def url(self, *, search_path: str) -> str:
        """The address as an SQLAlchemy URL with its own schema. It contains the password: for the environment only."""
        given = self.parameters
        user = quote(given.get("user") or os.environ.get("PGUSER", ""), safe="")
        password = given.get("password")
        login = user if not password else f"{user}:{quote(password, safe='')}"
        query = {
            **{
                part: value
                for part, value in given.items()
                if part not in ("user", "password", "dbname", "options")
            },
            "options": f"-c search_path={search_path}",
            "application_name": application_name("dagster"),
        }
        text = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
        return f"postgresql://{login}@/{quote(given.get('dbname') or user, safe='')}?{text}"


def application_name(purpose: str) -> str:
    """The name of a session in ``pg_stat_activity``: the purpose, the process and its machine."""
    return f"gorod {purpose} {os.getpid()}@{socket.gethostname()}"[:63]


def is_away(error: BaseException) -> bool:
    """Whether an error says that the server is unavailable, so that waiting may help."""
    text = str(error)
    return (
        isinstance(error, psycopg.Error | duckdb.Error)
        and bool(AWAY.search(text))
        and not REFUSED.search(text.replace("No such file or directory", ""))
    )


def _reason(text: str) -> str:
    """The text after the last «failed:», which is what people need; otherwise the first line."""
    found = re.search(r".*failed: (.+)", text)
    return (found.group(1) if found else text.splitlines()[0] if text else "").strip()
