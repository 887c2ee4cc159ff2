"""JSON from outside is read in one strictness, whatever format it is, and what is amiss is told by its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.deliveries import Delivery, parse_slice
from pipelines.errors import DeliveryError
from pipelines.formats import read
from pipelines.formats.json_document import DEEPEST, JsonError, parse
from tests.formats.test_json_fuzz import (
    INVENTORY_FEED,
    LAYER,
    LAYER_FEED,
    PAGE,
    PERSON,
    TABLE,
    TABLE_FEED,
    feature,
    resource,
    rows_of,
)  # fmt: skip


def as_table(inner: str, folder: Path) -> None:
    content = json.dumps(TABLE).replace('"user"', f'"more": {inner}, "user"')
    deliver({"a.json": content.encode()}, TABLE_FEED, folder, "2023-2024")


def as_layer(inner: str, folder: Path) -> None:
    content = json.dumps(LAYER).replace('"editor"', f'"more": {inner}, "editor"')
    deliver({"a.json": content.encode()}, LAYER_FEED, folder, None)


def as_page(inner: str, folder: Path) -> None:
    content = json.dumps(PAGE).replace('"note"', f'"more": {inner}, "note"')
    snapshot = {"base_url": "https://inventory.invalid", "pages": 1, "total": 3}
    files = {"page-00001.json": content.encode(), "snapshot.json": json.dumps(snapshot).encode()}
    deliver(files, INVENTORY_FEED, folder, "2025-03")


def deliver(files: dict[str, bytes], feed: Any, folder: Path, period: str | None) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    delivery = Delivery(
        "d", "s", "f", "i", parse_slice(period, None), folder, tuple(files), "", 0, "", "", True
    )
    read(delivery, feed, folder / "batch.parquet")


FORMATS = pytest.mark.parametrize("given", [as_table, as_layer, as_page])


@FORMATS
@pytest.mark.parametrize(
    ("inner", "expectation"),
    [
        (f'{{"{PERSON}": 1, "{PERSON}": 2}}', "json.repeated_key"),
        ('{"\\u0061": 1, "a": 2}', "json.repeated_key"),
        ("NaN", "json.number"),
        ("-Infinity", "json.number"),
        ("[1e999]", "json.number"),
        ("9" * 401, "json.number"),
        ("[" * DEEPEST + "]" * DEEPEST, "json.depth"),
        ("[" * 100_000, "json.depth"),
        ("[1,]", "file.format"),
        ("'a'", "file.format"),
        ('"\t"', "file.format"),
        ('"\\x"', "file.format"),
    ],
)
def test_what_is_not_strict_is_refused_in_every_format(
    inner: str, expectation: str, given: Callable[[str, Path], None], tmp_path: Path
) -> None:
    with pytest.raises(DeliveryError) as caught:
        given(inner, tmp_path)
    (reason, *_) = caught.value.reasons
    assert reason.expectation == expectation
    assert "строка 1, знак " in reason.message and reason.remedy
    assert PERSON not in f"{caught.value} {caught.value.reasons}"


@FORMATS
@pytest.mark.parametrize(
    "inner",
    ['"\\ud83d"', '{"\\udc00": "\\u0000"}', '"\\ud83d\\ude00 \\\\ud83d"', "1e308", "[" * 90 + "]" * 90],
)
def test_what_is_odd_where_nobody_looks_does_no_harm(
    inner: str, given: Callable[[str, Path], None], tmp_path: Path
) -> None:
    given(inner, tmp_path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            '{"value": 1,\n  "value": 2}',
            "Ключ «value» стоит в объекте дважды (строка 2, знак 3, путь $.value; впервые: строка 1, знак 2)",
        ),
        ('[{"x": {"value": [0, 1e400]}}]', "строка 1, знак 22, путь $[0].*.value[1]"),
        (
            '{"x": 1, "x": 2}',
            "Один и тот же ключ стоит в объекте дважды (строка 1, знак 10, путь $.*; впервые: строка 1, знак 2)",
        ),
    ],
)
def test_a_fault_is_told_by_its_place(content: str, told: str) -> None:
    with pytest.raises(JsonError) as caught:
        parse(content.encode(), {"value"})
    assert told in caught.value.reasons[0].message


def test_all_faults_are_told_in_their_order() -> None:
    with pytest.raises(JsonError) as caught:
        parse(b'[NaN, {"a": 1, "a": Infinity}]')
    told = [reason.expectation for reason in caught.value.reasons]
    assert told == ["json.number", "json.repeated_key", "json.number"]


def test_the_deepest_that_is_read() -> None:
    assert parse(b"[" * DEEPEST + b"]" * DEEPEST) is not None
    with pytest.raises(JsonError, match=f"глубже {DEEPEST} уровней"):
        parse(b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1))


def test_a_message_guesses_no_cause() -> None:
    for content in ("ё".encode("cp1251"), "[]".encode("utf-16"), b"<html>", b'{"a":', b"[1 2]", b"\xd0"):
        with pytest.raises(JsonError) as caught:
            parse(content)
        for word in ("похоже", "вероятно", "часто", "возможно", "скорее"):
            assert word not in f"{caught.value.reasons[0].message} {caught.value.reasons[0].remedy}".lower()


# what a reader does with a text that nobody can keep


def errors_of(row: dict[str, Any]) -> list[dict[str, Any]]:
    return json.loads(row["parse_errors"] or "[]")  # type: ignore[no-any-return]


@pytest.mark.parametrize("sign", ["\\ud83d", "\\u0000", "\\udc00\\ud83d"])
def test_a_label_that_cannot_be_kept_keeps_its_cells_back(sign: str, tmp_path: Path) -> None:
    content = json.dumps(TABLE, ensure_ascii=False).replace("Южный", "Юж" + sign).encode()
    rows = rows_of({"a.json": content}, TABLE_FEED, tmp_path, "2023-2024")
    assert rows is not None
    assert [bool(errors_of(row)) for row in rows] == [False] * 4 + [True] * 2
    assert {error["column"] for row in rows for error in errors_of(row)} == {"territory"}


@pytest.mark.parametrize("place", ["Таблица", "Территория", "2023", "tableRows"])
def test_a_word_of_the_table_that_cannot_be_kept_refuses_it(place: str, tmp_path: Path) -> None:
    content = json.dumps(TABLE, ensure_ascii=False).replace(f'"{place}"', f'"{place}\\ud83d"', 1).encode()
    assert rows_of({"a.json": content}, TABLE_FEED, tmp_path, "2023-2024") is None


def test_a_code_that_cannot_be_kept_keeps_its_outline_back(tmp_path: Path) -> None:
    content = json.dumps(LAYER).replace("BY-MI", "BY-\\udfff").encode()
    rows = rows_of({"a.json": content}, LAYER_FEED, tmp_path, None)
    assert rows is not None
    assert [[error["column"] for error in errors_of(row)] for row in rows] == [[], ["feature_id"], []]


@pytest.mark.parametrize(
    ("place", "column"),
    [
        (f'"name": "{PERSON}"', None),
        ('"category": "xPON.Port"', "category"),
        ('"value": "1410000000"', "soato"),
        ('"id": "olt-1"', "contained_in"),
    ],
)
def test_half_a_pair_in_a_resource_harms_the_column_that_has_it(
    place: str, column: str | None, tmp_path: Path
) -> None:
    content = json.dumps(PAGE, ensure_ascii=False).replace(place, place[:-1] + '\\ud83d"', 1).encode()
    snapshot = json.dumps({"base_url": "https://inventory.invalid", "pages": 1, "total": 3}).encode()
    files = {"page-00001.json": content, "snapshot.json": snapshot}
    rows = rows_of(files, INVENTORY_FEED, tmp_path, "2025-03")
    assert rows is not None
    told = [[error["column"] for error in errors_of(row)] for row in rows]
    assert told == [[column] if column else [], [], []]
    assert rows[0]["resource_id"] == "a" and (column is None or rows[0][column] is None)
    # the page that landed stays as it came
    assert (tmp_path / "page-00001.json").read_bytes() == content


def test_a_page_may_begin_with_a_mark_of_order_of_bytes(tmp_path: Path) -> None:
    snapshot = json.dumps({"base_url": "https://inventory.invalid", "pages": 1, "total": 1}).encode()
    files = {
        "page-00001.json": b"\xef\xbb\xbf" + json.dumps([resource("a")]).encode(),
        "snapshot.json": snapshot,
    }
    rows = rows_of(files, INVENTORY_FEED, tmp_path, "2025-03")
    assert rows is not None and rows[0]["resource_id"] == "a"


# names in one writing


@pytest.mark.parametrize(
    ("given", "read_as"),
    [
        ("г.\u00a0Минск\u00a0", "г. Минск"),
        ("\u2003г.  Минск", "г. Минск"),
        ("Могиле\u0308вская", "Могилёвская"),
        ("Лиозненскии\u0306", "Лиозненский"),
        ("COVID-19 в городе", "COVID-19 в городе"),
    ],
)
def test_a_label_is_read_in_one_writing(given: str, read_as: str, tmp_path: Path) -> None:
    content = json.dumps(TABLE, ensure_ascii=False).replace("Южный", given).encode()
    rows = rows_of({"a.json": content}, TABLE_FEED, tmp_path, "2023-2024")
    assert rows is not None
    assert [(row["territory"], row["parse_errors"]) for row in rows[4:]] == [(read_as, None)] * 2


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("г. Mинск", "среди кириллических латинская буква U+004D (знак 4)"),
        ("Mexicо", "среди латинских кириллическая буква U+043E (знак 6)"),
        ("Юж\u200bный", "невидимый знак U+200B (знак 3)"),
        ("Юж\u00adный", "невидимый знак U+00AD (знак 3)"),
    ],
)
def test_a_label_with_a_foreign_sign_is_kept_back_and_the_sign_named(
    given: str, told: str, tmp_path: Path
) -> None:
    content = json.dumps(TABLE, ensure_ascii=False).replace("Южный", given).encode()
    rows = rows_of({"a.json": content}, TABLE_FEED, tmp_path, "2023-2024")
    assert rows is not None
    for row in rows[4:]:
        (error,) = errors_of(row)
        assert error["column"] == "territory" and told in error["expected"]


def test_a_title_with_a_foreign_sign_is_refused_and_the_sign_named(tmp_path: Path) -> None:
    content = json.dumps(TABLE, ensure_ascii=False).replace('"Территория"', '"Tерритория"').encode()
    with pytest.raises(DeliveryError) as caught:
        deliver({"a.json": content}, TABLE_FEED, tmp_path, "2023-2024")
    (reason,) = caught.value.reasons
    assert reason.expectation == "answer.dimensions"
    assert "U+0054" in reason.message and "U+0422" in reason.message and "«Территория»" in reason.message


# nothing of a delivery is repeated


@pytest.mark.parametrize(
    "change",
    [
        {"tableName": {PERSON: 1}},
        {"tableHeader": [[PERSON, PERSON]]},
        {"tableHeader": [[PERSON, "2024"]]},
        {"tableHeaderDimColumns": [PERSON, "Пол"]},
        {"tableHeaderDimColumns": PERSON},
        {"tableRows": PERSON},
        {"tableRows": [[PERSON] * 4]},
        {"tableRows": [[{"value": {PERSON: 1}, "level": PERSON}] * 4]},
    ],
)
def test_a_table_that_is_refused_repeats_nothing(change: dict[str, Any], tmp_path: Path) -> None:
    assert rows_of({"a.json": json.dumps(TABLE | change).encode()}, TABLE_FEED, tmp_path, "2023-2024") is None


@pytest.mark.parametrize(
    "change", [{"type": PERSON}, {"crs": PERSON}, {"crs": {"name": PERSON}}, {"features": PERSON}]
)
def test_a_layer_that_is_refused_repeats_nothing(change: dict[str, Any], tmp_path: Path) -> None:
    assert rows_of({"a.json": json.dumps(LAYER | change).encode()}, LAYER_FEED, tmp_path, None) is None


@pytest.mark.parametrize(
    "one",
    [
        PERSON,
        {"type": PERSON},
        {"type": "Feature", "properties": {"id": {PERSON: PERSON}}},
        {"type": "Feature", "properties": PERSON, "geometry": PERSON},
        {"type": "Feature", "geometry": {"type": PERSON, "coordinates": []}},
        {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": PERSON}},
        {**feature("BY-HM", "Point", [27.0, 53.0]), "editor": PERSON},
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [27.0, 53.0], "editor": PERSON}},
    ],
)
def test_a_feature_repeats_nothing_that_is_not_declared(one: Any, tmp_path: Path) -> None:
    layer = LAYER | {"features": [one]}
    rows = rows_of({"a.json": json.dumps(layer).encode()}, LAYER_FEED, tmp_path, None)
    assert rows is not None and PERSON not in str(rows)
