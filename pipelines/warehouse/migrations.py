"""The form of Gorod's own tables, and the way from an older form to the newest: the same on both engines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import WarehouseError

# Increased with every change that `create … if not exists` cannot make; the step to it is migrations/<version>_<what>.sql.
SCHEMA_VERSION = 1

SCHEMA = Path(__file__).with_name("schema.sql")
MIGRATIONS = Path(__file__).with_name("migrations")
RECORD = "insert into ops.version values ({}, now() at time zone 'UTC') on conflict do nothing"


@dataclass(frozen=True)
class Step:
    """One migration: ``version`` is the form that it ends in."""

    version: int
    path: Path

    @property
    def sql(self) -> str:
        """The statements, for both engines."""
        return self.path.read_text(encoding="utf-8")


def schema_sql() -> str:
    """What makes the newest form in an empty warehouse, and changes nothing in a warehouse that has it."""
    return SCHEMA.read_text(encoding="utf-8")


def views() -> list[str]:
    """Names of the views in ``ops`` that it creates."""
    return re.findall(r"^create or replace view ops\.(\w+)", schema_sql(), re.MULTILINE)


def steps(found: int) -> list[Step]:
    """The migrations from form ``found`` to the newest, in their order."""
    named = ((re.match(r"(\d+)_", path.name), path) for path in MIGRATIONS.glob("*.sql"))
    known = sorted((int(match.group(1)), path) for match, path in named if match)
    return [Step(version, path) for version, path in known if found < version <= SCHEMA_VERSION]


def require(found: int | None, exists: bool, where: str) -> None:
    """A warehouse of another form is left alone.

    Args:
        found: newest version that its ``ops.version`` records; None where there is no such table.
        exists: whether it holds any of Gorod's tables.

    Raises:
        WarehouseError: a newer Gorod made it, or it has to be migrated first.
    """
    if not exists or found == SCHEMA_VERSION:
        return
    if found is not None and found < SCHEMA_VERSION:
        remedy = "Make a backup, then: gorod warehouse migrate"
    elif found is not None:
        remedy = "Install the newer Gorod that made it, or set GOROD_WAREHOUSE to a new warehouse."
    else:
        remedy = "Set GOROD_WAREHOUSE to a new file: gorod run fills it from the same origins."
    raise WarehouseError(
        f"warehouse {where} was made by another version of Gorod (its ledger is {found or 'older'}, ours is {SCHEMA_VERSION})",
        remedy,
    )
