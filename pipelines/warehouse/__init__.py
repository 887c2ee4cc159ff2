"""Both kinds of warehouse behind one small interface."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pipelines.disk import chain, full_disk, no_room
from pipelines.errors import GorodError, WarehouseError
from pipelines.settings import Settings

if TYPE_CHECKING:
    from pipelines.warehouse.base import Warehouse
    from pipelines.warehouse.server import Server

# libpq's other spelling, host=… dbname=…; a path with such a name begins with ./ or /
KEYWORDS = re.compile(r"\s*\w+\s*=")
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
        GorodError: the address is neither that of a PostgreSQL server nor a path.
    """
    if is_server(address):
        from pipelines.warehouse.postgres import PostgresWarehouse

        warehouse = PostgresWarehouse(address, busy_timeout_s)
        assert warehouse.server.parameters is not None
        return warehouse
    if "://" in address or KEYWORDS.match(address):
        # the address is not repeated: it may contain a password anywhere
        raise GorodError(
            "GOROD_WAREHOUSE is neither the path of a DuckDB file nor the address of a PostgreSQL server",
            "Give the path of a DuckDB file, or postgresql://user@host/database.",
        )
    from pipelines.warehouse.duckdb import DuckDBWarehouse

    return DuckDBWarehouse(Path(address), busy_timeout_s)


def engine_of(settings: Settings) -> Literal["duckdb", "postgres"]:
    """The engine that holds the tables; nothing is opened."""
    return "postgres" if is_server(settings.warehouse) else "duckdb"


def server_of(settings: Settings) -> Server | None:
    """The server, if the warehouse is on one."""
    if not is_server(settings.warehouse):
        return None
    from pipelines.warehouse.server import Server

    return Server(settings.warehouse, settings.busy_timeout_s)


def error_from_log(settings: Settings, text: str) -> WarehouseError | None:
    """Translate what others (Dagster, dbt) report about the server or a full disk; None if it is about something else."""
    server = server_of(settings)
    of_server = server.error_from_log(text) if server is not None else None
    return of_server or full_disk(text) or no_room(text, settings.home)


@contextmanager
def translated_errors(settings: Settings) -> Iterator[None]:
    """Translate errors that others raise when the server goes away or the disk is full.

    Raises:
        WarehouseError: one of these happened.
    """
    try:
        yield
    except GorodError:
        raise
    except Exception as error:
        for one in chain(error):
            found = error_from_log(settings, str(one))
            if found is not None:
                raise found from error
        raise
