"""Belstat's monthly workbooks: read by the layouts of the declaration, held by the suite, and in agreement with the portal."""

from __future__ import annotations

import os
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.declarations.sources import load_sources
from pipelines.deliveries import Delivery, ValidationResult, named_slice
from pipelines.formats import read
from tests.sources.delivered import through_gate

FEED = load_sources()["belstat"].feeds["wages_by_activity"]
MIRROR = os.environ.get("GOROD_MIRROR")
# row "Всего" of the month, as it is published elsewhere
TOTALS = {"2401": "1991.2", "2403": "2161.1", "2407": "2355.1", "2501": "2427.4"}


def delivered(path: Path, name: str, out: Path) -> tuple[list[dict[str, Any]], ValidationResult]:
    """The rows of a workbook that is delivered under a name, and what the gate says of it."""
    found = re.fullmatch(str(FEED.file_pattern), name)
    assert found is not None
    folder = out / name
    folder.mkdir()
    (folder / name).write_bytes(path.read_bytes())
    return through_gate(
        "belstat", "wages_by_activity", "by", named_slice(found.groupdict(), None), folder, name
    )


def sample(month: str) -> Path:
    return Path("assets/sources/belstat/sample/workbooks").resolve() / f"nach_sr_zarplata-{month}.xlsx"


def test_a_workbook_of_another_month_is_refused(tmp_path: Path) -> None:
    _, result = delivered(sample("2608"), "nach_sr_zarplata-2609.xlsx", tmp_path)
    assert not result.accepted
    assert {one.expectation for one in result.results if one.refuses} == {"month_is_named"}


def test_the_same_month_of_another_year_is_refused(tmp_path: Path) -> None:
    _, result = delivered(sample("2608"), "nach_sr_zarplata-2508.xlsx", tmp_path)
    assert {one.expectation for one in result.results if one.refuses} == {"year_is_named"}


@pytest.mark.parametrize("month", ["2608", "2609", "2610"])
def test_texts_formulas_and_two_languages_are_read_alike(month: str, tmp_path: Path) -> None:
    rows, result = delivered(sample(month), f"nach_sr_zarplata-{month}.xlsx", tmp_path)
    assert result.accepted and not result.quarantined and not result.warnings
    assert len(rows) == 8 and all(row["wage"] is not None and row["real_pct"] is not None for row in rows)
    assert (rows[0]["wage_to_date"] is None) == (month == "2610")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("published")
    found = {}
    for month in TOTALS:
        name = f"nach_sr_zarplata-{month}.xlsx"
        rows, result = delivered(Path(str(MIRROR), "belstat", "workbooks", name), name, folder)
        assert result.accepted
        assert [one.expectation for one in result.results if one.unexpected_count] == []
        found[month] = rows
    return found


def total(rows: list[dict[str, Any]], column: str = "wage") -> Decimal:
    (row,) = [row for row in rows if row["activity"] in ("Всего", "Всего / Total")]
    return Decimal(row[column])


@pytest.mark.mirror
@pytest.mark.skipif(not MIRROR, reason="GOROD_MIRROR is not set")
def test_the_published_workbooks_pass_the_gate_with_the_totals_that_were_published(
    published: dict[str, list[dict[str, Any]]],
) -> None:
    assert {month: str(total(rows).normalize()) for month, rows in published.items()} == TOTALS


@pytest.mark.mirror
@pytest.mark.skipif(not MIRROR, reason="GOROD_MIRROR is not set")
def test_the_workbooks_agree_with_the_year_of_the_portal(
    published: dict[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    """The portal has the year, the workbooks months and what is from January on: what is left must be wages that can be."""
    wages = load_sources()["belstat"].feeds["wages"]
    folder = Path(str(MIRROR), "belstat", "wages")
    name = "wage_10218000003_2020-2026.json"
    delivery = Delivery(
        "d", "belstat", "wages", "by", named_slice({"period": "2020-2026"}, None), folder, (name,), "", 0, "", "",
        synthetic=False,
    )  # fmt: skip
    batch = read(delivery, wages, tmp_path / "wages.parquet")
    with duckdb.connect() as connection:
        found = connection.execute(
            f"select value from read_parquet('{batch.path}') where territory_level = 0 and period = '2024'"
        ).fetchone()
    year = Decimal(found[0]) if found else Decimal(0)
    february = (
        3 * total(published["2403"], "wage_to_date") - total(published["2401"]) - total(published["2403"])
    )
    assert total(published["2401"]) < february < total(published["2403"])
    # August to December: the year less what seven months had; above July, and below what December's bonus adds
    rest = (12 * year - 7 * total(published["2407"], "wage_to_date")) / 5
    assert total(published["2407"]) < rest < total(published["2407"]) * Decimal("1.1")
    assert total(published["2501"]) > year
