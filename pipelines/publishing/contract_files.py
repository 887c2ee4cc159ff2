"""Writing the contracts: one DuckDB file, Parquet beside it, a file for each region, and the manifest."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import duckdb

from pipelines.errors import GorodError
from pipelines.publishing.contracts import (
    DATABASE,
    MANIFEST,
    SCHEMA,
    TERRITORIES,
    Contract,
    key_of,
    rows_of_region,
)
from pipelines.publishing.earlier_files import Earlier, earlier_files, take_over
from pipelines.publishing.folders import sha256_of
from pipelines.sql import literal, quoted

# rows of a Parquet row group
ROW_GROUP = 100_000
_PUBLICATION_COLUMNS = {
    "publication_id": "Name of the publication's folder",
    "created_at": "When it was built",
    "region": "ref_area of the region whose rows this file holds; NULL: the whole country",
    "content_hash": "SHA-256 over the whole publication's data, the same for the same figures",
    "definitions_hash": "Hash of the definitions that the marts were built from",
    "row_counts": "Rows of each table in this file",
    "synthetic": "True if any row of this file comes from invented data",
}


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
        region is not None and earlier is not None and take_over(connection, path, contracts, region, earlier)
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
    rows = "" if region is None else rows_of_region(contract, {c.name: c for c in contracts}, region)
    connection.execute(f"create table {table} as select * from {contract.read_from} {rows} order by all")
    _declare_key(connection, table, contract)
    _comment(connection, f"table {table}", contract.comment)
    for column in contract.columns:
        _comment(connection, f"column {table}.{quoted(column.name)}", column.comment)


def _declare_key(connection: duckdb.DuckDBPyConnection, table: str, contract: Contract) -> None:
    """Declare the table's primary key if it holds: tools that draw diagrams and join automatically look for it."""
    key = key_of(contract)
    if not key:
        return
    names = ", ".join(map(quoted, key))
    absent = " or ".join(f"{quoted(name)} is null" for name in key)
    broken = connection.execute(
        f"select 1 from {table} group by {names} having count(*) > 1 or bool_or({absent}) limit 1"
    ).fetchone()
    if broken is None:
        connection.execute(f"alter table {table} add primary key ({names})")


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
