"""``python -m bench``: measure, print, store. How to read the results: ``docs/performance.md``."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from rich.console import Console

from bench import index, months
from bench.children import PROJECT, BenchError, Measured, measure
from bench.engine import measure_engine
from bench.findings import Findings, machine
from bench.postgres import measure_postgres
from bench.requests_file import FILE_NAME

MONTH = "2025-03"
READERS = (
    ("read_csv", "dlt, read_csv + GX on pandas", "≥ 10"),
    ("arrow", "dlt, Arrow + GX on pandas", "–"),
)
SHORT = 5
PARTS = ["rows", "months", "engine", "index", "postgres"]


def main(arguments: list[str]) -> int:
    """Run the chosen measurements; 0 if all succeeded."""
    options = _options(arguments)
    findings = Findings(Console())
    findings.say(f"machine: {machine()}")
    try:
        with tempfile.TemporaryDirectory(prefix="gorod-bench-", dir=options.folder) as folder:
            if "rows" in options.parts:
                _by_rows(Path(folder), options, findings)
            if "months" in options.parts:
                _by_months(Path(folder) / "months", options, findings)
            if "engine" in options.parts:
                measure_engine(Path(folder) / "engine", findings)
            if "index" in options.parts:
                _by_index(Path(folder) / "index", findings)
            if "postgres" in options.parts:
                measure_postgres(Path(folder) / "postgres", options, findings)
    except BenchError as error:
        findings.console.print(str(error), style="red", markup=False)
        return 1
    findings.show()
    findings.say(f"kept in {findings.keep(options.results, vars(options))}")
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="What a load costs, in ratios.")
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows of the large file")
    parser.add_argument(
        "--rival-rows", type=int, default=1_000_000, help="rows of the file that dlt is given too: it is slow"
    )
    parser.add_argument(
        "--to-sql-rows",
        type=int,
        default=200_000,
        help="rows of the file that pandas writes to a server: slower yet",
    )
    parser.add_argument("--full", action="store_true", help="give dlt the large file as well: takes long")
    parser.add_argument("--history", type=int, default=500, help="months of the long history")
    parser.add_argument("--repeat", type=int, default=1, help="measure DuckDB and Gorod so often")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--folder", type=Path, help="where the files are made, and removed at the end")
    parser.add_argument(
        "--results", type=Path, default=PROJECT / "bench" / "results", help="where the JSON goes"
    )
    return parser.parse_args(arguments)


def _by_rows(folder: Path, options: argparse.Namespace, findings: Findings) -> None:
    """A file against DuckDB alone, and against dlt with GX on pandas."""
    home, database, state = folder / "home", folder / "floor.duckdb", folder / "dlt"
    file = home / "inbox" / months.SOURCE / months.FEED / months.INSTANCES[0] / FILE_NAME.format(month=MONTH)
    environment = {"GOROD_HOME": str(home), "GOROD_ORIGIN": "sample"}

    def by_duckdb() -> Measured:
        _remove(database)
        return measure("bench.by_duckdb", file, database)

    def by_gorod() -> Measured:
        _remove(home / "landing", home / "warehouse.duckdb")
        return measure("bench.by_gorod", environment=environment)

    def by_dlt(reader: str) -> Measured:
        _remove(state)
        return measure("bench.by_dlt", file, state, reader)

    peak_mib = 0.0
    for rows in sorted({options.rows, options.rival_rows}, reverse=True):
        file.parent.mkdir(parents=True, exist_ok=True)
        findings.say(f"writing {rows:,} requests")
        measure("bench.requests_file", rows, MONTH, file)
        duckdb, gorod = findings.measure(
            rows,
            {"DuckDB alone: CREATE TABLE AS": by_duckdb, "Gorod: landing, gate, raw": by_gorod},
            options.repeat,
        )
        peak_mib = max(peak_mib, gorod.peak_mib)
        reach = "≤ 4" if rows == options.rows else "–"
        findings.compare(f"Gorod / DuckDB alone, {rows:,} rows", gorod.wall_s / duckdb.wall_s, reach)
        if rows == options.rival_rows or options.full:
            for reader, title, reach in READERS:
                (rival,) = findings.measure(rows, {title: partial(by_dlt, reader)})
                findings.compare(f"{title} / Gorod, {rows:,} rows", rival.wall_s / gorod.wall_s, reach)
        _remove(home, state, database)
    findings.compare("Gorod's peak memory, GiB", peak_mib / 1024, "≤ 4")


def _by_months(home: Path, options: argparse.Namespace, findings: Findings) -> None:
    """One new month on a short and on a long history, and a run with nothing new."""
    new_months = (f"{year}-{month:02}" for year in (2024, 2025) for month in range(1, 13))

    def step(*arguments: object) -> Measured:
        return measure("bench.months", *arguments, environment=months.environment(home))

    def with_new_month(command: str) -> Callable[[], Measured]:
        def once() -> Measured:
            step("new_month", home, next(new_months))
            return step(command)

        return once

    findings.say("making a home with the samples of all sources")
    step("prepare", home)
    loads, runs = [], []
    for length in (SHORT, options.history):
        findings.say(f"making a history of {length} months of {months.ROWS:,} requests")
        step("extend", home, length)
        step("run")
        whole, load = f"gorod run: a month after {length}", f"landing, gate, raw: a month after {length}"
        runs += findings.measure(months.ROWS, {whole: with_new_month("run")})
        loads += findings.measure(months.ROWS, {load: with_new_month("load")}, times=5)
    step("run")
    (idle,) = findings.measure(0, {"gorod run: nothing new": lambda: step("run")}, times=3)
    for what, (short, long), reach in (
        ("landing, gate, raw of a new month", loads, "< 1.3"),
        ("gorod run of a new month", runs, "–"),
    ):
        findings.compare(
            f"{what}: after {options.history} / after {SHORT}", long.inside_s / short.inside_s, reach
        )
    findings.compare("nothing new: seconds after imports", idle.inside_s, "≤ 5")


def _by_index(folder: Path, findings: Findings) -> None:
    """An index by the engine of all methods and by pandas for that index alone; and traces on the samples."""
    measure("bench.index", "data", folder)
    units = index.UNITS * len(index.YEARS)
    by_hand, by_engine = findings.measure(
        units,
        {
            "pandas: one index, written by hand": partial(measure, "bench.index", "pandas", folder),
            "gorod index evaluate, all levels": partial(measure, "bench.index", "gorod", folder),
        },
        times=5,
    )
    findings.compare(
        "index evaluate / pandas by hand, CPU of the process", by_engine.cpu_s / by_hand.cpu_s, "–"
    )
    findings.compare("index of 200 units x 30 years, whole process, s", by_engine.wall_s, "< 2")
    findings.compare("index of 200 units x 30 years, after imports, s", by_engine.inside_s, "< 2")
    environment = {"GOROD_HOME": str(folder / "home"), "GOROD_ORIGIN": "sample"}
    findings.say("running the main job on the samples")
    measure("bench.index", "demo", environment=environment)
    (traced,) = findings.measure(
        index.TRACED, {"gorod trace": partial(measure, "bench.index", "trace", environment=environment)}
    )
    findings.compare("trace of a figure, the slowest, s", traced.inside_s, "< 1")
    output = traced.runs[0].output
    findings.compare("trace of a figure, the median, s", float(output["median_s"]), "–")
    findings.compare("trace of a figure, the median, CPU s", float(output["median_cpu_s"]), "–")


def _remove(*left: Path) -> None:
    """Remove what an earlier measurement left."""
    for path in left:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
