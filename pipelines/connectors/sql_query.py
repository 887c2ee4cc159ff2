"""The query of one slice: columns of a table, and the conditions on its rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from pipelines.deliveries import Slice


@dataclass(frozen=True)
class Query:
    """The columns of a table to read, and which rows."""

    table: str
    columns: tuple[str, ...]
    where: str
    time_column: str | None
    slice: Slice

    def from_where(self, quoted: Callable[[str], str]) -> str:
        """The ``from`` and ``where`` clauses. The range of days is half-open, so an index on the column can be used."""
        conditions = [f"({self.where})"] if self.where else []
        if self.time_column is not None and self.slice.first_day and self.slice.last_day:
            until = self.slice.last_day + timedelta(days=1)
            column = quoted(self.time_column)
            conditions.append(f"{column} >= '{self.slice.first_day}' and {column} < '{until}'")
        table = ".".join(map(quoted, self.table.split(".")))
        return f"from {table}" + (f" where {' and '.join(conditions)}" if conditions else "")

    def select(self, quoted: Callable[[str], str]) -> str:
        """The whole query."""
        return f"select {', '.join(map(quoted, self.columns))} {self.from_where(quoted)}"
