"""The digest as a workbook: typed numbers, with methods, sources and quality on separate sheets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from pipelines.reporting.figures import Digest, Line, Value
from pipelines.reporting.said import about_periods, made_from, outside
from pipelines.wording import (
    FREQ,
    MISSING,
    MISSING_EXPLAINED,
    NO_DATA,
    REVISED,
    STATE,
    STATUS,
    SYNTHETIC,
    SYNTHETIC_MARK,
    banner,
    missing,
    number,
)

A4 = 9
COVERAGE = "Охват населения"
INK, ACCENT, BAND, WARNING = "#1F2933", "#1F4E79", "#EEF3F8", "#B42318"


@dataclass(frozen=True)
class _Column:
    """A column of a list sheet: heading, width in characters, and content."""

    title: str
    width: float
    cell: Callable[[Any], Any]
    wrap: bool = False


class _Formats:
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
        formats = _Formats(book)
        _figures_sheet(digest, book.add_worksheet("Показатели"), formats)
        for name, columns, rows in _lists(digest):
            _list_sheet(digest, book.add_worksheet(name), formats, name, columns, rows)


def _lists(digest: Digest) -> list[tuple[str, Sequence[_Column], Sequence[Any]]]:
    return [
        ("Ряды", _SERIES, digest.series),
        ("Методика", _METHODS, digest.lines),
        ("Источники", _LOADS, digest.loads),
        ("Качество", _QUALITY, digest.quality),
    ]


def number_format(decimals: int, mark: str) -> str:
    """A figure's Excel format, with its letters at the end: ``#,##0.0" п"``."""
    digits = "#,##0" + ("." + "0" * decimals if decimals else "")
    return f'{digits}" {mark}"' if mark else digits


def _head(digest: Digest, sheet: Worksheet, formats: _Formats, title: str) -> int:
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
    warning = banner(digest.synthetic, _partly(digest))
    if warning:
        sheet.write_string(2, 0, warning, formats(bold=True, font_size=12, font_color=WARNING))
        sheet.set_header(f"&C&B{SYNTHETIC}")
    return 4


def _partly(digest: Digest) -> bool:
    return not all(line.synthetic for line in digest.lines)


def _figures_sheet(digest: Digest, sheet: Worksheet, formats: _Formats) -> None:
    """Indicators by territory; figures as numbers, missing ones in words."""
    top = _head(digest, sheet, formats, digest.report.title.ru)
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
        mark = f" {SYNTHETIC_MARK}" if line.synthetic and _partly(digest) else ""
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
        sheet.set_row(row, _height([*zip(texts, widths, strict=False), (note, widths[-1]), *waiting]))
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
    formats: _Formats,
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


