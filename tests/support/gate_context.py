"""Context for validating a batch in a test without a warehouse: the delivery, and a register in force."""

from __future__ import annotations

import re
import tempfile
from datetime import date
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.declarations.origins import FileOrigin
from pipelines.declarations.sources import SOURCES, load_sources
from pipelines.deliveries import Delivery, Slice
from pipelines.formats import read
from pipelines.loading.context import validated_against
from pipelines.loading.suites import load_context
from pipelines.sql import quoted
from pipelines.warehouse.raw import SQL_TYPES

TODAY = date(2026, 11, 30)
REGISTER = SOURCES / "territory_register" / "sample" / "territories" / "territories.csv"


def beside(
    source: str,
    feed: str,
    days: Slice,
    instance: str | None = None,
    register: Path | None = REGISTER,
    today: date = TODAY,
) -> dict[str, pa.Table]:
    """The tables beside a batch: ``delivery``, the results of the suite's ``CONTEXT``, and what the feed's reader needs.

    Only the list of territories of ``register`` is in force (nothing if it is None), and the samples that the reader needs.
    """
    instances = load_sources()[source].instances
    instance = instance or next(iter(instances))
    known = {
        "source": source, "feed": feed, "instance": instance, "part": days.part, "first_day": days.first_day,
        "last_day": days.last_day, "today": today,
    }  # fmt: skip
    dated = {name: pa.date32() for name in ("first_day", "last_day", "today")}
    row = {**known, "ref_area": instances[instance].ref_area, "slice": days.key}
    delivery = pa.Table.from_pylist([row], pa.schema([(name, dated.get(name, pa.string())) for name in row]))
    with duckdb.connect() as connection:
        connection.execute("create schema raw")
        connection.execute("create schema ops")
        for view in ("effective_load", "accepted_load"):
            connection.execute(
                f"create table ops.{view} as select 'one' as load_id, '{instance}' as instance, "
                "date '2026-12-31' as last_day"
            )
        for code, declared in load_sources().items():
            for name, about in declared.feeds.items():
                columns = "".join(
                    f", {quoted(column)} {SQL_TYPES[of.type]}" for column, of in about.kept_columns.items()
                )
                connection.execute(
                    f"create table raw.{code}__{name} (load_id varchar, row_no bigint{columns})"
                )
        if register is not None:
            territories = territories_of(register)
            connection.register("territories", territories)
            connection.execute("insert into raw.territory_register__territories by name from territories")
        for other, name in validated_against(source, feed):
            # what the own source delivers first: a suite of readings looks at the register of meters
            if other == source != "territory_register" and not load_sources()[source].feeds[feed].beside:
                connection.register("sample", sample_of(source, name, instance))
                connection.execute(f"insert into raw.{source}__{name} by name from sample")
        of_reader = load_sources()[source].feeds[feed].beside
        needed = {
            found for sql in of_reader.values() for found in re.findall(r"\braw\.([a-z0-9_]+?)__(\w+)", sql)
        }
        for other, name in sorted(needed):
            connection.register("sample", sample_of(other, name, next(iter(load_sources()[other].instances))))
            connection.execute(f"insert into raw.{other}__{name} by name from sample")
        answers = {
            name: connection.execute(
                sql, {key: value for key, value in known.items() if f"${key}" in sql}
            ).to_arrow_table()
            for name, sql in {**load_context(source, feed), **of_reader}.items()
        }
    return {"delivery": delivery, **answers}


@cache
def territories_of(path: Path) -> pa.Table:
    """The list of territories in a file, as rows of a load ``one``."""
    feed = load_sources()["territory_register"].feeds["territories"]
    delivery = Delivery(
        "d",
        "territory_register",
        "territories",
        "by",
        Slice(),
        path.parent,
        (path.name,),
        "",
        0,
        "",
        "",
        True,
    )
    with tempfile.TemporaryDirectory() as folder:
        batch = read(delivery, feed, Path(folder) / "territories.parquet")
        found = duckdb.sql(f"select 'one' as load_id, * exclude (parse_errors) from '{batch.path}'")
        return found.to_arrow_table()


@cache
def sample_of(source: str, name: str, instance: str) -> pa.Table:
    """The first file of an instance's sample, as rows of a load ``one``."""
    feed = load_sources()[source].feeds[name]
    origin = feed.origins["sample"]
    assert isinstance(origin, FileOrigin)
    path = min((SOURCES / source / origin.path.format(instance=instance)).iterdir())
    delivery = Delivery("d", source, name, instance, Slice(), path.parent, (path.name,), "", 0, "", "", True)
    with tempfile.TemporaryDirectory() as folder:
        batch = read(delivery, feed, Path(folder) / "sample.parquet")
        found = duckdb.sql(f"select 'one' as load_id, * exclude (parse_errors) from '{batch.path}'")
        return found.to_arrow_table()
