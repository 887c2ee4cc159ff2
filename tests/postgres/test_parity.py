"""The same deliveries on both engines make the same figures: rows, values, types, comments, text and order."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from psycopg import sql

from pipelines.catalogue.definition import definitions_hash
from pipelines.publishing.index_contract import publish_index
from pipelines.settings import PROJECT
from pipelines.warehouse.copy import copy_warehouse
from pipelines.warehouse.duckdb import DuckDBWarehouse
from pipelines.warehouse.postgres import PostgresWarehouse
from pipelines.warehouse.server import Server
from tests.conftest import run_on_samples
from tests.support import borders, forked
from tests.support import small_warehouse as small
from tests.support.databases import Databases

# The only things that may differ: moments at which things were done here. docs/parity.md says why.
MOMENTS = {"pub_indicator_value_history_v1": {"known_from"}}


def dbt(dsn: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run dbt on the server in a process of its own."""
    environment = {
        **os.environ,
        **Server(dsn).environment,
        "GOROD_DBT_TARGET": "postgres",
        "GOROD_DEFINITIONS_HASH": definitions_hash(),
        "DBT_TARGET_PATH": str(folder / "target-postgres"),
        "DBT_LOG_PATH": str(folder / "logs"),
    }
    return forked.dbt(environment, folder, *arguments)


