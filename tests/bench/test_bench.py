"""The benchmark runs, and its contestants do the same work."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path

import pytest

from bench import index, months
from bench.__main__ import main
from bench.children import BenchError, measure
from bench.portable import PORTABLE
from bench.requests_file import write
from pipelines.warehouse.duckdb import DuckDBWarehouse

pytestmark = pytest.mark.slow

ROWS = 10_000


def test_the_file_is_the_same_each_time_and_has_the_columns_of_the_feed(tmp_path: Path) -> None:
    from pipelines.declarations.sources import load_sources

    for name in ("one.csv", "other.csv"):
        write(500, "2025-03", tmp_path / name)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "other.csv").read_bytes()
    with (tmp_path / "one.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == list(load_sources()["appeals_115"].feeds["requests"].columns)
    assert len({row["id"] for row in rows}) == len(rows) == 500
    assert {row["opened"][:7] for row in rows} == {"2025-03"}


def test_gorod_and_dlt_take_every_row_and_evaluate_the_same_suite(tmp_path: Path) -> None:
    home = tmp_path / "home"
    file = months.drop(home, "minsk", "2025-03", ROWS)
    gorod = measure("bench.by_gorod", environment={"GOROD_HOME": str(home), "GOROD_ORIGIN": "sample"})
    dlt = measure("bench.by_dlt", file, tmp_path / "dlt", "arrow")
    assert (gorod.output["state"], gorod.output["rows"]) == ("accepted", ROWS)
    assert (dlt.output["passed"], dlt.output["rows"]) == (True, ROWS)
    # the gate asks all of it and more: what is compared with it is not asked more
    assert gorod.output["expectations"] > dlt.output["expectations"] == len(PORTABLE) > 10
    assert gorod.peak_mib > 50 and gorod.wall_s > 0 and gorod.cpu_s > 0


def test_the_engine_and_pandas_make_the_same_index(tmp_path: Path) -> None:
    measure("bench.index", "data", tmp_path)
    assert measure("bench.index", "gorod", tmp_path).output["rows"] == index.UNITS * len(index.YEARS) * 6
    assert measure("bench.index", "pandas", tmp_path).output["rows"] == index.UNITS * len(index.YEARS)
    with (tmp_path / "pandas.csv").open(encoding="utf-8", newline="") as stream:
        by_hand = {(row["year"], row["unit"]): row for row in csv.DictReader(stream)}
    with (tmp_path / "gorod.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            other = by_hand[row["time_period"], row["unit"]]
            if row["node"] in ("hdi", "education", "income"):
                assert float(row["score"]) == pytest.approx(float(other[row["node"]]), abs=1e-12)
                assert float(row["rank"]) == float(other[f"{row['node']}_rank"])


def test_a_history_goes_back_from_its_last_month_city_by_city() -> None:
    found = list(months.history(9))
    assert found[0] == ("minsk", date(2023, 12, 1))
    assert found[7] == ("minsk", date(2023, 11, 1))
    assert len(set(found)) == 9


@pytest.mark.slow
@pytest.mark.parametrize(
    "only",
    [months.SOURCE, pytest.param("", marks=[pytest.mark.long, pytest.mark.repeated])],
    ids=["one source", "all sources"],
)
def test_a_longer_history_is_one_that_the_loader_goes_on_with(tmp_path: Path, only: str) -> None:
    home = tmp_path / "home"
    environment = months.environment(home)
    for step in (("prepare", home, only), ("extend", home, 9), ("new_month", home, "2024-01")):
        measure("bench.months", *step, environment=environment)
    loaded = measure("bench.months", "load", environment=environment)
    assert (loaded.output["states"], loaded.output["rows"]) == (["accepted"], months.ROWS)
    counted = DuckDBWarehouse(home / "warehouse.duckdb").query(
        "select count(*) as loads, count(distinct load_no) as numbers, sum(rows_accepted) as rows,"
        " (select count(*) from raw.appeals_115__requests) as there"
        " from ops.effective_load where source = ? and feed = ?",
        [months.SOURCE, months.FEED],
    )
    assert counted == [{"loads": 10, "numbers": 10, "rows": 10 * months.ROWS, "there": 10 * months.ROWS}]


@pytest.mark.slow
def test_a_small_benchmark_ends_with_ratios(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--parts", "rows", "--rows", str(ROWS), "--rival-rows", str(ROWS)]
    assert main([*options, "--folder", str(tmp_path), "--results", str(tmp_path / "results")]) == 0
    assert "Gorod / DuckDB alone" in capsys.readouterr().out
    (kept,) = (tmp_path / "results").iterdir()
    content = json.loads(kept.read_text(encoding="utf-8"))
    assert content["machine"]["cores"] >= 1
    assert {ratio["reach"] for ratio in content["ratios"]} >= {"≤ 4", "≥ 10"}
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_a_contestant_that_fails_is_told() -> None:
    with pytest.raises(BenchError, match=r"by_duckdb.*absent\.csv"):
        measure("bench.by_duckdb", "absent.csv", ":memory:")
