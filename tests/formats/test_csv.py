"""The CSV reader: what it takes in, what it refuses and why, and that rows keep their place."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import resource
import zipfile
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.errors import DeliveryError
from tests.formats.csv_reading import (
    HEADER,
    SOUND,
    line,
    read,
    read_file,
    refusal,
    rows_of,
    table,
)

# name: the file, the expectation that it fails, the row and the column that the answer names
REFUSED: dict[str, tuple[str | bytes, str, int | None, str | None]] = {
    "empty": ("", "file.not_empty", None, None),
    "cp1251": (table(*SOUND).encode("cp1251"), "file.encoding", 1, None),
    "cp1251 in a dropped column, late": (
        table(*SOUND).encode() + line(7, title="x", person="Имя").encode("cp1251") + b"\n",
        "file.encoding",
        7,
        None,
    ),
    "UTF-16 with a mark": (table(*SOUND).encode("utf-16"), "file.encoding", None, None),
    "UTF-16 without a mark": (table(*SOUND).encode("utf-16-le"), "file.encoding", None, None),
    "semicolons": (table(*SOUND).replace(",", ";"), "file.delimiter", None, None),
    "tabulators": (table(*SOUND).replace(",", "\t"), "file.delimiter", None, None),
    "column missing": (table(header="number,title,person,amount,rate"), "file.columns", 0, "day"),
    "column too many": (table(header=HEADER + ",phone"), "file.columns", 0, None),
    "column twice": (table(header=HEADER + ",rate"), "file.columns", 0, "rate"),
    "cut within a row": (table(*SOUND) + "7,Яма,Им", "file.whole", 7, None),
    "cut within quotes": (table(*SOUND) + '7,"Яма, глуб', "file.whole", 7, None),
    "cut within quotes after quoted line ends": (
        table(line(1, title='"a\n\nb"'), line(2)) + '3,"Яма, глуб',
        "file.whole",
        3,
        None,
    ),
    "cut within a letter": (table(*SOUND).encode() + "7,Я".encode()[:-1], "file.whole", 7, None),
    "HTML": ("<!DOCTYPE html><html><body>502</body></html>", "file.format", None, None),
    "HTML after blanks": ("\ufeff\n\n  <html>", "file.format", None, None),
    "NUL at the start": (table(line("1\x000"), *SOUND), "file.format", None, None),
    "NUL after many rows": (table(*SOUND * 200, line("1\x000")), "file.format", 1201, None),
    "old line ends": (table(*SOUND).replace("\n", "\r"), "file.line_ends", 0, None),
    "mixed line ends": (HEADER + "\r\n" + table(*SOUND, header=line(0)), "file.line_ends", 1, None),
    "open quote": (table(line(1), line(2, title='"Яма'), *SOUND), "file.quotes", 2, None),
    "no end of line": (table(*SOUND) + "a" * 60_000_000, "file.line_length", 7, None),
    "long row in the middle": (
        table(line(1), line(2, title="a" * 1_500_000), line(3)),
        "file.line_length",
        2,
        None,
    ),
    "long quoted row": (table(line(1), line(2) + ',"' + "a" * 3_000_000), "file.line_length", 2, None),
    "header without end": ("a" * 3_000_000, "file.line_length", 0, None),
    "hardly a row fits": (table(*["1,2"] * 20_000), "file.columns", 1, None),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_with_its_place(name: str, tmp_path: Path) -> None:
    content, expectation, row, column = REFUSED[name]
    (reason, *_) = refusal(tmp_path, content)
    assert (reason.expectation, reason.row, reason.column) == (expectation, row, column)


def test_a_renamed_column_is_found_by_its_place_and_not_repeated(tmp_path: Path) -> None:
    reasons = refusal(tmp_path, table(*SOUND, header=HEADER.replace("amount", "amounts")))
    assert [(reason.expectation, reason.column) for reason in reasons] == [
        ("file.columns", "amount"),
        ("file.columns", None),
    ]
    assert "4-е по счёту" in reasons[0].remedy
    assert "4-й по счёту" in reasons[1].message
    assert "amounts" not in str(reasons)


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    (reason,) = refusal(tmp_path, table(*SOUND), max_delivery_bytes=100)
    assert reason.expectation == "file.size"
    assert "100" in reason.message


def test_archives_are_refused_unopened(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("requests.csv", bytes(20_000_000))
    (reason,) = refusal(tmp_path, packed.getvalue())
    assert reason.expectation == "file.format"
    assert "ZIP" in reason.message
    # members of a gzip file follow one another: 2 GB in 2 MB
    member = gzip.compress(bytes(10_000_000))
    bomb = member * (2_000_000_000 // 10_000_000)
    assert len(bomb) < 3_000_000
    (reason,) = refusal(tmp_path, bomb)
    assert reason.expectation == "file.format"
    assert "GZIP" in reason.message


def _peak_of_refusal(path: Path, answer: Any) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        read_file(path, max_delivery_bytes=10**10)
    except DeliveryError as error:
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        answer.put((error.reasons[0].expectation, (after - before) / 1024))


@pytest.mark.slow
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_line_of_two_gigabytes_takes_little_memory(quote: str, tmp_path: Path) -> None:
    path = tmp_path / "requests.csv"
    path.write_text(table(*SOUND) + quote + "a" * 2_000_000, encoding="utf-8")
    os.truncate(path, 2_000_000_000)
    context = get_context("spawn")
    answer = context.Queue()
    process = context.Process(target=_peak_of_refusal, args=(path, answer))
    process.start()
    expectation, megabytes = answer.get(timeout=120)
    process.join()
    assert expectation == "file.line_length"
    assert megabytes < 200


@pytest.mark.parametrize(
    "write",
    [
        lambda text: text.encode(),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.rstrip("\n").encode(),
        lambda text: (text + "\n\n").encode(),
        lambda text: text.replace("1,Яма", "\n1,Яма").encode(),
    ],
    ids=["plain", "BOM", "CRLF", "no last line end", "blank lines at the end", "blank lines between"],
)
def test_lawful_variants_read_alike(write: Callable[[str], bytes], tmp_path: Path) -> None:
    batch = read(tmp_path, write(table(line(1), line(2, title='"Яма, ""большая"""'), line(3))))
    assert rows_of(batch, "row_no", "number", "title", "amount", "rate", "day", "parse_errors") == [
        (1, "1", "Яма", 3, Decimal("1.5"), date(2025, 5, 2), None),
        (2, "2", 'Яма, "большая"', 3, Decimal("1.5"), date(2025, 5, 2), None),
        (3, "3", "Яма", 3, Decimal("1.5"), date(2025, 5, 2), None),
    ]


