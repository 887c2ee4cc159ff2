"""DuckDB is opened in one place, and says nothing on standard output."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.embedded import connect
from pipelines.memory import in_memory
from pipelines.settings import PROJECT


def test_no_progress_bar_stands_before_an_answer(tmp_path: Path) -> None:
    for connection in (connect(), connect(tmp_path / "one.duckdb"), connect(config={"threads": 1})):
        with connection, connection.cursor() as cursor:
            for session in (connection, cursor):
                assert session.execute("select current_setting('enable_progress_bar')").fetchone() == (False,)


def test_a_file_that_is_written_anew_is_read_anew(tmp_path: Path) -> None:
    """DuckDB would remember pieces of the file before, and read garbage, or the old."""
    path = tmp_path / "batch.parquet"
    chance = random.Random(1)
    for _ in range(300):
        given = [
            "".join(chance.choices('ab"\n,х', k=chance.randint(0, 12)))
            for _ in range(chance.choice([2, 3, 3, 4]))
        ]
        pq.write_table(pa.table({"value": given}), path)
        with in_memory(path) as connection:
            read = connection.execute(f"select value from read_parquet('{path}')").fetchall()
        assert [value for (value,) in read] == given


def test_the_product_opens_duckdb_nowhere_else() -> None:
    opened = [
        str(path.relative_to(PROJECT))
        for folder in ("pipelines", "assets", "expectations")
        for path in sorted((PROJECT / folder).rglob("*.py"))
        if re.search(r"duckdb\.connect\(", path.read_text(encoding="utf-8"))
    ]
    assert opened == ["pipelines/embedded.py"]
    assert "enable_progress_bar: false" in (PROJECT / "dbt" / "profiles.yml").read_text(encoding="utf-8")
