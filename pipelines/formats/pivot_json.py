"""A statistical portal's table answer, unfolded: one row for each value cell.

The answer is ``{"tableName", "tableHeader": [[period, …]], "tableHeaderDimColumns": [title, …], "tableRows":
[[{"value", "level"}, …], …]}``: in each row one cell for each dimension, then one for each period. Every
value is a text: thousands divided by U+00A0, a decimal comma, null where not published.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.declarations.sources import Feed, PivotJsonFormat
from pipelines.errors import DeliveryError, Reason
from pipelines.formats.json_document import AGAIN, read_document, refuse
from pipelines.formats.typed import write_batch
from pipelines.loading.delivery import Batch, Delivery, Slice

MANY_REASONS = 20
KEYS = ("tableName", "tableHeader", "tableHeaderDimColumns", "tableRows")
NUMBER = re.compile(r"[+-]?(?:[0-9]{1,3}(?:[\u00a0\u202f ][0-9]{3})+|[0-9]+)(?:,[0-9]+)?")
EXPECTED_NUMBER = "число: десятичная запятая, между тысячами неразрывный пробел; null, если не опубликовано"


@dataclass(frozen=True)
class Table:
    """An answer whose shape is sound. A row has one cell for each title, then one for each period."""

    name: str
    titles: list[str]
    periods: list[str]
    rows: list[list[dict[str, Any]]]


def read(delivery: Delivery, feed: Feed, fmt: PivotJsonFormat, out: Path, pseudonym_key: str) -> Batch:
    """Read one answer. ``row_no`` counts value cells from 1, row by row; ``table_row`` the table's rows.

    Batch columns beside the dimensions: ``table_name, table_row, period, value``, and ``<dimension>_level``
    where the feed declares it.

    Raises:
        DeliveryError: the file is no such answer, or its periods are not those that its name tells.
    """
    path = delivery.paths[0]
    table = _table(read_document(path, feed.max_delivery_bytes), fmt, path.name)
    _hold_periods_against(delivery.slice, table.periods, path.name)
    columns = {title: name for name, title in fmt.dimensions.items()}
    names = [columns[title] for title in table.titles]
    levels = [name for name in names if f"{name}_level" in feed.columns]
    cells = pa.Table.from_pylist(list(_cells(table, names, levels)), _schema(names, levels))
    connection = duckdb.connect()
    try:
        connection.register("cells", cells)
        facts = {"table_name": table.name, "table_rows": len(table.rows), "periods": table.periods}
        return write_batch(connection, "select * from cells", feed, out, pseudonym_key, facts)
    finally:
        connection.close()


def point_number(text: str) -> str | None:
    """``"-1 234,5"`` as ``"-1234.5"``; None where the text is no number as the portal writes it.

    A point is refused: nobody can tell whether "1.234" is a decimal or a thousand.
    """
    given = text.strip().replace("\u2212", "-")
    if not NUMBER.fullmatch(given):
        return None
    return re.sub(r"[\u00a0\u202f ]", "", given).replace(",", ".")


def _schema(names: list[str], levels: list[str]) -> pa.Schema:
    texts = [
        "table_name",
        "table_row",
        *names,
        *(f"{name}_level" for name in levels),
        "period",
        "value",
        "broken",
        "broken_column",
        "broken_value",
    ]
    return pa.schema([("row_no", pa.int64()), *((name, pa.string()) for name in texts)])


def _cells(table: Table, names: list[str], levels: list[str]) -> Iterator[dict[str, Any]]:
    row_no = 0
    for table_row, cells in enumerate(table.rows, 1):
        dimensions = dict(zip(names, cells, strict=False))
        common = {
            "table_name": table.name,
            "table_row": str(table_row),
            **{name: cell["value"].strip() for name, cell in dimensions.items()},
            **{f"{name}_level": str(dimensions[name]["level"]) for name in levels},
        }
        for period, cell in zip(table.periods, cells[len(names) :], strict=True):
            row_no += 1
            given = cell["value"]
            value = None if given is None else point_number(given)
            unread = given is not None and value is None
            yield {
                "row_no": row_no,
                **common,
                "period": period,
                "value": value,
                "broken": EXPECTED_NUMBER if unread else None,
                "broken_column": "value" if unread else None,
                "broken_value": given if unread else None,
            }


def _table(document: Any, fmt: PivotJsonFormat, file: str) -> Table:
    if not isinstance(document, dict):
        refuse(file, Reason("answer.keys", "Ответ портала должен быть объектом JSON с таблицей.", AGAIN))
    absent = [key for key in KEYS if key not in document]
    if absent:
        given = ", ".join(sorted(map(str, document))) or "ничего"
        message = f"В ответе нет ключей: {', '.join(absent)}; есть: {given}."
        refuse(file, Reason("answer.keys", message, AGAIN))
    name, header, titles, rows = (document[key] for key in KEYS)
    if not isinstance(name, str):
        refuse(file, Reason("answer.name", "tableName должен быть текстом.", AGAIN))
    if not (isinstance(header, list) and len(header) == 1 and _texts(header[0])):
        message = "tableHeader должен быть одним списком периодов: [[«2024», «2025»]]."
        refuse(file, Reason("answer.header", message, AGAIN))
    periods = [period.strip() for period in header[0]]
    if len(set(periods)) < len(periods):
        message = f"Периоды в tableHeader повторяются: {', '.join(periods)}."
        refuse(file, Reason("answer.header", message, AGAIN))
    _hold_titles_against(fmt, titles, file)
    if not isinstance(rows, list):
        refuse(file, Reason("answer.rows", "tableRows должен быть списком строк.", AGAIN))
    titles = [title.strip() for title in titles]
    reasons: list[Reason] = []
    for number, row in enumerate(rows, 1):
        reasons += _row_reasons(number, row, len(titles), len(periods))
        if len(reasons) >= MANY_REASONS:
            break
    if reasons:
        raise DeliveryError(file, reasons[:MANY_REASONS])
    return Table(name.strip(), titles, periods, rows)


def _hold_titles_against(fmt: PivotJsonFormat, titles: Any, file: str) -> None:
    expected = list(fmt.dimensions.values())
    given = [title.strip() for title in titles] if _texts(titles) else titles
    if not isinstance(given, list) or sorted(map(str, given)) != sorted(expected):
        shown = ", ".join(f"«{title}»" for title in given) if isinstance(given, list) else str(given)
        wanted = ", ".join(f"«{title}»" for title in expected)
        refuse(
            file,
            Reason(
                "answer.dimensions",
                f"Разрезы таблицы (tableHeaderDimColumns) не те: {shown}.",
                f"Ожидаются: {wanted}. Запросите таблицу с этими разрезами.",
            ),
        )


def _hold_periods_against(delivered: Slice, periods: list[str], file: str) -> None:
    """The years in the header are those that the name tells: a delivery replaces them all, and no others."""
    if delivered.first_day is None or delivered.last_day is None:
        return
    told = [str(year) for year in range(delivered.first_day.year, delivered.last_day.year + 1)]
    if sorted(periods) != told:
        refuse(
            file,
            Reason(
                "answer.periods",
                f"В таблице периоды {', '.join(periods)}, а имя файла говорит о годах {told[0]}–{told[-1]}.",
                "Назовите файл по первому и последнему году таблицы или запросите все годы.",
            ),
        )


def _row_reasons(number: int, row: Any, dimensions: int, periods: int) -> list[Reason]:
    """What is wrong with the shape of one row of the table; nothing where it is sound."""
    if not isinstance(row, list) or len(row) != dimensions + periods:
        count = f"ячеек {len(row)}" if isinstance(row, list) else "не список ячеек"
        return [
            Reason(
                "answer.row",
                f"Строка таблицы {number}: {count}, а заголовок требует {dimensions + periods} "
                f"(разрезов {dimensions}, периодов {periods}).",
                AGAIN,
                number,
            )
        ]
    return [
        Reason(
            "answer.cell",
            f"Строка таблицы {number}, ячейка {place}: {problem}.",
            AGAIN,
            number,
            value=str(cell)[:80],
        )
        for place, cell in enumerate(row, 1)
        if (problem := _cell_problem(cell, place <= dimensions))
    ]


def _cell_problem(cell: Any, dimension: bool) -> str:
    if not isinstance(cell, dict) or "value" not in cell or "level" not in cell:
        return "ожидается объект с ключами value и level"
    value, level = cell["value"], cell["level"]
    if isinstance(level, bool) or not isinstance(level, int):
        return "level должен быть целым числом"
    if dimension and not (isinstance(value, str) and value.strip()):
        return "название разреза должно быть непустым текстом"
    if not dimension and value is not None and not isinstance(value, str):
        return "значение должно быть текстом в кавычках или null"
    return ""


def _texts(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, str) and item.strip() for item in value)
    )
