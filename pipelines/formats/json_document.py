"""One JSON document from a delivered file, or a clear answer why it is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

from pipelines.errors import DeliveryError, Reason

ARCHIVES = {b"PK\x03\x04": "ZIP", b"\x1f\x8b": "GZIP", b"7z\xbc\xaf": "7-Zip", b"Rar!": "RAR"}
AGAIN = "Запросите данные заново и передайте ответ целиком, без правки."


def read_document(path: Path, max_bytes: int) -> Any:
    """The parsed document.

    Raises:
        DeliveryError: empty, too large, an archive, a page, not UTF-8, cut short, or no JSON by RFC 8259.
    """
    size = path.stat().st_size
    if size > max_bytes:
        refuse(
            path.name,
            Reason(
                "file.size",
                f"Файл слишком велик: {size} байт, принимается не больше {max_bytes}.",
                "Разделите выгрузку по периодам.",
            ),
        )
    content = path.read_bytes()
    start = content[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        refuse(path.name, Reason("file.not_empty", "Файл пуст.", AGAIN))
    for magic, name in ARCHIVES.items():
        if start.startswith(magic):
            refuse(
                path.name,
                Reason(
                    "file.format",
                    f"Это архив {name}, а не JSON; архивы не распаковываются.",
                    "Передайте сам файл JSON.",
                ),
            )
    if start.startswith(b"<"):
        refuse(
            path.name,
            Reason(
                "file.format",
                "Вместо JSON передана страница HTML или XML (часто это сообщение об ошибке портала).",
                "Откройте файл в блокноте, устраните ошибку портала и выгрузите данные снова.",
            ),
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            message = f"Файл обрывается (байт {error.start}): передан не полностью."
            refuse(path.name, Reason("file.whole", message, AGAIN), error)
        message = f"Файл не в кодировке UTF-8 (байт {error.start}); похоже на Windows-1251."
        refuse(path.name, Reason("file.encoding", message, "Сохраните файл в UTF-8."), error)
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        where = f"строка {error.lineno}, знак {error.colno}"
        cut = not text[error.pos :].strip() or error.msg.startswith("Unterminated string")
        message = (
            f"Файл обрывается ({where}): передан не полностью."
            if cut
            else f"Это не JSON: ошибка записи ({where}), дано «{text[error.pos : error.pos + 20]}»."
        )
        refuse(path.name, Reason("file.whole" if cut else "file.format", message, AGAIN), error)
    except (ValueError, RecursionError) as error:
        # numbers of thousands of digits, NaN, thousands of nested brackets
        message = "Это не JSON, который можно прочитать: недопустимое число или слишком глубокая вложенность."
        refuse(path.name, Reason("file.format", message, AGAIN), error)


def refuse(file: str, reason: Reason, cause: BaseException | None = None) -> NoReturn:
    """Refuse the file for one reason."""
    raise DeliveryError(file, [reason]) from cause


def _no_constant(word: str) -> NoReturn:
    raise ValueError(word)
