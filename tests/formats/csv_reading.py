"""A feed of invented columns, and its deliveries as CSV: what the tests of the reader share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines import formats
from pipelines.declarations.feeds import Feed
from pipelines.deliveries import Batch, Delivery, Slice
from pipelines.errors import DeliveryError, Reason

HEADER = "number,title,person,amount,rate,day"
COLUMNS: dict[str, dict[str, Any]] = {
    "number": {"type": "text", "description": "Number."},
    "title": {"type": "text", "description": "Title."},
    "person": {"type": "text", "description": "Name.", "personal_data": "drop", "why_personal": "A name."},
    "amount": {"type": "integer", "description": "Amount."},
    "rate": {"type": "decimal", "description": "Rate."},
    "day": {"type": "date", "description": "Day."},
}


def feed(**changes: Any) -> Feed:
    """A feed of six columns; one of them is personal."""
    names = {"ru": "Проба", "be": "Проба", "en": "Trial"}
    declared = {
        "title": names,
        "description": "Invented.",
        "cadence": "monthly",
        "origins": {},
        "format": {"kind": "csv"},
        "columns": COLUMNS,
    }
    return Feed.model_validate({**declared, **changes})


def line(number: int | str, **changes: str) -> str:
    """A sound row."""
    row = {
        "number": str(number),
        "title": "Яма",
        "person": "Имя",
        "amount": "3",
        "rate": "1.5",
        "day": "2025-05-02",
    }
    return ",".join({**row, **changes}.values())


def table(*rows: str, header: str = HEADER) -> str:
    return "\n".join([header, *rows]) + "\n"


def read(folder: Path, content: str | bytes, **changes: Any) -> Batch:
    path = folder / "requests.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_file(path, **changes)


def read_file(path: Path, **changes: Any) -> Batch:
    delivery = Delivery("d", "s", "f", "i", Slice(), path.parent, (path.name,), "", 0, "", "", synthetic=True)
    return formats.read(delivery, feed(**changes), path.parent / "batch.parquet")


def rows_of(batch: Batch, *columns: str) -> list[tuple[Any, ...]]:
    return duckdb.sql(f"select {', '.join(columns)} from '{batch.path}' order by row_no").fetchall()


def refusal(folder: Path, content: str | bytes, **changes: Any) -> list[Reason]:
    with pytest.raises(DeliveryError) as caught:
        read(folder, content, **changes)
    assert caught.value.file == "requests.csv"
    for reason in caught.value.reasons:
        assert reason.message and reason.remedy
    return caught.value.reasons


SOUND = [line(number) for number in range(1, 7)]
