"""A file in another encoding than the declared one is refused, and the answer says in which it seems to be."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import formats
from pipelines.declarations.feeds import Feed
from pipelines.deliveries import Batch, Delivery, Slice
from pipelines.encodings import Evidence
from pipelines.errors import DeliveryError, Reason
from pipelines.formats.json_document import JsonError, parse

# how bytes are written: what is declared for it, and what the answer calls it
WRITTEN = {
    "utf-8": ("utf-8", "UTF-8"),
    "utf-8-sig": ("utf-8", "UTF-8"),
    "cp1251": ("cp1251", "cp1251"),
    "cp866": ("cp866", "cp866"),
    "utf-16": ("utf-16", "UTF-16"),
    "utf-16-le": ("utf-16", "UTF-16"),
    "utf-16-be": ("utf-16", "UTF-16"),
}
# hexadecimal digits as Russian letters, for words without end
LETTERS = str.maketrans("0123456789abcdef", "абвгдежзиклмнопр")
DECLARED = ("utf-8", "cp1251", "cp866", "utf-16")
# Sentences of the kind that cities send, invented. Each has letters of both halves of the alphabet, and what both old
# encodings can write.
WORDS = (
    "Парковка у вокзала",
    "ул. Советская, д. 5",
    "Яма на проезжей части",
    "МИНСК",
    "Гомель",
    "не горит фонарь № 12",
    "подъезд",
    "ОАО Белтелеком",
    "Новогрудок",
    "снег не убран",
    "ёлка",
    "Могилёв",
    "да",
    "ул. Я. Коласа",
    "в",
    "стр. 3-я",
    "",
    "12,5",
)


def feed(encoding: str) -> Feed:
    names = {"ru": "Проба", "be": "Проба", "en": "Trial"}
    columns: dict[str, dict[str, Any]] = {
        name: {"type": "text", "description": "Invented."} for name in ("first", "second")
    }
    return Feed.model_validate(
        {
            "title": names,
            "description": "Invented.",
            "cadence": "monthly",
            "origins": {},
            "format": {"kind": "csv", "delimiter": ";", "encoding": encoding},
            "columns": columns,
        }
    )


def read(folder: Path, content: bytes, encoding: str) -> Batch:
    path = folder / "some.csv"
    path.write_bytes(content)
    delivery = Delivery("d", "s", "f", "i", Slice(), folder, (path.name,), "", 0, "", "", synthetic=True)
    batch = formats.read(delivery, feed(encoding), folder / "batch.parquet")
    assert path.read_bytes() == content
    return batch


def refusal(content: bytes, encoding: str) -> Reason:
    with TemporaryDirectory() as name, pytest.raises(DeliveryError) as caught:
        read(Path(name), content, encoding)
    (reason,) = caught.value.reasons
    return reason


rows = st.lists(st.tuples(*(st.sampled_from(WORDS),) * 2), min_size=1, max_size=30).filter(
    lambda given: any(len(value) > 10 for row in given for value in row)
)


@settings(max_examples=25, deadline=None)
@given(rows=rows, written=st.sampled_from(sorted(WRITTEN)), declared=st.sampled_from(DECLARED))
def test_russian_texts_are_read_as_declared_or_refused_by_name(
    rows: list[tuple[str, str]], written: str, declared: str
) -> None:
    content = "\n".join(["first;second", *(f'{one};"{other}"' for one, other in rows), ""]).encode(written)
    belongs_to, called = WRITTEN[written]
    if belongs_to == declared:
        with TemporaryDirectory() as name:
            batch = read(Path(name), content, declared)
            found = duckdb.sql(f"select first, second from '{batch.path}' order by row_no").fetchall()
        assert found == [tuple(value or None for value in row) for row in rows]
        return
    reason = refusal(content, declared)
    assert reason.expectation == "file.encoding"
    assert f"по байтам это {called}" in reason.message
    assert f"encoding: {belongs_to}" in reason.remedy and "Сохраните" in reason.remedy


@pytest.mark.parametrize("written", sorted(WRITTEN))
@pytest.mark.parametrize("declared", DECLARED)
def test_every_pair_of_encodings(written: str, declared: str) -> None:
    """The property above, for each pair once."""
    content = "first;second\nПарковка у вокзала;да\n".encode(written)
    if WRITTEN[written][0] == declared:
        with TemporaryDirectory() as name:
            batch = read(Path(name), content, declared)
            assert duckdb.sql(f"select first from '{batch.path}'").fetchall() == [("Парковка у вокзала",)]
    else:
        assert f"по байтам это {WRITTEN[written][1]}" in refusal(content, declared).message


@pytest.mark.parametrize("declared", ["cp1251", "cp866"])
def test_one_line_of_utf8_among_others_is_seen(declared: str) -> None:
    other = "first;second\nЯма на дороге;да\nснег;нет\n".encode(declared)
    reason = refusal(other + "двор;да\n".encode(), declared)
    assert "в двух кодировках" in reason.message and "со строки файла 4" in reason.message


@pytest.mark.parametrize("declared", ["cp1251", "cp866"])
@pytest.mark.parametrize("text", ["№ 5", "ё", "20 °C"])
def test_one_sign_of_utf8_in_a_file_of_ascii_is_seen(text: str, declared: str) -> None:
    assert "UTF-8" in refusal(f"first;second\n{text};1\n".encode(), declared).message


@pytest.mark.parametrize("declared", ["cp1251", "cp866"])
def test_the_first_word_may_come_late(declared: str) -> None:
    other = {"cp1251": "cp866", "cp866": "cp1251"}[declared]
    content = b"first;second\n" + b"1;2\n" * 400_000 + "фонарь;да\n".encode(other)
    assert f"по байтам это {other}" in refusal(content, declared).message


def test_a_late_line_in_another_encoding_is_named() -> None:
    content = b"first;second\n" + "снег;нет\n".encode() * 50_000 + "фонарь;да\n".encode("cp866")
    reason = refusal(content, "utf-8")
    assert reason.row == 50_001 and "по байтам это cp866" in reason.message


@pytest.mark.parametrize(
    "text",
    [
        # mixed case, foreign letters, marks and single letters are words of no encoding, and refuse nothing
        "ПриватБанк; МТСбанк",
        "«Дом» – 5 °C; № 7 § 3",
        "Ґанак; їжак; 10 €",
        "ў; Ў; і; Мiнск",
        "С; в; Ё; СЁ",
        "ТУТ БЫЛ ХУТОР; хутор",
    ],
)
def test_odd_words_of_the_declared_encoding_are_taken(text: str, tmp_path: Path) -> None:
    batch = read(tmp_path, f'first;second\n"{text}";1\n'.encode("cp1251"), "cp1251")
    assert duckdb.sql(f"select first from '{batch.path}'").fetchall() == [(text,)]


def test_utf16_that_breaks_off_within_a_sign_is_refused() -> None:
    content = "first;second\nснег;нет\n".encode("utf-16")[:-1]
    assert refusal(content, "utf-16").expectation == "file.encoding"


def test_what_is_kept_as_evidence_is_bounded() -> None:
    evidence = Evidence()
    for piece in range(40):
        words = (f"{number:x}".translate(LETTERS) for number in range(piece * 20_000, (piece + 1) * 20_000))
        evidence.take(" ".join(words).encode("cp1251"))
    assert len(evidence.words) == 20_000
    assert evidence.other_than("cp866") == "cp1251"


@pytest.mark.parametrize(
    ("written", "called"),
    [("cp1251", "cp1251"), ("cp866", "cp866"), ("utf-16", "UTF-16"), ("utf-16-be", "UTF-16")],
)
def test_json_is_always_utf8_and_the_answer_says_what_came(written: str, called: str) -> None:
    with pytest.raises(JsonError) as caught:
        parse('[{"name": "Парковка у вокзала"}]'.encode(written))
    (reason,) = caught.value.reasons
    assert reason.expectation == "file.encoding" and f"по байтам это {called}" in reason.message
