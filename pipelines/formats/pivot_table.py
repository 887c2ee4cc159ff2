"""The table in a statistical portal's answer: parsed, and checked against what is declared and what the file name says.

The answer is ``{"tableName", "tableHeader": [[period, …]], "tableHeaderDimColumns": [title, …], "tableRows":
[[{"value", "level"}, …], …]}``: each row has one cell for each dimension, then one for each period.

Titles, labels and periods are compared and kept in one form: composed (NFC), runs of white space replaced by one space, none at
the ends.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from pipelines.declarations.formats import PivotJsonFormat
from pipelines.deliveries import Slice
from pipelines.errors import DeliveryError, Reason
from pipelines.formats.json_document import AGAIN, KEPT_TEXT, MANY_REASONS, is_kept, refuse
from pipelines.text import BLANKS, code_of, differing_sign, normal, sign_class, unseen_sign

KEYS = ("tableName", "tableHeader", "tableHeaderDimColumns", "tableRows")


YEAR = re.compile("[12][0-9]{3}")


SPACES = re.compile(f"[{sign_class(BLANKS)}]+")


WORD = re.compile(r"[^\W\d_]+")


LATIN, CYRILLIC = re.compile("[A-Za-z\u00c0-\u024f]"), re.compile("[\u0400-\u052f]")


@dataclass(frozen=True)
class Table:
    """An answer of the right shape. A row has one cell for each title, then one for each period."""

    name: str
    titles: list[str]
    periods: list[str]
    rows: list[list[dict[str, Any]]]


def label(text: str) -> str:
    """A text in the form in which titles, labels and periods are compared."""
    return SPACES.sub(" ", normal(text)).strip(" ")


def label_problem(text: str) -> str:
    """What is expected of a label, in Russian, and the character that is wrong; empty if the label is valid."""
    if not is_kept(text):
        return KEPT_TEXT
    if unseen := unseen_sign(text):
        return f"название без невидимых знаков; в нём {unseen}"
    for word in WORD.finditer(text):
        latin, cyrillic = (
            [found.start() for found in script.finditer(word[0])] for script in (LATIN, CYRILLIC)
        )
        if latin and cyrillic:
            is_latin = len(latin) <= len(cyrillic)
            place = word.start() + (latin if is_latin else cyrillic)[0]
            which = "среди кириллических латинская" if is_latin else "среди латинских кириллическая"
            return f"название, в котором слово написано одним алфавитом; {which} буква {code_of(text[place])} (знак {place + 1})"
    return ""


def parse_table(document: Any, fmt: PivotJsonFormat, file: str) -> Table:
    if not isinstance(document, dict):
        refuse(file, Reason("answer.keys", "Ответ портала должен быть объектом JSON с таблицей.", AGAIN))
    absent = [key for key in KEYS if key not in document]
    if absent:
        refuse(file, Reason("answer.keys", f"В ответе нет ключей: {', '.join(absent)}.", AGAIN))
    name, header, titles, rows = (document[key] for key in KEYS)
    if not (isinstance(name, str) and is_kept(name)):
        refuse(file, Reason("answer.name", f"tableName: ожидается {KEPT_TEXT}.", AGAIN))
    if not (isinstance(header, list) and len(header) == 1 and _texts(header[0])):
        message = "tableHeader должен быть одним списком периодов: [[«2024», «2025»]]."
        refuse(file, Reason("answer.header", message, AGAIN))
    periods = [label(period) for period in header[0]]
    twice = [number for number, period in enumerate(periods, 1) if period in periods[: number - 1]]
    if twice:
        message = f"Периоды в tableHeader повторяются: по счёту {_counted(twice)} ({_years(periods)})."
        refuse(file, Reason("answer.header", message, AGAIN))
    titles = _titles(titles, list(fmt.dimensions.values()), file)
    if not isinstance(rows, list):
        refuse(file, Reason("answer.rows", "tableRows должен быть списком строк.", AGAIN))
    reasons: list[Reason] = []
    for number, row in enumerate(rows, 1):
        reasons += _row_reasons(number, row, len(titles), len(periods))
        if len(reasons) >= MANY_REASONS:
            break
    if reasons:
        raise DeliveryError(file, reasons[:MANY_REASONS])
    return Table(label(name), titles, periods, rows)


def _titles(given: Any, expected: list[str], file: str) -> list[str]:
    """The declared titles in the delivered order; other titles are refused."""
    written = {label(title): title for title in expected}
    titles = [label(title) for title in given] if _texts(given) else []
    found = [f"нет «{title}»" for title in written if title not in titles]
    for number, title in enumerate(titles, 1):
        if title not in written:
            signs = (differing_sign(title, other) for other in written)
            sign = next((f" ({sign})" for sign in signs if sign), "")
            found.append(f"разрез по счёту {number} не объявлен{sign}")
        elif title in titles[: number - 1]:
            found.append(f"разрез по счёту {number} повторяется")
    if not _texts(given):
        found = ["это не список непустых текстов", *found]
    if found:
        wanted = ", ".join(f"«{title}»" for title in expected)
        message = f"Разрезы таблицы (tableHeaderDimColumns) не те: {'; '.join(found[:MANY_REASONS])}."
        remedy = f"Ожидаются: {wanted}. Запросите таблицу с этими разрезами."
        refuse(file, Reason("answer.dimensions", message, remedy))
    return [written[title] for title in titles]


def check_title_and_levels(fmt: PivotJsonFormat, part: str, table: Table, file: str) -> None:
    """Title and levels of the table must be those declared for the part: the content counts, not the file name."""
    if not fmt.tables:
        return
    declared = fmt.table(part)
    if declared is None:
        message = f"Для части «{part}» не объявлено, какая это таблица."
        refuse(file, Reason("answer.title", message, "Объявите её в source.yml: format, tables."))
    if table.name not in declared.titles:
        other = next((one for one in fmt.tables if table.name in one.titles), None)
        found = (
            f"Это таблица другой части: «{table.name}»."
            if other is not None
            else f"Первое отличие: {_first_difference(declared.titles[0], table.name)}."
        )
        refuse(
            file,
            Reason(
                "answer.title",
                f"Название таблицы (tableName) не то, что объявлено: «{declared.titles[0]}». {found}",
                "Запросите объявленную таблицу или назовите файл по той, что в нём. Если портал назвал таблицу по-новому, "
                "новое название вносят в source.yml (format, tables, titles).",
            ),
        )
    for dimension, levels in declared.levels.items():
        column = table.titles.index(fmt.dimensions[dimension])
        first = {row[column]["level"]: number for number, row in reversed(list(enumerate(table.rows, 1)))}
        odd = sorted(set(first) - set(levels))
        absent = sorted(set(levels) - set(first))
        if odd or absent:
            problems = [f"уровень {level} в строке таблицы {first[level]}" for level in odd]
            problems += [f"уровня {level} нет" for level in absent]
            refuse(
                file,
                Reason(
                    "answer.levels",
                    f"Уровни разреза «{fmt.dimensions[dimension]}» не те: {', '.join(problems)}.",
                    f"В этой таблице ожидаются уровни {', '.join(map(str, levels))} (0 страна, 1 область, 2 район или "
                    "город). Запросите её с ними или назовите файл по той таблице, что в нём.",
                    first[odd[0]] if odd else None,
                ),
            )


def _first_difference(expected: str, given: str) -> str:
    """Where two titles first differ, with the Unicode names of the signs, since letters may look alike."""
    place = next(
        (n for n, (one, other) in enumerate(zip(expected, given, strict=False)) if one != other),
        min(len(expected), len(given)),
    )
    return f"знак {place + 1}, ожидается {_sign(expected, place)}, дано: {_sign(given, place)}"


def _sign(text: str, place: int) -> str:
    if place >= len(text):
        return "конец названия"
    return f"U+{ord(text[place]):04X} ({unicodedata.name(text[place], 'без имени')})"


def check_periods(delivered: Slice, periods: list[str], file: str) -> None:
    """The years in the header must be those of the file name: a delivery replaces exactly these."""
    if delivered.first_day is None or delivered.last_day is None:
        return
    expected = [str(year) for year in range(delivered.first_day.year, delivered.last_day.year + 1)]
    if sorted(periods) != expected:
        refuse(
            file,
            Reason(
                "answer.periods",
                f"В таблице {_years(periods)}, а имя файла говорит о годах {expected[0]}–{expected[-1]}.",
                "Назовите файл по первому и последнему году таблицы или запросите все годы.",
            ),
        )


def _years(periods: list[str]) -> str:
    """Periods for a message: only years are repeated, anything else is only counted."""
    years = [period for period in periods if YEAR.fullmatch(period)]
    others = [number for number, period in enumerate(periods, 1) if not YEAR.fullmatch(period)]
    return "; ".join(
        ([f"годы {', '.join(years)}"] if years else [])
        + ([f"не годы по счёту {_counted(others)}"] if others else [])
    )


def _counted(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:MANY_REASONS])) + (" …" if len(numbers) > MANY_REASONS else "")


def _row_reasons(number: int, row: Any, dimensions: int, periods: int) -> list[Reason]:
    """What is wrong with the shape of one row of the table."""
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
    if dimension and not (isinstance(value, str) and label(value)):
        return "название разреза должно быть непустым текстом"
    if not dimension and value is not None and not isinstance(value, str):
        return "значение должно быть текстом в кавычках или null"
    return ""


def _texts(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, str) and label(item) and is_kept(item) for item in value)
    )
