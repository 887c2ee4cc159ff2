"""The list sheets of the digest's workbook: series, methods, sources, quality."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from xlsxwriter.worksheet import Worksheet

from pipelines.reporting.figures import Digest, Value
from pipelines.reporting.workbook_layout import ACCENT, Formats, number_format, row_height, write_head
from pipelines.wording import FREQ, STATE, STATUS, missing


@dataclass(frozen=True)
class _Column:
    """A column of a list sheet: heading, width in characters, and content."""

    title: str
    width: float
    cell: Callable[[Any], Any]
    wrap: bool = False


def lists_of(digest: Digest) -> list[tuple[str, Sequence[_Column], Sequence[Any]]]:
    return [
        ("Ряды", _SERIES, digest.series),
        ("Методика", _METHODS, digest.lines),
        ("Источники", _LOADS, digest.loads),
        ("Качество", _QUALITY, digest.quality),
    ]


def write_list(
    digest: Digest,
    sheet: Worksheet,
    formats: Formats,
    title: str,
    columns: Sequence[_Column],
    rows: Sequence[Any],
) -> None:
    top = write_head(digest, sheet, formats, title)
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
            sheet.set_row(number_of_row, row_height(wrapped))
    sheet.autofilter(top, 0, max(top + len(rows), top + 1), len(columns) - 1)
    sheet.freeze_panes(top + 1, 0)
    sheet.repeat_rows(top)


def _write_cell(sheet: Worksheet, row: int, column: int, cell: Any, wrap: bool, formats: Formats) -> None:
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
