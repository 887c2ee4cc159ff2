"""Layouts of a raw table on PostgreSQL: what each costs when a load is written, read and vacuumed.

``python -m bench.raw_layouts [--rows 10000000] [--loads 200]``. The decision is in
``docs/decisions/0013-raw-tables-on-a-server.md``.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from bench.findings import machine
from sandbox import postgres

# As docs/deployment has it for a machine of this size.
REAL = {"shared_buffers": "1GB", "max_wal_size": "8GB", "checkpoint_timeout": "15min", "jit": "off"}
COLUMNS = (
    "load_id varchar not null, row_no bigint not null, id varchar, category varchar, lat numeric(18, 6),"
    " lng numeric(18, 6), status varchar, rating bigint, opened date, planned date, organisation_id varchar"
)
# Invented rows like those of the feed of requests.
ROWS = """
    select load_id, i, (1000000 + i)::varchar, (1 + i % 14) || '.' || (1 + i % 380), 53.8 + (i % 15000) / 1e5,
        27.4 + (i % 30000) / 1e5, (1 + i % 7)::varchar, i % 6, date '2025-03-01' + (i % 28)::int,
        date '2025-03-01' + (i % 228)::int, (100 + i % 80)::varchar
    from incoming as load, generate_series(1, {rows}::bigint) as i where load.number = {number}
"""
LAYOUTS = {
    "no index": "create table raw ({columns})",
    "B-tree": "create table raw ({columns}); create index on raw (load_id, row_no)",
    "B-tree of load_id": "create table raw ({columns}); create index on raw (load_id)",
    "BRIN": "create table raw ({columns});"
    " create index on raw using brin (load_id, row_no) with (pages_per_range = 32, autosummarize = on)",
    "16 partitions by hash, B-tree": "create table raw ({columns}) partition by hash (load_id);"
    " create index on raw (load_id, row_no); do $$ begin for i in 0..15 loop execute format("
    "'create table raw_%s partition of raw for values with (modulus 16, remainder %s)', i, i); end loop; end $$",
    "a partition for each load": "create table raw ({columns}) partition by list (load_id)",
}
READS = {
    "count of a load": "select count(*) from raw where load_id = (select load_id from incoming where number = 7)",
    "a row traced": "select * from raw where row_no = 77 and load_id = (select load_id from incoming where number = 7)",
    "only new loads": "select category, count(*) from raw join effective using (load_id) where load_id in"
    " (select load_id from effective where not exists (select 1 from done where done.load_id = effective.load_id))"
    " group by 1",
    "all effective loads": "select category, count(*) from raw join effective using (load_id) group by 1",
}


@dataclass
class Layout:
    """One layout of the table, measured in a database of its own."""

    session: psycopg.Connection[Any]
    name: str
    rows: int
    loads: int

    def enter(self, number: int) -> None:
        """One load, in one transaction."""
        with self.session.transaction():
            if self.name == "a partition for each load":
                (load_id,) = self.session.execute(
                    "select load_id from incoming where number = %s", [number]
                ).fetchone() or ("",)
                self.session.execute(
                    f"create table raw_{number} partition of raw for values in ('{load_id}')"
                )
            self.session.execute("insert into raw" + ROWS.format(rows=self.rows // self.loads, number=number))

    def measure(self) -> dict[str, float]:
        """Seconds of each operation, WAL of a load and sizes in MiB."""
        run = self.session.execute
        run("create table incoming as select i as number, 'bench.requests.city-' || lpad((i * 7919 % 9973)::text, 5, '0')"
            f" || '.2025-03.' || md5(i::text) as load_id from generate_series(1, {self.loads + 1}) as i")  # fmt: skip
        run("create table effective as select load_id from incoming where number % 4 > 0")
        run("create table done as select load_id from incoming where number <> 7")
        run(LAYOUTS[self.name].format(columns=COLUMNS))
        started = time.monotonic()
        for number in range(1, self.loads + 1):
            self.enter(number)
        found = {"all loads enter": time.monotonic() - started}
        before = self._value("select pg_current_wal_lsn() - '0/0'::pg_lsn")
        found["one more"] = _timed(lambda: self.enter(self.loads + 1))
        found["WAL of it, MiB"] = (
            float(self._value("select pg_current_wal_lsn() - '0/0'::pg_lsn") - before) / 2**20
        )
        found["vacuum freeze, all"] = _timed(lambda: run("vacuum (freeze, analyze) raw"))
        for what, query in READS.items():
            run(query)
            found[what] = min(_timed(lambda query=query: run(query)) for _ in range(3))  # type: ignore[misc]
        found["planning of it"] = min(_timed(lambda: run("explain " + query)) for _ in range(3))
        found["vacuum, nothing new"] = _timed(lambda: run("vacuum raw"))
        found["table, MiB"] = self._sizes("pg_table_size")
        found["index, MiB"] = self._sizes("pg_indexes_size")
        return found

    def _value(self, query: str) -> Any:
        return (self.session.execute(query).fetchone() or (None,))[0]

    def _sizes(self, function: str) -> float:
        return (
            float(
                self._value(
                    f"select sum({function}(oid)) from pg_class where relkind = 'r' and relname like 'raw%'"
                )
            )
            / 2**20
        )


def _timed(what: Any) -> float:
    started = time.monotonic()
    what()
    return time.monotonic() - started


def main() -> None:
    """Measure every layout, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.raw_layouts")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--loads", type=int, default=200)
    options = parser.parse_args()
    console = Console(width=160)
    console.print(f"machine: {machine()}")
    found: dict[str, dict[str, float]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="gorod-bench-") as folder,
        postgres.running(Path(folder), more=REAL) as instance,
    ):
        for number, name in enumerate(LAYOUTS):
            database = f"layout_{number}"
            postgres.create_database(instance.dsn("postgres"), database)
            with psycopg.connect(instance.dsn(database), autocommit=True) as session:
                found[name] = Layout(session, name, options.rows, options.loads).measure()
            console.print(name, {what: round(value, 3) for what, value in found[name].items()})
            with psycopg.connect(instance.dsn("postgres"), autocommit=True) as session:
                session.execute(f"drop database {database}")
    table = Table("seconds, unless it says MiB", *found)
    for what in next(iter(found.values())):
        table.add_row(what, *(f"{each[what]:,.3f}" for each in found.values()))
    console.print(table)


if __name__ == "__main__":
    main()
