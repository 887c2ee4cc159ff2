"""Publications: what readers see, separate from the warehouse that is being written.

A publication is one folder: the ``published`` contracts of the warehouse as a DuckDB file, as Parquet, and as
one DuckDB file for each region with only that region's rows. It is built beside the others, made durable,
renamed into place, and then ``current`` is switched to it, each in one file-system step: a reader sees
either the previous publication or the new one. Nothing in a published folder is ever written again.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from pipelines.errors import GorodError, WarehouseError
from pipelines.publishing.contracts import (
    DATABASE,
    MANIFEST,
    Contract,
    content_hash_of,
    read_contracts,
    write_contracts,
)
from pipelines.publishing.embargo import require_no_embargoed
from pipelines.publishing.folders import BUILDING, free_name, only_writer, remove_leftovers, seal, sync
from pipelines.publishing.soundness import losses, require_ledger, require_no_great_loss
from pipelines.settings import Settings
from pipelines.sql import quoted
from pipelines.warehouse import open_warehouse, server_of
from pipelines.warehouse.base import COPIED

CURRENT = "current"
BUILT_FROM = ".built-from"
RUN = "Run `gorod run`: it builds the marts and publishes."


@dataclass(frozen=True)
class Publication:
    """One publication on disk. ``is_new`` is False if the content was already published.

    ``content_hash`` depends on the data, the columns and their comments: not on the order of rows, and not on
    processing times. ``row_counts`` is by table. ``period`` is that of a release; a
    publication holds everything known and has none.
    """

    id: str
    folder: Path
    created_at: datetime
    content_hash: str
    definitions_hash: str
    synthetic: bool
    row_counts: dict[str, int]
    period: str | None = None
    is_new: bool = False

    @property
    def database(self) -> Path:
        """The DuckDB file with schema ``published``."""
        return self.folder / DATABASE


def publish(settings: Settings, accept_loss: str | None = None) -> Publication:
    """Publish the warehouse's contracts, unless their content is already published.

    Args:
        accept_loss: the reason why it may lose more than ``maximum_loss_pct`` of the published figures.

    Returns:
        The publication that ``current`` points to now.

    Raises:
        GorodError: the marts are not built, failed to build, are older than the ledger or disagree with it, or too
            many figures would be lost.
        WarehouseBusyError: another process holds the warehouse or is publishing.
        WarehouseError: the publication cannot be written; the current one stays.
    """
    with _only_publisher(settings):
        with reading_warehouse(settings) as (connection, warehouse):
            definitions_hash, build = require_sound_build(connection, warehouse)
            contracts = read_contracts(connection, warehouse)
            require_ledger(connection, warehouse, contracts, RUN)
            _require_no_embargoed(connection, warehouse, contracts)
            content_hash = content_hash_of(connection, contracts)
            publication = _newest(settings.published, content_hash)
            if publication is None:
                lost = _require_no_great_loss(settings, connection, contracts, accept_loss)
                publication = _build(
                    settings.published, connection, contracts, content_hash, definitions_hash, lost
                )
        is_new = _show(settings.published, publication)
        _show_on_server(settings, publication)
        _note_build(settings.published, build)
        _remove_old(settings.published, settings.keep_publications)
    return Publication(**{**publication.__dict__, "is_new": is_new})


def _show_on_server(settings: Settings, publication: Publication) -> None:
    """Publish on the server as well, if the warehouse is on one."""
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
    """The dbt invocation whose marts readers see; None if nothing is published, or a run was killed before that."""
    if not (settings.published / CURRENT).exists() or not (settings.published / BUILT_FROM).exists():
        return None
    return (settings.published / BUILT_FROM).read_text(encoding="utf-8")


def current_publication(settings: Settings) -> Publication | None:
    """The publication that readers see, or None before the first.

    ``folder`` contains no links: it stays the same while a newer one becomes current.

    Raises:
        WarehouseError: its manifest cannot be read.
    """
    link = settings.published / CURRENT
    if not link.exists():
        return None
    folder = link.resolve()
    publication = read_publication(folder)
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
def reading_warehouse(settings: Settings) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """A connection that can write elsewhere, with the warehouse attached read-only; and the warehouse's name in it."""
    with duckdb.connect() as connection:
        # timestamps in the snapshot must not depend on the machine's time zone
        connection.execute("set timezone = 'UTC'")
        yield connection, open_warehouse(settings).attach(connection)


