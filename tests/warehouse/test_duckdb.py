"""The embedded warehouse: it prepares itself, takes new columns in, and tells what is wrong with its file."""

from __future__ import annotations

import errno
from pathlib import Path

import duckdb
import pytest

from pipelines.declarations.sources import load_sources
from pipelines.errors import GorodError, WarehouseBusyError, WarehouseError
from pipelines.settings import Settings
from pipelines.warehouse import open_warehouse
from pipelines.warehouse.duckdb import DuckDBWarehouse


def test_it_prepares_a_raw_table_for_each_feed_and_no_column_of_a_person(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "new" / "warehouse.duckdb")
    for _ in range(2):
        warehouse.prepare()
    for source in load_sources().values():
        for name, feed in source.feeds.items():
            columns = [
                row["column_name"]
                for row in warehouse.query(
                    "select column_name from duckdb_columns() where schema_name = 'raw' and table_name = ?",
                    [f"{source.source}__{name}"],
                )
            ]
            assert columns == ["load_id", "row_no", *feed.kept_columns]
            dropped = {one for one, column in feed.columns.items() if column.personal_data == "drop"}
            assert not dropped & set(columns)


def test_a_column_that_a_feed_gains_is_added_and_old_rows_keep_their_values(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    warehouse.prepare()
    with warehouse.connection() as connection:
        connection.execute("insert into raw.appeals_115__requests (load_id, row_no, id) values ('l', 1, '7')")
        connection.execute("alter table raw.appeals_115__requests drop column status")
    warehouse.prepare()
    (row,) = warehouse.query("select id, status from raw.appeals_115__requests")
    assert row == {"id": "7", "status": None}


def test_reading_before_there_is_a_warehouse_makes_none(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    assert warehouse.query("select 1") == []
    assert not warehouse.path.exists()


def test_a_query_cannot_write(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    warehouse.prepare()
    with pytest.raises(duckdb.Error, match="read-only"):
        warehouse.query("delete from ops.load")


def test_a_file_system_without_hard_links_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As FAT answers; such a file system is not to be had in a test."""

    def refused(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refused)
    with pytest.raises(WarehouseError, match="hard links"):
        DuckDBWarehouse(tmp_path / "warehouse.duckdb").prepare()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_warehouse_is_told(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    path.write_text("это не база данных\n" * 1000, encoding="utf-8")
    with pytest.raises(WarehouseError) as caught:
        DuckDBWarehouse(path, busy_timeout_s=0).prepare()
    assert str(path) in caught.value.message
    assert caught.value.remedy
    assert "это не база данных" in path.read_text(encoding="utf-8")


def test_a_folder_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(WarehouseError, match="cannot be created"):
        DuckDBWarehouse(tmp_path / "file" / "warehouse.duckdb").prepare()


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (duckdb.IOException("IO Error: Could not set lock on file: Conflicting lock is held in python (PID 71)"),
         WarehouseBusyError, "process 71"),
        (duckdb.IOException("IO Error: Could not write file: No space left on device"), WarehouseError, "disk is full"),
        (duckdb.IOException("IO Error: Corrupt database file: computed checksum does not match stored checksum in block 7"),
         WarehouseError, "cannot be used"),
        (duckdb.OutOfMemoryException("Out of Memory Error: failed to pin block of size 256.0 KiB"),
         WarehouseError, "not enough memory"),
        (duckdb.IOException("IO Error: Cannot open file: Permission denied"), WarehouseError, "Permission denied"),
    ],
)  # fmt: skip
def test_what_duckdb_says_is_told_with_a_remedy(
    error: duckdb.Error, kind: type[GorodError], words: str
) -> None:
    found = DuckDBWarehouse(Path("locks/warehouse.duckdb")).translate_error(error)
    assert type(found) is kind
    assert words in found.message
    assert found.remedy


def test_another_engine_is_refused_without_its_password(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, warehouse="mysql://gorod:secret@db.example/gorod")
    with pytest.raises(GorodError) as caught:
        open_warehouse(settings)
    assert "postgresql://" in str(caught.value)
    assert "secret" not in str(caught.value)


def _is_free(path: Path) -> bool:
    """Whether nobody has the file open: DuckDB opens it once for reading or once for writing, in one process as well."""
    try:
        duckdb.connect(str(path), read_only=True).close()
    except duckdb.ConnectionException:
        return False
    return True


def test_a_file_kept_open_is_left_to_others_in_each_second_and_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "warehouse.duckdb"
    with DuckDBWarehouse(path).kept_open():
        monkeypatch.setattr("pipelines.warehouse.duckdb.KEPT_OPEN_S", 60)
        DuckDBWarehouse(path).prepare()
        assert DuckDBWarehouse(path).query("select count(*) as loads from ops.load") == [{"loads": 0}]
        assert not _is_free(path)
        monkeypatch.setattr("pipelines.warehouse.duckdb.KEPT_OPEN_S", 0)
        DuckDBWarehouse(path).query("select 1")
        assert _is_free(path)
        monkeypatch.setattr("pipelines.warehouse.duckdb.KEPT_OPEN_S", 60)
        DuckDBWarehouse(path).query("select 1")
        assert not _is_free(path)
    assert _is_free(path)


def test_what_is_not_committed_is_gone_though_the_file_is_kept_open(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    with warehouse.kept_open():
        warehouse.prepare()
        with warehouse.connection() as connection:
            connection.begin()
            connection.execute("insert into ops.removed_delivery values ('one', current_localtimestamp(), 1)")
        assert warehouse.query("select delivery_id from ops.removed_delivery") == []
