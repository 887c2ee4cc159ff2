"""Names of columns as they are delivered, in any script; what is another name is told with the nearest declared one."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pydantic import ValidationError

from pipelines import formats
from pipelines.declarations.feeds import Feed
from pipelines.deliveries import Batch, Delivery, Slice
from pipelines.errors import DeliveryError, Reason

NAMES = {"ru": "Проба", "be": "Проба", "en": "Trial"}
COLUMNS: dict[str, dict[str, Any]] = {
    "parking_code": {"type": "text", "header": "парковка_код"},
    "spaces": {"type": "integer", "header": ["мест_всего", "всего мест"], "unbounded": "a trial"},
    "note": {"type": "text", "required": False},
}


def feed(encoding: str = "utf-8", **columns: dict[str, Any]) -> Feed:
    declared = {
        name: {"description": "Invented.", **column} for name, column in {**COLUMNS, **columns}.items()
    }
    return Feed.model_validate(
        {
            "title": NAMES,
            "description": "Invented.",
            "cadence": "monthly",
            "origins": {},
            "format": {"kind": "csv", "delimiter": ";", "encoding": encoding},
            "columns": declared,
        }
    )


def read(folder: Path, text: str, encoding: str = "utf-8") -> Batch:
    path = folder / "some.csv"
    path.write_bytes(text.encode(encoding))
    delivery = Delivery("d", "s", "f", "i", Slice(), folder, (path.name,), "", 0, "", "", synthetic=True)
    return formats.read(delivery, feed(encoding), folder / "batch.parquet")


def refusal(folder: Path, header: str) -> list[Reason]:
    with pytest.raises(DeliveryError) as caught:
        read(folder, f"{header}\nп-1;5\n")
    return caught.value.reasons


@pytest.mark.parametrize("encoding", ["utf-8", "cp1251", "cp866", "utf-16"])
@pytest.mark.parametrize("spaces", ["мест_всего", "всего мест"])
def test_a_column_comes_under_any_of_its_names(spaces: str, encoding: str, tmp_path: Path) -> None:
    batch = read(tmp_path, f"{spaces};парковка_код;note\n5;п-1;да\n", encoding)
    assert duckdb.sql(f"select parking_code, spaces, note from '{batch.path}'").fetchall() == [
        ("п-1", 5, "да")
    ]


def test_its_own_name_is_none_that_was_declared(tmp_path: Path) -> None:
    reasons = refusal(tmp_path, "parking_code;мест_всего")
    assert [reason.column for reason in reasons] == ["parking_code", None]
    assert "«парковка_код»" in reasons[0].message


def test_a_missing_column_is_told_by_all_its_names(tmp_path: Path) -> None:
    (reason,) = refusal(tmp_path, "парковка_код;note")
    assert reason.message == "Нет столбца «мест_всего» или «всего мест»."
    assert "парковка_код, мест_всего, note" in reason.remedy


def test_an_unknown_name_is_told_with_the_nearest_declared_one(tmp_path: Path) -> None:
    reasons = refusal(tmp_path, "парковка_код;мест_всегда")
    assert any("«мест_всего»" in reason.message and "ближайшее" in reason.message for reason in reasons)
    # what stands there may be a row of data: it is not repeated
    assert not any("всегда" in f"{reason.message} {reason.remedy}" for reason in reasons)


@pytest.mark.parametrize(
    ("given", "sign"),
    [
        ("пaрковка_код", "латинская строчная буква U+0061"),
        ("парковка_код\u200b", "U+200B"),
        (unicodedata.normalize("NFD", "парковка_йод").replace("йод", "код") + "\u0306", ""),
    ],
)
def test_a_name_that_only_looks_the_same_is_none(given: str, sign: str, tmp_path: Path) -> None:
    reasons = refusal(tmp_path, f"{given};мест_всего")
    assert {reason.expectation for reason in reasons} == {"file.columns"}
    assert any(sign in f"{reason.message} {reason.remedy}" for reason in reasons)


@pytest.mark.parametrize("second", ["мест_всего", "всего мест"])
def test_a_column_that_comes_twice_is_told_by_the_names_that_it_came_under(
    second: str, tmp_path: Path
) -> None:
    (reason,) = refusal(tmp_path, f"парковка_код;мест_всего;{second}")
    assert reason.column == "spaces" and f"«{second}»" in reason.message and "повторяется" in reason.message


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"note": {"type": "text", "header": "парковка_код"}}, "is already a name of column 'parking_code'"),
        ({"note": {"type": "text", "header": ["a", "a"]}}, "is already a name of column 'note'"),
        ({"парковка_код": {"type": "text"}}, "is already a name of column 'parking_code'"),
        ({"note": {"type": "text", "header": ""}}, "is not a valid column name"),
        ({"note": {"type": "text", "header": " note"}}, "is not a valid column name"),
        ({"note": {"type": "text", "header": "note\u200b"}}, "is not a valid column name"),
        ({"note": {"type": "text", "header": unicodedata.normalize("NFD", "й")}}, "composed"),
    ],
)
def test_names_that_cannot_be_told_apart_are_refused(columns: dict[str, dict[str, Any]], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        feed(**columns)


def test_only_a_csv_has_a_header() -> None:
    declared = {"title": NAMES, "description": "Invented.", "cadence": "monthly", "origins": {}}
    columns = {"note": {"type": "text", "description": "Invented.", "header": "примечание"}}
    with pytest.raises(ValidationError, match="only a CSV has a header"):
        Feed.model_validate({**declared, "format": {"kind": "json_records"}, "columns": columns})