def require_sound_build(connection: duckdb.DuckDBPyConnection, warehouse: str) -> tuple[str, str]:
    """Definitions' hash and dbt invocation of the newest build, which must be complete, successful and up to date.

    Raises:
        GorodError: it is not; or the indices were not computed from its values.
    """
    remedy = RUN
    stays = "what was published before stays"
    ops = f"{quoted(warehouse)}.ops"
    try:
        build = connection.execute(
            "select ended, ok, whole, definitions_hash, ledger_version, invocation_id,"
            f" (select count(*) from {ops}.deciding_event) from {ops}.build_state order by build_no desc limit 1"
        ).fetchone()
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise GorodError("nothing to publish: the warehouse holds no ledger of builds", remedy) from error
    if build is None:
        raise GorodError("nothing to publish: the marts have never been built as a whole", remedy)
    ended, ok, whole, definitions_hash, ledger_version, invocation, events = build
    if invocation == COPIED:
        raise GorodError("not published: the warehouse was copied, its marts are not built here yet", remedy)
    if not ended:
        raise GorodError(
            f"not published: a build of the marts began and has not ended ({invocation}); {stays}", remedy
        )
    if not ok:
        raise GorodError(
            f"not published: the last build of the marts failed ({invocation}); {stays}",
            "Mend what the build's log names, then run `gorod run` again.",
        )
    if not whole:
        raise GorodError(
            f"not published: the last build was of a part of the marts, or without rows ({invocation}); {stays}",
            remedy,
        )
    if definitions_hash is None:
        raise GorodError(
            f"not published: dbt was started by hand, nobody knows on which definitions ({invocation}); {stays}",
            remedy,
        )
    if ledger_version != events:
        raise GorodError(
            f"not published: the marts are older than the loads (built at {ledger_version} decisions of the"
            f" ledger, which now holds {events}); {stays}",
            remedy,
        )
    _require_index(connection, ops, str(invocation), remedy)
    return str(definitions_hash), str(invocation)


def _require_index(connection: duckdb.DuckDBPyConnection, ops: str, build: str, remedy: str) -> None:
    """Check that the indices, if any, were computed from this build's values."""
    try:
        found = connection.execute(
            f"select max_by(invocation_id, build_no) from {ops}.build_state"
            f" where invocation_id in (select invocation_id from {ops}.index_build)"
        ).fetchone()
    except (duckdb.CatalogException, duckdb.BinderException):
        return
    if found is None or found[0] != build:
        raise GorodError(
            "not published: the indices are older than the indicator values; what was published before stays",
            remedy,
        )


def _require_no_embargoed(
    connection: duckdb.DuckDBPyConnection, warehouse: str, contracts: list[Contract]
) -> None:
    for contract in contracts:
        columns = {column.name for column in contract.columns}
        require_no_embargoed(
            connection, f"{quoted(warehouse)}.intermediate", contract.name, contract.read_from, columns
        )


def _require_no_great_loss(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    contracts: list[Contract],
    accept_loss: str | None,
) -> dict[str, Any]:
    """The manifest's entry for lost figures; refuse if they are too many and no reason is given."""
    shown = (settings.published / CURRENT).resolve()
    before = read_publication(shown) if shown.is_dir() else None
    if before is None:
        return {}
    found = losses(connection, contracts, str(before.database))
    require_no_great_loss(found, settings.maximum_loss_pct, accept_loss)
    return {"lost": {loss.contract: loss.lost for loss in found}, "lost_why": accept_loss} if found else {}


