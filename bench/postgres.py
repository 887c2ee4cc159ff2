"""The warehouse on PostgreSQL: what a load costs there, and what readers notice of a publication.

``measure_postgres`` is the part; the rest are its contestants, each in a process of its own: ``python -m bench.postgres
copy FILE DSN`` (the floor), ``to_sql FILE DSN`` (pandas, then the suite of Great Expectations on the server), ``readers
DSN`` (thirty readers of a KPI while three publications change its rows). Gorod is ``bench.by_gorod``.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.children import Measured, measure

if TYPE_CHECKING:
    from argparse import Namespace

    from bench.findings import Findings
    from sandbox.postgres import Instance

# What a server of this size is given; what it promised it keeps (docs/postgresql.md).
SETTINGS = {
    "shared_buffers": "1GB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
}
READERS, PUBLICATIONS = 30, 3
PAUSE_S = 0.2  # between a reader's queries: a page of a dashboard that is looked at
KPI = """
    select t.name_ru, v.time_period, v.obs_value, v.obs_status, v.coverage_population_pct, v.note_ru
    from published.pub_indicator_value_v1 as v
    inner join published.pub_territory_v1 as t on v.ref_area = t.ref_area
    where v.indicator = %(indicator)s and v.freq = %(freq)s and v.breakdown = '_T' and t.level = 'region'
    order by v.time_period desc, t.name_ru
    limit 84
"""


def measure_postgres(folder: Path, options: Namespace, findings: Findings) -> None:
    """A file against a bare COPY and against pandas with GX; and the readers of the demo."""
    # here alone: the process that measures stays small
    from sandbox import postgres

    with postgres.running(folder / "server", more=SETTINGS) as instance:
        _loads(folder, options, findings, instance)
        _readers(folder, findings, instance)


def _loads(folder: Path, options: Namespace, findings: Findings, instance: Instance) -> None:
    from bench import months
    from bench.requests_file import FILE_NAME

    home, month = folder / "home", "2025-03"
    file = home / "inbox" / months.SOURCE / months.FEED / months.INSTANCES[0] / FILE_NAME.format(month=month)
    file.parent.mkdir(parents=True)

    def by(name: str, module: str, *arguments: object, **environment: str) -> Callable[[], Measured]:
        def once() -> Measured:
            _fresh(instance, name)
            _remove(home / "landing")
            dsn = instance.dsn(name)
            # of those that have no address of their own
            given = [dsn if one is _DSN else one for one in arguments]
            return measure(module, *given, environment={**environment, "GOROD_WAREHOUSE": dsn})

        return once

    gorod = by("gorod", "bench.by_gorod", GOROD_HOME=str(home), GOROD_ORIGIN="sample")
    for rows, rival in ((options.rows, False), (options.to_sql_rows, True)):
        findings.say(f"writing {rows:,} requests")
        measure("bench.requests_file", rows, month, file)
        contestants = {"Gorod: landing, gate, raw on PostgreSQL": gorod}
        if rival:
            contestants["pandas to_sql, GX on PostgreSQL"] = by(
                "rival", "bench.postgres", "to_sql", file, _DSN
            )
        else:
            contestants["PostgreSQL alone: COPY"] = by("floor", "bench.postgres", "copy", file, _DSN)
        ours, other = findings.measure(rows, contestants, options.repeat)
        if rival:
            findings.compare(
                f"pandas to_sql, GX on PostgreSQL / Gorod, {rows:,} rows", other.wall_s / ours.wall_s, "≥ 10"
            )
        else:
            findings.compare(f"Gorod / COPY, {rows:,} rows", ours.wall_s / other.wall_s, "≤ 3")
            findings.compare("Gorod's peak memory beside a server, GiB", ours.peak_mib / 1024, "≤ 4")
        for name in ("gorod", "rival", "floor"):
            _drop(instance, name)
    _remove(home)


def _readers(folder: Path, findings: Findings, instance: Instance) -> None:
    """The samples of all sources, built and published; then readers."""

    findings.say("making the demo on the server")
    _fresh(instance, "demo")
    home, dsn = folder / "demo", instance.dsn("demo")
    environment = {"GOROD_HOME": str(home), "GOROD_ORIGIN": "sample", "GOROD_WAREHOUSE": dsn}
    measure("bench.months", "run", environment=environment)
    (read,) = findings.measure(0, {f"{READERS} readers": lambda: measure("bench.postgres", "readers", dsn)})
    (output,) = (run.output for run in read.runs)
    findings.say(f"{output}")
    what = f"{READERS} readers through {PUBLICATIONS} publications, ms: 95th percentile of a KPI query"
    findings.compare(what, output["p95_ms"], "< 50")


_DSN = object()


def _fresh(instance: Instance, database: str) -> None:
    """An empty database, on a server that has nothing left to write."""
    from sandbox import postgres

    _drop(instance, database)
    postgres.create_database(instance.dsn("postgres"), database)
    _administer(instance, "checkpoint")


def _drop(instance: Instance, database: str) -> None:
    _administer(instance, f"drop database if exists {database} with (force)")


def _administer(instance: Instance, statement: Any) -> None:
    import psycopg

    with psycopg.connect(instance.dsn("postgres"), autocommit=True) as session:
        session.execute(statement)


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def copy(file: str, dsn: str) -> dict[str, Any]:
    """The floor: COPY of the file as it is into a table of the feed's types, unchecked, unkept, without an index."""
    import psycopg

    with psycopg.connect(dsn) as session:
        # "opened" is no date as the portal writes it
        session.execute(
            "create table requests (id varchar, category varchar, author varchar, name varchar, address varchar,"
            " lat numeric(18, 6), lng numeric(18, 6), status varchar, rating bigint, opened varchar, planned date,"
            " organisation_id varchar)"
        )
        with (
            session.cursor().copy("copy requests from stdin (format csv, header)") as copying,
            Path(file).open("rb") as stream,
        ):
            while chunk := stream.read(1 << 20):
                copying.write(chunk)
        session.commit()
        counted = session.execute("select count(*) from requests").fetchone()
    return {"rows": counted[0] if counted else None}


