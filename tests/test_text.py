"""Where two texts differ that look alike: the sign is named, and nothing else of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.text import differing_sign, unseen_sign


@pytest.mark.parametrize(
    ("given_text", "expected", "named"),
    [
        ("\ufeffid", "id", ("U+FEFF", "знак 1")),
        ("i\u200bd", "id", ("U+200B", "знак 2")),
        ("id\u00ad", "id", ("U+00AD", "знак 3")),
        ("id\u00a0", "id", ("U+00A0", "знак 3")),
        (" id", "id", ("U+0020", "знак 1")),
        ("г.\u00a0Минск", "г. Минск", ("U+00A0", "U+0020", "знак 3")),
        ("г.  Минск", "г. Минск", ("U+0020", "знак 4")),
        ("\u043epened", "opened", ("кириллическая", "U+043E", "U+006F", "знак 1")),
        ("М\u0438нск", "M\u0438нск", ("кириллическая", "U+041C", "латинская", "U+004D", "знак 1")),
        ("\u039finsk", "Oinsk", ("греческая", "U+039F", "знак 1")),
        ("Id", "id", ("заглавная", "U+0049", "знак 1")),
        ("МИНСК", "Минск", ("U+0418", "знак 2")),
        ("Лидски\u0438\u0306", "Лидски\u0439", ("U+0438 U+0306", "U+0439", "знак 7")),
        ("id", "id\u200b", ("не хватает", "U+200B")),
    ],
)
def test_the_sign_that_differs_is_named(given_text: str, expected: str, named: tuple[str, ...]) -> None:
    told = differing_sign(given_text, expected)
    assert told is not None
    for part in named:
        assert part in told


@pytest.mark.parametrize(
    ("one", "other"), [("id", "id"), ("id", "ix"), ("Лида", "Лиды"), ("е", "ё"), ("", "id")]
)
def test_what_differs_to_the_eye_is_not_explained(one: str, other: str) -> None:
    assert differing_sign(one, other) is None


@given(text=st.text(max_size=6), other=st.text(max_size=6))
def test_two_texts_that_look_alike_differ_somewhere(text: str, other: str) -> None:
    assert differing_sign(text, text) is None
    assert differing_sign(text + "\u200b", text) is not None
    told = differing_sign(text, other)
    assert told is None or text != other


def test_an_unseen_sign_is_found_wherever_it_stands() -> None:
    assert unseen_sign("id") is None
    assert unseen_sign(" г. Минск ") is None
    assert unseen_sign("г.\u00a0Минск") is None
    for text, code, place in (("\ufeffid", "U+FEFF", 1), ("a\tb", "U+0009", 2), ("id\u00a0", "U+00A0", 3)):
        told = unseen_sign(text)
        assert told is not None and code in told and f"знак {place}" in told
