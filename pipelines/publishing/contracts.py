"""The published contracts, and writing them: one DuckDB file, Parquet beside it, a file for each region."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from pipelines.errors import GorodError
from pipelines.publishing.folders import sha256_of
from pipelines.publishing.keys import primary_key
from pipelines.sql import literal, quoted
from pipelines.warehouse.tables import contracts_schema

SCHEMA = "published"
DATABASE = "gorod.duckdb"
MANIFEST = "manifest.json"

TERRITORIES = "pub_territory_v1"
OBSERVATIONS = "pub_observation_v1"
BOUNDARIES = "pub_boundary_v1"
LOADS = "pub_load_v1"
# rows of a Parquet row group
ROW_GROUP = 100_000
SLICE_KEY = ("source", "feed", "instance", "slice")


@dataclass(frozen=True)
class Column:
    """A column of a published table."""

    name: str
    type: str
    comment: str | None

    @property
    def is_moment(self) -> bool:
        """Whether it says when something was processed, not what is known."""
        return self.name.endswith("_at") or self.type.startswith("TIMESTAMP")


@dataclass(frozen=True)
class Contract:
    """A published table: its source, comment and columns."""

    name: str
    read_from: str
    comment: str | None
    columns: tuple[Column, ...]

    def has(self, *columns: str) -> bool:
        """Whether it has all these columns."""
        return set(columns) <= {column.name for column in self.columns}


def read_contracts(connection: duckdb.DuckDBPyConnection, warehouse: str) -> list[Contract]:
    """Every table or view ``published.pub_*``, with comments, ordered by name."""
    schema = contracts_schema(connection, warehouse)
    tables = connection.execute(
        "select table_name, comment from duckdb_tables()"
        " where database_name = $db and schema_name = $schema and starts_with(table_name, 'pub_')"
        " union all select view_name, comment from duckdb_views()"
        " where database_name = $db and schema_name = $schema and starts_with(view_name, 'pub_') order by 1",
        {"db": warehouse, "schema": schema},
    ).fetchall()
    columns = connection.execute(
        "select table_name, column_name, data_type, comment from duckdb_columns()"
        " where database_name = $db and schema_name = $schema order by table_name, column_index",
        {"db": warehouse, "schema": schema},
    ).fetchall()
    contracts = [
        Contract(
            name,
            f"{quoted(warehouse)}.{schema}.{quoted(name)}",
            comment,
            tuple(Column(*column) for table, *column in columns if table == name),
        )
        for name, comment in tables
    ]
    missing = {TERRITORIES, OBSERVATIONS, BOUNDARIES, LOADS} - {contract.name for contract in contracts}
    if missing:
        names = ", ".join(f"{SCHEMA}.{name}" for name in sorted(missing))
        raise GorodError(
            f"not published: the warehouse has no {names}",
            "Build the marts: run `gorod run`.",
        )
    return contracts


def content_hash_of(connection: duckdb.DuckDBPyConnection, contracts: list[Contract]) -> str:
    """SHA-256 over names, types, comments and the multiset of rows of all tables."""
    total = hashlib.sha256()
    for contract in contracts:
        known = ", ".join(quoted(column.name) for column in contract.columns if not column.is_moment)
        (rows,) = connection.execute(
            "select sha256(coalesce(string_agg(row_hash, '' order by row_hash), '')) from"
            " (select sha256(to_json(t)::varchar) as row_hash"
            f" from (select {known} from {contract.read_from}) as t)"
        ).fetchone() or ("",)
        columns = [[column.name, column.type, column.comment] for column in contract.columns]
        total.update(json.dumps([contract.name, contract.comment, columns, rows]).encode())
    return total.hexdigest()


def write_contracts(
    connection: duckdb.DuckDBPyConnection,
    contracts: list[Contract],
    folder: Path,
    head: dict[str, Any],
    *,
    with_regions: bool,
    more: dict[str, Any] | None = None,
    before: Path | None = None,
) -> dict[str, Any]:
    """Write the contracts into an empty folder, with the manifest; return the manifest.

    Args:
        head: the contents of ``published.publication``: publication_id, created_at, content_hash, definitions_hash.
        with_regions: also write a file for each region with only its rows.
        more: additional entries of the manifest.
        before: a folder written so before, by the same definitions. Its Parquet files and those of regions are copied where
            they hold the same.
    """
    earlier = Earlier() if before is None else earlier_files(connection, contracts, before)
    (folder / "parquet").mkdir()
    files = [write_database(connection, folder / DATABASE, contracts, head, None, earlier)]
    for contract in contracts:
        path = folder / "parquet" / f"{contract.name}.parquet"
        if contract.name in earlier.same and path.name in earlier.files:
            shutil.copyfile(earlier.files[path.name], path)
        else:
            _write_parquet(connection, path, contract)
        files.append({"path": path, "rows": files[0]["row_counts"][contract.name]})
    if with_regions:
        (folder / "regions").mkdir()
        files += [
            write_database(
                connection, folder / "regions" / f"{region}.duckdb", contracts, head, region, earlier
            )
            for region in _regions(connection, contracts)
        ]
    described = {
        str(file["path"].relative_to(folder)): {
            "sha256": sha256_of(file["path"]),
            "bytes": file["path"].stat().st_size,
            **{key: value for key, value in file.items() if key != "path"},
        }
        for file in files
    }
    manifest = {
        **head,
        **(more or {}),
        "synthetic": files[0]["synthetic"],
        "row_counts": files[0]["row_counts"],
        "files": described,
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    return manifest


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
            and tuple(keys.get(contract.name, ())) == _key_of(contract)
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


def _take_over(
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
            rows = _rows_of_region(contract, named, region)
            if contract.name in earlier.same and (is_filtered_alike or not rows):
                continue
            if not _same_rows(connection, contract, f"earlier.{SCHEMA}.{quoted(contract.name)}", rows):
                return False
    finally:
        connection.execute("detach earlier")
    shutil.copyfile(before, path)
    return True


def _write_parquet(connection: duckdb.DuckDBPyConnection, path: Path, contract: Contract) -> None:
    """Write a contract as Parquet, with descriptions of its columns.

    A decimal is written as a double, which pandas and polars expect. The exact value is in the DuckDB file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers = ", ".join(
        f"{quoted(column.name)}::DOUBLE as {quoted(column.name)}"
        for column in contract.columns
        if column.type.startswith("DECIMAL")
    )
    columns = f"* replace ({numbers})" if numbers else "*"
    rows = connection.execute(
        f"select {columns} from (from {contract.read_from} order by all)"
    ).to_arrow_reader(ROW_GROUP)
    described = {column.name: column.comment for column in contract.columns}
    schema = pa.schema(
        [
            field.with_metadata({"description": text}) if (text := described[field.name]) else field
            for field in rows.schema
        ],
        {"description": contract.comment} if contract.comment else None,
    )
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in rows:
            writer.write_batch(batch.cast(schema))


