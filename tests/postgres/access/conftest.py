"""The small warehouse on a server, published, with its access set as declared and a login in each kind of group."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pipelines.declarations.access import Access, Login, load_access
from pipelines.publishing.index_contract import publish_index
from pipelines.publishing.server import publish_on_server
from pipelines.warehouse.access import sync as access
from pipelines.warehouse.copy import copy_warehouse
from pipelines.warehouse.duckdb import DuckDBWarehouse
from pipelines.warehouse.postgres import PostgresWarehouse
from pipelines.warehouse.server import Server
from tests.postgres.test_parity import dbt
from tests.support import small_warehouse as small
from tests.support.databases import Databases

PASSWORD = "only-for-tests"
LOGINS = {
    "test_country": ("gorod_analyst",),
    "test_brest": ("gorod_analyst_by_br",),
    "test_minsk": ("gorod_analyst_by_hm",),
    "test_two": ("gorod_analyst_by_br", "gorod_analyst_by_mi"),
    "test_ministry": ("gorod_ministry",),
    "test_appeals": ("gorod_supplier_appeals_115",),
    "test_belstat": ("gorod_supplier_belstat",),
    "test_audit": ("gorod_audit",),
    "test_loader": ("gorod_loader",),
}


def declared() -> Access:
    """What the project declares, and the logins of the tests."""
    logins = {name: Login(groups=groups) for name, groups in LOGINS.items()}
    return load_access().model_copy(update={"logins": logins})


@dataclass
class Served:
    """A published warehouse on a server."""

    server: Server
    owner: psycopg.Connection[Any]
    notices: list[str] = field(default_factory=list)

    @contextmanager
    def session(self, login: str) -> Iterator[psycopg.Connection[Any]]:
        """A session of a login that has switched off what it may switch off itself."""
        address = make_conninfo(
            self.server.dsn,
            user=login,
            password=PASSWORD,
            application_name="reads",
            options="-c default_transaction_read_only=off",
        )
        with psycopg.connect(address, autocommit=True) as connection:
            connection.add_notice_handler(lambda notice: self.notices.append(notice.message_primary or ""))
            yield connection

    def rows(self, login: str, query: str) -> list[tuple[Any, ...]]:
        """What a login is answered."""
        with self.session(login) as session:
            return session.execute(query).fetchall()

    def all_rows(self, query: str) -> list[tuple[Any, ...]]:
        """What is there."""
        return self.owner.execute(query).fetchall()

    @contextmanager
    def opened(self, login: str, *statements: str) -> Iterator[psycopg.Connection[Any]]:
        """A session with a login's rights after a protection was taken away; all is undone at the end."""
        with psycopg.connect(self.server.dsn) as session:
            session.add_notice_handler(lambda notice: self.notices.append(notice.message_primary or ""))
            for statement in statements:
                session.execute(statement)
            session.execute(sql.SQL("set local session authorization {}").format(sql.Identifier(login)))
            try:
                yield session
            finally:
                session.rollback()


def about(number: int) -> dict[str, Any]:
    """What a publication says of itself."""
    return {
        "publication_id": f"publication-{number}",
        "created_at": "2026-11-24T00:00:00+00:00",
        "content_hash": str(number),
        "definitions_hash": "test",
        "synthetic": True,
    }


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> Iterator[Served]:
    folder, dsn = tmp_path_factory.mktemp("access"), databases.new()
    here = small.SmallWarehouse(folder)
    small.fill(here)
    here.load("territory_register.boundaries", None, [
        {"feature_id": area, "geometry_type": "Polygon", "geometry": "{}"} for area in ("BY-BR", "BY-HM")
    ], instance="by", part="adm1")  # fmt: skip
    copy_warehouse(DuckDBWarehouse(here.path), PostgresWarehouse(dsn))
    done = dbt(dsn, folder, "build", "--exclude", "resource_type:test", "resource_type:unit_test")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    with PostgresWarehouse(dsn).connection() as connection:
        publish_index(connection, "test")
    server = Server(dsn, busy_timeout_s=2)
    publish_on_server(server, about(1))
    with pytest.MonkeyPatch.context() as patched, psycopg.connect(dsn, autocommit=True) as owner:
        for login in LOGINS:
            patched.setenv(f"GOROD_PASSWORD_{login.upper()}", PASSWORD)
        patched.setattr(access, "load_access", declared)
        _refuse(owner)
        access.sync(server)
        owner.execute("analyze")
        yield Served(server, owner)
        _forget(owner)


def _refuse(owner: psycopg.Connection[Any]) -> None:
    """A kept-back row of each supplier, which the small warehouse lacks."""
    for load, source in (("load-009", "appeals_115"), ("load-005", "belstat")):
        owner.execute(
            "insert into ops.quarantine values (%s, 1, %s, %s)", [load, "[]", f'{{"of": "{source}"}}']
        )
        owner.execute(
            "insert into ops.load_result values (%s, 'x', 'row', 'critical', 'validity', null, false, 1, 1, %s, '', null)",
            [load, source],
        )


def _forget(owner: psycopg.Connection[Any]) -> None:
    """Groups and logins are the whole server's, and outlive the database."""
    roles = [
        name
        for (name,) in owner.execute(
            "select rolname from pg_roles where starts_with(rolname, 'gorod_') or rolname = any(%s)",
            [list(LOGINS)],
        )
    ]
    for role in roles:
        owner.execute(sql.SQL("drop owned by {}").format(sql.Identifier(role)))
        owner.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))
