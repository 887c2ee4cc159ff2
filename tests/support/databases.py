"""A real PostgreSQL server for a session of tests: from the wheel, or the one that GOROD_TEST_POSTGRES names."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from sandbox import postgres


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """DSN of a superuser on a server; by a socket alone when it is the wheel's."""
    given = os.environ.get("GOROD_TEST_POSTGRES")
    if given:
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="gorod-test-"))
    try:
        with postgres.running(folder, durable=False) as instance:
            yield instance.dsn("postgres")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Databases:
    """Databases of their own on the server, dropped at the end."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.made: list[str] = []

    def new(self) -> str:
        """DSN of a new and empty database."""
        name = f"gorod_{uuid.uuid4().hex[:12]}"
        postgres.create_database(self.server, name)
        self.made.append(name)
        parts = {key: str(value) for key, value in conninfo_to_dict(self.server).items()}
        user, host, port = (parts.pop(part, "") for part in ("user", "host", "port"))
        return f"postgresql://{user}@/{name}?host={host}&port={port}"

    def drop(self) -> None:
        """Drop what was made, whoever is still connected."""
        with psycopg.connect(self.server, autocommit=True) as session:
            for name in self.made:
                session.execute(
                    sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
                )


@pytest.fixture(scope="session")
def databases(server: str) -> Iterator[Databases]:
    made = Databases(server)
    yield made
    made.drop()


@pytest.fixture
def dsn(databases: Databases) -> str:
    return databases.new()


@pytest.fixture
def session(dsn: str) -> Iterator[psycopg.Connection]:
    """A session of somebody else."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection
