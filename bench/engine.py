"""A country of invented observations, and the indicator engine's models built on it by dbt.

``python -m bench.engine prepare HOME [rich]`` makes a warehouse of 171 monthly indicators, 350 territories and 60
months; rich: also by quarter, half-year and year, and one in ten by the parts of its measure. ``month HOME`` adds the
next month; ``build HOME [MODEL…]`` runs the models; ``trace HOME`` traces values back to their observations and loads.

Everything is invented: measures, indicators, territories, figures. Only the models are Gorod's own.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.children import Measured, measure
from bench.engine_data import MONTHS, SOURCE, declare, deliver, populate

if TYPE_CHECKING:
    from bench.findings import Findings

NEW_MONTHS = 3  # delivered and built one by one

# From observations summed by load to indicator values: what a build makes after the sources' own models.
MODELS = ("+mart_indicator_value",)
BEFORE = ("staging", "+int_observations_by_load")
TRACE = ("mart_trace_donor", "mart_trace_term", "mart_trace_observation", "mart_trace_row")
IMPORTED = ("dbt.cli.main", "dbt.adapters.duckdb", "dbt_common.clients.agate_helper", "pipelines.settings")
TRACED = 12  # traced values, including the country's, which has the longest path


def measure_engine(home: Path, findings: Findings) -> None:
    """All values from all observations, then those of one more month a few times, then nothing new."""
    variables = environment(home)
    findings.say("making a country of invented (synthetic) observations")
    made = measure("bench.engine", "prepare", home, environment=variables).output
    rows = int(made["observations"])
    step = partial(measure, "bench.engine", "build", home, environment=variables)
    (whole,) = findings.measure(rows, {"engine: all values from scratch": step})

    def next_month() -> Measured:
        measure("bench.engine", "month", home, environment=variables)
        return step()

    (new,) = findings.measure(rows // MONTHS, {"engine: one new month": next_month}, times=NEW_MONTHS)
    (idle,) = findings.measure(0, {"engine: nothing new": step})
    findings.compare("engine: seconds from scratch, after imports", whole.inside_s, "≤ 60")
    findings.compare("engine: one new month / from scratch", new.inside_s / whole.inside_s, "≤ 0.1")
    findings.compare("engine: nothing new / from scratch", idle.inside_s / whole.inside_s, "–")
    findings.compare("engine: peak memory, GiB", whole.peak_mib / 1024, "≤ 4")
    measure("bench.engine", "build", home, *TRACE, environment=variables)
    traced = measure("bench.engine", "trace", home, environment=variables).output
    findings.compare(
        f"engine: slowest of {traced['traced']} traces, seconds", float(traced["slowest"]), "≤ 1"
    )


def environment(home: Path) -> dict[str, str]:
    """The home of the benchmark, of dbt too."""
    return {
        "GOROD_HOME": str(home),
        "GOROD_WAREHOUSE_PATH": str(home / "warehouse.duckdb"),
        "DBT_TARGET_PATH": str(home / "dbt"),
        "DBT_LOG_PATH": str(home / "dbt"),
        "DBT_LOG_LEVEL_FILE": os.environ.get("DBT_LOG_LEVEL_FILE", "info"),  # as Gorod runs it
    }


def prepare(home: Path, rich: bool = False) -> dict[str, object]:
    """Ledger, catalogue, territories and months."""
    import duckdb

    from pipelines.catalogue.write import write_catalogue
    from pipelines.warehouse.duckdb import DuckDBWarehouse

    home.mkdir(parents=True, exist_ok=True)
    path = home / "warehouse.duckdb"
    DuckDBWarehouse(path).prepare()
    with duckdb.connect(str(path)) as connection:
        write_catalogue(connection)
        declare(connection, rich)
        populate(connection)
    _dbt("run", "--select", *BEFORE)
    with duckdb.connect(str(path)) as connection:
        for number in range(MONTHS):
            deliver(connection, number)
        rows = connection.execute("select count(*) from intermediate.int_observations_by_load").fetchone()
    return {"observations": rows[0] if rows else 0}


def month(home: Path) -> dict[str, object]:
    """The next month of all regions."""
    import duckdb

    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        (known,) = connection.execute(
            "select count(distinct slice) from ops.load where source = ?", [SOURCE]
        ).fetchall()[0]
        deliver(connection, known)
    return {}


def build(*models: str) -> dict[str, object]:
    """Run the models; ``seconds`` begin when everything is imported, what dbt imports when it needs it too."""
    import duckdb

    for module in IMPORTED:
        importlib.import_module(module)

    with duckdb.connect(os.environ["GOROD_WAREHOUSE_PATH"]) as connection:
        # a partial build: the next one would compute everything again
        connection.execute("delete from ops.build; delete from ops.build_begun")
    started = time.monotonic()
    _dbt("run", "--select", *(models or MODELS), "--exclude", *BEFORE)
    return {"seconds": time.monotonic() - started}


def trace() -> dict[str, object]:
    """Trace values of every level back to their observations and loads; there are no files here."""
    import duckdb

    from pipelines.operations.trace import trace as trace_value

    seconds = []
    with duckdb.connect(os.environ["GOROD_WAREHOUSE_PATH"], read_only=True) as connection:
        keys = connection.execute(
            "select indicator, ref_area, time_period from marts.mart_indicator_value where obs_value is not null"
            " qualify row_number() over (partition by level order by md5(indicator || ref_area || time_period)) <= ?",
            [TRACED // 4],
        ).fetchall()
        for key in keys:
            started = time.monotonic()
            found = trace_value(connection, *key)
            seconds.append(time.monotonic() - started)
            if not found.loads:
                sys.exit(f"{key} leads to no load")
    return {"traced": len(seconds), "slowest": max(seconds)}


def _dbt(*arguments: str) -> None:
    from dbt.cli.main import dbtRunner

    from pipelines.dbt_project import DBT_PROJECT, write_generated_files

    write_generated_files()
    project = str(DBT_PROJECT)
    done = dbtRunner().invoke(
        [*arguments, "--quiet", "--no-write-json", "--project-dir", project, "--profiles-dir", project]
    )
    if not done.success:
        sys.exit(f"dbt {' '.join(arguments)} failed: {done.exception}")


def main(command: str, home: str, *options: str) -> None:
    """See the module."""
    os.environ.update(environment(Path(home)))
    match command:
        case "prepare":
            output = prepare(Path(home), rich="rich" in options)
        case "month":
            output = month(Path(home))
        case "trace":
            output = trace()
        case _:
            output = build(*options)
    print(json.dumps(output))


if __name__ == "__main__":
    main(*sys.argv[1:])
