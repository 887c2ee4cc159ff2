"""What the answer to a supplier says of the rows that were accepted: how many count, and why the others do not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from pipelines.declarations.sources import SOURCES
from pipelines.loading.answer import answer, write_answer
from pipelines.loading.candidates import load_candidate
from pipelines.loading.plan import Wanted, make_plan
from pipelines.settings import get_settings
from pipelines.warehouse import open_warehouse
from tests.support.portal import use_home

FILE = "belstat_net_oblast_2024-2025.json"


def test_the_answer_tells_how_many_rows_count_and_why_the_others_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six flows of the country and seven regions in two years: one of them, the total, is what the measure takes."""
    mirror = tmp_path / "mirror" / "belstat" / "migration"
    mirror.mkdir(parents=True)
    shutil.copy(SOURCES / "belstat" / "sample" / "migration" / FILE, mirror)
    settings = use_home(monkeypatch, tmp_path / "home", tmp_path / "mirror")
    warehouse = open_warehouse(settings)
    warehouse.prepare()
    ((candidate,),) = make_plan(
        Wanted(source="belstat", feed="migration"), settings, warehouse
    ).candidates.values()
    outcome = load_candidate(candidate, settings, warehouse)
    assert outcome.state == "accepted"
    given = answer(outcome.load_id, warehouse)
    territories, years, flows = 8, 2, 6
    assert [group.rows for group in given.counted] == [territories * years, territories * years * (flows - 1)]
    assert given.counts.startswith(
        "В показатели входит строк: 16. Не входит строк 80: отдельные потоки и страны"
    )
    write_answer(given, tmp_path / "answer.xlsx")
    (sheet, _) = CalamineWorkbook.from_path(tmp_path / "answer.xlsx").sheet_names
    cells = CalamineWorkbook.from_path(tmp_path / "answer.xlsx").get_sheet_by_name(sheet).to_python()
    assert ["Учёт строк", given.counts] in [row[:2] for row in cells]
    get_settings.cache_clear()
