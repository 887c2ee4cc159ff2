"""Publications: what readers see, cut loose from the warehouse that is being written.

A publication is one folder: the ``published`` contracts of the warehouse as a DuckDB file, as Parquet, and as
one DuckDB file for each region with that region's rows alone. It is built beside the others, made durable,
renamed into place, and then ``current`` is swapped to it, each in one step of the file system: a reader sees
the publication before or the one after. Nothing in a published folder is ever written again.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import duckdb

from pipelines.errors import GorodError, WarehouseError
from pipelines.publishing.embargo import require_no_embargoed
from pipelines.publishing.folders import BUILDING, only_writer, remove_leftovers, seal, sha256_of, sync
from pipelines.settings import Settings
from pipelines.warehouse import open_warehouse, server_of
from pipelines.warehouse.tables import contracts_schema

SCHEMA = "published"
DATABASE = "gorod.duckdb"
MANIFEST = "manifest.json"
CURRENT = "current"
BUILT_FROM = ".built-from"

TERRITORIES = "pub_territory_v1"
OBSERVATIONS = "pub_observation_v1"
LOADS = "pub_load_v1"
SLICE_KEY = ("source", "feed", "instance", "slice")


@dataclass(frozen=True)
class Publication:
    """One publication on disk. ``is_new`` is False when the content was published before.

    ``content_hash`` depends on the data, the columns and their comments: not on the order of rows, and not on
    the moments at which things were processed. ``row_counts`` is by table.
    """

    id: str
    folder: Path
    created_at: datetime
    content_hash: str
    definitions_hash: str
    synthetic: bool
    row_counts: dict[str, int]
    is_new: bool = False

    @property
    def database(self) -> Path:
        """The DuckDB file with schema ``published``."""
        return self.folder / DATABASE


@dataclass(frozen=True)
class _Column:
    name: str
    type: str
    comment: str | None

    @property
    def is_moment(self) -> bool:
        """Says when something was processed, not what is known."""
        return self.name.endswith("_at") or self.type.startswith("TIMESTAMP")


@dataclass(frozen=True)
class _Contract:
    """A published table: where it is read from, its comment and columns."""

    name: str
    read_from: str
    comment: str | None
    columns: tuple[_Column, ...]

    def has(self, *columns: str) -> bool:
        return set(columns) <= {column.name for column in self.columns}


def publish(settings: Settings) -> Publication:
    """Publish the warehouse's contracts, unless their content is what was published last.

    Returns:
        The publication that ``current`` shows now.

    Raises:
        GorodError: the marts are not built, failed to build, or are older than the ledger.
        WarehouseBusyError: another process holds the warehouse or is publishing.
        WarehouseError: the publication cannot be written; what was published stays.
    """
    with _only_publisher(settings):
        with _open_warehouse(settings) as (connection, warehouse):
            definitions_hash, build = _require_sound_build(connection, warehouse)
            contracts = _contracts(connection, warehouse)
            _require_no_embargoed(connection, warehouse, contracts)
            content_hash = _content_hash(connection, contracts)
            publication = _newest(settings.published, content_hash)
            if publication is None:
                publication = _build(
                    settings.published, connection, contracts, content_hash, definitions_hash
                )
        is_new = _show(settings.published, publication)
        _show_on_server(settings, publication)
        _note_build(settings.published, build)
        _remove_old(settings.published, settings.keep_publications)
    return Publication(**{**publication.__dict__, "is_new": is_new})


def _show_on_server(settings: Settings, publication: Publication) -> None:
    """The same on the server, where the warehouse is on one."""
    server = server_of(settings)
    if server is None:
        return
    from pipelines.publishing.server import publish_on_server

    publish_on_server(
        server,
        {
            "publication_id": publication.id,
            "created_at": publication.created_at,
            "content_hash": publication.content_hash,
            "definitions_hash": publication.definitions_hash,
            "synthetic": publication.synthetic,
        },
    )


def shown_build(settings: Settings) -> str | None:
    """The dbt invocation whose marts readers see; None where nothing is published, or a run was killed before."""
    if not (settings.published / CURRENT).exists() or not (settings.published / BUILT_FROM).exists():
        return None
    return (settings.published / BUILT_FROM).read_text(encoding="utf-8")


def current_publication(settings: Settings) -> Publication | None:
    """The publication that readers see, or None before the first.

    ``folder`` is free of links: it stays the same while a newer one is swapped in.

    Raises:
        WarehouseError: its manifest cannot be read.
    """
    link = settings.published / CURRENT
    if not link.exists():
        return None
    folder = link.resolve()
    publication = _read_publication(folder)
    if publication is None:
        raise WarehouseError(
            f"{folder / MANIFEST}: no manifest of a publication",
            "Run `gorod run`: the publication is made again.",
        )
    return publication


@contextmanager
def _only_publisher(settings: Settings) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(only_writer(settings.published, settings.busy_timeout_s, "publishing"))
            remove_leftovers(settings.published)
        except OSError as error:
            raise _cannot_write(settings.published, error) from error
        yield


@contextmanager
def _open_warehouse(settings: Settings) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """The warehouse, read only, in a connection that can write elsewhere; and the warehouse's name in it."""
    with duckdb.connect() as connection:
        # instants in the snapshot must not depend on where the machine stands
        connection.execute("set timezone = 'UTC'")
        yield connection, open_warehouse(settings).attach(connection)


