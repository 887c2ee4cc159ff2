"""Small data are looked at by one thread, large ones by all cores."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from pipelines.memory import SMALL, in_memory


@pytest.mark.parametrize(
    ("sizes", "is_small"), [([], True), ([10, SMALL // 2], True), ([SMALL // 2] * 2, False)]
)
def test_threads_follow_the_size_of_all_files(tmp_path: Path, sizes: list[int], is_small: bool) -> None:
    files = [tmp_path / str(number) for number in range(len(sizes))]
    for path, size in zip(files, sizes, strict=True):
        with path.open("wb") as file:
            file.truncate(size)
    with in_memory(*files) as connection:
        (threads,) = connection.execute("select current_setting('threads')").fetchone() or ()
    assert threads == (1 if is_small else len(os.sched_getaffinity(0)))


@pytest.mark.parametrize("ended_by", [None, "begin", "raise"])
def test_nothing_of_one_database_is_in_the_next(ended_by: str | None) -> None:
    with suppress(ZeroDivisionError), in_memory() as connection:
        connection.execute("create table batch as select 1 as value")
        connection.register("given", pa.table({"value": [1]}))
        if ended_by == "begin":
            connection.execute("begin")
        if ended_by == "raise":
            raise ZeroDivisionError
    with in_memory() as connection:
        assert connection.execute("select table_name from duckdb_tables()").fetchall() == []
        with pytest.raises(duckdb.CatalogException):
            connection.execute("from given")


def test_databases_that_are_open_together_are_apart() -> None:
    with in_memory() as one, in_memory() as other:
        for connection, value in ((one, 1), (other, 2)):
            connection.execute(f"create table batch as select {value} as value")
        assert one.execute("from batch").fetchall() == [(1,)]
        assert other.execute("from batch").fetchall() == [(2,)]
