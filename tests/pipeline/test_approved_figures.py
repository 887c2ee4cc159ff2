"""What needs approval is in no figure before it has it, is in them after, and leaves them when it is revoked."""

from __future__ import annotations

import io
import shutil
import zipfile
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from python_calamine import CalamineWorkbook

from pipelines.declarations.sources import SOURCES
from tests.conftest import run_on_samples

# how approvals and loads follow from each other, without building: tests/loading/ledger/test_approvals.py
pytestmark = [pytest.mark.slow, pytest.mark.long]

FORM = SOURCES / "giprosvyaz_survey" / "sample" / "brest" / "survey-2026-S1.zip"
RATIOS = {
    "systems_connected_pct": ("systems_connected", "systems_total"),
    "staff_digital_skills_pct": ("staff_trained", "staff_total"),
    "digital_spending_done_pct": ("spending_done", "spending_planned"),
}
OFFICES = {
    "town": "Брестский горисполком",
    "region": "Брестский облисполком",
    "ministry": "Министерство связи и информатизации",
}


def answers() -> dict[str, Decimal]:
    """The numbers of the answered form, as its first sheet shows them."""
    with zipfile.ZipFile(FORM) as archive:
        book = CalamineWorkbook.from_filelike(io.BytesIO(archive.read(f"{FORM.stem}.xlsx")))
    rows = book.get_sheet_by_index(0).to_python()
    return {str(row[0]): Decimal(str(row[3])) for row in rows if len(row) > 3 and isinstance(row[3], float)}


def figures(home: Path) -> dict[tuple[str, str], Decimal]:
    """The published figures of the questionnaire, by indicator and territory."""
    with duckdb.connect(str(home / "published" / "current" / "gorod.duckdb"), read_only=True) as connection:
        rows = connection.execute(
            "select indicator, ref_area, obs_value from published.pub_indicator_value_v1 where list_contains($codes, indicator)"
            " and time_period = '2026-S1' and breakdown = '_T' and obs_value is not null",
            {"codes": list(RATIOS)},
        ).fetchall()
    return {(indicator, ref_area): value for indicator, ref_area, value in rows}


def test_an_answer_counts_from_its_last_approval_until_it_is_revoked(samples: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(samples, home, symlinks=True)
    assert figures(home) == {}

    def told(*arguments: str) -> None:
        done = run_on_samples(home, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr

    load = "answers.brest.2026-S1"
    for step, office in OFFICES.items():
        if step == "ministry":
            told("run")
            assert figures(home) == {}, "two steps of three"
        told("survey", "approve", load, "--step", step, "--by", office)
    told("run")
    given = answers()
    found = figures(home)
    for indicator, (part, whole) in RATIOS.items():
        wanted = Decimal(100) * given[part] / given[whole]
        assert abs(found[indicator, "c-brest"] - wanted) < Decimal("0.000001")
    assert {ref_area for _, ref_area in found} == {"BY", "BY-BR", "c-brest"} | {
        ref_area for _, ref_area in found if ref_area.startswith("r-")
    }
    told("survey", "revoke", load, "--step", "region", "--by", OFFICES["region"], "--note", "проверка")
    told("run")
    assert figures(home) == {}
