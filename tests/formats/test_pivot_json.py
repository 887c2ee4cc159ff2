"""The reader of statistical tables, through the public reading of a delivery."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.declarations.columns import Column
from pipelines.declarations.feeds import Feed
from pipelines.deliveries import Delivery, Slice, parse_slice
from pipelines.errors import DeliveryError
from pipelines.formats import read

TERRITORY, SEX = "Территория", "Пол"
TEXT = {"type": "text", "description": "-"}
NAMES = {"ru": "-", "be": "-", "en": "-"}


def a_feed(**dimensions: str) -> Feed:
    columns: dict[str, dict[str, str]] = {
        "table_name": TEXT,
        "table_row": {"type": "integer", "description": "-"},
    }
    columns |= dict.fromkeys(dimensions, TEXT)
    columns |= {"territory_level": {"type": "integer", "description": "-"}, "period": TEXT}
    columns |= {"value": {"type": "decimal", "description": "-"}}
    return Feed(
        title=NAMES,
        description="-",
        cadence="yearly",
        origins={},
        format={"kind": "pivot_json", "dimensions": dimensions},
        columns={name: Column(**column) for name, column in columns.items()},
    )


FEED = a_feed(territory=TERRITORY, sex=SEX)


def cell(value: Any, level: Any = 0) -> dict[str, Any]:
    return {"value": value, "level": level}


def an_answer() -> dict[str, Any]:
    return {
        "tableName": "Таблица",
        "tableHeader": [["2023", "2024"]],
        "tableHeaderDimColumns": [TERRITORY, SEX],
        "tableRows": [
            [cell("Страна"), cell("Оба пола"), cell("1\u00a0234,5"), cell("0")],
            [cell("Район ", 2), cell("мужчины", 1), cell(None), cell("-12")],
        ],
    }


def deliver(folder: Path, content: bytes, period: str | None = "2023-2024") -> Delivery:
    (folder / "answer.json").write_bytes(content)
    when = parse_slice(period, None) if period else Slice()
    return Delivery(
        "d",
        "some",
        "table",
        "one",
        when,
        folder,
        ("answer.json",),
        "",
        len(content),
        "test",
        "",
        synthetic=True,
    )


def rows_of(
    folder: Path, answer: Any, feed: Feed = FEED, period: str | None = "2023-2024"
) -> list[dict[str, Any]]:
    batch = read(deliver(folder, json.dumps(answer).encode(), period), feed, folder / "batch.parquet")
    found = duckdb.sql(f"select * from '{batch.path}' order by row_no")
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    assert batch.rows == len(rows)
    return rows


def refusal(folder: Path, content: bytes, period: str | None = "2023-2024") -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        read(deliver(folder, content, period), FEED, folder / "batch.parquet")
    assert caught.value.file == "answer.json"
    assert all(reason.message and reason.remedy for reason in caught.value.reasons)
    return caught.value


def test_each_value_cell_becomes_a_row(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, an_answer())
    told = [
        (row["row_no"], row["table_row"], row["territory"], row["sex"], row["period"], row["value"])
        for row in rows
    ]
    assert told == [
        (1, 1, "Страна", "Оба пола", "2023", Decimal("1234.5")),
        (2, 1, "Страна", "Оба пола", "2024", Decimal(0)),
        (3, 2, "Район", "мужчины", "2023", None),
        (4, 2, "Район", "мужчины", "2024", Decimal(-12)),
    ]
    assert [row["territory_level"] for row in rows] == [0, 0, 2, 2]
    assert all(row["parse_errors"] is None and row["table_name"] == "Таблица" for row in rows)


def test_unpublished_and_zero_stay_different(tmp_path: Path) -> None:
    values = [row["value"] for row in rows_of(tmp_path, an_answer())]
    assert values[1] == 0
    assert values[2] is None


def test_dimensions_are_taken_by_title_whatever_their_order(tmp_path: Path) -> None:
    answer = an_answer()
    answer["tableHeaderDimColumns"].reverse()
    for row in answer["tableRows"]:
        row[0], row[1] = row[1], row[0]
    assert rows_of(tmp_path, answer) == rows_of(tmp_path, an_answer())


def test_a_row_that_belongs_to_no_district_is_kept(tmp_path: Path) -> None:
    answer = an_answer()
    answer["tableRows"].append(
        [cell("Не распределено по районам", 2), cell("Оба пола"), cell(None), cell("7")]
    )
    assert rows_of(tmp_path, answer)[-1]["territory"] == "Не распределено по районам"


@pytest.mark.parametrize(
    "text", ["1.5", "1.234", "12 34", "abc", "1,2,3", "1e5", "…", "--1", "1\u00a0234.5", "", ","]
)
def test_a_number_that_cannot_be_read_is_told_with_its_text(tmp_path: Path, text: str) -> None:
    answer = an_answer()
    answer["tableRows"][0][2]["value"] = text
    first, *others = rows_of(tmp_path, answer)
    (error,) = json.loads(first["parse_errors"])
    assert first["value"] is None
    assert (error["column"], error["value"]) == ("value", text)
    assert "запятая" in error["expected"]
    assert all(row["parse_errors"] is None for row in others)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1), st.integers(0, 6))
def test_a_ragged_row_is_named(tmp_path_factory: pytest.TempPathFactory, row: int, length: int) -> None:
    answer = an_answer()
    answer["tableRows"][row] = (answer["tableRows"][row] * 2)[:length]
    folder = tmp_path_factory.mktemp("ragged")
    if length == 4:
        assert len(rows_of(folder, answer)) == 4
        return
    (reason,) = refusal(folder, json.dumps(answer).encode()).reasons
    assert reason.row == row + 1
    assert f"ячеек {length}" in reason.message
    assert "4" in reason.message


def _set(*path: Any) -> Callable[[dict[str, Any]], None]:
    """A defect: the last of ``path`` is put where the others lead."""

    def put(answer: Any) -> None:
        *steps, last, value = path
        for step in steps:
            answer = answer[step]
        answer[last] = value

    return put


def _without(key: str) -> Callable[[dict[str, Any]], None]:
    return lambda answer: answer.pop(key)


@pytest.mark.parametrize(
    ("defect", "expectation", "word"),
    [
        (_without("tableRows"), "answer.keys", "tableRows"),
        (_without("tableHeader"), "answer.keys", "tableHeader"),
        (_set("tableName", 7), "answer.name", "tableName"),
        (_set("tableHeader", [["2023"], ["2024"]]), "answer.header", "tableHeader"),
        (_set("tableHeader", [["2024", "2024"]]), "answer.header", "2024"),
        (_set("tableHeader", [[2023, 2024]]), "answer.header", "tableHeader"),
        (_set("tableHeader", []), "answer.header", "tableHeader"),
        (_set("tableHeaderDimColumns", [TERRITORY]), "answer.dimensions", f"нет «{SEX}»"),
        (_set("tableHeaderDimColumns", [TERRITORY, "Возраст"]), "answer.dimensions", f"нет «{SEX}»"),
        (_set("tableHeaderDimColumns", None), "answer.dimensions", "не список"),
        (_set("tableRows", {}), "answer.rows", "tableRows"),
        (_set("tableRows", 1, "текст"), "answer.row", "строка таблицы 2"),
        (_set("tableRows", 0, 2, cell(12.5)), "answer.cell", "в кавычках"),
        (_set("tableRows", 0, 2, "12"), "answer.cell", "value и level"),
        (_set("tableRows", 0, 2, {"value": "12"}), "answer.cell", "value и level"),
        (_set("tableRows", 0, 0, cell(None)), "answer.cell", "непустым"),
        (_set("tableRows", 0, 0, cell("  ")), "answer.cell", "непустым"),
        (_set("tableRows", 0, 0, cell("Страна", "0")), "answer.cell", "level"),
        (_set("tableRows", 0, 0, cell("Страна", True)), "answer.cell", "level"),
        (_set("tableHeader", [["2023", "2025"]]), "answer.periods", "2025"),
    ],
)
def test_a_broken_shape_is_explained(
    tmp_path: Path, defect: Callable[[dict[str, Any]], None], expectation: str, word: str
) -> None:
    answer = copy.deepcopy(an_answer())
    defect(answer)
    reason = refusal(tmp_path, json.dumps(answer).encode()).reasons[0]
    assert reason.expectation == expectation
    assert word.lower() in reason.message.lower()


@pytest.mark.parametrize(
    ("content", "expectation"),
    [
        (b"", "file.not_empty"),
        (b"  \n", "file.not_empty"),
        (b"<!DOCTYPE html><html><body>502</body></html>", "file.format"),
        (b"\xef\xbb\xbf <html>", "file.format"),
        (b"PK\x03\x04rest", "file.format"),
        (b"\x1f\x8brest", "file.format"),
        (json.dumps(an_answer()).encode()[:-40], "file.whole"),
        (b'{"tableName": "\xd0\xa2', "file.whole"),
        (b'{"tableName": "\xd0', "file.whole"),
        (json.dumps(an_answer(), ensure_ascii=False).encode("cp1251"), "file.encoding"),
        (b'{"tableName": "T", }', "file.format"),
        (b"id;name\n1;2\n", "file.format"),
        (b'{"value": NaN}', "json.number"),
        (b"[" * 200_000, "json.depth"),
        (b"1" * 10_000, "json.number"),
        (b"[]", "answer.keys"),
        (b"null", "answer.keys"),
    ],
)
def test_what_is_no_answer_is_refused(tmp_path: Path, content: bytes, expectation: str) -> None:
    assert refusal(tmp_path, content).reasons[0].expectation == expectation


def test_a_file_over_the_limit_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    small = FEED.model_copy(update={"max_delivery_bytes": 10})
    with pytest.raises(DeliveryError) as caught:
        read(deliver(tmp_path, b"x" * 11), small, tmp_path / "batch.parquet")
    assert caught.value.reasons[0].expectation == "file.size"


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_end_in_a_clear_answer(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    refusal(tmp_path_factory.mktemp("bytes"), content)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(an_answer())), JSON)
def test_any_json_in_place_of_a_key_ends_in_a_clear_answer(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: Any
) -> None:
    answer = an_answer() | {key: value}
    folder = tmp_path_factory.mktemp("json")
    if key == "tableName" and isinstance(value, str):
        assert len(rows_of(folder, answer)) == 4
    elif key == "tableRows" and value == []:
        assert rows_of(folder, answer) == []
    else:
        refusal(folder, json.dumps(answer).encode())