@pytest.mark.parametrize(
    "content", [HEADER + "\n", HEADER + "\r\n", HEADER + "\n\n\n", "\ufeff" + HEADER + "\r\n\r\n"]
)
def test_a_header_alone_is_no_row(content: str, tmp_path: Path) -> None:
    assert read(tmp_path, content).rows == 0


@pytest.mark.parametrize(
    "content",
    [
        table(
            *(line(number, person="Иванка Выдуманская") for number in (2, 3)), header=line(1, person="Иванка")
        ),
        table(line(2), header=HEADER + ";" + line(1, person="Иванка").replace(",", ";")),
        table(line(2), header=HEADER + line(1, person="Иванка")),
        table(line(2), header=HEADER + "," + line(1, person="Иванка") + ",Иванка"),
    ],
    ids=["no header", "glued by semicolons", "no end of line", "twice"],
)
def test_a_row_in_place_of_the_header_is_not_repeated(content: str, tmp_path: Path) -> None:
    reasons = refusal(tmp_path, content)
    assert {reason.expectation for reason in reasons} == {"file.columns"}
    for secret in ("Иванка", "2025-05-02", "Яма"):
        assert secret not in str(reasons)


def test_a_file_without_a_header_is_told_in_one_sentence(tmp_path: Path) -> None:
    (reason,) = refusal(tmp_path, table(*SOUND[1:], header=SOUND[0]))
    assert "не заголовок" in reason.message
    assert HEADER.replace(",", ", ") in reason.remedy


