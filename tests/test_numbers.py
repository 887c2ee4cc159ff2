"""What is a number, and what a text is that is none: the same in Python and in SQL."""

from __future__ import annotations

import re
from decimal import Decimal
from itertools import product

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.numbers import Form, Kind, NotANumber, fault, fault_sql, number_sql, read_number

POINT, WHOLE, PORTAL = Form(places=6), Form(places=0), Form(",", grouping=True)
EITHER = Form(".,", grouping=True, exponent=True)


@pytest.mark.parametrize(
    ("text", "form", "value"),
    [
        ("45.2", POINT, "45.2"),
        ("-0.000001", POINT, "-0.000001"),
        ("\u221245.2", POINT, "-45.2"),
        ("+45", WHOLE, "45"),
        ("007", WHOLE, "7"),
        ("\u00a07 ", WHOLE, "7"),
        ("1.1234560", POINT, "1.123456"),
        ("1 234,5", PORTAL, "1234.5"),
        ("-12\u00a0345\u202f678", PORTAL, "-12345678"),
        ("1,234", PORTAL, "1.234"),
        ("1.234", EITHER, "1.234"),
        ("0,234", EITHER, "0.234"),
        ("1234,567", EITHER, "1234.567"),
        ("1 234,567", EITHER, "1234.567"),
        ("1,25", EITHER, "1.25"),
        ("1e-05", EITHER, "0.00001"),
    ],
)
def test_a_number_is_read_as_it_is_written(text: str, form: Form, value: str) -> None:
    read = read_number(text, form)
    assert isinstance(read, str)
    assert Decimal(read) == Decimal(value)


# what was given, in which form it stands, and what it is
NONE: list[tuple[str, Form, Kind, str | None]] = [
    *(
        (f"45.2{mark}", POINT, Kind.FOOTNOTE, None)
        for mark in ("*", " *", "**", "¹", " 1", " 12", ")", " 1)", "²⁾"[:1])
    ),
    *(
        (f"45,2{mark}", PORTAL, Kind.FOOTNOTE, None)
        for mark in ("*", " 1", "¹)", "[2]", " [a]", "†", "(1)", " а)")
    ),
    ("4 5", POINT, Kind.BLANK, None),
    ("1 2 3 4", POINT, Kind.BLANK, None),
    ("1 2 3 4", PORTAL, Kind.BLANK, None),
    ("1 23 456", PORTAL, Kind.BLANK, None),
    ("12 3456", PORTAL, Kind.BLANK, None),
    ("1234 567", PORTAL, Kind.BLANK, None),
    ("0 123", PORTAL, Kind.BLANK, None),
    ("1  234", PORTAL, Kind.BLANK, None),
    ("- 5", PORTAL, Kind.BLANK, None),
    ("1 000", POINT, Kind.THOUSANDS, None),
    ("1\u202f000\u202f000.5", POINT, Kind.THOUSANDS, None),
    ("1,234", POINT, Kind.AMBIGUOUS, None),
    ("-12,345", POINT, Kind.AMBIGUOUS, None),
    ("1,234", WHOLE, Kind.AMBIGUOUS, None),
    ("1,234", EITHER, Kind.AMBIGUOUS, None),
    ("1.234", PORTAL, Kind.AMBIGUOUS, None),
    ("1,5", POINT, Kind.COMMA, None),
    ("0,234", POINT, Kind.COMMA, None),
    ("1.5", PORTAL, Kind.POINT, None),
    ("1,234.5", POINT, Kind.BOTH, None),
    ("1.234,5", PORTAL, Kind.BOTH, None),
    ("1.234,5", EITHER, Kind.BOTH, None),
    ("1.234.567", POINT, Kind.REPEATED, None),
    ("1,234,567", EITHER, Kind.REPEATED, None),
    ("1.5E+00", POINT, Kind.EXPONENT, None),
    ("1e3", WHOLE, Kind.EXPONENT, None),
    ("1,04Е+05", PORTAL, Kind.EXPONENT, None),
    *(
        (text, POINT, Kind.OTHER, None)
        for text in ("45 %", "$5", "5 €", "5 руб.", "12км", "5_000", "1'000", "0x10", "*5", "№5")
    ),
    ("1О", POINT, Kind.LOOKALIKE, "U+041E"),
    ("З.5", POINT, Kind.LOOKALIKE, "U+0417"),
    ("l00", WHOLE, Kind.LOOKALIKE, "U+006C"),
    ("\u0664\u0665", WHOLE, Kind.DIGITS, "U+0664"),
    ("\uff11", WHOLE, Kind.DIGITS, "U+FF11"),
    ("5\u200b", POINT, Kind.INVISIBLE, "U+200B"),
    ("\ufeff5", POINT, Kind.INVISIBLE, "U+FEFF"),
    ("5\n", POINT, Kind.INVISIBLE, "U+000A"),
    ("4\u00ad5", POINT, Kind.INVISIBLE, "U+00AD"),
    ("\u20135", POINT, Kind.DASH, None),
    ("— 5", POINT, Kind.DASH, None),
    ("(45)", POINT, Kind.PARENTHESES, None),
    ("5–7", POINT, Kind.RANGE, None),
    ("1/2", POINT, Kind.RANGE, None),
    ("2025-05-02", POINT, Kind.RANGE, None),
    ("5-", POINT, Kind.SIGN, None),
    ("--5", POINT, Kind.SIGN, None),
    ("+-5", POINT, Kind.SIGN, None),
    (".5", POINT, Kind.BARE, None),
    ("5.", POINT, Kind.BARE, None),
    ("1.0", WHOLE, Kind.FRACTION, None),
    ("1.0000001", POINT, Kind.PLACES, None),
    ("", POINT, Kind.EMPTY, None),
    ("\u00a0", POINT, Kind.EMPTY, None),
    ("#DIV/0!", POINT, Kind.ERROR, None),
    ("#Н/Д", POINT, Kind.ERROR, None),
    ("=A1+1", POINT, Kind.ERROR, None),
    *((text, POINT, Kind.WORD, None) for text in ("-", "…", "x", "х", "н/д", "NaN", "inf", "None", ".")),
]


