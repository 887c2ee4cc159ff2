"""The columns of a delimited text: its header is compared with the declared columns."""

from __future__ import annotations

import difflib
import re
from collections import Counter

from pipelines.declarations.feeds import Feed
from pipelines.declarations.formats import CsvFormat
from pipelines.errors import DeliveryError, Reason
from pipelines.text import differing_sign, unseen_sign

DELIMITERS = {",": "запятая", ";": "точка с запятой", "\t": "табуляция", "|": "вертикальная черта"}


def check_columns(names: list[str], file: str, feed: Feed, fmt: CsvFormat) -> None:
    """Compare the header with the declared columns. Messages repeat declared names only: the line may be a row of data.

    Raises:
        DeliveryError: a required column is missing, one is unknown, or one is repeated.
    """
    if not any(names):
        message, remedy = "Первая строка пуста.", "Заголовок должен стоять в первой строке файла."
        raise DeliveryError(file, [Reason("file.columns", message, remedy, 0)])
    if re.fullmatch("sep=.?", names[0], re.IGNORECASE):
        message = "Первая строка – указание разделителя для Excel (sep=), а не заголовок."
        raise DeliveryError(file, [Reason("file.columns", message, "Уберите первую строку.", 0)])
    if len(names) == 1 and len(feed.columns) > 1:
        _refuse_other_delimiter(names[0], file, feed, fmt)
    if not set(names) & set(feed.headers):
        message = "Первая строка – не заголовок: в ней нет ни одного из ожидаемых столбцов."
        said = f"Первой строкой передайте названия столбцов: {_expected_columns(feed)}."
        raise DeliveryError(file, [Reason("file.columns", message, said, 0)])
    unknown = {number: name for number, name in enumerate(names, start=1) if name not in feed.headers}
    given = Counter(feed.headers[name] for name in names if name in feed.headers)
    reasons = [
        Reason(
            "file.columns",
            f"Нет столбца {' или '.join(f'«{wanted}»' for wanted in column.named(name))}.",
            _rename_hint(column.named(name), unknown, feed),
            0,
            name,
        )
        for name, column in feed.columns.items()
        if column.required and name not in given
    ]
    reasons += [
        Reason(
            "file.columns",
            f"Лишний столбец, {number}-й по счёту{_hint_about(name, names, feed)}.",
            "Уберите столбец или согласуйте его добавление: в неизвестном столбце могут быть персональные данные.",
            0,
        )
        for number, name in unknown.items()
    ]
    reasons += [
        Reason(
            "file.columns",
            f"Столбец {_given_as(column, names, feed)} повторяется.",
            "Оставьте один.",
            0,
            column,
        )
        for column, times in given.items()
        if times > 1
    ]
    if reasons:
        raise DeliveryError(file, reasons)


def _expected_columns(feed: Feed) -> str:
    """The columns, each by the first of its names."""
    return ", ".join(column.named(name)[0] for name, column in feed.columns.items())


def _given_as(column: str, names: list[str], feed: Feed) -> str:
    """The names by which a column was delivered."""
    return " и ".join(f"«{name}»" for name in dict.fromkeys(names) if feed.headers.get(name) == column)


def _refuse_other_delimiter(line: str, file: str, feed: Feed, fmt: CsvFormat) -> None:
    for other, title in DELIMITERS.items():
        if other != fmt.delimiter and line.count(other) >= len(feed.columns) // 2:
            message = f"Столбцы разделены не тем знаком: {title}, ожидается {DELIMITERS[fmt.delimiter]}."
            remedy = "Сохраните файл с нужным разделителем."
            raise DeliveryError(file, [Reason("file.delimiter", message, remedy)])


def _hint_about(name: str, names: list[str], feed: Feed) -> str:
    """What can be said of an unknown name without repeating it: that it is empty, an invisible character, or a similar name."""
    if not name:
        return ": без названия (в заголовке лишний разделитель)"
    for declared in feed.headers:
        if declared in names and (difference := differing_sign(name, declared)):
            return f": название похоже на «{declared}»: {difference}"
    if difference := unseen_sign(name):
        return f": в названии {difference}"
    near = difflib.get_close_matches(name, feed.headers, n=1)
    return f"; ближайшее из объявленных названий – «{near[0]}»" if near else ""


def _rename_hint(wanted: tuple[str, ...], unknown: dict[int, str], feed: Feed) -> str:
    expected = f"Ожидаются столбцы: {_expected_columns(feed)}."
    for number, given in unknown.items():
        for name in wanted:
            if difference := differing_sign(given, name):
                return f"{expected} Его название, {number}-е по счёту, отличается одним знаком: {difference}."
    close = [one for name in wanted for one in difflib.get_close_matches(name, unknown.values(), 1, 0.5)]
    near = [number for number, given in unknown.items() if given in close]
    return expected + (f" Похоже на него названо {near[0]}-е по счёту." if near else "")
