"""The contract of index values: made from the published indicator values of one build, and of no other."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import duckdb
import pytest

from pipelines.errors import GorodError
from pipelines.publishing.index_contract import DESCRIPTIONS, publish_index
from pipelines.publishing.index_values import COLUMNS

REGIONS = ("BY-BR", "BY-VI", "BY-HM")
LEAVES = ("pon_ports_per_100", "fibre_km_per_1000", "public_wifi_per_10000", "pon_port_utilisation_pct")


@pytest.fixture
def warehouse() -> duckdb.DuckDBPyConnection:
    """Published values of one month: each region is better than the one before in everything."""
    connection = duckdb.connect()
    connection.execute("create schema published; create schema ops")
    connection.execute(
        "create table ops.index_build (invocation_id varchar, built_at timestamptz, rows bigint)"
    )
    connection.execute(
        "create table published.pub_territory_v1 as select unnest($1) as ref_area, 'region' as level, unnest($1) as region",
        [list(REGIONS)],
    )
    connection.execute(
        "create table published.pub_indicator_value_v1 (ref_area varchar, time_period varchar, freq varchar, "
        "indicator varchar, breakdown varchar, obs_value numeric(24, 6), obs_status varchar, synthetic boolean)"
    )
    rows = [
        (area, "2026-10", "M", leaf, "_T", Decimal(10 * number), "A", True)
        for number, area in enumerate(REGIONS, start=1)
        for leaf in LEAVES
    ]
    connection.executemany(
        "insert into published.pub_indicator_value_v1 values (?, ?, ?, ?, ?, ?, ?, ?)", rows
    )
    return connection


def ask(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql).fetchall()


def test_the_contract_has_all_levels_and_says_what_its_columns_are(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert publish_index(warehouse, "build-1") == len(ask(warehouse, "from published.pub_index_value_v1"))
    places = ask(
        warehouse,
        "select ref_area, score_shown, place from published.pub_index_value_v1 where parent is null order by place",
    )
    # min-max of three equally spaced regions: 100, 50, 0
    assert places == [("BY-HM", 100, 1), ("BY-VI", 50, 2), ("BY-BR", 0, 3)]
    assert (
        ask(warehouse, "select count(distinct node) from published.pub_index_value_v1")[0][0]
        >= len(LEAVES) + 3
    )
    comments = ask(
        warehouse, "select column_name, comment from duckdb_columns() where table_name = 'pub_index_value_v1'"
    )
    assert dict(comments) == DESCRIPTIONS
    assert list(DESCRIPTIONS) == list(COLUMNS)
    assert ask(
        warehouse, "select bool_and(synthetic) from published.pub_index_value_v1 where score is not null"
    ) == [(True,)]


def test_it_is_replaced_whole_and_notes_its_build(warehouse: duckdb.DuckDBPyConnection) -> None:
    publish_index(warehouse, "build-1")
    warehouse.execute("delete from published.pub_indicator_value_v1")
    assert publish_index(warehouse, "build-2") == 0
    assert ask(warehouse, "select count(*) from published.pub_index_value_v1") == [(0,)]
    assert ask(warehouse, "select invocation_id from ops.index_build order by built_at") == [
        ("build-1",),
        ("build-2",),
    ]


def test_without_values_it_says_what_to_do() -> None:
    with duckdb.connect() as connection, pytest.raises(GorodError, match="no published values") as raised:
        publish_index(connection, "build-1")
    assert "gorod run" in (raised.value.remedy or "")
