"""The ministry's register: stages and dates that contradict each other, and sums in the unit that the header names."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from xlsxwriter import Workbook

from pipelines.deliveries import ValidationResult, parse_slice
from pipelines.errors import DeliveryError
from tests.formats.reading import told
from tests.sources.delivered import through_gate


def actions(unit: str, plan: float, spent: float) -> bytes:
    made = io.BytesIO()
    book = Workbook(made, {"in_memory": True})
    page = book.add_worksheet("Мероприятия")
    for column, text in enumerate(("№ мероприятия", "Мероприятие", "Область, г. Минск", "Срок", "Состояние")):
        page.merge_range(0, column, 1, column, text)
    page.merge_range(0, 5, 0, 6, f"Финансирование, {unit}")
    page.write_row(1, 5, ("план на год", "освоено с начала года"))
    page.merge_range(0, 7, 1, 7, "Причина отклонения")
    page.write_row(2, 0, ("1", "Сети", "Брестская область", "31.12.2026", "выполняется", plan, spent, ""))
    page.write_row(3, 0, ("Итого", "", "", "", "", plan, spent))
    book.close()
    return made.getvalue()


def delivered(content: bytes, folder: Path) -> tuple[list[dict[str, Any]], ValidationResult]:
    """The rows of a workbook, and what the gate says of it."""
    name = "actions-2026-10.xlsx"
    (folder / name).write_bytes(content)
    return through_gate(
        "programme_register", "actions", "ministry", parse_slice("2026-10", None), folder, name
    )


@pytest.mark.parametrize(
    ("unit", "plan", "spent"),
    [("руб.", 2_500_000, 500_000), ("тыс. руб.", 2500, 500), ("млн руб.", 2.5, 0.5)],
)
def test_sums_are_roubles_whatever_the_header_says(
    unit: str, plan: float, spent: float, tmp_path: Path
) -> None:
    rows, result = delivered(actions(unit, plan, spent), tmp_path)
    assert [(row["funds_planned"], row["funds_spent"]) for row in rows] == [
        (Decimal(2_500_000), Decimal(500_000))
    ]
    assert result.accepted and not result.quarantined


def test_an_unknown_unit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError) as refused:
        delivered(actions("долл.", 1, 1), tmp_path)
    assert "руб." in told(refused.value)


def test_more_spent_than_planned_is_refused(tmp_path: Path) -> None:
    _, result = delivered(actions("тыс. руб.", 2500, 2600), tmp_path)
    assert {one.expectation for one in result.results if one.refuses} == {"funds_within_plan"}
