"""A warehouse of every schema version that there ever was ends in the newest, with the columns and views of a fresh one.

``forms/`` keeps each version as it was when it was new: ``0001.sql`` is the first. They are never changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from pipelines.warehouse import migrations
from pipelines.warehouse.base import Warehouse
from pipelines.warehouse.check import check_warehouse
from pipelines.warehouse.duckdb import DuckDBWarehouse
from pipelines.warehouse.postgres import PostgresWarehouse

FORMS = sorted(Path(__file__).with_name("forms").glob("*.sql"))
SHAPE = """
    select table_schema, table_name, column_name, data_type, is_nullable
    from information_schema.columns where table_schema in ('ops', 'raw', 'catalogue') order by 1, 2, 3
"""


def shape(warehouse: Warehouse) -> list[Any]:
    """Every column of Gorod's own tables and views, as the engine itself tells."""
    if isinstance(warehouse, PostgresWarehouse):
        with warehouse.server.session("asks") as session:
            return session.execute(SHAPE).fetchall()
    return [tuple(row.values()) for row in warehouse.query(SHAPE)]


@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
@pytest.mark.parametrize("older", FORMS, ids=[path.stem for path in FORMS])
def test_an_older_form_ends_as_a_fresh_one(
    older: Path, engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    version, text = (
        int(older.stem),
        older.read_text(encoding="utf-8") + migrations.RECORD.format(int(older.stem)),
    )
    fresh: Warehouse
    found: Warehouse
    entered = "insert into ops.load_event values ('a', 1, 'waived', timestamp '2026-01-01 00:00:00', 'x', 'y', date '2026-02-01')"
    if engine == "duckdb":
        path = tmp_path / "older.duckdb"
        with duckdb.connect(str(path)) as connection:
            connection.execute(text)
            connection.execute(entered)
        found, fresh = DuckDBWarehouse(path), DuckDBWarehouse(tmp_path / "fresh.duckdb")
    else:
        made = request.getfixturevalue("databases")
        dsn = made.new()
        with psycopg.connect(dsn) as session:
            session.execute(text)
            session.execute(entered)
        found, fresh = PostgresWarehouse(dsn), PostgresWarehouse(made.new())
    fresh.prepare()
    assert [step.version for step in found.migrate()] == list(
        range(version + 1, migrations.SCHEMA_VERSION + 1)
    )
    assert shape(found) == shape(fresh)
    assert [row["by_whom"] for row in found.query("from ops.load_event")] == ["x"]
    newest = found.query("select max(version) as version from ops.version")
    assert newest == [{"version": migrations.SCHEMA_VERSION}]


LOAD = """
    insert into ops.load values (
        'load-{number}', {number}, 'belstat', 'wages', 'by', 'BY', '', '{first}..{last}', date '{first}-01-01',
        date '{last}-12-31', 'd', '{number}', 'f', 'f', 'o', true, timestamp '2026-01-01 00:00:00',
        timestamp '2026-01-01 00:00:00', '{outcome}', true, false, 0, 0, 0, 0, 'h', 0
    );
    insert into ops.load_event values
        ('load-{number}', 1, '{event}', timestamp '2026-01-01 00:00:00', 'x', 'y', date '9999-01-01');
"""


@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
def test_what_an_older_gorod_let_count_twice_is_told_and_counts_once(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The first version, whose views let a waiver in beside what it cuts through."""
    text = FORMS[0].read_text(encoding="utf-8") + migrations.RECORD.format(1) + ";"
    for number, (first, last, outcome, event) in enumerate(
        [
            (2015, 2019, "accepted", "accepted"),
            (2020, 2026, "accepted", "accepted"),
            (2018, 2021, "rejected", "waived"),
        ],
        start=1,
    ):
        text += LOAD.format(number=number, first=first, last=last, outcome=outcome, event=event)
    found: Warehouse
    if engine == "duckdb":
        path = tmp_path / "older.duckdb"
        with duckdb.connect(str(path)) as connection:
            connection.execute(text)
        found = DuckDBWarehouse(path)
    else:
        dsn = request.getfixturevalue("databases").new()
        with psycopg.connect(dsn) as session:
            session.execute(text)
        found = PostgresWarehouse(dsn)
    counting = "select load_id from ops.effective_load order by 1"
    assert len(found.query(counting)) == 3
    told = [(one.what, one.where) for one in check_warehouse(found).findings]
    assert told == [("form", "ops.version"), ("twice", "load-3"), ("twice", "load-2")]
    found.migrate()
    assert [row["load_id"] for row in found.query(counting)] == ["load-1", "load-2"]
    told = [(one.what, one.where) for one in check_warehouse(found).findings]
    assert told == [("conflicting", "load-3")] * 2
    assert found.query("select load_id from ops.load_state where state = 'conflicting'") == [
        {"load_id": "load-3"}
    ]


def test_every_form_is_kept() -> None:
    assert [int(path.stem) for path in FORMS] == list(range(1, migrations.SCHEMA_VERSION + 1))