class Pair:
    """The small warehouse on both engines, built by the same project, with the same indices."""

    def __init__(self, folder: Path, dsn: str) -> None:
        self.dsn = dsn
        self.here = small.SmallWarehouse(folder)
        small.fill(self.here)
        # districts that merge and split, and what is held back
        borders.deliver_before(self.here)
        borders.deliver_change(self.here)
        borders.deliver_contradictions(self.here)
        borders.deliver_units(self.here)
        copy_warehouse(DuckDBWarehouse(self.here.path), PostgresWarehouse(dsn))
        self.builds = [self.here.dbt("build"), dbt(dsn, folder, "build")]
        for warehouse in (DuckDBWarehouse(self.here.path), PostgresWarehouse(dsn)):
            with warehouse.connection() as connection:
                publish_index(connection, "test")
        self.connection = duckdb.connect()
        self.connection.execute("set timezone = 'UTC'")
        DuckDBWarehouse(self.here.path).attach(self.connection, "warehouse")
        PostgresWarehouse(dsn).attach(self.connection, "server")

    def tables(self, database: str, schema: str) -> list[str]:
        return [
            name
            for (name,) in self.connection.execute(
                "select table_name from duckdb_tables() where database_name = ? and schema_name = ? order by 1",
                [database, schema],
            ).fetchall()
        ]

    def form(self, database: str, schema: str, table: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(
            "select column_name, data_type, comment from duckdb_columns()"
            " where database_name = ? and schema_name = ? and table_name = ? order by column_index",
            [database, schema, table],
        ).fetchall()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> Iterator[Pair]:
    made = Pair(tmp_path_factory.mktemp("parity"), databases.new())
    yield made
    made.connection.close()


def test_every_model_and_test_of_the_project_passes_on_both(pair: Pair) -> None:
    for done in pair.builds:
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    summaries = [done.stdout.split("Done. ")[-1].strip() for done in pair.builds]
    assert summaries[0] == summaries[1]


def test_the_contracts_are_the_same_with_their_types_and_comments(pair: Pair) -> None:
    names = pair.tables("warehouse", "published")
    assert len(names) > 20
    built = pair.tables("server", "published_next")
    # the marts of the regions are built beside the contracts
    assert [name for name in built if not name.startswith("mart_")] == names
    for name in names:
        assert pair.form("server", "published_next", name) == pair.form("warehouse", "published", name), name


def test_every_published_row_is_the_same(pair: Pair) -> None:
    filled = 0
    for name in pair.tables("warehouse", "published"):
        columns = ", ".join(
            f'"{column}"'
            for column, *_ in pair.form("warehouse", "published", name)
            if column not in MOMENTS.get(name, set())
        )
        sides = [
            f"select {columns} from {where}.{name}"
            for where in ("warehouse.published", "server.published_next")
        ]
        for one, other in (sides, sides[::-1]):
            extra = pair.connection.execute(f"{one} except all {other} limit 3").fetchall()
            assert extra == [], f"{name}: {one} has {extra}"
        (rows,) = pair.connection.execute(f"select count(*) from warehouse.published.{name}").fetchall()[0]
        filled += rows > 0
    assert filled > 20


def test_each_question_has_the_same_answer_in_the_same_order(pair: Pair) -> None:
    """The queries of docs/questions.ru.md, by the engines themselves."""
    guide = (PROJECT / "docs" / "questions.ru.md").read_text(encoding="utf-8")
    questions = re.findall(r"```sql\n(.*?)```", guide, flags=re.DOTALL)
    answered = 0
    with psycopg.connect(pair.dsn) as session, duckdb.connect(str(pair.here.path), read_only=True) as here:
        session.execute("set search_path to published_next")
        here.execute("set search_path = 'published'")
        for query in questions:
            by_server = session.execute(query.encode()).fetchall()
            assert by_server == here.execute(query).fetchall(), query
            answered += bool(by_server)
    assert len(questions) == 20 and answered > 3


def test_text_is_ordered_alike(pair: Pair) -> None:
    """By the engines themselves, not by one of them: names in Russian and Belarusian, codes, nulls last."""
    with psycopg.connect(pair.dsn) as session:
        for table, column in (
            ("pub_territory_v1", "name_ru"), ("pub_territory_v1", "name_be"), ("pub_territory_v1", "ref_area"),
            ("pub_indicator_v1", "name_be"), ("pub_indicator_value_v1", "note_ru"), ("pub_load_v1", "load_id"),
        ):  # fmt: skip
            by_server = session.execute(
                sql.SQL("select {0} from published_next.{1} order by {0} nulls last").format(
                    sql.Identifier(column), sql.Identifier(table)
                )
            ).fetchall()
            assert by_server == pair.here.query(
                f"select {column} from published.{table} order by {column} nulls last"
            ), f"{table}.{column}"


def test_each_region_has_the_same_mart(pair: Pair) -> None:
    for schema in ("mart_by", "mart_by_br", "mart_by_hm", "mart_by_mi"):
        built = (
            ("warehouse", f"{schema}.indicator_value"),
            ("server", f"published_next.{schema}__indicator_value"),
        )
        sides = [f"select * from {where}.{table}" for where, table in built]
        assert pair.connection.execute(f"select count(*) > 0 from ({sides[0]})").fetchall() == [(True,)]
        for one, other in (sides, sides[::-1]):
            assert pair.connection.execute(f"{one} except all {other} limit 3").fetchall() == []


def test_every_figure_that_is_read_has_its_decimals_on_the_server(pair: Pair) -> None:
    """A numeric without a scale would reach readers, and Gorod itself, as floating point."""
    with psycopg.connect(pair.dsn) as session:
        bare = session.execute(
            "select n.nspname || '.' || c.relname || '.' || a.attname from pg_attribute as a"
            " join pg_class as c on a.attrelid = c.oid join pg_namespace as n on c.relnamespace = n.oid"
            " where a.atttypid = 'numeric'::regtype and a.atttypmod = -1 and c.relkind in ('r', 'v')"
            " and (n.nspname in ('raw', 'ops', 'catalogue', 'staging', 'marts', 'published_next')"
            " or c.relname like 'int\\_%contributions') order by 1"
        ).fetchall()
    assert bare == []


def recorded(pair: Pair) -> list[tuple[Any, ...]]:
    """What the ledger says of each build, the last one last."""
    with psycopg.connect(pair.dsn) as session:
        return session.execute("select ok, whole, ledger_version from ops.build order by built_at").fetchall()


def whole(pair: Pair) -> tuple[Any, ...]:
    """A whole build of all that was accepted: what was refused decides nothing."""
    ((accepted,),) = pair.here.query("select count(*) from ops.load where outcome = 'accepted'")
    return (True, True, accepted)


def test_the_build_is_recorded(pair: Pair) -> None:
    assert recorded(pair)[0] == whole(pair)


# a second build that changes nothing: test_vintages.py
@pytest.mark.long
def test_a_second_build_passes_all_tests_and_is_recorded(pair: Pair, tmp_path: Path) -> None:
    again = dbt(pair.dsn, tmp_path, "build", "--exclude-resource-type", "unit_test")
    assert again.returncode == 0, again.stdout[-4000:]
    assert recorded(pair)[-1] == whole(pair)


# of a small country, in test_copy.py
@pytest.mark.long
def test_the_samples_by_gorod_run_end_in_the_same_publication(
    samples: Path, tmp_path: Path, databases: Databases
) -> None:
    """The whole way: landing, gate, load, build, indices, publication. One hash covers data, types and comments."""
    address = databases.new()
    done = run_on_samples(tmp_path, "run", "--json", GOROD_WAREHOUSE=address)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    assert not json.loads(done.stdout)["failures"]
    found = {
        engine: json.loads((home / "published" / "current" / "manifest.json").read_text(encoding="utf-8"))
        for engine, home in (("duckdb", samples), ("postgres", tmp_path))
    }
    for key in ("content_hash", "definitions_hash", "row_counts", "synthetic"):
        assert found["duckdb"][key] == found["postgres"][key], key
    with psycopg.connect(address) as session:
        shown = session.execute("select content_hash from published.publication").fetchone()
        assert shown == (found["postgres"]["content_hash"],)
        for table, rows in found["postgres"]["row_counts"].items():
            assert session.execute(
                sql.SQL("select count(*) from published.{}").format(sql.Identifier(table))
            ).fetchone() == (rows,)
    for path in tmp_path.rglob("*"):
        assert path.name != "warehouse.duckdb"
