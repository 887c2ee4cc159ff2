"""Tables of another system's database: the model of ``kind: sql``."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from pipelines.declarations.common import Declaration, PlacedError
from pipelines.declarations.http_access import Variable


class SqlOrigin(Declaration):
    """Rows of a table or view in another system's database, or in its replica.

    They are read in one transaction that can write nothing, column by column as the feed declares them (`from_path` is the name
    in the table), and land as Parquet. PostgreSQL is read by its binary protocol; other databases through SQLAlchemy, whose
    driver has to be installed.
    """

    kind: Literal["sql"] = Field(default="sql", description="rows of a table in another system's database")
    address: Variable = Field(
        description="variable with the address: `postgresql://user:password@host/database`, or another one of SQLAlchemy"
    )
    table: str = Field(
        pattern=r"^[^\"\x00]+$",
        description="table or view, with its schema before a dot; may hold `{instance}`",
    )
    where: str = Field(
        default="",
        description="SQL condition in the database's own words: which rows are asked for; may hold `{instance}`",
    )
    time_column: str | None = Field(
        default=None,
        description="column of a date or time: each month from `first_month` on (`by: day`: each day) is a slice of its own, "
        "asked for by a condition that an index serves; absent: the whole table is a snapshot",
    )
    by: Literal["month", "day"] = Field(default="month", description="what a slice is")
    watermark: str | None = Field(
        default=None,
        description="column that grows when a row is added or changed: a slice is read again when its number of rows or its "
        "greatest watermark is another one; absent: each slice is read once, and again as `refresh` says",
    )
    statement_s: float = Field(
        default=600, gt=0, le=86_400, description="seconds after which a statement is given up, by the server"
    )
    connect_s: float = Field(default=20, gt=0, le=600, description="seconds until there is a connection")
    tries: int = Field(default=3, ge=1, le=20, description="tries of what fails in a way that may pass")
    synthetic: bool = Field(
        default=False, description="the data are invented; every page that shows them says so"
    )

    @field_validator("where")
    @classmethod
    def _is_a_condition(cls, where: str) -> str:
        if ";" in where or re.search(r"--|/\*", where):
            raise ValueError("is one condition, without ; and comments")
        return where

    @model_validator(mode="after")
    def _has_slices(self) -> SqlOrigin:
        if self.by == "day" and self.time_column is None:
            raise PlacedError((("time_column",), "is needed: a slice by day is told by it"))
        return self