def _require_sound_build(connection: duckdb.DuckDBPyConnection, warehouse: str) -> tuple[str, str]:
    """Definitions' hash and dbt invocation of the last whole build, if it knows the whole ledger.

    Neither it nor a build of selected models since (``whole`` is false) may have failed.
    """
    remedy = "Run `gorod run`: it builds the marts and publishes."
    ops = f"{_name(warehouse)}.ops"
    try:
        builds = connection.execute(
            f"select ok, whole, definitions_hash, ledger_version, invocation_id from {ops}.build"
            f" where built_at >= (select max(built_at) from {ops}.build where whole) order by built_at"
        ).fetchall()
        (events,) = connection.execute(f"select count(*) from {ops}.load_event").fetchone() or (0,)
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise GorodError("nothing to publish: the warehouse holds no ledger of builds", remedy) from error
    if not builds:
        raise GorodError("nothing to publish: the marts have never been built as a whole", remedy)
    failed = [invocation for ok, *_, invocation in builds if not ok]
    if failed:
        raise GorodError(
            f"not published: the last build of the marts failed ({failed[-1]});"
            " what was published before stays",
            "Mend what the build's log names, then run `gorod run` again.",
        )
    _, _, definitions_hash, ledger_version, invocation = builds[0]
    if ledger_version != events:
        raise GorodError(
            f"not published: the marts are older than the loads (built at {ledger_version} decisions of the"
            f" ledger, which now holds {events}); what was published before stays",
            remedy,
        )
    _require_index(connection, ops, str(invocation), remedy)
    return str(definitions_hash), str(invocation)


def _require_index(connection: duckdb.DuckDBPyConnection, ops: str, build: str, remedy: str) -> None:
    """The indices, where there are any, were computed from the values of this build."""
    try:
        found = connection.execute(
            f"select max_by(invocation_id, built_at) from {ops}.index_build"
        ).fetchone()
    except (duckdb.CatalogException, duckdb.BinderException):
        return
    if found is None or found[0] != build:
        raise GorodError(
            "not published: the indices are older than the indicator values; what was published before stays",
            remedy,
        )


def _require_no_embargoed(
    connection: duckdb.DuckDBPyConnection, warehouse: str, contracts: list[_Contract]
) -> None:
    for contract in contracts:
        columns = {column.name for column in contract.columns}
        require_no_embargoed(
            connection, f"{_name(warehouse)}.intermediate", contract.name, contract.read_from, columns
        )


def _contracts(connection: duckdb.DuckDBPyConnection, warehouse: str) -> list[_Contract]:
    """Every table or view ``published.pub_*``, with comments, in the order of names."""
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
        _Contract(
            name,
            f"{_name(warehouse)}.{schema}.{_name(name)}",
            comment,
            tuple(_Column(*column) for table, *column in columns if table == name),
        )
        for name, comment in tables
    ]
    missing = {TERRITORIES, OBSERVATIONS, LOADS} - {contract.name for contract in contracts}
    if missing:
        names = ", ".join(f"{SCHEMA}.{name}" for name in sorted(missing))
        raise GorodError(
            f"not published: the warehouse has no {names}",
            "Build the marts: run `gorod run`.",
        )
    return contracts


