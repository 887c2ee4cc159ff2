"""Tables of another system's database: the model of ``kind: sql``."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from pipelines.declarations.common import Declaration, PlacedError
from pipelines.declarations.http_access import Variable


class SqlOrigin(Declaration):
    """Rows of a table or view in another system's database, or in its replica.

    They are read in one read-only transaction, with the columns that the feed declares (`from_path` is the name in the table),
    and land as Parquet. PostgreSQL is read by its binary protocol; other databases through SQLAlchemy, whose driver has to be
    installed.
    """

    kind: Literal["sql"] = Field(default="sql", description="rows of a table in another system's database")
    address: Variable = Field(
        description="variable with the address: `postgresql://user:password@host/database`, or another of SQLAlchemy"
    )
    table: str = Field(
        pattern=r"^[^\"\x00]+$",
        description="table or view, with its schema before a dot; may contain `{instance}`",
    )
    where: str = Field(
        default="",
        description="SQL condition in the database's dialect: the rows to read; may contain `{instance}`",
    )
    time_column: str | None = Field(
        default=None,
        description="date or timestamp column: each month from `first_month` on (`by: day`: each day) is a slice, selected by a "
        "condition that can use an index; absent: the whole table is a snapshot",
    )
    by: Literal["month", "day"] = Field(default="month", description="what a slice is")
    watermark: str | None = Field(
        default=None,
        description="column that grows when a row is added or changed: a slice is read again when its number of rows or "
        "its greatest watermark has changed; absent: each slice is read once, and again as `refresh` says",
    )
    statement_s: float = Field(
        default=600, gt=0, le=86_400, description="timeout of a statement on the server, in seconds"
    )
    connect_s: float = Field(default=20, gt=0, le=600, description="timeout of connecting, in seconds")
    tries: int = Field(default=3, ge=1, le=20, description="number of tries after failures that may pass")
    synthetic: bool = Field(
        default=False, description="the data are invented; every page that shows them says so"
    )

    @field_validator("where")
    @classmethod
    def _is_a_condition(cls, where: str) -> str:
        if ";" in where or re.search(r"--|/\*", where):
            raise ValueError("must be one condition, without ; and comments")
        return where

    @model_validator(mode="after")
    def _has_slices(self) -> SqlOrigin:
        if self.by == "day" and self.time_column is None:
            raise PlacedError((("time_column",), "is needed: it selects the days"))
        return self
