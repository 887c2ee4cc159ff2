"""The ledger on PostgreSQL: the same behaviour, by the same tests, as on DuckDB."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from pipelines.warehouse.postgres import PostgresWarehouse
from tests.loading.test_ledger import *  # noqa: F403
from tests.postgres.conftest import Databases

# puts back the file of a warehouse; what a server restores is in test_restore.py
del test_after_a_restore_landing_and_ledger_are_held_against_each_other  # noqa: F821


@pytest.fixture(scope="module")
def ledger(databases: Databases) -> Iterator[duckdb.DuckDBPyConnection]:
    warehouse = PostgresWarehouse(databases.new())
    warehouse.prepare()
    with warehouse.connection() as connection:
        yield connection
