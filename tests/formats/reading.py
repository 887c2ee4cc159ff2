"""Reading a file as a feed declares it, for tests of the readers."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from pipelines import formats
from pipelines.declarations.feeds import Feed
from pipelines.deliveries import Batch, Delivery, Slice
from pipelines.errors import DeliveryError

NAMES = {"ru": "а", "be": "а", "en": "a"}


def feed(fmt: dict[str, Any], columns: dict[str, Any], **more: Any) -> Feed:
    """A feed of a format; a column may be given by its type alone."""
    whole = {
        name: {"description": "a", **({"type": about} if isinstance(about, str) else about)}
        for name, about in columns.items()
    }
    return Feed.model_validate(
        {
            "title": NAMES, "description": "a", "cadence": "monthly", "origins": {}, "format": fmt, "columns": whole, **more,
        }
    )  # fmt: skip


def read(path: Path, declared: Feed, month: date | None = None) -> Batch:
    """The batch of one file, or of all files of a folder."""
    files = tuple(sorted(one.name for one in path.iterdir())) if path.is_dir() else (path.name,)
    folder = path if path.is_dir() else path.parent
    delivery = Delivery(
        delivery_id="d", source="s", feed="f", instance="i", slice=Slice("", month, month), folder=folder,
        files=files, sha256="", bytes=0, origin="inbox:a", received_at="", synthetic=True,
    )  # fmt: skip
    out = folder.parent / f"{path.name}.batch"
    out.mkdir(exist_ok=True)
    return formats.read(delivery, declared, out / "batch.parquet")


def rows(path: Path, declared: Feed, month: date | None = None) -> list[dict[str, Any]]:
    """The rows of the batch, in their order."""
    batch = read(path, declared, month)
    with duckdb.connect() as connection:
        found = connection.execute(f"select * from read_parquet('{batch.path}') order by row_no")
        names = [one[0] for one in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def errors(row: dict[str, Any]) -> list[dict[str, str]]:
    """What could not be read of a row."""
    found: list[dict[str, str]] = json.loads(row["parse_errors"] or "[]")
    return found


def told(error: DeliveryError) -> str:
    """All that a supplier is told of a refusal."""
    return "\n".join(f"{reason.message} {reason.remedy}" for reason in error.reasons)
