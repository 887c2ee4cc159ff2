"""Frictionless: every published table as CSV, with a tabular data package that describes it.

Format: Data Package v1, profile ``tabular-data-package``: types, descriptions, keys, licences and sources. CSV is
UTF-8, with commas and empty fields for null.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pipelines.publishing.exports.product import write_json
from pipelines.publishing.exports.snapshot import Column, Row, Snapshot, Table
from pipelines.publishing.exports.words import SYNTHETIC
from pipelines.publishing.keys import primary_key, references

TYPES = (
    (r"(VAR)?CHAR|TEXT", "string"),
    (r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?", "integer"),
    (r"DECIMAL.*|DOUBLE|FLOAT|REAL", "number"),
    (r"BOOLEAN", "boolean"),
    (r"DATE", "date"),
)


def make(snapshot: Snapshot, folder: Path, _out: Path) -> None:
    """Write ``data/<table>.csv`` for each table and ``datapackage.json``."""
    (folder / "data").mkdir()
    for table in snapshot.tables.values():
        columns = ", ".join(_written(column) for column in table.columns)
        snapshot.copy(
            f"select {columns} from published.{table.name} order by all",
            folder / "data" / f"{table.name}.csv",
        )
    write_json(descriptor(snapshot, folder), folder / "datapackage.json")


def descriptor(snapshot: Snapshot, folder: Path) -> dict[str, Any]:
    """The data package as a JSON object."""
    mark = f"{SYNTHETIC.ru} / {SYNTHETIC.en}. " if snapshot.synthetic else ""
    package: dict[str, Any] = {
        "profile": "tabular-data-package",
        "name": "gorod-indicators" + (f"-{snapshot.region.lower()}" if snapshot.region else ""),
        "id": snapshot.publication_id,
        "version": snapshot.publication_id,
        "created": snapshot.created_at.isoformat(),
        "title": f"{mark}Показатели «Умные города Беларуси» / Indicators of «Smart cities of Belarus»",
        "description": (
            f"{mark}Published tables of Gorod. Numerator, denominator, status and coverage stand beside each value; "
            "a missing value has a reason and is not zero."
        ),
        "synthetic": snapshot.synthetic,
        "contentHash": snapshot.content_hash,
    }
    licences, sources = _origins(snapshot)
    if licences:
        package["licenses"] = licences
    if sources:
        package["sources"] = sources
    package["resources"] = [_resource(table, snapshot, folder) for table in snapshot.tables.values()]
    return package


def _resource(table: Table, snapshot: Snapshot, folder: Path) -> dict[str, Any]:
    file = f"data/{table.name}.csv"
    resource: dict[str, Any] = {
        "profile": "tabular-data-resource",
        "name": table.name,
        "path": file,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": (folder / file).stat().st_size,
    }
    if table.comment:
        resource["description"] = table.comment
    names = {column.name for column in table.columns}
    key = primary_key(table.name)
    schema: dict[str, Any] = {
        "fields": [_field(column, column.name in key, key == (column.name,)) for column in table.columns],
        "missingValues": [""],
    }
    if key:
        schema["primaryKey"] = list(key)
    relations = [
        # a reference to the same table is written without its name
        {
            "fields": list(columns),
            "reference": {
                "resource": "" if target == table.name else target,
                "fields": list(primary_key(target)),
            },
        }
        for columns, target in references(table.name, names).items()
        if target in snapshot.tables and _holds(table.name, columns, target, snapshot)
    ]
    if relations:
        schema["foreignKeys"] = relations
    return {**resource, "schema": schema}


def _holds(table: str, columns: tuple[str, ...], target: str, snapshot: Snapshot) -> bool:
    """Whether each value is listed: a region's file lacks the levels above it, and some columns have other codes."""
    pairs = " and ".join(
        f"listed.{there} = given.{here}" for here, there in zip(columns, primary_key(target), strict=True)
    )
    # a partly empty key is not a key
    given = " or ".join(f"given.{column} is not null" for column in columns)
    (found,) = snapshot.ask(
        f"select count(*) as unlisted from published.{table} as given where ({given})"
        f" and not exists (select 1 from published.{target} as listed where {pairs})"
    )
    return bool(found["unlisted"] == 0)


def _field(column: Column, in_key: bool, alone: bool) -> dict[str, Any]:
    field: dict[str, Any] = {"name": column.name, "type": _type(column)}
    if field["type"] == "boolean":
        field |= {"trueValues": ["true"], "falseValues": ["false"]}
    if column.comment:
        field["description"] = column.comment
    constraints = {**({"required": True} if in_key else {}), **({"unique": True} if alone else {})}
    if constraints:
        field["constraints"] = constraints
    return field


def _type(column: Column) -> str:
    if column.name == "geometry":
        return "geojson"
    if column.type.startswith("TIMESTAMP"):
        return "datetime"
    return next((name for pattern, name in TYPES if re.fullmatch(pattern, column.type)), "any")


def _written(column: Column) -> str:
    """A moment as ISO 8601 in UTC; anything else as DuckDB writes it."""
    if column.type.startswith("TIMESTAMP"):
        return f"strftime({column.name}, '%Y-%m-%dT%H:%M:%SZ') as {column.name}"
    return column.name


def _origins(snapshot: Snapshot) -> tuple[list[Row], list[Row]]:
    """Licences and sources of the loads that the figures come from."""
    loads = snapshot.rows("pub_load_v1")
    licences = sorted({row["licence"] for row in loads if row["licence"]})
    sources = sorted({row["attribution"] for row in loads if row["attribution"]})
    return (
        [
            {"name": _licence_name(title, number), "title": title}
            for number, title in enumerate(licences, start=1)
        ],
        [{"title": title} for title in sources],
    )


def _licence_name(title: str, number: int) -> str:
    """A name as the format requires it; a licence named in Russian gets a number."""
    name = re.sub(r"[^A-Za-z0-9.]+", "-", title).strip("-.")
    return name if name and re.fullmatch(r"[\x00-\x7f]+", title) else f"licence-{number}"
