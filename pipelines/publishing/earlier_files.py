"""Files of an earlier publication that hold the same rows: they are copied, not written again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from pipelines.publishing.contracts import (
    BOUNDARIES,
    DATABASE,
    MANIFEST,
    OBSERVATIONS,
    SCHEMA,
    TERRITORIES,
    Contract,
    key_of,
    rows_of_region,
)
from pipelines.publishing.folders import sha256_of
from pipelines.sql import literal, quoted


@dataclass(frozen=True)
class Earlier:
    """What was written before: undamaged files by name, and the contracts that have the same rows now.

    ``is_same_form`` says whether all contracts have the columns, types, comments and keys that they had, and there are no
    others.
    """

    files: Mapping[str, Path] = field(default_factory=dict)
    same: frozenset[str] = frozenset()
    is_same_form: bool = False


def earlier_files(connection: duckdb.DuckDBPyConnection, contracts: list[Contract], before: Path) -> Earlier:
    """Compare the contracts with the files in a folder that was written before: columns, comments, keys, every value."""
    manifest = json.loads((before / MANIFEST).read_text(encoding="utf-8"))
    files = {
        Path(name).name: before / name
        for name, described in manifest["files"].items()
        if (before / name).is_file() and sha256_of(before / name) == described["sha256"]
    }
    if DATABASE not in files:
        return Earlier()
    connection.execute(f"attach {literal(str(files[DATABASE]))} as earlier (read_only)")
    try:
        forms: dict[str, list[tuple[str, ...]]] = {}
        for table, *column in connection.execute(
            "select table_name, column_name, data_type, comment from duckdb_columns()"
            " where database_name = 'earlier' and schema_name = ? order by table_name, column_index",
            [SCHEMA],
        ).fetchall():
            forms.setdefault(table, []).append(tuple(column))
        comments = dict(
            connection.execute(
                "select table_name, comment from duckdb_tables() where database_name = 'earlier'"
            ).fetchall()
        )
        keys = dict(
            connection.execute(
                "select table_name, constraint_column_names from duckdb_constraints()"
                " where database_name = 'earlier' and constraint_type = 'PRIMARY KEY'"
            ).fetchall()
        )
        of_same_form = [
            contract
            for contract in contracts
            if forms.get(contract.name) == [(one.name, one.type, one.comment) for one in contract.columns]
            and comments[contract.name] == contract.comment
            and tuple(keys.get(contract.name, ())) == key_of(contract)
        ]
        same = {
            contract.name
            for contract in of_same_form
            if _same_rows(connection, contract, f"earlier.{SCHEMA}.{quoted(contract.name)}")
        }
    finally:
        connection.execute("detach earlier")
    is_same_form = len(of_same_form) == len(contracts) == len(forms.keys() - {"publication"})
    return Earlier(files, frozenset(same), is_same_form)


def _same_rows(
    connection: duckdb.DuckDBPyConnection, contract: Contract, table: str, where: str = ""
) -> bool:
    """Whether a table holds the rows of a contract, each as often: by the sum of the rows' hashes, of 64 bits each."""
    columns = ", ".join(quoted(column.name) for column in contract.columns)
    contents = f"select count(*), sum(hash({columns})::hugeint) from"
    rows = connection.execute(
        f"{contents} {table} union all {contents} {contract.read_from} {where}"
    ).fetchall()
    return bool(rows[0] == rows[1])


def take_over(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    contracts: list[Contract],
    region: str,
    earlier: Earlier,
) -> bool:
    """Copy the file of a region that was written before, if it holds the very rows that would be written now.

    One that holds others is written from nothing: what a region has lost must not remain in the pages of its file.
    """
    before = earlier.files.get(path.name)
    if before is None or not earlier.is_same_form:
        return False
    named = {contract.name: contract for contract in contracts}
    # whose a row is depends on other tables, too
    is_filtered_alike = earlier.same >= {TERRITORIES, OBSERVATIONS, BOUNDARIES}
    connection.execute(f"attach {literal(str(before))} as earlier (read_only)")
    try:
        for contract in contracts:
            rows = rows_of_region(contract, named, region)
            if contract.name in earlier.same and (is_filtered_alike or not rows):
                continue
            if not _same_rows(connection, contract, f"earlier.{SCHEMA}.{quoted(contract.name)}", rows):
                return False
    finally:
        connection.execute("detach earlier")
    shutil.copyfile(before, path)
    return True
