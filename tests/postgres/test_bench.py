"""The contestants of the benchmark on PostgreSQL do the same work."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import months
from bench.children import measure
from bench.portable import PORTABLE
from bench.postgres import copy, to_sql
from tests.support.databases import Databases

ROWS = 2_000


@pytest.mark.slow
def test_gorod_copy_and_pandas_take_every_row_and_evaluate_the_same_suite(
    databases: Databases, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    file = months.drop(home, "minsk", "2025-03", ROWS)
    gorod = measure(
        "bench.by_gorod",
        environment={"GOROD_HOME": str(home), "GOROD_ORIGIN": "sample", "GOROD_WAREHOUSE": databases.new()},
    )
    rival = to_sql(str(file), databases.new())
    assert (gorod.output["state"], gorod.output["rows"]) == ("accepted", ROWS)
    assert copy(str(file), databases.new()) == {"rows": ROWS}
    assert (rival["passed"], rival["rows"], rival["expectations"]) == (True, ROWS, len(PORTABLE))
    assert set(gorod.output["steps_s"]) == {"landing", "reader", "gate", "raw and ledger"}