@pytest.mark.parametrize(("text", "form", "kind", "sign"), NONE)
def test_what_is_no_number_is_called_by_its_kind(text: str, form: Form, kind: Kind, sign: str | None) -> None:
    read = read_number(text, form)
    assert read == NotANumber(kind, sign)
    assert isinstance(read, NotANumber)
    for words in (read.ru, read.en):
        assert words and (sign is None or words.endswith(sign))


def test_what_is_a_number_and_cannot_be_kept_is_large() -> None:
    assert fault("9223372036854775808", WHOLE) == NotANumber(Kind.LARGE)


FORMS = [
    Form(decimal, grouping, exponent, places)
    for decimal, grouping, exponent, places in product(
        (".", ",", ".,"), (False, True), (False, True), (None, 0, 2)
    )
]
SIGNS = (
    "0123456789" * 3
    + ".,.,  \u00a0\u202f\u2003+-\u2212–—eEОЗlаx*¹¹)(][#=%$/:\u200b\ufeff\n\t\u0664'\"^\\\x7f\U0001f600"
)
numbers = st.from_regex(
    r"[+\-−]?[0-9]{1,4}([ .,\u00a0][0-9]{3}){0,3}([.,][0-9]{1,4})?([ *¹)e][0-9]?)?", fullmatch=True
)


@settings(deadline=None, max_examples=25)
@given(texts=st.lists(st.text(SIGNS, max_size=9) | numbers, min_size=30, max_size=60))
def test_sql_reads_what_python_reads(texts: list[str]) -> None:
    for form in FORMS:
        by_sql = duckdb.execute(
            f"select {number_sql('trim(text)', form)}, {fault_sql('trim(text)', form)} from (select unnest(?) as text)",
            [texts],
        ).fetchall()
        for text, (number, told) in zip(texts, by_sql, strict=True):
            read = read_number(text, form)
            assert number == (read if isinstance(read, str) else None)
            assert told == fault(text, form).ru


@settings(deadline=None)
@given(text=st.text(SIGNS, max_size=12) | numbers, form=st.sampled_from(FORMS))
def test_a_number_has_one_reading(text: str, form: Form) -> None:
    """Without blanks between its digits and with a point, it is the number that Python reads."""
    read = read_number(text, form)
    if isinstance(read, str):
        digits = "".join(sign for sign in text if sign.isdigit())
        assert "".join(sign for sign in read if sign.isdigit()) == digits
        assert Decimal(read).is_finite()
        assert not {".", ","} <= set(text)
        whole = re.split("[.,eE]", text.strip())[0]
        groups = whole.lstrip("+-\u2212").split()
        assert all(len(group) == 3 for group in groups[1:])
        assert len(groups) == 1 or form.grouping
