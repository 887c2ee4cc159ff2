"""Why the lines of a delimited text cannot be divided into records: the reasons, for the supplier."""

from __future__ import annotations

from typing import NoReturn

from pipelines.encodings import encoding_of, looks_like, remedy
from pipelines.errors import DeliveryError, Reason

LONGEST_LINE = 1_000_000


AGAIN = "Выгрузите файл заново."


INNER = "кавычка стоит внутри значения, которое не взято в кавычки"


AFTER = "за закрывающей кавычкой стоит не разделитель и не конец строки"


PADDED = "между кавычкой и разделителем стоит пробел"


def refuse(file: str, reason: Reason) -> NoReturn:
    raise DeliveryError(file, [reason]) from None


def quote_in_header(column: int, problem: str) -> Reason:
    return Reason(
        "file.quotes",
        f"Заголовок, {column}-й столбец: {problem}.",
        "Уберите лишнюю кавычку; названия столбцов пишутся в одной строке.",
        0,
    )


def zero_byte(row: int) -> Reason:
    message = "В строке нулевой байт: файл двоичный или повреждён."
    return Reason("file.format", message, "Сохраните таблицу как CSV UTF-8.", row)


def wrong_encoding(row: int, *seen: bytes) -> Reason:
    """``seen``: the line, then the text around it for when the line alone does not show the encoding."""
    found = next((encoding for one in seen if (encoding := encoding_of(one)) is not None), None)
    message = f"Строка не в кодировке UTF-8{looks_like(found)}."
    return Reason("file.encoding", message, remedy(found, "utf-8"), row)


def mixed_line_ends(row: int) -> Reason:
    return Reason(
        "file.line_ends",
        "Строка кончается не так, как заголовок, или знаком CR без LF.",
        "Сохраните файл с одинаковыми концами строк (LF или CRLF).",
        row,
    )


def long_line(row: int) -> Reason:
    return Reason(
        "file.line_length",
        f"Строка длиннее {LONGEST_LINE} байт.",
        "Проверьте кавычки и концы строк, выгрузите файл заново.",
        row,
    )


def cut_off(row: int, message: str = "Файл обрывается посреди строки: передан не полностью.") -> Reason:
    remedy = "Передайте файл заново целиком и сравните его размер с исходным."
    return Reason("file.whole", message, remedy, row)


def joined_rows(row: int, message: str) -> Reason:
    remedy = "Закройте кавычки в этой строке; кавычка внутри значения пишется дважды. " + AGAIN
    return Reason("file.quotes", f"{message} Следующие строки читаются как её продолжение.", remedy, row)
