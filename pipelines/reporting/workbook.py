"""The digest as a workbook: typed numbers, with methods, sources and quality on separate sheets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from pipelines.reporting.captions import made_from, outside
from pipelines.reporting.figures import Digest, Line, Value
from pipelines.reporting.workbook_layout import (
    ACCENT,
    Formats,
    is_partly_synthetic,
    number_format,
    row_height,
    write_head,
)
from pipelines.reporting.workbook_lists import lists_of, write_list
from pipelines.wording import (
    MISSING,
    MISSING_EXPLAINED,
    NO_DATA,
    REVISED,
    STATUS,
    SYNTHETIC_MARK,
    missing,
    number,
)

COVERAGE = "Охват населения"


def write_workbook(digest: Digest, path: Path) -> None:
    """Write the workbook. The same digest gives the same bytes: its dates are the publication's."""
    created = digest.publication.created_at.replace(tzinfo=None)
    with xlsxwriter.Workbook(str(path), {"default_date_format": "dd.mm.yyyy hh:mm"}) as book:
        book.set_properties(
            {
                "title": f"{digest.report.title.ru}, {digest.period_name}",
                "subject": made_from(digest.publication),
                "author": "Умные города Беларуси",
                "created": created,
            }
        )
        formats = Formats(book)
        _figures_sheet(digest, book.add_worksheet("Показатели"), formats)
        for name, columns, rows in lists_of(digest):
            write_list(digest, book.add_worksheet(name), formats, name, columns, rows)


def _figures_sheet(digest: Digest, sheet: Worksheet, formats: Formats) -> None:
    """Indicators by territory; figures as numbers, missing ones in words."""
    top = write_head(digest, sheet, formats, digest.report.title.ru)
    heading = formats(
        bold=True, font_color="#FFFFFF", bg_color=ACCENT, text_wrap=True, valign="vcenter", border=1
    )
    titles = ["Тема", "Показатель", "Единица", "Период"]
    areas = [territory.ref_area for territory in digest.territories]
    titles += [territory.name for territory in digest.territories] + ["Примечание"]
    sheet.set_row(top, 32)
    for column, title in enumerate(titles):
        sheet.write_string(top, column, title, heading)
    edge = {"bottom": 1, "bottom_color": "#C9D3DC", "valign": "vcenter"}
    widths = [13.0, 34.0, 16.0, 16.0, *(12.0 for _ in areas), 36.0]
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)
    for index, line in enumerate(digest.lines):
        row = top + 1 + index
        mark = f" {SYNTHETIC_MARK}" if line.synthetic and is_partly_synthetic(digest) else ""
        sheet.write_string(row, 0, line.indicator.theme, formats(text_wrap=True, **edge))
        sheet.write_string(row, 1, line.indicator.name + mark, formats(bold=True, text_wrap=True, **edge))
        sheet.write_string(row, 2, line.indicator.unit, formats(text_wrap=True, **edge))
        period = f"{line.period_name} ({line.not_by})" if line.not_by else line.period_name or NO_DATA
        sheet.write_string(row, 3, period, formats(text_wrap=True, **edge))
        for column, area in enumerate(areas, start=4):
            _write_value(sheet, row, column, line.values.get(area), line.indicator.decimals, formats, edge)
        note = _note(digest, line)
        sheet.write_string(row, 4 + len(areas), note, formats(text_wrap=True, font_size=9, indent=1, **edge))
        texts = (line.indicator.theme, line.indicator.name + mark, line.indicator.unit, period)
        waiting = [
            (missing(value.missing_reason if value else None), 10.0)
            for area in areas
            if (value := line.values.get(area)) is None or value.value is None
        ]
        sheet.set_row(row, row_height([*zip(texts, widths, strict=False), (note, widths[-1]), *waiting]))
    last = top + len(digest.lines)
    sheet.autofilter(top, 0, last, len(titles) - 1)
    sheet.freeze_panes(top + 1, 2)
    sheet.repeat_rows(top)
    for offset, text in enumerate(_legend(digest), start=2):
        sheet.write_string(last + offset, 1, text, formats(font_size=9, font_color="#5F6B76"))


def _write_value(
    sheet: Worksheet,
    row: int,
    column: int,
    value: Value | None,
    decimals: int,
    formats: Formats,
    edge: dict[str, Any],
) -> None:
    if value is not None and value.value is not None:
        style = formats(num_format=number_format(decimals, value.mark), align="right", **edge)
        sheet.write_number(row, column, value.value, style)
    else:
        words = missing(value.missing_reason if value else None)
        grey = formats(italic=True, font_size=8, font_color="#5F6B76", align="right", text_wrap=True, **edge)
        sheet.write_string(row, column, words, grey)


def _note(digest: Digest, line: Line) -> str:
    """What the reader must know about the row: incomplete coverage, and notes on its figures."""
    values = [(territory.name, line.values.get(territory.ref_area)) for territory in digest.territories]
    shown = [(name, value) for name, value in values if value is not None and value.value is not None]
    coverage = {
        name: f"{number(value.coverage_pct, 1)} %" if value.coverage_pct else "неизвестен"
        for name, value in shown
        if value.coverage_pct is not None and value.coverage_pct < 99.95 and value.low_coverage is None
    }
    parts = []
    if coverage and len(coverage) == len(shown) and len(set(coverage.values())) == 1:
        parts.append(f"{COVERAGE} {next(iter(coverage.values()))}")
    elif coverage:
        parts.append(f"{COVERAGE}: " + ", ".join(f"{name} {share}" for name, share in coverage.items()))
    notes: dict[str, list[str]] = {}
    for name, value in values:
        for sentence in value.sentences if value is not None else ():
            # coverage is described once for all territories above
            if not sentence.startswith(COVERAGE):
                notes.setdefault(sentence, []).append(name)
    for name, value in shown:
        if value.value_before is not None:
            notes.setdefault(
                f"Уточнено, было {number(value.value_before, line.indicator.decimals)}", []
            ).append(name)
    for note, names in notes.items():
        parts.append(note if len(names) == len(line.values) else f"{', '.join(names)}: {note}")
    return ". ".join(part.rstrip(".") for part in parts)


def _legend(digest: Digest) -> list[str]:
    letters = "; ".join(f"{letter} – {meaning}" for letter, meaning in [*STATUS.values(), REVISED])
    words = [f"{word} – {MISSING_EXPLAINED[reason]}" for reason, word in MISSING.items()]
    legend = [f"Буква после числа: {letters}.", *words, f"{NO_DATA} – {MISSING_EXPLAINED[None]}"]
    return [*legend, outside(digest)] if digest.outside else legend
