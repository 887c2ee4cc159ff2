"""Raw tables as declared and as stored: a comment on each column records how it was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.declarations.columns import Column
from pipelines.declarations.feeds import Feed
from pipelines.errors import WarehouseError

# 18 digits fit a 64-bit integer: DuckDB casts text to a wider decimal ten times more slowly.
SQL_TYPES = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "decimal": "DECIMAL(18, 6)",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN",
}

READ_AS = "read as "
# a server's names for the types of raw columns
ON_A_SERVER = {
    "character varying": "VARCHAR",
    "bigint": "BIGINT",
    "numeric(18,6)": "DECIMAL(18,6)",
    "date": "DATE",
    "timestamp without time zone": "TIMESTAMP",
    "boolean": "BOOLEAN",
}


def sql_type(column: Column) -> str:
    """The type of a column's values as they leave the reader: a pseudonym is text."""
    return SQL_TYPES["text" if column.personal_data == "pseudonymise" else column.type]


@dataclass(frozen=True)
class Held:
    """A column of a raw table: its type, and the comment on it."""

    sql_type: str
    comment: str | None

    @property
    def is_marked(self) -> bool:
        """Whether it records how it was read; a column of an older Gorod does not."""
        return (self.comment or "").startswith(READ_AS)


@dataclass(frozen=True)
class Change:
    """A column whose raw table differs from its declaration; ``declared`` is None for a dropped one."""

    table: str
    column: str
    held: str
    declared: str | None

    def __str__(self) -> str:
        """Text for people."""
        wanted = f"is declared {self.declared}" if self.declared else "may not be kept"
        return f"{self.table}: {self.column} was {self.held} and {wanted}"


def held_on_server(sql_type: str, comment: str | None) -> Held:
    """A column as a server describes it."""
    return Held(ON_A_SERVER.get(sql_type, sql_type), comment)


def mark(column: Column) -> str:
    """What the reader decides about a column's values: their type, and the treatment of personal data."""
    how = {
        "coarsen": f", coarsened to {column.coarsen_decimals} places",
        "pseudonymise": ", pseudonymised",
    }.get(column.personal_data, "")
    clock = f" on the clock of {column.time_zone}" if column.type == "timestamp" else ""
    return f"{READ_AS}{column.type}{clock}{how}"


def definition(feed: Feed) -> dict[str, str]:
    """The columns of a feed's raw table and their types, without those common to all raw tables."""
    return {name: sql_type(column) for name, column in feed.kept_columns.items()}


def changes(table: str, feed: Feed, present: Mapping[str, Held]) -> list[Change]:
    """The columns whose content differs from the current declaration.

    A column that is no longer declared keeps its content, except one that is declared personal and dropped.
    """
    found = []
    for name, column in feed.columns.items():
        held = present.get(name)
        if held is None:
            continue
        if column.personal_data == "drop":
            found.append(Change(table, name, _describe(held), None))
        elif _type(held.sql_type) != _type(sql_type(column)) or (
            held.is_marked and held.comment != mark(column)
        ):
            found.append(Change(table, name, _describe(held), mark(column).removeprefix(READ_AS)))
    return found


def require_unchanged(found: Sequence[Change]) -> None:
    """Make sure that stored values are not misinterpreted.

    Raises:
        WarehouseError: a column must be read again first.
    """
    if found:
        raise WarehouseError(
            "\n".join(map(str, found)),
            "Nothing was changed. Make a backup, then: gorod warehouse migrate. It reads the accepted deliveries again "
            "as they are declared now. Or revert the change of source.yml.",
        )


def _type(name: str) -> str:
    return name.replace(" ", "")


def _describe(held: Held) -> str:
    if held.is_marked:
        assert held.comment is not None
        return held.comment.removeprefix(READ_AS)
    names = {_type(sql): name for name, sql in SQL_TYPES.items()}
    return names.get(_type(held.sql_type), held.sql_type)
