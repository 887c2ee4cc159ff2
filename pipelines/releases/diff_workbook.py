"""The difference between two releases as a workbook."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from pipelines.publishing.embargo import require_open
from pipelines.releases.archive import Release
from pipelines.releases.diff import KINDS_RU, WHYS_RU, Change, Difference


def write_workbook(found: Difference, releases: tuple[Release, Release], path: Path) -> None:
    """Write all changes to a workbook, one row each.

    Raises:
        GorodError: one of the releases is under embargo.
    """
    import xlsxwriter

    for release in releases:
        require_open(release.folder)
    columns: tuple[tuple[str, int, Callable[[Change], str | float | None]], ...] = (
        ("Показатель", 40, lambda one: found.names.of("indicator", one.indicator)),
        ("Территория", 24, lambda one: found.names.of("territory", one.ref_area)),
        ("Период", 10, lambda one: one.time_period), ("Разрез", 16, lambda one: one.describe(found.names)[3]),
        ("Было", 16, lambda one: _number(one.old_value)), ("Стало", 16, lambda one: _number(one.new_value)),
        ("Статус был", 14, lambda one: one.old_reason or one.old_status),
        ("Статус стал", 14, lambda one: one.new_reason or one.new_status),
        ("Что произошло", 12, lambda one: KINDS_RU[one.kind]), ("Причина", 22, lambda one: WHYS_RU[one.why]),
        ("Чем вызвано", 60, lambda one: ", ".join(one.because)),
    )  # fmt: skip
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("Изменения")
        bold = book.add_format({"bold": True})
        sheet.freeze_panes(1, 0)
        for number, (title, width, value) in enumerate(columns):
            sheet.set_column(number, number, width)
            sheet.write_string(0, number, title, bold)
            for row, one in enumerate(found.changes, start=1):
                cell = value(one)
                if isinstance(cell, float):
                    sheet.write_number(row, number, cell)
                elif cell:
                    sheet.write_string(row, number, cell)


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
