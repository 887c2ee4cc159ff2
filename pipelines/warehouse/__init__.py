"""Warehouses behind one small interface."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pipelines.errors import GorodError
from pipelines.settings import Settings

if TYPE_CHECKING:
    from pipelines.warehouse.base import Warehouse
    from pipelines.warehouse.server import Server

SCHEMES = ("postgresql://", "postgres://")


def is_server(address: str) -> bool:
    """Whether a value of ``GOROD_WAREHOUSE`` names a server, not a file."""
    return address.startswith(SCHEMES)


def open_warehouse(settings: Settings) -> Warehouse:
    """The warehouse that ``GOROD_WAREHOUSE`` names: a PostgreSQL server, or a DuckDB file."""
    return warehouse_at(settings.warehouse, settings.busy_timeout_s)


def warehouse_at(address: str, busy_timeout_s: float) -> Warehouse:
    """The warehouse at an address.

    Raises:
        GorodError: it is neither an address of a PostgreSQL server nor a path.
    """
    if is_server(address):
        from pipelines.warehouse.postgres import PostgresWarehouse

        warehouse = PostgresWarehouse(address, busy_timeout_s)
        assert warehouse.server.parameters is not None
        return warehouse
    if "://" in address:
        raise GorodError(
            f"GOROD_WAREHOUSE={address.split('@')[-1]}: neither a DuckDB file nor a PostgreSQL server",
            "Give the path of a DuckDB file, or postgresql://user@host/database.",
        )
    from pipelines.warehouse.duckdb import DuckDBWarehouse

    return DuckDBWarehouse(Path(address), busy_timeout_s)


def engine_of(settings: Settings) -> Literal["duckdb", "postgres"]:
    """What holds the tables; nothing is opened."""
    return "postgres" if is_server(settings.warehouse) else "duckdb"


def server_of(settings: Settings) -> Server | None:
    """The server, if the warehouse is on one."""
    if not is_server(settings.warehouse):
        return None
    from pipelines.warehouse.server import Server

    return Server(settings.warehouse, settings.busy_timeout_s)


def telling_server(settings: Settings) -> AbstractContextManager[None]:
    """Errors of a server that goes away under others, in words; nothing where there is none."""
    server = server_of(settings)
    if server is None:
        return nullcontext()
    from pipelines.warehouse.server import telling

    return telling(server)