def to_sql(file: str, dsn: str) -> dict[str, Any]:
    """pandas reads and writes, Great Expectations asks the server: how one would build it from parts."""
    import logging
    import warnings

    import great_expectations as gx
    import pandas as pd
    import sqlalchemy
    from great_expectations.data_context.types.base import ProgressBarsConfig

    from bench.by_dlt import CODES, KEPT
    from bench.portable import PORTABLE

    started = time.monotonic()
    address = _as_sqlalchemy(dsn)
    frame = pd.read_csv(file, usecols=KEPT, dtype=dict.fromkeys(CODES, "str"))
    frame["opened"] = pd.to_datetime(frame["opened"].str[:10])
    frame["planned"] = pd.to_datetime(frame["planned"])
    first_day, last_day = frame["opened"].min().date(), frame["opened"].max().date()
    engine = sqlalchemy.create_engine(address)
    frame.to_sql("requests", engine, index=False, chunksize=10_000)
    with engine.connect() as connection:
        rows = connection.execute(sqlalchemy.text("select count(*) from requests")).scalar()
    engine.dispose()
    loaded = time.monotonic()
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    batch: Any = (
        context.data_sources.add_postgres("server", connection_string=address)
        .add_table_asset("requests", table_name="requests")
        .add_batch_definition_whole_table("requests")
    )
    suite = context.suites.add(gx.ExpectationSuite("suite", expectations=[e.copy() for e in PORTABLE]))
    outcome = context.validation_definitions.add(
        gx.ValidationDefinition(name="gate", data=batch, suite=suite)
    ).run(
        expectation_parameters={"first_day": first_day.isoformat(), "last_day": last_day.isoformat()},
        result_format="SUMMARY",
    )
    return {
        "rows": rows,
        "passed": bool(outcome.success),
        "expectations": len(outcome.results),
        "steps_s": {
            "to_sql": round(loaded - started, 2),
            "GX on PostgreSQL": round(time.monotonic() - loaded, 2),
        },
    }


def _as_sqlalchemy(dsn: str) -> str:
    """The address as SQLAlchemy has it; Great Expectations wants a host, the socket of the query is what counts."""
    return dsn.replace("postgresql://postgres@/", "postgresql+psycopg2://postgres@localhost/", 1)


def readers(dsn: str) -> dict[str, Any]:
    """Readers ask for an indicator by region, as a dashboard does, while publications change every value of it.

    Returns:
        ``p50_ms``, ``p95_ms``, ``highest_ms`` of a query as its reader waits for it; ``queries``, ``failures``;
        ``publications_s``.
    """
    import random
    import threading
    from datetime import UTC, datetime

    import psycopg

    from pipelines.publishing.server import publish_on_server
    from pipelines.warehouse.server import Server

    waited: list[float] = []
    failures: list[str] = []
    over = threading.Event()
    with psycopg.connect(dsn) as session:
        asked = session.execute(
            "select indicator, freq from published.pub_indicator_value_v1 where obs_value is not null group by 1, 2"
        ).fetchall()

    def read(number: int) -> None:
        draw = random.Random(number)
        try:
            with psycopg.connect(dsn, autocommit=True) as session:
                while not over.wait(draw.uniform(0, 2 * PAUSE_S)):
                    indicator, freq = draw.choice(asked)
                    started = time.monotonic()
                    session.execute(KPI, {"indicator": indicator, "freq": freq}).fetchall()
                    waited.append(time.monotonic() - started)
        except psycopg.Error as error:
            failures.append(str(error))

    threads = [threading.Thread(target=read, args=(number,)) for number in range(READERS)]
    for one in threads:
        one.start()
    time.sleep(2)
    published = []
    for number in range(1, PUBLICATIONS + 1):
        with psycopg.connect(dsn) as session:
            session.execute("update published_next.pub_indicator_value_v1 set obs_value = obs_value + 1")
        started = time.monotonic()
        about = {
            "publication_id": f"bench-{number}", "created_at": datetime.now(UTC), "content_hash": str(number),
            "definitions_hash": "", "synthetic": True,
        }  # fmt: skip
        changed = publish_on_server(Server(dsn), about)
        published.append((sum(changed.values()), round(time.monotonic() - started, 2)))
        time.sleep(2)
    over.set()
    for one in threads:
        one.join()
    waited.sort()

    def percentile(share: float) -> float:
        return round(waited[min(int(len(waited) * share), len(waited) - 1)] * 1000, 1)

    return {
        "queries": len(waited),
        "failures": failures,
        "p50_ms": percentile(0.5),
        "p95_ms": percentile(0.95),
        "highest_ms": percentile(1),
        "publications": [{"rows": rows, "seconds": seconds} for rows, seconds in published],
    }


if __name__ == "__main__":
    print(json.dumps({"copy": copy, "to_sql": to_sql, "readers": readers}[sys.argv[1]](*sys.argv[2:])))
