"""What other programmes find in a publication: numbers that are numbers, descriptions, keys."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.publishing.contract_files import write_contracts
from pipelines.publishing.contracts import Column, Contract

HEAD = {
    "publication_id": "p",
    "created_at": "2026-01-01T00:00:00+00:00",
    "content_hash": "c",
    "definitions_hash": "d",
}


def contract(connection: duckdb.DuckDBPyConnection, name: str, rows: str, comment: str | None) -> Contract:
    """A table of the given rows, each column with a description of its own."""
    connection.execute(f"create table {name} as {rows}")
    columns = connection.execute(f"select column_name, column_type from (describe {name})").fetchall()
    return Contract(
        name, name, comment, tuple(Column(column, kind, f"О {column}") for column, kind in columns)
    )


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A publication's folder with one contract whose key holds, one whose key does not, and one without a key."""
    with duckdb.connect() as connection:
        contracts = [
            contract(
                connection,
                "pub_territory_v1",
                "select * from (values ('BY', null, 207.6::decimal(12, 3), 3::bigint, date '2026-01-01'), "
                "('BY-BR', 'BY', null, null, null)) as t(ref_area, parent, area_km2, towns, valid_from)",
                "Территории",
            ),
            contract(connection, "pub_indicator_v1", "select unnest(['a', 'a']) as indicator", None),
            contract(connection, "pub_observation_v1", "select 'x' as ref_area, 1.50::decimal(18, 2) as obs_value", None),
        ]  # fmt: skip
        write_contracts(connection, contracts, tmp_path, dict(HEAD), with_regions=False)
    return tmp_path


def test_numbers_of_parquet_are_numbers_everywhere(written: Path) -> None:
    table = pd.read_parquet(written / "parquet" / "pub_territory_v1.parquet")
    assert table["area_km2"].dtype == "float64"
    assert table["area_km2"].max() == 207.6
    assert table["towns"].dtype.kind in "if"
    observed = pd.read_parquet(written / "parquet" / "pub_observation_v1.parquet")
    assert (observed["obs_value"].dtype, observed["obs_value"].sum()) == ("float64", 1.5)


def test_parquet_says_what_its_columns_mean(written: Path) -> None:
    schema = pq.read_schema(written / "parquet" / "pub_territory_v1.parquet")
    assert schema.metadata[b"description"].decode() == "Территории"
    for name in ("ref_area", "area_km2"):
        assert schema.field(name).metadata[b"description"].decode() == f"О {name}"
    assert pa.types.is_date(schema.field("valid_from").type)


def test_a_key_is_declared_where_it_holds(written: Path) -> None:
    with duckdb.connect(str(written / "gorod.duckdb"), read_only=True) as connection:
        keys = connection.execute(
            "select table_name, constraint_column_names from duckdb_constraints() where constraint_type = 'PRIMARY KEY'"
        ).fetchall()
        assert keys == [("pub_territory_v1", ["ref_area"])]
        # the exact number stays where numbers can be exact
        kinds = connection.execute("select column_type from (describe published.pub_territory_v1)").fetchall()
        assert ("DECIMAL(12,3)",) in kinds
