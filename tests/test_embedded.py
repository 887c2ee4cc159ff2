"""DuckDB is opened in one place, and says nothing on standard output."""

from __future__ import annotations

import re
from pathlib import Path

from pipelines.embedded import connect
from pipelines.settings import PROJECT


def test_no_progress_bar_stands_before_an_answer(tmp_path: Path) -> None:
    for connection in (connect(), connect(tmp_path / "one.duckdb"), connect(config={"threads": 1})):
        with connection, connection.cursor() as cursor:
            for session in (connection, cursor):
                assert session.execute("select current_setting('enable_progress_bar')").fetchone() == (False,)


def test_the_product_opens_duckdb_nowhere_else() -> None:
    opened = [
        str(path.relative_to(PROJECT))
        for folder in ("pipelines", "assets", "expectations")
        for path in sorted((PROJECT / folder).rglob("*.py"))
        if re.search(r"duckdb\.connect\(", path.read_text(encoding="utf-8"))
    ]
    assert opened == ["pipelines/embedded.py"]
    assert "enable_progress_bar: false" in (PROJECT / "dbt" / "profiles.yml").read_text(encoding="utf-8")
