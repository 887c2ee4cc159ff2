"""Quotes, line ends and signs that nobody sees: each is read, told, or refused with its row."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from tests.formats.csv_reading import (
    COLUMNS,
    HEADER,
    SOUND,
    line,
    read,
    refusal,
    rows_of,
    table,
)

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
