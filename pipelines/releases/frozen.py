"""The published contracts as they were known at a moment.

Values come from the value history, loads from the ledger as it was then; marts and contracts are recomputed from them
by the models' own SQL, in a separate in-memory database. No model is referred to by name here, except those that
hold the values and the embargo.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import duckdb

from pipelines.errors import GorodError
from pipelines.publishing.contracts import SCHEMA, Contract
from pipelines.publishing.embargo import HELD, HELD_LOADS
from pipelines.publishing.history import KNOWN_VALUES, known_at, stamp
from pipelines.settings import Settings
from pipelines.sql import literal, quoted
from pipelines.warehouse import migrations

VALUES = "marts.mart_indicator_value"
PERIODS = "marts.dim_period"
TERMS = "catalogue.indicator_term"
# recomputed, except for the dimensions; anything upstream is read as it is
ANEW = ("marts", SCHEMA)
DIMENSIONS = "marts.dim_"
# the declarations, which a release takes as they are
DECLARED = "staging.stg_catalogue__"


@dataclass(frozen=True)
class Model:
    """A node of the dbt project: ``table`` is schema and name, which ``sql`` also uses; None for a source."""

    table: str
    sql: str | None
    needs: tuple[str, ...]

    @property
    def schema(self) -> str:
        return self.table.split(".")[0]

    @property
    def is_computed_anew(self) -> bool:
        """Whether a release computes it by its own SQL."""
        return self.schema in ANEW and not self.table.startswith(DIMENSIONS)


@dataclass(frozen=True)
class Frozen:
    """The request: what was known at ``known_at`` about ``indicators``, in periods that end by ``last_day``."""

    known_at: datetime
    last_day: date
    indicators: tuple[str, ...]


def read_models(settings: Settings) -> dict[str, Model]:
    """The project's contracts and marts with their SQL for DuckDB, by dbt id; other nodes without SQL.

    They are compiled against an empty database: the warehouse is not touched.

    Raises:
        GorodError: the project does not compile.
    """
    from pipelines.dbt_project import DBT_PROJECT, dbt_environment, dbt_executable, write_generated_files

    write_generated_files()
    target = settings.home / "dbt" / "target-release"
    target.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [
            dbt_executable(), "--quiet", "compile", "--exclude", "resource_type:test", "--project-dir", str(DBT_PROJECT),
            "--select", "mart_indicator_value+", *(f"path:models/{schema}" for schema in ANEW),
        ],
        env={
            **os.environ,
            **dbt_environment(settings),
            "GOROD_DBT_TARGET": "duckdb",
            "GOROD_WAREHOUSE_PATH": ":memory:",
            "DBT_TARGET_PATH": str(target),
        },
        cwd=DBT_PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise GorodError(
            f"the dbt project does not compile: {done.stdout[-500:]}{done.stderr[-500:]}",
            "Run `dbt compile` in dbt/ and correct what it reports.",
        )
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    nodes = {**manifest["nodes"], **manifest["sources"]}
    return {
        name: Model(
            _table(node),
            node.get("compiled_code") if node["resource_type"] == "model" else None,
            tuple(node.get("depends_on", {}).get("nodes", ())),
        )
        for name, node in nodes.items()
        if node["resource_type"] in ("model", "source", "snapshot", "seed")
    }


def _table(node: dict[str, Any]) -> str:
    return f"{node['schema']}.{node.get('alias') or node.get('identifier') or node['name']}"


def freeze(
    connection: duckdb.DuckDBPyConnection,
    warehouse: str,
    models: dict[str, Model],
    contracts: Sequence[Contract],
    wanted: Frozen,
) -> tuple[list[Contract], list[str]]:
    """Create the contracts as tables in the connection's own in-memory database.

    Args:
        connection: a new connection with the warehouse attached as ``warehouse``.
        contracts: the warehouse's contracts; those that dbt does not make are left out.

    Returns:
        The contracts, which are read from the new tables; and the names of those that also read what cannot be
        rewound (the observations): this part is as of the time of the call.
    """
    shadows = _Shadows(connection, warehouse, models)
    shadows.know(wanted)
    made, of_today = [], []
    by_table = {model.table: name for name, model in models.items()}
    for contract in contracts:
        name = by_table.get(f"{SCHEMA}.{contract.name}")
        if name is None:
            continue
        model = models[name]
        shadows.provide(model.needs)
        columns = ", ".join(
            f"cast({quoted(column.name)} as {column.type}) as {quoted(column.name)}"
            for column in contract.columns
        )
        table = f"memory.{SCHEMA}.{quoted(contract.name)}"
        is_of_today = shadows.reads_of_today(name)
        rows = _rows(contract, is_of_today)
        connection.execute(f"create table {table} as select {columns} from ({model.sql}) as model {rows}")
        made.append(replace(contract, read_from=table))
        if is_of_today:
            of_today.append(contract.name)
    return made, of_today


def _rows(contract: Contract, is_of_today: bool) -> str:
    """The WHERE clause that excludes other indicators and later periods; the values already exclude them."""
    conditions = []
    if contract.has("load_id", "source", "feed"):
        conditions.append("load_id in (select load_id from memory.main.wanted_load)")
    if contract.has("time_period") and is_of_today:
        if contract.has("measure"):
            conditions.append("measure in (select measure from memory.main.wanted_measure)")
        if contract.has("indicator"):
            conditions.append("indicator in (select indicator from memory.main.wanted_indicator)")
        if conditions:
            conditions.append(
                f"(time_period = '_Z' or time_period in (select time_period from {PERIODS}"
                " where last_day <= (select last_day from memory.main.wanted)))"
            )
    return "where " + " and ".join(conditions) if conditions else ""


class _Shadows:
    """In-memory relations with the names of the warehouse's tables: views on them, or recomputed."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, warehouse: str, models: dict[str, Model]
    ) -> None:
        self.connection = connection
        self.warehouse = warehouse
        self.models = models
        self.there: set[str] = set()
        for schema in {model.schema for model in models.values()} | {"history"}:
            connection.execute(f"create schema if not exists memory.{quoted(schema)}")

    def know(self, wanted: Frozen) -> None:
        """The values, the ledger and the embargo as of the moment."""
        execute = self.connection.execute
        execute(
            "create table memory.main.wanted_indicator as select unnest(?::varchar[]) as indicator",
            [list(wanted.indicators)],
        )
        execute("create table memory.main.wanted as select ?::date as last_day", [wanted.last_day])
        self._view(
            KNOWN_VALUES,
            f"select * replace (case when known_to <= timestamp {literal(stamp(wanted.known_at))} then known_to end"
            f" as known_to) from {self._there(KNOWN_VALUES)}"
            f" where known_from <= timestamp {literal(stamp(wanted.known_at))}"
            " and last_day <= (select last_day from memory.main.wanted)"
            " and indicator in (select indicator from memory.main.wanted_indicator)",
        )
        schema, table = VALUES.split(".")
        columns = execute(
            "select column_name from duckdb_columns() where database_name = ? and schema_name = ? and table_name = ?"
            " order by column_index",
            [self.warehouse, schema, table],
        ).fetchall()
        named = ", ".join(quoted(name) for (name,) in columns)
        self._view(VALUES, f"select {named} from memory.{KNOWN_VALUES} where {known_at(wanted.known_at)}")
        for held in (*HELD.values(), HELD_LOADS):
            self._view(
                f"intermediate.{held}", f"select * from {self._there(f'intermediate.{held}')} where false"
            )
        self._ledger(wanted.known_at)
        self._view(TERMS, f"select * from {self._there(TERMS)}")
        self._view("catalogue.measure", f"select * from {self._there('catalogue.measure')}")
        self._view(PERIODS, f"select * from {self._there(PERIODS)}")
        execute(
            "create table memory.main.wanted_measure as select distinct unnest([measure, times_measure]) as measure"
            f" from memory.{TERMS} where indicator in (select indicator from memory.main.wanted_indicator)"
        )
        execute(
            "create table memory.main.wanted_load as select load_id from memory.ops.load"
            " where (first_day is null or first_day <= (select last_day from memory.main.wanted))"
            " and (source, feed) in (select (source, feed) from memory.catalogue.measure"
            " where measure in (select measure from memory.main.wanted_measure))"
        )

    def _ledger(self, moment: datetime) -> None:
        """The ledger as it was, with its own views; a waiver expires by that day's date, an approval counts from its moment."""
        then = literal(stamp(moment))
        self._view(
            "ops.load", f"select * from {self._there('ops.load')} where decided_at <= timestamp {then}"
        )
        self._view(
            "ops.load_event",
            f"select * from {self._there('ops.load_event')} where happened_at <= timestamp {then}",
        )
        self._view("ops.approval_step", f"select * from {self._there('ops.approval_step')}")
        self._view(
            "ops.approval",
            f"select * from {self._there('ops.approval')} where decided_at <= timestamp {then}",
        )
        views = re.findall(
            r"^create or replace view (ops\.\w+) as\n(.*?);$",
            migrations.schema_sql(),
            re.DOTALL | re.MULTILINE,
        )
        # builds are not part of what was known
        for name, sql in (view for view in views if "ops.build" not in view[1]):
            self._view(name, sql.replace("now()", f"timestamptz {literal(stamp(moment) + '+00')}"))

    def provide(self, names: Sequence[str]) -> None:
        """Create the shadows of some nodes and of their inputs."""
        for name in names:
            model = self.models[name]
            if model.table in self.there:
                continue
            if model.is_computed_anew or self.reads_values(name):
                self.provide(model.needs)
                self._view(model.table, str(model.sql))
            else:
                self._view(model.table, f"select * from {self._there(model.table)}")

    def reads_values(self, name: str) -> bool:
        """Whether a node is computed from the values, and so is as of the moment."""
        model = self.models[name]
        return model.table in (VALUES, KNOWN_VALUES) or any(self.reads_values(need) for need in model.needs)

    def reads_of_today(self, name: str) -> bool:
        """Whether a node reads figures or rows that cannot be rewound."""
        model = self.models[name]
        if model.table in (
            VALUES,
            KNOWN_VALUES,
            *(f"intermediate.{held}" for held in (*HELD.values(), HELD_LOADS)),
        ):
            return False
        if model.is_computed_anew or self.reads_values(name):
            return any(self.reads_of_today(need) for need in model.needs)
        return model.schema in ("staging", "intermediate") and not model.table.startswith(DECLARED)

    def _view(self, table: str, sql: str) -> None:
        self.connection.execute(f"create view memory.{table} as {sql}")
        self.there.add(table)

    def _there(self, table: str) -> str:
        return f"{quoted(self.warehouse)}.{table}"
