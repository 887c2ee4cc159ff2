"""Tables in Parquet: what another library wrote is what is read, digit by digit; what is broken is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import DeliveryError
from tests.formats.reading import errors, feed, read, rows, told
from tests.support.examples import examples

PARQUET = {"kind": "parquet"}
METER = {"meter": {"type": "text", "from_path": "METER_ID"}, "kwh": "decimal", "read_at": "timestamp"}


def written(path: Path, table: dict[str, Any], **options: Any) -> Path:
    pq.write_table(pa.table(table), path, **options)
    return path


def test_values_of_every_type(tmp_path: Path) -> None:
    minsk = timezone(timedelta(hours=3))
    table = {
        "whole": pa.array([1, -9_000_000_000], pa.int64()),
        "exact": pa.array([Decimal("1.500000"), Decimal("-0.000001")], pa.decimal128(18, 6)),
        "rough": pa.array([0.00001, 2.5], pa.float64()),
        "at": pa.array([datetime(2026, 11, 30, 1, 2, 3), None], pa.timestamp("us")),
        "utc": pa.array([datetime(2026, 11, 29, 22, tzinfo=UTC)] * 2, pa.timestamp("ms", "UTC")),
        "day": pa.array([datetime(2026, 11, 30, tzinfo=minsk)] * 2, pa.timestamp("ns", "Europe/Minsk")),
        "date": pa.array([date(2026, 2, 28)] * 2),
        "yes": pa.array([True, None]),
        "word": pa.array([" ў’ ", ""]),
        "dict": pa.array(["a", "b"]).dictionary_encode(),
    }
    declared = feed(
        PARQUET,
        {
            "whole": "integer", "exact": "decimal", "rough": "decimal", "at": "timestamp", "utc": "timestamp", "day": "date",
            "date": "date", "yes": "boolean", "word": "text", "dict": "text",
        },
    )  # fmt: skip
    first, second = rows(written(tmp_path / "a.parquet", table), declared)
    assert first == {
        "row_no": 1, "whole": 1, "exact": Decimal("1.5"), "rough": Decimal("0.00001"), "at": datetime(2026, 11, 30, 1, 2, 3),
        "utc": datetime(2026, 11, 30, 1), "day": date(2026, 11, 30), "date": date(2026, 2, 28), "yes": True, "word": "ў’",
        "dict": "a", "parse_errors": None,
    }  # fmt: skip
    assert (second["whole"], second["exact"], second["word"]) == (-9_000_000_000, Decimal("-0.000001"), None)


def test_not_a_number_is_kept_back(tmp_path: Path) -> None:
    table = {"METER_ID": ["a", "b", "c"], "kwh": [float("nan"), float("inf"), 1e300], "read_at": [None] * 3}
    table["read_at"] = pa.array([None] * 3, pa.timestamp("s"))
    found = rows(written(tmp_path / "a.parquet", table), feed(PARQUET, METER))
    assert [row["kwh"] for row in found] == [None] * 3 and all(
        errors(row)[0]["column"] == "kwh" for row in found
    )


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"METER_ID": ["a"], "kwh": [1.0]}, "Нет столбца «read_at»"),
        ({"METER_ID": ["a"], "kwh": [1.0], "read_at": ["x"], "owner": ["И. И."]}, "Лишний столбец, 4-й"),
        ({"METER_ID": [b"a"], "kwh": [1.0], "read_at": ["x"]}, "вида BLOB"),
        ({"METER_ID": [["a"]], "kwh": [1.0], "read_at": ["x"]}, "Столбец «METER_ID»"),
        ({"METER_ID": ["a"], "meter_id": ["a"], "kwh": [1.0], "read_at": ["x"]}, "Лишний столбец"),
    ],
)
def test_other_columns_are_refused(table: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(DeliveryError) as caught:
        read(written(tmp_path / "a.parquet", table), feed(PARQUET, METER))
    assert said in told(caught.value) and "И. И." not in told(caught.value)


def test_every_cut_and_every_broken_byte_is_refused_or_read(tmp_path: Path) -> None:
    table = {
        "METER_ID": [f"m-{n}" for n in range(200)],
        "kwh": [n / 4 for n in range(200)],
        "read_at": ["2026-11-30"] * 200,
    }
    whole = written(tmp_path / "whole.parquet", table).read_bytes()
    declared = feed(PARQUET, METER)
    path = tmp_path / "a.parquet"
    for end in range(0, len(whole), 97):
        path.write_bytes(whole[:end])
        with pytest.raises(DeliveryError):
            read(path, declared)
    for place in range(4, len(whole), 211):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :])
        try:
            rows(path, declared)
        except DeliveryError as error:
            assert "m-1" not in told(error)


@settings(max_examples=examples(30))
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(categories=("L", "N")), min_size=1, max_size=8),
            st.one_of(st.none(), st.decimals("-1e9", "1e9", places=6)),
            st.one_of(
                st.none(), st.datetimes(datetime(1992, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
            ),
        ),
        min_size=1,
        max_size=20,
    ),
    st.integers(1, 7),
)
def test_what_was_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, table: list[Any], group: int
) -> None:
    """The oracle is the generated table; Python's own zones tell the clock of Minsk."""
    from zoneinfo import ZoneInfo

    folder = tmp_path_factory.mktemp("a")
    names, numbers, moments = zip(*table, strict=True)
    columns = {
        "METER_ID": pa.array(names),
        "kwh": pa.array(numbers, pa.decimal128(18, 6)),
        "read_at": pa.array(moments, pa.timestamp("us", "UTC")),
    }
    found = rows(written(folder / "a.parquet", columns, row_group_size=group), feed(PARQUET, METER))
    minsk = ZoneInfo("Europe/Minsk")
    assert [(row["row_no"], row["meter"], row["kwh"], row["read_at"]) for row in found] == [
        (number, name, amount, moment and moment.astimezone(minsk).replace(tzinfo=None))
        for number, (name, amount, moment) in enumerate(table, 1)
    ]
