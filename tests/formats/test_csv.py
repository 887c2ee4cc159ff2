"""The CSV reader: what it takes in, what it refuses and why, and that it loses and alters nothing."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
import os
import resource
import unicodedata
import zipfile
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelines import formats
from pipelines.declarations.feeds import Feed
from pipelines.declarations.sources import load_sources
from pipelines.deliveries import Batch, Delivery, Slice
from pipelines.errors import DeliveryError, Reason
from pipelines.formats import csv as csv_format
from pipelines.loading.validate import Validated, validate
from tests.support.gate_context import beside

HEADER = "number,title,person,amount,rate,day"
COLUMNS: dict[str, dict[str, Any]] = {
    "number": {"type": "text", "description": "Number."},
    "title": {"type": "text", "description": "Title."},
    "person": {"type": "text", "description": "Name.", "personal_data": "drop", "why_personal": "A name."},
    "amount": {"type": "integer", "description": "Amount."},
    "rate": {"type": "decimal", "description": "Rate."},
    "day": {"type": "date", "description": "Day."},
}


def feed(**changes: Any) -> Feed:
    """A feed of six columns; one of them is personal."""
    names = {"ru": "Проба", "be": "Проба", "en": "Trial"}
    declared = {
        "title": names,
        "description": "Invented.",
        "cadence": "monthly",
        "origins": {},
        "format": {"kind": "csv"},
        "columns": COLUMNS,
    }
    return Feed.model_validate({**declared, **changes})


def line(number: int | str, **changes: str) -> str:
    """A sound row."""
    row = {
        "number": str(number),
        "title": "Яма",
        "person": "Имя",
        "amount": "3",
        "rate": "1.5",
        "day": "2025-05-02",
    }
    return ",".join({**row, **changes}.values())


def table(*rows: str, header: str = HEADER) -> str:
    return "\n".join([header, *rows]) + "\n"


def read(folder: Path, content: str | bytes, **changes: Any) -> Batch:
    path = folder / "requests.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_file(path, **changes)


def read_file(path: Path, **changes: Any) -> Batch:
    delivery = Delivery("d", "s", "f", "i", Slice(), path.parent, (path.name,), "", 0, "", "", synthetic=True)
    return formats.read(delivery, feed(**changes), path.parent / "batch.parquet")


def rows_of(batch: Batch, *columns: str) -> list[tuple[Any, ...]]:
    return duckdb.sql(f"select {', '.join(columns)} from '{batch.path}' order by row_no").fetchall()


def refusal(folder: Path, content: str | bytes, **changes: Any) -> list[Reason]:
    with pytest.raises(DeliveryError) as caught:
        read(folder, content, **changes)
    assert caught.value.file == "requests.csv"
    for reason in caught.value.reasons:
        assert reason.message and reason.remedy
    return caught.value.reasons


SOUND = [line(number) for number in range(1, 7)]

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


@pytest.mark.parametrize(
    ("column", "given", "expected"),
    [
        ("day", "2025-5-2", "дата"),
        ("day", "02.05.2025", "дата"),
        ("day", "05/02/2025", "дата"),
        ("day", "2025-05-02 10:00:00", "дата"),
        ("day", "2025-02-30", "дата"),
        ("amount", "1.0", "целое"),
        ("amount", "1E3", "целое"),
        ("amount", "1 000", "целое"),
        ("amount", "9223372036854775808", "целое"),
        ("rate", '"1,5"', "число"),
        ("rate", "1.5E+00", "число"),
        ("rate", "NaN", "число"),
        ("rate", "inf", "число"),
        ("rate", "0x10", "число"),
        ("rate", "1000000000000", "число"),
        ("rate", "1.0000001", "шести знаков"),
    ],
)
def test_what_is_not_exactly_a_value_is_told_and_not_guessed(
    column: str, given: str, expected: str, tmp_path: Path
) -> None:
    batch = read(tmp_path, table(line(1), line(2, **{column: given}), line(3)))
    ((_, value, errors),) = [row for row in rows_of(batch, "row_no", column, "parse_errors") if row[0] == 2]
    assert value is None
    (error,) = json.loads(errors)
    assert (error["column"], error["value"]) == (column, given.strip('"'))
    assert expected in error["expected"]
    (sound,) = duckdb.sql(f"select count(*) from '{batch.path}' where parse_errors is null").fetchall()
    assert sound == (2,)


@pytest.mark.parametrize(
    ("text", "value"), [("1.123456", "1.123456"), ("1.1234560", "1.123456"), ("-0.000001", "-0.000001")]
)
def test_six_places_are_read_to_the_last(text: str, value: str, tmp_path: Path) -> None:
    assert rows_of(read(tmp_path, table(line(1, rate=text))), "rate", "parse_errors") == [
        (Decimal(value), None)
    ]


@pytest.mark.parametrize("text", ["1.1234567", "0.0000001", "1.12345649999", "-2.7182818"])
def test_more_places_than_are_kept_are_refused_and_not_rounded(text: str, tmp_path: Path) -> None:
    ((value, errors),) = rows_of(read(tmp_path, table(line(1, rate=text))), "rate", "parse_errors")
    assert value is None
    (error,) = json.loads(errors)
    assert (error["column"], error["value"]) == ("rate", text)
    assert "не более шести знаков" in error["expected"]


def test_a_column_may_declare_that_it_is_rounded(tmp_path: Path) -> None:
    columns = {**COLUMNS, "rate": {**COLUMNS["rate"], "rounded": True}}
    batch = read(tmp_path, table(line(1, rate="27.56183749")), columns=columns)
    assert rows_of(batch, "rate", "parse_errors") == [(Decimal("27.561837"), None)]


def test_decimal_commas_are_read_where_they_are_declared(tmp_path: Path) -> None:
    declared = {"kind": "csv", "delimiter": ";", "decimal_comma": True}
    content = table(line(1, rate="1!5"), line(2, rate="1!5!0")).replace(",", ";").replace("!", ",")
    batch = read(tmp_path, content, format=declared)
    assert rows_of(batch, "rate") == [(Decimal("1.5"),), (None,)]


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


# --- quotes, line ends and signs that nobody sees

MONTH = [line(number) for number in range(1, 49)]


@pytest.mark.parametrize(("name", "number"), [("number", 1), ("rate", 5), ("day", 6)])
@pytest.mark.parametrize("closed_in", [None, 20])
def test_a_stray_quote_in_the_header_refuses_the_file(
    name: str, number: int, closed_in: int | None, tmp_path: Path
) -> None:
    rows = [row + '"' if place == closed_in else row for place, row in enumerate(MONTH, start=1)]
    (reason,) = refusal(tmp_path, table(*rows, header=HEADER.replace(name, f'"{name}')))
    assert (reason.expectation, reason.row) == ("file.quotes", 0)
    assert f"{number}-й столбец" in reason.message


@pytest.mark.parametrize(
    "header", [f'"{HEADER}"', HEADER.replace("rate", 'ra"te'), HEADER.replace("rate", '"rate"s')]
)
def test_other_quotes_in_the_header_are_refused_as_well(header: str, tmp_path: Path) -> None:
    (reason, *_) = refusal(tmp_path, table(*SOUND, header=header))
    assert reason.expectation in ("file.quotes", "file.columns")


def test_a_header_in_quotes_is_a_header(tmp_path: Path) -> None:
    header = ",".join(f'"{name}"' for name in HEADER.split(","))
    assert read(tmp_path, "\ufeff" + table(*SOUND, header=header)).rows == len(SOUND)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (line(5, day='"2025-05-02'), line(20, day='2025-05-02"')),
        (line(5, title='"Яма'), line(20, title='Яма"')),
        ('"' + line(5), line('20"')),
        (line(5, day='"2025-05-02'), line(6, day='2025-05-02"')),
    ],
)
def test_quotes_that_make_one_row_of_several_refuse_the_file(first: str, last: str, tmp_path: Path) -> None:
    upto = 6 if last.startswith("6,") else 20
    rows = [*MONTH[:4], first, *MONTH[5 : upto - 1], last, *MONTH[upto:]]
    (reason,) = refusal(tmp_path, table(*rows))
    assert (reason.expectation, reason.row) == ("file.quotes", 5)


def test_line_breaks_inside_quotes_are_read_and_told(tmp_path: Path) -> None:
    batch = read(tmp_path, table(line(1), line(2, title='"Яма,\nлужа\r\nи грязь"'), line(3, title='"a\nb"')))
    assert rows_of(batch, "row_no", "title") == [(1, "Яма"), (2, "Яма,\nлужа\r\nи грязь"), (3, "a\nb")]
    (told,) = batch.findings
    assert (told.expectation, told.row) == ("file.line_breaks", 2)
    assert "кавычек: 3;" in told.message
    assert "с ними: 2." in told.message
    assert read(tmp_path, table(*SOUND)).findings == ()


def test_a_value_of_very_many_lines_refuses_the_file(tmp_path: Path) -> None:
    assert read(tmp_path, table(line(1), line(2, title='"' + "a\n" * 100 + '"'))).rows == 2
    (reason,) = refusal(tmp_path, table(line(1), line(2, title='"' + "a\n" * 101 + '"'), line(3)))
    assert (reason.expectation, reason.row) == ("file.quotes", 2)
    assert "100" in reason.message


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (line(2, title='Кафе "Луна"'), "внутри значения"),
        (line(2, title='5"'), "внутри значения"),
        (line(2, title='""Луна""'), "за закрывающей кавычкой"),
        (line(2, title=' "Луна"'), "пробел"),
        (line(2, title='"Луна" '), "пробел"),
        (line(2, day='2025-05-02"'), "внутри значения"),
        (line(2) + ",", "столбцов больше: 7"),
        (line(2, day='""2025-05-02, 5"'), "за закрывающей кавычкой"),
        ("   ", "столбцов меньше: 1"),
        ("\x0c", "столбцов меньше: 1"),
        ("\x1a", "столбцов меньше: 1"),
    ],
)
def test_a_row_against_the_rules_is_kept_back_alone(row: str, told: str, tmp_path: Path) -> None:
    batch = read(tmp_path, table(line(1), row, line(3)))
    first, second, third = rows_of(batch, "row_no", "number", "title", "amount", "day", "parse_errors")
    assert (first[:2], third[:2]) == ((1, "1"), (3, "3"))
    assert second[:-1] == (2, None, None, None, None)
    (error,) = json.loads(second[-1])
    assert told in error["expected"]
    assert (error["column"], error["value"]) == (None, None)
    assert "Луна" not in second[-1]


def test_signs_that_other_readers_split_at_stay_within_their_value(tmp_path: Path) -> None:
    odd = "a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g"
    assert rows_of(read(tmp_path, table(line(1, title=odd), line(2))), "title") == [(odd,), ("Яма",)]


@pytest.mark.parametrize(
    ("content", "row"),
    [
        (table(*SOUND).replace("\n", "\r\n").replace("3,Яма", "3,Яма\r"), 3),
        (table(*SOUND).replace("\n4", "\r4"), 3),
        (table(*SOUND).replace("\n", "\r\n").replace("\r\n4", "\n4"), 3),
        (table(*SOUND).replace("\n", "\r\n").removesuffix("\n"), 6),
        (table(*SOUND).replace("\n5", "\n\r\n5"), 5),
    ],
    ids=["CR within", "CR for LF", "LF for CRLF", "half an end", "empty line of another kind"],
)
def test_line_ends_of_two_kinds_are_refused_with_their_row(content: str, row: int, tmp_path: Path) -> None:
    (reason,) = refusal(tmp_path, content)
    assert (reason.expectation, reason.row) == ("file.line_ends", row)


def test_a_file_that_ends_with_its_header_may_be_cut(tmp_path: Path) -> None:
    (reason,) = refusal(tmp_path, HEADER)
    assert (reason.expectation, reason.row) == ("file.whole", 0)


@pytest.mark.parametrize(
    "content", ["\ufeff" * 2 + table(*SOUND), "\ufeff" * 3 + table(*SOUND).replace("\n", "\r\n")]
)
def test_marks_of_byte_order_are_passed_over(content: str, tmp_path: Path) -> None:
    assert rows_of(read(tmp_path, content), "row_no", "number") == [(n, str(n)) for n in range(1, 7)]


@pytest.mark.parametrize("marks", ["\ufeff", "\ufeff\ufeff"])
def test_marks_of_byte_order_do_not_shift_what_is_kept_back(marks: str, tmp_path: Path) -> None:
    content = marks + table(line(1), "2,Яма", line(3))
    assert rows_of(read(tmp_path, content), "row_no", "number") == [(1, "1"), (2, None), (3, "3")]


@pytest.mark.parametrize(
    ("given_name", "named"),
    [
        ("r\u200bate", ("U+200B", "знак 2")),
        ('"\ufeffrate"', ("U+FEFF", "знак 1")),
        ("ra\u00adte", ("U+00AD", "знак 3")),
        ("r\u0430te", ("U+0430", "U+0061", "знак 2")),
        ("Rate", ("U+0052", "знак 1")),
        ("ra te", ()),
    ],
)
def test_a_name_that_looks_like_a_declared_one_is_told_by_its_sign(
    given_name: str, named: tuple[str, ...], tmp_path: Path
) -> None:
    reasons = refusal(tmp_path, table(*SOUND, header=HEADER.replace("rate", given_name)))
    assert (reasons[0].column, reasons[0].row) == ("rate", 0)
    for part in ("5-е по счёту", *named):
        assert part in reasons[0].remedy


def test_blanks_around_names_are_passed_over(tmp_path: Path) -> None:
    assert read(tmp_path, table(*SOUND, header=HEADER.replace("rate", "\u00a0rate "))).rows == 6


@pytest.mark.parametrize(
    ("header", "told"),
    [("", "Первая строка пуста"), ("sep=,", "sep="), ("SEP=;", "sep="), (HEADER + ",", "без названия")],
)
def test_what_stands_in_place_of_the_header_is_called_by_its_kind(
    header: str, told: str, tmp_path: Path
) -> None:
    (reason, *_) = refusal(tmp_path, table(*SOUND, header=header))
    assert (reason.expectation, reason.row) == ("file.columns", 0)
    assert told in reason.message


@pytest.mark.parametrize("surname", ["Ivanova", "Иванова", "ivanova_anna", "persons"])
def test_a_name_that_is_not_declared_is_never_repeated(surname: str, tmp_path: Path) -> None:
    for header in (f"{HEADER},{surname}", HEADER.replace("person", surname), f"{HEADER},{surname},{surname}"):
        reasons = refusal(tmp_path, table(*SOUND, header=header))
        assert surname not in str(reasons).replace("person", "", 1)
        assert any("-й по счёту" in reason.message for reason in reasons)


def test_the_order_holds_whatever_words_mean_no_value(tmp_path: Path) -> None:
    """DuckDB joins with a list of several words, and a join does not keep the order of rows."""
    words = ["", "-", "—", "н/д", "нет", "x", "…", "n/a"]
    columns = {
        **COLUMNS,
        "title": {**COLUMNS["title"], "missing": words},
        "rate": {**COLUMNS["rate"], "missing": words},
    }
    rows = (line(n, title=words[n % 8], rate=words[n % 7] if n % 3 else "1.5") for n in range(1, 300_001))
    batch = read(tmp_path, table(*rows), columns=columns)
    (counted,) = duckdb.sql(
        f"select count(*), count(*) filter (number = row_no::varchar), count(title), count(rate), count(parse_errors) "
        f"from '{batch.path}'"
    ).fetchall()
    assert counted == (300_000, 300_000, 0, 100_000, 0)


# --- numbers and coordinates


@pytest.mark.parametrize(
    ("column", "given_text", "kind"),
    [
        ("rate", "45.2*", "знак сноски"),
        ("rate", "45.2 1", "знак сноски"),
        ("rate", "4 5", "пробел внутри"),
        ("amount", "1 000", "тысячи отделены пробелом"),
        ("rate", '"1,234"', "тысячи или дробь"),
        ("rate", '"1,234.5"', "и точка, и запятая"),
        ("rate", '"1,5"', "нужна точка"),
        ("amount", "1О", "U+041E"),
        ("rate", "5\u200b", "U+200B"),
        ("rate", "\u20135", "тире"),
        ("amount", "1.0", "дробь вместо целого"),
        ("amount", "9223372036854775808", "больше, чем хранится"),
        ("rate", "1000000000000", "больше, чем хранится"),
        ("rate", "н/д", "слово или знак"),
    ],
)
def test_a_number_that_is_none_is_called_by_its_kind(
    column: str, given_text: str, kind: str, tmp_path: Path
) -> None:
    ((value, errors),) = rows_of(
        read(tmp_path, table(line(1, **{column: given_text}))), column, "parse_errors"
    )
    assert value is None
    (error,) = json.loads(errors)
    assert error["value"] == given_text.strip('"')
    assert kind in error["expected"]


def test_a_minus_of_typographers_is_a_minus(tmp_path: Path) -> None:
    batch = read(tmp_path, table(line(1, rate="\u22121.5", amount="\u22127")))
    assert rows_of(batch, "rate", "amount") == [(Decimal("-1.5"), -7)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,5", "1.5"),
        ("-0,25", "-0.25"),
        ("7", "7"),
        ("1.5", None),
        ("1.234,5", None),
        ("1,234.5", None),
        ("1.234", None),
    ],
)
def test_where_a_decimal_comma_is_declared_a_point_is_refused(
    text: str, value: str | None, tmp_path: Path
) -> None:
    declared = {"kind": "csv", "delimiter": ";", "decimal_comma": True}
    content = table(line(1)).replace(",", ";").replace("1.5", text)
    ((rate, errors),) = rows_of(read(tmp_path, content, format=declared), "rate", "parse_errors")
    assert rate == (None if value is None else Decimal(value))
    assert (errors is None) == (value is not None)
    if errors:
        assert "десятичной запятой" in json.loads(errors)[0]["expected"]


POINT = {
    **COLUMNS,
    "rate": {**COLUMNS["rate"], "personal_data": "coarsen", "coarsen_decimals": 2, "why_personal": "A home."},
}


@pytest.mark.parametrize(
    "secret",
    [
        "53.923357x",
        "+375291112233",
        "5923456.123456",
        "53,923357",
        "53.923357 27.517300",
        "дом 1234567",
        "-181",
    ],
)
def test_a_coordinate_that_is_not_coarsened_is_kept_nowhere(secret: str, tmp_path: Path) -> None:
    batch = read(tmp_path, table(line(1, rate=f'"{secret}"'), line(2, rate="53.923357")), columns=POINT)
    (first, second) = rows_of(batch, "rate", "parse_errors")
    assert second == (Decimal("53.92"), None)
    assert first[0] is None
    (error,) = json.loads(first[1])
    assert (error["column"], error["value"]) == ("rate", None)
    assert "дано" not in error["expected"]
    assert secret.encode() not in batch.path.read_bytes()


@pytest.mark.parametrize("kind", ["text", "integer", "date", "timestamp", "boolean"])
def test_only_a_decimal_can_be_declared_to_be_coarsened(kind: str) -> None:
    with pytest.raises(ValidationError, match="coarsen"):
        feed(columns={**POINT, "rate": {**POINT["rate"], "type": kind}})


def test_what_would_coarsen_nothing_is_no_declaration() -> None:
    with pytest.raises(ValidationError, match="coarsen_decimals"):
        feed(columns={**POINT, "rate": {**POINT["rate"], "coarsen_decimals": 6}})


def test_a_splitter_that_fails_does_not_repeat_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_arguments: Any, **_options: Any) -> None:
        raise duckdb.InvalidInputException("CSV Error on Line 2: Иванка Выдуманская")

    monkeypatch.setattr(csv_format, "write_batch", fails)
    (reason,) = refusal(tmp_path, table(*SOUND))
    assert reason.expectation == "file.quotes"
    assert "Иванка" not in str(reason)


# --- the gate

REQUESTS = load_sources()["appeals_115"].feeds["requests"]


def validated(folder: Path, *rows: str, header: str = ",".join(REQUESTS.columns)) -> Validated:
    path = folder / "opendata-115-2024-05-01.csv"
    path.write_text("\r\n".join([header, *rows, ""]), encoding="utf-8", newline="")
    month = Slice("", date(2024, 5, 1), date(2024, 5, 31))
    delivery = Delivery(
        "d", "appeals_115", "requests", "minsk", month, folder, (path.name,), "", 0, "", "", synthetic=True
    )
    days = {"first_day": "2024-05-01", "last_day": "2024-05-31", "today": "2026-11-30"}
    known = beside("appeals_115", "requests", month, "minsk")
    return validate(delivery, REQUESTS, days, known, "", folder, folder / "judged")


def request(number: int, **changes: str) -> str:
    given_by = {
        "id": str(number),
        "category": "6.30",
        "lat": "53.9",
        "lng": "27.5",
        "status": "5",
        "rating": "0",
        "opened": "2024-05-02 2024",
        "planned": "2024-05-20",
        "organisation_id": "100",
    }
    return ",".join({**dict.fromkeys(REQUESTS.columns, ""), **given_by, **changes}.values())


MONTH_OF_REQUESTS = [request(number) for number in range(1, 49)]


def test_a_month_is_not_retained_only_where_nothing_follows_its_header(tmp_path: Path) -> None:
    header = ",".join(REQUESTS.columns)
    assert validated(tmp_path).not_retained
    assert validated(tmp_path, "", "").not_retained
    stray = header.replace("organisation_id", '"organisation_id')
    for rows in (
        MONTH_OF_REQUESTS,
        [*MONTH_OF_REQUESTS[:19], MONTH_OF_REQUESTS[19] + '"', *MONTH_OF_REQUESTS[20:]],
    ):
        found = validated(tmp_path, *rows, header=stray)
        assert not found.not_retained
        assert not found.validation.accepted
    for nothing in ("   ", "\x1a", '""', ",", "#"):
        found = validated(tmp_path, nothing)
        assert not found.not_retained
        assert not found.validation.accepted


def test_line_breaks_inside_quotes_are_a_warning_of_the_load(tmp_path: Path) -> None:
    clean = validated(tmp_path, *MONTH_OF_REQUESTS)
    assert clean.validation.accepted
    assert clean.validation.warnings == 0
    broken = validated(tmp_path, *MONTH_OF_REQUESTS, request(49, address='"дом 1,\nкв. 2"'))
    assert broken.validation.accepted
    (told,) = [result for result in broken.validation.results if result.expectation == "file.line_breaks"]
    assert (told.severity, told.sample_rows) == ("warning", (49,))
    assert not told.refuses


def test_the_rule_of_request_numbers_says_its_limit(tmp_path: Path) -> None:
    found = validated(tmp_path, *(request(number + 10**12) for number in range(1, 49)))
    (told,) = [result for result in found.validation.results if result.expectation == "id_is_code"]
    assert told.refuses
    assert "от 1 до 12 цифр" in told.says


# --- any table, any bytes

# texts are trimmed of blanks, the no-break space among them
BLANKS = "".join(chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Zs")
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=12)
values = st.fixed_dictionaries(
    {
        "number": texts,
        "title": texts,
        "person": texts,
        "amount": st.none() | st.integers(-(2**63), 2**63 - 1),
        "rate": st.none() | st.decimals(-999_999_999_999, 999_999_999_999, places=6),
        "day": st.none() | st.dates(date(1, 1, 1), date(9999, 12, 31)),
    }
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(rows=st.lists(values, min_size=1, max_size=8), end=st.sampled_from(["\n", "\r\n"]))
def test_any_table_comes_back_as_it_was_written(
    rows: Sequence[dict[str, Any]], end: str, tmp_path: Path
) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, HEADER.split(","), lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(
        {name: "" if value is None else f"{value}" for name, value in row.items()} for row in rows
    )
    batch = read(tmp_path, text.getvalue())
    read_back = rows_of(batch, "row_no", "number", "title", "amount", "rate", "day", "parse_errors")
    assert read_back == [
        (
            position,
            row["number"].strip(BLANKS) or None,
            row["title"].strip(BLANKS) or None,
            row["amount"],
            row["rate"],
            row["day"],
            None,
        )
        for position, row in enumerate(rows, start=1)
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(
    column=st.sampled_from(["amount", "rate", "day"]),
    given_text=st.text(st.sampled_from("0123456789-+.,eE/: Tx_"), min_size=1, max_size=14)
    | st.dates().map(lambda day: day.strftime("%d.%m.%Y"))
    | st.floats().map(str)
    | st.decimals(allow_nan=True).map(str),
)
def test_a_typed_value_says_what_its_text_says(column: str, given_text: str, tmp_path: Path) -> None:
    text = given_text.strip()
    assume(text)
    batch = read(tmp_path, table(line(1, **{column: f'"{given_text}"'})))
    ((value, errors),) = rows_of(batch, column, "parse_errors")
    if value is None:
        assert json.loads(errors)[0]["value"] == text
        return
    assert errors is None
    if column == "day":
        assert value.isoformat() == text
    else:
        assert value == Decimal(text)
        assert "e" not in text.lower()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(content=st.binary(max_size=300), starts_well=st.booleans())
def test_any_bytes_end_in_rows_or_a_refusal(content: bytes, starts_well: bool, tmp_path: Path) -> None:
    head = (HEADER + "\n").encode() if starts_well else b""
    try:
        batch = read(tmp_path, head + content)
    except DeliveryError as error:
        assert all(reason.message and reason.remedy for reason in error.reasons)
    else:
        numbers = [row for (row,) in rows_of(batch, "row_no")]
        assert numbers == list(range(1, batch.rows + 1))