def test_personal_data_stay_out_of_the_batch(tmp_path: Path) -> None:
    batch = read(tmp_path, table(line(1, person="Иванка Придуманная", amount="Иванка")))
    assert "person" not in duckdb.sql(f"from '{batch.path}'").columns
    assert "Придуманная".encode() not in batch.path.read_bytes()


BROKEN = ["3,Яма", "5,Яма,Имя,3,1.5,2025-05-02,лишнее", '8,"Яма"х,Имя,3,1.5,2025-05-02']


def test_rows_that_cannot_be_split_keep_their_place(tmp_path: Path) -> None:
    batch = read(
        tmp_path,
        table(
            line(1),
            line(2, title='"a\n\nb"'),
            BROKEN[0],
            line(4),
            BROKEN[1],
            line(6),
            line(7),
            BROKEN[2],
            line(9),
        ),
    )
    assert batch.rows == 9
    found = rows_of(batch, "row_no", "number", "parse_errors")
    assert [row for row, *_ in found] == list(range(1, 10))
    assert [(row, number) for row, number, errors in found if errors is None] == [
        (row, str(row)) for row in (1, 2, 4, 6, 7, 9)
    ]
    expected = {row: json.loads(errors)[0]["expected"] for row, _, errors in found if errors}
    assert "меньше" in expected[3]
    assert "больше" in expected[5]
    assert "кавычки" in expected[8]


def test_empty_lines_do_not_shift_the_numbers(tmp_path: Path) -> None:
    batch = read(tmp_path, table(line(1), "", "", line(2), BROKEN[0], "", line(4), BROKEN[1]))
    found = rows_of(batch, "row_no", "number", "parse_errors is not null")
    assert found == [(1, "1", False), (2, "2", False), (3, None, True), (4, "4", False), (5, None, True)]


def test_row_numbers_hold_in_a_large_file(tmp_path: Path) -> None:
    # more than one of DuckDB's buffers, read by several threads
    broken = {1_000, 250_000, 399_999}
    batch = read(tmp_path, table(*(BROKEN[0] if row in broken else line(row) for row in range(1, 400_001))))
    assert batch.rows == 400_000
    (wrong,) = duckdb.sql(
        f"select count(*) from '{batch.path}' where number is distinct from row_no::varchar"
    ).fetchall()
    assert wrong == (3,)
    found = duckdb.sql(f"select row_no from '{batch.path}' where parse_errors is not null").fetchall()
    assert {row for (row,) in found} == broken


def test_no_broken_row_is_lost_however_many_there_are(tmp_path: Path) -> None:
    rows = [text for number in range(9_000) for text in ("3,Яма", *[line(number)] * 4)]
    batch = read(tmp_path, table(*rows))
    assert batch.rows == 45_000
    (counted,) = duckdb.sql(
        f"select count(*), count(parse_errors), count(distinct row_no) from '{batch.path}'"
    ).fetchall()
    assert counted == (45_000, 9_000, 45_000)


def test_a_file_in_the_declared_old_encoding_is_read_and_left_alone(tmp_path: Path) -> None:
    content = table(line(1, title="Ґанак – «Яма»")).replace("Ґ", "Г").encode("cp1251")
    batch = read(tmp_path, content, format={"kind": "csv", "encoding": "cp1251"})
    assert rows_of(batch, "title") == [("Ганак – «Яма»",)]
    assert (tmp_path / "requests.csv").read_bytes() == content
    assert not list(tmp_path.glob("*.utf8"))


@pytest.mark.parametrize("encoding", ["utf-8", "cp1251"])
@pytest.mark.parametrize(
    "content", [table(*SOUND).encode(), table(*SOUND).encode("cp1251"), b"<html>", b"\x98"]
)
def test_a_delivery_is_never_removed_or_changed(content: bytes, encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "requests.csv"
    path.write_bytes(content)
    path.chmod(0o400)
    with contextlib.suppress(DeliveryError):
        read_file(path, format={"kind": "csv", "encoding": encoding})
    assert path.read_bytes() == content
    assert {found.name for found in tmp_path.iterdir()} <= {"requests.csv", "batch.parquet"}
