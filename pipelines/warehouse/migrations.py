"""The schema version of Gorod's own tables, and the migrations to the newest: the same on both engines."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import WarehouseError

# Increased with every change that `create … if not exists` cannot make; the step to it is migrations/<version>_<what>.sql.
SCHEMA_VERSION = 2

SCHEMA = Path(__file__).with_name("schema.sql")
MIGRATIONS = Path(__file__).with_name("migrations")
# What follows it in a migration is only run if the table exists: dbt creates it, and may not have run yet.
WHERE_THERE_IS = re.compile(r"^-- Where there is ([a-z_]+\.[a-z_]+):$", re.MULTILINE)
TABLES = "select table_schema || '.' || table_name from information_schema.tables"
RECORD = "insert into ops.version values ({}, now() at time zone 'UTC') on conflict do nothing"


@dataclass(frozen=True)
class Step:
    """One migration: ``version`` is the schema version that it leads to."""

    version: int
    path: Path

    def sql(self, tables: Collection[str]) -> str:
        """The statements, for both engines, in a warehouse with these tables (as ``TABLES`` gives them)."""
        always, *rest = WHERE_THERE_IS.split(self.path.read_text(encoding="utf-8"))
        return always + "".join(
            text for table, text in zip(rest[::2], rest[1::2], strict=True) if table in tables
        )


def schema_sql() -> str:
    """Statements that create the newest schema version in an empty warehouse; they change nothing if it is there."""
    return SCHEMA.read_text(encoding="utf-8")


def views() -> list[str]:
    """Names of the views in ``ops`` that it creates."""
    return re.findall(r"^create or replace view ops\.(\w+)", schema_sql(), re.MULTILINE)


def steps(found: int) -> list[Step]:
    """The migrations from schema version ``found`` to the newest, in order."""
    named = ((re.match(r"(\d+)_", path.name), path) for path in MIGRATIONS.glob("*.sql"))
    known = sorted((int(match.group(1)), path) for match, path in named if match)
    return [Step(version, path) for version, path in known if found < version <= SCHEMA_VERSION]


def require(found: int | None, exists: bool, where: str) -> None:
    """Refuse a warehouse with another schema version.

    Args:
        found: newest version that its ``ops.version`` records; None if there is no such table.
        exists: whether it contains any of Gorod's tables.

    Raises:
        WarehouseError: a newer Gorod created it, or it must be migrated first.
    """
    if not exists or found == SCHEMA_VERSION:
        return
    if found is not None and found < SCHEMA_VERSION:
        remedy = "Make a backup, then: gorod warehouse migrate"
    elif found is not None:
        remedy = "Install the newer Gorod that created it, or set GOROD_WAREHOUSE to a new warehouse."
    else:
        remedy = "Set GOROD_WAREHOUSE to a new file: gorod run fills it from the same origins."
    raise WarehouseError(
        f"warehouse {where} was created by another version of Gorod (its ledger is {found or 'older'}, ours is {SCHEMA_VERSION})",
        remedy,
    )
