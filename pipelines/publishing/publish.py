"""Publish: write the contracts beside the other publications, then make them current in one step."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from pipelines.errors import WarehouseError
from pipelines.publishing.contract_files import write_contracts
from pipelines.publishing.contracts import Contract, content_hash_of, read_contracts
from pipelines.publishing.embargo import require_no_embargoed
from pipelines.publishing.folders import BUILDING, free_name, only_writer, remove_leftovers, seal, sync
from pipelines.publishing.publication import (
    BUILT_FROM,
    CURRENT,
    Publication,
    newest_with,
    publication_folders,
    publication_number,
    read_publication,
    reading_warehouse,
)
from pipelines.publishing.sound_build import RUN, require_sound_build
from pipelines.publishing.soundness import losses, require_ledger, require_no_great_loss
from pipelines.settings import Settings
from pipelines.sql import quoted
from pipelines.warehouse import server_of


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
            publication = newest_with(settings.published, content_hash)
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


@contextmanager
def _only_publisher(settings: Settings) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(only_writer(settings.published, settings.busy_timeout_s, "publishing"))
            remove_leftovers(settings.published)
        except OSError as error:
            raise _cannot_write(settings.published, error) from error
        yield


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
    number = 1 + max(map(publication_number, publication_folders(published)), default=0)
    shown = (published / CURRENT).resolve()
    before = read_publication(shown) if shown.is_dir() else None
    is_comparable = before is not None and before.definitions_hash == definitions_hash
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
            before=before.folder if before is not None and is_comparable else None,
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


def _remove_old(published: Path, keep: int) -> None:
    """Keep the newest publications; the current one always stays.

    A folder is renamed before it is emptied, so that a folder with a publication's name is always complete.
    """
    current = (published / CURRENT).readlink().name
    for folder in publication_folders(published)[:-keep]:
        if folder.name != current:
            shutil.rmtree(folder.rename(published / f"{BUILDING}old-{folder.name}"))


def _cannot_write(published: Path, error: Exception) -> WarehouseError:
    return WarehouseError(
        f"{published}: the publication cannot be written: {error}",
        "Check free space and permissions, then try again; what was published before stays.",
    )
