"""Publications: what readers see, separate from the warehouse that is being written.

A publication is one folder: the ``published`` contracts of the warehouse as a DuckDB file, as Parquet, and as
one DuckDB file for each region with only that region's rows. It is built beside the others, made durable,
renamed into place, and then ``current`` is switched to it, each in one file-system step: a reader sees
either the previous publication or the new one. Nothing in a published folder is ever written again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from pipelines.embedded import connect
from pipelines.errors import WarehouseError
from pipelines.publishing.contracts import DATABASE, MANIFEST
from pipelines.settings import Settings
from pipelines.warehouse import open_warehouse

CURRENT = "current"
BUILT_FROM = ".built-from"


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
def reading_warehouse(settings: Settings) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """A connection that can write elsewhere, with the warehouse attached read-only; and the warehouse's name in it."""
    with connect() as connection:
        # timestamps in the snapshot must not depend on the machine's time zone
        connection.execute("set timezone = 'UTC'")
        yield connection, open_warehouse(settings).attach(connection)


def publication_folders(published: Path) -> list[Path]:
    """Folders of publications, oldest first: by number; older ones without a number by the time in their names."""
    found = [p for p in published.iterdir() if re.match(r"\d{8}T\d{6}Z-", p.name) and p.is_dir()]
    return sorted(found, key=lambda folder: (publication_number(folder), folder.name))


def publication_number(folder: Path) -> int:
    """The number of the publication; 0 if its manifest has none."""
    try:
        return int(json.loads((folder / MANIFEST).read_text(encoding="utf-8")).get("publication_no", 0))
    except (OSError, ValueError):
        return 0


def newest_with(published: Path, content_hash: str) -> Publication | None:
    """The newest publication, if it is complete and has this content.

    It is not always the current one: a process can die between the rename and the switch of the link.
    """
    folders = publication_folders(published)
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