def _content_hash(connection: duckdb.DuckDBPyConnection, contracts: list[_Contract]) -> str:
    """SHA-256 over names, types, comments and the multiset of rows of all tables."""
    total = hashlib.sha256()
    for contract in contracts:
        known = ", ".join(_name(column.name) for column in contract.columns if not column.is_moment)
        (rows,) = connection.execute(
            "select sha256(coalesce(string_agg(row_hash, '' order by row_hash), '')) from"
            " (select sha256(to_json(t)::varchar) as row_hash"
            f" from (select {known} from {contract.read_from}) as t)"
        ).fetchone() or ("",)
        columns = [[column.name, column.type, column.comment] for column in contract.columns]
        total.update(json.dumps([contract.name, contract.comment, columns, rows]).encode())
    return total.hexdigest()


def _build(
    published: Path,
    connection: duckdb.DuckDBPyConnection,
    contracts: list[_Contract],
    content_hash: str,
    definitions_hash: str,
) -> Publication:
    """Write a publication beside the others, make it durable, rename it into place."""
    created_at = datetime.now(UTC).replace(microsecond=0)
    identity = _free_id(published, f"{created_at:%Y%m%dT%H%M%SZ}-{content_hash[:12]}")
    building = published / f"{BUILDING}{identity}"
    head: dict[str, Any] = {
        "publication_id": identity,
        "created_at": created_at.isoformat(),
        "content_hash": content_hash,
        "definitions_hash": definitions_hash,
    }
    try:
        for folder in (building, building / "parquet", building / "regions"):
            folder.mkdir()
        files = [_write_database(connection, building / DATABASE, contracts, head, None)]
        for contract in contracts:
            path = building / "parquet" / f"{contract.name}.parquet"
            connection.execute(
                f"copy (select * from {contract.read_from} order by all) to {_text(str(path))}"
                " (format parquet, compression zstd)"
            )
            files.append({"path": path, "rows": files[0]["row_counts"][contract.name]})
        files += [
            _write_database(connection, building / "regions" / f"{region}.duckdb", contracts, head, region)
            for region in _regions(connection, contracts)
        ]
        described = {
            str(file["path"].relative_to(building)): {
                "sha256": sha256_of(file["path"]),
                "bytes": file["path"].stat().st_size,
                **{key: value for key, value in file.items() if key != "path"},
            }
            for file in files
        }
        manifest = {
            **head,
            "synthetic": files[0]["synthetic"],
            "row_counts": files[0]["row_counts"],
            "files": described,
        }
        text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
        (building / MANIFEST).write_text(text, encoding="utf-8")
        seal(building)
        folder = published / identity
        building.rename(folder)
        sync(published)
    except (OSError, duckdb.Error) as error:
        shutil.rmtree(building, ignore_errors=True)
        raise _cannot_write(published, error) from error
    publication = _read_publication(folder)
    if publication is None:
        raise WarehouseError(
            f"{folder}: the publication just written is not whole", "Check the disk, then try again."
        )
    return publication


def _write_database(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    contracts: list[_Contract],
    head: dict[str, Any],
    region: str | None,
) -> dict[str, Any]:
    """Write the contracts into a fresh DuckDB file: all rows, or those of ``region``.

    Returns ``path``, ``row_counts`` by table and ``synthetic``.
    """
    connection.execute(f"attach {_text(str(path))} as snapshot (block_size 16384)")
    try:
        connection.execute("begin")
        connection.execute(f"create schema snapshot.{SCHEMA}")
        synthetic = False
        row_counts = {}
        for contract in contracts:
            table = f"snapshot.{SCHEMA}.{_name(contract.name)}"
            rows = "" if region is None else _rows_of_region(contract, {c.name: c for c in contracts}, region)
            connection.execute(
                f"create table {table} as select * from {contract.read_from} {rows} order by all"
            )
            _comment(connection, f"table {table}", contract.comment)
            for column in contract.columns:
                _comment(connection, f"column {table}.{_name(column.name)}", column.comment)
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


_PUBLICATION_COLUMNS = {
    "publication_id": "Name of the publication's folder",
    "created_at": "When it was built",
    "region": "ref_area of the region whose rows this file holds; NULL: the whole country",
    "content_hash": "SHA-256 over the whole publication's data, the same for the same figures",
    "definitions_hash": "Hash of the definitions that the marts were built from",
    "row_counts": "Rows of each table in this file",
    "synthetic": "True if any row of this file comes from invented data",
}


