"""Records in JSON become typed rows: held against what Python's own reader finds in the same bytes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelines import formats
from pipelines.declarations.feeds import Feed
from pipelines.deliveries import Batch, Delivery, Slice
from pipelines.errors import DeliveryError, Reason

COLUMNS: dict[str, dict[str, Any]] = {
    "spot_id": {"type": "text", "from_path": "id"},
    "city": {"type": "text", "from_path": "place.city"},
    "length_km": {"type": "decimal", "from_path": "properties[name=lengthKm].value"},
    "first_phone": {"type": "text", "from_path": "phones[0]"},
    "seen_at": {"type": "timestamp"},
    "person": {"type": "text", "from_path": "owner", "personal_data": "drop", "why_personal": "A name."},
}


def feed(records: str = "data.items", **columns: dict[str, Any]) -> Feed:
    names = {"ru": "Проба", "be": "Проба", "en": "Trial"}
    declared = {
        name: {"description": "Invented.", **column} for name, column in {**COLUMNS, **columns}.items()
    }
    return Feed.model_validate(
        {
            "title": names,
            "description": "Invented.",
            "cadence": "monthly",
            "origins": {},
            "format": {"kind": "json_records", "records": records},
            "columns": declared,
        }
    )


def read(folder: Path, files: dict[str, bytes], given: Feed | None = None) -> Batch:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    delivery = Delivery("d", "s", "f", "i", Slice(), folder, tuple(files), "", 0, "", "", synthetic=True)
    return formats.read(delivery, given or feed(), folder / "batch.parquet")


def items(*records: Any) -> bytes:
    return json.dumps({"data": {"items": records}}, ensure_ascii=False).encode()


def rows_of(batch: Batch, *columns: str) -> list[tuple[Any, ...]]:
    return duckdb.sql(f"select {', '.join(columns)} from '{batch.path}' order by row_no").fetchall()


def refusal(folder: Path, files: dict[str, bytes], given: Feed | None = None) -> tuple[str, Reason]:
    with pytest.raises(DeliveryError) as caught:
        read(folder, files, given)
    assert not (folder / "batch.parquet").exists()
    assert not list(folder.glob("*.texts.parquet"))
    return caught.value.file, caught.value.reasons[0]


SPOT = {
    "id": "p-1",
    "place": {"city": "Брест"},
    "properties": [{"name": "lengthKm", "value": 3.50}, {"name": "kind", "value": "x"}],
    "phones": ["1", "2"],
    "seen_at": "2025-05-02T10:30:00+05:00",
    "owner": "Придуманная Персона",
}


def test_a_record_in_full(tmp_path: Path) -> None:
    batch = read(tmp_path, {"spots.json": items(SPOT)})
    (row,) = rows_of(batch, "*")
    # 10:30 at +05:00 is 08:30 by the clock of Minsk, which is at +03:00
    assert row == (1, "p-1", "Брест", Decimal("3.5"), "1", datetime(2025, 5, 2, 8, 30), None)
    assert "Придуманная".encode() not in batch.path.read_bytes()


stamps = st.builds(
    lambda moment, minutes: moment.replace(tzinfo=timezone(timedelta(minutes=minutes))),
    st.datetimes(datetime(2012, 1, 1), datetime(2030, 1, 1)).map(
        lambda moment: moment.replace(microsecond=0)
    ),
    st.integers(-12, 14).map(lambda hours: hours * 60),
)
texts = st.none() | st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=8)
lengths = st.none() | st.integers(-10_000, 10_000) | st.decimals(-999, 999, places=4).map(float)
spots = st.fixed_dictionaries(
    {},
    optional={
        "id": texts,
        "place": st.none() | st.fixed_dictionaries({}, optional={"city": texts}),
        "properties": st.none()
        | lengths.map(lambda value: [{"name": "odd", "value": 1}, {"name": "lengthKm", "value": value}]),
        "phones": st.none() | st.lists(texts, max_size=2),
        "seen_at": st.none() | stamps.map(lambda moment: moment.isoformat()),
        "owner": texts,
    },
)


def plain_row(spot: dict[str, Any]) -> tuple[Any, ...]:
    """The row of a record, by Python alone."""
    place, phones = spot.get("place") or {}, spot.get("phones") or []
    lengths = [one["value"] for one in spot.get("properties") or [] if one["name"] == "lengthKm"]
    seen = spot.get("seen_at")
    moment = seen and datetime.fromisoformat(seen).astimezone(timezone(timedelta(hours=3))).replace(
        tzinfo=None
    )
    length = lengths[0] if lengths else None
    return (
        spot.get("id"),
        place.get("city"),
        None if length is None else Decimal(repr(length)),
        phones[0] if phones else None,
        moment,
    )


@settings(max_examples=25, deadline=None)
@given(pages=st.lists(st.lists(spots, max_size=6), min_size=1, max_size=3))
def test_any_records_are_read_as_python_reads_them(pages: list[list[dict[str, Any]]]) -> None:
    files = {f"page-{number:05}.json": items(*page) for number, page in enumerate(pages, 1)}
    every = [spot for page in pages for spot in page]
    files["snapshot.json"] = json.dumps({"base_url": "x", "pages": len(pages), "total": len(every)}).encode()
    with TemporaryDirectory() as name:
        batch = read(Path(name), files)
        found = rows_of(batch, "spot_id, city, length_km, first_phone, seen_at, parse_errors")
    assert [row[:5] for row in found] == [plain_row(spot) for spot in every]
    assert {row[5] for row in found} <= {None}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1.10", "1.10"),
        ("1e2", "100"),
        ("1E-3", "0.001"),
        ("12345678901234567890.12", "12345678901234567890.12"),
        ("7", "7"),
        ("true", "true"),
        ('"07"', "07"),
    ],
)
def test_a_number_keeps_its_digits(written: str, value: str, tmp_path: Path) -> None:
    content = f'{{"data": {{"items": [{{"id": {written}}}]}}}}'.encode()
    assert rows_of(read(tmp_path, {"spots.json": content}), "spot_id") == [(value,)]


@pytest.mark.parametrize(
    ("changes", "column", "expected"),
    [
        ({"place": "Брест"}, "city", "поле place должно быть объектом"),
        ({"place": {"city": {"ru": "Брест"}}}, "city", "поле place.city должно быть текстом или числом"),
        ({"phones": {"home": "1"}}, "first_phone", "поле phones должно быть массивом"),
        ({"properties": {"lengthKm": 1}}, "length_km", "поле properties должно быть массивом"),
        ({"id": "a\0b"}, "spot_id", "U+0000"),
        ({"id": "\ud83d"}, "spot_id", "U+0000"),
        ({"seen_at": "02.05.2025"}, "seen_at", "дата и время"),
        (
            {"properties": [{"name": "lengthKm", "value": 1}, {"name": "lengthKm", "value": 2}]},
            "length_km",
            "число",
        ),
    ],
)
def test_a_value_that_cannot_be_read_is_told_with_its_path(
    changes: dict[str, Any], column: str, expected: str, tmp_path: Path
) -> None:
    content = json.dumps({"data": {"items": [SPOT, {**SPOT, **changes}]}}).encode()
    good, bad = rows_of(read(tmp_path, {"spots.json": content}), "parse_errors")
    assert good == (None,)
    (problem,) = json.loads(bad[0])
    assert problem["column"] == column and expected in problem["expected"]


@pytest.mark.parametrize(
    ("content", "expectation", "said"),
    [
        (b"", "file.not_empty", "пуст"),
        (b'{"data": {"items": [', "file.whole", "обрывается"),
        (b'{"data": {}}', "page.array", "data.items), получено: null"),
        (b'{"data": []}', "page.array", "получено: объект"),
        (b'{"data": {"items": {}}}', "page.array", "получено: объект"),
        (b'{"code": "50", "reason": "x"}', "page.array", "null"),
        (items(SPOT, "x"), "page.array", "получено: текст"),
        (b'{"data": {"items": [{"id": 1, "id": 2}]}}', "json.repeated_key", "«id»"),
        ('{"data": {"items": [{"id": "Брест"}]}}'.encode("cp1251"), "file.encoding", "cp1251"),
        (items({**SPOT, "place": 1}, {**SPOT, "place": "x"}), "records.form", "поле place"),
    ],
)
def test_a_file_that_has_no_such_records_is_refused(
    content: bytes, expectation: str, said: str, tmp_path: Path
) -> None:
    file, reason = refusal(tmp_path, {"spots.json": content})
    assert (file, reason.expectation) == ("spots.json", expectation)
    assert said in reason.message and reason.remedy


@pytest.mark.parametrize("gone", ["page-00001.json", "snapshot.json"])
def test_a_snapshot_is_whole(gone: str, tmp_path: Path) -> None:
    files = {f"page-{number:05}.json": items({**SPOT, "id": str(number)}) for number in (1, 2)}
    files["snapshot.json"] = b'{"base_url": "x", "pages": 2, "total": 2}'
    assert read(tmp_path, files).facts == {"total": 2}
    (tmp_path / "batch.parquet").unlink()
    (tmp_path / gone).unlink()
    file, reason = refusal(tmp_path, {name: content for name, content in files.items() if name != gone})
    assert (file, reason.expectation) == ("snapshot.json", "snapshot.whole") and gone in reason.message


def test_records_that_are_missing_are_missed(tmp_path: Path) -> None:
    files = {"page-00001.json": items(SPOT), "snapshot.json": b'{"base_url": "x", "pages": 1, "total": 3}'}
    _, reason = refusal(tmp_path, files)
    assert "назвал 3 записей" in reason.message


@pytest.mark.parametrize("comma", [False, True])
def test_a_text_may_have_a_decimal_comma_where_that_is_declared(comma: bool, tmp_path: Path) -> None:
    declared = feed(
        pm10={"type": "decimal", "from_path": "pm10.value | pm10 ~ ^<?([0-9.,]+)$"},
        pm10_mark={"type": "text", "from_path": "pm10.value | pm10 ~ ^(<)"},
    )
    declared = declared.model_copy(
        update={"format": declared.format.model_copy(update={"decimal_comma": comma})}
    )
    given = ["<0,5", {"value": "0,5"}, 12.25, {"type": "Property", "value": 7}, "1,234.5"]
    batch = read(tmp_path, {"a.json": items(*({"id": "1", "pm10": one} for one in given))}, declared)
    half = Decimal("0.5") if comma else None
    assert rows_of(batch, "pm10", "pm10_mark") == [
        (half, "<"), (half, None), (Decimal("12.25"), None), (Decimal(7), None), (None, None),
    ]  # fmt: skip
    problems = [one is not None for (one,) in rows_of(batch, "parse_errors")]
    assert problems == [not comma, not comma, False, False, True]


def test_keys_that_differ_by_case_are_two(tmp_path: Path) -> None:
    given = feed("", spot_id={"type": "text", "from_path": "ID"}, other={"type": "text", "from_path": "id"})
    batch = read(tmp_path, {"spots.json": b'[{"ID": "a", "id": "b"}]'}, given)
    assert rows_of(batch, "spot_id, other") == [("a", "b")]


def test_a_day_is_that_of_the_clock_that_is_declared(tmp_path: Path) -> None:
    given = feed(
        "",
        minsk={"type": "date", "from_path": "at"},
        greenwich={"type": "date", "from_path": "at", "time_zone": "UTC"},
    )
    late = datetime(2025, 5, 1, 22, 0, tzinfo=UTC).isoformat()
    batch = read(tmp_path, {"spots.json": json.dumps([{"at": late}]).encode()}, given)
    assert rows_of(batch, "minsk::varchar, greenwich::varchar") == [("2025-05-02", "2025-05-01")]


@pytest.mark.parametrize("path", ["a b", "a[x]", "", "a ~ ("])
def test_a_path_that_cannot_be_read_is_refused_with_the_declaration(path: str) -> None:
    with pytest.raises(ValidationError):
        feed(spot_id={"type": "text", "from_path": path})
