"""The ledger on PostgreSQL: the same behaviour, by the same tests, as on DuckDB."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from pipelines.warehouse.postgres import PostgresWarehouse
from tests.loading.test_ledger import *  # noqa: F403
from tests.postgres.conftest import Databases


@pytest.fixture(scope="module")
def ledger(databases: Databases) -> Iterator[duckdb.DuckDBPyConnection]:
    warehouse = PostgresWarehouse(databases.new())
    warehouse.prepare()
    with warehouse.connection() as connection:
        yield connection