def _rows_of_region(contract: _Contract, contracts: dict[str, _Contract], region: str) -> str:
    """The WHERE clause that keeps what belongs to ``region``; empty for catalogues.

    Loads carry a territory too, but a country-wide delivery feeds every region: a region sees the loads that
    its own observations come from, and those that its own territories delivered.
    """
    territories, observations = contracts[TERRITORIES].read_from, contracts[OBSERVATIONS].read_from
    own = f"(select ref_area from {territories} where {_text(region)} in (ref_area, region))"
    loads = f"(ref_area in {own} or load_id in (select load_id from {observations} where ref_area in {own}))"
    if contract.name == LOADS:
        return f"where {loads}"
    if contract.has("ref_area"):
        return f"where ref_area in {own}"
    if contract.has(*SLICE_KEY):
        key = ", ".join(SLICE_KEY)
        return f"where ({key}) in (select ({key}) from {contracts[LOADS].read_from} where {loads})"
    return ""


def _regions(connection: duckdb.DuckDBPyConnection, contracts: list[_Contract]) -> list[str]:
    """``ref_area`` of each region, which is the name of its file."""
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


def _show(published: Path, publication: Publication) -> bool:
    """Point ``current`` at the publication. False if it did so already."""
    link = published / CURRENT
    if link.is_symlink() and link.readlink() == Path(publication.id):
        return False
    beside = published / f"{BUILDING}{CURRENT}"
    try:
        beside.symlink_to(publication.id)
        beside.replace(link)
        sync(published)
    except OSError as error:
        raise _cannot_write(published, error) from error
    return True


def _note_build(published: Path, build: str) -> None:
    """Note whose marts are shown: the last step, so that a run killed before it is seen to have been."""
    try:
        beside = published / f"{BUILT_FROM}-new"
        beside.write_text(build, encoding="utf-8")
        beside.replace(published / BUILT_FROM)
    except OSError as error:
        raise _cannot_write(published, error) from error


def _publication_folders(published: Path) -> list[Path]:
    """Folders of publications, oldest first: their names begin with their time."""
    return sorted(p for p in published.iterdir() if re.match(r"\d{8}T\d{6}Z-", p.name) and p.is_dir())


def _newest(published: Path, content_hash: str) -> Publication | None:
    """The newest publication, if it is whole and has this content.

    It is not always the current one: a process can die between the rename and the swap of the link.
    """
    folders = _publication_folders(published)
    publication = _read_publication(folders[-1]) if folders else None
    return publication if publication is not None and publication.content_hash == content_hash else None


def _read_publication(folder: Path) -> Publication | None:
    """The publication in ``folder``, or None if its manifest or one of its files is missing or cut short."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if any((folder / name).stat().st_size != file["bytes"] for name, file in manifest["files"].items()):
            return None
        return Publication(
            id=manifest["publication_id"],
            folder=folder,
            created_at=datetime.fromisoformat(manifest["created_at"]),
            content_hash=manifest["content_hash"],
            definitions_hash=manifest["definitions_hash"],
            synthetic=manifest["synthetic"],
            row_counts=manifest["row_counts"],
        )
    except (OSError, ValueError, KeyError):
        return None


def _free_id(published: Path, wanted: str) -> str:
    """``wanted``, or with a number behind: the same content in the same second, the first damaged."""
    names = (wanted if number == 1 else f"{wanted}-{number}" for number in count(1))
    return next(name for name in names if not (published / name).exists())


def _remove_old(published: Path, keep: int) -> None:
    """Keep the newest publications; the current one always stays.

    A folder is renamed before it is emptied, so that what carries a publication's name is whole.
    """
    current = (published / CURRENT).readlink().name
    for folder in _publication_folders(published)[:-keep]:
        if folder.name != current:
            shutil.rmtree(folder.rename(published / f"{BUILDING}old-{folder.name}"))


def _comment(connection: duckdb.DuckDBPyConnection, what: str, comment: str | None) -> None:
    if comment is not None:
        connection.execute(f"comment on {what} is {_text(comment)}")


def _cannot_write(published: Path, error: Exception) -> WarehouseError:
    return WarehouseError(
        f"{published}: the publication cannot be written: {error}",
        "Check free space and permissions, then try again; what was published before stays.",
    )


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
