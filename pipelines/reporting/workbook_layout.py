"""The layout of the digest's sheets: formats, head, row heights, number formats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from pipelines.reporting.captions import about_periods, made_from
from pipelines.reporting.figures import Digest
from pipelines.wording import SYNTHETIC, banner

A4 = 9


INK, ACCENT, BAND, WARNING = "#1F2933", "#1F4E79", "#EEF3F8", "#B42318"


class Formats:
    """Cell formats by their properties: the workbook contains each once."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self._book = book
        self._known: dict[str, Format] = {}

    def __call__(self, **properties: Any) -> Format:
        key = repr(sorted(properties.items()))
        if key not in self._known:
            base = {"font_name": "Calibri", "font_size": 10, "font_color": INK, "valign": "top"}
            self._known[key] = self._book.add_format({**base, **properties})
        return self._known[key]


def number_format(decimals: int, mark: str) -> str:
    """A figure's Excel format, with its letters at the end: ``#,##0.0" п"``."""
    digits = "#,##0" + ("." + "0" * decimals if decimals else "")
    return f'{digits}" {mark}"' if mark else digits


def write_head(digest: Digest, sheet: Worksheet, formats: Formats, title: str) -> int:
    """Title, period and warning; the row at which the table begins. Also page setup."""
    sheet.hide_gridlines(2)
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer(f"&L{digest.publication.id}&CСтраница &P из &N&R{digest.period_name}")
    sheet.set_row(0, 24)
    sheet.set_row(2, 18)
    sheet.write_string(0, 0, title, formats(bold=True, font_size=15, font_color=ACCENT))
    sheet.write_string(
        1,
        0,
        f"Отчётный период: {digest.period_name.rstrip('.')}. {made_from(digest.publication)}."
        f" {about_periods(digest)}.",
        formats(),
    )
    warning = banner(digest.synthetic, is_partly_synthetic(digest))
    if warning:
        sheet.write_string(2, 0, warning, formats(bold=True, font_size=12, font_color=WARNING))
        sheet.set_header(f"&C&B{SYNTHETIC}")
    return 4


def is_partly_synthetic(digest: Digest) -> bool:
    return not all(line.synthetic for line in digest.lines)


def row_height(cells: Sequence[tuple[str, float]]) -> float:
    """Height in points of a row of wrapped texts, each with its column's width in characters."""
    lines = max([1, *(-(-len(text) // max(int(width), 1)) for text, width in cells)])
    return min(13.5 * lines + 3, 400)
