"""Whether a file is text, and in which encoding; other encodings are converted to UTF-8."""

from __future__ import annotations

import codecs
from pathlib import Path

from pipelines.declarations.feeds import Feed
from pipelines.declarations.formats import CsvFormat
from pipelines.encodings import (
    CALLED,
    Encoding,
    Evidence,
    encoding_of,
    looks_like,
    remedy,
    utf8_word,
    utf16_of,
)
from pipelines.errors import DeliveryError, Reason

ARCHIVES = {b"PK\x03\x04": "ZIP", b"\x1f\x8b": "GZIP", b"7z\xbc\xaf": "7-Zip", b"Rar!": "RAR"}


CHUNK = 1 << 20


def check_is_text(path: Path, feed: Feed, fmt: CsvFormat) -> None:
    """Refuse what cannot be a delimited text, by its size and first bytes.

    Raises:
        DeliveryError: it is empty, too large, an archive, a web page, binary, or of another kind of encoding.
    """
    size = path.stat().st_size
    if size == 0:
        raise _refused(
            path, "file.not_empty", "Файл пуст: в нём нет даже заголовка.", "Выгрузите файл заново."
        )
    if size > feed.max_delivery_bytes:
        raise _refused(
            path,
            "file.size",
            f"Файл слишком велик: {size} байт, принимается не больше {feed.max_delivery_bytes}.",
            "Разделите выгрузку по периодам.",
        )
    with path.open("rb") as stream:
        start = stream.read(4096)
    for magic, name in ARCHIVES.items():
        if start.startswith(magic):
            raise _refused(
                path,
                "file.format",
                f"Это архив {name}, а не CSV; архивы не распаковываются.",
                "Передайте сам файл CSV.",
            )
    utf16 = utf16_of(start)
    if (utf16 is not None) != (fmt.encoding == "utf-16"):
        raise _other_encoding(path, fmt, encoding_of(start))
    if utf16 is not None:
        start = start.decode(utf16, errors="ignore").encode()
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise _refused(
            path,
            "file.format",
            "Вместо CSV передана страница HTML или XML (часто это сообщение об ошибке портала).",
            "Откройте файл в блокноте, устраните ошибку портала и выгрузите данные снова.",
        )
    if b"\x00" in start:
        raise _refused(
            path, "file.format", "Файл двоичный, а не текстовый CSV.", "Сохраните таблицу как CSV UTF-8."
        )


def write_utf8(path: Path, out: Path, fmt: CsvFormat) -> None:
    """Convert the text to UTF-8.

    Raises:
        DeliveryError: its bytes show that it, or a part of it, is not in the declared encoding.
    """
    evidence, lines, utf8_line = Evidence(), 1, 0
    with path.open("rb") as source, out.open("wb") as target:
        start = source.read(CHUNK)
        codec = utf16_of(start) if fmt.encoding == "utf-16" else fmt.encoding
        decoder = codecs.getincrementaldecoder(codec or "utf-16")()
        source.seek(0)
        try:
            while chunk := source.read(CHUNK):
                if fmt.encoding != "utf-16":
                    evidence.take(chunk)
                    if not utf8_line and (place := utf8_word(chunk)) is not None:
                        utf8_line = lines + chunk.count(b"\n", 0, place)
                    lines += chunk.count(b"\n")
                target.write(decoder.decode(chunk).encode())
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            raise _other_encoding(path, fmt, evidence.other_than(fmt.encoding)) from None
    if found := evidence.other_than(fmt.encoding):
        raise _other_encoding(path, fmt, found)
    if utf8_line:
        message = f"Файл в двух кодировках: {CALLED[fmt.encoding]} и, со строки файла {utf8_line}, UTF-8."
        raise _refused(path, "file.encoding", message, remedy(None, fmt.encoding))


def _other_encoding(path: Path, fmt: CsvFormat, found: Encoding | None) -> DeliveryError:
    message = f"Файл не в кодировке {CALLED[fmt.encoding]}{looks_like(found)}."
    return _refused(path, "file.encoding", message, remedy(found, fmt.encoding))


def _refused(path: Path, expectation: str, message: str, remedy: str) -> DeliveryError:
    return DeliveryError(path.name, [Reason(expectation, message, remedy)])
