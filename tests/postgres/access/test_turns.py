"""A login that reads cannot keep those who write from their work."""

from __future__ import annotations

import psycopg
import pytest

from pipelines.warehouse.postgres import PostgresWarehouse
from pipelines.warehouse.postgres_locks import TURNS
from tests.postgres.access.conftest import Served

pytestmark = pytest.mark.slow

# 0 to 3 behind «gorod» in ASCII: the numbers that the product has ever used
NUMBERS = range(0x676F726F64_00, 0x676F726F64_04)


@pytest.mark.parametrize("login", ["test_brest", "test_ministry", "test_audit", "test_appeals"])
def test_a_reader_cannot_take_the_turn_of_those_who_write(served: Served, login: str) -> None:
    warehouse = PostgresWarehouse(served.server.dsn, busy_timeout_s=1)
    with served.session(login) as reader:
        for number in NUMBERS:
            reader.execute("select pg_advisory_lock(%s)", [number])
        for turn in TURNS:
            for mode in ("access share", "row exclusive", "exclusive", "access exclusive"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege), reader.transaction():
                    reader.execute(f"lock table ops.{turn} in {mode} mode nowait")  # type: ignore[arg-type]
        # and all the while they go on
        with warehouse.writing():
            warehouse.prepare()
            assert warehouse.query("select count(*) > 0 as any from ops.load") == [{"any": True}]


def test_a_loader_writes_with_no_more_rights_than_were_given(served: Served) -> None:
    with served.session("test_loader") as loader, loader.transaction():
        loader.execute("lock table ops.writer in exclusive mode nowait")
