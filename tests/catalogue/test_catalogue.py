"""The catalogue in the warehouse: written when the definitions change, inside the caller's transaction."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipelines.catalogue import definition
from pipelines.catalogue.definition import definitions_hash
from pipelines.catalogue.tables import TABLES
from pipelines.catalogue.write import write_catalogue
from pipelines.declarations.indicator_catalogue import load_catalogue
from pipelines.declarations.territories import territory_rows
from pipelines.errors import DeclarationError


def test_it_is_written_once_and_again_when_the_definitions_change() -> None:
    with duckdb.connect(":memory:") as connection:
        assert write_catalogue(connection)
        assert not write_catalogue(connection)
        connection.execute("update catalogue.definition set definitions_hash = 'older'")
        assert write_catalogue(connection)
        assert connection.execute("select * from catalogue.definition").fetchall() == [(definitions_hash(),)]


def test_a_transaction_that_is_rolled_back_leaves_nothing() -> None:
    with duckdb.connect(":memory:") as connection:
        connection.begin()
        write_catalogue(connection)
        connection.rollback()
        assert connection.execute("select count(*) from duckdb_tables()").fetchall() == [(0,)]


def test_tables_hold_what_is_declared() -> None:
    declared = load_catalogue()
    with duckdb.connect(":memory:") as connection:
        write_catalogue(connection)
        for table, columns in TABLES.items():
            found = [row[0] for row in connection.execute(f"describe catalogue.{table}").fetchall()]
            assert found == list(columns)
        codes = connection.execute("select indicator from catalogue.indicator order by 1").fetchall()
        assert [code for (code,) in codes] == sorted(declared.indicators)
        terms = connection.execute(
            "select count(*) from catalogue.indicator_term where side = 'numerator' and indicator = ?",
            ["old_age_dependency_pct"],
        ).fetchone()
        assert terms == (4,)  # 65-69, 70-74, 75-79, 80 and over


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("codes.csv", "ref_area,level\nBY,country\n", "are missing"),
        ("names.csv", "source,name,ref_area,note\ns,a,x,\ns,a,y,\n", "names.csv:3: s a is listed twice"),
        ("subordination.csv", None, "cannot be read"),
        ("changes.csv", "ref_area,parent,valid_from,valid_to,act\nc,r,,,\n", "changes.csv:2"),
        (
            "changes.csv",
            "ref_area,parent,valid_from,valid_to,act\nc,r,,2012-12-31,\nc,q,2012-01-01,2013-12-31,\n",
            "changes.csv:3: the span of c overlaps another",
        ),
    ],
)
def test_a_wrong_code_list_is_told(tmp_path: Path, file: str, text: str | None, told: str) -> None:
    sound = {
        "codes.csv": "ref_area,level,soato,soato_status,iso_3166_2,name_en\nBY,country,,,BY,Belarus\n",
        "names.csv": "source,name,ref_area,note\ns,a,x,\n",
        "subordination.csv": "ref_area,district\nc,r\n",
        "changes.csv": "ref_area,parent,valid_from,valid_to,act\n",
    }
    for name, content in (sound | {file: text}).items():
        if content is not None:
            (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(DeclarationError) as raised:
        territory_rows(tmp_path)
    assert told in raised.value.message


@pytest.mark.parametrize(
    "path", ["dbt/models/staging/one.sql", "dbt/tests/one.sql", "dbt/tests/generic/one.sql", "assets/one.yml"]
)
def test_what_is_added_to_the_project_is_another_definition(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test of dbt, too: else dbt runs one that Dagster's manifest does not know, and the build breaks."""
    monkeypatch.setattr(definition, "PROJECT", tmp_path)
    of = definition.definitions_hash.__wrapped__
    before = of()
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text("x", encoding="utf-8")
    assert of() != before


@pytest.mark.parametrize("path", ["assets/reports/one.yml", "assets/access.yml"])
def test_what_changes_no_figure_builds_nothing(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(definition, "PROJECT", tmp_path)
    of = definition.definitions_hash.__wrapped__
    before = of()
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text("x", encoding="utf-8")
    assert of() == before
