"""A publication that takes over what has not changed holds the same as one written from nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from pipelines.publishing import keys
from pipelines.publishing.publication import Publication
from pipelines.publishing.publish import publish
from pipelines.settings import Settings
from tests.support import invented_warehouse as invented
from tests.support.examples import shortened

pytestmark = pytest.mark.slow

CHANGES = {
    "a value": "update published.pub_indicator_value_v1 set obs_value = obs_value + 1 where ref_area = 'BY-BR'",
    "a moment": "update published.pub_load_v1 set rows_quarantined = 6, received_at = received_at + interval 1 day",
    "a row twice": "insert into published.pub_measure_v1 from published.pub_measure_v1",
    "a region of its own": "update published.pub_territory_v1 set region = 'BY-HM' where region = 'BY-BR' and level = 'city'",
    "a description": "comment on column published.pub_indicator_value_v1.obs_value is 'other'",
    "a key": "update published.pub_indicator_value_v1 set obs_value = obs_value + 1 where ref_area = 'BY-BR'",
    "a column": "alter table published.pub_measure_v1 add column extra integer",
    "a contract": "create table published.pub_extra_v1 as select 1 as x",
    "nothing, but a file is damaged": "insert into published.pub_measure_v1 from published.pub_measure_v1",
}


def held(publication: Publication) -> dict[str, object]:
    """All that readers find: rows, columns, descriptions and keys of each file, but for which publication it is."""
    found: dict[str, object] = {}
    for path in sorted(publication.folder.rglob("*.duckdb")):
        with duckdb.connect(str(path), read_only=True) as connection:
            tables = connection.execute(
                "select table_name, comment from duckdb_tables() order by 1"
            ).fetchall()
            found[path.name] = (
                tables,
                connection.execute(
                    "select table_name, column_name, data_type, comment from duckdb_columns()"
                    " where schema_name = 'published' order by table_name, column_index"
                ).fetchall(),
                connection.execute(
                    "select table_name, constraint_column_names from duckdb_constraints()"
                    " where constraint_type = 'PRIMARY KEY' order by 1"
                ).fetchall(),
                {
                    name: connection.execute(f"from published.{name}").fetchall()
                    for name, _ in tables
                    if name != "publication"
                },
                connection.execute(
                    "select region, row_counts, synthetic from published.publication"
                ).fetchall(),
            )
    for path in sorted(publication.folder.rglob("*.parquet")):
        found[path.name] = (pq.read_schema(path), pq.read_table(path).to_pylist())
    return found


@pytest.mark.parametrize("change", shortened(3, CHANGES))
def test_what_is_taken_over_is_what_would_be_written(
    change: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    invented.write(Path(settings.warehouse))
    first = publish(settings)
    with duckdb.connect(settings.warehouse) as connection:
        connection.execute(CHANGES[change])
    if "damaged" in change:
        region = first.folder / "regions" / "BY-BR.duckdb"
        region.chmod(0o600)
        region.write_bytes(region.read_bytes()[:-4096] + b"x" * 4096)
    if change == "a key":
        others = {name: kept for name, kept in keys.contract_keys().items() if name != "pub_territory_v1"}
        monkeypatch.setattr(keys, "contract_keys", lambda: others)
    written = _written(monkeypatch)
    second = publish(settings.model_copy(update={"maximum_loss_pct": 100}))
    assert second.is_new
    # a value of one region: its own file and the country's are written, the others copied
    if change == "a value":
        assert len(written) == 2 * len(invented.CONTRACTS)
    other = Settings(home=tmp_path / "other", warehouse=settings.warehouse, busy_timeout_s=0)
    assert held(second) == held(publish(other))


def _written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tables that are written from now on."""
    from pipelines.publishing import contract_files

    written: list[str] = []
    write: Callable[..., None] = contract_files._write_table

    def noted(connection: duckdb.DuckDBPyConnection, table: str, *more: object) -> None:
        written.append(table)
        write(connection, table, *more)

    monkeypatch.setattr(contract_files, "_write_table", noted)
    return written
