"""Workbooks of executive committees: two layouts mean the same, and a table that is not what its name says is refused."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from pipelines.deliveries import ValidationResult, parse_slice
from pipelines.errors import DeliveryError
from tests.formats.reading import told
from tests.sources.delivered import through_gate

# section, procedures, electronic, carried out, electronically; each layout writes the same
ROWS = [("Жильё", 60, 30, 2000, 500), ("Земля", 40, 10, 1500, 300), ("Итого", 100, 40, 3500, 800)]


def delivered(content: bytes, month: str, folder: Path) -> tuple[list[dict[str, Any]], ValidationResult]:
    """The rows of a workbook, and what the gate says of it."""
    name = f"e-services-{month}.xlsx"
    (folder / name).write_bytes(content)
    return through_gate("e_services", "procedures", "brest", parse_slice(month, None), folder, name)


def workbook(write: Callable[[Worksheet], None]) -> bytes:
    made = io.BytesIO()
    book = Workbook(made, {"in_memory": True})
    write(book.add_worksheet("Услуги"))
    book.close()
    return made.getvalue()


def in_units(rows: list[tuple[Any, ...]] = ROWS, month: str = "август 2026") -> bytes:
    def write(page: Worksheet) -> None:
        page.merge_range(0, 0, 0, 5, f"Сведения за {month} г.")
        page.merge_range(2, 0, 3, 0, "№ п/п")
        page.merge_range(2, 1, 3, 1, "Раздел перечня")
        page.merge_range(2, 2, 2, 3, "Процедур в перечне,\nед.")
        page.merge_range(2, 4, 2, 5, "Осуществлено за месяц, ед.")
        page.write_row(3, 2, ("всего", "из них в электронной форме") * 2)
        for row, values in enumerate(rows, start=4):
            page.write_row(row, 1, values)
        page.write(len(rows) + 5, 0, "Исполнитель: –")

    return workbook(write)


def in_thousands(unit: str = "тыс. ед.") -> bytes:
    def write(page: Worksheet) -> None:
        page.write(0, 0, "Сведения за сентябрь 2026 г.")
        page.merge_range(1, 0, 2, 0, "Наименование раздела")
        page.merge_range(1, 1, 1, 3, f"Осуществлено за месяц, {unit}")
        page.write_row(2, 1, ("всего", "в электронной форме", "через «одно окно»"))
        page.merge_range(1, 4, 2, 4, "Число процедур, ед.")
        page.merge_range(1, 5, 2, 5, "Доступно в электронной форме, ед.")
        for row, (section, listed, online, cases, electronic) in enumerate(ROWS, start=3):
            page.write_row(row, 0, (section, cases / 1000, f"{electronic / 1000:.1f}".replace(".", ",")))
            page.write_row(row, 4, (listed, online))

    return workbook(write)


def figures(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [
        (row["section"], row["listed"], row["listed_online"], row["carried_out"], row["carried_out_online"])
        for row in rows
    ]


def test_two_layouts_and_units_are_the_same_figures(tmp_path: Path) -> None:
    for content, month in ((in_units(), "2026-08"), (in_thousands(), "2026-09")):
        rows, result = delivered(content, month, tmp_path)
        assert figures(rows) == [tuple(map(_decimal, row)) for row in ROWS]
        assert result.accepted and not result.quarantined and not result.warnings


def _decimal(value: Any) -> Any:
    return Decimal(value) if isinstance(value, int) else value


@pytest.mark.parametrize(
    ("rows", "expectation"),
    [
        ([ROWS[0], ROWS[1], ("Итого", 100, 40, 3600, 800)], "sections_add_up"),
        (ROWS[:2], "total_present"),
        ([*ROWS[:1] * 2, ("Итого", 120, 60, 4000, 1000)], "row_unique"),
        ([("Жильё", 60, 70, 2000, 500), ROWS[1], ("Итого", 100, 80, 3500, 800)], "listed_online_between"),
    ],
)
def test_a_table_that_does_not_add_up_is_refused(
    rows: list[tuple[Any, ...]], expectation: str, tmp_path: Path
) -> None:
    _, result = delivered(in_units(rows), "2026-08", tmp_path)
    assert expectation in {one.expectation for one in result.results if one.refuses}


def test_a_table_of_another_month_is_refused(tmp_path: Path) -> None:
    _, result = delivered(in_units(month="июль 2026"), "2026-08", tmp_path)
    assert {one.expectation for one in result.results if one.refuses} == {"month_is_named"}


def test_an_unknown_unit_and_an_old_layout_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError) as unit:
        delivered(in_thousands("млн ед."), "2026-09", tmp_path)
    assert "иная единица, чем ед., тыс. ед." in told(unit.value)
    with pytest.raises(DeliveryError) as layout:
        delivered(in_units(month="сентябрь 2026"), "2026-09", tmp_path)
    assert "Наименование раздела" in told(layout.value)


def test_the_layout_is_chosen_by_the_month(tmp_path: Path) -> None:
    rows, _ = delivered(in_units(), "2026-08", tmp_path)
    assert rows[0]["month_ru"] == "август" and rows[0]["year"] == str(date(2026, 8, 1).year)
