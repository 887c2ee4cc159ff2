"""Numbers, dates and coordinates: what is not exactly a value is told and not guessed."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pydantic import ValidationError

from pipelines.formats import csv as csv_format
from tests.formats.csv_reading import (
    COLUMNS,
    SOUND,
    feed,
    line,
    read,
    refusal,
    rows_of,
    table,
)


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
