"""Every query of the analysts' guide runs on the published contracts as they are declared."""

from __future__ import annotations

import re
from typing import Any

import duckdb
import pytest
import yaml

from pipelines.publishing.index_values import COLUMNS
from pipelines.settings import PROJECT

GUIDE = (PROJECT / "docs" / "analysts.ru.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"### (\d+)\. .*?```sql\n(.*?)```", GUIDE, flags=re.DOTALL)
CONTRACTS: list[Any] = [
    model
    for path in sorted((PROJECT / "dbt" / "models" / "published").glob("_*.yml"))
    for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
]


INDEX = "pub_index_value_v1"  # the one contract that is not made by dbt
SQL = {"text": "varchar", "integer": "integer", "decimal": "numeric(24, 6)", "boolean": "boolean"}


def table_of(model: dict[str, Any]) -> str:
    return f"{model['name']}_v{model['latest_version']}"


@pytest.fixture(scope="module")
def contracts() -> duckdb.DuckDBPyConnection:
    """Empty tables with the columns and types of the contracts."""
    connection = duckdb.connect()
    connection.execute("create schema published")
    for model in CONTRACTS:
        columns = ", ".join(f'"{column["name"]}" {column["data_type"]}' for column in model["columns"])
        connection.execute(f"create table published.{table_of(model)} ({columns})")
    connection.execute(
        f"create table published.{INDEX} ({', '.join(f'{name} {SQL[kind]}' for name, kind in COLUMNS.items())})"
    )
    return connection


def test_there_are_ten_queries_or_more() -> None:
    assert [int(number) for number, _ in QUERIES] == list(range(1, len(QUERIES) + 1))
    assert len(QUERIES) >= 10


@pytest.mark.parametrize("query", [query for _, query in QUERIES], ids=[number for number, _ in QUERIES])
def test_query_runs(contracts: duckdb.DuckDBPyConnection, query: str) -> None:
    # a pivot makes its columns from values and cannot be asked of an empty table
    if query.startswith("pivot"):
        query = query.split("(", 1)[1].rsplit(")\non", 1)[0]
    contracts.execute(query)


def test_every_contract_is_described() -> None:
    told = set(re.findall(r"^\| `(pub_\w+)` \|", GUIDE, flags=re.MULTILINE))
    assert told == {table_of(model) for model in CONTRACTS} | {INDEX}


def test_the_contract_is_what_the_queries_are_held_against(contracts: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.BinderException):
        contracts.execute("select value from published.pub_indicator_value_v1")