def write_database(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    contracts: list[Contract],
    head: dict[str, Any],
    region: str | None,
    earlier: Earlier | None = None,
) -> dict[str, Any]:
    """Write the contracts into a new DuckDB file: all rows, or those of ``region``.

    A region's file that was written ``earlier`` and holds the same is copied.

    Returns ``path``, ``row_counts`` by table and ``synthetic``.
    """
    is_copied = (
        region is not None
        and earlier is not None
        and _take_over(connection, path, contracts, region, earlier)
    )
    connection.execute(f"attach {literal(str(path))} as snapshot (block_size 16384)")
    try:
        connection.execute("begin")
        connection.execute(f"create schema if not exists snapshot.{SCHEMA}")
        connection.execute(f"drop table if exists snapshot.{SCHEMA}.publication")
        synthetic = False
        row_counts = {}
        for contract in contracts:
            table = f"snapshot.{SCHEMA}.{quoted(contract.name)}"
            if not is_copied:
                _write_table(connection, table, contract, contracts, region)
            flag = "coalesce(bool_or(synthetic), false)" if contract.has("synthetic") else "false"
            row_counts[contract.name], any_synthetic = connection.execute(
                f"select count(*), {flag} from {table}"
            ).fetchall()[0]
            synthetic = synthetic or any_synthetic
        table = f"snapshot.{SCHEMA}.publication"
        connection.execute(
            f"create table {table} as select $publication_id::varchar as publication_id,"
            " $created_at::timestamptz as created_at, $region::varchar as region,"
            " $content_hash::varchar as content_hash, $definitions_hash::varchar as definitions_hash,"
            " $row_counts::json::map(varchar, bigint) as row_counts, $synthetic::boolean as synthetic",
            {**head, "region": region, "row_counts": json.dumps(row_counts), "synthetic": synthetic},
        )
        _comment(connection, f"table {table}", "Which publication this file belongs to. One row.")
        for name, comment in _PUBLICATION_COLUMNS.items():
            _comment(connection, f"column {table}.{name}", comment)
        connection.execute("commit")
    finally:
        connection.execute("detach snapshot")
    return {"path": path, "row_counts": row_counts, "synthetic": synthetic}


