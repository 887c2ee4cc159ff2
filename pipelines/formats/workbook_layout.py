"""Where the table of a workbook is: the sheets that fit a declared layout, or what each of them lacks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

from pipelines.declarations.workbooks import Layout, SheetColumn, WorkbookFormat
from pipelines.errors import DeliveryError, Reason
from pipelines.formats.workbook_cells import MOST_ABOVE, Sheet, letter, number_of


@dataclass(frozen=True)
class Table:
    """A sheet that fits a layout: where the data begin, and which column contains which value."""

    sheet: Sheet
    layout_name: str
    layout: Layout
    first_row: int
    places: dict[str, int]
    constants: dict[str, str]
    factors: dict[str, Decimal]
    unpivoted: tuple[tuple[int, str], ...] = ()


def refused(path: Path, expectation: str, message: str, remedy: str) -> DeliveryError:
    """The refusal of a workbook, for one reason."""
    return DeliveryError(path.name, [Reason(expectation, message, remedy)])


@dataclass
class _Mismatch:
    """What a layout needs and a sheet lacks."""

    sheet: str
    layout: str
    reasons: list[str] = field(default_factory=list)


def find_tables(path: Path, sheets: list[Sheet], fmt: WorkbookFormat, day: date | None) -> list[Table]:
    """The sheets of the first layout that fits.

    Raises:
        DeliveryError: none fits; the message says what each lacks.
    """
    mismatches: list[_Mismatch] = []
    for name, layout in fmt.layouts.items():
        if day is not None and not (layout.since or date.min) <= day <= (layout.until or date.max):
            continue
        named = [sheet for sheet in sheets if re.fullmatch(layout.sheets, sheet.name)]
        if layout.sheets == ".*":
            named = [sheet for sheet in named if not sheet.hidden]
        if not named:
            mismatches.append(_Mismatch("", name, [f"нет листа с названием по образцу {layout.sheets}"]))
        found: list[Table] = []
        missed: list[_Mismatch] = []
        for sheet in named:
            table = _fitting(sheet, name, layout)
            if isinstance(table, Table):
                found.append(table)
                if not layout.several:
                    return found
            else:
                missed.append(table)
        if layout.several and found and not missed:
            return found
        mismatches += missed
    if not mismatches:
        message = f"Для периода этой выгрузки ({day}) не описано, как расположена таблица."
        remedy = "Обратитесь к администратору хранилища: описание таблицы (layouts) дополняется."
        raise refused(path, "workbook.layout", message, remedy)
    reasons = [
        Reason(
            "workbook.layout",
            f"Таблица расположена не так, как описано ({one.layout}{f', лист «{one.sheet}»' if one.sheet else ''}): "
            + "; ".join(one.reasons[:5])
            + ".",
            "Верните прежний вид таблицы или сообщите о новом: описание (layouts) дополняется без программирования.",
        )
        for one in mismatches[:10]
    ]
    raise DeliveryError(path.name, reasons)


def _fitting(sheet: Sheet, name: str, layout: Layout) -> Table | _Mismatch:
    """The table of a sheet, or what the best candidate for a header lacks."""
    nearest: list[str] | None = None
    for top in range(min(len(sheet.grid), MOST_ABOVE)):
        if not any(sheet.spread[top]):
            continue
        found = _at(sheet, name, layout, top)
        if isinstance(found, Table):
            return found
        if nearest is None or len(found) < len(nearest):
            nearest = found
    return _Mismatch(sheet.name, name, ["лист пуст"] if nearest is None else nearest)


def _at(sheet: Sheet, name: str, layout: Layout, top: int) -> Table | list[str]:
    """The table whose header begins in row ``top``, or what is missing there."""
    header = sheet.header(top, layout.header_rows)
    places: dict[str, int] = {}
    factors: dict[str, Decimal] = {}
    constants: dict[str, str] = {}
    lacking: list[str] = []
    for column, about in layout.columns.items():
        if about.letter is not None:
            places[column] = number_of(about.letter)
        elif about.header is not None:
            matches = [
                (at, match) for at, text in enumerate(header) if (match := re.fullmatch(about.header, text))
            ]
            if len(matches) > 1:
                letters = ", ".join(letter(at) for at, _ in matches)
                lacking.append(f"заголовку столбца {column} отвечают несколько столбцов: {letters}")
            elif matches:
                places[column], match = matches[0]
                if about.units:
                    unit = match["unit"]
                    if unit not in about.units:
                        lacking.append(
                            f"в заголовке столбца {column} иная единица, чем {', '.join(about.units)}"
                        )
                    else:
                        factors[column] = Decimal(about.units[unit])
            elif not about.optional:
                lacking.append(f"нет столбца {column} (заголовок по образцу {about.header})")
        else:
            value = _constant(sheet, about, top, header)
            if value is not None:
                constants[column] = value
            elif not about.optional:
                place = "над таблицей и в заголовке" if about.title else "в названии листа"
                lacking.append(f"{place} нет того, что даёт {column} ({about.title or about.sheet})")
    unpivoted: list[tuple[int, str]] = []
    if layout.unpivot is not None:
        unpivoted = [
            (at, match["key"])
            for at, text in enumerate(header)
            if (match := re.fullmatch(layout.unpivot.header, text)) and at not in places.values()
        ]
        if not unpivoted:
            lacking.append(f"нет столбцов по образцу {layout.unpivot.header}")
    if lacking:
        return lacking
    first = top + layout.header_rows
    return Table(sheet, name, layout, first, places, constants, factors, tuple(unpivoted))


def _constant(sheet: Sheet, about: SheetColumn, top: int, header: Sequence[str]) -> str | None:
    pattern = about.title or about.sheet or ""
    above = [text for row in sheet.spread[:top] for text in row if text]
    texts = [sheet.name] if about.sheet else [*above, *header]
    for text in texts:
        if match := re.search(pattern, text):
            return match["value"] if "value" in match.re.groupindex else match[0]
    return None
