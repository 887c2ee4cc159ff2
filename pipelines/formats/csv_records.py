"""The records of a delimited text: counted before anything is split, and copied without the flawed ones."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from pipelines.formats.csv_header import Header
from pipelines.formats.csv_reasons import (
    LONGEST_LINE,
    long_line,
    refuse,
)
from pipelines.formats.csv_scan import Flaw, Records, Scan

CHUNK = 1 << 20


def count_records(path: Path, file: str, header: Header, delimiter: str) -> Records:
    """Read all bytes below the header once.

    Raises:
        DeliveryError: they are not UTF-8, or it is not certain where each record ends.
    """
    scan = Scan(file, header.crlf, len(header.names), ord(delimiter), header.end)
    for chunk in _lines(path, scan):
        scan.take(chunk)
    return scan.records()


def write_sound(path: Path, flaws: list[Flaw], out: Path) -> None:
    """Copy a text without its flawed records, in which a CSV reader may read on into the next record, or fail."""
    with path.open("rb") as source, out.open("wb") as target:
        for flaw in flaws:
            _copy(source, target, flaw.start - source.tell())
            source.seek(flaw.end)
        shutil.copyfileobj(source, target, CHUNK)


def _copy(source: IO[bytes], target: IO[bytes], size: int) -> None:
    while size > 0 and (chunk := source.read(min(size, CHUNK))):
        target.write(chunk)
        size -= len(chunk)


def _lines(path: Path, scan: Scan) -> Iterator[bytes]:
    """Whole lines, about a megabyte at a time; the last line gets an end if it has none."""
    rest = b""
    with path.open("rb") as stream:
        stream.seek(scan.base)
        while chunk := stream.read(CHUNK):
            end = chunk.rfind(b"\n") + 1
            if len(rest) + (chunk.find(b"\n") if end else len(chunk)) >= LONGEST_LINE:
                refuse(scan.file, long_line(scan.rows + 1))
            if end:
                yield rest + chunk[:end]
                rest = chunk[end:]
            else:
                rest += chunk
    if rest:
        scan.is_cut = True
        yield rest + (b"\r\n" if scan.crlf else b"\n")