def _build(
    published: Path,
    connection: duckdb.DuckDBPyConnection,
    contracts: list[Contract],
    content_hash: str,
    definitions_hash: str,
    more: dict[str, Any],
) -> Publication:
    """Write a publication beside the others, make it durable, and rename it into place."""
    created_at = datetime.now(UTC).replace(microsecond=0)
    identity = free_name(published, f"{created_at:%Y%m%dT%H%M%SZ}-{content_hash[:12]}")
    building = published / f"{BUILDING}{identity}"
    number = 1 + max(map(_number, _publication_folders(published)), default=0)
    shown = (published / CURRENT).resolve()
    before = read_publication(shown) if shown.is_dir() else None
    head: dict[str, Any] = {
        "publication_id": identity,
        "created_at": created_at.isoformat(),
        "content_hash": content_hash,
        "definitions_hash": definitions_hash,
    }
    try:
        building.mkdir()
        write_contracts(
            connection,
            contracts,
            building,
            head,
            with_regions=True,
            more={"publication_no": number, **more},
            before=before.folder
            if before is not None and before.definitions_hash == definitions_hash
            else None,
        )
        seal(building)
        folder = published / identity
        building.rename(folder)
        sync(published)
    except (OSError, duckdb.Error) as error:
        shutil.rmtree(building, ignore_errors=True)
        raise _cannot_write(published, error) from error
    publication = read_publication(folder)
    if publication is None:
        raise WarehouseError(
            f"{folder}: the publication just written is not whole", "Check the disk, then try again."
        )
    return publication


def _show(published: Path, publication: Publication) -> bool:
    """Point ``current`` at the publication. Return False if it already did."""
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
    """Record whose marts are published: the last step, so that a run killed before it is detected."""
    try:
        beside = published / f"{BUILT_FROM}-new"
        beside.write_text(build, encoding="utf-8")
        beside.replace(published / BUILT_FROM)
    except OSError as error:
        raise _cannot_write(published, error) from error


def _publication_folders(published: Path) -> list[Path]:
    """Folders of publications, oldest first: by number; older ones without a number by the time in their names."""
    found = [p for p in published.iterdir() if re.match(r"\d{8}T\d{6}Z-", p.name) and p.is_dir()]
    return sorted(found, key=lambda folder: (_number(folder), folder.name))


def _number(folder: Path) -> int:
    """The number of the publication; 0 if its manifest has none."""
    try:
        return int(json.loads((folder / MANIFEST).read_text(encoding="utf-8")).get("publication_no", 0))
    except (OSError, ValueError):
        return 0


def _newest(published: Path, content_hash: str) -> Publication | None:
    """The newest publication, if it is complete and has this content.

    It is not always the current one: a process can die between the rename and the switch of the link.
    """
    folders = _publication_folders(published)
    publication = read_publication(folders[-1]) if folders else None
    return publication if publication is not None and publication.content_hash == content_hash else None


def read_publication(folder: Path) -> Publication | None:
    """The publication in ``folder``, or None if its manifest or one of its files is missing or truncated."""
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
            period=manifest.get("period"),
        )
    except (OSError, ValueError, KeyError):
        return None


def _remove_old(published: Path, keep: int) -> None:
    """Keep the newest publications; the current one always stays.

    A folder is renamed before it is emptied, so that a folder with a publication's name is always complete.
    """
    current = (published / CURRENT).readlink().name
    for folder in _publication_folders(published)[:-keep]:
        if folder.name != current:
            shutil.rmtree(folder.rename(published / f"{BUILDING}old-{folder.name}"))


def _cannot_write(published: Path, error: Exception) -> WarehouseError:
    return WarehouseError(
        f"{published}: the publication cannot be written: {error}",
        "Check free space and permissions, then try again; what was published before stays.",
    )