def _height(cells: Sequence[tuple[str, float]]) -> float:
    """Height in points of a row of wrapped texts, each with its column's width in characters."""
    lines = max([1, *(-(-len(text) // max(int(width), 1)) for text, width in cells)])
    return min(13.5 * lines + 3, 400)


def _legend(digest: Digest) -> list[str]:
    letters = "; ".join(f"{letter} – {meaning}" for letter, meaning in [*STATUS.values(), REVISED])
    words = [f"{word} – {MISSING_EXPLAINED[reason]}" for reason, word in MISSING.items()]
    legend = [f"Буква после числа: {letters}.", *words, f"{NO_DATA} – {MISSING_EXPLAINED[None]}"]
    return [*legend, outside(digest)] if digest.outside else legend


def _list_sheet(
    digest: Digest,
    sheet: Worksheet,
    formats: _Formats,
    title: str,
    columns: Sequence[_Column],
    rows: Sequence[Any],
) -> None:
    top = _head(digest, sheet, formats, title)
    heading = formats(
        bold=True, font_color="#FFFFFF", bg_color=ACCENT, text_wrap=True, valign="vcenter", border=1
    )
    sheet.set_row(top, 32)
    for index, column in enumerate(columns):
        sheet.write_string(top, index, column.title, heading)
        sheet.set_column(index, index, column.width)
    for number_of_row, row in enumerate(rows, start=top + 1):
        for index, column in enumerate(columns):
            _write_cell(sheet, number_of_row, index, column.cell(row), column.wrap, formats)
        wrapped = [(str(column.cell(row) or ""), column.width) for column in columns if column.wrap]
        if wrapped:
            sheet.set_row(number_of_row, _height(wrapped))
    sheet.autofilter(top, 0, max(top + len(rows), top + 1), len(columns) - 1)
    sheet.freeze_panes(top + 1, 0)
    sheet.repeat_rows(top)


def _write_cell(sheet: Worksheet, row: int, column: int, cell: Any, wrap: bool, formats: _Formats) -> None:
    """Write by type: text is never written as a number, whole numbers have no decimals."""
    if isinstance(cell, tuple):
        value, decimals = cell
        style = formats(num_format=number_format(decimals, ""), align="right", indent=1)
        sheet.write_number(row, column, value, style)
    elif cell is None or cell == "":
        sheet.write_blank(row, column, None, formats())
    elif isinstance(cell, bool):
        sheet.write_string(row, column, "да" if cell else "нет", formats())
    elif isinstance(cell, datetime):
        sheet.write_datetime(row, column, cell.replace(tzinfo=None), formats(num_format="dd.mm.yyyy hh:mm"))
    elif isinstance(cell, date):
        sheet.write_datetime(
            row, column, datetime(cell.year, cell.month, cell.day), formats(num_format="dd.mm.yyyy")
        )
    elif isinstance(cell, int):
        sheet.write_number(row, column, cell, formats(num_format="#,##0", align="right", indent=1))
    elif isinstance(cell, float):
        sheet.write_number(row, column, cell, formats(num_format="#,##0.0", align="right", indent=1))
    else:
        text = "; ".join(map(str, cell)) if isinstance(cell, list) else str(cell)
        sheet.write_string(row, column, text, formats(text_wrap=wrap))


def _of(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda row: row[name]


def _status(value: Value) -> str:
    if value.value is None:
        return missing(value.missing_reason)
    return STATUS[value.obs_status][1] if value.obs_status in STATUS else ""


_SERIES = (
    _Column("Показатель", 38, lambda row: row.name),
    _Column("Код показателя", 24, lambda row: row.indicator),
    _Column("Территория", 22, lambda row: row.territory),
    _Column("Код территории", 11, lambda row: row.ref_area),
    _Column("Частота", 11, lambda row: FREQ.get(row.freq, row.freq)),
    _Column("Период", 11, lambda row: row.time_period),
    _Column("Значение", 14, lambda row: None if row.value.value is None else (row.value.value, row.decimals)),
    _Column("Единица", 20, lambda row: row.unit),
    _Column("Статус", 22, lambda row: _status(row.value)),
    _Column("Охват населения, %", 12, lambda row: row.value.coverage_pct),
    _Column("Охват времени, %", 12, lambda row: row.value.coverage_time_pct),
    _Column(
        "До уточнения",
        14,
        lambda row: None if row.value.value_before is None else (row.value.value_before, row.decimals),
    ),
    _Column("Примечание", 44, lambda row: row.value.note),
    _Column("Версия методики", 11, lambda row: row.value.method_version),
    _Column("Синтетика", 11, lambda row: row.value.synthetic),
)

_METHODS = (
    _Column("Показатель", 34, lambda line: line.indicator.name, wrap=True),
    _Column("Код", 24, lambda line: line.indicator.code, wrap=True),
    _Column("Определение", 50, lambda line: line.indicator.definition, wrap=True),
    _Column("Числитель", 32, lambda line: line.indicator.numerator, wrap=True),
    _Column("Знаменатель", 32, lambda line: line.indicator.denominator, wrap=True),
    _Column("Единица", 18, lambda line: line.indicator.unit, wrap=True),
    _Column("Версия методики", 11, lambda line: line.indicator.method_version),
    _Column("Системы показателей", 26, lambda line: line.indicator.frameworks, wrap=True),
    _Column("Источники", 24, lambda line: line.indicator.sources, wrap=True),
    _Column("Указание источника", 44, lambda line: line.indicator.attribution, wrap=True),
)

_LOADS = (
    _Column("Источник", 20, _of("source")),
    _Column("Набор", 18, _of("feed")),
    _Column("Установка", 16, _of("instance")),
    _Column("Срез", 18, _of("slice")),
    _Column("Состояние", 18, lambda row: STATE.get(row["state"], row["state"])),
    _Column("Файлы", 36, _of("files"), wrap=True),
    _Column("SHA-256", 34, _of("sha256"), wrap=True),
    _Column("Получена", 16, _of("received_at")),
    _Column("Строк передано", 11, _of("rows_delivered")),
    _Column("Строк принято", 11, _of("rows_accepted")),
    _Column("Строк в карантине", 11, _of("rows_quarantined")),
    _Column("Лицензия", 20, _of("licence"), wrap=True),
    _Column("Указание источника", 60, _of("attribution"), wrap=True),
    _Column("Синтетика", 11, _of("synthetic")),
    _Column("Загрузка", 40, _of("load_id")),
)

_QUALITY = (
    _Column("Источник", 20, _of("source")),
    _Column("Набор", 18, _of("feed")),
    _Column("Установка", 16, _of("instance")),
    _Column("Срез", 18, _of("slice")),
    _Column("Состояние", 18, lambda row: STATE.get(row["state"], row["state"])),
    _Column("Строк передано", 12, _of("rows_delivered")),
    _Column("Строк принято", 12, _of("rows_accepted")),
    _Column("Строк в карантине", 12, _of("rows_quarantined")),
    _Column("Контрольное число", 13, _of("control_total")),
    _Column("Доля контрольного числа, %", 15, _of("control_share_pct")),
    _Column("Удалено источником", 13, _of("not_retained")),
    _Column("Замечаний", 12, _of("warnings")),
)