def _write_table(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    contract: Contract,
    contracts: list[Contract],
    region: str | None,
) -> None:
    rows = "" if region is None else _rows_of_region(contract, {c.name: c for c in contracts}, region)
    connection.execute(f"create table {table} as select * from {contract.read_from} {rows} order by all")
    _declare_key(connection, table, contract)
    _comment(connection, f"table {table}", contract.comment)
    for column in contract.columns:
        _comment(connection, f"column {table}.{quoted(column.name)}", column.comment)


_PUBLICATION_COLUMNS = {
    "publication_id": "Name of the publication's folder",
    "created_at": "When it was built",
    "region": "ref_area of the region whose rows this file holds; NULL: the whole country",
    "content_hash": "SHA-256 over the whole publication's data, the same for the same figures",
    "definitions_hash": "Hash of the definitions that the marts were built from",
    "row_counts": "Rows of each table in this file",
    "synthetic": "True if any row of this file comes from invented data",
}


def _key_of(contract: Contract) -> tuple[str, ...]:
    key = primary_key(contract.name)
    return key if contract.has(*key) else ()


def _declare_key(connection: duckdb.DuckDBPyConnection, table: str, contract: Contract) -> None:
    """Declare the table's primary key if it holds: tools that draw diagrams and join automatically look for it."""
    key = _key_of(contract)
    if not key:
        return
    names = ", ".join(map(quoted, key))
    absent = " or ".join(f"{quoted(name)} is null" for name in key)
    broken = connection.execute(
        f"select 1 from {table} group by {names} having count(*) > 1 or bool_or({absent}) limit 1"
    ).fetchone()
    if broken is None:
        connection.execute(f"alter table {table} add primary key ({names})")


def _rows_of_region(contract: Contract, contracts: dict[str, Contract], region: str) -> str:
    """The WHERE clause that selects the rows of ``region``; empty for catalogues.

    Loads carry a territory too, but a country-wide delivery feeds every region: a region sees the loads that its own
    observations and outlines come from, and those that its own territories delivered.
    """
    own = f"(select ref_area from {contracts[TERRITORIES].read_from} where {literal(region)} in (ref_area, region))"
    if contract.has("load_id", *SLICE_KEY):
        fed = " union all ".join(
            f"select load_id from {contracts[name].read_from} where ref_area in {own}"
            for name in (OBSERVATIONS, BOUNDARIES)
        )
        return f"where ref_area in {own} or load_id in ({fed})"
    if contract.has("ref_area"):
        # a value may have been imputed from those of other regions
        others = f" and reported_by in {own}" if contract.has("reported_by") else ""
        return f"where ref_area in {own}{others}"
    return ""


def _regions(connection: duckdb.DuckDBPyConnection, contracts: list[Contract]) -> list[str]:
    """``ref_area`` of each region, which is also the name of its file."""
    territories = next(contract for contract in contracts if contract.name == TERRITORIES)
    regions = [
        str(region)
        for (region,) in connection.execute(
            f"select distinct ref_area from {territories.read_from} where level = 'region' order by 1"
        ).fetchall()
    ]
    for region in regions:
        if not re.fullmatch(r"[A-Z]{2}-[A-Z0-9]{1,3}", region):
            raise GorodError(
                f"{SCHEMA}.{TERRITORIES}: region {region!r} has no ISO 3166-2 code",
                "Correct its ref_area: the code names the region's file.",
            )
    return regions


def _comment(connection: duckdb.DuckDBPyConnection, what: str, comment: str | None) -> None:
    if comment is not None:
        connection.execute(f"comment on {what} is {literal(comment)}")
