"""An index of 200 units over 30 years, against pandas written for it alone; and the trace of a figure.

``python -m bench.index data FOLDER`` writes the method and the figures; ``gorod FOLDER`` evaluates them by the engine that
evaluates every method, ``pandas FOLDER`` by a function that knows this index and nothing else. ``demo`` runs the main job
on the samples, ``trace`` traces figures of it; both find their home in GOROD_HOME.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

UNITS, YEARS = 200, range(1995, 2025)
TRACED = 40

METHOD = """\
method: hdi_like
title: {ru: По образцу ИЧР, be: Паводле ІЧР, en: Like the HDI}
status: example
version: '1.0'
valid_from: 1995-01-01
legal_act: null
reference: UNDP, Human Development Reports, technical note 1
index:
  code: hdi
  aggregate: geometric
  nodes:
    - {code: health, indicator: life_expectancy, normalise: {kind: min_max, low: 20, high: 85}}
    - code: education
      aggregate: arithmetic
      nodes:
        - {code: expected_schooling, normalise: {kind: min_max, low: 0, high: 18}}
        - {code: mean_schooling, normalise: {kind: min_max, low: 0, high: 15}}
    - code: income
      indicator: gni_per_capita
      transform: [{kind: log}]
      normalise: {kind: min_max, low: 100, high: 75000}
"""


def data(folder: Path) -> None:
    """Invented figures of 200 units in 30 years, four for each, and the method."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(1990)
    lines = ["unit,year,life_expectancy,expected_schooling,mean_schooling,gni_per_capita"]
    for year in YEARS:
        for number in range(UNITS):
            figures = (
                chance.uniform(45, 86), chance.uniform(4, 19), chance.uniform(1, 15), 10 ** chance.uniform(2.7, 5),
            )  # fmt: skip
            lines.append(f"u{number:03},{year}," + ",".join(f"{figure:.1f}" for figure in figures))
    (folder / "data.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "method.yml").write_text(METHOD, encoding="utf-8")
    print(json.dumps({"rows": len(lines) - 1}))


def gorod(folder: Path) -> None:
    """What ``gorod index evaluate METHOD DATA -o OUT`` does, with all levels in the output."""
    from pipelines.declarations.methods import read_method
    from pipelines.indices.evaluate import evaluate
    from pipelines.indices.reading import read_observations
    from pipelines.indices.structure import resolve
    from pipelines.indices.tables import result_table, write_table

    started = time.monotonic()
    method = read_method(folder / "method.yml")
    tree = resolve(method)
    observations = read_observations(
        folder / "data.csv", tree.columns, [], "unit", "year", tree.required_columns
    )
    table = result_table(evaluate(method, observations))
    write_table(table, folder / "gorod.csv")
    print(json.dumps({"seconds": time.monotonic() - started, "rows": len(table)}))


def by_pandas(folder: Path) -> None:
    """The same index, written by hand: scores and ranks of the root and of its three parts."""
    import numpy as np
    import pandas as pd

    started = time.monotonic()
    figures = pd.read_csv(folder / "data.csv")
    health = ((figures["life_expectancy"] - 20) / 65).clip(0, 1)
    expected = (figures["expected_schooling"] / 18).clip(0, 1)
    mean = (figures["mean_schooling"] / 15).clip(0, 1)
    income = (np.log(figures["gni_per_capita"] / 100) / np.log(750)).clip(0, 1)
    scores = figures[["year", "unit"]].assign(health=health, education=(expected + mean) / 2, income=income)
    scores["hdi"] = (scores["health"] * scores["education"] * scores["income"]) ** (1 / 3)
    for node in ("health", "education", "income", "hdi"):
        # equal figures may give scores that differ in the last bit
        alike = scores[node].round(9)
        scores[f"{node}_rank"] = alike.groupby(scores["year"]).rank(ascending=False, method="min")
    scores.to_csv(folder / "pandas.csv", index=False)
    print(json.dumps({"seconds": time.monotonic() - started, "rows": len(scores)}))


def demo() -> None:
    """The main job on the samples."""
    from pipelines.loading.plan import Wanted
    from pipelines.orchestration.run import run
    from pipelines.settings import get_settings

    started = time.monotonic()
    summary = run(Wanted(), get_settings())
    print(json.dumps({"seconds": time.monotonic() - started, "loads": len(summary.loads)}))


def trace() -> None:
    """Trace figures of every kind, the country's first: they have the longest path. The slowest counts."""
    from pipelines.operations.trace import trace as trace_value
    from pipelines.settings import get_settings
    from pipelines.warehouse import open_warehouse

    seconds: dict[str, float] = {}
    cpu: list[float] = []
    with open_warehouse(get_settings()).connection(read_only=True) as connection:
        # of each indicator and frequency the newest figure of the country, then what is left in a fixed order
        keys = connection.execute(
            "select indicator, ref_area, time_period from marts.mart_indicator_value"
            " where obs_value is not null and breakdown = '_T'"
            " qualify row_number() over (partition by indicator, freq, level order by last_day desc, ref_area) = 1"
            " order by case level when 'country' then 0 else 1 end, md5(indicator || ref_area || time_period) limit ?",
            [TRACED],
        ).fetchall()
        for key in keys:
            started, busy = time.monotonic(), time.process_time()
            trace_value(connection, *key)
            seconds[" ".join(key)] = time.monotonic() - started
            cpu.append(time.process_time() - busy)
    slowest = max(seconds, key=lambda key: seconds[key])
    output = {
        "seconds": seconds[slowest],
        "slowest": slowest,
        "median_s": median(seconds.values()),
        "median_cpu_s": median(cpu),
        "traced": len(seconds),
    }
    print(json.dumps(output))


COMMANDS: dict[str, Callable[..., None]] = {
    "data": data,
    "gorod": gorod,
    "pandas": by_pandas,
    "demo": demo,
    "trace": trace,
}

if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    COMMANDS[command](*map(Path, rest))
