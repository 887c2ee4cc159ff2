"""The header line of a delimited text (RFC 4180)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipelines.formats.csv_reasons import (
    AFTER,
    INNER,
    LONGEST_LINE,
    long_line,
    mixed_line_ends,
    quote_in_header,
    refuse,
    wrong_encoding,
    zero_byte,
)

MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Header:
    """The first line: its names without surrounding spaces, where it ends, and how."""

    names: list[str]
    end: int
    crlf: bool
    ended: bool


def read_header(path: Path, file: str, delimiter: str) -> Header:
    """The header line of a text in UTF-8; byte order marks before it are skipped.

    Raises:
        DeliveryError: it does not end, is not text, or its quotes are wrong.
    """
    with path.open("rb") as stream:
        line = stream.readline(LONGEST_LINE)
    crlf = line.endswith(b"\r\n")
    content = line[:-2] if crlf else line.removesuffix(b"\n")
    if b"\r" in content:
        refuse(file, mixed_line_ends(0))
    if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
        refuse(file, long_line(0))
    if b"\x00" in line:
        refuse(file, zero_byte(0))
    while content.startswith(MARK):
        content = content.removeprefix(MARK)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        refuse(file, wrong_encoding(0, content))
    names = _names(text, delimiter, file)
    return Header(names, len(line), crlf, line.endswith(b"\n"))


def _names(text: str, delimiter: str, file: str) -> list[str]:
    names: list[str] = []
    rest: str | None = text
    while rest is not None:
        if rest.startswith('"'):
            end = 1
            while (end := rest.find('"', end)) >= 0 and rest[end + 1 : end + 2] == '"':
                end += 2
            if end < 0:
                problem = "кавычка открыта и в этой строке не закрыта"
                refuse(file, quote_in_header(len(names) + 1, problem))
            name, rest = rest[1:end].replace('""', '"'), rest[end + 1 :]
            if rest and not rest.startswith(delimiter):
                refuse(file, quote_in_header(len(names) + 1, AFTER))
            rest = rest[1:] if rest else None
        else:
            name, found, after = rest.partition(delimiter)
            rest = after if found else None
            if '"' in name:
                refuse(file, quote_in_header(len(names) + 1, INNER))
        names.append(name.strip())
    return names
