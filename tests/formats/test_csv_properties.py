"""Any table comes back as it was written; any bytes end in rows or a refusal."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pipelines.errors import DeliveryError
from tests.formats.csv_reading import (
    HEADER,
    line,
    read,
    rows_of,
    table,
)
from tests.support.examples import examples

# texts are trimmed of blanks, the no-break space among them
BLANKS = "".join(chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Zs")
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=12)
values = st.fixed_dictionaries(
    {
        "number": texts,
        "title": texts,
        "person": texts,
        "amount": st.none() | st.integers(-(2**63), 2**63 - 1),
        "rate": st.none() | st.decimals(-999_999_999_999, 999_999_999_999, places=6),
        "day": st.none() | st.dates(date(1, 1, 1), date(9999, 12, 31)),
    }
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=examples(60)
)
@given(rows=st.lists(values, min_size=1, max_size=8), end=st.sampled_from(["\n", "\r\n"]))
def test_any_table_comes_back_as_it_was_written(
    rows: Sequence[dict[str, Any]], end: str, tmp_path: Path
) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, HEADER.split(","), lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(
        {name: "" if value is None else f"{value}" for name, value in row.items()} for row in rows
    )
    batch = read(tmp_path, text.getvalue())
    read_back = rows_of(batch, "row_no", "number", "title", "amount", "rate", "day", "parse_errors")
    assert read_back == [
        (
            position,
            row["number"].strip(BLANKS) or None,
            row["title"].strip(BLANKS) or None,
            row["amount"],
            row["rate"],
            row["day"],
            None,
        )
        for position, row in enumerate(rows, start=1)
    ]


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=examples(150)
)
@given(
    column=st.sampled_from(["amount", "rate", "day"]),
    given_text=st.text(st.sampled_from("0123456789-+.,eE/: Tx_"), min_size=1, max_size=14)
    | st.dates().map(lambda day: day.strftime("%d.%m.%Y"))
    | st.floats().map(str)
    | st.decimals(allow_nan=True).map(str),
)
def test_a_typed_value_says_what_its_text_says(column: str, given_text: str, tmp_path: Path) -> None:
    text = given_text.strip()
    assume(text)
    batch = read(tmp_path, table(line(1, **{column: f'"{given_text}"'})))
    ((value, errors),) = rows_of(batch, column, "parse_errors")
    if value is None:
        assert json.loads(errors)[0]["value"] == text
        return
    assert errors is None
    if column == "day":
        assert value.isoformat() == text
    else:
        assert value == Decimal(text)
        assert "e" not in text.lower()


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=examples(60)
)
@given(content=st.binary(max_size=300), starts_well=st.booleans())
def test_any_bytes_end_in_rows_or_a_refusal(content: bytes, starts_well: bool, tmp_path: Path) -> None:
    head = (HEADER + "\n").encode() if starts_well else b""
    try:
        batch = read(tmp_path, head + content)
    except DeliveryError as error:
        assert all(reason.message and reason.remedy for reason in error.reasons)
    else:
        numbers = [row for (row,) in rows_of(batch, "row_no")]
        assert numbers == list(range(1, batch.rows + 1))
